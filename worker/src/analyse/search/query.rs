//! What is searched: intervals, staff steps, note names, a contour or a rhythm, written as a musician would.

use crate::analyse::melody::Sung;
use crate::analyse::viewpoint::Clock;
use crate::score::Step;

/// The language of queries, in words.
pub(super) const GRAMMAR: &str = "semitones from note to note (`+2 +2 0 -4`), or `steps:` and staff positions (`steps: +1 +1 -2`), or note names, in any octave or in one (`C D Eb F#`, `C5 B4`), or a contour of U, D and R in one word, also as Parsons writes it (`UUD`, `*UUD`), or `rhythm:` and relative durations (`rhythm: 2 1 1`), of 2 to 64 of them";

/// Most elements of a query.
const ELEMENTS_MAX: usize = 64;

/// A query that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// Semitones from note to note.
    Semitones(Vec<i32>),
    /// Staff positions from note to note.
    Steps(Vec<i32>),
    /// -1 down, 0 repeated, 1 up.
    Contour(Vec<i32>),
    /// Sounding keys, with octave, or pitch classes (from 0) without.
    Notes(Vec<(i32, bool)>),
    /// Ratios of neighbouring durations, in lowest terms.
    Rhythm(Vec<(u64, u64)>),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').map_or(("", text), |(kind, rest)| (kind.trim(), rest));
        let words: Vec<&str> = rest.split_whitespace().collect();
        if words.len() > ELEMENTS_MAX {
            return Err(format!("{} elements are more than {ELEMENTS_MAX}", words.len()));
        }
        let query = match (kind, words.as_slice()) {
            ("", []) => return Err("it is empty".to_owned()),
            ("", [word]) if word.starts_with('*') || word.chars().all(|c| "UDR".contains(c)) => {
                Query::Contour(contour(word)?)
            }
            ("", [first, ..]) if first.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Query::Notes(words.iter().map(|word| note(word)).collect::<Result<_, _>>()?)
            }
            ("", words) => Query::Semitones(numbers(words)?),
            ("steps", words) => Query::Steps(numbers(words)?),
            ("rhythm", words) => Query::Rhythm(ratios(words)?),
            (kind, _) => return Err(format!("{kind:?} is neither `steps` nor `rhythm`")),
        };
        let (least, what) = match &query {
            Query::Rhythm(_) => (1, "durations"),
            Query::Notes(_) => (2, "notes"),
            _ => (2, "elements"),
        };
        if query.len() < least {
            return Err(format!("two {what} are the least that can be searched"));
        }
        Ok(query)
    }

    /// Whether a text is a query.
    pub(super) fn check(text: &str) -> Result<(), String> {
        Query::parse(text).map(drop)
    }

    /// How many elements are compared.
    pub(super) fn len(&self) -> usize {
        match self {
            Query::Semitones(values) | Query::Steps(values) | Query::Contour(values) => values.len(),
            Query::Notes(notes) => notes.len(),
            Query::Rhythm(ratios) => ratios.len(),
        }
    }

    /// How many more notes than elements an occurrence has.
    pub(super) fn extra(&self) -> usize {
        usize::from(!matches!(self, Query::Notes(_)))
    }

    /// For each element, whether it is what stands at a note.
    pub(super) fn matches(&self, note: &Sung, next: Option<&Sung>, clock: Clock, mut tell: impl FnMut(bool)) {
        let semitones = next.map(|next| next.pitch.key() - note.pitch.key());
        match self {
            Query::Semitones(values) => values.iter().for_each(|&value| tell(semitones == Some(value))),
            Query::Contour(values) => {
                values.iter().for_each(|&value| tell(semitones.map(i32::signum) == Some(value)));
            }
            Query::Steps(values) => {
                let steps = next.map(|next| next.pitch.diatonic() - note.pitch.diatonic());
                values.iter().for_each(|&value| tell(steps == Some(value)));
            }
            Query::Notes(notes) => {
                let key = note.pitch.key();
                let is =
                    |&(wanted, octave): &(i32, bool)| wanted == if octave { key } else { key.rem_euclid(12) };
                notes.iter().for_each(|wanted| tell(is(wanted)));
            }
            Query::Rhythm(ratios) => {
                let ratio = next.map(|next| clock.ratio(next.step, note.step));
                ratios.iter().for_each(|&wanted| tell(ratio == Some(wanted)));
            }
        }
    }
}

fn contour(word: &str) -> Result<Vec<i32>, String> {
    let letters = word.strip_prefix('*').unwrap_or(word);
    if letters.len() > ELEMENTS_MAX {
        return Err(format!("{} letters are more than {ELEMENTS_MAX}", letters.len()));
    }
    let sign = |letter| match letter {
        'U' => Ok(1),
        'D' => Ok(-1),
        'R' => Ok(0),
        other => Err(format!("a contour has U, D and R, not {other:?}")),
    };
    letters.chars().map(sign).collect()
}

fn numbers(words: &[&str]) -> Result<Vec<i32>, String> {
    let number = |word: &&str| {
        let signed = *word == "0" || word.starts_with(['+', '-']);
        let number = word.parse::<i32>().ok().filter(|number| signed && number.abs() <= 127);
        number.ok_or_else(|| {
            format!("{word:?} is no interval: +2 is one up, -2 one down, 0 the same note again")
        })
    };
    words.iter().map(number).collect()
}

fn note(word: &str) -> Result<(i32, bool), String> {
    let wrong = || format!("{word:?} is no note: C, F#, Bb are, and C5 with its octave");
    let letter = word.bytes().next().filter(u8::is_ascii_uppercase);
    let step = letter.and_then(Step::from_letter).ok_or_else(wrong)?;
    let rest = word.get(1..).unwrap_or_default();
    let octave = rest.trim_start_matches(['#', 'b']);
    let signs = rest.len() - octave.len();
    let alter: i32 = rest.chars().take(signs).map(|sign| if sign == '#' { 1 } else { -1 }).sum();
    let class = step.semitones() + alter;
    if octave.is_empty() {
        return Ok((class.rem_euclid(12), false));
    }
    let octave = octave.parse::<i32>().ok().filter(|octave| (-1..=9).contains(octave)).ok_or_else(wrong)?;
    Ok(((octave + 1) * 12 + class, true))
}

fn ratios(words: &[&str]) -> Result<Vec<(u64, u64)>, String> {
    let duration = |word: &&str| {
        let (times, parts) = word.split_once('/').unwrap_or((word, "1"));
        let read = |text: &str| text.parse::<i64>().ok().filter(|number| (1..=1024).contains(number));
        let fraction = read(times).zip(read(parts));
        fraction.ok_or_else(|| format!("{word:?} is no duration: 1, 2 and 1/2 are, and 3/2 for a dot"))
    };
    let durations = words.iter().map(duration).collect::<Result<Vec<_>, _>>()?;
    let pairs = durations.iter().zip(durations.iter().skip(1));
    let ratio = |(&(a, b), &(c, d)): (&(i64, i64), &(i64, i64))| {
        crate::score::Ticks(c * b).ratio(crate::score::Ticks(d * a))
    };
    Ok(pairs.map(ratio).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_write_a_query() {
        for (text, query) in [
            ("+2 +2 0 -4", Query::Semitones(vec![2, 2, 0, -4])),
            ("steps: +1 -2", Query::Steps(vec![1, -2])),
            ("UUDR", Query::Contour(vec![1, 1, -1, 0])),
            ("*UD", Query::Contour(vec![1, -1])),
            ("C Eb F# Cb", Query::Notes(vec![(0, false), (3, false), (6, false), (11, false)])),
            ("C4 Bb3", Query::Notes(vec![(60, true), (58, true)])),
            ("D D", Query::Notes(vec![(2, false), (2, false)])),
            ("rhythm: 2 1 1/2 3/2", Query::Rhythm(vec![(1, 2), (1, 2), (3, 1)])),
        ] {
            assert_eq!(Query::parse(text), Ok(query), "{text}");
        }
    }

    #[test]
    fn a_bad_query_says_what_would_be_right() {
        for (text, part) in [
            ("", "empty"),
            ("2 2", "+2 is one up"),
            ("+2", "least"),
            ("C", "least"),
            ("C H", "\"H\" is no note"),
            ("C D4x", "no note"),
            ("UUX D", "no note"),
            ("*UX", "'X'"),
            ("tempo: 1", "neither"),
            ("rhythm: 1 0", "no duration"),
            ("rhythm: 1", "least"),
            ("+2 +999", "no interval"),
            ("é è", "no interval"),
            ("Cé D", "no note"),
        ] {
            let why = Query::parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(Query::parse(&"+1 ".repeat(65)).unwrap_err().contains("64"));
    }
}
