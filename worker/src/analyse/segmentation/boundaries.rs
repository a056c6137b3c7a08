//! The three methods. Each gives the indices of the notes with which phrases begin, the first one left out.

use crate::score::Ticks;
use shared::place::Place;

/// The longest phrase that the rules consider, in notes.
const NOTES_MAX: usize = 40;
/// What a phrase twice or half as long as it should be costs, in mean distances of onsets.
const LENGTH: f64 = 1.5;
/// What a phrase costs that begins elsewhere in the measure than the one before.
const PARALLEL: f64 = 1.0;
/// What a gap must be worth.
const BOUNDARY: f64 = 1.0;
/// Weights of pitch, onsets and rests in the local boundary detection model.
const WEIGHTS: [f64; 3] = [0.25, 0.5, 0.25];

/// A note of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) onset: Ticks,
    pub(super) end: Ticks,
    pub(super) key: i32,
    /// How far into its measure it begins.
    pub(super) phase: Ticks,
    pub(super) place: Place,
}

/// From one note to the next: semitones, quarters from onset to onset, and quarters of rest.
fn steps(points: &[Point]) -> [Vec<f64>; 3] {
    let pairs = || points.iter().zip(points.iter().skip(1));
    [
        pairs().map(|(a, b)| f64::from((b.key - a.key).abs())).collect(),
        pairs().map(|(a, b)| (b.onset - a.onset).as_quarters()).collect(),
        pairs().map(|(a, b)| (b.onset - a.end).as_quarters().max(0.0)).collect(),
    ]
}

/// Wherever a rest is written between two notes, or silence lies there. The rests are in order.
pub(super) fn by_rests(points: &[Point], rests: &[Ticks]) -> Vec<usize> {
    let pairs = points.iter().zip(points.iter().skip(1)).zip(1..);
    let parted = pairs.filter(|((a, b), _)| {
        let after = rests.partition_point(|&rest| rest < a.onset);
        a.end < b.onset || rests.get(after).is_some_and(|&rest| rest < b.onset)
    });
    parted.map(|(_, index)| index).collect()
}

/// The local boundary detection model: a step is the stronger the more it differs from its neighbours and the greater it
/// is, in pitch, onsets and rests; boundaries are the local peaks of at least `threshold`.
pub(super) fn by_boundary_strength(points: &[Point], threshold: f64) -> Vec<usize> {
    let profiles = steps(points).map(|steps| profile(&steps));
    let count = points.len().saturating_sub(1);
    let at = |index: usize| {
        let weighed = profiles.iter().zip(WEIGHTS);
        weighed.fold(0.0, |sum, (profile, weight)| sum + weight * profile.get(index).copied().unwrap_or(0.0))
    };
    let strengths: Vec<f64> = (0..count).map(at).collect();
    let peak = |index: &usize| {
        let strength =
            |index: Option<usize>| index.and_then(|index| strengths.get(index)).copied().unwrap_or(-1.0);
        let here = strength(Some(*index));
        here > threshold && here >= strength(index.checked_sub(1)) && here > strength(Some(index + 1))
    };
    (0..count).filter(peak).map(|index| index + 1).collect()
}

/// Each step times how much it differs from the one before and the one after, the greatest as 1.
fn profile(steps: &[f64]) -> Vec<f64> {
    let change = |a: f64, b: f64| if a + b > 0.0 { (a - b).abs() / (a + b) } else { 0.0 };
    let changes: Vec<f64> = steps.iter().zip(steps.iter().skip(1)).map(|(a, b)| change(*a, *b)).collect();
    let before = [0.0].into_iter().chain(changes.iter().copied());
    let after = changes.iter().copied().chain([0.0]);
    let strengths: Vec<f64> =
        steps.iter().zip(before.zip(after)).map(|(step, (a, b))| step * (a + b)).collect();
    let most = strengths.iter().copied().fold(0.0, f64::max);
    strengths.into_iter().map(|strength| if most > 0.0 { strength / most } else { 0.0 }).collect()
}

/// Temperley's preference rules: boundaries at long gaps (from onset to onset, rests counted twice, over the mean), phrases of
/// about `length` notes, each beginning at a like place in its measure. The best of all divisions, by dynamic programming.
pub(super) fn by_rules(points: &[Point], length: f64) -> Vec<usize> {
    let [_, onsets, rests] = steps(points);
    let mean = onsets.iter().sum::<f64>() / (onsets.len().max(1)) as f64;
    let gap = |index: usize| {
        let before = index.checked_sub(1);
        let of = |steps: &[f64]| before.and_then(|before| steps.get(before)).copied().unwrap_or(0.0);
        if mean > 0.0 { (of(&onsets) + of(&rests)) / mean } else { 0.0 }
    };
    let unlike: Vec<f64> =
        (0..=NOTES_MAX).map(|notes| LENGTH * libm::log2(notes.max(1) as f64 / length).abs()).collect();
    // For each number of notes the best division of so many, and where its last phrase begins.
    let mut best: Vec<(f64, usize)> = vec![(0.0, 0)];
    for end in 1..=points.len() {
        let phase = points.get(end).map(|point| point.phase);
        let worth = if phase.is_some() { gap(end) - BOUNDARY } else { 0.0 };
        let divisions = (end.saturating_sub(NOTES_MAX)..end).filter_map(|start| {
            let (before, _) = best.get(start)?;
            let elsewhere = phase.is_some() && points.get(start).map(|point| point.phase) != phase;
            let cost = unlike.get(end - start)? + if elsewhere { PARALLEL } else { 0.0 };
            Some((before + worth - cost, start))
        });
        let chosen = divisions.reduce(|a, b| if b.0 > a.0 { b } else { a });
        best.push(chosen.unwrap_or((0.0, 0)));
    }
    let mut starts = Vec::new();
    let mut end = points.len();
    while let Some(&(_, start)) = best.get(end).filter(|(_, start)| *start > 0) {
        starts.push(start);
        end = start;
    }
    starts.reverse();
    starts
}
