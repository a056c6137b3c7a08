//! Tones against the chords in which they sound: which do not belong, and how these stand in their lines.

use super::kind::{Course, Kind};
use crate::analyse::common::class;
use crate::analyse::harmony::ReadChord;
use crate::analyse::voices::{Sung, Voices};
use crate::score::Ticks;
use shared::failure::Failure;
use shared::limits::{TONE_CHORDS_MAX, exceeded};

/// How many repetitions of a tone are looked over to find where it came from or goes to.
const REPEATED_MAX: usize = 16;

/// A tone, from where it does not belong to the chord.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreign {
    pub(super) kind: Kind,
    /// Index of the tone.
    pub(super) tone: usize,
    /// Index of the chord.
    pub(super) chord: usize,
    pub(super) from: Ticks,
    /// When it moves on, or belongs to a chord again.
    pub(super) left: Ticks,
}

/// Every stretch of every tone in which it belongs to no chord, line by line.
///
/// # Errors
/// `too_large` where tones and chords meet too often to be looked at.
pub(super) fn foreign(voices: &Voices, chords: &[ReadChord]) -> Result<Vec<Foreign>, Failure> {
    let mut found = Vec::new();
    let mut met = 0_u64;
    for (index, tone) in voices.tones.iter().enumerate() {
        let first = chords.partition_point(|chord| chord.end <= tone.from);
        let during = chords.get(first..).unwrap_or_default();
        let during = during.get(..during.partition_point(|chord| chord.onset < tone.to)).unwrap_or_default();
        met = met.saturating_add(during.len() as u64);
        if met > TONE_CHORDS_MAX.default {
            return Err(exceeded(TONE_CHORDS_MAX.name, TONE_CHORDS_MAX.default, None));
        }
        let mut at = first;
        for stretch in during.chunk_by(|a, b| belongs(tone.key, a) == belongs(tone.key, b)) {
            if let (Some(chord), Some(last)) = (stretch.first(), stretch.last())
                && !belongs(tone.key, chord)
            {
                let (from, left) = (tone.from.max(chord.onset), tone.to.min(last.end));
                let settles = left < tone.to;
                let held = Stretch { voices, chords, index, tone, prepared: from > tone.from, settles };
                found.push(Foreign { kind: held.course().kind(), tone: index, chord: at, from, left });
            }
            at += stretch.len();
        }
    }
    Ok(found)
}

fn belongs(key: i32, chord: &ReadChord) -> bool {
    let above = (class(key) + 12 - chord.root) % 12;
    chord.members().contains(&above)
}

/// A stretch in which a tone is foreign.
struct Stretch<'a> {
    voices: &'a Voices,
    chords: &'a [ReadChord],
    index: usize,
    tone: &'a Sung,
    /// Whether it was held into the chord from one that it belongs to.
    prepared: bool,
    /// Whether it is held into one that it belongs to.
    settles: bool,
}

impl Stretch<'_> {
    fn course(&self) -> Course {
        let back = self.neighbours(false);
        let forth = self.neighbours(true);
        Course {
            prepared: self.prepared || back.belonged,
            settles: self.settles || (!self.prepared && forth.belonged),
            came: back.first.map(|distance| -distance),
            came_earlier: back.second.map(|distance| -distance),
            goes: if self.settles { Some(0) } else { forth.first },
            goes_then: forth.second,
        }
    }

    /// The two nearest tones of other pitch on one side, joined without a rest, in semitones from the tone; and whether
    /// on the way it was struck in a chord that it belongs to.
    fn neighbours(&self, forth: bool) -> Side {
        let mut side = Side::default();
        let (mut index, mut here) = (self.index, *self.tone);
        for _ in 0..REPEATED_MAX {
            let Some((next, tone)) = self.joined(index, &here, forth) else { break };
            let distance = tone.key - self.tone.key;
            (index, here) = (next, tone);
            if side.first.is_some() {
                side.second = Some(distance);
                break;
            }
            if distance != 0 {
                side.first = Some(distance);
                continue;
            }
            if self.belonged(&tone, forth) {
                side.belonged = true;
                // Where it goes after that is still of interest to what was prepared.
                if !forth {
                    side.first = Some(0);
                    break;
                }
            }
        }
        side
    }

    /// The tone nearest in pitch of the chord that follows or goes before in the line, if there is no rest between.
    fn joined(&self, index: usize, tone: &Sung, forth: bool) -> Option<(usize, Sung)> {
        let (first, chord) =
            if forth { self.voices.indexed_after(index) } else { self.voices.indexed_before(index) };
        let joins = |other: &Sung| if forth { other.from == tone.to } else { other.to == tone.from };
        let all = (first..).zip(chord).filter(|(_, other)| joins(other));
        let nearest = all.min_by_key(|(_, other)| ((other.key - tone.key).abs(), other.key));
        nearest.map(|(index, other)| (index, *other))
    }

    /// Whether a tone, struck again, belongs to the chord at the side that is turned to the foreign one.
    fn belonged(&self, tone: &Sung, forth: bool) -> bool {
        let index = if forth {
            self.chords.partition_point(|chord| chord.end <= tone.from)
        } else {
            self.chords.partition_point(|chord| chord.end < tone.to)
        };
        self.chords.get(index).is_some_and(|chord| belongs(tone.key, chord))
    }
}

/// What lies on one side of a tone.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    first: Option<i32>,
    second: Option<i32>,
    belonged: bool,
}
