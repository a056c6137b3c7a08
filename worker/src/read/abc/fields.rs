//! The fields about time: `M:`, `L:` and `Q:` (standard 2.1, 3.1.6 to 3.1.8).

use super::cursor::Cursor;
use crate::score::Ticks;

/// The most numbers that a composite metre adds up.
const BEATS_MAX: usize = 32;

/// What an `M:` field says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metre {
    /// As in `crate::score::Meter`: empty for free metre.
    pub(super) beats: Box<[u16]>,
    /// The lower number.
    pub(super) unit: u16,
}

impl Metre {
    /// Length of a full measure.
    pub(super) fn length(&self) -> Option<Ticks> {
        let count: i64 = self.beats.iter().map(|&beats| i64::from(beats)).sum();
        let (length, _) = Ticks::from_quarters(count * 4, i64::from(self.unit));
        length.is_positive().then_some(length)
    }

    /// Whether the beat has three parts, so that `(5` stands for three and not two (standard 2.1, 4.13).
    pub(super) fn is_compound(&self) -> bool {
        self.unit >= 8 && matches!(*self.beats, [6] | [9] | [12])
    }

    /// The note length that holds where no `L:` says one.
    pub(super) fn default_unit(&self) -> Ticks {
        let short = self.length().is_some_and(|length| length < Ticks::quarters(3));
        Ticks::from_quarters(1, if short { 4 } else { 2 }).0
    }
}

/// Reads an `M:` field; `None` if it is none.
pub(super) fn metre(text: &[u8]) -> Option<Metre> {
    let text = text.trim_ascii();
    match text {
        b"C" | b"c" => return Some(Metre { beats: [4].into(), unit: 4 }),
        b"C|" | b"c|" => return Some(Metre { beats: [2].into(), unit: 2 }),
        _ if text.is_empty()
            || [&b"none"[..], b"free"].iter().any(|name| text.eq_ignore_ascii_case(name)) =>
        {
            return Some(Metre::default());
        }
        _ => {}
    }
    let mut cursor = Cursor::new(text);
    let mut beats = Vec::new();
    loop {
        cursor.take_while(|byte| matches!(byte, b'(' | b')' | b' '));
        match cursor.peek()? {
            b'/' => break,
            b'+' if !beats.is_empty() => cursor.skip(1),
            _ if beats.len() == BEATS_MAX => return None,
            _ => beats.push(u16::try_from(cursor.number()?).ok().filter(|&beats| beats > 0)?),
        }
    }
    cursor.skip(1);
    cursor.blanks();
    let unit = u16::try_from(cursor.number()?).ok().filter(|&unit| unit > 0)?;
    cursor.blanks();
    // What may follow is advice to printers, such as `display=`.
    let whole = !beats.is_empty() && cursor.peek().is_none_or(|byte| byte.is_ascii_alphabetic());
    whole.then(|| Metre { beats: beats.into(), unit })
}

/// Reads an `L:` field; `None` if it is none.
pub(super) fn unit(text: &[u8]) -> Option<Ticks> {
    let mut cursor = Cursor::new(text.trim_ascii());
    fraction(&mut cursor).filter(|_| cursor.peek().is_none())
}

/// A fraction of a whole note, greater than nothing and at most a hundred of them.
fn fraction(cursor: &mut Cursor) -> Option<Ticks> {
    let above = cursor.number()?;
    let below = if cursor.take_if(b'/') { cursor.number()? } else { 1 };
    if below == 0 {
        return None;
    }
    let (ticks, _) = Ticks::from_quarters(i64::from(above) * 4, i64::from(below));
    (ticks.is_positive() && ticks <= Ticks::quarters(400)).then_some(ticks)
}

/// What a `Q:` field says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speed {
    /// Quarter notes a minute.
    Quarters(f64),
    /// Unit notes a minute: their length is known when the header is over.
    Units(f64),
    /// Words only.
    Words,
}

impl Speed {
    /// Quarter notes a minute; `None` where only words say it.
    pub(super) fn quarters(self, unit: Ticks) -> Option<f64> {
        match self {
            Speed::Quarters(quarters) => Some(quarters),
            Speed::Units(units) => Some(units * unit.as_quarters()),
            Speed::Words => None,
        }
    }
}

/// The words of a `Q:` field, the first of them.
pub(super) fn words(text: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(text);
    cursor.until(b'"')?;
    cursor.until(b'"').filter(|words| !words.trim_ascii().is_empty())
}

/// Reads a `Q:` field; `None` if it is none.
pub(super) fn speed(text: &[u8]) -> Option<Speed> {
    let mut cursor = Cursor::new(text.trim_ascii());
    let mut beat = Ticks::ZERO;
    let mut units = 0;
    let mut words = false;
    loop {
        cursor.blanks();
        match cursor.peek() {
            Some(b'"') => {
                words = true;
                cursor.skip(1);
                cursor.until(b'"')?;
            }
            Some(b'=') => {
                cursor.skip(1);
                cursor.blanks();
                let per_minute = f64::from(cursor.number().filter(|&count| count > 0)?);
                let beats = if units > 0 { f64::from(units) } else { beat.as_quarters() };
                let sum = per_minute * beats;
                return (sum > 0.0).then_some(if units > 0 {
                    Speed::Units(sum)
                } else {
                    Speed::Quarters(sum)
                });
            }
            Some(b'C' | b'c') => {
                // The form of ABC 1: `C` is a unit note, `C3` three of them.
                cursor.skip(1);
                units = cursor.number().unwrap_or(1).min(1000);
            }
            Some(b'0'..=b'9') => {
                let mut ahead = cursor;
                let count = ahead.number()?;
                if ahead.peek() == Some(b'/') {
                    beat += fraction(&mut cursor)?;
                } else {
                    return (count > 0).then(|| Speed::Units(f64::from(count)));
                }
            }
            None if words => return Some(Speed::Words),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metres() {
        for (text, beats, unit) in [
            ("4/4", &[4][..], 4),
            (" 6/8 ", &[6], 8),
            ("C", &[4], 4),
            ("C|", &[2], 2),
            ("3+2/8", &[3, 2], 8),
            ("(2+3+2)/8", &[2, 3, 2], 8),
            ("2/1 display=C|", &[2], 1),
            ("none", &[], 0),
            ("", &[], 0),
            ("free", &[], 0),
        ] {
            assert_eq!(metre(text.as_bytes()), Some(Metre { beats: beats.into(), unit }), "{text}");
        }
        for text in ["0/0", "4/0", "0/4", "four", "3", "/4", "+/4", "2/4+3/8", "99999/4", "3+/", "4/4 5"] {
            assert_eq!(metre(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn unit_lengths() {
        assert_eq!(unit(b" 1/8 "), Some(Ticks::from_quarters(1, 2).0));
        assert_eq!(unit(b"1"), Some(Ticks::quarters(4)));
        for text in ["1/0", "0/4", "", "x", "1/8x", "101/1", "4294967295/1"] {
            assert_eq!(unit(text.as_bytes()), None, "{text}");
        }
        let default = |text: &[u8]| metre(text).unwrap().default_unit().as_fraction();
        assert_eq!(
            [&b"2/4"[..], b"5/8", b"3/4", b"6/8", b"none"].map(default),
            ["1/4", "1/4", "1/2", "1/2", "1/2"]
        );
    }

    #[test]
    fn tempi() {
        for (text, want) in [
            ("1/4=120", Speed::Quarters(120.0)),
            ("\"Allegro\" 3/8=90", Speed::Quarters(135.0)),
            ("3/8 = 50 \"slowly\"", Speed::Quarters(75.0)),
            ("1/4 3/8 1/4 3/8=40", Speed::Quarters(200.0)),
            ("C=100", Speed::Units(100.0)),
            ("C3=40", Speed::Units(120.0)),
            ("120", Speed::Units(120.0)),
            ("\"Andante\"", Speed::Words),
        ] {
            assert_eq!(speed(text.as_bytes()), Some(want), "{text}");
        }
        for text in ["", "=", "1/4=", "1/0=60", "0", "\"open", "1/4=0", "x=3", "=60"] {
            assert_eq!(speed(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Speed::Units(120.0).quarters(Ticks::from_quarters(1, 2).0), Some(60.0));
    }
}
