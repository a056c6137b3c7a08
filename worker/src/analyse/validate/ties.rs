//! Ties that lead nowhere or come from nowhere.

use super::{At, Kind, Report};
use crate::score::{Flags, Note, Score, Ticks};
use std::collections::{BTreeMap, BTreeSet};

/// A height in a part at a moment of the part's own time.
type Spot = (u16, i32, Ticks);

/// Lists each tie without a note of the same height, in any voice, at its other end.
///
/// A grace note may be tied to a note further on: where its tie leads is not checked. Nor is there anything wrong with
/// a tie over later notes of its own voice, which says that the note is held under them, nor with one into another part,
/// as between the hands of a piano.
pub(super) fn check(report: &mut Report<'_>) {
    let own = OwnTime::of(report.score);
    let torn = torn(report.score, &own);
    let notes = report.score.notes.iter().filter(|note| !torn.gapped.is_empty() && !note.is_grace());
    let struck: BTreeSet<(u16, u8, Ticks)> =
        notes.map(|note| (note.part, note.voice, own.at(note))).collect();
    for (start, stop) in torn.gapped {
        let (from, to) = (own.at(start) + start.duration, own.at(stop));
        let voice = |time| (start.part, start.voice, time);
        if from >= to || struck.range(voice(from)..voice(to)).next().is_none() {
            let is = format!("{} tied over {}", start.written, to - from);
            report.add(Kind::TieGapped, at(start), is, "tied over 0");
        }
    }
    let left: BTreeSet<(i32, Ticks)> =
        torn.starts.iter().map(|note| (note.written.cents(), note.end())).collect();
    let met: BTreeSet<(i32, Ticks)> =
        torn.stops.iter().map(|note| (note.written.cents(), note.onset)).collect();
    let mut dangles = |note: &Note, leads: &str, other: &str| {
        let is = format!("{} tied {leads} nothing", note.written);
        report.add(Kind::TieDangling, at(note), is, format!("{} tied {leads} another {other}", note.written));
    };
    for note in torn.stops.iter().filter(|note| !left.contains(&(note.written.cents(), note.onset))) {
        dangles(note, "from", "that ends here");
    }
    for note in torn.starts.iter().filter(|note| !met.contains(&(note.written.cents(), note.end()))) {
        dangles(note, "to", "where it ends");
    }
}

/// The ties of which an end is not where the other one is.
struct Torn<'a> {
    /// A start, and a later stop of its height.
    gapped: Vec<(&'a Note, &'a Note)>,
    /// Starts without a stop.
    starts: Vec<&'a Note>,
    /// Stops without a start.
    stops: Vec<&'a Note>,
}

fn torn<'a>(score: &'a Score, own: &OwnTime<'_>) -> Torn<'a> {
    let spot = |note: &Note, onset: Ticks| (note.part, note.written.cents(), own.at(note) + onset);
    let notes = || score.notes.iter().filter(|note| !note.is_grace());
    let begin: BTreeSet<Spot> = notes().map(|note| spot(note, Ticks::ZERO)).collect();
    let starts = score.notes.iter().filter(|note| note.flags.has(Flags::TIE_START));
    let lead: BTreeSet<Spot> = starts.map(|note| spot(note, note.duration)).collect();
    let mut open: BTreeMap<(u16, i32), Vec<&Note>> = BTreeMap::new();
    let mut torn = Torn { gapped: Vec::new(), starts: Vec::new(), stops: Vec::new() };
    for note in notes() {
        let pitch = (note.part, note.written.cents());
        if note.flags.has(Flags::TIE_STOP) && !lead.contains(&spot(note, Ticks::ZERO)) {
            let start = open.get_mut(&pitch).and_then(|starts| {
                starts.pop_if(|start| {
                    start.measure.saturating_add(1) >= note.measure && start.onset < note.onset
                })
            });
            match start {
                Some(start) => torn.gapped.push((start, note)),
                None => torn.stops.push(note),
            }
        }
        if note.flags.has(Flags::TIE_START) && !begin.contains(&spot(note, note.duration)) {
            open.entry(pitch).or_default().push(note);
        }
    }
    torn.starts.extend(open.into_values().flatten());
    torn
}

fn at(note: &Note) -> At {
    At { part: note.part, measure: note.measure, voice: Some(note.voice), place: note.place }
}

/// From the time of the piece to that of each part, in which no measure waits for another part's longer one.
struct OwnTime<'a> {
    score: &'a Score,
    /// What to take off the onsets in each measure, in the order of the score's measures.
    waits: Vec<Ticks>,
}

impl<'a> OwnTime<'a> {
    fn of(score: &'a Score) -> Self {
        let parts = score.measures.chunk_by(|a, b| a.part == b.part);
        let waits = parts.flat_map(|measures| {
            let start = measures.first().map(|measure| measure.onset).unwrap_or_default();
            measures.iter().scan(start, |own, measure| {
                let wait = measure.onset - *own;
                *own += measure.duration;
                Some(wait)
            })
        });
        OwnTime { score, waits: waits.collect() }
    }

    fn at(&self, note: &Note) -> Ticks {
        let first = self.score.measures.partition_point(|measure| measure.part < note.part);
        let wait = first.checked_add(note.measure as usize).and_then(|rank| self.waits.get(rank));
        note.onset - wait.copied().unwrap_or_default()
    }
}
