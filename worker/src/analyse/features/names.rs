//! Which General MIDI program an instrument is, by what the source calls it.

use crate::score::{Notation, Part};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The names of instruments in six languages, as music21 10.5.1 knows them (copyright Michael Scott Asato Cuthbert, BSD
/// licence), and the codes of Humdrum behind a star: lines of what kind of instrument it is, its program from 0 (or `-`),
/// how many words its full name has, of which more general kinds it is, and its names.
static NAMES: &str = include_str!("instruments.txt");

/// How many words of a name are looked at.
const WORDS_MAX: usize = 12;

/// A kind of instrument.
struct Class {
    name: &'static str,
    program: Option<u8>,
    words: usize,
    general: Vec<&'static str>,
}

/// An instrument, by what makes it the same as another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instrument {
    pub(super) name: String,
    /// From 0, where it is known.
    pub(super) program: Option<u8>,
}

/// The kinds and their names.
type Table = (Vec<Class>, BTreeMap<&'static str, usize>);

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let (mut classes, mut names) = (Vec::new(), BTreeMap::new());
        for line in NAMES.lines() {
            let mut cells = line.split('\t');
            let mut next = || cells.next().unwrap_or_default();
            let (name, program, words, general) = (next(), next().parse().ok(), next(), next());
            names.extend(next().split('|').map(|name| (name, classes.len())));
            let words = words.parse().unwrap_or(1);
            classes.push(Class { name, program, words, general: general.split(' ').collect() });
        }
        (classes, names)
    })
}

/// The kind of instrument that a name is of: of the kinds that its words name, the one with the longest full name; of
/// equals the last, unless it is only more general.
fn class_of(name: &str) -> Option<&'static Class> {
    let (classes, names) = table();
    let plain: String = name.replace('.', " ").to_lowercase();
    let plain: String = plain.chars().filter(|letter| !letter.is_ascii_punctuation()).collect();
    let words: Vec<&str> = plain.split_whitespace().take(WORDS_MAX).collect();
    let mut best: Option<&Class> = None;
    for size in 1..=words.len() {
        for some in words.windows(size) {
            let Some(class) = names.get(some.join(" ").as_str()).and_then(|&index| classes.get(index)) else {
                continue;
            };
            let better = |best: &Class| {
                class.words >= best.words && class.name != best.name && !best.general.contains(&class.name)
            };
            if best.is_none_or(better) {
                best = Some(class);
            }
        }
    }
    best
}

/// The program that a part states, or else that its instrument's or its own name is of.
pub(super) fn of(part: &Part) -> Instrument {
    let stated = part.program.map(|program| program.saturating_sub(1));
    let mut named = [&part.instrument, &part.name].into_iter().flatten().filter_map(|name| class_of(name));
    Instrument { name: String::new(), program: stated.or_else(|| named.find_map(|class| class.program)) }
}

/// The instrument that music21 sees in a part, if any: in MusicXML by its program, but for the piano, which a better name
/// overrules; in kern by Humdrum's code alone; in ABC never.
pub(super) fn as_music21(notation: Option<Notation>, part: &Part) -> Option<Instrument> {
    let name = part.instrument.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let stated = part.program.map(|program| program.saturating_sub(1));
    let program = match notation {
        Some(Notation::Abc) => return None,
        Some(Notation::Kern) => {
            let (classes, names) = table();
            let code = format!("*{}", name?);
            classes.get(*names.get(code.as_str())?)?.program
        }
        Some(Notation::MusicXml) if stated == Some(0) => {
            name.map_or(stated, |name| class_of(name).and_then(|class| class.program))
        }
        _ => stated,
    };
    let called =
        name.map_or_else(|| program.map(|program| program.to_string()).unwrap_or_default(), str::to_owned);
    Some(Instrument { name: called, program })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `instrument.fromString` of music21 10.5.1 has them, the bass clarinet too.
    #[test]
    fn names_of_instruments_lead_to_their_programs() {
        let cases = [
            ("Violin I", Some(40)),
            ("Soprano Saxophone", Some(64)),
            ("Klarinette in B.", Some(71)),
            ("Cl. basso", Some(53)),
            ("Instrument 1", None),
            ("Soprano", Some(53)),
        ];
        for (name, program) in cases {
            assert_eq!(class_of(name).and_then(|class| class.program), program, "{name}");
        }
    }
}
