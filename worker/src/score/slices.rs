//! The score in vertical slices: what sounds together from one moment of change to the next.

use super::Score;
use super::note::{Flags, Measure, Note};
use super::pitch::Pitch;
use super::time::Ticks;
use shared::place::Place;
use std::sync::OnceLock;

/// What sounds together for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// When it begins.
    pub onset: Ticks,
    /// How long it lasts.
    pub duration: Ticks,
    /// Index of the measure that it begins in: of the leading part, or of the first if measures are cut apart.
    pub measure: u32,
    /// When it begins, from the start of that measure.
    pub offset: Ticks,
    /// The first note that begins with it, or else the lowest one that sounds on.
    pub place: Place,
    /// Where its pitches stand among all.
    span: (u32, u32),
}

/// Slices in the order of time. Silence has none.
#[derive(Clone, Debug, Default)]
pub struct Slices {
    slices: Vec<Slice>,
    pitches: Vec<Pitch>,
}

/// Something worked out once of a score that does not change any more. A copy, which may be changed, begins anew.
#[derive(Debug, Default)]
pub(super) struct Memo<T>(OnceLock<T>);

impl<T: Default> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Memo::default()
    }
}

/// What begins and ends, of the one timeline that is cut.
#[derive(Clone, Copy)]
struct Item<'a> {
    from: Ticks,
    to: Ticks,
    /// Nothing for what cuts but does not sound: rests, unpitched notes, bar lines of MIDI files.
    sound: Option<(&'a Note, Pitch)>,
}

impl Score {
    /// The slices of one timeline for all parts: cut where a note begins or the sounding pitches change. Tied notes are
    /// one, grace and unpitched notes are left out.
    #[must_use]
    pub fn slices(&self) -> &Slices {
        self.slices.0.get_or_init(|| aligned(self))
    }

    /// The slices that music21 makes (`Stream.chordify`): measure by measure, by index, in the own time of the first
    /// part; cut at every start and end of a note or rest; grace notes join what begins with them. They sound as written
    /// unless the first part transposes. The measures of a MIDI file are those of its time.
    #[must_use]
    pub fn measure_slices(&self) -> &Slices {
        self.measure_slices.0.get_or_init(|| by_measure(self))
    }

    /// The part with most measures, of several the first: whose measures say where in the piece something is.
    #[must_use]
    pub fn leading_part(&self) -> u16 {
        let counts = self.measures.chunk_by(|a, b| a.part == b.part);
        let counts = counts.filter_map(|part| part.first().map(|first| (part.len(), first.part)));
        counts.max_by_key(|&(count, part)| (count, std::cmp::Reverse(part))).map_or(0, |(_, part)| part)
    }
}

impl Slices {
    /// Each slice with its pitches: as they sound, from the lowest on the staff upwards, each once.
    pub fn iter(&self) -> impl Iterator<Item = (&Slice, &[Pitch])> {
        self.slices.iter().enumerate().map(|(index, slice)| (slice, self.sounding(index)))
    }

    /// What sounds in the slice of that number.
    #[must_use]
    pub fn sounding(&self, index: usize) -> &[Pitch] {
        let span = self.slices.get(index).map_or((0, 0), |slice| slice.span);
        self.pitches.get(span.0 as usize..span.1 as usize).unwrap_or_default()
    }

    /// How many slices there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slices.len()
    }

    /// Whether nothing sounds in the score.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    fn push(
        &mut self,
        (from, to): (Ticks, Ticks),
        start: Ticks,
        measure: u32,
        place: Place,
        pitches: &[Pitch],
    ) {
        let first = self.pitches.len();
        self.pitches.extend_from_slice(pitches);
        let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = (index(first), index(self.pitches.len()));
        self.slices.push(Slice {
            onset: from,
            duration: to - from,
            measure,
            offset: from - start,
            place,
            span,
        });
    }

    /// The same, in the measure that it begins in.
    fn push_at(&mut self, measures: &[Measure], span: (Ticks, Ticks), place: Place, pitches: &[Pitch]) {
        let index = measures.partition_point(|measure| measure.onset <= span.0).saturating_sub(1);
        let start = measures.get(index).map_or(Ticks::ZERO, |measure| measure.onset);
        self.push(span, start, u32::try_from(index).unwrap_or(u32::MAX), place, pitches);
    }

    /// Lengthens the last slice, if it ends at `from` and sounds the same.
    fn went_on(&mut self, from: Ticks, to: Ticks, pitches: &[Pitch]) -> bool {
        let Some(last) = self.slices.last_mut() else { return false };
        let same = self.pitches.get(last.span.0 as usize..).is_some_and(|before| before == pitches);
        let on = same && last.onset + last.duration == from;
        if on {
            last.duration = to - last.onset;
        }
        on
    }
}

fn aligned(score: &Score) -> Slices {
    let sounds = |note: &&Note| note.is_pitched() && !note.is_grace() && note.duration.is_positive();
    let items = score.notes.iter().filter(sounds);
    let item = |note| Item::of(note, Ticks::ZERO, note.sounding());
    let items: Vec<Item<'_>> = items.map(item).collect();
    let measures = score.measures_of(score.leading_part());
    let mut slices = Slices::default();
    sweep(&items, &mut |from, to, pitches, place, fresh| {
        if fresh || !slices.went_on(from, to, pitches) {
            slices.push_at(measures, (from, to), place, pitches);
        }
    });
    slices
}

fn by_measure(score: &Score) -> Slices {
    let transposes = score.notes.iter().any(|note| note.part == 0 && note.transpose != 0);
    let pitch = |note: &Note| if transposes { note.sounding() } else { note.written };
    let timed = score.division.is_some();
    let onset = |part: u16, measure: u32| {
        let measure = score.measures_of(part).get(measure as usize);
        measure.filter(|_| !timed).map_or(Ticks::ZERO, |measure| measure.onset)
    };
    let index = |measure: u32| if timed { 0 } else { measure };
    let mut items: Vec<(u32, Item<'_>)> = Vec::with_capacity(score.notes.len() + score.rests.len());
    let notes = score.notes.iter();
    items.extend(
        notes.map(|note| (index(note.measure), Item::of(note, onset(note.part, note.measure), pitch(note)))),
    );
    items.extend(score.rests.iter().map(|rest| {
        let from = rest.onset - onset(rest.part, rest.measure);
        (index(rest.measure), Item { from, to: from + rest.duration, sound: None })
    }));
    let template = score.measures_of(0);
    if timed {
        let bars = template.iter().map(|bar| (0, Item { from: bar.onset, to: bar.onset, sound: None }));
        items.extend(bars);
    }
    items.sort_by_key(|(measure, item)| (*measure, item.from));
    let mut slices = Slices::default();
    let (mut start, mut next) = (Ticks::ZERO, 0);
    for measure in items.chunk_by(|a, b| a.0 == b.0) {
        let index = measure.first().map_or(0, |(index, _)| *index);
        let passed = template.get(next as usize..index as usize).unwrap_or_default();
        start += passed.iter().map(|before| before.duration).sum();
        next = index;
        if index as usize >= template.len().max(1) {
            break; // The first part is over, and with it the piece.
        }
        let items: Vec<Item<'_>> = measure.iter().map(|(_, item)| *item).collect();
        sweep(&items, &mut |from, to, pitches, place, _| match timed {
            true => slices.push_at(template, (from, to), place, pitches),
            false => slices.push((start + from, start + to), start, index, place, pitches),
        });
    }
    slices.slices.sort_by_key(|slice| slice.onset);
    slices
}

impl<'a> Item<'a> {
    /// A note in the time that begins at `start`.
    fn of(note: &'a Note, start: Ticks, pitch: Pitch) -> Self {
        let from = note.onset - start;
        Item { from, to: from + note.duration, sound: note.is_pitched().then_some((note, pitch)) }
    }
}

/// A pitch by its place on the staff and its height: how pitches are in order.
type Height = (i32, i32);

/// A pitch that sounds: how often, and the note that began it last.
struct Held<'a> {
    count: usize,
    note: &'a Note,
    pitch: Pitch,
}

/// Who hears of each stretch between two cuts: from, to, the pitches, the place, and whether any sound begins.
type Listener<'a> = dyn FnMut(Ticks, Ticks, &[Pitch], Place, bool) + 'a;

/// Cuts a timeline at each start and end and tells what sounds in between. The items are in the order of their starts.
fn sweep(items: &[Item<'_>], tell: &mut Listener<'_>) {
    let mut cuts: Vec<Ticks> = items.iter().flat_map(|item| [item.from, item.to]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut ends: Vec<&Item<'_>> = items.iter().filter(|item| item.to > item.from).collect();
    ends.sort_by_key(|item| item.to);
    let (mut ends, mut starts) = (ends.into_iter().peekable(), items.iter().peekable());
    // Few sound at once, so that a list is sooner searched and changed than a tree.
    let mut held: Vec<(Height, Held<'_>)> = Vec::new();
    let mut sounding = Vec::new();
    for (&from, &to) in cuts.iter().zip(cuts.iter().skip(1)) {
        while let Some(ended) = ends.next_if(|item| item.to <= from) {
            ended.sound.into_iter().for_each(|(_, pitch)| release(&mut held, pitch));
        }
        let (mut first, mut fresh, mut graces) = (None, false, Vec::new());
        while let Some(begun) = starts.next_if(|item| item.from <= from) {
            let Some((note, pitch)) = begun.sound else { continue };
            let height = height(pitch);
            match held.binary_search_by_key(&height, |(other, _)| *other) {
                Ok(at) => {
                    if let Some((_, entry)) = held.get_mut(at) {
                        (entry.count, entry.note) = (entry.count + 1, note);
                    }
                }
                Err(at) => held.insert(at, (height, Held { count: 1, note, pitch })),
            }
            first = first.or(Some(note));
            fresh |= !note.flags.has(Flags::TIE_STOP);
            if begun.to == begun.from {
                graces.push(pitch);
            }
        }
        let shown = first.or_else(|| held.first().map(|(_, lowest)| lowest.note));
        if let Some(shown) = shown {
            sounding.clear();
            sounding.extend(held.iter().map(|(_, held)| held.pitch));
            tell(from, to, &sounding, shown.place, fresh);
        }
        graces.into_iter().for_each(|pitch| release(&mut held, pitch));
    }
}

fn height(pitch: Pitch) -> Height {
    (pitch.diatonic(), pitch.cents())
}

fn release(held: &mut Vec<(Height, Held<'_>)>, pitch: Pitch) {
    let Ok(at) = held.binary_search_by_key(&height(pitch), |(other, _)| *other) else { return };
    let Some((_, entry)) = held.get_mut(at) else { return };
    entry.count -= 1;
    if entry.count == 0 {
        held.remove(at);
    }
}

#[cfg(test)]
mod tests;
