//! What stands between brackets and braces: chords and grace notes (standard 2.1, 4.12 and 4.17).

use super::census::is_field;
use super::music::Music;
use super::written::Member;
use crate::score::Stop;

/// The most notes of one chord: each is held against the ties of the others.
const CHORD_MAX: usize = 256;

impl Music<'_, '_, '_> {
    /// A chord, behind its opening mark, up to its `end`.
    pub(super) fn chord(&mut self, end: u8, members: &mut Vec<Member>) -> Result<(), Stop> {
        self.members(end, members)?;
        let scale = self.length()?;
        if members.is_empty() {
            return self.warn("a chord without a note");
        }
        self.tune.voice().group(members, scale, self.teller)
    }

    /// Reads notes up to the `end` of a chord.
    fn members(&mut self, end: u8, members: &mut Vec<Member>) -> Result<(), Stop> {
        loop {
            match self.cursor.peek() {
                Some(byte) if byte == end => {
                    self.cursor.skip(1);
                    return Ok(());
                }
                None | Some(b'|' | b'[' | b'{' | b'}' | b'Z' | b'X') => {
                    return self.damage("a chord that is not closed: a ] is missing");
                }
                _ if members.len() == CHORD_MAX => {
                    return self.damage(&format!("a chord of more than {CHORD_MAX} notes, cut there"));
                }
                Some(b'A'..=b'G' | b'a'..=b'g' | b'^' | b'_' | b'=' | b'z' | b'x') => {
                    members.extend(self.member()?);
                }
                Some(b'-') => {
                    self.cursor.skip(1);
                    match members.last_mut() {
                        Some(member) => member.tied = true,
                        None => self.warn("a tie that leaves no note")?,
                    }
                }
                Some(b'"') => self.quoted()?,
                Some(mark @ (b'!' | b'+')) => self.decorated(mark)?,
                Some(b'(') => self.parenthesis()?,
                Some(b')') => self.end_slur()?,
                Some(byte) => {
                    if !(byte.is_ascii_alphabetic() || b" \t().~\\`*".contains(&byte)) {
                        self.warn(&format!("byte 0x{byte:02x} has no place in a chord"))?;
                    }
                    self.cursor.skip(1);
                }
            }
        }
    }

    /// Grace notes, `{gf}` or `{/gf}`.
    pub(super) fn grace(&mut self) -> Result<(), Stop> {
        self.cursor.skip(1);
        loop {
            match self.cursor.peek() {
                Some(b'}') => {
                    self.cursor.skip(1);
                    return Ok(());
                }
                None | Some(b'|' | b'{' | b'Z' | b'X') => {
                    return self.damage("grace notes that are not closed: a } is missing");
                }
                Some(b'A'..=b'G' | b'a'..=b'g' | b'^' | b'_' | b'=' | b'z' | b'x') => {
                    if let Some(member) = self.member()? {
                        self.tune.voice().grace(&[member], self.teller)?;
                    }
                }
                Some(b'[') if !is_field(self.cursor.rest().get(1..).unwrap_or_default()) => {
                    self.cursor.skip(1);
                    let mut members = Vec::new();
                    self.members(b']', &mut members)?;
                    self.length()?;
                    self.tune.voice().grace(&members, self.teller)?;
                }
                Some(b'"') => self.quoted()?,
                Some(mark @ (b'!' | b'+')) => self.decorated(mark)?,
                Some(b'(') => self.parenthesis()?,
                Some(b')') => self.end_slur()?,
                // Slashes, ties and lengths among grace notes are for printers.
                Some(_) => self.cursor.skip(1),
            }
        }
    }
}
