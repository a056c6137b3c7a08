//! What of a melody is compared, and melodies as texts of it.
//!
//! A viewpoint (the word is that of Conklin and Witten, J. New Music Research 24, 1995) says one thing of each note, or
//! of each step from a note to the next: the pitch, the interval, the direction, the ratio of the durations.

use super::Params;
use super::interval::{Interval, Quality};
use super::melody::{Melody, Sung};
use crate::score::{Pitch, TICKS_PER_QUARTER, Ticks};
use std::collections::BTreeMap;

/// What of the pitches is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Height {
    /// The sounding key itself.
    Pitch,
    /// Semitones of each interval.
    Chromatic,
    /// Staff positions of each interval.
    Diatonic,
    /// Both: the interval with its quality.
    Quality,
    /// Up, down, repeated.
    Contour,
    /// Nothing.
    None,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Viewpoint {
    pub(super) height: Height,
    /// Whether the ratio of the durations of two neighbours is compared; durations reach from onset to onset.
    pub(super) rhythm: bool,
}

/// What a viewpoint says of one note or step. What it does not compare is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token {
    steps: i32,
    semitones: i32,
    /// How many times as long as the first note the second one is.
    ratio: (u64, u64),
}

impl Viewpoint {
    /// Whether it tells steps from note to note, of which there is one less than there are notes.
    pub(super) fn is_of_steps(self) -> bool {
        self.rhythm || self.height != Height::Pitch
    }

    /// The interval from one pitch to another.
    pub(super) fn interval(self, from: Pitch, to: Pitch) -> Token {
        let Interval { steps, semitones } = Interval::between(from, to);
        let (steps, semitones) = match self.height {
            Height::Pitch => (0, to.key()),
            Height::Chromatic => (0, semitones),
            Height::Diatonic => (steps, 0),
            Height::Quality => (steps, semitones),
            Height::Contour => (0, semitones.signum()),
            Height::None => (0, 0),
        };
        Token { steps, semitones, ratio: (0, 0) }
    }

    /// What is said of the step from a note to the next.
    pub(super) fn step(self, from: &Sung, to: &Sung, clock: Clock) -> Token {
        let ratio = if self.rhythm { clock.ratio(to.step, from.step) } else { (0, 0) };
        Token { ratio, ..self.interval(from.pitch, to.pitch) }
    }

    /// A token in words: `+2`, `-3` (a third down), `m3`, `U`, `C#4`, with `*3/2` for the ratio of durations.
    pub(super) fn text(self, token: &Token) -> String {
        let Token { steps, semitones, ratio } = *token;
        let height = match self.height {
            Height::Pitch => Pitch::from_key(semitones).to_string(),
            Height::Chromatic if semitones > 0 => format!("+{semitones}"),
            Height::Chromatic => semitones.to_string(),
            Height::Diatonic => numbered(steps, ""),
            Height::Quality => quality(Interval { steps, semitones }),
            Height::Contour if semitones > 0 => "U".to_owned(),
            Height::Contour if semitones < 0 => "D".to_owned(),
            Height::Contour => "R".to_owned(),
            Height::None => String::new(),
        };
        let (times, parts) = ratio;
        match (self.rhythm, self.height) {
            (false, _) => height,
            (true, Height::None) => fraction(times, parts),
            (true, _) => format!("{height}*{}", fraction(times, parts)),
        }
    }

    /// The same step upside down, if there is such a thing.
    pub(super) fn inverted(self, token: Token) -> Option<Token> {
        let Token { steps, semitones, ratio } = token;
        let mirrored = !matches!(self.height, Height::Pitch | Height::None);
        mirrored.then_some(Token { steps: -steps, semitones: -semitones, ratio })
    }

    /// The same step from its end to its beginning.
    pub(super) fn reversed(self, token: Token) -> Token {
        if self.height == Height::Pitch {
            return token;
        }
        let Token { steps, semitones, ratio: (times, parts) } = token;
        Token { steps: -steps, semitones: -semitones, ratio: (parts, times) }
    }
}

/// `1` for a unison, `-3` for a third down.
fn numbered(steps: i32, quality: &str) -> String {
    let sign = if steps < 0 { "-" } else { "" };
    format!("{sign}{quality}{}", steps.unsigned_abs() + 1)
}

/// `P5`, `-m2`, `AA4`.
fn quality(interval: Interval) -> String {
    let letters = match interval.quality() {
        Quality::Perfect => "P".to_owned(),
        Quality::Major => "M".to_owned(),
        Quality::Minor => "m".to_owned(),
        Quality::Augmented(times) => "A".repeat(usize::from(times)),
        Quality::Diminished(times) => "d".repeat(usize::from(times)),
    };
    numbered(interval.steps, &letters)
}

fn fraction(times: u64, parts: u64) -> String {
    if parts == 1 { times.to_string() } else { format!("{times}/{parts}") }
}

/// How exactly durations are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What they are rounded to.
    grid: i64,
}

impl Clock {
    /// Exactly in notation, to 1/24 quarter note in a MIDI file.
    pub(super) fn of(division: Option<u32>) -> Self {
        Clock { grid: division.map_or(1, |_| TICKS_PER_QUARTER / 24) }
    }

    /// A duration as it is taken, at least the smallest.
    pub(super) fn rounded(self, time: Ticks) -> Ticks {
        let steps = time.0.saturating_add(self.grid / 2).div_euclid(self.grid).max(1);
        Ticks(steps.saturating_mul(self.grid))
    }

    /// One duration over another, in lowest terms; nothing is taken for the smallest.
    pub(super) fn ratio(self, one: Ticks, other: Ticks) -> (u64, u64) {
        self.rounded(one).ratio(self.rounded(other))
    }
}

/// Melodies as one text: a symbol for each note, which tells the step to the next note (or, where pitches are compared,
/// the note itself); where a melody or a run of it ends, a symbol that stands nowhere else.
pub(super) struct Text {
    pub(super) viewpoint: Viewpoint,
    pub(super) symbols: Vec<u32>,
    /// The melody and the note of each symbol.
    pub(super) at: Vec<(u32, u32)>,
    /// What the symbols mean, with the melody if each has its own.
    pub(super) alphabet: Vec<(u32, Token)>,
    /// The symbols of the tokens.
    known: BTreeMap<(u32, Token), u32>,
}

impl Text {
    /// The text of some melodies; with `apart` none of them shares a symbol with another.
    pub(super) fn of(
        melodies: &[Melody],
        viewpoint: Viewpoint,
        clock: Clock,
        params: &Params,
        apart: bool,
    ) -> Self {
        const END: u32 = u32::MAX;
        let mut text = Text {
            viewpoint,
            symbols: Vec::new(),
            at: Vec::new(),
            alphabet: Vec::new(),
            known: BTreeMap::new(),
        };
        for (index, melody) in (0_u32..).zip(melodies) {
            let own = if apart { index } else { 0 };
            let mut notes = 0_u32..;
            for run in melody.runs(params) {
                let nexts = run.iter().skip(1).map(Some).chain([None]);
                for ((note, next), number) in run.iter().zip(nexts).zip(notes.by_ref()) {
                    let token = match next {
                        _ if !viewpoint.is_of_steps() => Some(viewpoint.interval(note.pitch, note.pitch)),
                        Some(next) => Some(viewpoint.step(note, next, clock)),
                        None => None,
                    };
                    let symbol = token.map_or(END, |token| text.symbol((own, token)));
                    text.push(symbol, (index, number));
                    if next.is_none() && token.is_some() {
                        text.push(END, (index, number));
                    }
                }
            }
        }
        let ends = text.alphabet.len();
        let ends = (u32::try_from(ends).unwrap_or(END)..)
            .zip(text.symbols.iter_mut().filter(|symbol| **symbol == END));
        ends.for_each(|(end, symbol)| *symbol = end);
        text
    }

    fn push(&mut self, symbol: u32, at: (u32, u32)) {
        self.symbols.push(symbol);
        self.at.push(at);
    }

    fn symbol(&mut self, token: (u32, Token)) -> u32 {
        let alphabet = &mut self.alphabet;
        *self.known.entry(token).or_insert_with(|| {
            alphabet.push(token);
            u32::try_from(alphabet.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The symbol of a token, if it stands in the text.
    pub(super) fn find(&self, token: (u32, Token)) -> Option<u32> {
        self.known.get(&token).copied()
    }

    /// What a symbol means; nothing of one that ends a run.
    pub(super) fn token(&self, symbol: u32) -> Option<(u32, Token)> {
        self.alphabet.get(symbol as usize).copied()
    }

    /// How many symbols mean something.
    pub(super) fn tokens(&self) -> usize {
        let meant = |symbol: &&u32| (**symbol as usize) < self.alphabet.len();
        self.symbols.iter().filter(meant).count()
    }

    /// How many more notes than symbols a piece of the text has.
    pub(super) fn extra(&self) -> u32 {
        u32::from(self.viewpoint.is_of_steps())
    }

    /// Some symbols in words.
    pub(super) fn words(&self, symbols: &[u32]) -> Vec<String> {
        let tokens = symbols.iter().filter_map(|&symbol| self.token(symbol));
        tokens.map(|(_, token)| self.viewpoint.text(&token)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Step;

    /// The names that CRIM Intervals 2.0.78 gives them (kinds q, d and c).
    #[test]
    fn intervals_have_their_usual_names() {
        let viewpoint = |height| Viewpoint { height, rhythm: false };
        let (c, e_flat) = (Pitch::new(Step::C, 0, 4), Pitch::new(Step::E, -1, 4));
        for (height, up, down) in [
            (Height::Quality, "m3", "-m3"),
            (Height::Diatonic, "3", "-3"),
            (Height::Chromatic, "+3", "-3"),
            (Height::Contour, "U", "D"),
        ] {
            let say = |from, to| viewpoint(height).text(&viewpoint(height).interval(from, to));
            assert_eq!((say(c, e_flat).as_str(), say(e_flat, c).as_str()), (up, down));
        }
        let say = |from, to| quality(Interval::between(from, to));
        assert_eq!(say(c, Pitch::new(Step::F, 1, 4)), "A4");
        assert_eq!((say(c, c), say(c, Pitch::new(Step::E, 0, 5))), ("P1".to_owned(), "M10".to_owned()));
    }

    #[test]
    fn late_midi_notes_have_the_ratio_that_was_meant() {
        let (eighth, _) = Ticks::from_quarters(241, 480);
        let quarter = Ticks::quarters(1);
        assert_eq!(Clock::of(Some(480)).ratio(quarter, eighth), (2, 1));
        assert_eq!(Clock::of(None).ratio(quarter, eighth), (480, 241));
        assert_eq!(Clock::of(None).ratio(Ticks::ZERO, Ticks::ZERO), (1, 1));
    }
}
