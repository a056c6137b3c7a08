//! The profiles: how much each pitch class belongs to a key, from its tonic.
//! The numbers are those of music21 10.5.1, which has them from `keycor` of the Humdrum Extras.

/// Twelve weights for major and twelve for minor.
pub(in crate::analyse) struct Profile {
    /// Name in answers and columns.
    pub(in crate::analyse) name: &'static str,
    /// Weights in major.
    pub(in crate::analyse) major: [f64; 12],
    /// Weights in minor.
    pub(in crate::analyse) minor: [f64; 12],
}

/// The five, as music21 `analysis.discrete` has them.
pub(super) static PROFILES: [Profile; 5] = [
    // Krumhansl and Kessler, 1982.
    Profile {
        name: "krumhansl_schmuckler",
        major: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        minor: [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    },
    // Aarden, from the Essen folk songs; music21's own documentation doubts the minor ones.
    Profile {
        name: "aarden_essen",
        major: [
            17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494,
            0.232998, 4.95122,
        ],
        minor: [
            18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186,
            7.37619, 1.75623,
        ],
    },
    // Sapp.
    Profile {
        name: "simple",
        major: [2.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 1.0],
        minor: [2.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.5, 0.5],
    },
    // Bellman, after Budge.
    Profile {
        name: "bellman_budge",
        major: [16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57],
        minor: [18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21],
    },
    // Temperley, from the examples of Kostka and Payne.
    Profile {
        name: "temperley_kostka_payne",
        major: [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
        minor: [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
    },
];

/// The profile of that name.
pub(in crate::analyse) fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|known| known.name == name)
}
