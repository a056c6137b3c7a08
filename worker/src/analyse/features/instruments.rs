//! The features of instruments (I): which General MIDI programs play, and how many of the notes.

use super::super::common::{mean, ratio};
use super::names::{self, Instrument};
use super::sounds::{Numbers, Sound, Sounds};
use super::{Answer, Feature, Material, entry};
use crate::score::Score;
use std::ops::RangeInclusive;

/// Programs from 0.
type Programs = &'static [RangeInclusive<u8>];

/// The features of instruments.
pub(in crate::analyse) static INSTRUMENTS: &[Feature] = &[
    entry!("I1" "i1" "Pitched Instruments Present" [128], Number "0 or 1", "1 for each General MIDI program that plays a note.",
        |all| all.instruments.vector(|_| 1.0).into()),
    entry!("I3" "i3" "Note Prevalence of Pitched Instruments" [128], Number "share", "Share of the notes that each General MIDI program plays.",
        |all| all.instruments.vector(|count| count / all.instruments.total).into()),
    entry!("I6" "i6" "Variability of Note Prevalence of Pitched Instruments", Number "share", "Standard deviation of the shares of those that play.",
        |all| all.instruments.deviation().into()),
    entry!("I8" "i8" "Number of Pitched Instruments", Integer "instrument", "How many different instruments play.",
        |all| all.instruments.number().into()),
    entry!("I11" "i11" "String Keyboard Fraction", Number "share", "Share of the notes of programs 1 to 8.",
        |all| all.instruments.share(&[0..=7])),
    entry!("I12" "i12" "Acoustic Guitar Fraction", Number "share", "Share of the notes of programs 25 and 26.",
        |all| all.instruments.share(&[24..=25])),
    entry!("I13" "i13" "Electric Guitar Fraction", Number "share", "Share of the notes of programs 27 to 32.",
        |all| all.instruments.share(&[26..=31])),
    entry!("I14" "i14" "Violin Fraction", Number "share", "Share of the notes of programs 41 and 111.",
        |all| all.instruments.share(&[40..=40, 110..=110])),
    entry!("I15" "i15" "Saxophone Fraction", Number "share", "Share of the notes of programs 65 to 68.",
        |all| all.instruments.share(&[64..=67])),
    entry!("I16" "i16" "Brass Fraction", Number "share", "Share of the notes of programs 57 to 68.",
        |all| all.instruments.share(either(all, &[56..=61], &[56..=67]))),
    entry!("I17" "i17" "Woodwinds Fraction", Number "share", "Share of the notes of programs 69 to 76.",
        |all| all.instruments.share(either(all, &[68..=79], &[68..=75]))),
    entry!("I18" "i18" "Orchestral Strings Fraction", Number "share", "Share of the notes of programs 41 to 47.",
        |all| all.instruments.share(either(all, &[41..=45], &[40..=46]))),
    entry!("I19" "i19" "String Ensemble Fraction", Number "share", "Share of the notes of programs 49 to 52.",
        |all| all.instruments.share(&[48..=51])),
    entry!("I20" "i20" "Electric Instrument Fraction", Number "share", "Share of the notes of programs 5, 6, 17, 19, 27 to 32 and 34 to 40.",
        |all| all.instruments.share(&[4..=5, 16..=16, 18..=18, 26..=31, 33..=39])),
];

/// Programs as music21 has them, or as they are defined.
fn either(all: &Material, as_music21: Programs, defined: Programs) -> Programs {
    if all.as_music21 { as_music21 } else { defined }
}

/// What the instruments of a score play.
#[derive(Debug, Default)]
pub(in crate::analyse) struct Instruments {
    /// Of each instrument that plays, its program from 0, where one is known, and how many notes it plays.
    played: Vec<(Option<u8>, f64)>,
    /// How many notes there are, by which shares are taken.
    total: f64,
    /// Whether the numbers are as music21 has them.
    as_music21: bool,
    /// Whether the source names any instrument; without, music21 takes each part for one.
    named: bool,
}

impl Instruments {
    /// The instruments of a score: what has the same program, or for music21 the same name, is one. Notes count as often
    /// as they have pitches; music21 counts a chord once, and takes shares of all pitches all the same.
    pub(super) fn of(score: &Score, sounds: &Sounds, pitches: u64, as_music21: bool) -> Self {
        let mut of_staff: Vec<(Option<Instrument>, f64)> = Vec::new();
        for staff in &sounds.staves {
            let Some(part) = score.parts.get(usize::from(staff.part)) else { continue };
            let count = |sound: &Sound| if as_music21 { 1 } else { sound.pitches.1 };
            let notes: usize = staff.notes().map(count).sum();
            let instrument =
                if as_music21 { names::as_music21(score.notation, part) } else { Some(names::of(part)) };
            of_staff.push((instrument, notes as f64));
        }
        let named = of_staff.iter().any(|(instrument, _)| instrument.is_some());
        let mut told = Instruments { played: Vec::new(), total: pitches as f64, as_music21, named };
        let mut numbers = Numbers::new();
        for (index, (instrument, notes)) in of_staff.into_iter().enumerate() {
            let (key, program) = match instrument {
                Some(Instrument { name, program }) => (Ok((name, program.filter(|_| !as_music21))), program),
                None if named => continue,
                None => (Err(index), None),
            };
            let number = numbers.of(key);
            told.played.resize(told.played.len().max(number + 1), (None, 0.0));
            if let Some(slot) = told.played.get_mut(number) {
                *slot = (slot.0.or(program), slot.1 + notes);
            }
        }
        told.played.retain(|(_, notes)| *notes > 0.0);
        told
    }

    /// Whether the programs of all that plays are known.
    fn known(&self) -> bool {
        self.played.iter().all(|(program, _)| program.is_some()) && (self.total > 0.0 || self.as_music21)
    }

    /// A number for each program that plays; nothing if one is not known.
    fn vector(&self, say: impl Fn(f64) -> f64) -> Option<Vec<f64>> {
        let mut vector = vec![0.0; 128];
        for (program, notes) in self.played.iter().filter(|_| self.known()) {
            *vector.get_mut(usize::from((*program)?))? = say(*notes);
        }
        Some(vector).filter(|_| self.known())
    }

    fn deviation(&self) -> Option<f64> {
        let shares: Vec<f64> = self.played.iter().map(|(_, notes)| notes / self.total).collect();
        let mean = mean(&shares).filter(|_| (self.as_music21 || self.known()) && self.total > 0.0)?;
        let squares: f64 = shares.iter().map(|share| (share - mean) * (share - mean)).sum();
        Some((squares / shares.len() as f64).sqrt())
    }

    fn number(&self) -> Option<i64> {
        (self.as_music21 || self.known()).then(|| i64::try_from(self.played.len()).unwrap_or(i64::MAX))
    }

    /// The share of some programs; nothing if one is not known. music21 takes an unknown one for another one.
    fn share(&self, of: &[RangeInclusive<u8>]) -> Answer {
        let plays = |program: u8| of.iter().any(|range| range.contains(&program));
        let of = self.played.iter().filter(|(program, _)| program.is_some_and(plays));
        let notes = of.map(|(_, notes)| notes).sum::<f64>() + 0.0;
        let known = if self.as_music21 { self.named } else { self.known() };
        ratio(notes, self.total).filter(|_| known).into()
    }
}
