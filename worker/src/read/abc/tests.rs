//! The reader as a whole: from text to score.

use super::super::{Fidelity, ReadError, ReadOptions, ScoreReader};
use super::Abc;
use crate::score::{Field, Flags, Score, ScoreBuilder, expanded};
use proptest::prelude::*;
use shared::limits::Limits;
use std::io::Cursor;

pub(super) fn read(text: &[u8], fidelity: Fidelity) -> (Vec<Score>, Option<ReadError>) {
    let options = ReadOptions { fidelity, ..ReadOptions::default() };
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    let error = Abc.read(&mut Cursor::new(text), &options, &mut builder).err();
    (scores, error)
}

/// The one tune of a text, in which nothing was lost and nothing odd.
fn tune(text: &str) -> Score {
    let (mut scores, error) = read(text.as_bytes(), Fidelity::Corrected);
    assert!(error.is_none() && scores.len() == 1, "{text:?}: {error:?}, {} tunes", scores.len());
    let score = scores.remove(0);
    assert_eq!((&score.damage, score.warnings.as_slice()), (&None, &[][..]), "{text:?}");
    score
}

/// A note in short: `F#4@1/2+1`, with `(` for a tie that leaves, `)` for one that comes in, `g` for a grace note.
fn notes(score: &Score) -> String {
    let short = |note: &crate::score::Note| {
        let flag = |flag, sign| if note.flags.has(flag) { sign } else { "" };
        let (start, stop) = (flag(Flags::TIE_START, "("), flag(Flags::TIE_STOP, ")"));
        let grace = flag(Flags::GRACE, "g");
        format!("{}@{}+{}{stop}{start}{grace}", note.written, note.onset, note.duration)
    };
    score.notes.iter().map(short).collect::<Vec<_>>().join(" ")
}

/// The notes of music in C with quarters for units.
fn music(music: &str) -> String {
    notes(&tune(&format!("X:1\nL:1/4\nM:4/4\nK:C\n{music}\n")))
}

fn measures(score: &Score) -> Vec<(u16, i32, String)> {
    score.measures.iter().map(|m| (m.part, m.number, m.duration.as_fraction())).collect()
}

#[test]
fn pitches_and_lengths() {
    assert_eq!(music("C,c'' "), "C3@0+1 C7@1+1");
    assert_eq!(music("A2A/A//A3/2A/4A3/"), "A4@0+2 A4@2+1/2 A4@5/2+1/4 A4@11/4+3/2 A4@17/4+1/4 A4@9/2+3/2");
    assert_eq!(music("^^C __D =E ^/2F"), "C##4@0+1 Dbb4@1+1 E4@2+1 F#4-50c@3+1");
}

#[test]
fn accidentals_reach_through_the_measure_in_all_octaves_and_over_ties() {
    assert_eq!(music("^Ff=FF|F"), "F#4@0+1 F#5@1+1 F4@2+1 F4@3+1 F4@4+1");
    assert_eq!(music("^F-|FF"), "F#4@0+1( F#4@1+1) F4@2+1");
    let with =
        |reach: &str| notes(&tune(&format!("X:1\nL:1/4\n%%propagate-accidentals {reach}\nK:C\n^FFf\n")));
    assert_eq!(with("octave"), "F#4@0+1 F#4@1+1 F5@2+1");
    assert_eq!(with("not"), "F#4@0+1 F4@1+1 F5@2+1");
}

#[test]
fn broken_rhythm_does_not_see_grace_notes() {
    assert_eq!(music("A>B A<<B"), "A4@0+3/2 B4@3/2+1/2 A4@2+1/4 B4@9/4+7/4");
    let want = "A4@0+3/2 G4@3/2+0g B4@3/2+1/2";
    assert_eq!((music("A>{g,}B"), music("A{G}>B")), (want.into(), want.into()));
}

#[test]
fn tuplets_take_their_time_from_the_metre() {
    assert_eq!(music("(3A z B c"), "A4@0+2/3 B4@4/3+2/3 C5@2+1");
    assert_eq!(music("(3:2:2 A2 [CE] C"), "A4@0+4/3 C4@4/3+2/3 E4@4/3+2/3 C4@2+1");
    let five =
        |metre: &str| tune(&format!("X:1\nL:1/8\nM:{metre}\nK:C\n(5ABcde A\n")).duration().as_fraction();
    assert_eq!((five("4/4"), five("9/8")), ("3/2".into(), "2".into()));
}

#[test]
fn chords_and_ties() {
    assert_eq!(music("[C2E]2[CE]"), "C4@0+4 E4@0+2 C4@4+1 E4@4+1");
    assert_eq!(music("[CE]-[CG]"), "C4@0+1( E4@0+1( C4@1+1) G4@1+1");
    assert_eq!(music("[C-E][CE]C"), "C4@0+1( E4@0+1 C4@1+1) E4@1+1 C4@2+1");
    assert_eq!(music("A-|A-{g}A B"), "A4@0+1( A4@1+1)( G5@2+0g A4@2+1) B4@3+1");
}

#[test]
fn measures_begin_where_notes_do() {
    let score = tune("X:1\nM:2/4\nL:1/4\nK:C\nA|:AA||[|AA:|[1A2:|2A::A|]\n");
    let numbers: Vec<_> = measures(&score).iter().map(|m| (m.1, m.2.clone())).collect();
    let want = [(0, "1"), (1, "2"), (2, "2"), (3, "2"), (4, "1"), (5, "1")];
    assert_eq!(numbers, want.map(|(number, length)| (number, length.to_owned())));
    assert_eq!(tune("X:1\nM:2/4\nL:1/4\nK:C\nAA|A|\n").measures[0].number, 1);
}

#[test]
fn overlays_begin_where_their_measure_does() {
    let score = tune("X:1\nM:2/4\nL:1/4\nK:C\nA B & C2 & z D | E2 |\n");
    assert_eq!(notes(&score), "A4@0+1 C4@0+2 B4@1+1 D4@1+1 E4@2+2");
    assert_eq!(score.notes.iter().map(|note| note.voice).collect::<Vec<_>>(), [1, 2, 1, 3, 1]);
}

#[test]
fn overlays_may_lie_over_several_measures() {
    let read = |music: &str| {
        let score = tune(&format!("X:1\nM:2/4\nL:1/4\nK:C\n{music}\n"));
        let layers: Vec<_> = score.notes.iter().map(|note| (note.voice, note.measure)).collect();
        (notes(&score).replace("+2", ""), layers, score.measures.len())
    };
    let want = |text: &str, layers: &[(u8, u32)], count| (text.to_owned(), layers.to_vec(), count);
    let both = want("A4@0 C4@0 B4@2 D4@2 E4@4", &[(1, 0), (2, 0), (1, 1), (2, 1), (1, 2)], 3);
    assert_eq!(read("A2 | B2 && C2 | D2 | E2 |"), both);
    assert_eq!(read("A2 | B2 |\n&& C2 | D2 | E2 |"), both);
    assert_eq!(read("(& A2 | B2 & C2 | D2 &) | E2 |"), both);
    assert_eq!(read("(& A2 | B2 | & C2 | D2 | &) E2 |"), both);
    let three = want("A4@0 C4@0 F4@0 B4@2 G4@2 E4@4", &[(1, 0), (2, 0), (3, 0), (1, 1), (3, 1), (1, 2)], 3);
    assert_eq!(read("(& A2 | B2 & C2 & F2 | G2 &) | E2 |"), three);
    assert_eq!(read("A2 | & C2 | B2 |"), want("A4@0 C4@0 B4@2", &[(1, 0), (2, 0), (1, 1)], 2));
}

#[test]
fn tuplets_nest_and_plus_signs_make_chords() {
    assert_eq!(music("(3:2:5 A (3BcB c d"), "A4@0+2/3 B4@2/3+4/9 C5@10/9+4/9 B4@14/9+4/9 C5@2+2/3 D5@8/3+1");
    let (twice, _) = read(b"X:1\nL:1/4\nK:C\n(3(3ABc|", Fidelity::Corrected);
    assert_eq!((notes(&twice[0]).as_str(), twice[0].warning_count), ("A4@0+2/3 B4@2/3+2/3 C5@4/3+2/3", 1));
    assert_eq!(music("+CEG+ +C2^F2+ +fermata+A"), "C4@0+1 E4@0+1 G4@0+1 C4@1+2 F#4@1+2 A4@3+1");
    assert_eq!(music("!c2!d"), "C5@0+2 D5@2+1");
}

/// What is said at which quarter, `|` before what stands in another measure than what comes before it.
fn said(score: &Score) -> String {
    let mut measure = 0;
    let short = |said: crate::score::Annotation| {
        let bar = if std::mem::replace(&mut measure, said.measure) < said.measure { "| " } else { "" };
        let (kind, text) = (said.kind.name(), score.text(said));
        format!("{bar}{kind}{} {text}@{}", said.number, said.onset)
    };
    score.annotations.iter().map(short).collect::<Vec<_>>().join(", ")
}

#[test]
fn words_stand_under_their_notes() {
    let read = |body: &str| said(&tune(&format!("X:1\nM:4/4\nL:1/4\nK:C\n{body}\n"))).replace("lyric", "");
    assert_eq!(read("C z {d}D [EG] | F\nw: a b-c_"), "1 a@0, 1 b-@2, 1 c_@3");
    assert_eq!(read("CDEF|GABc\nw:a|b * c\nw:un~ | deux"), "1 a@0, 2 un@0, | 1 b@4, 2 deux@4, 1 c@6");
    // Lines that follow their notes late, or go on.
    assert_eq!(read("CD\nEF|\nGA\nw:a b c\n+:d e\nBc|\nw:f"), "1 a@0, 1 b@1, 1 c@2, 1 d@3, | 1 e@4, 1 f@6");
    assert_eq!(read("CD|\nw:a\nEF|\nw:b"), "1 a@0, | 1 b@2");
    assert_eq!(read("CDEF|\nw:a \\\nw:b"), "1 a@0, 1 b@1");
    assert_eq!(read("C>D E F\nw:Caf\\'e it\\-self"), "1 Café@0, 1 it-self@3/2");
    let late = tune("X:1\nM:2/4\nL:1/4\nK:C\nV:1\nCD|EF|\nV:2\nCD|EF|\nw:a b c\nV:1\nw:x y z\nW:More\n");
    let voices: Vec<_> = late.annotations.iter().map(|said| (said.part, said.voice, said.measure)).collect();
    assert_eq!(said(&late).replace("lyric1 ", ""), "x@0, a@0, y@1, b@1, | z@2, c@2, More@4");
    assert_eq!(voices, [(0, 1, 0), (1, 1, 0), (0, 1, 0), (1, 1, 0), (0, 1, 1), (1, 1, 1), (0, 0, 1)]);
}

#[test]
fn signs_and_words_stand_at_their_notes() {
    let read = |body: &str| said(&tune(&format!("X:1\nM:4/4\nL:1/4\nK:C\n{body}\n")));
    assert_eq!(
        read("\"Am7\".A\"^slowly\"TB !mf!{g}c !<(!d | \"G/B\"!<)!e !5!f"),
        "chord_symbol1 Am7@0, articulation1 staccato@0, direction1 slowly@1, ornament1 trill-mark@1, dynamic1 mf@2, \
         dynamic1 crescendo start@3, | chord_symbol1 G/B@4, dynamic1 hairpin stop@4, articulation1 fingering 5@5"
    );
    assert_eq!(read("(A (B c) d)"), "slur1 start@0, slur2 start@1, slur2 stop@2, slur1 stop@3");
    assert_eq!(read("(A)>B !fermata!|"), "slur1 start@0, slur1 stop@0, fermata1 fermata@2");
    assert_eq!(
        read("U:W=!turn!\nU:k=\"^text\"\nWA kB .(c.-c)"),
        "ornament1 turn@0, direction1 text@1, slur1 start@2, slur1 stop@3"
    );
    assert_eq!(read("AB|cd\ns:T*|!p!"), "ornament1 trill-mark@0, | dynamic1 p@2");
    assert_eq!(read("A[Q:\"Presto\"1/4=200]B"), "direction1 Presto@1");
    assert_eq!(said(&tune("X:1\nQ:\"Largo\"\nI:linebreak !\nK:C\nA!B!c")), "direction1 Largo@0");
}

#[test]
fn macros_are_read_as_what_they_stand_for() {
    let score = tune("m:~n2=n/o/n\n\nX:1\nM:4/4\nL:1/4\nm:~G3=GAG\nK:C\n~c2~G3\n");
    assert_eq!(notes(&score), "C5@0+1/2 D5@1/2+1/2 C5@1+1 G4@2+1 A4@3+1 G4@4+1");
    assert_eq!(score.notes[3].place.line_column(), Some((8, 4)));
}

#[test]
fn parts_are_played_in_their_order() {
    let text = "X:1\nM:4/4\nL:1/1\nP:A(BA)2\nK:C\nC|\nP:A\n|:D:|\nP:B\nE|\n";
    let score = tune(text);
    assert_eq!(said(&score), "| marker1 A@4, | marker1 B@8");
    let played = expanded(score, &Limits::default()).unwrap();
    let steps: String = played.notes.iter().map(|note| note.written.to_string().remove(0)).collect();
    assert_eq!((steps.as_str(), played.warnings.len()), ("CDDEDDEDD", 0));
}

#[test]
fn endings_may_have_names_and_jumps_words() {
    let steps = |music: &str| {
        let score = tune(&format!("X:1\nM:4/4\nL:1/1\nK:C\n{music}\n"));
        let played = expanded(score, &Limits::default()).unwrap();
        played.notes.iter().map(|note| note.written.to_string().remove(0)).collect::<String>()
    };
    assert_eq!(steps("|:C|[\"1\"D:|[\"2-3\"E:|F|"), "CDCECEF");
    assert_eq!(steps("|:C|[1,3D:|[2E:|F|"), "CDCECDF");
    assert_eq!(steps("|:C|[1D:|[\"last time\"E||F|"), "CDCEF");
    assert_eq!(steps("C|\"^Fine\"D|E\"D.C. al Fine\"|"), "CDECD");
}

#[test]
fn instructions_say_who_plays_and_how_high() {
    let text = "X:1\nL:1/4\n%%MIDI program 40\n%%MIDI program 2 72\nV:1\nV:2\nV:3 clef=perc\nV:4 sound=cA\nK:C\n\
        V:1\n%%MIDI transpose 2\nC|\nV:2\n[I:MIDI rtranspose -1]C|\nV:3\nC|\nV:4\n%%MIDI program 3\nC|\n";
    let score = tune(text);
    let programs: Vec<_> = score.parts.iter().map(|part| part.program).collect();
    assert_eq!(programs, [Some(41), Some(73), Some(41), Some(4)]);
    let keys: Vec<_> = score.notes.iter().map(crate::score::Note::sounding_key).collect();
    assert_eq!(keys, [62, 59, 60, 57]);
    assert_eq!(
        score.notes.iter().map(|note| note.is_pitched()).collect::<Vec<_>>(),
        [true, true, false, true]
    );
}

#[test]
fn voices_that_were_silent_come_in_with_new_staves() {
    let text = "X:1\nM:2/4\nL:1/4\nK:C\n%%staves 1\n[V:1] A|B2|c2|\n%%staves 1 2\n[V:1] d2|\n[V:2] D2|\n\
        %%score 1\n[V:1] e2|\n%%staves 1 2\n[V:2] E2|\n[V:1] f2|\n";
    let score = tune(text);
    assert_eq!(notes(&score).replace("+2", ""), "A4@0+1 B4@1 C5@3 D5@5 D4@5 E5@7 F5@9 E4@9");
    assert_eq!(score.measures_of(1).iter().map(|m| m.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn rests_of_measures_are_measures() {
    let score = tune("X:1\nM:3/4\nL:1/4\nK:C\nABc|Z3|X|\n");
    assert_eq!(
        (score.measures.len(), score.rests.len(), score.duration().as_fraction()),
        (5, 4, "15".into())
    );
    assert!(score.rests.iter().all(|rest| rest.flags.has(Flags::WHOLE_MEASURE)));
    assert!(score.rests.get(3).unwrap().flags.has(Flags::HIDDEN));
}

#[test]
fn voices_are_parts_with_clocks_of_their_own() {
    let text = "X:1\nM:2/4\nL:1/4\nV:a name=\"High one\"\nV:b clef=bass-8\nK:G\n\
        [V:a]F F|F|\n[V:b]D|D D|\nV:c octave=-1\nC|[M:3/4]C3|\nV:a\nG|\n";
    let score = tune(text);
    let names: Vec<_> = score.parts.iter().map(|part| part.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["High one", "b", "c"]);
    assert_eq!(notes(&score).replace("+1", ""), "F#4@0 D4@0 C3@0 F#4@1 F#4@2 D4@2 C3@2+3 D4@3 G4@5");
    assert_eq!(score.notes.iter().map(|note| note.transpose).max(), Some(0));
    assert_eq!(score.notes.iter().map(|note| note.transpose).min(), Some(-12));
    assert_eq!(score.meters.iter().map(|meter| meter.part).collect::<Vec<_>>(), [0, 1, 2, 2]);
}

#[test]
fn a_missing_bar_line_in_one_voice_does_not_move_the_rest_of_it() {
    let score = tune("X:1\nM:2/4\nL:1/4\nK:C\n[V:1]A2|B2|c2|\n[V:2]A2 B2|c2|\n");
    assert_eq!(notes(&score), "A4@0+2 A4@0+2 B4@2+2 B4@2+2 C5@4+2 C5@4+2");
}

#[test]
fn a_bad_tune_does_not_harm_the_others() {
    let book = "C:Someone\nM:2/4\n\nX:1\nT:One\nK:C\nAB|\n\nsome text, a bad cab\n\nX:2\nK:Hmaj\n[CE|\nX:3\nL:1/4\nK:D\nF\n\nG|A2\n";
    let (scores, error) = read(book.as_bytes(), Fidelity::Corrected);
    assert!(error.is_none());
    let notes: Vec<String> = scores.iter().map(notes).collect();
    assert_eq!(notes, ["A4@0+1/4 B4@1/4+1/4", "C4@0+1/4 E4@0+1/4", "F#4@0+1 G4@1+1 A4@2+2"]);
    assert_eq!(scores.iter().map(|score| score.damage.is_some()).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(scores[2].warnings[0].place.line_column(), Some((19, 1)));
    assert!(scores.iter().all(|score| score.field(Field::Composer) == Some("Someone")));
}

#[test]
fn what_is_missing_or_unreadable_is_told_with_its_place() {
    let told = |text: &[u8]| {
        let (scores, _) = read(text, Fidelity::Corrected);
        let score = &scores[0];
        let damage = score.damage.as_ref().map(|failure| (failure.message.clone(), failure.place));
        let warning =
            score.warnings.first().map(|warning| (warning.message.to_string(), Some(warning.place)));
        let (message, place) = damage.or(warning).unwrap();
        format!("{message} ({})", place.unwrap())
    };
    for (text, want) in [
        (
            "X:1\nL:1/4\nAB|",
            "a tune without a K: field, taken for one without sharps or flats (line 3, column 1)",
        ),
        ("T:x\nK:C\nAB|", "a tune without an X: field (line 2, column 3)"),
        ("X:1\nK:C\nA\0B|", "byte 0x00 is no ABC (line 3, column 2)"),
        (
            "X:1\nK:C\nAB \"C CDE|",
            "a chord symbol or annotation that is not closed: a \" is missing (line 3, column 5)",
        ),
        (
            "X:1\nL:1/0\nK:C\nA",
            "L:1/0 cannot be read: a unit note such as 1/8 would do; what held before holds on (line 2, column 3)",
        ),
        (
            "X:1\nK:C\n(99:0:7A",
            "a tuplet of nothing or out of all measure: its notes keep their lengths (line 3, column 8)",
        ),
        (
            "X:1\nK:C\nA99999",
            "a length of nothing or out of all measure, taken for one unit note (line 3, column 7)",
        ),
        ("X:1\nK:C\n+C|", "a + that opens neither decoration nor chord (line 3, column 2)"),
        (
            "X:1\nK:C\nAB&&CD|EF|",
            "an overlay of more measures than there are: its notes follow the others (line 3, column 5)",
        ),
        ("X:1\nK:C\nA)B|", "a slur that ends before it begins (line 3, column 2)"),
        ("X:1\nK:C\nA(AB|", "a slur that does not end (line 3, column 2)"),
        ("X:1\nK:C\n(3A|", "the last tuplet lacks notes (line 3, column 1)"),
        (
            "X:1\nK:C\n(3AB(3ABc|",
            "a tuplet that lacks notes: another begins, and has no room in it (line 3, column 7)",
        ),
        (
            "X:1\nK:C\nAB|CD&&EFG|A|",
            "an overlay that is longer than the measure it lies over (line 3, column 1)",
        ),
        (
            "X:1\nK:C\nAB\nw:la la la",
            "more syllables than notes: those that are left over are not sung (line 4, column 3)",
        ),
        ("X:1\nK:C\nAB\ns:!p! !f! !p!", "more signs than notes (line 4, column 3)"),
        ("X:1\nP:A&B\nK:C\nAB", "a P: field that tells no order of parts, such as A(AB)3 (line 2, column 3)"),
        ("X:1\nU:A=!p!\nK:C\nAB", "a U: field that gives no letter a meaning (line 2, column 3)"),
        ("X:1\nm:~G3\nK:C\nAB", "an m: field that is no macro, or one too many (line 2, column 3)"),
        ("X:1\nm:~n2=n^\nK:C\nA ~B2|", "an accidental without a note (line 4, column 6)"),
        (
            "X:1\nK:C\n[K:D A|",
            "a field inside of the line that is not closed: a ] is missing (line 3, column 8)",
        ),
    ] {
        assert_eq!(told(text.as_bytes()), want);
    }
    for text in ["", "\n\n", "nothing here\n", "T:only a title\n", "<html>error</html>"] {
        assert!(
            matches!(read(text.as_bytes(), Fidelity::Corrected), (none, Some(ReadError::Malformed(_))) if none.is_empty())
        );
    }
}

#[test]
fn what_never_ends_is_told_in_pieces() {
    let long = |music: &str| {
        let (scores, error) = read(format!("X:1\nL:1/4\nK:C\n[V:a\n{music}").as_bytes(), Fidelity::Corrected);
        assert!(error.is_none());
        (scores[0].notes.len(), scores[0].measures.len(), scores[0].duration().as_fraction())
    };
    // The note before all the grace notes was told already: it keeps its length, and so does the one behind.
    assert_eq!(long(&format!("A{{{}}}>B", "g".repeat(10_000))), (10_002, 1, "2".into()));
    assert_eq!(long(&format!("{}A>B", "A>B".repeat(5_000))), (10_002, 1, "10002".into()));
    assert_eq!(long(&format!("{}A", "K:D\n".repeat(10_000))), (1, 1, "1".into()));
    assert_eq!(long(&format!("{}A", "[K:D]\n".repeat(10_000))), (1, 1, "1".into()));
}

#[test]
fn compat_reads_as_music21_does() {
    let compat = |text: &str| notes(&read(text.as_bytes(), Fidelity::Compat).0[0]);
    let head = "X:1\nM:4/4\nL:1/4\nK:C\n";
    assert_eq!(compat(&format!("{head}^FF[C2E]x A&B")), "F#4@0+1 F4@1+1 C4@2+2 E4@2+2 A4@4+1 B4@5+1");
    assert_eq!(compat(&format!("{head}A-B[CE]-[CE]")), "A4@0+1( B4@1+1) C4@2+1 E4@2+1 C4@3+1 E4@3+1");
    assert_eq!(compat(&format!("{head}(A>B) A)>B")), "A4@0+3/2 B4@3/2+1/2 A4@2+1 B4@3+1");
    assert_eq!(compat(&format!("%abc-2.1\n{head}^FF")), "F#4@0+1 F#4@1+1");
    assert_eq!(compat("X:1\nL:1/4\nK:G bass\nF"), "F#2@0+1");
}

#[test]
fn abc_is_recognised_and_nothing_else() {
    for yes in
        ["X:1\nT:x\n", "%abc-2.1\n", "\u{feff}% hello\n\nsome text\nX: 12 % one\nK:C\n", "T:book\rX:1\rK:C\r"]
    {
        assert!(Abc.recognises(yes.as_bytes()), "{yes:?}");
    }
    for no in [
        "",
        "X:1",
        "X:one\nT:x\n",
        "**kern\nX:1\nK:C\n",
        "!!!OTL: X\nX:1\nK:C",
        "<a>\nX:1\nT:b\n",
        "MThd\0\0\0\x06",
    ] {
        assert!(!Abc.recognises(no.as_bytes()), "{no:?}");
    }
}

proptest! {
    /// Whatever the bytes, there is no panic, and every piece that begins ends.
    #[test]
    fn any_bytes_are_read(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        signs in "([A-Ga-gzxZX^_=,'/0-9<>(){}\\[\\]|:&\"!+ -]|\\[V:[ab*]?\\]|\n|\n[KLMQV]:[0-9a-z/=]*\n){0,80}",
    ) {
        for fidelity in [Fidelity::Corrected, Fidelity::Compat] {
            for body in [bytes.as_slice(), signs.as_bytes()] {
                let text = [b"X:1\nK:C\n", body].concat();
                let (scores, error) = read(&text, fidelity);
                prop_assert!(error.is_none() && !scores.is_empty());
            }
        }
    }

    /// Music that is well formed is read whole: the count of its letters is the count of its events.
    #[test]
    fn nothing_is_lost(signs in "([A-Ga-g]|\\[CEg\\]2|\\{gf\\}|\\(3:2:3|\"Am\"|!trill!| \\| | :\\| |Z4 \\| |z2|[A-G]>[a-g]|\\[V:[ab]\\]| & | && |\\(& | &\\)|\\+CE\\+| \n%%staves a\n|\nw:a-b | c\n|\n){0,60}") {
        let (scores, _) = read(format!("X:1\nM:4/4\nV:a\nV:b\nK:C\n{signs}").as_bytes(), Fidelity::Corrected);
        for score in scores {
            for count in score.conservation {
                prop_assert_eq!(count.declared, Some(count.read));
            }
        }
    }
}
