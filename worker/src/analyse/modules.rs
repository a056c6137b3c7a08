//! Contrapuntal modules: what two melodies do together, as vertical intervals and the motion between them.

mod pair;

use super::common::{integer, number, ratio, text};
use super::grams::{Entropy, Stretch};
use super::melody::{Melody, Name, PLACES, Spot, Spots, melodies, places};
use super::meter::{grids, stated};
use super::ngrams::height;
use super::sonorities::{check_findings, check_notes};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::Score;
use pair::{Begun, Event, Events, Word};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::{VOICE_PAIRS_MAX, exceeded};
use std::cmp::Reverse;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "modules",
    revision: 2,
    summary: "Contrapuntal modules of each two melodies (lines with ties merged, of notes that begin together the highest): n vertical intervals, one at each moment at which either begins a note, and the motion of the lower between them, `7_Held, 6_-2, 8`. The melody that stands lower in the score counts as the lower one; an interval with a minus is crossed. A rest in either ends a run. All are listed, the commonest first, with the place where each stands first.",
    params: &[
        Param {
            name: "n",
            unit: "vertical interval",
            summary: "Vertical intervals of a module.",
            range: Range::Integer { min: 2, max: 10, default: 3 },
        },
        Param {
            name: "kind",
            unit: "",
            summary: "What of an interval counts: staff positions (3 a third up, -3 one down, 1 a unison), semitones, or the interval with its quality (m3). These are the kinds d, c and q of CRIM Intervals.",
            range: Range::Choice(&["diatonic", "chromatic", "quality"]),
        },
        Param {
            name: "motion",
            unit: "",
            summary: "Whose motion is told: that of the lower melody, or of both (`7_Held:-2, 6_-2:2, 8`, the lower one first).",
            range: Range::Choice(&["lower", "both"]),
        },
        Param {
            name: "pairs",
            unit: "",
            summary: "All pairs of melodies, neighbours in the score, or the highest with the lowest.",
            range: Range::Choice(&["all", "neighbours", "outer"]),
        },
        places(1),
    ],
    columns: &[
        integer("count", "/count", "module", "All of them."),
        integer("distinct", "/distinct", "module", "Different ones."),
        number("repeated", "/repeated", "share", "Share of all that stand there more than once."),
        number("entropy", "/entropy", "bit", "Entropy of their distribution."),
        text("commonest", "/commonest", "module", "The commonest one, of several the first in the score."),
        integer("commonest_count", "/commonest_count", "occurrence", "How often it stands there."),
        integer("pairs", "/pairs_with", "pair of melodies", "Pairs that have any."),
    ],
    reference: "CRIM Intervals, ImportedPiece.ngrams (contrapuntal modules) over harmonic and melodic; VIS (Antila and Cumming, ISMIR 2014)",
};

/// The analysis.
pub(super) struct Modules;

#[derive(Serialize)]
struct Answer {
    count: u64,
    distinct: usize,
    repeated: Option<f64>,
    entropy: Option<f64>,
    commonest: Option<String>,
    commonest_count: Option<u64>,
    pairs_with: usize,
    melodies: Vec<Name>,
    /// Pairs of melodies that have any.
    pairs: Vec<PairRow>,
    fields: [&'static str; 3],
    /// The module, how often it stands there, and the first places: pair; measure as printed, beat and place of the note
    /// that begins it.
    modules: Vec<Row>,
}

#[derive(Serialize)]
struct PairRow {
    upper: usize,
    lower: usize,
    count: u64,
    distinct: u64,
    entropy: Option<f64>,
    commonest: Option<String>,
}

#[derive(Serialize)]
struct Row(String, u64, Vec<(usize, Spot)>);

/// A pair, a place in its text, and the note that begins there.
type Place = (u32, u32, Begun);

/// How often a module was seen, and the first places. Most are seen once, and then there is nothing in the vector.
#[derive(Default)]
struct Seen {
    count: u64,
    first: Option<Place>,
    more: Vec<Place>,
}

/// All modules of a score, in the making.
#[derive(Default)]
struct Tally {
    words: Vec<Word>,
    numbers: BTreeMap<Word, u32>,
    seen: BTreeMap<Box<[u32]>, Seen>,
    pairs: Vec<PairRow>,
    moments: u64,
    /// How many places of a module are kept after the first.
    more: usize,
    /// How many places of all modules are kept so far, first ones aside.
    kept: usize,
}

impl Analysis for Modules {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let melodies = melodies(score);
        let events = Events { height: height(params.word("kind")), both: params.word("motion") == "both" };
        let size = 2 * usize::try_from(params.integer("n")).unwrap_or(1) - 1;
        let told = usize::try_from(params.integer(PLACES)).unwrap_or(0);
        let mut tally = Tally { more: told.saturating_sub(1), ..Tally::default() };
        for (upper, lower) in pairs(&melodies, params.word("pairs")) {
            tally.add(&events, &melodies, (upper, lower), size)?;
        }
        let stated = stated(score);
        let grids = grids(score, &stated);
        let mut spots = Spots::new(score, &grids);
        let Tally { words, seen, pairs, .. } = tally;
        let texts: Vec<String> = words.iter().map(|word| events.text(word)).collect();
        let say = |module: &[u32]| -> String {
            module.iter().filter_map(|&word| texts.get(word as usize)).map(String::as_str).collect()
        };
        let (mut count, mut repeated, mut entropy) = (0, 0, Entropy::default());
        for seen in seen.values() {
            count += seen.count;
            repeated += if seen.count > 1 { seen.count } else { 0 };
            entropy.add(seen.count);
        }
        let mut order: Vec<(&[u32], &Seen)> = seen.iter().map(|(module, seen)| (&**module, seen)).collect();
        order.sort_by_key(|(_, seen)| (Reverse(seen.count), seen.first));
        let mut spot = |&(pair, _, (is_upper, note)): &Place| {
            let row = pairs.get(pair as usize)?;
            let melody = melodies.get(if is_upper { row.upper } else { row.lower })?;
            Some((pair as usize, spots.of(melody.part, melody.notes.get(note as usize)?)))
        };
        Told::of(&Answer {
            count,
            distinct: order.len(),
            repeated: ratio(repeated as f64, count as f64),
            entropy: entropy.bits(),
            commonest: order.first().map(|(module, _)| say(module)),
            commonest_count: order.first().map(|(_, seen)| seen.count),
            pairs_with: pairs.len(),
            melodies: melodies.iter().map(Melody::name).collect(),
            fields: ["module", "count", "places"],
            modules: order
                .iter()
                .map(|(module, seen)| {
                    Row(
                        say(module),
                        seen.count,
                        seen.first.iter().take(told).chain(&seen.more).filter_map(&mut spot).collect(),
                    )
                })
                .collect(),
            pairs,
        })
    }
}

/// Which melodies are held against each other.
fn pairs(melodies: &[Melody], which: &str) -> Vec<(usize, usize)> {
    let last = melodies.len().saturating_sub(1);
    match which {
        "neighbours" => (1..=last).map(|lower| (lower - 1, lower)).collect(),
        "outer" => (last > 0).then_some((0, last)).into_iter().collect(),
        _ => (0..=last).flat_map(|upper| (upper + 1..=last).map(move |lower| (upper, lower))).collect(),
    }
}

impl Tally {
    /// Adds the modules of two melodies.
    fn add(
        &mut self,
        events: &Events,
        melodies: &[Melody],
        (upper, lower): (usize, usize),
        size: usize,
    ) -> Result<(), Failure> {
        let (Some(above), Some(below)) = (melodies.get(upper), melodies.get(lower)) else { return Ok(()) };
        let mut text = Vec::new();
        let mut at = Vec::new();
        events.of(&above.notes, &below.notes, |event| {
            let (symbol, note) = match event {
                Event::Word(word, note) => (self.number(word), note),
                Event::Break => (u32::MAX, (false, 0)),
            };
            text.push(symbol);
            at.push(note);
        });
        self.moments += text.len() as u64 / 2;
        if self.moments > VOICE_PAIRS_MAX.default {
            return Err(exceeded(VOICE_PAIRS_MAX.name, VOICE_PAIRS_MAX.default, None));
        }
        let stretch = Stretch { size, stride: 2, meant: u32::try_from(self.words.len()).unwrap_or(u32::MAX) };
        let places = stretch.sorted(&text);
        if places.is_empty() {
            return Ok(());
        }
        let pair = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        let mut entropy = Entropy::default();
        let mut commonest: (usize, &[u32]) = (0, &[]);
        for group in stretch.groups(&text, &places, size) {
            let group = places.get(group).unwrap_or_default();
            let module = group.first().map_or(&[][..], |&place| stretch.at(&text, place));
            entropy.add(group.len() as u64);
            if group.len() > commonest.0 {
                commonest = (group.len(), module);
            }
            let known = self.seen.get_mut(module);
            let is_new = known.is_none();
            let mut new = Seen::default();
            let seen = known.unwrap_or(&mut new);
            seen.count += group.len() as u64;
            let mut begun = group.iter().filter_map(|&place| Some((pair, place, *at.get(place as usize)?)));
            seen.first = seen.first.or_else(|| begun.next());
            let before = seen.more.len();
            seen.more.extend(begun.take(self.more.saturating_sub(before)));
            self.kept += seen.more.len() - before;
            if is_new {
                self.seen.insert(module.into(), new);
            }
        }
        check_findings(self.seen.len())?;
        check_findings(self.kept)?;
        let words = commonest.1.iter().filter_map(|&word| self.words.get(word as usize));
        let (count, distinct) = (places.len() as u64, entropy.distinct);
        let commonest = Some(words.map(|word| events.text(word)).collect());
        self.pairs.push(PairRow { upper, lower, count, distinct, entropy: entropy.bits(), commonest });
        Ok(())
    }

    fn number(&mut self, word: Word) -> u32 {
        let words = &mut self.words;
        *self.numbers.entry(word).or_insert_with(|| {
            words.push(word);
            u32::try_from(words.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests;
