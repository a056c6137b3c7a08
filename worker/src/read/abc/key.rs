//! Keys (`K:`) and the parameters that `K:` and `V:` share: clef, octave, transposition (standard 2.1, 3.1.14 and 4.6).

use super::cursor::Cursor;
use crate::score::{Mode, Pitch, Step};

/// What a key does to the seven letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// Alteration in cents of each letter from C.
    alters: [i16; 7],
    /// The mode, where there is one.
    pub(super) mode: Option<Mode>,
    /// It is known to players and not printed, as the pipes' sharps are.
    tacit: bool,
}

impl Key {
    /// Alteration of a letter in cents.
    pub(super) fn alter(&self, step: Step) -> i16 {
        self.alters.get(step as usize).copied().unwrap_or(0)
    }

    /// Sharps, or flats if negative, that are printed.
    pub(super) fn fifths(&self) -> i8 {
        if self.tacit {
            return 0;
        }
        i8::try_from(self.alters.iter().map(|&cents| i32::from(cents)).sum::<i32>() / 100).unwrap_or(0)
    }

    fn set(&mut self, step: Step, alter: i16) {
        if let Some(slot) = self.alters.get_mut(step as usize) {
            *slot = alter;
        }
    }

    fn from_fifths(fifths: i32, mode: Option<Mode>) -> Key {
        const SHARPS: [Step; 7] = [Step::F, Step::C, Step::G, Step::D, Step::A, Step::E, Step::B];
        let mut key = Key { mode, ..Key::default() };
        for count in 0..fifths.unsigned_abs() as usize {
            let place = if fifths > 0 { count % 7 } else { 6 - count % 7 };
            let step = SHARPS.get(place).copied().unwrap_or(Step::F);
            key.set(step, key.alter(step) + if fifths > 0 { 100 } else { -100 });
        }
        key
    }
}

/// Clef, octave and transposition, each where it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// Semitones that the clef's `+8` or `-8` adds to the sound.
    pub(super) clef: Option<i8>,
    /// Semitones of `transpose=`.
    pub(super) transpose: Option<i8>,
    /// Octaves of `octave=`, which move the written pitch.
    pub(super) octave: Option<i8>,
    /// Semitones of `sound=` and of `shift=`.
    pub(super) sound: Option<i8>,
    pub(super) shift: Option<i8>,
    /// Semitones of `%%MIDI transpose`.
    pub(super) midi: Option<i8>,
    /// Notes are places on the staff: drums.
    pub(super) drums: Option<bool>,
}

impl Shift {
    /// These, and where they say nothing, `other`.
    pub(super) fn or(self, other: Shift) -> Shift {
        Shift {
            clef: self.clef.or(other.clef),
            transpose: self.transpose.or(other.transpose),
            octave: self.octave.or(other.octave),
            sound: self.sound.or(other.sound),
            shift: self.shift.or(other.shift),
            midi: self.midi.or(other.midi),
            drums: self.drums.or(other.drums),
        }
    }

    /// Raises what `%%MIDI transpose` said.
    pub(super) fn raise(&mut self, semitones: i8) {
        self.midi = Some(self.midi.unwrap_or(0).saturating_add(semitones));
    }

    /// Semitones from the written to the sounding pitch.
    pub(super) fn semitones(self) -> i8 {
        // `%%MIDI transpose` is written for abc2midi, which takes no notice of clefs.
        let first = self.midi.or(self.clef).unwrap_or(0).saturating_add(self.transpose.unwrap_or(0));
        first.saturating_add(self.sound.unwrap_or(0)).saturating_add(self.shift.unwrap_or(0))
    }

    fn take_clef(&mut self, name: &[u8], semitones: i8) {
        self.clef = Some(semitones);
        if name.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"perc")) {
            self.drums = Some(true);
        } else if !name.first().is_some_and(|byte| b"+-^_".contains(byte)) {
            self.drums = self.drums.map(|_| false);
        }
    }

    /// Takes one word of a `K:` or `V:` field: `transpose=-2`, `clef=bass`, `treble-8`. Says whether it is one.
    pub(super) fn take(&mut self, word: &[u8]) -> bool {
        let mut parts = word.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default();
        match parts.next() {
            None => match clef(name) {
                Some(clef) => self.take_clef(name, clef),
                None => return false,
            },
            Some(value) => {
                let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
                match name {
                    // A clef of another kind is for printers; it stands at its own octave.
                    b"clef" => self.take_clef(value, clef(value).unwrap_or(0)),
                    b"transpose" | b"t" => self.transpose = signed(value).or(self.transpose),
                    b"octave" => self.octave = signed(value).or(self.octave),
                    b"sound" => self.sound = interval(value).or(self.sound),
                    b"shift" => self.shift = interval(value).or(self.shift),
                    // Another parameter, or else an accidental on a key: `D=f`.
                    _ => return name.len() > 1 && name.iter().all(u8::is_ascii_lowercase),
                }
            }
        }
        true
    }
}

/// The semitones from the first of two notes to the second: `sound=cA`.
fn interval(text: &[u8]) -> Option<i8> {
    let mut cursor = Cursor::new(text);
    let mut key = || {
        let alter = accidental(&mut cursor).unwrap_or(0) / 100;
        let letter = cursor.take()?;
        let octaves = cursor.take_while(|byte| byte == b',' || byte == b'\'');
        let marks: i32 = octaves.iter().map(|&mark| if mark == b',' { -1 } else { 1 }).sum();
        let octave = if letter.is_ascii_lowercase() { 5 } else { 4 } + marks.clamp(-4, 4);
        let pitch = Pitch { step: Step::from_letter(letter)?, octave: i8::try_from(octave).ok()?, alter: 0 };
        Some(pitch.key() + i32::from(alter))
    };
    let (from, to) = (key()?, key()?);
    i8::try_from(to - from).ok().filter(|_| cursor.peek().is_none())
}

/// Semitones that a clef adds to the sound; `None` if it is no clef.
fn clef(text: &[u8]) -> Option<i8> {
    const NAMES: [&[u8]; 9] =
        [b"", b"treble", b"alto", b"tenor", b"bass", b"perc", b"soprano", b"mezzosoprano", b"baritone"];
    let mut cursor = Cursor::new(text);
    let name = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    if !NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    if !name.is_empty() {
        cursor.take_while(|byte| matches!(byte, b'1'..=b'5'));
    }
    let octave = cursor.rest();
    match octave.strip_suffix(b"va").unwrap_or(octave) {
        b"+8" | b"^8" => Some(12),
        b"-8" | b"_8" => Some(-12),
        b"+15" | b"^15" => Some(24),
        b"-15" | b"_15" => Some(-24),
        b"" if !name.is_empty() => Some(0),
        _ => None,
    }
}

fn signed(text: &[u8]) -> Option<i8> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The octaves by which music21 moves the written notes of a part whose `K:` names such a clef.
pub(super) fn compat_octave(text: &[u8]) -> Option<i8> {
    let has = |name: &[u8]| text.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name));
    if has(b"-8va") {
        return Some(-1);
    }
    has(b"bass").then_some(-2)
}

/// Reads a `K:` field. The key is `None` where the field names none (`K:bass`) and the old one stays; the whole is
/// `None` where what it names is no key. `highland` says whether the keys of the Highland pipes have F and C sharp:
/// `K:Hp` prints them, `K:HP` leaves them to the player.
pub(super) fn key(text: &[u8], shift: &mut Shift, highland: bool) -> Option<Option<Key>> {
    let mut cursor = Cursor::new(text.trim_ascii());
    if cursor.rest().is_empty() {
        return Some(Some(Key::default()));
    }
    let mut key = None;
    let mut ahead = cursor;
    let first = ahead.word()?;
    if first.eq_ignore_ascii_case(b"none") || first.eq_ignore_ascii_case(b"exp") {
        key = Some(Key::default());
        cursor = ahead;
    } else if matches!(first, b"HP" | b"Hp") {
        let fifths = if highland { 2 } else { 0 };
        key = Some(Key { tacit: first == b"HP", ..Key::from_fifths(fifths, None) });
        cursor = ahead;
    } else if matches!(first.first(), Some(b'^' | b'_' | b'=')) {
        key = Some(Key::default());
    } else if !Shift::default().take(first) {
        key = Some(tonic(&mut cursor)?);
    }
    loop {
        cursor.blanks();
        match cursor.peek() {
            None => return Some(key),
            Some(b'^' | b'_' | b'=') => {
                let alter = accidental(&mut cursor).unwrap_or(0);
                let step = cursor.take().and_then(Step::from_letter)?;
                key.get_or_insert_default().set(step, alter);
            }
            // Words that say nothing about pitch, such as `stafflines=1`, are for printers.
            Some(_) => {
                let word = cursor.word()?;
                shift.take(word);
            }
        }
    }
}

/// A tonic and its mode: `Bb`, `F#m`, `D dor`, `A exp`.
fn tonic(cursor: &mut Cursor) -> Option<Key> {
    let step = cursor.take().and_then(Step::from_letter)?;
    let accidental = match cursor.peek() {
        Some(b'#') => 7,
        Some(b'b') => -7,
        _ => 0,
    };
    cursor.skip(usize::from(accidental != 0));
    let mut ahead = *cursor;
    let joined = ahead.peek().is_some_and(|byte| byte.is_ascii_alphabetic());
    ahead.blanks();
    let word = ahead.take_while(|byte| byte.is_ascii_alphabetic());
    let (mode, shift) = match (mode(word), joined) {
        (Some(found), _) => {
            *cursor = ahead;
            found
        }
        (None, true) => return None,
        (None, false) => (Some(Mode::Major), 0),
    };
    let Some(mode) = mode else { return Some(Key::default()) };
    let natural = match step {
        Step::F => -1,
        Step::C => 0,
        Step::G => 1,
        Step::D => 2,
        Step::A => 3,
        Step::E => 4,
        Step::B => 5,
    };
    let blank = matches!(cursor.peek(), None | Some(b' ' | b'\t' | b'^' | b'_' | b'='));
    blank.then(|| Key::from_fifths(natural + accidental + shift, Some(mode)))
}

/// The mode that a word names, by its first three letters, and the fifths that it adds to major; `exp` is none.
fn mode(word: &[u8]) -> Option<(Option<Mode>, i32)> {
    if word.eq_ignore_ascii_case(b"m") {
        return Some((Some(Mode::Minor), -3));
    }
    Some(match word.get(..3)?.to_ascii_lowercase().as_slice() {
        b"maj" => (Some(Mode::Major), 0),
        b"min" => (Some(Mode::Minor), -3),
        b"ion" => (Some(Mode::Ionian), 0),
        b"dor" => (Some(Mode::Dorian), -2),
        b"phr" => (Some(Mode::Phrygian), -4),
        b"lyd" => (Some(Mode::Lydian), 1),
        b"mix" => (Some(Mode::Mixolydian), -1),
        b"aeo" => (Some(Mode::Aeolian), -3),
        b"loc" => (Some(Mode::Locrian), -5),
        b"exp" => (None, 0),
        _ => return None,
    })
}

/// Reads `^`, `__`, `=`, `^3/2` and the like; cents, or `None` if there is none.
pub(super) fn accidental(cursor: &mut Cursor) -> Option<i16> {
    let sign = cursor.peek()?;
    if sign == b'=' {
        cursor.count(b'=');
        return Some(0);
    }
    if !matches!(sign, b'^' | b'_') {
        return None;
    }
    let semitones = i16::try_from(cursor.count(sign)).unwrap_or(i16::MAX).min(4);
    let above = cursor.number();
    let below = if cursor.take_if(b'/') { cursor.number().unwrap_or(2) } else { 1 };
    let cents = match (above, below) {
        (None, 1) => semitones * 100,
        (above, below) => {
            i16::try_from(above.unwrap_or(1).saturating_mul(100) / below.max(1)).unwrap_or(400).min(400)
        }
    };
    Some(if sign == b'^' { cents } else { -cents })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i8, Option<Mode>)> {
        let key = key(text.as_bytes(), &mut Shift::default(), true)?;
        key.map(|key| (key.fifths(), key.mode))
    }

    #[test]
    fn tonics_and_modes() {
        use Mode::*;
        for (text, fifths, mode) in [
            ("C", 0, Some(Major)),
            (" G major", 1, Some(Major)),
            ("Am", 0, Some(Minor)),
            ("A MINOR", 0, Some(Minor)),
            ("F#m", 3, Some(Minor)),
            ("Bb", -2, Some(Major)),
            ("Bbmin", -5, Some(Minor)),
            ("Ddor", 0, Some(Dorian)),
            ("D Dorian", 0, Some(Dorian)),
            ("AMix", 2, Some(Mixolydian)),
            ("E phr", 0, Some(Phrygian)),
            ("Flydian", 0, Some(Lydian)),
            ("B loc", 0, Some(Locrian)),
            ("Eaeo", 1, Some(Aeolian)),
            ("Cion", 0, Some(Ionian)),
            ("Cb", -7, Some(Major)),
            ("G#", 8, Some(Major)),
            ("none", 0, None),
            ("", 0, None),
            ("HP", 0, None),
            ("Hp", 2, None),
            ("D exp _b ^f", 0, None),
            ("Dmix ^c", 2, Some(Mixolydian)),
            ("D=f", 1, Some(Major)),
            ("^f^c", 2, None),
            ("G clef=bass transpose=-12", 1, Some(Major)),
        ] {
            assert_eq!(read(text), Some((fifths, mode)), "{text}");
        }
        for text in ["Hmaj", "Gfoo", "G/Em", "C##", "Q", "1", "D ^x"] {
            assert_eq!(key(text.as_bytes(), &mut Shift::default(), true), None, "{text}");
        }
    }

    #[test]
    fn the_pipes_sharpen_f_and_c_whether_they_are_printed_or_not() {
        for name in ["HP", "Hp"] {
            let key = |highland| key(name.as_bytes(), &mut Shift::default(), highland).flatten().unwrap();
            assert_eq!([Step::C, Step::F, Step::G].map(|step| key(true).alter(step)), [100, 100, 0]);
            assert_eq!(key(false).alter(Step::C), 0);
        }
    }

    #[test]
    fn clefs_octaves_and_transpositions() {
        let shift = |text: &str| {
            let mut shift = Shift::default();
            let key = key(text.as_bytes(), &mut shift, true);
            (key.map(|key| key.is_some()), shift.semitones(), shift.octave)
        };
        assert_eq!(shift("G treble-8"), (Some(true), -12, None));
        assert_eq!(shift("clef=bass+8 octave=-1"), (Some(false), 12, Some(-1)));
        assert_eq!(shift("bass"), (Some(false), 0, None));
        assert_eq!(shift("C transpose=-2 clef=\"treble_8\" middle=d"), (Some(true), -14, None));
        assert_eq!(shift("C transpose=127 clef=treble^15"), (Some(true), 127, None));
        assert_eq!(shift("C sound=cA shift=CD score=cB"), (Some(true), -1, None));
        assert_eq!(shift("C sound=c^A,"), (Some(true), -14, None));
        assert_eq!(shift("C sound=c sound=cHx"), (Some(true), 0, None));
    }

    #[test]
    fn accidentals() {
        for (text, cents) in [
            ("^", Some(100)),
            ("^^", Some(200)),
            ("_", Some(-100)),
            ("__", Some(-200)),
            ("=", Some(0)),
            ("^/2", Some(50)),
            ("_3/2", Some(-150)),
            ("_/", Some(-50)),
            ("^1/4", Some(25)),
            ("^9/0", Some(400)),
            ("A", None),
        ] {
            assert_eq!(accidental(&mut Cursor::new(text.as_bytes())), cents, "{text}");
        }
    }
}
