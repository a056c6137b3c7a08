//! A writer of ABC: voices on their own lines, further voices as overlays, and no accidental that the key, the measure or
//! a tie says already.

use super::music::{Item, Music, QUARTER};
use worker::score::{Pitch, Step};

/// Major keys from four flats to four sharps.
const KEYS: [&str; 9] = ["Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E"];

/// The letters in the order of their sharps.
const SHARPS: [Step; 7] = [Step::F, Step::C, Step::G, Step::D, Step::A, Step::E, Step::B];

/// Alteration of each letter from C, as it holds at a point of a measure.
type Held = [i16; 7];

pub(super) fn write(music: &Music) -> String {
    let key = KEYS[place(music.fifths + 4)];
    let meter = music.meter(0).expect("the first is stated");
    let mut text = format!("X:1\nT:Random\nM:{meter}/4\nL:1/4\nK:{key}\n");
    for (bars, part) in music.parts.iter().zip(1..) {
        text += &format!("V:{part}\n");
        for (index, bar) in bars.iter().enumerate() {
            let meter = music.meter(index).filter(|_| index > 0);
            text += &meter.map(|meter| format!("[M:{meter}/4] ")).unwrap_or_default();
            // An accidental of the first voice holds for the others, too.
            let mut held = signature(music.fifths);
            let voice = |voice: &Vec<Item>| {
                voice.iter().map(|one| item(one, &mut held)).collect::<Vec<_>>().join(" ")
            };
            text += &(bar.voices.iter().map(voice).collect::<Vec<_>>().join(" & ") + " |\n");
        }
    }
    text
}

fn signature(fifths: i8) -> Held {
    let mut held = [0; 7];
    for count in 0..fifths.unsigned_abs() as usize {
        let step = SHARPS[if fifths > 0 { count } else { 6 - count }];
        held[step as usize] = if fifths > 0 { 100 } else { -100 };
    }
    held
}

fn item(item: &Item, held: &mut Held) -> String {
    let (actual, normal) = item.tuplet;
    let tuplet = item.opens.map(|count| format!("({actual}:{normal}:{count}")).unwrap_or_default();
    let graces: String = item.graces.iter().map(|grace| pitch(grace, held)).collect();
    let graces = if graces.is_empty() { graces } else { format!("{{{graces}}}") };
    let note = |one: &Pitch| if item.tied.1 { letter(one) } else { pitch(one, held) };
    let pitches: String = item.pitches.iter().map(note).collect();
    let sound = match item.pitches.len() {
        0 => "z".to_owned(),
        1 => pitches,
        _ => format!("[{pitches}]"),
    };
    let tie = if item.tied.0 { "-" } else { "" };
    format!("{tuplet}{graces}{sound}{}/{QUARTER}{tie}", item.length * actual / normal)
}

fn pitch(pitch: &Pitch, held: &mut Held) -> String {
    let held = &mut held[pitch.step as usize];
    if *held == pitch.alter {
        return letter(pitch);
    }
    *held = pitch.alter;
    ["_", "=", "^"][place((pitch.alter / 100 + 1) as i8)].to_owned() + &letter(pitch)
}

fn letter(pitch: &Pitch) -> String {
    let letter = format!("{:?}", pitch.step);
    match pitch.octave {
        5.. => letter.to_lowercase() + &"'".repeat(place(pitch.octave - 5)),
        _ => letter + &",".repeat(place(4 - pitch.octave)),
    }
}

fn place(index: i8) -> usize {
    usize::try_from(index).expect("it is not negative")
}
