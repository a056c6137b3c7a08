//! Measures against their meter.

use super::{At, Kind, ROUNDING, Report, Voices};
use crate::score::{Measure, Meter, Score, Ticks};
use std::collections::{BTreeMap, BTreeSet};

/// A full measure is cut into so many at the most.
const PIECES_MAX: usize = 4;

/// Lists the voices that are too long for their measure, and the measures that no voice fills.
pub(super) fn check(report: &mut Report<'_>, voices: &Voices) {
    let score = report.score;
    let mut stated: BTreeMap<u16, Vec<&Meter>> = BTreeMap::new();
    score.meters.iter().for_each(|meter| stated.entry(meter.part).or_default().push(meter));
    let (seams, longest) = (seams(score), longest(score, voices));
    for part in (0..).take(score.parts.len()) {
        let measures = score.measures_of(part);
        let bars = bars(score, &stated, part);
        let mut excused = excused(measures, &bars);
        for (measure, excused) in measures.iter().zip(&mut excused) {
            let is_seam = [measure.index, measure.index + 1].iter().any(|at| seams.contains(at));
            let is_last = measure.index as usize + 1 == measures.len();
            let agreed =
                longest.get(measure.index as usize).is_some_and(|&longest| longest <= measure.duration);
            *excused |= agreed && (is_seam || is_last);
        }
        for (index, ((measure, bar), excused)) in measures.iter().zip(&bars).zip(excused).enumerate() {
            let Some(bar) = *bar else { continue };
            let inside = (part, measure.index, u8::MIN)..=(part, measure.index, u8::MAX);
            let mut inside = voices.range(inside).peekable();
            let is_empty = inside.peek().is_none();
            if inside.clone().all(|(_, voice)| voice.whole_rests)
                && (!is_empty || measure.duration == Ticks::ZERO)
            {
                continue;
            }
            let at = At { part, measure: measure.index, voice: None, place: measure.place };
            let slack = inside.clone().map(|(_, voice)| voice.slack()).max().unwrap_or(ROUNDING);
            if measure.duration + slack < bar && !excused {
                report.add(Kind::Underfull, at, measure.duration, bar);
            }
            // A last note that is too long for the last measure is a final, whose length is free.
            let is_final = index + 1 == measures.len() && inside.clone().all(|(_, voice)| !voice.moves);
            if measure.duration <= bar + slack || is_final {
                continue;
            }
            let mut named = false;
            // In kern a note may last over the barline: the measure is no longer for it.
            for (&(.., number), voice) in inside.filter(|(_, voice)| voice.end > bar + slack) {
                let end = voice.end.min(measure.duration);
                report.add(Kind::Overfull, At { voice: Some(number), place: voice.place, ..at }, end, bar);
                named = true;
            }
            if !named {
                report.add(Kind::Overfull, at, measure.duration, bar);
            }
        }
    }
}

/// The measures, but for the first, before which a section may end and the next one begin with a pickup: a meter is
/// stated, or a repeat or an ending begins or ends there, in any part.
fn seams(score: &Score) -> BTreeSet<u32> {
    let meters = score.meters.iter().map(|meter| {
        let before = score.measures_of(meter.part).partition_point(|measure| measure.onset < meter.onset);
        u32::try_from(before).unwrap_or(u32::MAX)
    });
    let marks = score.marks.iter().map(|mark| mark.measure.saturating_add(u32::from(mark.at_end)));
    meters.chain(marks).filter(|&measure| measure > 0).collect()
}

/// How long each measure is in the part that has most in it; a rest that fills its measure says nothing of its length.
fn longest(score: &Score, voices: &Voices) -> Vec<Ticks> {
    let sounding: BTreeSet<(u16, u32)> = voices
        .iter()
        .filter(|(_, voice)| !voice.whole_rests)
        .map(|(&(part, measure, _), _)| (part, measure))
        .collect();
    let mut longest = Vec::new();
    for measure in score.measures.iter().filter(|measure| sounding.contains(&(measure.part, measure.index))) {
        let at = measure.index as usize;
        longest.resize(longest.len().max(at + 1), Ticks::ZERO);
        if let Some(slot) = longest.get_mut(at) {
            *slot = measure.duration.max(*slot);
        }
    }
    longest
}

/// The length that the meter asks of each measure, where it asks one. A part without meters follows the first that
/// has some; nothing is asked where the staves of a part have different ones.
fn bars(score: &Score, stated: &BTreeMap<u16, Vec<&Meter>>, part: u16) -> Vec<Option<Ticks>> {
    let own = stated.get(&part).or(stated.values().next());
    let mut meters = own.map(Vec::as_slice).unwrap_or_default().iter().peekable();
    let (mut bar, mut since) = (None, None);
    let bars = score.measures_of(part).iter().map(|measure| {
        while let Some(meter) = meters.next_if(|meter| meter.onset <= measure.onset) {
            let stated = meter.measure_duration();
            bar = if since == Some(meter.onset) && bar != stated { None } else { stated };
            since = Some(meter.onset);
        }
        bar
    });
    bars.collect()
}

/// Which short measures are in order: the first, which is a pickup; some in a row that make a full one, as a repeat
/// cuts it; one that completes such a pickup, as at the end of a section or in its endings; one without a number.
fn excused(measures: &[Measure], bars: &[Option<Ticks>]) -> Vec<bool> {
    let lengths: Vec<Ticks> = measures.iter().map(|measure| measure.duration).collect();
    let is_short = |at: usize| {
        let bar = bars.get(at).copied().flatten();
        lengths.get(at).zip(bar).is_some_and(|(&length, bar)| length < bar)
    };
    let mut excused: Vec<bool> = measures.iter().map(|measure| measure.number == 0).collect();
    let mut pickups: BTreeSet<Ticks> = BTreeSet::new();
    if let (Some(excused), Some(&length)) = (excused.first_mut(), lengths.first()) {
        *excused = true;
        pickups.extend(is_short(0).then_some(length));
    }
    for (from, bar) in bars.iter().enumerate() {
        let mut sum = Ticks::ZERO;
        for to in (from..from.saturating_add(PIECES_MAX)).take_while(|&at| is_short(at)) {
            let length = lengths.get(to).copied().unwrap_or_default();
            sum += length;
            if Some(sum) == *bar {
                pickups.insert(length);
                excused.iter_mut().take(to + 1).skip(from).for_each(|excused| *excused = true);
            }
        }
    }
    for ((excused, &length), bar) in excused.iter_mut().zip(&lengths).zip(bars) {
        *excused |= bar.is_some_and(|bar| pickups.contains(&(bar - length)));
    }
    excused
}
