//! One tune: its header, its voices, and the fields that change what holds.

use super::census::Census;
use super::cursor::Cursor;
use super::header::{Change, Header, change, directive, program};
use super::key::Shift;
use super::macros::Macros;
use super::music;
use super::signs::Symbols;
use super::sync::Sync;
use super::teller::Teller;
use super::text::decode;
use super::voice::Voice;
use super::written::Member;
use crate::score::{Annotation, AnnotationKind, Event, Field, Stop, Unit};
use shared::place::Place;
use std::collections::BTreeMap;

/// The most voices of one tune.
const VOICES_MAX: usize = 1000;

/// How many voices are kept for the next tune.
const OLD_MAX: usize = 8;

/// The tune that is being read.
#[derive(Debug, Default)]
pub(super) struct Tune {
    pub(super) header: Header,
    /// Lent to whoever reads a chord.
    pub(super) members: Vec<Member>,
    pub(super) voices: Vec<Voice>,
    names: BTreeMap<Box<[u8]>, usize>,
    current: usize,
    pub(super) symbols: Symbols,
    macros: Macros,
    /// `!` breaks lines and opens no decoration.
    pub(super) bangs_break: bool,
    /// Names of parts that the next music begins.
    pub(super) labels: Vec<(Place, Box<str>)>,
    /// Words of the tempo that the header says.
    pub(super) speed_words: Option<(Place, Box<str>)>,
    /// Words below the tune.
    verses: Vec<(Place, Box<str>)>,
    pub(super) in_body: bool,
    /// Within a line of music.
    pub(super) in_line: bool,
    /// Whether the body has named a voice or played a note: fields before that hold for all voices.
    pub(super) begun: bool,
    /// Stands in where no voice could be declared.
    spare: Voice,
    /// Voices of the tune before, whose room is used again.
    old: Vec<Voice>,
    pub(super) census: Census,
    pub(super) sync: Sync,
    /// Programs by MIDI channel.
    channels: Vec<(u8, u8)>,
}

impl Tune {
    /// A tune with this header; `old` are the voices that [`Tune::end`] gave back.
    pub(super) fn new(header: Header, old: Vec<Voice>) -> Self {
        let census = Census::new(header.compat);
        Tune { header, census, old, ..Tune::default() }
    }

    /// The voice that the music goes to.
    pub(super) fn voice(&mut self) -> &mut Voice {
        self.voices.get_mut(self.current).unwrap_or(&mut self.spare)
    }

    /// The header is over.
    pub(super) fn begin_body(&mut self, teller: &Teller) {
        self.in_body = true;
        for voice in &mut self.voices {
            let settings = self.header.settings(voice.settings.shift);
            voice.begin(settings, teller.place(0));
        }
        self.tell_speed();
        self.current = 0;
        self.census.rewind();
    }

    /// The tempo of the header is said in the first voice.
    pub(super) fn tell_speed(&mut self) {
        let Some(voice) = self.voices.first_mut() else { return };
        if let Some((speed, place)) = self.header.speed.take() {
            voice.take(&Change::Speed(speed), place);
        }
        if let Some((place, words)) = self.speed_words.take() {
            let words_at = voice.annotation(AnnotationKind::Direction, voice.clock, place);
            voice.say_at(words_at, &words);
        }
    }

    /// A line of music.
    pub(super) fn music(&mut self, text: &[u8], column: usize, teller: &mut Teller) -> Result<(), Stop> {
        let named = text.starts_with(b"[V:") && memchr::memchr(b']', text).is_some();
        if self.voices.is_empty() && !named {
            // A tune of one voice need not name it; where a later `V:` names another, this one is `1`.
            self.declare(b"1", None, Shift::default(), column, teller)?;
        }
        self.begun = true;
        if !named && !self.labels.is_empty() {
            self.tell_labels(teller)?;
        }
        let expanded = if self.header.compat { None } else { self.macros.expand(text) };
        let Some(expanded) = expanded else {
            self.census.line(text);
            return self.line(text, column, teller);
        };
        if expanded.is_cut {
            teller.damage(
                column,
                "macros that make a line grow out of all measure: the rest of it stands as it is",
            )?;
        }
        let at = |&(from, source, copied): &(usize, usize, bool)| (from + column, source + column, copied);
        teller.origins = expanded.origins.iter().map(at).collect();
        self.census.line(&expanded.text);
        let told = self.line(&expanded.text, column, teller);
        teller.origins.clear();
        told
    }

    fn line(&mut self, text: &[u8], column: usize, teller: &mut Teller) -> Result<(), Stop> {
        self.in_line = true;
        let told = music::line(text, column, self, teller);
        self.in_line = false;
        told
    }

    /// A field on its own line.
    pub(super) fn field(
        &mut self,
        letter: u8,
        value: &[u8],
        at: usize,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        if letter == b'V' {
            self.census.voice(value);
        }
        match text_field(letter).filter(|_| !self.in_body) {
            Some(field) => teller.tell(teller.place(at), Event::Field(field, decode(value).trim())),
            None => self.set(letter, value, at, teller),
        }
    }

    /// What a field sets: for the current voice, or for all where none was named yet.
    pub(super) fn set(
        &mut self,
        letter: u8,
        value: &[u8],
        at: usize,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        match letter {
            b'V' => {
                self.select(value, at, teller)?;
                return if self.in_body { self.tell_labels(teller) } else { Ok(()) };
            }
            b'U' if !self.symbols.take(value) => {
                return teller.warn(at, "a U: field that gives no letter a meaning");
            }
            b'm' if !self.macros.take(value) => {
                return teller.warn(at, "an m: field that is no macro, or one too many");
            }
            b'm' if self.header.compat => {
                return teller.warn(at, "a macro: its name is read as it stands, not replaced");
            }
            b'P' => return self.part(value, at, teller),
            b'w' | b's' | b'd' => return self.line_under(letter, value, false, at, teller),
            b'W' => {
                self.verses.push((teller.place(at), decode(value).trim().into()));
                return Ok(());
            }
            b'I' => return self.directive(value, at, teller),
            b'Q' => self.speed_words(value, at, teller)?,
            _ => {}
        }
        let Some(change) = change(letter, value, self.header.compat, at, teller)? else { return Ok(()) };
        self.take(&change, at, teller);
        if self.in_body { self.voice().relieve(teller) } else { Ok(()) }
    }

    /// An `I:` or `%%` instruction.
    pub(super) fn directive(&mut self, value: &[u8], at: usize, teller: &mut Teller) -> Result<(), Stop> {
        let mut cursor = Cursor::new(value);
        match (cursor.word(), cursor.word()) {
            (Some(b"linebreak"), Some(sign)) => self.bangs_break = sign == b"!",
            (Some(b"decoration"), Some(sign)) => self.bangs_break = sign == b"+",
            (Some(b"staves" | b"score"), Some(_)) if self.begun && !self.header.compat => {
                return self.sync(teller.place(at), teller);
            }
            _ => {}
        }
        self.census.bangs_break = self.bangs_break;
        match program(value) {
            Some((Some(channel), program)) => self.channels.push((channel, program)),
            Some((None, program)) if self.voices.is_empty() => self.header.program = Some(program),
            Some((None, program)) => self.voice().program(program, teller.place(at), teller)?,
            None => {}
        }
        match directive(value, self.header.compat) {
            Some(change) => self.take(&change, at, teller),
            None => return Ok(()),
        }
        if self.in_body { self.voice().relieve(teller) } else { Ok(()) }
    }

    /// Lets a change hold.
    pub(super) fn take(&mut self, change: &Change, at: usize, teller: &Teller) {
        let place = teller.place(at);
        if self.begun {
            return self.voice().take(change, place);
        }
        self.header.take(change, place);
        if self.in_body {
            let one = matches!(change, Change::Speed(_));
            for voice in self.voices.iter_mut().take(if one { 1 } else { usize::MAX }) {
                voice.take(change, place);
            }
            if one && !self.voices.is_empty() {
                self.header.speed = None;
            }
        }
    }

    /// A `V:` field: the voice's name, and what is said of it.
    fn select(&mut self, value: &[u8], at: usize, teller: &mut Teller) -> Result<(), Stop> {
        let mut cursor = Cursor::new(value.trim_ascii());
        let id = cursor.word().unwrap_or_default();
        let id = id.split(|&byte| byte == b',').next().unwrap_or_default();
        if id.is_empty() || id == b"*" {
            if self.in_body && self.voices.is_empty() {
                self.declare(b"1", None, Shift::default(), at, teller)?;
            }
            return teller.warn(at, "a V: field that names no voice of its own");
        }
        let mut name = None;
        let mut shift = Shift::default();
        while let Some(word) = cursor.word() {
            match word.strip_prefix(b"name=").or_else(|| word.strip_prefix(b"nm=")) {
                Some(text) => name = Some(decode(text.trim_ascii())),
                None => _ = shift.take(word),
            }
        }
        self.begun |= self.in_body;
        let Some(&index) = self.names.get(id) else {
            let name = name.as_deref().map(|name| name.trim_matches('"')).filter(|name| !name.is_empty());
            let id_text = decode(id);
            return self.declare(id, Some(name.unwrap_or(&id_text)), shift, at, teller);
        };
        self.current = index;
        if shift != Shift::default() {
            self.voice().take(&Change::Key(None, shift), teller.place(at));
        }
        Ok(())
    }

    fn declare(
        &mut self,
        id: &[u8],
        name: Option<&str>,
        shift: Shift,
        at: usize,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let index = self.voices.len();
        let Some(part) = u16::try_from(index).ok().filter(|_| index < VOICES_MAX) else {
            return teller
                .damage(at, format!("a tune of more than {VOICES_MAX} voices: this one joins another"));
        };
        teller.tell(teller.place(at), Event::Part { part, name })?;
        self.names.insert(id.into(), index);
        self.current = index;
        let compat = self.header.compat;
        let old = self.old.pop();
        let mut voice = old.map_or_else(|| Voice::new(part, compat), |old| old.renewed(part, compat));
        if self.in_body {
            voice.begin(self.header.settings(shift), teller.place(at));
            voice.come_to(&self.sync, teller)?;
        } else {
            voice.settings.shift = shift;
        }
        self.voices.push(voice);
        if self.in_body {
            self.tell_speed();
        }
        Ok(())
    }

    /// The tune is over. Gives back voices for the next one.
    pub(super) fn end(mut self, teller: &mut Teller) -> Result<Vec<Voice>, Stop> {
        let verses = std::mem::take(&mut self.verses);
        for (voice, verses) in
            self.voices.iter_mut().zip([verses].into_iter().chain(std::iter::repeat(Vec::new())))
        {
            // abc2midi gives a channel to each voice, and leaves out the tenth, which is for drums.
            let channel = if voice.part < 9 { voice.part + 1 } else { voice.part.saturating_add(2) };
            let mut own = self.channels.iter().filter(|(known, _)| u16::from(*known) == channel);
            let program = own.next().map(|&(_, program)| program).or(self.header.program);
            if let Some(program) = program.filter(|_| !voice.has_program) {
                voice.program(program, teller.place(0), teller)?;
            }
            for (place, text) in verses {
                let end = voice.clock.max(voice.reached);
                let lyric = Annotation::new(AnnotationKind::Lyric, voice.part, end, place);
                voice.say_at(lyric, &text);
            }
            voice.end(teller)?;
        }
        let Census { notes, rests, measures, .. } = self.census;
        let counts = [notes, rests, measures, self.census.voices()];
        for (unit, count) in Unit::ALL.into_iter().zip(counts) {
            teller.tell(teller.place(0), Event::Declared(unit, count))?;
        }
        teller.tell(teller.place(0), Event::PieceEnd)?;
        self.voices.append(&mut self.old);
        self.voices.truncate(OLD_MAX);
        self.voices.retain(Voice::is_small);
        Ok(self.voices)
    }
}

/// The field of the metadata that a letter stands for.
pub(super) fn text_field(letter: u8) -> Option<Field> {
    Some(match letter {
        b'X' => Field::Number,
        b'T' => Field::Title,
        b'C' => Field::Composer,
        b'S' | b'B' => Field::Source,
        b'R' => Field::Genre,
        _ => return None,
    })
}
