//! A writer of MusicXML, partwise and timewise: further voices behind a backup.

use super::music::{Item, Music, QUARTER};
use worker::score::Pitch;

pub(super) fn partwise(music: &Music) -> String {
    let part = |part: usize| {
        let measures = (0..music.beats.len())
            .map(|index| element("measure", "number", index, &measure(music, part, index)));
        element("part", "id", part, &measures.collect::<String>())
    };
    score("score-partwise", music, (0..music.parts.len()).map(part))
}

pub(super) fn timewise(music: &Music) -> String {
    let all = |index: usize| {
        let parts =
            (0..music.parts.len()).map(|part| element("part", "id", part, &measure(music, part, index)));
        element("measure", "number", index, &parts.collect::<String>())
    };
    score("score-timewise", music, (0..music.beats.len()).map(all))
}

fn score(root: &str, music: &Music, body: impl Iterator<Item = String>) -> String {
    let part = |id| element("score-part", "id", id, "<part-name>Part</part-name>");
    let list: String = (0..music.parts.len()).map(part).collect();
    let body: String = body.collect();
    format!("<?xml version=\"1.0\"?>\n<{root}>\n<part-list>\n{list}</part-list>\n{body}</{root}>\n")
}

fn element(name: &str, attribute: &str, value: usize, contents: &str) -> String {
    format!("<{name} {attribute}=\"{value}\">\n{contents}</{name}>\n")
}

fn measure(music: &Music, part: usize, index: usize) -> String {
    let mut text = String::new();
    if index == 0 {
        let fifths = music.fifths;
        text += &format!("<divisions>{QUARTER}</divisions><key><fifths>{fifths}</fifths></key>");
    }
    if let Some(beats) = music.meter(index) {
        text += &format!("<time><beats>{beats}</beats><beat-type>4</beat-type></time>");
    }
    text = format!("<attributes>{text}</attributes>\n");
    for (voice, number) in music.parts[part][index].voices.iter().zip(1..) {
        if number > 1 {
            text += &format!("<backup><duration>{}</duration></backup>\n", music.beats[index] * QUARTER);
        }
        voice.iter().for_each(|item| text += &notes(item, number));
    }
    text
}

fn notes(item: &Item, voice: usize) -> String {
    let end = format!("<voice>{voice}</voice>");
    let grace = |grace: &Pitch| format!("<note><grace/>{}{end}</note>\n", pitch(grace));
    let mut text: String = item.graces.iter().map(grace).collect();
    let (leaves, comes) = item.tied;
    let ties = [(comes, "stop"), (leaves, "start")];
    let ties = ties.iter().filter(|(is, _)| *is).map(|(_, kind)| format!("<tie type=\"{kind}\"/>"));
    let end = format!("<duration>{}</duration>{}{end}</note>\n", item.length, ties.collect::<String>());
    if item.pitches.is_empty() {
        return text + &format!("<note><rest/>{end}");
    }
    for (index, one) in item.pitches.iter().enumerate() {
        let chord = if index > 0 { "<chord/>" } else { "" };
        text += &format!("<note>{chord}{}{end}", pitch(one));
    }
    text
}

fn pitch(pitch: &Pitch) -> String {
    let Pitch { step, alter, octave } = pitch;
    format!("<pitch><step>{step:?}</step><alter>{}</alter><octave>{octave}</octave></pitch>", alter / 100)
}
