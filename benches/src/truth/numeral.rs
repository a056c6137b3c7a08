//! What a figure says: the key, root, triad and inversion behind `viio65/V`, in the two spellings that the corpora use.

/// A key: pitch class of its tonic, and whether it is minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Pitch class.
    pub tonic: usize,
    /// Minor, else major.
    pub minor: bool,
}

/// A chord, as far as analyses are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Pitch class of its root.
    pub root: usize,
    /// `major`, `minor`, `diminished`, `augmented`, or `other`.
    pub triad: &'static str,
    /// Index of the member in the bass.
    pub inversion: usize,
    /// Semitones of its seventh above the root, if it has one.
    pub seventh: Option<usize>,
}

/// How figures are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `V65/V`, `Ger65`, `Cad64`: RomanText.
    RomanText,
    /// `V7b/V`, `Gn`, `Cc`: the `**harm` of the Humdrum tools.
    Harm,
}

const NUMERALS: [&str; 7] = ["III", "VII", "II", "IV", "VI", "I", "V"];
const DEGREES: [usize; 7] = [2, 6, 1, 3, 5, 0, 4];
const MAJOR: [usize; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [usize; 7] = [0, 2, 3, 5, 7, 8, 10];

impl Key {
    /// A tonic and a mode from a letter with accidentals, in capitals for major: `Eb`, `f#`, `B-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letter = text.chars().next()?;
        let natural = "C D EF G A B".find(letter.to_ascii_uppercase())?;
        let signs = accidentals(&text[1..])?;
        Some(Key { tonic: shift(natural, signs), minor: letter.is_ascii_lowercase() })
    }

    /// The key of which a degree is the tonic.
    fn of_degree(self, numeral: &str) -> Option<Self> {
        let (degree, rest) = degree(numeral, self, "")?;
        (rest.is_empty() || rest == "o").then_some(Key { tonic: degree.class, minor: degree.small })
    }

    /// The key in which `V/ii` or `IV/V` is `V` or `IV`: this one if nothing is applied.
    #[must_use]
    pub fn applied(self, figure: &str) -> Option<Self> {
        let figure = figure.replace("/o", "ø");
        figure.split('/').skip(1).collect::<Vec<_>>().iter().rev().try_fold(self, |key, of| key.of_degree(of))
    }
}

struct Degree {
    class: usize,
    small: bool,
}

fn shift(class: usize, by: i32) -> usize {
    (class as i32 + by).rem_euclid(12) as usize
}

fn accidentals(text: &str) -> Option<i32> {
    text.chars().try_fold(0, |sum, sign| match sign {
        '#' => Some(sum + 1),
        'b' | '-' => Some(sum - 1),
        _ => None,
    })
}

/// The degree that a numeral names, and what stands behind it. In minor the sixth and seventh are natural in capitals, and
/// raised in small letters and where `triad` is diminished.
fn degree<'a>(text: &'a str, key: Key, triad: &str) -> Option<(Degree, &'a str)> {
    let signs = text.len() - text.trim_start_matches(['b', '#', '-']).len();
    let (sign, rest) = text.split_at(signs);
    let (numeral, index) = NUMERALS.iter().zip(DEGREES).find(|(numeral, _)| {
        rest.get(..numeral.len()).is_some_and(|at| at == **numeral || at == numeral.to_lowercase())
    })?;
    let small = rest.starts_with(|c: char| c.is_ascii_lowercase());
    let behind = &rest[numeral.len()..];
    let mut sign = accidentals(sign)?;
    let scale = if key.minor { MINOR } else { MAJOR };
    let mut above = scale[index];
    if key.minor && index >= 5 {
        let raised = small || behind.starts_with(['o', 'ø', '°']) || triad == "diminished";
        // A sign that only says what the case says already is not counted twice.
        if (raised && sign > 0) || (!raised && sign < 0) {
            sign = 0;
        }
        above += usize::from(raised);
    }
    Some((Degree { class: shift(key.tonic + above, sign), small }, behind))
}

/// The chord of a figure in a key; none for what is no chord that can be named (`?`, a common-tone diminished chord).
#[must_use]
pub fn chord(figure: &str, key: Key, spelling: Spelling) -> Option<Chord> {
    let figure = figure.trim_matches(['(', ')']).replace("/o", "ø");
    let (base, no_third) = match figure.find('[') {
        Some(at) => (&figure[..at], figure.contains("[no3]")),
        None => (&figure[..], false),
    };
    let key = key.applied(&figure.split('[').next()?.replace("/o", "ø"))?;
    let base = base.split('/').next()?;
    let special = match spelling {
        Spelling::RomanText => base.trim_end_matches(|c: char| c.is_ascii_digit()),
        Spelling::Harm => base.trim_end_matches(['b', 'c', 'd']),
    };
    let sixth = |above, inversion| {
        let seventh = (inversion == 2).then_some(10);
        Some(Chord { root: (key.tonic + above) % 12, triad: "other", inversion, seventh })
    };
    let cadential = if key.minor { "minor" } else { "major" };
    match special {
        "Cad" => return Some(Chord { root: key.tonic, triad: cadential, inversion: 2, seventh: None }),
        "C" if base == "Cc" => {
            return Some(Chord { root: key.tonic, triad: cadential, inversion: 2, seventh: None });
        }
        "Ger" | "Gn" | "It" | "Lt" => return sixth(6, 1),
        "Fr" => return sixth(2, 2),
        "N" => {
            let inversion = usize::from(base == "Nb" || base == "N6");
            return Some(Chord { root: (key.tonic + 1) % 12, triad: "major", inversion, seventh: None });
        }
        _ => {}
    }
    let (degree, rest) = degree(base, key, "")?;
    let mut chord = match spelling {
        Spelling::RomanText => roman_text(rest, &degree, key)?,
        Spelling::Harm => harm(rest, &degree, key)?,
    };
    if no_third {
        chord.triad = "other";
    }
    Some(chord)
}

/// The triad that sign and case say, and what stands behind the sign.
fn triad<'a>(rest: &'a str, degree: &Degree) -> (&'static str, &'a str) {
    let behind = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
    match rest.chars().next() {
        Some('o' | 'ø' | '°') => ("diminished", behind),
        Some('+') => ("augmented", behind),
        _ if degree.small => ("minor", rest),
        _ => ("major", rest),
    }
}

/// The seventh that the key has above a root: a dominant's is minor.
fn seventh(degree: &Degree, triad: &str, key: Key) -> usize {
    let above = (degree.class + 12 - key.tonic) % 12;
    let scale = if key.minor { MINOR } else { MAJOR };
    let major = scale.contains(&((above + 11) % 12));
    match triad {
        "diminished" if key.minor || !scale.contains(&((above + 10) % 12)) => 9,
        "major" | "augmented" if major && above != 7 => 11,
        _ => 10,
    }
}

fn roman_text(rest: &str, degree: &Degree, key: Key) -> Option<Chord> {
    let half = rest.starts_with('ø');
    let full = rest.starts_with(['o', '°']);
    let (triad, rest) = triad(rest, degree);
    let (rest, major) = match rest.strip_prefix('M').or(rest.strip_prefix("maj")) {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let figures: String = rest.chars().filter(char::is_ascii_digit).collect();
    let (inversion, has_seventh) = match figures.as_str() {
        "6" | "63" => (1, false),
        "64" => (2, false),
        "65" => (1, true),
        "43" => (2, true),
        "42" | "2" => (3, true),
        other => (0, half || other.contains(['7', '9'])),
    };
    let of = if half {
        10
    } else if full {
        9
    } else if major {
        11
    } else {
        seventh(degree, triad, key)
    };
    Some(Chord { root: degree.class, triad, inversion, seventh: has_seventh.then_some(of) })
}

fn harm(rest: &str, degree: &Degree, key: Key) -> Option<Chord> {
    let (triad, rest) = triad(rest, degree);
    let bare = rest.trim_end_matches(['b', 'c', 'd']);
    let inversion = match &rest[bare.len()..] {
        "" => 0,
        "b" => 1,
        "c" => 2,
        "d" => 3,
        _ => return None,
    };
    let has_seventh = bare.contains(['7', '9']);
    let of = match bare.chars().next() {
        Some('D') => 9,
        Some('m') => 10,
        Some('M') => 11,
        _ if bare.starts_with("7m") => 10,
        _ => seventh(degree, triad, key),
    };
    Some(Chord { root: degree.class, triad, inversion, seventh: has_seventh.then_some(of) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_name_the_chords_that_their_tables_say() {
        let table = [
            ("C", "V65/V", (2, "major", 1, Some(10))),
            ("C", "viio7/ii", (1, "diminished", 0, Some(9))),
            ("C", "viiø43", (11, "diminished", 2, Some(10))),
            ("C", "IV7", (5, "major", 0, Some(11))),
            ("C", "vii/o7/V", (6, "diminished", 0, Some(10))),
            ("c", "viio6", (11, "diminished", 1, None)),
            ("c", "VI", (8, "major", 0, None)),
            ("c", "bVII", (10, "major", 0, None)),
            ("c", "#viio7", (11, "diminished", 0, Some(9))),
            ("c", "V42/III", (10, "major", 3, Some(10))),
            ("c", "Ger65", (6, "other", 1, None)),
            ("C", "bII6", (1, "major", 1, None)),
            ("f#", "Cad64", (6, "minor", 2, None)),
            ("C", "V7[no3]", (7, "other", 0, Some(10))),
        ];
        for (key, figure, (root, triad, inversion, seventh)) in table {
            let found = chord(figure, Key::parse(key).unwrap(), Spelling::RomanText);
            assert_eq!(found, Some(Chord { root, triad, inversion, seventh }), "{key} {figure}");
        }
        let table = [
            ("C", "V7b/V", (2, "major", 1, Some(10))),
            ("c", "viioD7b/V/V", (1, "diminished", 1, Some(9))),
            ("E-", "iim7d", (5, "minor", 3, Some(10))),
            ("C", "Cc/V", (7, "major", 2, None)),
            ("C", "Nb", (1, "major", 1, None)),
            ("c", "Lt", (6, "other", 1, None)),
            ("C", "I/-VI", (8, "major", 0, None)),
            ("C", "(Vb/vi)", (4, "major", 1, None)),
            ("C", "IV[iib]", (5, "major", 0, None)),
        ];
        for (key, figure, (root, triad, inversion, seventh)) in table {
            let found = chord(figure, Key::parse(key).unwrap(), Spelling::Harm);
            assert_eq!(found, Some(Chord { root, triad, inversion, seventh }), "{key} {figure}");
        }
        assert_eq!(chord("Cto7", Key::parse("C").unwrap(), Spelling::Harm), None);
    }
}
