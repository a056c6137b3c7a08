//! Ties that lead nowhere or come from nowhere.

use super::{At, Kind, Report};
use crate::score::{Flags, Note, Score, Ticks};
use std::collections::{BTreeMap, BTreeSet};

/// A height in a part at a moment of the part's own time.
type Spot = (u16, i32, Ticks);

/// Lists each tie without a note of the same height, in any voice, at its other end.
///
/// A grace note may be tied to a note further on: where its tie leads is not checked.
pub(super) fn check(report: &mut Report<'_>) {
    let score = report.score;
    let own = OwnTime::of(score);
    let spot = |note: &Note, onset: Ticks| (note.part, note.written.cents(), own.at(note) + onset);
    let notes = || score.notes.iter().filter(|note| !note.is_grace());
    let begin: BTreeSet<Spot> = notes().map(|note| spot(note, Ticks::ZERO)).collect();
    let starts = score.notes.iter().filter(|note| note.flags.has(Flags::TIE_START));
    let lead: BTreeSet<Spot> = starts.map(|note| spot(note, note.duration)).collect();
    let mut open: BTreeMap<(u16, i32), Vec<&Note>> = BTreeMap::new();
    for note in notes() {
        let pitch = (note.part, note.written.cents());
        if note.flags.has(Flags::TIE_STOP) && !lead.contains(&spot(note, Ticks::ZERO)) {
            let start = open.get_mut(&pitch).and_then(|starts| {
                starts.pop_if(|start| {
                    start.measure.saturating_add(1) >= note.measure && start.onset < note.onset
                })
            });
            match start {
                Some(start) => {
                    let gap = own.at(note) - own.at(start) - start.duration;
                    let is = format!("{} tied over {gap}", start.written);
                    report.add(Kind::TieGapped, at(start), is, "tied over 0");
                }
                None => {
                    let should = format!("{} tied from another that ends here", note.written);
                    report.add(
                        Kind::TieDangling,
                        at(note),
                        format!("{} tied from nothing", note.written),
                        should,
                    );
                }
            }
        }
        if note.flags.has(Flags::TIE_START) && !begin.contains(&spot(note, note.duration)) {
            open.entry(pitch).or_default().push(note);
        }
    }
    for note in open.into_values().flatten() {
        let should = format!("{} tied to another where it ends", note.written);
        report.add(Kind::TieDangling, at(note), format!("{} tied to nothing", note.written), should);
    }
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
