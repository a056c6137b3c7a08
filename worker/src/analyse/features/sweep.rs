//! What sounds together, from one moment of change to the next: which pitches, and on how many channels.

use super::sounds::{Kind, Sounds};
use crate::score::{Pitch, Score, Ticks};
use shared::failure::Failure;
use shared::limits::{CHORDS_MAX, SLICES_MAX, exceeded};
use std::collections::BTreeMap;

/// The slices of a score, counted.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// For each number of channels that sound at once, how many slices have it, and how long they are.
    pub(super) channels: BTreeMap<usize, (u64, Ticks)>,
    /// Each different chord, from the lowest pitch on the staff upwards, and how many slices it is.
    pub(super) chords: BTreeMap<Vec<Pitch>, u64>,
    /// How many slices there are in which anything sounds.
    pub(super) slices: u64,
}

/// Something that cuts, and its pitches if it has any.
#[derive(Clone, Copy)]
struct Item {
    measure: u32,
    from: Ticks,
    to: Ticks,
    /// None for what is not counted among the channels.
    channel: Option<usize>,
    pitches: (usize, usize),
}

/// What sounds at a moment.
#[derive(Default)]
struct Held {
    pitches: BTreeMap<(i32, i32), (usize, Pitch)>,
    channels: BTreeMap<usize, usize>,
}

impl Sweep {
    /// The slices: cut at every start and end; for music21 measure by measure, by index, as far as the first part goes,
    /// with rests and grace notes.
    ///
    /// # Errors
    /// `too_large` for a piece of more slices or different chords than are looked at.
    pub(super) fn of(score: &Score, sounds: &Sounds, as_music21: bool) -> Result<Self, Failure> {
        let mut items = Vec::new();
        let last = score.measures_of(0).len().max(1);
        for staff in &sounds.staves {
            let of_staff = staff.sounds.iter().filter(|sound| !as_music21 || (sound.measure as usize) < last);
            items.extend(of_staff.map(|sound| Item {
                measure: sound.measure,
                from: sound.offset,
                to: sound.offset + sound.length,
                // The notes of a chord do not know their part in music21.
                channel: Some(staff.channel).filter(|_| !as_music21 || sound.kind == Kind::Note),
                pitches: if matches!(sound.kind, Kind::Rest | Kind::Unpitched) {
                    (0, 0)
                } else {
                    sound.pitches
                },
            }));
        }
        items.sort_by_key(|item| (item.measure, item.from));
        let mut sweep = Sweep::default();
        for measure in items.chunk_by(|a, b| a.measure == b.measure) {
            sweep.cut(sounds, measure)?;
        }
        Ok(sweep)
    }

    /// Cuts what is in the order of its starts.
    fn cut(&mut self, sounds: &Sounds, items: &[Item]) -> Result<(), Failure> {
        let mut cuts: Vec<Ticks> = items.iter().flat_map(|item| [item.from, item.to]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut ends: Vec<&Item> = items.iter().filter(|item| item.to > item.from).collect();
        ends.sort_by_key(|item| item.to);
        let (mut ends, mut starts) = (ends.into_iter().peekable(), items.iter().peekable());
        let mut held = Held::default();
        let mut moments: Vec<&Item> = Vec::new();
        for (&from, &to) in cuts.iter().zip(cuts.iter().skip(1)) {
            while let Some(item) = ends.next_if(|item| item.to <= from) {
                held.release(sounds, item);
            }
            while let Some(item) = starts.next_if(|item| item.from <= from) {
                held.hold(sounds, item);
                if item.to <= item.from {
                    moments.push(item);
                }
            }
            if !held.pitches.is_empty() {
                self.add(&held, to - from)?;
            }
            moments.drain(..).for_each(|item| held.release(sounds, item));
        }
        Ok(())
    }

    fn add(&mut self, held: &Held, length: Ticks) -> Result<(), Failure> {
        self.slices += 1;
        let of_number = self.channels.entry(held.channels.len()).or_default();
        of_number.0 += 1;
        of_number.1 += length;
        let chord: Vec<Pitch> = held.pitches.values().map(|(_, pitch)| *pitch).collect();
        *self.chords.entry(chord).or_default() += 1;
        for (count, limit) in [(self.slices, &SLICES_MAX), (self.chords.len() as u64, &CHORDS_MAX)] {
            if count > limit.default {
                return Err(exceeded(limit.name, limit.default, None));
            }
        }
        Ok(())
    }
}

impl Held {
    fn hold(&mut self, sounds: &Sounds, item: &Item) {
        for pitch in pitches(sounds, item) {
            self.pitches.entry((pitch.diatonic(), pitch.cents())).or_insert((0, pitch)).0 += 1;
            if let Some(channel) = item.channel {
                *self.channels.entry(channel).or_default() += 1;
            }
        }
    }

    fn release(&mut self, sounds: &Sounds, item: &Item) {
        for pitch in pitches(sounds, item) {
            let height = (pitch.diatonic(), pitch.cents());
            if let Some(held) = self.pitches.get_mut(&height) {
                held.0 -= 1;
                if held.0 == 0 {
                    self.pitches.remove(&height);
                }
            }
            if let Some(channel) = item.channel
                && let Some(count) = self.channels.get_mut(&channel)
            {
                *count -= 1;
                if *count == 0 {
                    self.channels.remove(&channel);
                }
            }
        }
    }
}

fn pitches(sounds: &Sounds, item: &Item) -> impl Iterator<Item = Pitch> {
    let (first, count) = item.pitches;
    let heard = sounds.heard.get(first..first.saturating_add(count)).unwrap_or_default();
    heard.iter().map(|heard| heard.sliced)
}
