//! Harmonic rhythm: how long chords last, in quarters, beats and measures, and where in the measure they change.

use super::common::{Counts, deviation, integer, mean, number, ratio, text};
use super::harmony::{ReadChord, reading};
use super::meter::{Grid, grids, stated};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Measure, Score, Ticks};
use serde::Serialize;
use serde_json::Value;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "harmonic_rhythm",
    revision: 3,
    summary: "How long the chords of `harmony` last before the next one, in quarters, in beats and in measures of the meter that holds there, and where in the measure they change. A chord that goes on in another key is one. Null where nothing sounds.",
    params: &[Param {
        name: "change",
        unit: "",
        summary: "What counts as a change: another `chord` (root or kind, a joining seventh too), another `root`, or another `position` too.",
        range: Range::Choice(&["chord", "root", "position"]),
    }],
    columns: &[
        integer("chords", "/chords", "chord", "Chords, each until the next change."),
        number("mean_quarters", "/quarters/mean", "quarter note", "Mean length of a chord."),
        number("median_quarters", "/quarters/median", "quarter note", "Median length of a chord."),
        number(
            "mean_beats",
            "/beats/mean",
            "beat",
            "Mean length of a chord in beats; dotted ones in compound meters.",
        ),
        number("mean_measures", "/measures/mean", "measure", "Mean length of a chord in measures."),
        number(
            "per_measure",
            "/per_measure",
            "change per measure",
            "Changes over measures, of the time that has measures.",
        ),
        number("variation", "/variation", "ratio", "Standard deviation of the lengths over their mean."),
        number("downbeats", "/places/downbeat", "share", "Changes that fall on a first beat."),
        number(
            "beats",
            "/places/beat",
            "share",
            "Changes on other beats, half-way through the measure included.",
        ),
        number("off_beats", "/places/off_beat", "share", "Changes between beats."),
        number("downbeats_with", "/downbeats_with", "share", "First beats that have a change."),
        text("commonest", "/commonest", "quarter note", "The commonest length, as an exact fraction."),
    ],
    reference: "Swain, The Harmonic Rhythm: Analysis and Interpretation (2002); the chords are those of `harmony`",
};

/// The analysis.
pub(super) struct HarmonicRhythm;

/// What is the same until a change.
#[derive(Clone, Copy)]
struct Stay {
    from: Ticks,
    to: Ticks,
}

#[derive(Serialize)]
struct Lengths {
    mean: Option<f64>,
    median: Option<f64>,
}

#[derive(Serialize)]
struct Places {
    downbeat: Option<f64>,
    beat: Option<f64>,
    off_beat: Option<f64>,
}

#[derive(Serialize)]
struct Answer {
    chords: usize,
    quarters: Lengths,
    beats: Lengths,
    measures: Lengths,
    per_measure: Option<f64>,
    variation: Option<f64>,
    places: Places,
    downbeats_with: Option<f64>,
    commonest: Option<Fraction>,
    /// `[[length in quarters, how often], …]`.
    lengths: Value,
    /// `[[strength, changes], …]`: 0 the first beat, 1 half-way, 2 another beat, 3 half of one, 4 elsewhere.
    strengths: Value,
}

impl Analysis for HarmonicRhythm {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let reading = reading(score)?;
        let stays = stays(&reading.chords, params.word("change"));
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let clock = Clock { measures: score.measures_of(part), grid: grids.get(usize::from(part)) };
        let lengths: Vec<Ticks> = stays.iter().map(|stay| stay.to - stay.from).collect();
        let quarters: Vec<f64> = lengths.iter().map(|length| length.as_quarters()).collect();
        let within: Vec<(f64, f64)> = stays.iter().filter_map(|stay| clock.length(*stay)).collect();
        let in_measures: Vec<f64> = within.iter().map(|within| within.0).collect();
        let in_beats: Vec<f64> = within.iter().map(|within| within.1).collect();
        let measured: Vec<Stay> =
            stays.iter().copied().filter(|stay| clock.length(*stay).is_some()).collect();
        let strengths = Counts::of(measured.iter().filter_map(|stay| clock.strength(stay.from)));
        let at = |from: usize, to: usize| {
            let all = strengths.0.iter().filter(|(strength, _)| (from..=to).contains(*strength));
            ratio(all.map(|(_, count)| *count).sum::<u64>() as f64, strengths.total() as f64)
        };
        let changed = strengths.0.get(&0).copied().unwrap_or(0) as f64;
        let counts = Counts::of(lengths.iter().copied());
        Told::of(&Answer {
            chords: stays.len(),
            variation: deviation(&quarters).zip(mean(&quarters)).and_then(|(off, mean)| ratio(off, mean)),
            quarters: Lengths::of(quarters),
            per_measure: ratio(in_measures.len() as f64, in_measures.iter().sum()),
            measures: Lengths::of(in_measures),
            beats: Lengths::of(in_beats),
            places: Places { downbeat: at(0, 0), beat: at(1, 2), off_beat: at(3, usize::MAX) },
            downbeats_with: ratio(changed, clock.downbeats(&measured) as f64),
            commonest: counts.commonest().map(Ticks::fraction),
            lengths: counts.rows(Ticks::fraction),
            strengths: strengths.rows(|strength| strength),
        })
    }
}

/// The chords, joined as long as nothing changes that counts.
fn stays(chords: &[ReadChord], change: &str) -> Vec<Stay> {
    let same = |a: &ReadChord, b: &ReadChord| match change {
        "root" => a.root == b.root,
        "position" => (a.root, a.quality, a.inversion) == (b.root, b.quality, b.inversion),
        _ => (a.root, a.quality) == (b.root, b.quality),
    };
    let stays = chords.chunk_by(same).filter_map(|stay| {
        let (first, last) = (stay.first()?, stay.last()?);
        Some(Stay { from: first.onset, to: last.end })
    });
    stays.collect()
}

impl Lengths {
    fn of(mut lengths: Vec<f64>) -> Self {
        let mean = mean(&lengths);
        lengths.sort_by(f64::total_cmp);
        let middle = |index: usize| lengths.get(index).copied();
        let half = lengths.len() / 2;
        let median = if lengths.len() % 2 == 1 {
            middle(half)
        } else {
            half.checked_sub(1).and_then(middle).zip(middle(half)).map(|(a, b)| f64::midpoint(a, b))
        };
        Lengths { mean, median }
    }
}

/// The measures of the leading part.
struct Clock<'a> {
    measures: &'a [Measure],
    grid: Option<&'a Grid<'a>>,
}

impl Clock<'_> {
    /// Index of the measure that a moment lies in.
    fn measure(&self, at: Ticks) -> Option<usize> {
        self.measures.partition_point(|measure| measure.onset <= at).checked_sub(1)
    }

    /// How many measures and how many beats a stay lasts, in the meters that hold during it; none before the first
    /// measure.
    fn length(&self, stay: Stay) -> Option<(f64, f64)> {
        let first = self.measure(stay.from)?;
        let (mut measures, mut beats) = (0.0, 0.0);
        for (index, measure) in self.measures.iter().enumerate().skip(first) {
            if measure.onset >= stay.to {
                break;
            }
            let end = self.measures.get(index + 1).map_or(stay.to, |next| next.onset);
            let part = (stay.to.min(end) - stay.from.max(measure.onset)).as_quarters();
            let (bar, beat) = self.grid?.spans(measure.onset);
            measures += part / bar.as_quarters();
            beats += part / beat.as_quarters();
        }
        Some((measures, beats))
    }

    fn strength(&self, at: Ticks) -> Option<usize> {
        let measure = self.measures.get(self.measure(at)?)?;
        Some(self.grid?.strength(Some(measure), at - measure.onset))
    }

    /// How many first beats lie in the time of some stays, which follow one another.
    fn downbeats(&self, stays: &[Stay]) -> usize {
        let (Some(first), Some(last)) = (stays.first(), stays.last()) else { return 0 };
        let within = self.measures.iter().filter(|measure| (first.from..last.to).contains(&measure.onset));
        within.filter(|measure| self.strength(measure.onset) == Some(0)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::{Event, Meter, Note};
    use shared::place::Place;

    /// I for two measures, IV for one, V and I for half of one each, in 3/4 or 6/8 by the length of a half measure.
    fn five_measures(beats: u16, unit: u16, eighths: i64) -> Score {
        let mut events = Vec::new();
        let chords =
            [(0, [48, 64, 67]), (4, [53, 65, 69]), (6, [55, 62, 71]), (7, [48, 64, 72]), (8, [48, 64, 67])];
        let ends = [4, 6, 7, 8, 10];
        for measure in 0..5 {
            let onset = Ticks::from_quarters(measure * 2 * eighths, 2).0;
            events.push(Event::Measure { part: 0, onset, number: "1" });
            if measure == 0 {
                let beats = [beats].into();
                events.push(Event::Meter(Meter {
                    onset,
                    measure: 0,
                    part: 0,
                    beats,
                    unit,
                    place: Place::START,
                }));
            }
            for ((from, keys), to) in
                chords.into_iter().zip(ends).filter(|((from, _), _)| from / 2 == measure)
            {
                events.extend((1..).zip(keys).map(|(voice, key)| {
                    Event::Note(Note {
                        voice,
                        ..note(0, (from * eighths, 2), ((to - from) * eighths, 2), key)
                    })
                }));
            }
        }
        score(1, events)
    }

    #[test]
    fn lengths_are_told_in_the_meter_that_holds() {
        for (beats, unit, eighths, beats_of_bar) in [(4, 4, 4, 4.0), (6, 8, 3, 2.0), (2, 2, 4, 2.0)] {
            let answer = ask(&HarmonicRhythm, &five_measures(beats, unit, eighths));
            assert_eq!(answer["chords"], 4, "{beats}/{unit}");
            near(&answer, "/measures/mean", 5.0 / 4.0);
            near(&answer, "/measures/median", 1.25);
            near(&answer, "/beats/mean", 5.0 / 4.0 * beats_of_bar);
            near(&answer, "/per_measure", 4.0 / 5.0);
            near(&answer, "/places/downbeat", 0.75);
            near(&answer, "/downbeats_with", 0.6);
        }
    }

    #[test]
    fn silence_has_no_rhythm() {
        let answer = ask(&HarmonicRhythm, &score(1, Vec::new()));
        assert_eq!((&answer["chords"], &answer["quarters"]["mean"]), (&0.into(), &Value::Null));
    }
}
