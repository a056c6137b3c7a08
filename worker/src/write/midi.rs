//! MIDI: a track for meters, keys and tempi, and one for each part. Standard MIDI Files 1.0.

use super::played::{Played, played};
use super::{ScoreWriter, Written, unit};
use crate::score::{AnnotationKind, Field, Mode, Score, TICKS_PER_QUARTER, Ticks};
use std::io::{self, Write};

static WRITTEN: Written = Written {
    name: "midi",
    extension: "mid",
    media_type: "audio/midi",
    summary: "What sounds, as written once through: notes with ties joined, meters, keys, tempi, names, programs, syllables. \
              Keys below 0 and above 127 are left out. Grace notes last a sixteenth part of a quarter before their time.",
};

/// Ticks of a quarter note where a score's own times ask for more than the format can say.
const DIVISION: i64 = 10_080;
/// The most that the format can say.
const DIVISION_MAX: i64 = 32_767;
/// How loud all notes are.
const VELOCITY: u8 = 80;
/// The channel of percussion.
const DRUMS: u8 = 9;

pub(super) struct Midi;

impl ScoreWriter for Midi {
    fn format(&self) -> &'static Written {
        &WRITTEN
    }

    fn write(&self, score: &Score, out: &mut dyn Write) -> io::Result<u64> {
        let division = division(score);
        let tracks = u16::try_from(score.parts.len() + 1).unwrap_or(u16::MAX);
        let quarter = u16::try_from(division).unwrap_or(u16::MAX);
        let head = [1_u16, tracks, quarter].map(u16::to_be_bytes).concat();
        chunk(out, *b"MThd", &head)?;
        chunk(out, *b"MTrk", &signs(score, division))?;
        let sounds = played(score);
        for part in 0..tracks - 1 {
            chunk(out, *b"MTrk", &track(score, &sounds, part, division))?;
        }
        Ok(sounds.iter().filter(|sound| !(0..128).contains(&sound.key)).count() as u64)
    }
}

fn chunk(out: &mut dyn Write, name: [u8; 4], data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| io::Error::other("a track of four gigabytes"))?;
    out.write_all(&name)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(data)
}

/// Ticks of a quarter note: the file's own where the score was MIDI, else as few as say all its times, and a hundred at least.
fn division(score: &Score) -> i64 {
    let needed = TICKS_PER_QUARTER / unit(score).0.max(1);
    match score.division.map(i64::from) {
        Some(own) if own > 0 && own <= DIVISION_MAX && own % needed == 0 => own,
        _ if needed > DIVISION_MAX => DIVISION,
        _ => needed * (100 + needed - 1).div_euclid(needed).clamp(1, DIVISION_MAX / needed),
    }
}

/// An event of a track: when; of one moment first signs, then ends, then beginnings; its bytes.
type Timed = (i64, u8, Vec<u8>);
const SIGN: u8 = 0;
const END: u8 = 1;
const BEGIN: u8 = 2;

fn at(moment: Ticks, division: i64) -> i64 {
    let scaled = i128::from(moment.0) * i128::from(division) * 2 + i128::from(TICKS_PER_QUARTER);
    i64::try_from(scaled.div_euclid(2 * i128::from(TICKS_PER_QUARTER))).unwrap_or(i64::MAX)
}

fn meta(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFF, kind];
    variable(&mut bytes, data.len() as u64);
    bytes.extend_from_slice(data);
    bytes
}

/// A number of seven bits a byte.
fn variable(bytes: &mut Vec<u8>, number: u64) {
    let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let seven = (number >> (7 * group) & 0x7F) as u8;
        bytes.push(if group > 0 { seven | 0x80 } else { seven });
    }
}

/// The events in their order, with the time between them, and the end.
fn joined(mut events: Vec<Timed>) -> Vec<u8> {
    events.sort_by_key(|(at, order, _)| (*at, *order));
    let (mut bytes, mut now) = (Vec::new(), 0);
    for (at, _, event) in events {
        variable(&mut bytes, u64::try_from(at - now).unwrap_or(0));
        bytes.extend(event);
        now = at;
    }
    bytes.extend([0, 0xFF, 0x2F, 0]);
    bytes
}

/// What holds for all parts. Where parts differ, the first that says something of a moment counts.
fn signs(score: &Score, division: i64) -> Vec<u8> {
    let mut events: Vec<Timed> = Vec::new();
    if let Some(title) = score.field(Field::Title) {
        events.push((0, SIGN, meta(0x03, title.as_bytes())));
    }
    let mut last = None;
    for meter in &score.meters {
        let beats = u8::try_from(meter.count()).ok().filter(|beats| *beats > 0);
        let power = meter.unit.checked_ilog2().filter(|power| 1 << power == meter.unit);
        let Some((beats, power)) = beats.zip(power) else { continue };
        if last.replace(meter.onset) != Some(meter.onset) {
            let power = u8::try_from(power).unwrap_or(2);
            events.push((at(meter.onset, division), SIGN, meta(0x58, &[beats, power, 24, 8])));
        }
    }
    let mut last = None;
    for key in score.keys.iter().filter(|key| (-7..=7).contains(&key.fifths)) {
        if last.replace(key.onset) != Some(key.onset) {
            let minor = u8::from(matches!(key.mode, Some(Mode::Minor | Mode::Aeolian)));
            let [fifths] = key.fifths.to_be_bytes();
            events.push((at(key.onset, division), SIGN, meta(0x59, &[fifths, minor])));
        }
    }
    for tempo in &score.tempi {
        let microseconds = (60_000_000.0 / tempo.quarters_per_minute).round().clamp(1.0, 16_777_215.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was clamped")]
        let [_, a, b, c] = (microseconds as u32).to_be_bytes();
        events.push((at(tempo.onset, division), SIGN, meta(0x51, &[a, b, c])));
    }
    joined(events)
}

fn track(score: &Score, sounds: &[Played], part: u16, division: i64) -> Vec<u8> {
    let mut events: Vec<Timed> = Vec::new();
    // Fifteen channels for as many parts, and those of percussion.
    let melodic = (part % 15) as u8;
    let melodic = if melodic >= DRUMS { melodic + 1 } else { melodic };
    let known = score.parts.get(usize::from(part));
    if let Some(name) = known.and_then(|part| part.name.as_deref()) {
        events.push((0, SIGN, meta(0x03, name.as_bytes())));
    }
    if let Some(name) = known.and_then(|part| part.instrument.as_deref()) {
        events.push((0, SIGN, meta(0x04, name.as_bytes())));
    }
    if let Some(program) = known.and_then(|part| part.program) {
        events.push((0, SIGN, vec![0xC0 | melodic, program.saturating_sub(1) & 0x7F]));
    }
    let words =
        score.annotations.iter().filter(|word| word.part == part && word.kind == AnnotationKind::Lyric);
    for word in words {
        events.push((at(word.onset, division), SIGN, meta(0x05, score.text(word).as_bytes())));
    }
    let grace = (division / 16).max(1);
    for sound in sounds.iter().filter(|sound| sound.part == part) {
        let Some(key) = u8::try_from(sound.key).ok().filter(|key| *key < 128) else { continue };
        let channel = if sound.unpitched { DRUMS } else { melodic };
        let mut from = at(sound.onset, division);
        let mut to = at(sound.onset + sound.duration, division);
        if !sound.duration.is_positive() {
            from = (from - grace).max(0);
            to = from + grace;
        }
        events.push((from, BEGIN, vec![0x90 | channel, key, VELOCITY]));
        events.push((to, END, vec![0x80 | channel, key, 64]));
    }
    joined(events)
}
