//! Repeats are laid out alike, whichever format says them.

use shared::limits::Limits;
use tests::read;
use worker::read::ReadOptions;
use worker::score::{Repeats, Score, Ticks, laid_out};

/// C, then D E twice with a first and a second ending, then G twice.
const ABC: &str = "X:1\nL:1/1\nM:4/4\nK:C\nC |: D |1 E :|2 F |: G :|\n";

const KERN: &str = "**kern\n*M4/4\n=1\n1c\n=2!|:\n1d\n=3\n1e\n=4:|!\n1d\n=5\n1f\n=6!|:\n1g\n=:|!\n*-\n";

/// Its list says the same as the signs of the others.
const LISTED: &str = "**kern\n*>[A,B,B1,B,B2,C,C]\n*M4/4\n=1\n*>A\n1c\n=2\n*>B\n1d\n=3\n*>B1\n1e\n=4\n*>B2\n1f\n=5\n*>C\n1g\n==\n*-\n";

fn musicxml() -> String {
    let ending = |number: u8, kind: &str| format!("<ending number=\"{number}\" type=\"{kind}\"/>");
    let left = |signs: &str| format!("<barline location=\"left\">{signs}</barline>");
    let right = |signs: &str| format!("<barline location=\"right\">{signs}</barline>");
    let (forward, back) = ("<repeat direction=\"forward\"/>", "<repeat direction=\"backward\"/>");
    let measures = [
        ("C", String::new(), String::new()),
        ("D", left(forward), String::new()),
        ("E", left(&ending(1, "start")), right(&(ending(1, "stop") + back))),
        ("F", left(&ending(2, "start")), right(&ending(2, "discontinue"))),
        ("G", left(forward), right(back)),
    ];
    let measures = measures.iter().zip(1..).map(|((step, left, right), number)| {
        let signs = "<divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>";
        let signs = if number == 1 { format!("<attributes>{signs}</attributes>") } else { String::new() };
        let pitch = format!("<pitch><step>{step}</step><octave>4</octave></pitch>");
        let note = format!("<note>{pitch}<duration>4</duration><type>whole</type></note>");
        format!("<measure number=\"{number}\">{left}{signs}{note}{right}</measure>")
    });
    let list = "<part-list><score-part id=\"P1\"><part-name>a</part-name></score-part></part-list>";
    let measures: String = measures.collect();
    format!("<score-partwise>{list}<part id=\"P1\">{measures}</part></score-partwise>")
}

fn played(text: &str, name: &str) -> Score {
    laid(text, name, Repeats::Expanded)
}

fn laid(text: &str, name: &str, repeats: Repeats) -> Score {
    let mut scores = read(text.as_bytes(), name, &ReadOptions::default()).scores;
    assert_eq!(scores.len(), 1, "{name}");
    let score = laid_out(scores.remove(0), repeats, &Limits::default()).unwrap();
    assert_eq!((&score.damage, &score.warnings[..]), (&None, &[][..]), "{name}");
    score
}

fn notes(score: &Score) -> Vec<(String, Ticks, u32)> {
    let note = |note: &worker::score::Note| (note.written_key().to_string(), note.onset, note.measure);
    score.notes.iter().map(note).collect()
}

#[test]
fn a_tune_is_laid_out_alike_from_every_format() {
    let tune: Vec<(String, Ticks, u32)> = [60, 62, 64, 62, 65, 67, 67]
        .into_iter()
        .zip(0_u32..)
        .map(|(key, measure)| (key.to_string(), Ticks::quarters(4 * i64::from(measure)), measure))
        .collect();
    for (text, name) in [(ABC, "a.abc"), (LISTED, "a.krn"), (&musicxml(), "a.musicxml")] {
        let score = played(text, name);
        assert_eq!(notes(&score), tune, "{name}");
        assert_eq!((score.measures.len(), score.duration()), (7, Ticks::quarters(28)), "{name}");
        assert_eq!(score.meters.len(), 1, "{name}: a meter that holds is not said again");
    }
}

#[test]
fn each_repeat_is_played_once_by_its_last_ending() {
    let named = LISTED.replace("*M4/4", "*>norep[A,B,C,B2]\n*M4/4");
    for (text, name, expected) in [
        (ABC, "a.abc", [60, 62, 65, 67]),
        (LISTED, "a.krn", [60, 62, 65, 67]),
        (&named, "a.krn", [60, 62, 67, 65]),
        (&musicxml(), "a.musicxml", [60, 62, 65, 67]),
    ] {
        let keys: Vec<i32> =
            laid(text, name, Repeats::Once).notes.iter().map(|note| note.written_key()).collect();
        assert_eq!(keys, expected, "{name}");
    }
    let written = laid(ABC, "a.abc", Repeats::Written);
    assert_eq!(written.notes.len(), 5, "as written, each measure counts once");
}

#[test]
fn kern_repeats_by_its_barlines_too() {
    let keys: Vec<i32> = played(KERN, "a.krn").notes.iter().map(|note| note.written_key()).collect();
    assert_eq!(keys, [60, 62, 64, 62, 64, 62, 65, 67, 67]);
}

#[test]
fn what_holds_is_said_again_after_a_way_back() {
    let text = "X:1\nL:1/1\nM:4/4\nK:C\nC |: D | [M:2/4] [K:G] E :|\n";
    let score = played(text, "a.abc");
    let meters: Vec<(String, Ticks)> = score.meters.iter().map(|meter| (meter.text(), meter.onset)).collect();
    let at = |text: &str, quarters| (text.to_owned(), Ticks::quarters(quarters));
    assert_eq!(meters, [at("4/4", 0), at("2/4", 8), at("4/4", 12), at("2/4", 16)]);
    assert_eq!(score.keys.iter().map(|key| key.fifths).collect::<Vec<_>>(), [0, 1, 0, 1]);
}
