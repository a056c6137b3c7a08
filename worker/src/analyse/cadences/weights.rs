//! What each sign is worth. Fitted by logistic regression on the works named in `docs/accuracy.md`, but for plagal cadences,
//! fermatas and last chords, of which there are too few there: those are set by hand.

use super::Family;
use super::evidence::{Evidence, Sign};

/// In hundredths, for authentic, half, deceptive, plagal and evaded cadences: what an arrival without any sign has. Moved so
/// that half of certainty is where errors of both kinds balance; for deceptive and evaded ones, which are too rare for that,
/// where F1 is greatest on the works that the weights were fitted on.
const BIAS: [i16; 5] = [-457, -357, -113, -650, -290];

/// In hundredths, for the same: what each sign adds.
const WEIGHTS: [(Sign, [i16; 5]); 57] = [
    (Sign::Downbeat, [100, 54, 24, 50, 51]),
    (Sign::HalfMeasure, [134, 42, 0, 0, 16]),
    (Sign::OffBeat, [-46, -81, 1, -200, -12]),
    (Sign::EvenMeasure, [-21, 0, -26, 0, -22]),
    (Sign::FourthMeasure, [43, 47, 13, 0, 3]),
    (Sign::SopranoRoot, [96, 20, -17, 50, 13]),
    (Sign::SopranoThird, [27, 38, 35, 0, -14]),
    (Sign::SopranoFifth, [3, 53, -7, 0, 14]),
    (Sign::SopranoLate, [-5, 56, 29, 0, -16]),
    (Sign::SopranoFalls, [108, 67, 8, 0, -36]),
    (Sign::SopranoRises, [33, 46, 30, 0, 15]),
    (Sign::SopranoStays, [10, 18, -2, 0, -17]),
    (Sign::BassLeap, [59, -12, -9, 0, -11]),
    (Sign::BassStep, [-63, 74, -16, 0, 6]),
    (Sign::BassStays, [-60, 58, 0, -300, -25]),
    (Sign::Inverted, [0, 0, 0, 0, 22]),
    (Sign::Seventh, [-12, -91, -9, -200, 13]),
    (Sign::RootBefore, [87, -18, 1, 100, 1]),
    (Sign::SeventhBefore, [0, 51, 18, 0, 18]),
    (Sign::LeadingBefore, [-113, 66, 19, -900, 0]),
    (Sign::LongBefore, [3, -29, 16, 0, 4]),
    (Sign::ShortBefore, [-6, -5, -36, 0, -22]),
    (Sign::SixFour, [122, 11, 43, 0, 123]),
    (Sign::Predominant, [57, 81, 26, 0, 53]),
    (Sign::TonicBefore, [-10, 84, -36, 0, -19]),
    (Sign::Trill, [71, -38, -2, 0, 44]),
    (Sign::Applied, [-116, -49, 15, -900, 11]),
    (Sign::NewKey, [-66, 18, -3, 0, -23]),
    (Sign::Long, [23, 35, 13, 100, 24]),
    (Sign::Short, [-60, 0, 3, -200, -36]),
    (Sign::DominantNext, [-22, 37, -12, -100, -39]),
    (Sign::Still, [31, -9, -7, 0, -30]),
    (Sign::VeryStill, [10, 88, 9, 150, -5]),
    (Sign::Calmer, [41, -17, 5, 0, -14]),
    (Sign::Livelier, [82, 40, 20, 0, 22]),
    (Sign::MelodyRests, [49, 43, 12, 100, 0]),
    (Sign::MelodyLong, [14, -3, 22, 0, -11]),
    (Sign::MelodyShort, [4, 0, -14, 0, 12]),
    (Sign::MelodyLeaps, [28, 24, 4, 0, -21]),
    (Sign::MelodyGoesOn, [-62, -100, -29, 0, 12]),
    (Sign::BassRests, [76, 64, 30, 0, 3]),
    (Sign::Silence, [-68, -23, -3, 100, -10]),
    (Sign::Fermata, [400, 400, 400, 500, 0]),
    (Sign::SlurEnd, [-11, 68, 48, 0, -10]),
    (Sign::Dynamic, [21, 83, -3, 0, 42]),
    (Sign::SectionEnd, [125, 21, -2, 200, -5]),
    (Sign::Final, [0, 0, 0, 300, 0]),
    (Sign::Minor, [-7, 9, -3, 0, 7]),
    (Sign::Again, [-24, -52, -14, 0, -26]),
    (Sign::TonicNext, [-14, -43, 22, 0, -20]),
    (Sign::HomeKey, [37, 67, -40, 0, 19]),
    (Sign::KeyEnds, [59, 24, -14, 0, 26]),
    (Sign::ReadAsTonic, [0, -100, 0, 0, 0]),
    (Sign::MelodyVeryLong, [16, 66, 10, 0, 10]),
    (Sign::BassOctave, [12, 59, 11, 0, -5]),
    (Sign::FullChord, [68, 48, 31, 0, 23]),
    (Sign::EighthMeasure, [18, -16, 19, 0, -2]),
];

/// Per cent of certainty that an arrival is a cadence of its family.
pub(super) fn confidence(family: Family, evidence: Evidence) -> u8 {
    let of = |row: &[i16; 5]| row.get(family as usize).copied().map_or(0.0, f64::from);
    let signs = WEIGHTS.iter().filter(|(sign, _)| evidence.has(*sign));
    let sum = signs.fold(of(&BIAS), |sum, (_, row)| sum + of(row)) / 100.0;
    let certainty = 100.0 / (1.0 + libm::exp(-sum));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 100")]
    let whole = libm::round(certainty) as u8;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_one_row_in_order() {
        let signs: Vec<Sign> = WEIGHTS.iter().map(|(sign, _)| *sign).collect();
        assert_eq!(signs, Sign::ALL);
    }

    #[test]
    fn signs_of_a_close_raise_certainty_and_those_of_motion_lower_it() {
        let mut evidence = Evidence::default();
        let mut before = confidence(Family::Authentic, evidence);
        for sign in [Sign::SopranoRoot, Sign::RootBefore, Sign::SixFour, Sign::Trill, Sign::SectionEnd] {
            evidence.set(sign, true);
            let now = confidence(Family::Authentic, evidence);
            assert!(now >= before, "{}: {before} to {now}", sign.name());
            before = now;
        }
        evidence.set(Sign::MelodyGoesOn, true);
        assert!(confidence(Family::Authentic, evidence) < before);
    }
}
