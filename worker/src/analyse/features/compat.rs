//! The notes of a score as the feature extractors of music21 see them: staves as parts, each in its own time, written
//! pitch, grace notes among the notes, and ties as `Stream.stripTies` takes them.

use super::grid;
use super::sounds::{Heard, Kind, Numbers, Sound, Sounds, Staff};
use crate::score::{Flags, Notation, Note, Pitch, Score, Ticks};
use std::collections::{BTreeMap, BTreeSet};

/// What ties a sound has, by the first of its notes that has any.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    None,
    Start,
    Continue,
    Stop,
}

/// A sound and what is needed to tie it.
pub(super) struct Item<'a> {
    pub(super) sound: Sound,
    pub(super) notes: Vec<&'a Note>,
    tie: Tie,
}

/// The sounds as music21 has them.
pub(super) fn sounds(score: &Score) -> Sounds {
    let transposes = score.notes.iter().any(|note| note.part == 0 && note.transpose != 0);
    let heard = |note: &Note| Heard {
        counted: note.written,
        sliced: if transposes { note.sounding() } else { note.written },
    };
    let mut sounds = Sounds::default();
    let mut channels = Numbers::new();
    let mut before = None;
    for ((part, staff), items) in staves(score) {
        let leads = before != Some(part);
        before = Some(part);
        let mut items = items;
        if score.notation == Some(Notation::Midi) {
            grid::align(&mut items, score.measures_of(part));
        }
        strip_ties(&mut items);
        items.sort_by_key(|item| {
            let sound = &item.sound;
            (sound.measure, sound.line, sound.at, !sound.grace)
        });
        let channel =
            channels.of(channel_name(score, part).map_or((None, part, staff), |name| (Some(name), 0, 0)));
        let mut told = Staff { part, channel, leads, sounds: Vec::with_capacity(items.len()) };
        for item in items {
            let pitches = sounds.hear(&item.notes, heard);
            told.sounds.push(Sound { pitches, ..item.sound });
        }
        sounds.staves.push(told);
    }
    sounds
}

/// The name by which music21 knows a part of MusicXML: its own, or that of its instrument. It takes parts of one name for
/// one; the staves of a part are told apart.
fn channel_name(score: &Score, part: u16) -> Option<String> {
    let part = score.parts.get(usize::from(part))?;
    if score.notation != Some(Notation::MusicXml) || part.staves > 1 {
        return None;
    }
    let given = [&part.name, &part.instrument].into_iter().flatten().find(|name| !name.is_empty());
    given.map(ToString::to_string).or_else(|| part.program.map(|program| program.to_string()))
}

/// What stands on each staff.
fn staves(score: &Score) -> BTreeMap<(u16, u8), Vec<Item<'_>>> {
    let times = Times::of(score);
    let many = polyphonic(score);
    let line = |part, measure, voice: u8| if many.contains(&(part, measure)) { u16::from(voice) } else { 0 };
    let mut staves: BTreeMap<(u16, u8), Vec<Item<'_>>> = BTreeMap::new();
    let mut last: Vec<Option<(u8, usize)>> = vec![None; score.parts.len()];
    for note in &score.notes {
        let slot = last.get_mut(usize::from(note.part));
        if note.flags.has(Flags::CHORD)
            && let Some(Some((staff, index))) = slot.as_deref()
            && let Some(item) = staves.get_mut(&(note.part, *staff)).and_then(|items| items.get_mut(*index))
            && item.notes.first().is_some_and(|head| head.onset == note.onset && head.voice == note.voice)
        {
            item.join(note);
            continue;
        }
        let (at, offset) = times.moment(note.part, note.measure, note.onset);
        let items = staves.entry((note.part, note.staff)).or_default();
        if let Some(slot) = slot {
            *slot = Some((note.staff, items.len()));
        }
        items.push(Item {
            sound: Sound {
                at,
                length: note.duration,
                offset,
                measure: note.measure,
                line: line(note.part, note.measure, note.voice),
                kind: if note.is_pitched() { Kind::Note } else { Kind::Unpitched },
                grace: note.is_grace(),
                pitches: (0, 0),
            },
            notes: vec![note],
            tie: tie_of(note),
        });
    }
    for rest in &score.rests {
        let (at, offset) = times.moment(rest.part, rest.measure, rest.onset);
        let sound = Sound {
            at,
            length: rest.duration,
            offset,
            measure: rest.measure,
            line: line(rest.part, rest.measure, rest.voice),
            kind: Kind::Rest,
            grace: false,
            pitches: (0, 0),
        };
        staves.entry((rest.part, rest.staff)).or_default().push(Item::rest(sound));
    }
    staves
}

impl<'a> Item<'a> {
    /// A rest.
    pub(super) const fn rest(sound: Sound) -> Self {
        Item { sound, notes: Vec::new(), tie: Tie::None }
    }

    /// Adds a member of the chord.
    pub(super) fn join(&mut self, note: &'a Note) {
        self.notes.push(note);
        if self.notes.iter().filter(|note| note.is_pitched()).count() > 1 {
            self.sound.kind = Kind::Chord;
        }
        if self.tie == Tie::None {
            self.tie = tie_of(note);
        }
    }
}

fn tie_of(note: &Note) -> Tie {
    match (note.flags.has(Flags::TIE_STOP), note.flags.has(Flags::TIE_START)) {
        (false, false) => Tie::None,
        (false, true) => Tie::Start,
        (true, true) => Tie::Continue,
        (true, false) => Tie::Stop,
    }
}

/// Where the measures of each part begin: in the piece, and in the part's own time, which does not wait for the others.
pub(super) struct Times(Vec<Vec<(Ticks, Ticks)>>);

impl Times {
    /// The measures of all parts.
    pub(super) fn of(score: &Score) -> Self {
        let part = |part| {
            let measures = score.measures_of(part).iter();
            let own = measures.scan(Ticks::ZERO, |own, measure| {
                let start = (measure.onset, *own);
                *own += measure.duration;
                Some(start)
            });
            own.collect()
        };
        Times((0..).take(score.parts.len()).map(part).collect())
    }

    /// A moment in its part's own time, and from the start of its measure.
    pub(super) fn moment(&self, part: u16, measure: u32, onset: Ticks) -> (Ticks, Ticks) {
        let of_part = self.0.get(usize::from(part));
        let (start, own) =
            of_part.and_then(|starts| starts.get(measure as usize)).copied().unwrap_or_default();
        (onset - start + own, onset - start)
    }
}

/// The measures of parts in which there is more than one voice: there each is told for itself.
fn polyphonic(score: &Score) -> BTreeSet<(u16, u32)> {
    let notes = score.notes.iter().map(|note| ((note.part, note.measure), note.voice));
    let rests = score.rests.iter().map(|rest| ((rest.part, rest.measure), rest.voice));
    let mut first: BTreeMap<(u16, u32), u8> = BTreeMap::new();
    let mut many = BTreeSet::new();
    for (measure, voice) in notes.chain(rests) {
        if *first.entry(measure).or_insert(voice) != voice {
            many.insert(measure);
        }
    }
    many
}

/// Merges what is tied, as music21 does: over all that stands on the staff in the order of time, whatever voice it is of.
/// What has the end of a tie ends whatever ties are open; without it only the same pitches, right behind, are one.
fn strip_ties(items: &mut Vec<Item<'_>>) {
    let mut order: Vec<usize> = (0..items.len())
        .filter(|&index| items.get(index).is_some_and(|item| item.sound.length.is_positive()))
        .collect();
    order.sort_by_key(|&index| {
        items.get(index).map(|item| (item.sound.flat(), item.sound.measure, item.sound.line))
    });
    let mut open: Vec<usize> = Vec::new();
    let mut gone = vec![false; items.len()];
    let mut before: Option<usize> = None;
    for index in order {
        let Some(item) = items.get(index) else { continue };
        let last = before.filter(|before| open.last() == Some(before)).and_then(|last| items.get(last));
        before = Some(index);
        let goes_on = last.is_some_and(|last| last.is_same(item));
        match item.tie {
            Tie::Start if last.is_some() => open.push(index),
            Tie::Start => open = vec![index],
            Tie::Continue if open.is_empty() || goes_on => open.push(index),
            Tie::Continue => open = vec![index],
            Tie::Stop | Tie::None if goes_on || (item.tie == Tie::Stop && item.sound.kind != Kind::Chord) => {
                open.push(index);
                merge(items, &open, &mut gone);
                open.clear();
            }
            Tie::Stop | Tie::None => {}
        }
    }
    let mut gone = gone.into_iter();
    items.retain(|_| !gone.next().unwrap_or(false));
}

/// Gives the first of some sounds the length of all; the others are gone.
fn merge(items: &mut [Item<'_>], open: &[usize], gone: &mut [bool]) {
    let Some((&first, others)) = open.split_first() else { return };
    let length: Ticks =
        others.iter().filter_map(|&index| items.get(index)).map(|item| item.sound.length).sum();
    if let Some(item) = items.get_mut(first) {
        item.sound.length += length;
    }
    for &index in others {
        if let Some(gone) = gone.get_mut(index) {
            *gone = true;
        }
    }
}

impl Item<'_> {
    /// Whether another one, right behind, goes on with the same pitches.
    fn is_same(&self, next: &Item<'_>) -> bool {
        let written = |item: &Item<'_>| -> Option<Pitch> { item.notes.first().map(|note| note.written) };
        match (self.sound.kind, next.sound.kind) {
            (Kind::Note, Kind::Note) => written(self) == written(next),
            (_, Kind::Note) => false,
            _ => {
                let pitched = |item: &Item<'_>| item.notes.iter().filter(|note| note.is_pitched()).count();
                let both = self.notes.iter().zip(&next.notes);
                pitched(self) == pitched(next)
                    && both
                        .map(|(a, b)| (a.written, b.written))
                        .all(|(a, b)| a.step == b.step && a.cents() == b.cents())
            }
        }
    }
}
