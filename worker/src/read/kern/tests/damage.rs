//! What is wrong is told, the rest is read, and nothing is lost in silence.

use super::{FIXTURES, notes, read, read_as};
use crate::read::kern::Kern;
use crate::read::{HEAD_BYTES, ReadOptions, ScoreReader};
use crate::score::Score;
use proptest::prelude::*;
use shared::failure::FailureKind;
use shared::limits::Limits;
use std::path::{Path, PathBuf};

/// The first failure that the reading tells, in a piece or of the file.
fn complaint(text: &str) -> String {
    let (scores, failure) = read(text);
    let damage = scores.iter().find_map(|score| score.damage.clone());
    damage.or(failure).map_or_else(|| "none".to_owned(), |failure| failure.to_string())
}

/// Two spines with a body, `|` for tab and `/` for the end of a line.
fn two_spines(body: &str) -> String {
    format!("**kern\t**kern\n{}", body.replace('|', "\t").replace('/', "\n"))
}

#[test]
fn damage_is_told_with_its_place_and_the_rest_is_read() {
    let run_together = "malformed: \"4c4d\" is more than one duration: the first was read (line 2, column 1)";
    for (body, expected, steps) in [
        ("4c|4e/4d/4f|4g/*-|*-/", "malformed: 1 columns where 2 are open (line 3, column 1)", "CEDFG"),
        ("4c|4e|4g/4f|4g/*-|*-/", "malformed: 3 columns where 2 are open (line 2, column 1)", "CEGFG"),
        ("4c 4e/4f|4g/*-|*-/", "malformed: 1 columns where 2 are open (line 2, column 1)", "CEFG"),
        (
            "*^|*/4c|4e/*-|*-/",
            "malformed: 2 columns where the manipulators before leave 3 (line 3, column 1)",
            "CE",
        ),
        (
            "*v|*v/4c|4e/*-|*-/",
            "malformed: 2 columns where the manipulators before leave 1 (line 3, column 1)",
            "CE",
        ),
        ("4c|4H/4d|4e/*-|*-/", "malformed: \"4H\" has a duration and no pitch (line 2, column 4)", "CDE"),
        ("4c|4e 4x!/*-|*-/", "malformed: \"4x!\" has a duration and no pitch (line 2, column 7)", "CE"),
        ("4c4d|4e/*-|*-/", run_together, "CE"),
        (
            "4c|4e/4f|",
            "malformed: the end before every spine was ended with *-: the file may be cut off (line 3, column 1)",
            "CEF",
        ),
        (
            "4c|4e/*-|*-/4c/",
            "malformed: something after every spine was ended, where ** would open a piece (line 4, column 1)",
            "CE",
        ),
        (
            "*|*+/4c|4d|4e/*-|*-|*-/",
            "malformed: \"4e\" in a column that did not say what it holds (line 3, column 7)",
            "CD",
        ),
        ("=1|4e/4c|4d/*-|*-/", "malformed: \"4e\" among barlines (line 2, column 4)", "CD"),
        ("*|4e/4c|4d/*-|*-/", "malformed: \"4e\" among interpretations (line 2, column 3)", "CD"),
    ] {
        let text = two_spines(body);
        assert_eq!(complaint(&text), expected, "{body}");
        let (scores, _) = read(&text);
        let mut notes: Vec<_> = scores[0].notes.iter().map(|note| (note.place, note.written.step)).collect();
        notes.sort();
        assert_eq!(notes.iter().map(|note| format!("{:?}", note.1)).collect::<String>(), steps, "{body}");
    }
}

#[test]
fn what_is_only_odd_is_a_warning() {
    for (body, expected) in [
        ("4c|4e//4d|4f/", "an empty line: a comment or nothing would be right"),
        ("*v|*/4c|4e/", "*v without a neighbour to join"),
        ("*x|*/4c|4e/", "*x without a neighbour to swap with"),
        ("4c|/", "an empty column: a dot stands for nothing new"),
        ("2c|4e/4d|4f/", "what came before in this column ends at 1 quarters, this line begins at 2"),
        ("c|4e/", "\"c\" has no duration: taken for a quarter note"),
        ("*M4|*/4c|4e/", "\"*M4\" is no meter: *M3:4 is one"),
        ("4c|4e/=2/4d|4f/", "1 columns where 2 are open"),
        ("4c 2e|2c/4d|./", "\"2e\" has another length than its chord"),
        ("00yy|00c/", "\"00yy\" is a duration without a note or a rest"),
    ] {
        let (scores, failure) = read(two_spines(&format!("{body}*-|*-/")));
        assert_eq!((failure, &scores[0].damage), (None, &None), "{body}");
        let warnings: Vec<_> =
            scores[0].warnings.iter().map(|warning| warning.message.replace('/', ":")).collect();
        assert_eq!(warnings, [expected], "{body}");
    }
}

#[test]
fn a_piece_without_an_end_ends_where_the_next_begins() {
    let (scores, failure) = read("**kern\n4c\n**kern\n4d\n*-\n");
    assert_eq!((scores.len(), failure, &scores[0].damage), (2, None, &None));
    assert_eq!(scores[0].warnings[0].message.as_ref(), "a new piece before the last one ended with *-");
    assert_eq!(notes(&scores[1], 0), ["0 D4 1"]);
}

#[test]
fn a_column_says_what_it_holds() {
    let expected =
        "malformed: \"kern\" does not say what the column holds, as **kern does (line 1, column 8)";
    assert_eq!(complaint("**kern\tkern\n4c\t4e\n*-\t*-\n"), expected);
}

#[test]
fn what_is_no_kern_is_refused() {
    assert_eq!(
        complaint("**harm\t**text\nI\ta\n*-\t*-\n"),
        "unsupported: no **kern spine, only **harm, **text (line 1, column 1)"
    );
    assert!(complaint("4c\t4d\n").starts_with("malformed: something before the line that says"));
    assert!(complaint("").starts_with("malformed: no line that says what the spines hold"));
}

#[test]
fn the_opening_is_recognised() {
    let long = format!("!!!OTL: x\n{}", "!! y\n".repeat(2000));
    for (head, yes) in [
        ("**kern\n", true),
        ("\u{FEFF}!!!COM: x\r\n!! y\r\n\r\n**text\t**kern\r\n", true),
        (&long[..HEAD_BYTES], true),
        ("!!!OTL: x\n", false),
        ("** bold **\n", false),
        ("X:1\n**kern\n", false),
        ("", false),
    ] {
        assert_eq!(Kern.recognises(head.as_bytes()), yes, "{head:.40}");
    }
}

#[test]
fn spines_are_bounded() {
    let mut text = "**kern\n".to_owned();
    for doubled in 0..12 {
        text += &vec!["*^"; 1 << doubled].join("\t");
        text += "\n";
    }
    assert!(complaint(&text).starts_with("too_large: more than spines_max = 1000"), "{}", complaint(&text));
    let limits = Limits { spines_max: 3, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let (_, failure) = read_as(b"**kern\t**kern\t**text\t**text\n", &options);
    assert_eq!(failure.unwrap().kind, FailureKind::TooLarge);
}

/// Whatever was lost was said: the counts agree, or something is reported.
fn loses_nothing_silently(bytes: &[u8]) -> bool {
    let (scores, failure) = read(bytes);
    let agrees = |score: &Score| score.conservation.iter().all(|count| count.declared == Some(count.read));
    failure.is_some() || scores.iter().all(|score| score.damage.is_some() || agrees(score))
}

#[test]
fn a_cut_file_is_reported() {
    for (index, fixture) in FIXTURES.iter().enumerate() {
        let end = fixture.windows(2).rposition(|pair| pair == b"*-").unwrap();
        for cut in 0..end {
            let (scores, failure) = read(&fixture[..cut]);
            let damaged = scores.last().is_some_and(|score| score.damage.is_some());
            // Between its two pieces the file of two is whole.
            assert!(damaged || failure.is_some() || index == 5, "{index} {cut}");
            assert!(loses_nothing_silently(&fixture[..cut]), "{index} {cut}");
        }
    }
}

const PIECES: &str = "(\\*\\*kern|\\*\\^|\\*v|\\*x|\\*\\+|\\*-|\\*|=[0-9]?|\\t|\\t|\\n|\\n|\\r|\\.| |!|\
    [0-9%.]{0,3}[a-gA-GrR#q\\[\\]_-]{0,3}){0,120}";

/// Found by the test of damaged scores: a barline in a column of harmonies, on a line with more columns than the first has.
#[test]
fn a_barline_beside_the_notes_alone_is_told_and_begins_no_measure() {
    let text = "**harm\t**kern\n=1\t=1\nI\t4c\n*\t*^\nV\t4d\t4f\n=\t.\t.\n.\t4e\t4g\n*\t*v\t*v\n*-\t*-\n";
    let (scores, failure) = read(text.as_bytes());
    assert!(failure.is_none() && loses_nothing_silently(text.as_bytes()));
    let [score] = &scores[..] else { panic!("{} pieces", scores.len()) };
    assert_eq!(score.measures.len(), 1);
    let warnings: Vec<String> =
        score.warnings.iter().map(|warning| format!("{} ({})", warning.message, warning.place)).collect();
    assert_eq!(warnings, ["a barline beside the notes, where these have none (line 6, column 1)"]);
}

/// Found by the same test: notes in a column of an unknown kind, after it was split, were counted for a measure of the kern beside it.
#[test]
fn notes_in_a_column_of_another_kind_begin_no_measure() {
    let text = "**kern\t**ern\n=1\t=1\n=\t2e\n*\t*^\n.\t[4g\t4c\n=2\t=2\t=2\n1GG\t2g_\t4B\n*-\t*-\t*-\n";
    assert!(loses_nothing_silently(text.as_bytes()));
    assert_eq!(read(text.as_bytes()).0.iter().map(|score| score.warning_count).sum::<u64>(), 0);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in PIECES) {
        let text = format!("**kern\t**kern\n{bytes}");
        prop_assert!(loses_nothing_silently(text.as_bytes()));
    }

    #[test]
    fn no_damaged_score_makes_it_panic(
        which in 0..FIXTURES.len(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = FIXTURES[which].to_vec();
        for (place, byte) in changes {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        prop_assert!(loses_nothing_silently(&bytes));
    }
}

/// The kern files below a folder, in order.
fn kern_files(root: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "krn") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn the_corpora_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/dev");
    if !root.is_dir() {
        println!("skipped: no corpora beside the project");
        return;
    }
    let (mut pieces, mut damaged) = (0, Vec::new());
    for path in kern_files(&root) {
        let bytes = std::fs::read(&path).unwrap();
        let (scores, failure) = read(&bytes);
        assert!(loses_nothing_silently(&bytes), "{}", path.display());
        pieces += scores.len();
        if failure.is_some() || scores.iter().any(|score| score.damage.is_some()) {
            damaged.push(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    assert!(pieces > 700, "{pieces}");
    damaged.retain(|name| !name.starts_with("malformed-derived"));
    // Seven files with typing errors, one that joins what it never split, and one of rhythms alone.
    assert_eq!(damaged.len(), 9, "{damaged:#?}");
}
