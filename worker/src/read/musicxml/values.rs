//! Numbers and names, from the bytes of a text or attribute.

use crate::score::{Mode, Ticks};

/// What one is in the fixed-point numbers of [`millionths`].
pub(super) const MILLION: i64 = 1_000_000;

/// A decimal number in millionths, rounded half away from zero; `None` when it is none or too large.
///
/// MusicXML counts durations in divisions, which may have decimals: in millionths they stay exact.
pub(super) fn millionths(text: &[u8]) -> Option<i64> {
    // Nearly all are short whole numbers.
    if (1..=9).contains(&text.len())
        && let Some(value) = text.iter().try_fold(0, |value, &byte| Some(value * 10 + digit(byte)?))
    {
        return Some(value * MILLION);
    }
    let text = text.trim_ascii();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (whole, fraction) = match memchr::memchr(b'.', digits) {
        Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
        None => (digits, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value =
        whole.iter().try_fold(0_i64, |value, &byte| value.checked_mul(10)?.checked_add(digit(byte)?))?;
    for place in 0..6 {
        value =
            value.checked_mul(10)?.checked_add(fraction.get(place).copied().and_then(digit).unwrap_or(0))?;
    }
    let round = fraction.get(6).is_some_and(|&next| next >= b'5');
    value = value.checked_add(i64::from(round))?;
    Some(if negative { -value } else { value })
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// A whole number, or a decimal one rounded to it, that fits.
pub(super) fn whole<T: TryFrom<i64>>(text: &[u8]) -> Option<T> {
    let value = millionths(text)?;
    let half = if value < 0 { -MILLION / 2 } else { MILLION / 2 };
    T::try_from(value.checked_add(half)? / MILLION).ok()
}

/// The first number in a text such as "c. 120" or "96-104".
pub(super) fn first_number(text: &[u8]) -> Option<f64> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let text = text.get(start..)?;
    let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
    float(text.get(..end)?.strip_suffix(b".").unwrap_or(text.get(..end)?))
}

/// A finite number above zero.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// Length of a note type such as `eighth`, as a fraction of quarter notes.
pub(super) fn note_type(name: &[u8]) -> Option<(i64, i64)> {
    Some(match name {
        b"maxima" => (32, 1),
        b"long" => (16, 1),
        b"breve" => (8, 1),
        b"whole" => (4, 1),
        b"half" => (2, 1),
        b"quarter" => (1, 1),
        b"eighth" => (1, 2),
        b"16th" => (1, 4),
        b"32nd" => (1, 8),
        b"64th" => (1, 16),
        b"128th" => (1, 32),
        b"256th" => (1, 64),
        b"512th" => (1, 128),
        b"1024th" => (1, 256),
        _ => return None,
    })
}

/// A fraction made longer by dots; more than eight are taken for eight.
pub(super) fn dotted((numerator, denominator): (i64, i64), dots: u32) -> (i64, i64) {
    let dots = dots.min(8);
    (numerator.saturating_mul((2 << dots) - 1), denominator.saturating_mul(1 << dots))
}

/// Length of a fraction in floating-point quarter notes.
pub(super) fn quarters((numerator, denominator): (i64, i64)) -> f64 {
    Ticks::from_quarters(numerator, denominator).0.as_quarters()
}

/// A mode by its name; `none` and inventions are no mode.
pub(super) fn mode(name: &[u8]) -> Option<Mode> {
    Some(match name {
        b"major" => Mode::Major,
        b"minor" => Mode::Minor,
        b"ionian" => Mode::Ionian,
        b"dorian" => Mode::Dorian,
        b"phrygian" => Mode::Phrygian,
        b"lydian" => Mode::Lydian,
        b"mixolydian" => Mode::Mixolydian,
        b"aeolian" => Mode::Aeolian,
        b"locrian" => Mode::Locrian,
        _ => return None,
    })
}

/// A text for a message: not too long, and readable whatever it holds.
pub(super) fn shown(text: &[u8]) -> String {
    let text = text.get(..40).unwrap_or(text);
    format!("{:?}", String::from_utf8_lossy(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, value) in [
            ("12", Some(12_000_000)),
            (" -0.5\n", Some(-500_000)),
            ("+1.", Some(1_000_000)),
            (".25", Some(250_000)),
            ("0.3333333", Some(333_333)),
            ("0.6666666", Some(666_667)),
            ("", None),
            ("-", None),
            (".", None),
            ("1e3", None),
            ("1.x", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(millionths(text.as_bytes()), value, "{text:?}");
        }
        assert_eq!(whole::<i8>(b"-1.6"), Some(-2));
        assert_eq!(whole::<u8>(b"300"), None);
    }

    #[test]
    fn tempi_are_found_in_words() {
        assert_eq!(first_number(b"c. 120."), Some(120.0));
        assert_eq!(first_number(b"96-104"), Some(96.0));
        assert_eq!(first_number(b"112.5"), Some(112.5));
        assert_eq!(first_number(b"Allegro"), None);
        assert_eq!(first_number(b"0"), None);
    }

    #[test]
    fn dots_add_half_each() {
        assert_eq!(dotted((1, 1), 0), (1, 1));
        assert_eq!(dotted((1, 1), 1), (3, 2));
        assert_eq!(dotted((1, 2), 2), (7, 8));
    }
}
