//! What a score offers as evidence: melody and bass, stillness, rests, signs, the measures and the ends of sections.

use crate::analyse::meter::Grid;
use crate::analyse::voices::{Edge, Sung, Voices};
use crate::score::{AnnotationKind, Mark, Measure, Score, Ticks};
use std::sync::Arc;

/// A score, made ready to be asked about moments.
pub(super) struct Scene<'a> {
    pub(super) voices: Arc<Voices>,
    edges: Vec<Edge>,
    attacks: Vec<Ticks>,
    /// When each tone begins, in order.
    starts: Vec<Ticks>,
    measures: &'a [Measure],
    grid: Option<&'a Grid<'a>>,
    fermatas: Vec<Ticks>,
    trills: Vec<Ticks>,
    dynamics: Vec<Ticks>,
    slur_ends: Vec<Ticks>,
    /// Where sections begin, the first of them at the start, and where the last one ends.
    sections: Vec<Ticks>,
}

impl<'a> Scene<'a> {
    /// The scene of a score; `grid` is that of its leading part.
    pub(super) fn of(score: &'a Score, grid: Option<&'a Grid<'a>>) -> Self {
        let voices = Voices::of(score);
        let said = |is: &dyn Fn(AnnotationKind, &str) -> bool| -> Vec<Ticks> {
            let said = score.annotations.iter();
            let mut said: Vec<Ticks> =
                said.filter(|said| is(said.kind, score.text(said))).map(|said| said.onset).collect();
            said.sort_unstable();
            said.dedup();
            said
        };
        let mut starts: Vec<Ticks> = voices.tones.iter().map(|tone| tone.from).collect();
        starts.sort_unstable();
        let mut attacks = starts.clone();
        attacks.dedup();
        Scene {
            attacks,
            starts,
            edges: voices.edges(),
            measures: score.measures_of(score.leading_part()),
            grid,
            fermatas: said(&|kind, _| kind == AnnotationKind::Fermata),
            trills: said(&|kind, text| kind == AnnotationKind::Ornament && text.contains("trill")),
            dynamics: said(&|kind, text| kind == AnnotationKind::Dynamic && text.len() < 4),
            slur_ends: said(&|kind, text| kind == AnnotationKind::Slur && text == "stop"),
            sections: sections(score, &voices),
            voices,
        }
    }

    /// Index of the measure that a moment lies in.
    pub(super) fn measure(&self, at: Ticks) -> usize {
        self.measures.partition_point(|measure| measure.onset <= at).saturating_sub(1)
    }

    /// Lengths of a full measure and of a beat at a moment.
    pub(super) fn spans(&self, at: Ticks) -> (Ticks, Ticks) {
        let start = self.measures.get(self.measure(at)).map_or(at, |measure| measure.onset);
        self.grid.map_or((Ticks::quarters(4), Ticks::quarters(1)), |grid| grid.spans(start))
    }

    /// How strong a moment is: 0 on the downbeat, 1 half-way, 2 on a beat, 3 between beats, 4 elsewhere.
    pub(super) fn strength(&self, at: Ticks) -> usize {
        let measure = self.measures.get(self.measure(at));
        let start = measure.map_or(Ticks::ZERO, |measure| measure.onset);
        self.grid.map_or(4, |grid| grid.strength(measure, at - start))
    }

    /// The highest and the lowest tone at a moment, by their indices.
    pub(super) fn outer(&self, at: Ticks) -> Option<(usize, usize)> {
        let after = self.edges.partition_point(|edge| edge.at <= at);
        self.edges.get(after.checked_sub(1)?)?.outer
    }

    /// The same right before a moment, if there is no silence.
    pub(super) fn outer_before(&self, at: Ticks) -> Option<(usize, usize)> {
        let after = self.edges.partition_point(|edge| edge.at < at);
        self.edges.get(after.checked_sub(1)?)?.outer
    }

    /// A tone.
    pub(super) fn tone(&self, index: usize) -> Option<&Sung> {
        self.voices.tones.get(index)
    }

    /// Whether nothing sounds at some time between two moments.
    pub(super) fn silent(&self, from: Ticks, to: Ticks) -> bool {
        let first = self.edges.partition_point(|edge| edge.at < from);
        let within = self.edges.get(first..).unwrap_or_default().iter().take_while(|edge| edge.at < to);
        within.into_iter().any(|edge| edge.outer.is_none())
    }

    /// At how many moments after `from` and before `to` anything begins.
    pub(super) fn attacks(&self, from: Ticks, to: Ticks) -> usize {
        let until = |at: Ticks| self.attacks.partition_point(|&attack| attack < at);
        until(to).saturating_sub(self.attacks.partition_point(|&attack| attack <= from))
    }

    /// How many tones begin at a moment.
    pub(super) fn beginning(&self, at: Ticks) -> usize {
        let until = self.starts.partition_point(|&start| start <= at);
        until.saturating_sub(self.starts.partition_point(|&start| start < at))
    }

    /// The first fermata from one moment to before another.
    pub(super) fn fermata(&self, from: Ticks, to: Ticks) -> Option<Ticks> {
        let first = self.fermatas.partition_point(|&moment| moment < from);
        self.fermatas.get(first).copied().filter(|&moment| moment < to)
    }

    /// Whether a trill does.
    pub(super) fn trill(&self, from: Ticks, to: Ticks) -> bool {
        any(&self.trills, from, to)
    }

    /// Whether a dynamic does.
    pub(super) fn dynamic(&self, from: Ticks, to: Ticks) -> bool {
        any(&self.dynamics, from, to)
    }

    /// Whether a slur ends there.
    pub(super) fn slur_end(&self, from: Ticks, to: Ticks) -> bool {
        any(&self.slur_ends, from, to)
    }

    /// Whether a section ends after one moment and not after another.
    pub(super) fn section_end(&self, after: Ticks, to: Ticks) -> bool {
        any(&self.sections, Ticks(after.0.saturating_add(1)), Ticks(to.0.saturating_add(1)))
    }

    /// How many measures of its section have begun before the one that a moment lies in, a pickup left out.
    pub(super) fn measure_of_section(&self, at: Ticks) -> usize {
        let after = self.sections.partition_point(|&section| section <= at);
        let section =
            after.checked_sub(1).and_then(|last| self.sections.get(last)).copied().unwrap_or_default();
        let first = self.measures.partition_point(|measure| measure.onset < section);
        let short =
            self.measures.get(first).is_some_and(|measure| measure.duration < self.spans(measure.onset).0);
        self.measure(at).saturating_sub(first + usize::from(short))
    }
}

/// Whether one of these moments, which are in order, is from one moment to before another.
fn any(moments: &[Ticks], from: Ticks, to: Ticks) -> bool {
    let first = moments.partition_point(|&moment| moment < from);
    moments.get(first).is_some_and(|&moment| moment < to)
}

/// Where sections meet: repeats, endings, new meters and keys; the start, and the end of the last tone.
fn sections(score: &Score, voices: &Voices) -> Vec<Ticks> {
    let mut sections = vec![Ticks::ZERO];
    sections.extend(voices.tones.iter().map(|tone| tone.to).max());
    for mark in &score.marks {
        let meets =
            matches!(mark.mark, Mark::RepeatStart | Mark::RepeatEnd { .. } | Mark::Section(_) | Mark::Fine);
        let index = mark.measure as usize + usize::from(mark.at_end);
        if let Some(measure) = score.measures_of(mark.part).get(index).filter(|_| meets) {
            sections.push(measure.onset);
        }
    }
    sections.extend(score.meters.iter().map(|meter| meter.onset));
    sections.extend(score.keys.iter().map(|key| key.onset));
    sections.sort_unstable();
    sections.dedup();
    sections
}
