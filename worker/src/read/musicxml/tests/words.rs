//! Words and signs: what is written beside the notes.

use super::{NOTE, measure, named, read, whole};
use crate::score::{Field, Score, expanded};
use shared::limits::Limits;

/// Words and signs: kind, text, onset, voice and staff, and the number where it is not 1.
fn told(score: &Score) -> Vec<String> {
    let in_words = |word: crate::score::Annotation| {
        let number = if word.number == 1 { String::new() } else { format!(" #{}", word.number) };
        let (kind, text) = (word.kind.name(), score.text(word));
        format!("{kind} {text:?} {} {}.{}{number}", word.onset, word.voice, word.staff)
    };
    score.annotations.iter().map(in_words).collect()
}

#[test]
fn what_is_written_beside_the_notes_is_told_once() {
    let score = named("words");
    assert_eq!(
        told(&score),
        [
            "marker \"A\" 0 0.1",
            "direction \"Allegro con brio\" 0 0.1",
            "dynamic \"crescendo start\" 0 0.1 #2",
            "slur \"start\" 0 1.1 #2",
            "articulation \"staccato\" 0 1.1",
            "articulation \"strong-accent\" 0 1.1",
            "articulation \"choke\" 0 1.1",
            "articulation \"down-bow\" 0 1.1",
            "articulation \"fingering 3\" 0 1.1",
            "lyric \"glo-\" 0 1.1",
            "lyric \"te a\" 0 1.1 #2",
            "dynamic \"sfp\" 1/2 0.1",
            "slur \"stop\" 2 1.1 #2",
            "ornament \"trill-mark\" 2 1.1",
            "ornament \"wavy-line start\" 2 1.1",
            "fermata \"fermata\" 2 1.1",
            "dynamic \"mf\" 2 1.1",
            "articulation \"arpeggiate\" 2 1.1",
            "lyric \"ry!_\" 2 1.1",
            "dynamic \"hairpin stop\" 4 0.1 #2",
            "fermata \"fermata\" 4 0.1",
            "direction \"To\" 8 0.1",
            "direction \"D.S. al Coda\" 12 0.1",
        ]
    );
    assert!(score.warnings.is_empty(), "{:?}", score.warnings);
    assert_eq!(score.keys[0].fifths, -2, "a key of steps that is one of fifths");
    assert_eq!(score.field(Field::Title), Some("A Title in Two Fonts"));
    assert_eq!(score.field(Field::Composer), Some("Nobody"));
    assert_eq!(score.parts[0].name.as_deref(), Some("Choir"), "a part without a name has its group's");
    // A half note of the new tempo lasts as long as a quarter note did.
    let tempi: Vec<_> = score.tempi.iter().map(|tempo| tempo.quarters_per_minute).collect();
    assert_eq!(tempi, [90.0, 180.0]);
}

#[test]
fn jumps_that_stand_in_words_and_signs_alone_are_played() {
    let played = expanded(named("words"), &Limits::default()).unwrap();
    let numbers: Vec<_> = played.measures_of(0).iter().map(|measure| measure.number).collect();
    assert_eq!(numbers, [1, 2, 3, 2, 4]);
    assert!(played.warnings.is_empty(), "{:?}", played.warnings);
}

#[test]
fn chords_and_figures_are_written_as_players_read_them() {
    assert_eq!(
        told(&named("chords")),
        [
            "chord_symbol \"Am7/C\" 0 0.1",
            "chord_symbol \"Bb7b9\" 1 0.1",
            "chord_symbol \"F#m7b5\" 5/2 0.1",
            "chord_symbol \"Gmystic\" 3 0.1",
            "chord_symbol \"N.C.\" 4 0.1",
            "chord_symbol \"Cadd9no3\" 5 0.1",
            "harmony \"V7/ii\" 6 0.1",
            "harmony \"V65\" 7 0.1",
            "figured_bass \"6 4#\" 8 0.1",
            "figured_bass \"7b n\" 9 0.1",
            "figured_bass \"5\" 10 0.1",
        ]
    );
}

#[test]
fn words_that_only_begin_like_a_jump_are_none() {
    for (words, jumps) in
        [("D.C.", 1), ("da capo al fine", 1), ("Fine", 1), ("Finely", 0), ("coda brillante", 0)]
    {
        let direction =
            format!("<direction><direction-type><words>{words}</words></direction-type></direction>");
        assert_eq!(whole(measure(&format!("{NOTE}{direction}")).as_bytes()).marks.len(), jumps, "{words}");
    }
    // Where a `<sound>` says it, the words are not asked.
    let both =
        "<direction><direction-type><words>Fine</words></direction-type><sound dacapo=\"yes\"/></direction>";
    assert_eq!(whole(measure(&format!("{NOTE}{both}")).as_bytes()).marks.len(), 1);
}

#[test]
fn a_note_with_too_many_signs_says_so() {
    let signs = "<staccato/>".repeat(1500);
    let more = format!("<notations><articulations>{signs}</articulations></notations></note>");
    let score = read(measure(&NOTE.replace("</note>", &more)).as_bytes()).0.unwrap();
    assert_eq!((score.annotations.len(), score.warning_count, score.notes.len()), (1000, 1, 1));
}

#[test]
fn a_text_of_the_page_is_a_title_where_there_is_no_other() {
    let credit = "<credit page='2'><credit-words>x</credit-words></credit><credit><credit-words>Score</credit-words></credit><credit><credit-words> Song </credit-words></credit>";
    for (before, title) in [
        ("", "Song"),
        ("<work><work-title>Work</work-title></work>", "Work"),
        ("<movement-title>Movement</movement-title>", "Movement"),
    ] {
        let text = measure(NOTE).replace("<part-list>", &format!("{before}{credit}<part-list>"));
        assert_eq!(whole(text.as_bytes()).field(Field::Title), Some(title));
    }
}
