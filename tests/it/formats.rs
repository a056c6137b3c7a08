//! Holds the pages of the formats to what they say: each row of their tables names fixtures, and what is read of them.
//!
//! The last cell of a row is a list such as `` `piano.musicxml`: `key -1 major at 0`, `no warning` ``: a file of
//! `tests/data/scores/<format>/`, and facts about it. A fact is (part of) a line that [`facts::of`] tells of the file; one
//! that begins with `no ` says that there is no such line. Every `<element>` that a row names must be in one of its
//! fixtures, so that nothing is claimed of what is not there.

mod facts;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tests::{data, files_under};
use worker::read::READERS;

/// A row of a table: what it is about, and its fixtures with their facts.
struct Row {
    construct: String,
    elements: Vec<String>,
    shown: Vec<(String, Vec<String>)>,
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn is_file(name: &str) -> bool {
    let extensions = READERS.iter().flat_map(|reader| reader.format().extensions);
    name.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.contains(' ') && extensions.into_iter().any(|extension| *extension == end)
    })
}

/// The rows of a page's tables.
fn rows(page: &str) -> Vec<Row> {
    let lines = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|--"));
    lines
        .map(|line| line.replace("\\|", "\u{1}"))
        .map(|line| {
            line.trim_matches('|').split('|').map(|cell| cell.replace('\u{1}', "|")).collect::<Vec<_>>()
        })
        .filter(|cells| cells[0].trim() != "construct")
        .map(|cells| {
            assert_eq!(cells.len(), 4, "a row has four cells: {cells:?}");
            let mut shown: Vec<(String, Vec<String>)> = Vec::new();
            for text in quoted(&cells[3]) {
                match shown.last_mut() {
                    _ if is_file(&text) => shown.push((text, Vec::new())),
                    Some((_, facts)) => facts.push(text),
                    None => panic!("{}: a fact before its fixture: {text}", cells[0]),
                }
            }
            let elements = quoted(&cells[1])
                .into_iter()
                .filter_map(|text| Some(text.strip_prefix('<')?.split([' ', '>']).next()?.to_owned()));
            Row { construct: cells[0].trim().to_owned(), elements: elements.collect(), shown }
        })
        .collect()
}

fn page(format: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/formats/{format}.md"));
    rows(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Everything about a page that is not so.
fn faults(format: &str) -> Vec<String> {
    let folder = data().join("scores").join(format);
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for row in page(format) {
        let construct = &row.construct;
        if row.shown.is_empty() {
            faults.push(format!("{construct}: no fixture"));
        }
        let mut texts = String::new();
        for (name, claims) in &row.shown {
            used.insert(name.clone());
            let Ok(bytes) = fs::read(folder.join(name)) else {
                faults.push(format!("{construct}: there is no {name}"));
                continue;
            };
            let facts = facts::of(&bytes, name);
            if claims.is_empty() {
                faults.push(format!("{construct}: nothing is said of {name}"));
            }
            for claim in claims.iter().filter(|claim| !facts::hold(&facts, claim)) {
                faults.push(format!(
                    "{construct}: {name} does not give `{claim}`; it gives\n{}",
                    facts.join("\n")
                ));
            }
            texts.push_str(&String::from_utf8_lossy(&bytes));
        }
        let missing = row.elements.iter().filter(|element| !facts::has_element(&texts, element));
        faults.extend(missing.map(|element| format!("{construct}: <{element}> is in none of its fixtures")));
    }
    let names =
        files_under(&folder).into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let idle = names.filter(|name| is_file(name) && !used.contains(name));
    faults.extend(idle.map(|name| format!("{name} is named by no row")));
    faults
}

macro_rules! pages {
    ($($format:ident),+) => {$(
        #[test]
        fn $format() {
            let faults = faults(stringify!($format));
            assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n\n"));
        }
    )+};
}

pages!(musicxml, midi, abc, kern);

#[test]
fn every_element_of_musicxml_has_a_row() {
    let elements = fs::read_to_string(data().join("musicxml-4.0-elements.txt")).unwrap();
    let told: BTreeSet<String> = page("musicxml").into_iter().flat_map(|row| row.elements).collect();
    let known: BTreeSet<String> = elements.lines().map(str::to_owned).collect();
    assert_eq!(known, told, "the elements of the specification, and those of the page");
}

#[test]
fn a_page_that_claims_what_is_not_so_is_found_out() {
    let row =
        &rows("| `x` | \\| and `<note>` | read | `a.abc`: `2 notes`, `no rest`; `b.abc`: `1 note` |")[0];
    assert_eq!((row.elements.as_slice(), row.shown.len()), (&["note".to_owned()][..], 2));
    let facts = facts::of(b"X:1\nL:1/4\nK:G\nFz|\n", "a.abc");
    for (claim, holds) in [
        ("note F#4 at 0 lasts 1", true),
        ("note F#4 at 0 lasts", true),
        ("note F#4 at 0 lasts 1/2", false),
        ("note F4", false),
        ("no grace", true),
        ("no rest", false),
        ("1 note", true),
        ("11 notes", false),
        ("key 1 major", true),
    ] {
        assert_eq!(facts::hold(&facts, claim), holds, "{claim} of {facts:?}");
    }
}
