//! One note, rest or chord member of a kern spine.

use super::marks;
use crate::score::{Flags, Pitch, Step, TICKS_PER_QUARTER, Ticks};

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// `None` where no duration is written.
    pub(super) duration: Option<Ticks>,
    /// Ties, grace, hidden, unpitched, rounded.
    pub(super) flags: Flags,
    /// How it is played.
    pub(super) marks: marks::Marks,
    /// Why it may not be all that was meant: two tokens run together.
    pub(super) doubt: Option<&'static str>,
}

/// What sort of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Note(Pitch),
    Rest,
    /// A duration and nothing that sounds.
    Space,
    /// Nothing that can be read: why not.
    Unknown(&'static str),
}

/// A whole note is four quarters.
const WHOLE: i64 = 4;

/// The most letters of a pitch: `cccccccc` is C11, beyond hearing.
const LETTERS_MAX: u8 = 8;

/// The marks of a token, collected byte by byte.
#[derive(Default)]
struct Marks {
    letter: u8,
    letters: u8,
    /// Other letters after those of the pitch.
    mixed: bool,
    sharps: i16,
    flats: i16,
    number: Option<i64>,
    digits: u32,
    /// What stands after `%`.
    over: Option<i64>,
    /// More numbers than one duration has.
    crowded: bool,
    dots: u32,
    rest: bool,
    grace: bool,
    unpitched: bool,
    start: bool,
    stop: bool,
    /// A tie goes through the note.
    through: bool,
    hidden: bool,
    /// Within the number of a tremolo, `@16@`, behind the duration.
    trembles: bool,
    playing: marks::Marks,
}

/// Reads one token, which has no space in it. `R` says that it has no pitch, only a place on the staff. In `compat` it
/// is the turn that older files mean, and of the two brackets of a tie only the opening one counts.
pub(super) fn parse(token: &[u8], compat: bool) -> Token {
    let mut marks = Marks::default();
    let mut before = 0;
    for &byte in token {
        marks.take(byte, before);
        before = byte;
    }
    let (duration, exact) = marks.duration();
    let kind = marks.kind();
    let flags = Flags::NONE
        .with_if(marks.start || (marks.through && !(compat && marks.stop)), Flags::TIE_START)
        .with_if((marks.stop || marks.through) && !(compat && marks.start), Flags::TIE_STOP)
        .with_if(marks.hidden, Flags::HIDDEN)
        .with_if(marks.grace, Flags::GRACE)
        .with_if(marks.unpitched && !(compat && marks.letters > 0), Flags::UNPITCHED)
        .with_if(!exact, Flags::ROUNDED);
    let doubt = match (&marks, kind) {
        (Marks { crowded: true, .. }, _) => Some("more than one duration"),
        (Marks { mixed: true, .. }, Kind::Note(_)) => Some("more than one pitch"),
        _ => None,
    };
    Token { kind, duration, flags, marks: marks.playing, doubt }
}

impl Marks {
    #[inline]
    fn take(&mut self, byte: u8, before: u8) {
        match byte {
            b'0'..=b'9' => self.digit(byte, before),
            b'a'..=b'g' | b'A'..=b'G' => {
                if self.letters == 0 || (byte == self.letter && byte == before && !self.mixed) {
                    self.letter = byte;
                    self.letters = self.letters.saturating_add(1);
                } else {
                    self.mixed = true;
                }
            }
            b'#' => self.sharps = self.sharps.saturating_add(1),
            b'-' => self.flats = self.flats.saturating_add(1),
            b'.' => self.dots += 1,
            b'r' => self.rest = true,
            b'q' | b'Q' => self.grace = true,
            b'R' => self.unpitched = true,
            b'[' => self.start = true,
            b']' => self.stop = true,
            b'_' => self.through = true,
            // One `y` hides only the sign before it.
            b'y' if before == b'y' => self.hidden = true,
            // An editor's own sign, but for the number behind it.
            b'@' => {}
            b'(' => self.playing.slur(false, before),
            b')' => self.playing.slur(true, before),
            _ => self.playing.take(byte, before),
        }
    }

    fn digit(&mut self, byte: u8, before: u8) {
        let digit = i64::from(byte - b'0');
        let append = |number: i64| number.saturating_mul(10).saturating_add(digit);
        let goes_on = before.is_ascii_digit();
        self.trembles = (before == b'@' && self.number.is_some()) || (self.trembles && goes_on);
        if self.trembles {
            self.playing.take(b'@', 0);
            return;
        }
        match (self.number, self.over) {
            (None, _) => (self.number, self.digits) = (Some(digit), 1),
            (Some(number), None) if goes_on => {
                (self.number, self.digits) = (Some(append(number)), self.digits.saturating_add(1));
            }
            (Some(_), None) if before == b'%' => self.over = Some(digit),
            (Some(_), Some(over)) if goes_on => self.over = Some(append(over)),
            _ => self.crowded = true,
        }
    }

    /// The duration, and whether it is exact. `4` is a quarter, `0` a breve, `00` a long; `3%2` two thirds of a whole.
    fn duration(&self) -> (Option<Ticks>, bool) {
        if self.grace {
            return (Some(Ticks::ZERO), true);
        }
        let Some(number) = self.number else { return (None, true) };
        let wholes = self.over.unwrap_or(1);
        let (above, below) = match number {
            0 => (wholes.saturating_mul(1 << self.digits.min(40)), 1),
            number => (wholes, number),
        };
        // Each dot adds half of what the one before it added.
        let dots = self.dots.min(20);
        let above = above.saturating_mul(WHOLE).saturating_mul((2 << dots) - 1);
        let below = below.saturating_mul(1 << dots);
        // Nearly always it is a whole number of ticks, and 64 bits hold it.
        let (duration, exact) = match above.checked_mul(TICKS_PER_QUARTER) {
            Some(ticks) if ticks % below == 0 => (Ticks(ticks / below), true),
            _ => Ticks::from_quarters(above, below),
        };
        (Some(duration), exact)
    }

    fn kind(&self) -> Kind {
        if self.rest {
            return Kind::Rest;
        }
        match (self.pitch(), self.unpitched) {
            (Some(pitch), _) => Kind::Note(pitch),
            (None, _) if self.letters > 0 => Kind::Unknown("a pitch beyond hearing"),
            // The middle line, where a part without pitches is written.
            (None, true) => Kind::Note(Pitch::new(Step::B, 0, 4)),
            (None, false) if self.number.is_some() => Kind::Space,
            (None, false) => Kind::Unknown("neither a pitch nor a rest"),
        }
    }

    fn pitch(&self) -> Option<Pitch> {
        let step = Step::from_letter(self.letter)?;
        let alter = self.sharps.checked_sub(self.flats).filter(|alter| alter.abs() <= 9)?;
        let letters = i8::try_from(self.letters.min(LETTERS_MAX + 1)).ok()?;
        let octave = if self.letter.is_ascii_lowercase() { 3 + letters } else { 4 - letters };
        (self.letters <= LETTERS_MAX).then_some(Pitch { octave, step, alter: alter * 100 })
    }
}

/// What a column says that it lasts, by its first member.
pub(super) fn length(cell: &[u8]) -> Ticks {
    let first = cell.split(|&byte| byte == b' ').next().unwrap_or_default();
    parse(first, false).duration.unwrap_or_default()
}

/// Whether a token holds nothing but a duration, dots and `y`, so that nothing is lost with it.
pub(super) fn is_bare_space(token: &[u8]) -> bool {
    token.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'%' | b'y'))
}

/// How many notes and rests the bytes of a column hold, whatever [`parse`] makes of them.
pub(super) fn count(cell: &[u8]) -> (u64, u64) {
    let (mut notes, mut rests) = (0, 0);
    let (mut note, mut rest) = (false, false);
    for byte in cell.iter().chain(b" ") {
        match byte {
            b'a'..=b'g' | b'A'..=b'G' | b'R' => note = true,
            b'r' => rest = true,
            b' ' => {
                rests += u64::from(rest);
                notes += u64::from(note && !rest);
                (note, rest) = (false, false);
            }
            _ => {}
        }
    }
    (notes, rests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_quarters() {
        for (token, quarters, exact) in [
            ("4c", "1", true),
            ("0c", "8", true),
            ("00c", "16", true),
            ("000c", "32", true),
            ("0.c", "12", true),
            ("4..c", "7/4", true),
            ("6c", "2/3", true),
            ("40%3c", "3/10", true),
            ("3%2r", "8/3", true),
            ("3%2.c", "4", true),
            ("17c", "16279793/69189120", false),
            ("99999999999999999999c", "0", false),
            ("8qc", "0", true),
            ("qqc", "0", true),
            ("4c@16@/", "1", true),
            ("[2.c@@32@@", "3", true),
        ] {
            let read = parse(token.as_bytes(), false);
            assert_eq!(read.duration.unwrap().as_fraction(), quarters, "{token}");
            assert_eq!(read.flags.has(Flags::ROUNDED), !exact, "{token}");
        }
        assert_eq!(parse(b"G", false).duration, None);
    }

    #[test]
    fn pitches_marks_and_ties() {
        for (token, pitch) in [
            ("4c", "C4"),
            ("(8BB-/L", "Bb2"),
            ("2.ccc##]", "C##6"),
            ("4Cn", "C3"),
            ("[16dd--X", "Dbb5"),
            ("4GGGG", "G0"),
        ] {
            let Kind::Note(read) = parse(token.as_bytes(), false).kind else { panic!("{token}") };
            assert_eq!(read.to_string(), pitch, "{token}");
        }
        let tie = parse(b"4c_yy", false).flags;
        assert_eq!(tie, Flags::TIE_START.with(Flags::TIE_STOP).with(Flags::HIDDEN));
        assert_eq!(parse(b"[4c]", false).flags, Flags::TIE_START.with(Flags::TIE_STOP));
        assert_eq!(parse(b"[4c]", true).flags, Flags::TIE_START);
        assert_eq!(parse(b"4c_]", true).flags, Flags::TIE_STOP);
        assert_eq!(parse(b"4d#y", false).flags, Flags::NONE);
        assert_eq!(parse(b"8Ra/", false).flags, Flags::UNPITCHED);
        assert_eq!(parse(b"4rff", false).kind, Kind::Rest);
        assert_eq!(parse(b"00yy", false).kind, Kind::Space);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for token in ["nmnm", "[/", "4ccccccccc", "4c##########"] {
            assert!(matches!(parse(token.as_bytes(), false).kind, Kind::Unknown(_)), "{token}");
        }
        for token in ["4ce", "4cde", "4c4d", "4c8c", "8cyyc", "4c4"] {
            let read = parse(token.as_bytes(), false);
            assert_eq!(read.kind, Kind::Note(Pitch::new(Step::C, 0, 4)), "{token}");
            assert!(read.doubt.is_some(), "{token}");
        }
        assert_eq!(count(b"4c 4e 4rg . 8R nm"), (3, 1));
    }
}
