//! Where a cadence could be: arrivals that have the chords of one.

use super::Family;
use super::evidence::{Arrival, Evidence, Outer, Sign};
use super::scene::Scene;
use super::spans::{Kind, Span};
use super::weights::confidence;
use crate::score::Ticks;

/// An arrival with the chords of a cadence.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) family: Family,
    /// Index of the span that is arrived at.
    pub(super) span: usize,
    /// When: as the span begins, or at a fermata within it.
    pub(super) at: Ticks,
    /// 0 to 11 for major keys from C, 12 to 23 for minor ones.
    pub(super) key: usize,
    pub(super) evidence: Evidence,
    pub(super) outer: Outer,
    /// In per cent.
    pub(super) confidence: u8,
}

/// All of them, in order; at one arrival there can be several.
pub(super) fn candidates(scene: &Scene<'_>, spans: &[Span]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let home = home(spans);
    for (index, span) in spans.iter().enumerate() {
        let before = spans.get(index.saturating_sub(3)..index).unwrap_or_default();
        let Some(last) = before.last() else { continue };
        let next = spans.get(index + 1);
        let after = spans.get(index + 1..spans.len().min(index + 9)).unwrap_or_default();
        let around = spans.get(index.saturating_sub(8)..index).unwrap_or_default();
        let near = |tonic| near(tonic, home, around, after);
        let fermata = scene.fermata(span.from, span.to);
        let at = fermata.unwrap_or(span.from);
        for (family, key) in families(before, last, span, fermata.is_some(), &near) {
            let arrival = Arrival { scene, before, span, at, next, tonic: key % 12, minor: key >= 12, home };
            let (mut evidence, outer) = arrival.evidence();
            let (bar, _) = scene.spans(at);
            let mut recent = found.iter().rev().take_while(|other| at - other.at <= bar + bar);
            evidence.set(Sign::Again, recent.any(|other| (other.family, other.key) == (family, key)));
            let confidence = confidence(family, evidence);
            found.push(Candidate { family, span: index, at, key, evidence, outer, confidence });
        }
    }
    found
}

/// The families whose chords an arrival has, each with the key that is meant.
fn families(
    before: &[Span],
    last: &Span,
    span: &Span,
    fermata: bool,
    near: &dyn Fn(usize) -> Option<usize>,
) -> Vec<(Family, usize)> {
    let mut families = Vec::new();
    let tonic = span.key % 12;
    let triad = matches!(span.kind, Kind::Major | Kind::Minor | Kind::Other);
    let own =
        if span.root == tonic { span.key } else { span.root + if span.kind == Kind::Minor { 12 } else { 0 } };
    if triad && last.leads_to(span.root) && span.inversions.0 == 0 {
        families.push((Family::Authentic, own));
    }
    if span.kind == Kind::Major && span.inversions.0 == 0 {
        if span.above(tonic) == 7 {
            families.push((Family::Half, span.key));
        } else if let Some(key) = near((span.root + 5) % 12) {
            families.push((Family::Half, key));
        } else if fermata && span.applied {
            // A phrase that ends on the dominant of another degree, whose third the scale of the key has.
            let third = (span.root + 8 + 12 - tonic) % 12;
            let scale: &[usize] =
                if span.key < 12 { &[0, 2, 4, 5, 7, 9, 11] } else { &[0, 2, 3, 5, 7, 8, 10] };
            families.push((Family::Half, (span.root + 5) % 12 + if scale.contains(&third) { 12 } else { 0 }));
        }
    }
    // The dominant before, of which a chord that leads to the sixth degree may follow.
    let passing = last.kind == Kind::Diminished && last.leads_to(span.root);
    let dominant = before.iter().rev().take(1 + usize::from(passing)).find(|dominant| {
        let key = dominant.key;
        dominant.kind == Kind::Major && dominant.above(key % 12) == 7 && dominant.inversions.1 == 0
    });
    if let Some(dominant) = dominant {
        let (key, above) = (dominant.key, span.above(dominant.key % 12));
        let sixth = if key < 12 {
            above == 9 && span.kind == Kind::Minor
        } else {
            above == 8 && span.kind == Kind::Major
        };
        let borrowed = key < 12 && above == 8 && span.kind == Kind::Major;
        if (sixth || borrowed) && span.inversions.0 == 0 {
            families.push((Family::Deceptive, key));
        } else if !passing && (above != 0 || span.inversions.0 != 0) && above != 7 {
            families.push((Family::Evaded, key));
        }
    }
    if triad
        && span.root == tonic
        && span.inversions.0 == 0
        && last.above(tonic) == 5
        && last.kind != Kind::Other
    {
        families.push((Family::Plagal, span.key));
    }
    families
}

/// The key of most of the time; of equal times the first.
fn home(spans: &[Span]) -> usize {
    let mut times = [0_i64; 24];
    for span in spans {
        if let Some(time) = times.get_mut(span.key) {
            *time = time.saturating_add((span.to - span.from).0);
        }
    }
    let longest = times.iter().enumerate().max_by_key(|(key, time)| (**time, std::cmp::Reverse(*key)));
    longest.map_or(0, |(key, _)| key)
}

/// A key of this tonic, if one is read nearby or for most of the piece: the nearest before, else after, else that one.
fn near(tonic: usize, home: usize, before: &[Span], after: &[Span]) -> Option<usize> {
    let keys = before.iter().rev().chain(after).map(|span| span.key).chain([home]);
    keys.into_iter().find(|key| key % 12 == tonic)
}
