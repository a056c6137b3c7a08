//! One piece: its parts, and the telling of them.

use super::clock::{Bars, Clock};
use super::file::Header;
use super::pairing::{CHANNELS, RawNote};
use super::track::Track;
use super::{Odd, ReadError};
use crate::read::{Fidelity, ReadOptions};
use crate::score::{Event, Field, Flags, KeySignature, Meter, Mode, Note, Pitch, Stop, Tempo, Ticks, Unit};
use encoding_rs::WINDOWS_1252;
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::borrow::Cow;
use std::iter::Peekable;
use std::slice;

/// The channel, from 0, whose keys are drums in General MIDI.
const DRUMS: u8 = 9;

/// A meter, key or tempo, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    pub(super) onset: Ticks,
    /// Number of its track.
    pub(super) track: usize,
    /// Its byte.
    pub(super) at: usize,
    pub(super) what: What,
}

/// What a sign says.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Meter { beats: u16, unit: u16 },
    Key { fifths: i8, mode: Mode },
    Tempo(f64),
}

/// A piece as its tracks make it.
pub(super) struct Piece<'a> {
    format: u16,
    clock: Clock,
    /// Where it begins.
    at: usize,
    /// The tracks that have notes.
    tracks: Vec<Track<'a>>,
    /// Of all tracks.
    pub(super) signs: Vec<Sign>,
    title: Option<&'a [u8]>,
    copyright: Option<&'a [u8]>,
    /// What the tracks say first of each channel's program.
    programs: [Option<u8>; CHANNELS],
    note_ons: u64,
    /// Notes of all tracks.
    pub(super) notes: u64,
    /// When the last note ends. The end of the track is often padded, so the piece is said to end with that bar.
    end: u64,
    /// Whether a track was added.
    begun: bool,
}

impl<'a> Piece<'a> {
    pub(super) fn new(header: &Header<'_>) -> Self {
        let tempo = Sign { onset: Ticks::ZERO, track: 0, at: header.at, what: What::Tempo(120.0) };
        Piece {
            format: header.format,
            clock: header.clock,
            at: header.at,
            tracks: Vec::new(),
            signs: if header.clock.is_real_time() { vec![tempo] } else { Vec::new() },
            title: None,
            copyright: None,
            programs: [None; CHANNELS],
            note_ons: 0,
            notes: 0,
            end: 0,
            begun: false,
        }
    }

    /// Adds a track.
    pub(super) fn add(&mut self, mut track: Track<'a>, limits: &Limits) -> Result<(), Stop> {
        if !self.begun {
            // The name of the first track is that of the piece, the names of the others are theirs.
            self.title = track.name;
            self.begun = true;
        }
        self.copyright = self.copyright.or(track.copyright);
        for (known, program) in self.programs.iter_mut().zip(track.programs) {
            *known = known.or(program);
        }
        self.note_ons += track.note_ons;
        self.notes += track.notes.len() as u64;
        self.signs.append(&mut track.signs);
        if !track.notes.is_empty() {
            self.end = track.notes.iter().map(|note| note.off).fold(self.end, u64::max);
            if self.tracks.len() as u64 >= limits.parts_max {
                let place = Some(Place::byte(track.at));
                return Err(Stop::Failed(exceeded("parts_max", limits.parts_max, place)));
            }
            self.tracks.push(track);
        }
        Ok(())
    }

    /// Tells everything of the piece but its start and end.
    pub(super) fn tell(&mut self, options: &ReadOptions, sink: &mut Odd<'_>) -> Result<(), ReadError> {
        for (field, bytes) in [(Field::Title, self.title), (Field::Rights, self.copyright)] {
            if let Some(bytes) = bytes {
                sink.tell(self.at, Event::Field(field, &text(bytes)))?;
            }
        }
        if let Some(division) = self.clock.division() {
            sink.tell(self.at, Event::Division(division))?;
        }
        sink.tell(self.at, Event::Declared(Unit::Notes, self.note_ons))?;
        self.sort_signs();
        let mut tracks = std::mem::take(&mut self.tracks);
        let by_channel = options.fidelity == Fidelity::Corrected;
        for track in &mut tracks {
            group(&mut track.notes, by_channel);
        }
        let parts = tracks.iter().flat_map(|track| {
            let parts = track.notes.chunk_by(|a, b| !by_channel || a.channel == b.channel);
            parts.map(move |notes| (track, notes))
        });
        for (index, (track, notes)) in parts.enumerate() {
            let Ok(part) = u16::try_from(index) else {
                return Err(Stop::Failed(exceeded("parts_max", options.limits.parts_max, None)).into());
            };
            // Every part repeats the signs, so many signs in many parts would fill memory.
            if self.signs.len() as u64 > options.limits.measures_max / (index as u64 + 1) {
                return Err(Stop::Failed(exceeded("measures_max", options.limits.measures_max, None)).into());
            }
            self.tell_part(part, track, notes, sink)?;
        }
        Ok(())
    }

    /// Puts the signs in the order of time; of those of one kind at one moment, the last holds.
    fn sort_signs(&mut self) {
        let key = |sign: &Sign| match sign.what {
            What::Meter { .. } => (sign.onset, 0, 0),
            What::Key { .. } => (sign.onset, 1, sign.track),
            What::Tempo(_) => (sign.onset, 2, 0),
        };
        self.signs.sort_by_key(key);
        let runs = self.signs.chunk_by(|a, b| key(a) == key(b));
        self.signs = runs.filter_map(|run| run.last().copied()).collect();
    }

    fn tell_part(
        &self,
        part: u16,
        track: &Track<'_>,
        notes: &[RawNote],
        sink: &mut Odd<'_>,
    ) -> Result<(), ReadError> {
        let channel = notes.first().map_or(0, |note| note.channel);
        // In format 0 the name of the track is that of the piece only.
        let name = track.name.filter(|_| self.format != 0).map(text);
        let instrument = track.instrument.map(text);
        // The kits of the drum channel are no General MIDI programs.
        let program = self.program(track, channel).filter(|_| channel != DRUMS);
        sink.tell(track.at, Event::Part { part, name: name.as_deref() })?;
        sink.tell(track.at, Event::Instrument { part, name: instrument.as_deref(), program })?;

        let mut bars = Bars::new(&self.signs, self.clock.time(self.end).0);
        let mut frame = Frame {
            part,
            bar: bars.next(),
            bars,
            due: Ticks::ZERO,
            signs: self.signs.iter().peekable(),
            key_track: self.key_track(track.number),
            number: 0,
        };
        let mut before = None;
        for note in notes {
            let (onset, exact) = self.clock.time(note.on);
            let (off, exact_off) = self.clock.time(note.off);
            if frame.due <= onset {
                frame.tell_until(onset, note.at, sink)?;
            }
            let chord = before == Some((note.on, note.off));
            before = Some((note.on, note.off));
            let flags = Flags::NONE
                .with_if(chord, Flags::CHORD)
                .with_if(note.channel == DRUMS, Flags::UNPITCHED)
                .with_if(!exact || !exact_off, Flags::ROUNDED);
            let note = Note {
                onset,
                duration: off - onset,
                place: Place::byte(note.at),
                measure: 0,
                written: Pitch::from_key(i32::from(note.key)),
                part,
                flags,
                transpose: 0,
                voice: 1,
                staff: 1,
            };
            sink.sink.event(note.place, Event::Note(note))?;
        }
        frame.tell_until(Ticks(i64::MAX), self.at, sink)?;
        sink.tell(self.at, Event::PartEnd { part, end: frame.bars.line })?;
        Ok(())
    }

    /// The program of a channel at its first note in this track, else what any track of the piece says of it.
    fn program(&self, track: &Track<'_>, channel: u8) -> Option<u8> {
        let of = |programs: &[Option<u8>]| programs.get(usize::from(channel)).copied().flatten();
        of(&track.programs).or_else(|| of(&self.programs))
    }

    /// The track whose key signatures hold in a track: itself, else the first that has any.
    fn key_track(&self, track: usize) -> usize {
        let keys =
            || self.signs.iter().filter(|sign| matches!(sign.what, What::Key { .. })).map(|sign| sign.track);
        if keys().any(|with| with == track) { track } else { keys().min().unwrap_or(track) }
    }
}

/// The measures and signs of one part, in step with its notes.
struct Frame<'a> {
    part: u16,
    bars: Bars<'a>,
    /// The start of the next measure.
    bar: Option<Ticks>,
    /// When the next measure or sign is due.
    due: Ticks,
    signs: Peekable<slice::Iter<'a, Sign>>,
    /// Whose key signatures count.
    key_track: usize,
    /// Of the last measure.
    number: u32,
}

impl Frame<'_> {
    /// Tells what begins up to `onset`; `at` is the byte that made this necessary, as bars have none of their own.
    fn tell_until(&mut self, onset: Ticks, at: usize, sink: &mut Odd<'_>) -> Result<(), Stop> {
        loop {
            let bar = self.bar.filter(|&bar| bar <= onset);
            let sign = self.signs.peek().copied().filter(|sign| sign.onset <= onset);
            match (bar, sign) {
                (Some(bar), sign) if sign.is_none_or(|sign| bar <= sign.onset) => {
                    self.bar = self.bars.next();
                    self.number += 1;
                    let number = self.number.to_string();
                    sink.tell(at, Event::Measure { part: self.part, onset: bar, number: &number })?;
                }
                (_, Some(sign)) => {
                    self.signs.next();
                    self.tell_sign(sign, sink)?;
                }
                (_, None) => {
                    let sign = self.signs.peek().map(|sign| sign.onset);
                    self.due = self.bar.into_iter().chain(sign).min().unwrap_or(Ticks(i64::MAX));
                    return Ok(());
                }
            }
        }
    }

    fn tell_sign(&self, sign: &Sign, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let Sign { onset, track, at, what } = *sign;
        let (part, measure, place) = (self.part, 0, Place::byte(at));
        match what {
            What::Meter { beats, unit } => sink
                .tell(at, Event::Meter(Meter { onset, measure, part, beats: [beats].into(), unit, place })),
            What::Key { fifths, mode } if track == self.key_track => sink
                .tell(at, Event::Key(KeySignature { onset, measure, part, fifths, mode: Some(mode), place })),
            // A tempo is for all parts, and said in the first.
            What::Tempo(quarters_per_minute) if part == 0 => {
                sink.tell(at, Event::Tempo(Tempo { onset, measure, part, quarters_per_minute, place }))
            }
            What::Key { .. } | What::Tempo(_) => Ok(()),
        }
    }
}

/// Puts the notes of a track, which are in the order of their onsets, by channel if asked to, and the notes of one onset
/// by their ends, so that chords stand together. Else the order of the file stays.
fn group(notes: &mut [RawNote], by_channel: bool) {
    if by_channel && !notes.is_sorted_by_key(|note| note.channel) {
        notes.sort_by_key(|note| note.channel);
    }
    for chord in notes.chunk_by_mut(|a, b| a.on == b.on && (!by_channel || a.channel == b.channel)) {
        if chord.len() > 1 {
            chord.sort_by_key(|note| note.off);
        }
    }
}

/// A text of the file: UTF-8 where it is that, else as Windows writes Western languages. Padding goes.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.trim_ascii();
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let bytes = bytes.get(..end).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}
