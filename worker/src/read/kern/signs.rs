//! The interpretations that say something of the music: meter, key, tempo, instrument.

use crate::score::Mode;

/// What an interpretation says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sign<'a> {
    /// Beats and unit; no beats for a free meter.
    Meter(Vec<u16>, u16),
    /// Sharps, or flats if negative.
    Signature(i8),
    /// The signature and mode of a stated key.
    Key(i8, Mode),
    /// Quarter notes a minute.
    Tempo(f64),
    /// Name of the part.
    Name(&'a [u8]),
    /// Code of the instrument.
    Instrument(&'a [u8]),
    /// Number of the part, the same in all of its staves.
    Part(&'a [u8]),
    /// Something that says it is a meter, key or tempo and is none.
    Broken(&'static str),
}

/// Reads one interpretation; `None` for those that say nothing of the music.
pub(super) fn parse(cell: &[u8]) -> Option<Sign<'_>> {
    let cell = cell.trim_ascii_end().strip_prefix(b"*")?;
    match cell {
        [b'M', b'M', rest @ ..] => tempo(rest),
        [b'M', b'X' | b'?', ..] => Some(Sign::Meter(Vec::new(), 1)),
        [b'M', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => {
            Some(meter(rest).unwrap_or(Sign::Broken("no meter: *M3/4 is one")))
        }
        [b'k', b'[', rest @ ..] => {
            Some(signature(rest).unwrap_or(Sign::Broken("no key signature: *k[f#c#] is one")))
        }
        [b'p', b'a', b'r', b't', number @ ..] if number.first().is_some_and(u8::is_ascii_digit) => {
            Some(Sign::Part(number))
        }
        [b'I', b'"' | b':', name @ ..] => Some(Sign::Name(name)),
        // Classes, groups, abbreviations, numbers and transpositions are no instruments; kern is at sounding pitch.
        [b'I', b'C' | b'G' | b'\'' | b'#' | b'T', ..] => None,
        [b'I', code @ ..] if !code.is_empty() && code != b"empty" => Some(Sign::Instrument(code)),
        _ => key(cell),
    }
}

/// Words that an interpretation holds: `*MM[Allegro]`, `*dacapo`.
pub(super) fn words(cell: &[u8]) -> Option<&[u8]> {
    let cell = cell.trim_ascii_end().strip_prefix(b"*")?;
    if let Some(tempo) = cell.strip_prefix(b"MM[") {
        return tempo.strip_suffix(b"]");
    }
    const JUMPS: [&[u8]; 6] = [b"segno", b"coda", b"tocoda", b"fine", b"dacapo", b"dalsegno"];
    JUMPS.iter().any(|jump| cell.eq_ignore_ascii_case(jump)).then_some(cell)
}

/// `3/4`, `3+2/8`, `2/4+3/8`; `3/0` has three breves and `2/3%2` two of two thirds.
fn meter(text: &[u8]) -> Option<Sign<'static>> {
    let mut groups: Vec<(u32, u32)> = Vec::new();
    let mut waiting = 0;
    for group in text.split(|&byte| byte == b'+') {
        let mut halves = group.splitn(2, |&byte| byte == b'/');
        groups.push((number(halves.next()?)?, 0));
        let Some(unit) = halves.next() else { continue };
        let (times, unit) = unit_of(unit)?;
        for (beats, own) in groups.get_mut(waiting..)? {
            (*beats, *own) = (beats.checked_mul(times)?, unit);
        }
        waiting = groups.len();
    }
    // The unit that all the groups can be told in: units are powers of two but for the strangest.
    let unit = groups.iter().map(|group| group.1).max()?;
    let beats = groups.iter().map(|&(beats, own)| {
        let exact = own > 0 && unit.is_multiple_of(own) && beats > 0;
        exact.then(|| beats.checked_mul(unit / own)).flatten().and_then(|beats| u16::try_from(beats).ok())
    });
    Some(Sign::Meter(beats.collect::<Option<Vec<u16>>>()?, u16::try_from(unit).ok()?))
}

/// A meter's lower number as a multiple of one part of a whole note: `4` is (1, 4), `0` (2, 1), `3%2` (2, 3).
fn unit_of(text: &[u8]) -> Option<(u32, u32)> {
    let mut halves = text.splitn(2, |&byte| byte == b'%');
    let below = halves.next()?;
    if !below.is_empty() && below.len() < 4 && below.iter().all(|&byte| byte == b'0') {
        return halves.next().is_none().then_some((1 << below.len(), 1));
    }
    let above = halves.next().map_or(Some(1), number)?;
    Some((above, number(below)?)).filter(|&(above, below)| above > 0 && below > 0)
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `f#c#]`: each letter with its accidental. Naturals only cancel.
fn signature(text: &[u8]) -> Option<Sign<'static>> {
    let end = memchr::memchr(b']', text)?;
    let (mut sharps, mut flats, mut letter) = (0_u8, 0_u8, 0_u8);
    for byte in text.get(..end)? {
        match byte.to_ascii_lowercase() {
            lower @ b'a'..=b'g' => letter = 1 << (lower - b'a'),
            b'#' => sharps |= letter,
            b'-' => flats |= letter,
            b'n' | b' ' => {}
            _ => return None,
        }
    }
    let count = |set: u8| i8::try_from(set.count_ones()).ok();
    Some(Sign::Signature(count(sharps)? - count(flats)?))
}

/// `G:`, `b-:`, `d:dor`: upper case is major.
fn key(text: &[u8]) -> Option<Sign<'static>> {
    let colon = memchr::memchr(b':', text)?;
    let (tonic, mode) = (text.get(..colon)?, text.get(colon + 1..)?);
    let (&letter, accidentals) = tonic.split_first()?;
    // Place of the major key of each letter in the circle of fifths.
    let major: i8 = match letter.to_ascii_uppercase() {
        b'C' => 0,
        b'D' => 2,
        b'E' => 4,
        b'F' => -1,
        b'G' => 1,
        b'A' => 3,
        b'B' => 5,
        _ => return None,
    };
    let altered = match accidentals {
        b"" => 0,
        b"#" => 7,
        b"-" => -7,
        _ => return None,
    };
    let (mode, below) = match (mode, letter.is_ascii_uppercase()) {
        (b"", true) => (Mode::Major, 0),
        (b"", false) => (Mode::Minor, -3),
        (b"ion", _) => (Mode::Ionian, 0),
        (b"dor", _) => (Mode::Dorian, -2),
        (b"phr", _) => (Mode::Phrygian, -4),
        (b"lyd", _) => (Mode::Lydian, 1),
        (b"mix", _) => (Mode::Mixolydian, -1),
        (b"aeo", _) => (Mode::Aeolian, -3),
        (b"loc", _) => (Mode::Locrian, -5),
        _ => return None,
    };
    Some(Sign::Key(major + altered + below, mode))
}

/// `92`, `92.5`, `60-70` for the mean of the two. Words in brackets are no number and no fault.
fn tempo(text: &[u8]) -> Option<Sign<'static>> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let mut bounds = std::str::from_utf8(text).ok()?.splitn(2, '-').map(str::parse::<f64>);
    let speed = match (bounds.next()?, bounds.next()) {
        (Ok(from), Some(Ok(to))) => f64::midpoint(from, to),
        (Ok(speed), None) => speed,
        _ => 0.0,
    };
    Some(if speed > 0.0 && speed.is_finite() {
        Sign::Tempo(speed)
    } else {
        Sign::Broken("no tempo: *MM92 is one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters() {
        for (text, beats, unit) in [
            ("*M3/4", &[3][..], 4),
            ("*M3+2/8", &[3, 2], 8),
            ("*M2/4+3/8", &[4, 3], 8),
            ("*M3/0", &[6], 1),
            ("*M2/3%2", &[4], 3),
            ("*MX", &[], 1),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Sign::Meter(beats.to_vec(), unit)), "{text}");
        }
        for text in ["*M0/0", "*M4", "*M4/", "*M99999999/4", "*M1/0%3", "*M3+/4"] {
            assert!(matches!(parse(text.as_bytes()), Some(Sign::Broken(_))), "{text}");
        }
    }

    #[test]
    fn keys() {
        for (text, fifths) in
            [("*k[]", 0), ("*k[f#c#]", 2), ("*k[b-e-a-]", -3), ("*k[b-B-]", -1), ("*k[cnf#]", 1)]
        {
            assert_eq!(parse(text.as_bytes()), Some(Sign::Signature(fifths)), "{text}");
        }
        for (text, fifths, mode) in [
            ("*G:", 1, Mode::Major),
            ("*b-:", -5, Mode::Minor),
            ("*C:ion", 0, Mode::Ionian),
            ("*d:dor", 0, Mode::Dorian),
            ("*e:phr", 0, Mode::Phrygian),
            ("*B-:lyd", -1, Mode::Lydian),
            ("*F#:mix", 5, Mode::Mixolydian),
            ("*a:aeo", 0, Mode::Aeolian),
            ("*b:loc", 0, Mode::Locrian),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Sign::Key(fifths, mode)), "{text}");
        }
        for text in
            ["*I:", "*X:", "*custos:g", "*?:", "*:", "*clefG2", "*", "*MM[Allegro]", "*ITrd1c2", "*met(c)"]
        {
            assert_eq!(
                parse(text.as_bytes()),
                if text == "*I:" { Some(Sign::Name(b"")) } else { None },
                "{text}"
            );
        }
    }

    #[test]
    fn words_in_interpretations() {
        assert_eq!(words(b"*MM[Allegro assai] "), Some(&b"Allegro assai"[..]));
        assert_eq!(words(b"*Coda"), Some(&b"Coda"[..]));
        for text in ["*MM92", "*MM[Allegro", "*codas", "Fine", "*"] {
            assert_eq!(words(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn tempi_and_names() {
        assert_eq!(parse(b"*MM92"), Some(Sign::Tempo(92.0)));
        assert_eq!(parse(b"*MM60-70"), Some(Sign::Tempo(65.0)));
        assert!(matches!(parse(b"*MM0"), Some(Sign::Broken(_))));
        assert_eq!(parse(b"*I\"Viola da gamba"), Some(Sign::Name(b"Viola da gamba")));
        assert_eq!(parse(b"*Iviola "), Some(Sign::Instrument(b"viola")));
    }
}
