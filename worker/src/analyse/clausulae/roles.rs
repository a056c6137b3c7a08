//! What each voice does where one of them reaches a tone by step from below.

use crate::analyse::voices::{Sung, Voices};
use crate::score::{Pitch, Ticks};
use shared::failure::Failure;
use shared::limits::{VOICE_PAIRS_MAX, exceeded};

/// What a voice does at the perfection, relative to the tone of the cantizans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Up by step to the tone.
    Cantizans,
    /// Down by a tone to it.
    Tenorizans,
    /// Down by a semitone to it.
    TenorizansPhrygian,
    /// Down a fifth or up a fourth to it.
    Bassizans,
    /// Up by a semitone to the fifth above it.
    AltizansSharp,
    /// Up by a tone to the fifth above it.
    Altizans,
    /// Up a fifth or down a fourth to the fifth below it.
    Plagal,
    /// Where a tenorizans was expected, up by step.
    EvadedTenorizans,
    /// From where a bassizans starts, up by step.
    EvadedBassizans,
    /// From where a bassizans starts, down by a third.
    FallingBassizans,
}

impl Role {
    /// The letter of CRIM Intervals; small for evaded ones.
    pub(super) const fn letter(self) -> char {
        match self {
            Role::Cantizans => 'C',
            Role::Tenorizans | Role::TenorizansPhrygian => 'T',
            Role::Bassizans => 'B',
            Role::Altizans | Role::AltizansSharp => 'A',
            Role::Plagal => 'P',
            Role::EvadedTenorizans => 't',
            Role::EvadedBassizans => 'b',
            Role::FallingBassizans => 'u',
        }
    }

    const fn completes(self) -> bool {
        matches!(self, Role::Tenorizans | Role::TenorizansPhrygian | Role::Bassizans)
    }

    const fn evades(self) -> bool {
        matches!(self, Role::EvadedTenorizans | Role::EvadedBassizans | Role::FallingBassizans)
    }
}

/// A cadence of voices.
#[derive(Clone, Debug)]
pub(super) struct Clausula {
    /// The last tone of the cantizans.
    pub(super) tone: Sung,
    /// The lowest tone that begins with it.
    pub(super) lowest: Pitch,
    /// Lines and what they do, in their order.
    pub(super) roles: Vec<(usize, Role)>,
    pub(super) suspended: bool,
}

/// A voice moves from one tone to the next without a rest.
#[derive(Clone, Copy)]
struct Move {
    /// Index of the tone that it comes from.
    index: usize,
    from: Sung,
    to: Sung,
}

impl Move {
    fn steps(&self) -> (i32, i32) {
        (self.to.pitch.diatonic() - self.from.pitch.diatonic(), self.to.key - self.from.key)
    }

    /// Degrees of the staff above a tone, within the octave, of what it comes from and of what it goes to.
    fn degrees(&self, tone: &Sung) -> (i32, i32) {
        let above = |pitch: Pitch| (pitch.diatonic() - tone.pitch.diatonic()).rem_euclid(7);
        (above(self.from.pitch), above(self.to.pitch))
    }
}

/// All of them, in order. `strength` says how strong a moment is, 0 on the downbeat.
///
/// # Errors
/// `too_large` where too many voices move at once too often.
pub(super) fn clausulae(
    voices: &Voices,
    strength: &dyn Fn(Ticks) -> usize,
) -> Result<Vec<Clausula>, Failure> {
    let mut moves: Vec<Move> = Vec::new();
    for (index, tone) in voices.tones.iter().enumerate() {
        let (before, chord) = voices.indexed_before(index);
        let alone = voices.chord_of(index).len() == 1;
        if let [from] = chord
            && alone
            && from.to == tone.from
        {
            moves.push(Move { index: before, from: *from, to: *tone });
        }
    }
    moves.sort_by_key(|step| (step.to.from, step.to.line));
    let mut found: Vec<Clausula> = Vec::new();
    let mut pairs = 0_u64;
    for together in moves.chunk_by(|a, b| a.to.from == b.to.from) {
        pairs = pairs.saturating_add((together.len() as u64).saturating_mul(together.len() as u64));
        if pairs > VOICE_PAIRS_MAX.default {
            return Err(exceeded(VOICE_PAIRS_MAX.name, VOICE_PAIRS_MAX.default, None));
        }
        // Of several voices that rise by step the one with a suspension, then the one with most roles about it.
        let all = together.iter().filter_map(|cantizans| clausula(voices, cantizans, together, strength));
        found.extend(all.reduce(|a, b| if rank(&b) > rank(&a) { b } else { a }));
    }
    Ok(found)
}

/// What is preferred: complete, suspended, with many roles.
fn rank(clausula: &Clausula) -> (bool, bool, usize) {
    let complete = clausula.roles.iter().any(|(_, role)| role.completes());
    (complete, clausula.suspended, clausula.roles.len())
}

/// The clausula about a voice that rises by step, if it is one.
fn clausula(
    voices: &Voices,
    cantizans: &Move,
    together: &[Move],
    strength: &dyn Fn(Ticks) -> usize,
) -> Option<Clausula> {
    let (steps, semitones) = cantizans.steps();
    if steps != 1 || !matches!(semitones, 1 | 2) {
        return None;
    }
    let tone = cantizans.to;
    let others = together.iter().filter(|other| other.to.line != tone.line);
    let roles = others.filter_map(|other| role(other, &tone).map(|role| (*other, role)));
    let roles: Vec<(Move, Role)> = roles.collect();
    let phrygian = roles.iter().any(|(_, role)| *role == Role::TenorizansPhrygian);
    // A cantizans that rises by a tone has its semitone in the tenorizans.
    if semitones == 2 && !phrygian {
        return None;
    }
    let partner = |role: &Role| role.completes() || role.evades();
    let suspends =
        |(other, role): &(Move, Role)| partner(role) && suspended(voices, cantizans, other, strength);
    let suspended = roles.iter().any(suspends);
    let complete = roles.iter().any(|(_, role)| role.completes());
    // Without a suspension two voices meet like this all the time: only where both come to rest is it a close.
    let closes = || {
        let long = tone.to - tone.from >= Ticks::quarters(2) && strength(tone.from) <= 1;
        let mut partners = roles.iter().filter(|(_, role)| role.completes());
        long && rests(voices, cantizans) && partners.any(|(other, _)| rests(voices, other))
    };
    if !suspended && !closes() {
        return None;
    }
    let lowest = together.iter().map(|step| step.to).min_by_key(|sung| sung.key).unwrap_or(tone);
    let mut roles: Vec<(usize, Role)> = roles
        .into_iter()
        .filter(|(_, role)| !complete || !role.evades())
        .map(|(other, role)| (other.to.line, role))
        .chain([(tone.line, Role::Cantizans)])
        .collect();
    roles.sort_by_key(|(line, _)| *line);
    Some(Clausula { tone, lowest: lowest.pitch, roles, suspended })
}

/// What another voice does where a cantizans reaches its tone.
fn role(other: &Move, tone: &Sung) -> Option<Role> {
    let (steps, semitones) = other.steps();
    Some(match (other.degrees(tone), steps, semitones) {
        ((1, 0), -1, -2) => Role::Tenorizans,
        ((1, 0), -1, -1) => Role::TenorizansPhrygian,
        ((4, 0), -4, -7) | ((4, 0), 3, 5) => Role::Bassizans,
        ((3, 4), 1, 1) => Role::AltizansSharp,
        ((3, 4), 1, 2) => Role::Altizans,
        ((6, 3), 4, 7) | ((6, 3), -3, -5) => Role::Plagal,
        ((1, 2), 1, 1 | 2) => Role::EvadedTenorizans,
        ((4, 5), 1, 1 | 2) => Role::EvadedBassizans,
        ((4, 2), -2, -3 | -4) => Role::FallingBassizans,
        _ => return None,
    })
}

/// Whether a voice rests after the tone that it goes to, or ends with it.
fn rests(voices: &Voices, step: &Move) -> bool {
    let (to, _) = voices.indexed_after(step.index);
    voices.after(to).first().is_none_or(|next| next.from > step.to.to)
}

/// Whether the tone before the cantizans's step was the tone of arrival, held while the other voice struck the note that it
/// leaves now, and was dissonant with it: a second, a fourth above it, or a seventh; on no weaker a place of the measure than
/// that of the resolution.
fn suspended(voices: &Voices, cantizans: &Move, other: &Move, strength: &dyn Fn(Ticks) -> usize) -> bool {
    let (mut held, mut index) = (None, cantizans.index);
    // The resolution may be adorned: up to four short notes stand between the suspension and the last one.
    for _ in 0..5 {
        let (first, [before]) = voices.indexed_before(index) else { break };
        if before.key == cantizans.to.key {
            held = Some(*before);
            break;
        }
        index = first;
    }
    let Some(held) = held.filter(|held| held.to <= cantizans.to.from) else { return false };
    let strikes = held.from < other.from.from && other.from.from < held.to;
    let above = (held.pitch.diatonic() - other.from.pitch.diatonic()).rem_euclid(7);
    strikes && matches!(above, 1 | 3 | 6) && strength(other.from.from) <= strength(held.to)
}
