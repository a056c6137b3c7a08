//! Patterns: what repeats exactly in the melodies of a score, up to transposition and augmentation.

mod weigh;

use super::common::{integer, number, ratio, text};
use super::melody::{Melody, Name, RESTS, Spot, Spots, Sung, melodies};
use super::meter::{grids, stated};
use super::sonorities::{check_findings, check_notes};
use super::suffixes::{Repeat, Suffixes};
use super::viewpoint::{Clock, Height, Text, Token, Viewpoint};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::Score;
use serde::Serialize;
use shared::failure::Failure;
use weigh::{Chance, Rank, Scale, Weighed};

static SPEC: Spec = Spec {
    name: "patterns",
    revision: 2,
    summary: "Maximal repeats: what stands at least twice in the melodies (lines with ties merged, of notes that begin together the highest) and would stand there less often if it were one note longer at either end; transposed, and where ratios of durations are compared also augmented or diminished. The best are listed with their places, and with their inversions and retrogrades.",
    params: &[
        Param {
            name: "compare",
            unit: "",
            summary: "What must be the same: intervals in semitones or staff positions (`diatonic`), directions, ratios of durations from onset to onset (in MIDI files to 1/24 quarter note), or keys.",
            range: Range::Choice(&[
                "intervals_rhythm",
                "intervals",
                "diatonic_rhythm",
                "diatonic",
                "contour",
                "rhythm",
                "pitches",
            ]),
        },
        Param {
            name: "min_notes",
            unit: "note",
            summary: "The shortest pattern.",
            range: Range::Integer { min: 3, max: 1000, default: 5 },
        },
        Param {
            name: "min_count",
            unit: "occurrence",
            summary: "The rarest pattern.",
            range: Range::Integer { min: 2, max: 1000, default: 2 },
        },
        Param {
            name: "within",
            unit: "",
            summary: "Whether a pattern may wander from line to line, or is looked for in each line alone.",
            range: Range::Choice(&["score", "line"]),
        },
        RESTS,
        Param {
            name: "rank",
            unit: "",
            summary: "By what the best are chosen: compression (notes covered over notes of the pattern and further occurrences), notes covered, `distinctive` (times as often as by chance), length, or occurrences.",
            range: Range::Choice(&["compression", "coverage", "distinctive", "length", "count"]),
        },
        Param {
            name: "chance",
            unit: "",
            summary: "How often a pattern is expected: from how often each two neighbours (order_1) or each alone (order_0) stand in the score.",
            range: Range::Choice(&["order_1", "order_0"]),
        },
        Param {
            name: "top",
            unit: "pattern",
            summary: "How many of the best are listed; one of which better ones cover more than half is passed over.",
            range: Range::Integer { min: 1, max: 500, default: 10 },
        },
    ],
    columns: &[
        integer("count", "/patterns", "pattern", "Different patterns."),
        integer("longest", "/longest", "note", "Notes of the longest one."),
        integer("most_frequent", "/most_frequent", "occurrence", "Occurrences of the commonest one."),
        number("coverage", "/coverage", "share", "Notes of the melodies that are in some pattern."),
        integer("best_notes", "/best/notes", "note", "Notes of the best one."),
        integer("best_count", "/best/count", "occurrence", "How often it stands there."),
        number("best_coverage", "/best/coverage", "share", "Notes that it covers."),
        number("best_compression", "/best/compression", "ratio", "Its compression ratio."),
        text("best", "/best/shape", "pattern", "Its first 32 steps or notes."),
        number(
            "most_distinctive",
            "/most_distinctive",
            "bit",
            "Binary logarithm of the most times as often as by chance that any one stands there.",
        ),
    ],
    reference: "Conklin and Anagnostopoulou, ICMC 2001, and Conklin, Intelligent Data Analysis 14 (2010), for patterns over viewpoints and interest against chance; Prum, Rodolphe and de Turckheim, J. R. Statist. Soc. B 57 (1995), for the expected counts; Meredith, COSIATEC and SIATECCompress (MIREX 2013), for the compression ratio",
};

/// How much of a pattern is written out.
const SHAPE_MAX: usize = 32;

/// The analysis.
pub(super) struct Patterns;

#[derive(Serialize)]
struct Answer {
    patterns: usize,
    longest: Option<u64>,
    most_frequent: Option<u32>,
    coverage: Option<f64>,
    most_distinctive: Option<f64>,
    best: Option<Best>,
    melodies: Vec<Row>,
    fields: [&'static str; 4],
    top: Vec<Pattern>,
    /// Patterns that were not weighed against the best.
    unweighed: u64,
}

#[derive(Serialize)]
struct Best {
    notes: u64,
    count: u32,
    coverage: Option<f64>,
    compression: f64,
    shape: String,
}

/// A melody, its notes, and those that are in some pattern.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    name: Name,
    notes: usize,
    covered: u64,
}

#[derive(Serialize)]
struct Pattern {
    notes: u64,
    count: u32,
    /// Occurrences that do not overlap.
    apart: u64,
    covered: u64,
    compression: f64,
    /// How often chance would have it, and the binary logarithm of how much more often it is there.
    expected: f64,
    bits: f64,
    shape: String,
    /// How often it stands there upside down, backwards and both, and where first; null where that is the pattern itself
    /// or means nothing.
    inversion: Option<Other>,
    retrograde: Option<Other>,
    retrograde_inversion: Option<Other>,
    /// Melody; measure as printed, beat and place; semitones from the first occurrence; how many times as long as it.
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
struct Other {
    count: usize,
    first: Option<(u32, Spot)>,
}

#[derive(Serialize)]
struct Occurrence(u32, Spot, i32, Option<String>);

impl Analysis for Patterns {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let melodies = melodies(score);
        let clock = Clock::of(score.division);
        let apart = params.word("within") == "line";
        let music = Text::of(&melodies, viewpoint(params.word("compare")), clock, params, apart);
        let suffixes = Suffixes::of(&music.symbols);
        let least = u32::try_from(params.integer("min_notes")).unwrap_or(0).saturating_sub(music.extra());
        let count = u32::try_from(params.integer("min_count")).unwrap_or(2);
        let repeats = suffixes.repeats(&music.symbols, least, count);
        let chance = Chance::of(&music, &suffixes, params.word("chance") == "order_1");
        let rank = Rank::named(params.word("rank"));
        let scale = Scale { text: &music, suffixes: &suffixes, chance: &chance, rank };
        let (best, unweighed) = scale.best(&repeats, usize::try_from(params.integer("top")).unwrap_or(1));

        // Each covers mostly what better ones do not: all of them together stand in at most twice as many places as there are notes.
        check_findings(best.iter().map(|weighed| weighed.repeat.count as usize).sum())?;
        let stated = stated(score);
        let grids = grids(score, &stated);
        let mut teller =
            Teller { scale: &scale, clock, melodies: &melodies, spots: Spots::new(score, &grids) };
        let top: Vec<Pattern> = best.iter().map(|weighed| teller.tell(weighed)).collect();
        let rows = covered(&music, &suffixes.longest(count as usize), least, &melodies);
        let notes: usize = rows.iter().map(|row| row.notes).sum();
        let share = |covered: u64| ratio(covered as f64, notes as f64);
        let bits = repeats.iter().map(|repeat| scale.bits(repeat));
        Told::of(&Answer {
            patterns: repeats.len(),
            longest: repeats.iter().map(|repeat| scale.notes(repeat)).max(),
            most_frequent: repeats.iter().map(|repeat| repeat.count).max(),
            coverage: share(rows.iter().map(|row| row.covered).sum()),
            most_distinctive: bits.max_by(f64::total_cmp),
            best: top.first().map(|pattern| Best {
                notes: pattern.notes,
                count: pattern.count,
                coverage: share(pattern.covered),
                compression: pattern.compression,
                shape: pattern.shape.clone(),
            }),
            melodies: rows,
            fields: ["melody", "place", "transposition", "augmentation"],
            unweighed,
            top,
        })
    }
}

fn viewpoint(name: &str) -> Viewpoint {
    let (height, rhythm) = match name {
        "intervals" => (Height::Chromatic, false),
        "diatonic_rhythm" => (Height::Diatonic, true),
        "diatonic" => (Height::Diatonic, false),
        "contour" => (Height::Contour, false),
        "rhythm" => (Height::None, true),
        "pitches" => (Height::Pitch, false),
        _ => (Height::Chromatic, true),
    };
    Viewpoint { height, rhythm }
}

/// Each melody with how many of its notes are in some pattern.
fn covered(text: &Text, longest: &[u32], least: u32, melodies: &[Melody]) -> Vec<Row> {
    let mut rows: Vec<Row> = melodies
        .iter()
        .map(|melody| Row { name: melody.name(), notes: melody.notes.len(), covered: 0 })
        .collect();
    let mut end = 0;
    for ((place, &length), &(melody, _)) in longest.iter().enumerate().zip(&text.at) {
        if length >= least {
            end = end.max(place + length as usize + text.extra() as usize);
        }
        if place < end
            && let Some(row) = rows.get_mut(melody as usize)
        {
            row.covered += 1;
        }
    }
    rows
}

/// Tells patterns and where they are.
struct Teller<'a> {
    scale: &'a Scale<'a>,
    clock: Clock,
    melodies: &'a [Melody],
    spots: Spots<'a>,
}

impl Teller<'_> {
    fn tell(&mut self, weighed: &Weighed) -> Pattern {
        let Weighed { repeat, notes, first, covered, apart, compression, bits, .. } = *weighed;
        let text = self.scale.text;
        let symbols = symbols(text, first, &repeat);
        let mut shape = text.words(symbols.get(..SHAPE_MAX).unwrap_or(symbols)).join(" ");
        if symbols.len() > SHAPE_MAX {
            shape.push_str(" …");
        }
        let places = self.scale.places(&repeat);
        let head = self.note(first).map(|(_, note)| *note);
        let occurrences = places.iter().filter_map(|&place| self.occurrence(place, head)).collect();
        let viewpoint = text.viewpoint;
        let invert = |token| viewpoint.inverted(token);
        let reverse = |token| Some(viewpoint.reversed(token));
        let both = |token| viewpoint.inverted(viewpoint.reversed(token));
        Pattern {
            notes,
            count: repeat.count,
            apart,
            covered,
            compression,
            expected: libm::exp2(libm::log2(f64::from(repeat.count)) - bits),
            bits,
            shape,
            inversion: self.other(symbols, false, invert),
            retrograde: self.other(symbols, true, reverse),
            retrograde_inversion: self.other(symbols, true, both),
            occurrences,
        }
    }

    /// The melody and the note of a place of the text.
    fn note(&self, place: u32) -> Option<(u32, &Sung)> {
        let &(melody, note) = self.scale.text.at.get(place as usize)?;
        let note = self.melodies.get(melody as usize)?.notes.get(note as usize)?;
        Some((melody, note))
    }

    fn spot(&mut self, place: u32) -> Option<(u32, Spot)> {
        let (melody, note) = self.note(place).map(|(melody, note)| (melody, *note))?;
        let part = self.melodies.get(melody as usize)?.part;
        Some((melody, self.spots.of(part, &note)))
    }

    fn occurrence(&mut self, place: u32, head: Option<Sung>) -> Option<Occurrence> {
        let (head, (_, note)) = (head?, self.note(place)?);
        let transposition = note.pitch.key() - head.pitch.key();
        let (times, parts) = self.clock.ratio(note.step, head.step);
        let augmented = self.scale.text.viewpoint.rhythm.then(|| match parts {
            1 => times.to_string(),
            _ => format!("{times}/{parts}"),
        });
        let (melody, spot) = self.spot(place)?;
        Some(Occurrence(melody, spot, transposition, augmented))
    }

    /// How often what a pattern turns into stands in the text.
    fn other(
        &mut self,
        symbols: &[u32],
        backwards: bool,
        turn: impl Fn(Token) -> Option<Token>,
    ) -> Option<Other> {
        let text = self.scale.text;
        let turned = |&symbol: &u32| -> Option<Option<u32>> {
            let (own, token) = text.token(symbol)?;
            // What is nowhere in the text is a turned token all the same, and is found nowhere.
            turn(token).map(|token| text.find((own, token)))
        };
        let turned: Option<Vec<Option<u32>>> = if backwards {
            symbols.iter().rev().map(turned).collect()
        } else {
            symbols.iter().map(turned).collect()
        };
        let turned = turned?;
        let Some(found) = turned.into_iter().collect::<Option<Vec<u32>>>() else {
            return Some(Other { count: 0, first: None });
        };
        if found == symbols {
            return None;
        }
        let suffixes = self.scale.suffixes;
        let ranks = suffixes.find(&text.symbols, &found);
        let count = ranks.len();
        let first = suffixes.order.get(ranks).unwrap_or_default().iter().min().copied();
        Some(Other { count, first: first.and_then(|place| self.spot(place)) })
    }
}

/// What a repeat is made of.
fn symbols<'a>(text: &'a Text, first: u32, repeat: &Repeat) -> &'a [u32] {
    let from = first as usize;
    text.symbols.get(from..from + repeat.length as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests;
