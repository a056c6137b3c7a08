//! Scores written in another format and read back: what sounds is what sounded.

use crate::support::{finish, ripieno, tune};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use tests::{Reading, read};
use worker::read::ReadOptions;
use worker::score::{Flags, Note, Score, Ticks};
use worker::write;

/// A sound: part, onset, end, MIDI key.
type Sound = (u16, Ticks, Ticks, i32);

/// What sounds, ties joined, grace notes left out.
fn sounds(score: &Score) -> Vec<Sound> {
    let mut sounds: Vec<Sound> = Vec::new();
    let mut tied: BTreeMap<(u16, i32, Ticks), usize> = BTreeMap::new();
    let said = |note: &&Note| note.duration.is_positive() && (0..=9).contains(&note.written.octave);
    for note in score.notes.iter().filter(said) {
        // Percussion keeps its place on the staff.
        let key = if note.is_pitched() { note.sounding_key() } else { -note.written.diatonic() };
        let before = if note.is_onset() { None } else { tied.remove(&(note.part, key, note.onset)) };
        let index = before.unwrap_or(sounds.len());
        match before {
            Some(index) => sounds[index].2 = note.end(),
            None => sounds.push((note.part, note.onset, note.end(), key)),
        }
        if note.flags.has(Flags::TIE_START) {
            tied.insert((note.part, key, note.end()), index);
        }
    }
    sounds.sort_by_key(|sound| (sound.0, sound.3, sound.1, sound.2));
    // Where a part has a key twice at once, no tie says which of them it prolongs: such keys are left out.
    let mut twice = BTreeSet::new();
    for pair in sounds.windows(2) {
        if (pair[0].0, pair[0].3) == (pair[1].0, pair[1].3) && pair[1].1 < pair[0].2 {
            twice.insert((pair[0].0, pair[0].3));
        }
    }
    sounds.retain(|sound| !twice.contains(&(sound.0, sound.3)));
    sounds.sort_unstable();
    sounds
}

fn written(score: &Score, format: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::find(format).unwrap().write(score, &mut bytes).unwrap();
    bytes
}

fn again(score: &Score, format: &str) -> Reading {
    read(&written(score, format), "score", &ReadOptions::default())
}

/// What is another in the score that was read back.
fn changed(score: &Score, again: &Reading) -> Option<String> {
    let Some(back) = again.scores.first() else { return Some(format!("nothing: {:?}", again.failure)) };
    let (before, after) = (sounds(score), sounds(back));
    // A time that no tick has was rounded to one in the source.
    let near = |one: Ticks, other: Ticks| (one - other).0.abs() <= 1;
    let same = |one: &Sound, other: &Sound| {
        (one.0, one.3) == (other.0, other.3) && near(one.1, other.1) && near(one.2, other.2)
    };
    let differs = before.iter().zip(&after).position(|(before, after)| !same(before, after));
    if let Some(index) = differs {
        return Some(format!("sound {index}: {:?} for {:?}", after[index], before[index]));
    }
    if before.len() != after.len() {
        return Some(format!("{} sounds for {}: {:?}", after.len(), before.len(), again.failure));
    }
    let said = |score: &Score| -> Vec<String> {
        let meters =
            score.meters.iter().map(|meter| format!("{} {:?} {}", meter.part, meter.onset, meter.text()));
        let keys = score.keys.iter();
        meters
            .chain(keys.map(|key| format!("{} {:?} {} {:?}", key.part, key.onset, key.fifths, key.mode)))
            .collect()
    };
    let measures = |score: &Score| -> Vec<_> {
        let label = |measure| score.label(measure).map(str::to_owned);
        score.measures.iter().map(|measure| (measure.part, measure.number, label(measure))).collect()
    };
    // Where parts have bar lines at other times, they are written by those of the longest.
    let parts = 0..u16::try_from(score.parts.len()).unwrap();
    let longest =
        parts.clone().map(|part| score.measures_of(part)).max_by_key(|all| all.len()).unwrap_or(&[]);
    let alike = parts
        .map(|part| score.measures_of(part))
        .all(|own| !own.is_empty() && own.iter().zip(longest).all(|(own, other)| own.onset == other.onset));
    if !alike {
        return None;
    }
    if measures(score) != measures(back) {
        return Some(format!("measures: {:?} for {:?}", measures(back), measures(score)));
    }
    (said(score) != said(back)).then(|| format!("signs: {:?} for {:?}", said(back), said(score)))
}

/// What is written of this file is no longer what it was: a rest of two measures in one, which whoever reads MusicXML takes
/// for a rest of the measure, as exporters mean it.
const RESTS: &str = "pl-wtm--r-131-m--001-004_moniuszko-stanislaw--msza-swieta-slowa-odynca-credo.krn";

/// The scores of the project and of the corpora, but for the largest.
fn all_scores(mut test: impl FnMut(&str, &Score)) {
    let mut folders = vec![tests::data().join("scores")];
    folders.extend(tests::corpora());
    for path in folders.iter().flat_map(|folder| tests::files_under(folder)) {
        let name = path.to_string_lossy().into_owned();
        let reading = read(&fs::read(&path).unwrap(), &name, &ReadOptions::default());
        let scores = reading.scores.iter().filter(|score| (1..20_000).contains(&score.notes.len()));
        scores.for_each(|score| test(&name, score));
    }
}

#[test]
fn what_is_written_in_musicxml_sounds_as_it_did() {
    let mut bad = Vec::new();
    all_scores(|name, score| {
        let why = changed(score, &again(score, "musicxml"));
        bad.extend(why.filter(|_| !name.ends_with(RESTS)).map(|why| format!("{name}: {why}")));
    });
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn what_is_written_in_midi_sounds_as_it_did() {
    let mut bad = Vec::new();
    let mut same = 0;
    all_scores(|name, score| {
        // A grace note takes some time, a drum is another key, and a key that sounds twice at once is one key.
        let plain = |note: &Note| note.duration.is_positive() && note.is_pitched();
        if !score.notes.iter().all(plain) {
            return;
        }
        let flat = |score: &Score| {
            let mut sounds: Vec<(Ticks, i32)> =
                sounds(score).into_iter().map(|sound| (sound.1, sound.3)).collect();
            sounds.sort_unstable();
            sounds
        };
        let back = again(score, "midi");
        let (before, after) = (flat(score), back.scores.first().map(flat).unwrap_or_default());
        // The format counts a quarter in no more than 32 767 parts.
        let near = |one: &(Ticks, i32), other: &(Ticks, i32)| (one.0 - other.0).0.abs() <= 7_000;
        let close = before.iter().zip(&after).all(|(before, after)| near(before, after));
        if before.len() == after.len() && close {
            same += 1;
        } else {
            bad.push(format!("{name}: {} sounds for {}", after.len(), before.len()));
        }
    });
    println!("{same} as they were");
    assert!(bad.is_empty() && same > 20, "{}", bad.join("\n"));
}

#[test]
fn a_file_is_exported_by_a_command() {
    let home = tempfile::tempdir().unwrap();
    let tunes = home.path().join("tunes.abc");
    fs::write(&tunes, format!("{}\n{}", tune(1, 32), tune(2, 16))).unwrap();
    let export = |more: &[&str]| {
        let mut command = ripieno(&home.path().join("data"));
        finish(command.arg("export").arg(&tunes).args(more).current_dir(home.path()))
    };
    let (code, text, errors) = export(&["--to", "midi"]);
    assert!(code == 0 && text == "tunes.mid\n", "{text}{errors}");
    let written = fs::read(home.path().join("tunes.mid")).unwrap();
    assert_eq!(read(&written, "tunes.mid", &ReadOptions::default()).notes(), 32);
    let (code, _, errors) = export(&["--to", "midi"]);
    assert!(code == 1 && errors.contains("is there already"), "{errors}");
    let (code, text, _) = export(&["--to", "musicxml", "--piece", "1", "--out", "-"]);
    assert!(code == 0 && text.contains("<work-title>Tune 2</work-title>"), "{text}");
    for (more, said) in [
        (&["--to", "lilypond"][..], "\"lilypond\" is not written; there are: midi, musicxml"),
        (&["--to", "midi", "--piece", "2", "--out", "-"], "there is no piece 2: there are 2, from 0"),
    ] {
        let (code, _, errors) = export(more);
        assert!(code == 3 && errors.contains(said), "{errors}");
    }
}
