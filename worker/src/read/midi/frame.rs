//! Where an event ends. Midly is given whole events only: of itself it reads past the standard's rules in silence, and
//! gives up where an event could be stepped over.

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A channel message: its status, which may be running, and its data.
    Message { status: u8, running: bool, data: [u8; 2] },
    /// A meta or system exclusive event.
    Long,
    /// A system message, which no file may hold.
    Stray,
}

/// One event, delta time included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) delta: u64,
    /// Bytes of the delta time.
    pub(super) lead: usize,
    /// Bytes of all.
    pub(super) length: usize,
    pub(super) kind: Kind,
}

/// The event at the front of `rest`, under that running status.
///
/// # Errors
/// What is wrong with it, if it has no end.
pub(super) fn split(rest: &[u8], running: Option<u8>) -> Result<Frame, &'static str> {
    let (delta, lead) =
        number(rest).ok_or("a delta time has no end within four bytes, or the track ends in it")?;
    let body = rest.get(lead..).unwrap_or(&[]);
    let (kind, length) = match body.split_first() {
        None => return Err("the track ends after a delta time"),
        Some((&status @ 0x80..=0xEF, data)) => message(status, data)
            .map(|(data, length)| (Kind::Message { status, running: false, data }, 1 + length))?,
        Some((..=0x7F, _)) => {
            let status = running.ok_or("a data byte stands where no status byte came before")?;
            let (data, length) = message(status, body)?;
            (Kind::Message { status, running: true, data }, length)
        }
        Some((0xFF, _)) => (Kind::Long, 2 + payload(body, 2)?),
        Some((0xF0 | 0xF7, _)) => (Kind::Long, 1 + payload(body, 1)?),
        Some((status, data)) => (Kind::Stray, 1 + stray(*status, data)),
    };
    Ok(Frame { delta, lead, length: lead + length, kind })
}

/// A note-on or note-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) delta: u64,
    /// Bytes of the delta time.
    pub(super) lead: usize,
    /// Bytes of all.
    pub(super) length: usize,
    pub(super) status: u8,
    pub(super) key: u8,
    pub(super) velocity: u8,
}

/// Bytes that a look for a stroke is taken at.
pub(super) const WINDOW: usize = 8;

/// Whether a status is that of note-offs or note-ons.
const fn is_stroke(status: u8) -> bool {
    status & 0xE0 == 0x80
}

/// The event at the front, if it is a note-on or note-off after at most two bytes of delta time: nearly all events are,
/// and this tells them with the fewest questions. `running` is the running status, 0 where there is none.
#[inline(always)]
pub(super) fn stroke(window: [u8; WINDOW], running: u8) -> Option<Stroke> {
    // The first byte is the lowest of the word. Both choices have a way out, so that they are branches: those are foreseen,
    // and the next event does not wait for the length of this one.
    let mut word = u64::from_le_bytes(window);
    let (mut delta, mut lead) = (word & 0x7F, 1);
    if word & 0x80 != 0 {
        word >>= 8;
        (delta, lead) = (delta << 7 | word & 0x7F, 2);
        if word & 0x80 != 0 {
            return None;
        }
    }
    // One comparison for all bits that make a status and two bytes of data.
    let (status, length) = if word & 0x8080_E000 == 0x8000 {
        word >>= 8;
        (word as u8, lead + 3)
    } else if word & 0x0080_8000 == 0 && is_stroke(running) {
        (running, lead + 2)
    } else {
        return None;
    };
    Some(Stroke { delta, lead, length, status, key: (word >> 8) as u8, velocity: (word >> 16) as u8 })
}

/// The number of variable length at the front, of up to four bytes, and how many it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    match bytes {
        [byte @ ..=0x7F, ..] => Some((u64::from(*byte), 1)),
        [high, low @ ..=0x7F, ..] => Some((u64::from(high & 0x7F) << 7 | u64::from(*low), 2)),
        _ => {
            let length = 1 + bytes.iter().take(4).position(|&byte| byte < 0x80)?;
            let digits = bytes.get(..length)?;
            Some((digits.iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7F)), length))
        }
    }
}

/// The data of a channel message, and how many bytes it takes.
fn message(status: u8, data: &[u8]) -> Result<([u8; 2], usize), &'static str> {
    match (status & 0xF0, data) {
        (0xC0 | 0xD0, &[first @ ..=0x7F, ..]) => Ok(([first, 0], 1)),
        (0x80..=0xB0 | 0xE0, &[first @ ..=0x7F, second @ ..=0x7F, ..]) => Ok(([first, second], 2)),
        _ => Err("a message ends early, in a status byte or the end of the track"),
    }
}

/// Bytes of the length and the payload of a meta or exclusive event, whose length stands `at` bytes into it.
fn payload(body: &[u8], at: usize) -> Result<usize, &'static str> {
    let rest = body.get(at..).unwrap_or(&[]);
    let whole = number(rest).and_then(|(length, digits)| {
        let length = usize::try_from(length).ok()?.checked_add(digits)?;
        (length <= rest.len()).then_some(length)
    });
    whole.ok_or("a meta or system exclusive event is longer than what is left of the track")
}

/// Bytes of data that a system message has.
fn stray(status: u8, data: &[u8]) -> usize {
    let most = match status {
        0xF2 => 2,
        0xF1 | 0xF3 => 1,
        _ => 0,
    };
    data.iter().take(most).take_while(|&&byte| byte < 0x80).count()
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
        assert_eq!(number(&[]), None);
    }

    #[test]
    fn every_event_has_its_length() {
        let length = |rest: &[u8], running| split(rest, running).map(|frame| frame.length).ok();
        assert_eq!(length(&[0, 0x90, 60, 9, 1], None), Some(4));
        assert_eq!(length(&[0x81, 0, 0xC3, 5, 1], None), Some(4));
        assert_eq!(length(&[0, 60, 9, 1], Some(0x90)), Some(3));
        assert_eq!(length(&[0, 60, 9, 1], None), None);
        assert_eq!(length(&[0, 0x90, 0xBC, 9], None), None, "a data byte has no top bit");
        assert_eq!(length(&[0, 0xFF, 0x59, 0, 1], None), Some(4));
        assert_eq!(length(&[0, 0xFF, 1, 9, 1], None), None, "the payload is not all there");
        assert_eq!(length(&[0, 0xF2, 1, 2, 3], None), Some(4));
        assert_eq!(length(&[0, 0xF2, 1, 0x90], None), Some(3));
        assert_eq!(length(&[0, 0xFE, 1], None), Some(2));
    }

    #[test]
    fn a_stroke_is_what_splitting_makes_of_it() {
        let mut told = 0;
        for lead in [&[5][..], &[0x81, 5], &[0x81, 0x80, 5]] {
            for first in [0, 0x3C, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xB0, 0xC0, 0xF0, 0xFF] {
                for (second, third) in [(60, 9), (60, 0x80), (0x80, 9)] {
                    let rest = [lead, &[first, second, third, 0]].concat();
                    for running in [0, 0x83, 0x94, 0xB0] {
                        let mut window = [0; WINDOW];
                        window[..rest.len()].copy_from_slice(&rest);
                        let Some(stroke) = stroke(window, running) else { continue };
                        let Stroke { delta, lead, length, status, key, velocity } = stroke;
                        let running = (running != 0).then_some(running);
                        let kind = Kind::Message { status, running: first < 0x80, data: [key, velocity] };
                        assert_eq!(
                            split(&rest, running),
                            Ok(Frame { delta, lead, length, kind }),
                            "{rest:?}"
                        );
                        told += 1;
                    }
                }
            }
        }
        // By 2 lengths of delta time: 4 statuses and 4 runnings; 3 first bytes, 2 runnings, 1 to 2 second bytes.
        assert_eq!(told, 2 * (4 * 4 + 3 * 2 * 2));
    }

    #[test]
    fn channel_messages_are_what_midly_makes_of_them() {
        use midly::{MidiMessage, TrackEventKind};
        for status in 0x80..=0xEF_u8 {
            let bytes = [5, status, 60, 9];
            let Ok(Frame { delta: 5, length, kind: Kind::Message { data, .. }, .. }) = split(&bytes, None)
            else {
                panic!("{status:#x}");
            };
            let mut events = midly::EventIter::new(&bytes);
            let event = events.next().unwrap().unwrap();
            assert_eq!(events.unread().len(), bytes.len() - length, "{status:#x}");
            if let TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } } = event.kind {
                assert_eq!((channel.as_int(), key.as_int(), vel.as_int()), (status & 0xF, data[0], data[1]));
            }
        }
    }
}
