//! A writer of kern: a spine for each part, the last part first, split for further voices.

use super::music::{Bar, Item, Music};
use std::collections::BTreeSet;
use worker::score::Pitch;

/// The letters in the order of their sharps.
const SHARPS: [&str; 7] = ["f", "c", "g", "d", "a", "e", "b"];

pub(super) fn write(music: &Music) -> String {
    // How many columns each part has, from the left. A split stays open as long as measures have its voices.
    let mut widths = vec![1; music.parts.len()];
    let row = |cell: &str, widths: &[usize]| vec![cell; widths.iter().sum()].join("\t") + "\n";
    let mut text = row("**kern", &widths) + &row(&format!("*k[{}]", signature(music.fifths)), &widths);
    for index in 0..music.beats.len() {
        // A pickup comes before the first barline.
        if index > 0 || !music.pickup {
            text += &row(&format!("={index}"), &widths);
        }
        if let Some(beats) = music.meter(index) {
            text += &row(&format!("*M{beats}/4"), &widths);
        }
        let bars: Vec<&Bar> = music.parts.iter().rev().map(|bars| &bars[index]).collect();
        split_and_join(&mut widths, &bars, &mut text);
        measure(&bars, &mut text);
    }
    text + &row("==", &widths) + &row("*-", &widths)
}

/// Splits and joins the right-most columns of each part until it has one for each voice.
fn split_and_join(widths: &mut [usize], bars: &[&Bar], text: &mut String) {
    loop {
        let splits: Vec<bool> =
            widths.iter().zip(bars).map(|(&width, bar)| width < bar.voices.len()).collect();
        if !splits.contains(&true) {
            break;
        }
        let part = |(&width, &split)| manipulators(width, usize::from(split), "*^");
        line(widths.iter().zip(&splits).flat_map(part), text);
        widths.iter_mut().zip(&splits).for_each(|(width, &split)| *width += usize::from(split));
    }
    // The columns of one part are joined at a time, as neighbours of two would all be joined into one.
    while let Some(index) = widths.iter().zip(bars).position(|(&width, bar)| width > bar.voices.len()) {
        let joined = widths[index] + 1 - bars[index].voices.len();
        let part = |(part, &width)| manipulators(width, if part == index { joined } else { 0 }, "*v");
        line(widths.iter().enumerate().flat_map(part), text);
        widths[index] = bars[index].voices.len();
    }
}

/// The cells of a part, of which the last `count` have a manipulator.
fn manipulators(width: usize, count: usize, manipulator: &str) -> Vec<&str> {
    [vec!["*"; width - count], vec![manipulator; count]].concat()
}

fn signature(fifths: i8) -> String {
    let sign = if fifths > 0 { "#" } else { "-" };
    let letter = |count: usize| SHARPS[if fifths > 0 { count } else { 6 - count }];
    (0..usize::from(fifths.unsigned_abs())).map(|count| letter(count).to_owned() + sign).collect()
}

fn measure(bars: &[&Bar], text: &mut String) {
    let columns: Vec<&[Item]> = bars.iter().flat_map(|bar| &bar.voices).map(Vec::as_slice).collect();
    let onsets: BTreeSet<u32> = columns.iter().copied().flatten().map(|item| item.onset).collect();
    for onset in onsets {
        let items: Vec<Option<&Item>> =
            columns.iter().map(|items| items.iter().find(|item| item.onset == onset)).collect();
        let graces = items.iter().flatten().map(|item| item.graces.len()).max().unwrap_or(0);
        for index in 0..graces {
            let grace = |item: &Option<&Item>| item.and_then(|item| item.graces.get(index)).map(grace);
            line(items.iter().map(|item| grace(item).unwrap_or_else(|| ".".to_owned())), text);
        }
        line(items.iter().map(|item| item.map_or_else(|| ".".to_owned(), token)), text);
    }
}

fn line(cells: impl IntoIterator<Item = impl AsRef<str>>, text: &mut String) {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    *text += &(cells.join("\t") + "\n");
}

fn grace(pitch: &Pitch) -> String {
    format!("8q{}", name(pitch))
}

fn token(item: &Item) -> String {
    // Parts of a whole note: those that are not have a dot.
    let length = match item.length {
        45 => "8.".to_owned(),
        90 => "4.".to_owned(),
        length => (240 / length).to_string(),
    };
    let (before, after) = match item.tied {
        (true, true) => ("", "_"),
        (true, false) => ("[", ""),
        (false, true) => ("", "]"),
        (false, false) => ("", ""),
    };
    let note = |pitch: &Pitch| format!("{before}{length}{}{after}", name(pitch));
    match item.pitches.is_empty() {
        true => format!("{length}r"),
        false => item.pitches.iter().map(note).collect::<Vec<_>>().join(" "),
    }
}

fn name(pitch: &Pitch) -> String {
    let letter = format!("{:?}", pitch.step);
    let letters = match pitch.octave {
        4.. => letter.to_lowercase().repeat(pitch.octave as usize - 3),
        _ => letter.repeat(4 - pitch.octave as usize),
    };
    letters + ["-", "", "#"][usize::try_from(pitch.alter / 100 + 1).expect("one at most")]
}
