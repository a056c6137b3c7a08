//! Chords against music21.

use super::*;

/// Pitches written as `C#4 Eb5`.
fn pitches(text: &str) -> Vec<Pitch> {
    let pitch = |word: &str| {
        let (name, octave) = word.split_at(word.len() - 1);
        let step = Step::from_letter(name.as_bytes()[0]).unwrap();
        let alter = name[1..].bytes().map(|sign| if sign == b'#' { 1 } else { -1 }).sum();
        Pitch::new(step, alter, octave.parse().unwrap())
    };
    text.split(' ').map(pitch).collect()
}

/// root, inversion, quality, pitchedCommonName and forteClass of music21 10.5.1.
#[test]
fn chords_are_what_music21_says() {
    for (text, root, inversion, quality, name, forte) in [
        ("C4 E4 G4", "C", 0, "major", "C-major triad", "3-11B"),
        ("E3 C4 G4", "C", 1, "major", "C-major triad", "3-11B"),
        ("G3 B3 D4 F4", "G", 0, "major", "G-dominant seventh chord", "4-27B"),
        ("D4 F4 Ab4 C5", "D", 0, "diminished", "D-half-diminished seventh chord", "4-27A"),
        ("B3 D4 F4 Ab4", "B", 0, "diminished", "B-diminished seventh chord", "4-28"),
        ("Ab3 C4 F#4", "F#", 1, "other", "F#-Italian augmented sixth chord", "3-8A"),
        ("Ab3 C4 Eb4 F#4", "F#", 1, "other", "F#-German augmented sixth chord", "4-27B"),
        ("Ab3 C4 D4 F#4", "D", 2, "other", "D-French augmented sixth chord", "4-25"),
        ("Ab3 C4 D#4 F#4", "D#", 2, "other", "D#-Swiss augmented sixth chord", "4-27B"),
        ("F#3 Ab3 C4 Eb4", "F#", 0, "other", "F#-German augmented sixth chord in root position", "4-27B"),
        ("C4 E4 Ab4", "Ab", 1, "augmented", "Ab-augmented triad", "3-12"),
        ("C4 Fb4 G4", "Fb", 2, "other", "enharmonic equivalent to major triad above C", "3-11B"),
        ("C4 G4", "C", 0, "other", "Perfect Fifth above C", "2-5"),
        ("C4 G4 C5", "C", 0, "other", "Perfect Fifth with octave doublings above C", "2-5"),
        ("C4 E4", "C", 0, "major", "Major Third above C", "2-4"),
        ("Bb3", "Bb", 0, "other", "Bb", "1-1"),
        ("C4 C5", "C", 0, "other", "Perfect Octave above C", "1-1"),
        ("C4 C5 C6", "C", 0, "other", "multiple octaves above C", "1-1"),
        ("C4 B#4", "C", 0, "other", "enharmonic octaves above C", "1-1"),
        ("C4 E4 E#4", "C", 0, "other", "C-incomplete major-seventh chord", "3-4B"),
        ("C4 D4 Eb4 F4 F#4", "D", 3, "other", "D-alternating pentachord", "5-10B"),
    ] {
        let pitches = pitches(text);
        let chord = Chord::of(&pitches).unwrap();
        let common = chord.common_name();
        let is = (
            chord.root.name().to_string(),
            chord.inversion(),
            chord.quality(),
            chord.pitched_common_name(&common),
            chord.set.forte.clone(),
        );
        assert_eq!(is, (root.to_owned(), inversion, quality, name.to_owned(), forte.to_owned()), "{text}");
    }
}

#[test]
fn consonance_leaves_out_fourths_and_six_fours() {
    for (text, is) in [
        ("C4", true),
        ("C4 G4", true),
        ("G3 C4", false),
        ("C4 E4 G4", true),
        ("E4 G4 C5", true),
        ("G3 C4 E4", false),
        ("C4 E4 G4 B4", false),
        ("C4 F#4", false),
    ] {
        assert_eq!(Chord::of(&pitches(text)).unwrap().is_consonant(), is, "{text}");
    }
}
