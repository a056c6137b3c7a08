//! What speaks for a cadence at an arrival, and what against it.

use super::scene::Scene;
use super::spans::{Kind, Span};
use crate::score::Ticks;

macro_rules! signs {
    ($($(#[doc = $what:literal])+ $sign:ident = $name:literal),+ $(,)?) => {
        /// One thing that holds of an arrival.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Sign { $($(#[doc = $what])+ $sign),+ }

        impl Sign {
            /// Every sign, in order.
            pub(super) const ALL: &[Sign] = &[$(Sign::$sign),+];

            /// Its name in the detail.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Sign::$sign => $name),+ }
            }
        }
    };
}

signs! {
    /// It arrives on the first beat.
    Downbeat = "downbeat",
    /// It arrives half-way through the measure.
    HalfMeasure = "half_measure",
    /// It arrives between beats.
    OffBeat = "off_beat",
    /// The number of the measure in its section is divisible by two.
    EvenMeasure = "even_measure",
    /// It is divisible by four.
    FourthMeasure = "fourth_measure",
    /// The highest tone is the root.
    SopranoRoot = "soprano_root",
    /// The highest tone is the third.
    SopranoThird = "soprano_third",
    /// The highest tone is the fifth.
    SopranoFifth = "soprano_fifth",
    /// The highest tone comes to its note late, from a suspension or an appoggiatura.
    SopranoLate = "soprano_late",
    /// The highest tone came down by step.
    SopranoFalls = "soprano_falls",
    /// The highest tone came up by a semitone.
    SopranoRises = "soprano_rises",
    /// The highest tone is the one of before.
    SopranoStays = "soprano_stays",
    /// The bass goes from root to root.
    BassLeap = "bass_leap",
    /// The bass goes by step.
    BassStep = "bass_step",
    /// The bass is the one of before.
    BassStays = "bass_stays",
    /// The arriving chord is not in root position.
    Inverted = "inverted",
    /// The arriving chord has a seventh.
    Seventh = "seventh",
    /// The chord before is in root position.
    RootBefore = "root_before",
    /// The chord before has a seventh.
    SeventhBefore = "seventh_before",
    /// The chord before is a diminished one.
    LeadingBefore = "leading_before",
    /// The chord before lasts half a measure or more.
    LongBefore = "long_before",
    /// The chord before lasts less than a beat.
    ShortBefore = "short_before",
    /// A six-four on the fifth degree, before that or right before a half cadence.
    SixFour = "six_four",
    /// What prepares a dominant goes before it.
    Predominant = "predominant",
    /// The tonic goes before the dominant.
    TonicBefore = "tonic_before",
    /// A trill on the chord before.
    Trill = "trill",
    /// The tonic of arrival is not that of the key read.
    Applied = "applied",
    /// The key is read for less than two measures.
    NewKey = "new_key",
    /// The arriving chord lasts a measure or more.
    Long = "long",
    /// The arriving chord lasts a beat or less.
    Short = "short",
    /// A dominant comes next.
    DominantNext = "dominant_next",
    /// Nothing begins within the next beat.
    Still = "still",
    /// Nothing begins within the next two beats.
    VeryStill = "very_still",
    /// Fewer attacks in the two beats after than in the two beats before, by half.
    Calmer = "calmer",
    /// More attacks after than before.
    Livelier = "livelier",
    /// The melody rests next.
    MelodyRests = "melody_rests",
    /// The melody holds this note twice as long as those before.
    MelodyLong = "melody_long",
    /// The melody holds it less long than those before.
    MelodyShort = "melody_short",
    /// The melody goes on with a leap of a fourth or more.
    MelodyLeaps = "melody_leaps",
    /// The melody goes on by step or repeats its note.
    MelodyGoesOn = "melody_goes_on",
    /// The bass rests next.
    BassRests = "bass_rests",
    /// Nothing sounds at some time before the next chord.
    Silence = "silence",
    /// A fermata.
    Fermata = "fermata",
    /// A slur ends with it.
    SlurEnd = "slur_end",
    /// A dynamic stands at it or right after.
    Dynamic = "dynamic",
    /// A section ends within a measure.
    SectionEnd = "section_end",
    /// It is the last chord of all.
    Final = "final",
    /// The mode is minor.
    Minor = "minor",
    /// The same was arrived at within two measures.
    Again = "again",
    /// The tonic comes next.
    TonicNext = "tonic_next",
    /// The key is the one of most of the piece.
    HomeKey = "home_key",
    /// The key of the next chord is another.
    KeyEnds = "key_ends",
    /// A half cadence whose chord is read as a tonic.
    ReadAsTonic = "read_as_tonic",
    /// The melody holds this note four times as long as those before.
    MelodyVeryLong = "melody_very_long",
    /// The bass goes on an octave lower or higher.
    BassOctave = "bass_octave",
    /// Four tones or more begin together.
    FullChord = "full_chord",
    /// The number of the measure in its section is divisible by eight.
    EighthMeasure = "eighth_measure",
}

/// The signs that hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence(u64);

impl Evidence {
    pub(super) fn has(self, sign: Sign) -> bool {
        self.0 >> (sign as u8) & 1 == 1
    }

    pub(super) fn set(&mut self, sign: Sign, holds: bool) {
        if holds {
            self.0 |= 1 << (sign as u8);
        }
    }

    /// In the order of [`Sign::ALL`].
    pub(super) fn signs(self) -> impl Iterator<Item = Sign> {
        Sign::ALL.iter().copied().filter(move |sign| self.has(*sign))
    }
}

/// An arrival: the span that is arrived at, with those around it.
pub(super) struct Arrival<'a> {
    pub(super) scene: &'a Scene<'a>,
    /// Up to three spans before, the nearest last.
    pub(super) before: &'a [Span],
    pub(super) span: &'a Span,
    /// When it arrives: as the span begins, or at a fermata within it.
    pub(super) at: Ticks,
    pub(super) next: Option<&'a Span>,
    /// The tonic that is meant, as a pitch class, and whether in minor.
    pub(super) tonic: usize,
    pub(super) minor: bool,
    /// The key of most of the piece.
    pub(super) home: usize,
}

/// What the outer voices do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outer {
    /// Pitch class of the highest tone, once it has come to its note.
    pub(super) soprano: Option<usize>,
    /// Keys of the lowest tone before and at the arrival.
    pub(super) bass: (Option<i32>, Option<i32>),
}

impl Arrival<'_> {
    /// All that holds, and what the outer voices do.
    pub(super) fn evidence(&self) -> (Evidence, Outer) {
        let mut found = Evidence::default();
        self.meter(&mut found);
        let outer = self.outer_voices(&mut found);
        self.chords(&mut found);
        self.flow(&mut found);
        self.signs(&mut found);
        (found, outer)
    }

    fn meter(&self, found: &mut Evidence) {
        let at = self.at;
        let (strength, measure) = (self.scene.strength(at), self.scene.measure_of_section(at) + 1);
        found.set(Sign::Downbeat, strength == 0);
        found.set(Sign::HalfMeasure, strength == 1);
        found.set(Sign::OffBeat, strength > 2);
        found.set(Sign::EvenMeasure, measure.is_multiple_of(2));
        found.set(Sign::FourthMeasure, measure.is_multiple_of(4));
        found.set(Sign::EighthMeasure, measure.is_multiple_of(8));
    }

    fn outer_voices(&self, found: &mut Evidence) -> Outer {
        let at = self.at;
        let tone = |index: usize| self.scene.tone(index);
        let now = self.scene.outer(at);
        let last = self.scene.outer_before(self.span.from);
        let key = |outer: Option<(usize, usize)>, top: bool| {
            let (high, low) = outer?;
            tone(if top { high } else { low }).map(|tone| tone.key)
        };
        let (top, top_before) = (key(now, true), key(last, true));
        let bass = (key(last, false), key(now, false));
        let class = |key: i32| usize::try_from(key.rem_euclid(12)).unwrap_or(0);
        let mut soprano = top.map(class);
        // A note foreign to the chord that moves on by step within it stands for the one that it moves to.
        let goes = now.and_then(|(high, _)| self.scene.voices.after(high).first());
        if let (Some(top), Some(goes)) = (top, goes)
            && self.member(class(top)).is_none()
            && goes.from < self.span.to
            && matches!((goes.key - top).abs(), 1 | 2)
            && self.member(class(goes.key)).is_some()
        {
            soprano = Some(class(goes.key));
            found.set(Sign::SopranoLate, true);
        }
        let degree = soprano.and_then(|class| self.member(class));
        found.set(Sign::SopranoRoot, degree == Some(0));
        found.set(Sign::SopranoThird, matches!(degree, Some(3 | 4)));
        found.set(Sign::SopranoFifth, matches!(degree, Some(6..=8)));
        if let (Some(now), Some(before)) = (top, top_before) {
            found.set(Sign::SopranoFalls, matches!(before - now, 1 | 2));
            found.set(Sign::SopranoRises, now - before == 1);
            found.set(Sign::SopranoStays, now == before);
        }
        if let (Some(before), Some(now)) = bass {
            let roots = self.before.last().is_some_and(|last| last.root == class(before))
                && class(now) == self.span.root;
            found.set(Sign::BassLeap, roots);
            found.set(Sign::BassStep, matches!((now - before).abs(), 1 | 2));
            found.set(Sign::BassStays, now == before);
        }
        found.set(Sign::Inverted, bass.1.map(class) != Some(self.span.root) && self.span.inversions.0 != 0);
        Outer { soprano, bass }
    }

    /// Semitones above the root, if a pitch class belongs to the triad of the arrival.
    fn member(&self, class: usize) -> Option<usize> {
        let above = (class + 12 - self.span.root) % 12;
        let triad: [usize; 3] = match self.span.kind {
            Kind::Major | Kind::Other => [0, 4, 7],
            Kind::Minor => [0, 3, 7],
            Kind::Diminished => [0, 3, 6],
        };
        triad.contains(&above).then_some(above)
    }

    fn chords(&self, found: &mut Evidence) {
        let (bar, beat) = self.scene.spans(self.span.from);
        let length = |span: &Span| span.to - span.from;
        let last = self.before.last();
        let lasts = |is: &dyn Fn(&Span) -> bool| last.is_some_and(is);
        found.set(Sign::Seventh, self.span.seventh);
        found.set(Sign::RootBefore, lasts(&|last| last.inversions.1 == 0));
        found.set(Sign::SeventhBefore, lasts(&|last| last.seventh));
        found.set(Sign::LeadingBefore, lasts(&|last| last.kind == Kind::Diminished));
        found.set(Sign::LongBefore, lasts(&|last| length(last).0.saturating_mul(2) >= bar.0));
        found.set(Sign::ShortBefore, lasts(&|last| length(last) < beat));
        let six_four = |span: &Span| span.root == self.tonic && span.inversions.1 == 2;
        let halts = self.span.above(self.tonic) == 7;
        // What goes before the dominant: of a half cadence that is the arrival itself.
        let prepare =
            if halts { self.before } else { self.before.split_last().map_or(&[][..], |(_, rest)| rest) };
        let (nearest, farther) =
            prepare.split_last().map_or((None, &[][..]), |(last, rest)| (Some(last), rest));
        let passed = nearest.is_some_and(six_four);
        let prepares = if passed { farther.last() } else { nearest };
        found.set(Sign::SixFour, passed);
        found.set(Sign::Predominant, prepares.is_some_and(|span| span.prepares(self.tonic)));
        found.set(Sign::TonicBefore, prepares.is_some_and(|span| span.root == self.tonic));
        found.set(Sign::Applied, self.span.key % 12 != self.tonic);
        let long_ago = self.before.first().map_or(self.span.from, |span| span.from);
        let changed = self.before.iter().any(|span| span.key != self.span.key);
        found.set(Sign::NewKey, changed && (self.span.from - long_ago).0 < bar.0.saturating_mul(4));
        found.set(Sign::Long, length(self.span) >= bar);
        found.set(Sign::Short, length(self.span) <= beat);
        let dominant = |next: &Span| next.leads_to(self.tonic);
        found.set(Sign::DominantNext, self.next.is_some_and(dominant));
        found.set(Sign::TonicNext, self.next.is_some_and(|next| next.root == self.tonic));
        found.set(Sign::KeyEnds, self.next.is_some_and(|next| next.key != self.span.key));
        found.set(Sign::HomeKey, self.home % 12 == self.tonic);
        found.set(Sign::ReadAsTonic, halts && self.span.root == self.span.key % 12);
        found.set(Sign::Final, self.next.is_none());
        found.set(Sign::Minor, self.minor);
    }

    fn flow(&self, found: &mut Evidence) {
        let at = self.at;
        let (_, beat) = self.scene.spans(at);
        let two = beat + beat;
        let (before, after) = (self.scene.attacks(at - two, at), self.scene.attacks(at, at + two));
        found.set(Sign::Still, self.scene.attacks(at, at + beat) == 0);
        found.set(Sign::VeryStill, after == 0);
        found.set(Sign::Calmer, after * 2 <= before && before > 0);
        found.set(Sign::Livelier, after > before);
        found.set(Sign::Silence, self.scene.silent(at, self.span.to));
        let Some((high, low)) = self.scene.outer(at) else { return };
        let Some(melody) = self.scene.tone(high) else { return };
        let next = self.scene.voices.after(high).first();
        let rests = |index: usize| {
            let next = self.scene.voices.after(index).first();
            self.scene.tone(index).zip(next).is_none_or(|(tone, next)| next.from > tone.to)
        };
        found.set(Sign::MelodyRests, rests(high));
        found.set(Sign::BassRests, rests(low));
        let bass_next = self.scene.voices.after(low).first().zip(self.scene.tone(low));
        found.set(Sign::BassOctave, bass_next.is_some_and(|(next, bass)| (next.key - bass.key).abs() == 12));
        found.set(Sign::FullChord, self.scene.beginning(at) >= 4);
        let wait = next.map_or(melody.to, |next| next.from) - melody.from;
        if let Some(mean) = self.mean_wait(high) {
            found.set(Sign::MelodyLong, wait.as_quarters() >= 2.0 * mean);
            found.set(Sign::MelodyVeryLong, wait.as_quarters() >= 4.0 * mean);
            found.set(Sign::MelodyShort, wait.as_quarters() < mean);
        }
        if let Some(next) = next {
            found.set(Sign::MelodyLeaps, (next.key - melody.key).abs() >= 5);
            found.set(Sign::MelodyGoesOn, (next.key - melody.key).abs() <= 2 && next.from == melody.to);
        }
    }

    /// How long from one attack to the next the line of a tone waited before it, in quarters: the mean of up to eight.
    fn mean_wait(&self, tone: usize) -> Option<f64> {
        let voices = &self.scene.voices;
        let mut index = tone;
        let (mut sum, mut count) = (0.0, 0.0);
        while count < 8.0 {
            let Some(before) = voices.index_before(index) else { break };
            let (Some(first), Some(this)) = (voices.tones.get(before), voices.tones.get(index)) else {
                break;
            };
            sum += (this.from - first.from).as_quarters();
            count += 1.0;
            index = before;
        }
        (count > 0.0).then(|| sum / count)
    }

    fn signs(&self, found: &mut Evidence) {
        let (from, to) = (self.at, self.span.to);
        let (bar, beat) = self.scene.spans(from);
        let last = self.before.last().map_or(from, |last| last.from);
        found.set(Sign::Trill, self.scene.trill(last, self.span.from));
        found.set(Sign::Fermata, self.scene.fermata(from, to).is_some());
        found.set(Sign::SlurEnd, self.scene.slur_end(from, Ticks(from.0.saturating_add(1))));
        found.set(Sign::Dynamic, self.scene.dynamic(from, from + beat));
        found.set(Sign::SectionEnd, self.scene.section_end(from, from + bar));
    }
}
