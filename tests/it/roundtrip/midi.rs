//! A writer of MIDI, format 1: a track for meters and key, and one for each part on a channel of its own.

use super::music::{Music, QUARTER};

const END: [u8; 4] = [0, 0xFF, 0x2F, 0];

pub(super) fn write(music: &Music) -> Vec<u8> {
    let quarter = u16::try_from(QUARTER).expect("it is small").to_be_bytes();
    let mut bytes = chunk(b"MThd", &[&[0, 1, 0, byte(music.parts.len() + 1)], &quarter[..]].concat());
    bytes.extend(chunk(b"MTrk", &signs(music)));
    for part in 0..music.parts.len() {
        bytes.extend(chunk(b"MTrk", &track(music, part)));
    }
    bytes
}

fn signs(music: &Music) -> Vec<u8> {
    let mut bytes = vec![0, 0xFF, 0x59, 2, music.fifths.to_be_bytes()[0], 0];
    let mut now = 0;
    for index in 0..music.beats.len() {
        if let Some(beats) = music.meter(index) {
            bytes.extend(delta(music.start(index) - now));
            bytes.extend([0xFF, 0x58, 4, byte(beats as usize), 2, 24, 8]);
            now = music.start(index);
        }
    }
    [&bytes[..], &END].concat()
}

fn track(music: &Music, part: usize) -> Vec<u8> {
    // When, whether it begins, which key: of one moment the ends come first.
    let mut events = Vec::new();
    for (index, bar) in music.parts[part].iter().enumerate() {
        for item in bar.voices.iter().flatten() {
            let onset = music.start(index) + item.onset;
            for pitch in &item.pitches {
                let key = u8::try_from(pitch.key()).expect("it is within hearing");
                events.extend([(onset, true, key), (onset + item.length, false, key)]);
            }
        }
    }
    events.sort_unstable();
    let channel = byte(part);
    // Some programs end notes with note-offs, some with note-ons of no velocity and the status said once.
    let running = part % 2 == 1;
    let (mut bytes, mut now) = (Vec::new(), 0);
    for (index, (at, begins, key)) in events.into_iter().enumerate() {
        bytes.extend(delta(at - now));
        let status = if begins || running { 0x90 } else { 0x80 };
        bytes.extend((!running || index == 0).then_some(status | channel));
        bytes.extend([key, if begins { 64 } else { 0 }]);
        now = at;
    }
    [&bytes[..], &END].concat()
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).expect("it is small")
}

/// A number of variable length, which two bytes hold here.
fn delta(ticks: u32) -> Vec<u8> {
    let low = (ticks & 0x7F) as u8;
    if ticks < 0x80 { vec![low] } else { vec![0x80 | (ticks >> 7) as u8, low] }
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("it is short");
    [name, &length.to_be_bytes()[..], data].concat()
}
