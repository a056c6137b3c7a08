//! Chord symbols as a player reads them, from the two ways in which spines spell them out.

/// Kinds of chords by their MusicXML names, which `**mxhm` has, with the shorthands of Harte's syntax and the symbol.
const KINDS: [(&str, &str, &str); 27] = [
    ("major", "maj", ""),
    ("minor", "min", "m"),
    ("augmented", "aug", "aug"),
    ("diminished", "dim", "dim"),
    ("dominant", "7", "7"),
    ("major-seventh", "maj7", "maj7"),
    ("minor-seventh", "min7", "m7"),
    ("diminished-seventh", "dim7", "dim7"),
    ("augmented-seventh", "", "aug7"),
    ("half-diminished", "hdim7", "m7b5"),
    ("major-minor", "minmaj7", "mMaj7"),
    ("major-sixth", "maj6", "6"),
    ("minor-sixth", "min6", "m6"),
    ("dominant-ninth", "9", "9"),
    ("major-ninth", "maj9", "maj9"),
    ("minor-ninth", "min9", "m9"),
    ("dominant-11th", "11", "11"),
    ("major-11th", "maj11", "maj11"),
    ("minor-11th", "min11", "m11"),
    ("dominant-13th", "13", "13"),
    ("major-13th", "maj13", "maj13"),
    ("minor-13th", "min13", "m13"),
    ("suspended-second", "sus2", "sus2"),
    ("suspended-fourth", "sus4", "sus4"),
    ("power", "5", "5"),
    ("pedal", "", "pedal"),
    ("none", "N", "N.C."),
];

/// `C# minor-seventh/G#`: root, kind, bass. A flat is `-`. A kind without a root stands for itself.
pub(super) fn from_kind(text: &str) -> String {
    let (chord, bass) = text.split_once('/').unwrap_or((text, ""));
    let (root, kind) = chord.trim().split_once(' ').unwrap_or((chord.trim(), ""));
    if KINDS.last().is_some_and(|none| kind.trim() == none.0 || chord.trim() == none.0) {
        return "N.C.".to_owned();
    }
    let known = KINDS.iter().find(|(name, ..)| *name == kind.trim());
    symbol(&flats(root), known.map_or(kind.trim(), |kind| kind.2), &flats(bass.trim()))
}

/// `Bb:min7/b3`: root, shorthand with degrees, and the bass as a degree over the root. `N` is no chord.
pub(super) fn from_harte(text: &str) -> String {
    let (chord, bass) = text.split_once('/').unwrap_or((text, ""));
    let (root, kind) = chord.split_once(':').unwrap_or((chord, "maj"));
    if root == "N" {
        return "N.C.".to_owned();
    }
    let end = kind.find('(').unwrap_or(kind.len());
    let (shorthand, degrees) = kind.split_at_checked(end).unwrap_or((kind, ""));
    let known = KINDS.iter().find(|(_, name, _)| !name.is_empty() && *name == shorthand);
    let kind = format!("{}{degrees}", known.map_or(shorthand, |kind| kind.2));
    symbol(&flats(root), &kind, &degree(&flats(root), bass).unwrap_or_default())
}

fn symbol(root: &str, kind: &str, bass: &str) -> String {
    let slash = if bass.is_empty() || bass == root { "" } else { "/" };
    let bass = if slash.is_empty() { "" } else { bass };
    format!("{root}{kind}{slash}{bass}")
}

fn flats(name: &str) -> String {
    name.replace('-', "b")
}

/// The name of a degree over a root: `b3` over `A` is `C`. `None` for what is no root or no degree.
fn degree(root: &str, degree: &str) -> Option<String> {
    const LETTERS: [(char, i32); 7] = [('C', 0), ('D', 2), ('E', 4), ('F', 5), ('G', 7), ('A', 9), ('B', 11)];
    let sharps = |text: &str| {
        text.chars()
            .map(|c| {
                if c == '#' {
                    1
                } else if c == 'b' {
                    -1
                } else {
                    0
                }
            })
            .sum::<i32>()
    };
    let number = degree.trim_start_matches(['b', '#']);
    let steps = number.parse::<usize>().ok()?.checked_sub(1)?;
    let letter = root.chars().next()?;
    let from = LETTERS.iter().position(|&(name, _)| name == letter)?;
    let &(name, key) = LETTERS.get((from + steps) % 7)?;
    let (_, root_key) = LETTERS.get(from)?;
    let (_, wanted) = LETTERS.get(steps % 7)?;
    // What the plain letter lacks of the degree of a major scale.
    let lacks = (wanted - (key - root_key)).rem_euclid(12);
    let lacks = if lacks > 6 { lacks - 12 } else { lacks };
    let alter = lacks + sharps(root.get(1..)?) + sharps(degree);
    let sign = if alter < 0 { "b" } else { "#" };
    Some(format!("{name}{}", sign.repeat(usize::try_from(alter.unsigned_abs()).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_become_symbols() {
        for (text, expected) in [
            ("C major", "C"),
            ("B- minor-seventh", "Bbm7"),
            ("A minor/E", "Am/E"),
            ("F# half-diminished/A", "F#m7b5/A"),
            ("G dominant/G", "G7"),
            ("D mystic", "Dmystic"),
            ("none", "N.C."),
            ("C none", "N.C."),
        ] {
            assert_eq!(from_kind(text), expected, "{text}");
        }
    }

    #[test]
    fn shorthands_of_harte_become_symbols() {
        for (text, expected) in [
            ("C:maj", "C"),
            ("D", "D"),
            ("A:min/b3", "Am/C"),
            ("F#:maj/3", "F#/A#"),
            ("Bb:7/b7", "Bb7/Ab"),
            ("C#:maj7/7", "C#maj7/B#"),
            ("G:hdim7", "Gm7b5"),
            ("E:min(9)", "Em(9)"),
            ("C:maj/1", "C"),
            ("C:maj/x", "C"),
            ("N", "N.C."),
        ] {
            assert_eq!(from_harte(text), expected, "{text}");
        }
    }
}
