//! What stands beside the notes: words, signs, chords, and the staves of one part.

use super::{notes, read, read_as, score};
use crate::read::{Fidelity, ReadOptions};
use crate::score::{AnnotationKind, Mark, Score};

const BESIDE: &[u8] = fixture!("beside.krn");
const SIGNS: &[u8] = fixture!("signs.krn");

/// The annotations of a kind as `onset text`, with the staff and number where they are not the first.
fn told(score: &Score, kind: AnnotationKind) -> Vec<String> {
    let all = score.annotations.iter().filter(|annotation| annotation.kind == kind);
    let text = |at: crate::score::Annotation| {
        let staff = if at.staff > 1 { format!(" s{}", at.staff) } else { String::new() };
        let number = if at.number > 1 { format!(" #{}", at.number) } else { String::new() };
        format!("{} {}{staff}{number}", at.onset, score.text(at))
    };
    all.map(text).collect()
}

#[test]
fn words_and_chords_stand_beside_their_staff() {
    let score = score(BESIDE);
    for (kind, expected) in [
        (AnnotationKind::Lyric, "0 Ky-|0 Hei- #2|1 ri-|1 li- #2|2 e_|2 ge #2|4 a-"),
        (AnnotationKind::Harmony, "0 F s2|1 V7b/V s2"),
        (AnnotationKind::ChordSymbol, "0 F/A|0 F/A|1 C7|1 C7|2 Bbm7|2 Bbm7|7/2 N.C.|7/2 N.C."),
        (AnnotationKind::FiguredBass, "0 6 4|1 6b|2 5 3"),
    ] {
        assert_eq!(told(&score, kind).join("|"), expected, "{}", kind.name());
    }
    assert!(score.annotations.iter().all(|at| at.part == 0));
}

#[test]
fn dynamics_between_two_notes_stand_between_them() {
    let score = score(BESIDE);
    let expected =
        "0 p|0 crescendo start|1 hairpin stop|2 mf|3 diminuendo start|13/4 hairpin stop|6 hairpin stop";
    assert_eq!(told(&score, AnnotationKind::Dynamic).join("|"), expected);
    let measures: Vec<_> = score.annotations.iter().map(|at| (at.onset, at.measure)).collect();
    assert!(measures.is_sorted(), "a word belongs to the measure of its moment");
}

#[test]
fn notes_say_how_they_are_played() {
    let score = score(BESIDE);
    for (kind, expected) in [
        (AnnotationKind::Articulation, "0 staccato|1 strong-accent|2 tenuto|4 breath-mark"),
        (AnnotationKind::Ornament, "2 trill-mark"),
        (AnnotationKind::Fermata, "2 fermata s2"),
        (AnnotationKind::Slur, "0 start|1 start s2|1 stop|4 stop s2|4 start|4 start #2"),
    ] {
        assert_eq!(told(&score, kind).join("|"), expected, "{}", kind.name());
    }
}

#[test]
fn directions_labels_and_jumps() {
    let score = score(BESIDE);
    assert_eq!(told(&score, AnnotationKind::Direction), ["0 Andante", "0 dolce: e legato", "4 Fine"]);
    assert_eq!(told(&score, AnnotationKind::Marker), ["0 A", "4 B", "4 coda"]);
    assert!(score.marks.iter().any(|at| (at.mark, at.measure, at.at_end) == (Mark::Fine, 1, true)));
    assert_eq!(score.arrangement, [0, 1]);
}

#[test]
fn spines_of_one_part_are_its_staves_but_not_to_music21() {
    let score = score(BESIDE);
    assert_eq!(
        (score.parts.len(), score.parts[0].staves, score.parts[0].name.as_deref()),
        (1, 2, Some("Organ"))
    );
    assert_eq!((score.measures.len(), score.meters.len(), score.keys.len()), (2, 1, 1));
    let voices: Vec<_> = score.notes.iter().map(|note| (note.staff, note.voice)).collect();
    assert_eq!(
        voices,
        [
            (2, 5),
            (1, 1),
            (1, 1),
            (2, 5),
            (1, 1),
            (2, 5),
            (1, 1),
            (1, 2),
            (1, 1),
            (1, 2),
            (1, 1),
            (2, 5),
            (1, 1)
        ]
    );
    let compat = ReadOptions { fidelity: Fidelity::Compat, ..ReadOptions::default() };
    let (scores, _) = read_as(BESIDE, &compat);
    assert_eq!((scores[0].parts.len(), scores[0].warnings.len()), (2, 0));
}

#[test]
fn parts_that_join_leave_their_signs_to_the_right_one() {
    let text = "**kern\t**kern\t**kern\n*part2\t*part1\t*part1\n*M2/4\t*M2/4\t*M2/4\n*k[b-]\t*\t*\n2C\t2e\t2g\n*-\t*-\t*-\n";
    let score = score(text);
    assert_eq!(score.meters.iter().map(|meter| meter.part).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(score.keys.iter().map(|key| key.part).collect::<Vec<_>>(), [1]);
}

#[test]
fn looks_move_no_note() {
    let score = score(SIGNS);
    let upper = "0 C4 1/4|1/4 C4 1/4|1/2 C4 1/4|3/4 C4 1/4|1 D4 1|2 E4 1|3 F4 1|4 D4 4";
    let lower = "0 C2 1 v5|1 D3 1 v5|2 E3 1 v5|2 G3 1 v6|2 B3 1 v7|3 F3 1 v5|3 A3 1 v6|3 C4 1 v7|4 D3 4 v5";
    let all = notes(&score, 0);
    let of = |lower: bool| {
        let notes = all.iter().filter(|note| note.contains(" v") == lower);
        notes.map(String::as_str).collect::<Vec<_>>().join("|")
    };
    assert_eq!((of(false).as_str(), of(true).as_str()), (upper, lower));
    assert_eq!(told(&score, AnnotationKind::Ornament), ["0 tremolo"]);
    assert_eq!(score.keys.iter().map(|key| key.fifths).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn a_spine_that_floats_ends_with_what_goes_on() {
    let text = "**kern\n2c\n*+\n*\t**kern\n.\t8e\n4d\t4f\n*-\t*-\n";
    assert_eq!(notes(&score(text), 1), ["3/2 E4 1/2", "2 F4 1"]);
}

#[test]
fn notes_of_a_mens_spine_are_missed() {
    let (scores, _) = read("**kern\t**mens\n4c\tSc\n*-\t*-\n");
    let damage = scores[0].damage.as_ref().unwrap().to_string();
    assert_eq!(damage, "malformed: the notes of a **mens spine are not read (line 1, column 8)");
    let (_, failure) = read("**mens\nSc\n*-\n");
    assert_eq!(failure.unwrap().to_string(), "unsupported: no **kern spine, only **mens (line 1, column 1)");
}

#[test]
fn a_list_of_sections_that_cannot_be_followed_is_told() {
    let text = "**kern\n*>[A,B,A]\n=1\n*>A\n4c\n*>B\n4d\n=2\n2e\n*-\n";
    let (scores, _) = read(text);
    assert_eq!((scores[0].arrangement.len(), scores[0].warnings.len()), (0, 1));
    assert!(scores[0].warnings[0].message.contains("the repeat signs count"));
}

#[test]
fn parts_and_measures_are_counted_apart() {
    for (text, parts, measures) in [
        ("**kern\t**kern\n4c\t4e\n=1\t=1\n4d\t4f\n==\t==\n*-\t*-\n", 2, 4),
        ("**kern\t**kern\n*part1\t*part1\n=1\t=1\n4d\t4f\n==\t==\n*-\t*-\n", 1, 1),
        ("**kern\t**text\n=1\t=1\n4d\ta\n=2\t=2\n.\tb\n4e\t.\n*-\t*-\n", 1, 2),
    ] {
        let counts = score(text).conservation;
        let declared = [counts[3].declared, counts[2].declared];
        assert_eq!(declared, [Some(parts), Some(measures)], "{text}");
    }
}
