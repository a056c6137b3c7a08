//! Rhythms whose syncopation is known, and worked out by hand.

use super::super::testing::{ask, near, note, score, soprano};
use super::*;
use crate::score::{Event, Flags, Meter, Note};
use shared::place::Place;

/// Measures of a meter in one part, with onsets in sixteenths, each tone lasting to the next and the last to the end.
fn rhythm(beats: u16, unit: u16, measures: i64, onsets: &[i64]) -> Score {
    let sixteenths = i64::from(beats) * 16 / i64::from(unit);
    let meter =
        Meter { onset: Ticks::ZERO, measure: 0, part: 0, beats: [beats].into(), unit, place: Place::START };
    let mut events = Vec::new();
    for measure in 0..measures {
        let (from, to) = (measure * sixteenths, (measure + 1) * sixteenths);
        events.push(Event::Measure { part: 0, onset: Ticks::from_quarters(from, 4).0, number: "1" });
        if measure == 0 {
            events.push(Event::Meter(meter.clone()));
        }
        for (place, &onset) in onsets.iter().enumerate().filter(|(_, onset)| (from..to).contains(*onset)) {
            let end = onsets.get(place + 1).copied().unwrap_or(measures * sixteenths);
            events.push(Event::Note(note(0, (onset, 4), (end - onset, 4), 60)));
        }
    }
    score(1, events)
}

/// Claves in one measure of 4/4. Son is the example of Gomez and others (14/5); the distances of the others and the
/// strengths were worked out by hand: in son 3, a sixteenth off, lasts over beat 2 (two levels above it), and 6 over beat 3.
#[test]
fn claves() {
    for (name, onsets, strength, distance) in [
        ("son", [0, 3, 6, 10, 12], 4.0, 14.0),
        ("shiko", [0, 4, 6, 10, 12], 2.0, 6.0),
        ("rumba", [0, 3, 7, 10, 12], 2.0 + 3.0, 18.0),
        ("bossa nova", [0, 3, 6, 10, 13], 2.0 + 2.0 + 1.0 + 1.0, 20.0),
        ("gahu", [0, 3, 6, 10, 14], 2.0 + 2.0 + 1.0, 18.0),
    ] {
        let answer = ask(&Syncopation, &rhythm(4, 4, 1, &onsets));
        near(&answer, "/strength", strength / 5.0);
        near(&answer, "/wnbd", distance / 5.0);
        assert_eq!(answer["tones"], 5, "{name}");
    }
}

/// Longuet-Higgins and Lee: over the bar line a tone on the last eighth is three levels below the downbeat. It is listed.
#[test]
fn a_tone_held_over_the_bar_line() {
    let answer = ask(&Syncopation, &rhythm(4, 4, 2, &[0, 4, 8, 14, 20, 24]));
    near(&answer, "/strength", 3.0 / 6.0);
    near(&answer, "/held", 1.0 / 6.0);
    assert_eq!(answer["found"], json!([[0, "1", "9/2", 3, [0]]]));
    // It ends on the beat after the one that it is held over: 2 / (1/2).
    near(&answer, "/wnbd", 4.0 / 6.0);
}

#[test]
fn music_on_the_beats_has_none() {
    let answer = ask(&Syncopation, &rhythm(4, 4, 2, &[0, 4, 8, 12, 16, 24]));
    near(&answer, "/strength", 0.0);
    near(&answer, "/held", 0.0);
    // In 6/8 the beat has three eighths: eighths 2 and 5, held over nothing, are off it.
    let answer = ask(&Syncopation, &rhythm(6, 8, 1, &[0, 2, 4, 6, 8, 10]));
    near(&answer, "/strength", 0.0);
    near(&answer, "/off_beat", 4.0 / 6.0);
    near(&answer, "/wnbd", 4.0 * 3.0 / 6.0);
}

/// BWV 66.6: of the 36 tones of the soprano one, on the last beat of measure 8, is tied over the bar line, two levels up.
#[test]
fn bwv_66_6() {
    let answer = ask(&Syncopation, &soprano());
    near(&answer, "/strength", 2.0 / 36.0);
    near(&answer, "/off_beat", 3.0 / 36.0);
    near(&answer, "/held", 0.0);
    assert_eq!((&answer["found"][0][1], &answer["found"][0][2]), (&json!("8"), &json!("4")));
}

/// A hi-hat on the eighths, bass drum on 1 and, syncopated, on the last sixteenth before beat 4; snare on 2 and 4. Levels of
/// beats 1 to 4 are 0 2 1 2, of eighths 3, of sixteenths 4.
#[test]
fn witek_s_index_of_a_drum_pattern() {
    let strokes = [(0, 36), (4, 38), (11, 36), (12, 38)];
    let hats = (0..8).map(|eighth| (2 * eighth, 42));
    let mut all: Vec<(i64, i32)> = strokes.into_iter().chain(hats).collect();
    all.sort_unstable();
    let mut score = rhythm(4, 4, 1, &[]);
    score.division = Some(480);
    for (onset, key) in all {
        score.notes.push(Note { flags: Flags::UNPITCHED, ..note(0, (onset, 4), (1, 4), key) });
    }
    // Bass drum 11 before snare and hi-hat on 12: two levels up, weight 2. Bass drum 0 and snare 4 are followed by a weaker
    // eighth, and snare 12 too.
    assert_eq!(ask(&Syncopation, &score)["drums"], json!({ "sum": 4, "pairs": 1, "per_measure": 4.0 }));
    score.division = None;
    assert_eq!(ask(&Syncopation, &score)["drums"], Value::Null);
}

#[test]
fn without_a_meter_nothing_is_weighed() {
    let answer = ask(&Syncopation, &score(1, vec![Event::Note(note(0, (0, 1), (1, 1), 60))]));
    assert_eq!(
        (&answer["unweighed"], &answer["tones"], &answer["strength"]),
        (&json!(1), &json!(0), &Value::Null)
    );
}
