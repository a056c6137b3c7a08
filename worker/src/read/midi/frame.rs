//! The frame of an event: what midly reads past the rules of the standard, or refuses though it could be stepped over.

use midly::TrackEventKind;

/// How many bytes the number of variable length at the front takes: up to four, the last without its top bit.
fn number_length(bytes: &[u8]) -> Option<usize> {
    bytes.iter().take(4).position(|&byte| byte < 0x80).map(|last| last + 1)
}

/// The number of variable length at the front, and how many bytes it takes. Midly takes longer and shorter ones too.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = number_length(bytes)?;
    let digits = bytes.get(..length)?;
    Some((digits.iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7F)), length))
}

/// How many bytes the delta time at the front takes.
#[inline]
pub(super) fn delta_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first().is_some_and(|&byte| byte < 0x80) { Some(1) } else { number_length(bytes) }
}

/// Bytes of a meta or system exclusive event, `body` from its status byte on; `None` if they are not all there.
fn whole_length(body: &[u8]) -> Option<usize> {
    let head = match body.first()? {
        0xFF => 2,
        0xF0 | 0xF7 => 1,
        _ => return None,
    };
    let (payload, digits) = number(body.get(head..)?)?;
    let length = head + digits + usize::try_from(payload).ok()?;
    (length <= body.len()).then_some(length)
}

/// Whether the event that midly made of `body` was all there: it takes a payload cut short for a whole one.
#[inline]
pub(super) fn is_whole(kind: &TrackEventKind<'_>, body: &[u8]) -> bool {
    matches!(kind, TrackEventKind::Midi { .. }) || whole_length(body).is_some()
}

/// How many bytes of an event that midly refused can be stepped over: those of a meta event with an odd payload, and
/// those of a system message, which no file may hold.
pub(super) fn to_skip(body: &[u8]) -> Option<usize> {
    let data = match body.first()? {
        0xF0 | 0xF7 | 0xFF => return whole_length(body),
        0xF2 => 2,
        0xF1 | 0xF3 => 1,
        0xF4..=0xFE => 0,
        _ => return None,
    };
    Some(1 + body.iter().skip(1).take(data).take_while(|&&byte| byte < 0x80).count())
}

/// What is wrong with an event that cannot be read: `body` is what follows its delta time, if that was read.
pub(super) fn fault(body: Option<&[u8]>, running: Option<u8>) -> &'static str {
    let Some(body) = body else {
        return "a delta time has no end within four bytes, or the track ends in it";
    };
    match body.first() {
        None => "the track ends after a delta time",
        Some(0x80..=0xEF) => "a message ends early, in a status byte or the end of the track",
        Some(0x80..) => "a meta or system exclusive event is longer than what is left of the track",
        Some(_) if running.is_none() => "a data byte stands where no status byte came before",
        Some(_) => "a message under running status ends early",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_up_to_four_bytes() {
        assert_eq!(number(&[0x00, 0xFF]), Some((0, 1)));
        assert_eq!(number(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(number(&[0xFF, 0xFF, 0xFF, 0x7F]), Some(((1 << 28) - 1, 4)));
        assert_eq!(number(&[0x81, 0x80, 0x80, 0x80, 0x00]), None);
        assert_eq!(number(&[0x81]), None);
        assert_eq!(
            (delta_length(&[0x05]), delta_length(&[0x85, 0x05]), delta_length(&[])),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn system_messages_and_odd_payloads_are_stepped_over() {
        assert_eq!(to_skip(&[0xF2, 1, 2, 3]), Some(3));
        assert_eq!(to_skip(&[0xF2, 1, 0x90]), Some(2));
        assert_eq!(to_skip(&[0xFE, 1]), Some(1));
        assert_eq!(to_skip(&[0xFF, 0x59, 0, 1]), Some(3));
        assert_eq!(to_skip(&[0xFF, 0x01, 9, 1]), None, "the payload is not all there");
        assert_eq!(to_skip(&[0x3C, 0x40]), None);
    }
}
