//! The numbers of the model: counts over human analyses, and weights that were fitted to them (`docs/accuracy.md`).
//!
//! Weights are worth one quarter of sound, or one change; the logarithms in the tables are in hundredths of a nat.

/// What length is raised to: a long frame weighs less than its length.
pub(super) const LENGTH_POWER: f32 = 0.81;
/// What root, third, fifth and seventh explain.
pub(super) const MEMBER: [f32; 4] = [1.96, 0.99, 0.76, -0.54];
/// A passing note that the chord has explains this much of it.
pub(super) const PASSING_MEMBER: f32 = 0.8;
/// What each further note of a pitch class adds.
pub(super) const DOUBLING: f32 = 0.28;
/// What a note costs that the chord has not.
pub(super) const FOREIGN: f32 = 6.17;
/// As often as this at the most, however many have its pitch class.
pub(super) const DOUBLED_MAX: f32 = 1.5;
/// How much of that one costs that is left by step,
pub(super) const LEAVING: f32 = 1.98;
/// that passes,
pub(super) const PASSING: f32 = 1.6;
/// or that is held over and resolves.
pub(super) const SUSPENDED: f32 = 0.29;
/// What a member costs that does not sound.
pub(super) const MISSING: f32 = -0.06;
/// What root, third, fifth and seventh are worth in the bass.
pub(super) const BASS: [f32; 4] = [0.52, 0.06, -0.72, -0.26];
/// The same of a note that the chord has not.
pub(super) const BASS_FOREIGN: f32 = -0.1;
/// What each kind of chord is worth.
pub(super) const QUALITY: [f32; 9] = [0.3, 0.35, 0.22, -0.07, -0.01, -0.87, 0.11, -1.43, 0.06];
/// What a new chord costs by metrical level.
pub(super) const CHANGE: [f32; 5] = [1.95, 1.57, 1.53, 2.24, 4.78];
/// What it costs less where the bass moves.
pub(super) const BASS_MOVES: f32 = 2.55;
/// What a pitch class costs that the key has not.
pub(super) const OUTSIDE: f32 = 0.35;
/// The same of the raised sixth and seventh of minor.
pub(super) const RAISED: f32 = -0.11;
/// What a minor key costs.
pub(super) const MINOR: f32 = -0.05;
/// What a tonic is worth in major,
pub(super) const TONIC_MAJOR: f32 = -0.02;
/// in minor,
pub(super) const TONIC_MINOR: f32 = 0.16;
/// and once more where it is held for two quarters.
pub(super) const TONIC_LONG: f32 = -0.25;
/// What a dominant is worth,
pub(super) const DOMINANT: f32 = -0.17;
/// and once more where it is held for two quarters.
pub(super) const DOMINANT_LONG: f32 = 0.12;
/// What a new key costs,
pub(super) const KEY_CHANGE: f32 = 2.59;
/// more for each metrical level,
pub(super) const KEY_LEVEL: f32 = 0.31;
/// less after two quarters or silence,
pub(super) const KEY_PHRASE: f32 = -0.45;
/// and more for the relative key,
pub(super) const TO_RELATIVE: f32 = 0.31;
/// the parallel key,
pub(super) const TO_PARALLEL: f32 = 2.84;
/// the keys a fifth away,
pub(super) const TO_FIFTH: f32 = 0.69;
/// and all others.
pub(super) const TO_OTHER: f32 = 0.93;
/// How much of the tables below counts: of the first two,
pub(super) const PRIOR: f32 = 1.16;
/// and of the others.
pub(super) const MOTION: f32 = 0.34;
/// How likely a chord is in major: by degree in semitones, then kind.
#[rustfmt::skip]
pub(super) const PRIOR_MAJOR: [[i16; 9]; 12] = [
    [-114, -491, -821, -821, -581, -821, -821, -821, -821],
    [-821, -821, -821, -821, -821, -821, -821, -711, -821],
    [-416, -289, -711, -821, -564, -454, -821, -711, -821],
    [-821, -821, -821, -821, -821, -821, -821, -711, -821],
    [-416, -348, -711, -821, -601, -626, -821, -821, -821],
    [-212, -550, -821, -821, -491, -711, -821, -821, -821],
    [-821, -711, -626, -821, -711, -711, -821, -821, -821],
    [-166, -581, -821, -821, -333, -821, -821, -821, -821],
    [-821, -821, -711, -821, -821, -821, -821, -711, -821],
    [-444, -251, -821, -821, -626, -564, -821, -711, -821],
    [-660, -821, -821, -821, -821, -821, -821, -821, -821],
    [-601, -526, -351, -821, -711, -711, -821, -526, -821],
];
/// The same in minor.
#[rustfmt::skip]
pub(super) const PRIOR_MINOR: [[i16; 9]; 12] = [
    [-256, -139, -849, -849, -629, -739, -849, -849, -849],
    [-512, -849, -849, -849, -849, -849, -849, -849, -849],
    [-412, -375, -473, -849, -655, -593, -849, -512, -849],
    [-264, -688, -849, -739, -849, -849, -849, -849, -849],
    [-849, -655, -629, -849, -849, -849, -849, -849, -849],
    [-320, -275, -849, -849, -629, -555, -849, -849, -849],
    [-849, -849, -655, -849, -849, -849, -849, -629, -849],
    [-184, -264, -739, -849, -392, -578, -849, -849, -849],
    [-313, -849, -849, -849, -629, -849, -849, -849, -849],
    [-849, -545, -566, -849, -849, -688, -849, -739, -849],
    [-264, -739, -849, -849, -688, -739, -849, -849, -849],
    [-849, -739, -415, -849, -849, -849, -849, -566, -849],
];
/// How likely a root is after another in major, against all being alike: old degree, new degree.
#[rustfmt::skip]
pub(super) const MOTION_MAJOR: [[i16; 12]; 12] = [
    [-864, -339, 61, -310, -110, 120, -326, 148, -407, 48, -247, -117],
    [-90, -567, 21, 23, -115, -125, 135, -168, 81, -109, -23, 8],
    [109, -286, -762, -237, -54, -125, -321, 159, -224, 4, -305, 63],
    [-23, 8, -90, -567, 21, 23, -115, -125, 135, -168, 81, -109],
    [27, -166, 19, -234, -710, 106, -83, -11, -158, 133, -311, -6],
    [130, -336, 32, -219, -21, -793, -206, 120, -342, -23, -78, 23],
    [-189, 60, -130, -45, -13, -112, -588, 104, 2, -137, -146, 127],
    [211, -447, -52, -388, -49, -18, -281, -846, -320, 32, -394, -185],
    [-129, 130, -172, 76, -114, -28, 3, -95, -571, 54, 19, -120],
    [27, -316, 116, -359, 57, 55, -160, 99, -281, -758, -232, -15],
    [23, -115, -125, 135, -168, 104, -109, -23, 8, -90, -567, -41],
    [204, -90, -266, -276, 55, -319, -70, -112, -174, -14, -241, -717],
];
/// The same in minor.
#[rustfmt::skip]
pub(super) const MOTION_MINOR: [[i16; 12]; 12] = [
    [-882, -356, 1, -90, -330, 90, -343, 169, -68, -171, 35, -73],
    [62, -580, -55, 10, -129, -138, 121, -181, 90, -122, -37, -5],
    [62, -286, -762, -54, -135, -80, -210, 200, -363, -114, -123, -39],
    [72, -78, 57, -766, -241, 59, -315, 37, 43, -109, 85, -209],
    [47, -48, -17, -115, -592, 83, -2, -141, -150, 110, -193, 56],
    [116, -251, -30, 58, -243, -808, -220, 111, -95, -256, 81, -130],
    [-193, 56, -134, -48, -17, 19, -592, 101, -2, -141, -150, 110],
    [207, -480, -25, -65, -246, 21, -268, -878, -27, -170, -107, -242],
    [67, -29, -21, 19, -273, 100, -113, 109, -730, -56, -76, -176],
    [-74, -187, 151, -90, 19, -72, -85, 18, -152, -628, 79, -38],
    [94, -319, -218, 153, -231, 45, -312, 32, 24, -205, -770, -182],
    [198, -90, -228, -128, 22, -141, -32, -17, -136, -105, -115, -680],
];
