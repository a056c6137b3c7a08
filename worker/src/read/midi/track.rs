//! One track: its events made into notes and signs.

use super::clock::Clock;
use super::file::Chunk;
use super::frame::{self, Frame, Kind, Stroke};
use super::oddity::{Oddity, Tally};
use super::pairing::{CHANNELS, Pairing, Struck};
use super::parts::Moments;
use super::piece::{DRUMS, Sign, What};
use super::words::{Said, Saying};
use super::{Odd, ReadError};
use crate::score::{Flags, Mode, Stop, Ticks};
use midly::{EventIter, MetaMessage, TrackEvent, TrackEventKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;

/// A note and its end take this many bytes at least.
const NOTE_BYTES: usize = 6;

/// What a track holds.
pub(super) struct Track<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Where its events start in the source.
    pub(super) at: usize,
    /// In the order of their note-ons.
    pub(super) notes: Vec<Struck>,
    /// Whether all notes are of one channel, and in the order of their onsets and ends, with chords marked.
    pub(super) tidy: bool,
    /// When the last note ends.
    pub(super) sounds_until: Ticks,
    pub(super) signs: Vec<Sign>,
    pub(super) said: Vec<Said<'a>>,
    /// Numbers of the tracks that the notes are from.
    pub(super) sources: Vec<usize>,
    pub(super) name: Option<&'a [u8]>,
    pub(super) instrument: Option<&'a [u8]>,
    pub(super) copyright: Option<&'a [u8]>,
    /// The program of each channel at its first note, from 1.
    pub(super) programs: [Option<u8>; CHANNELS],
    /// Note-ons, counted apart from the notes that they make.
    pub(super) note_ons: u64,
    /// When it ends.
    pub(super) end: u64,
}

impl Track<'_> {
    /// The same without what happens in it.
    pub(super) fn head(&self) -> Self {
        let (notes, signs, said) = (Vec::new(), Vec::new(), Vec::new());
        Track { notes, signs, said, sources: Vec::new(), ..*self }
    }
}

/// What bounds the reading of a track.
pub(super) struct Bounds<'r> {
    pub(super) clock: Clock,
    pub(super) limits: &'r Limits,
    /// How many notes it may have.
    pub(super) notes_left: u64,
    /// How many signs. Each can begin a measure, so the limit on measures is theirs.
    pub(super) signs_left: u64,
    /// How many words.
    pub(super) words_left: u64,
}

/// Reads a track; gives it and where in the source it ends.
pub(super) fn read<'a>(
    chunk: &Chunk<'a>,
    pairing: &mut Pairing,
    bounds: &Bounds<'_>,
    sink: &mut Odd<'_>,
) -> Result<(Track<'a>, usize), ReadError> {
    let notes_max = usize::try_from(bounds.notes_left.min(u64::from(u32::MAX - 1))).unwrap_or(usize::MAX);
    let mut decoder = Decoder {
        chunk,
        bounds,
        pairing,
        notes_max,
        status: None,
        cancelled: false,
        scale: bounds.clock.whole().unwrap_or(1),
        banks: [0; CHANNELS],
        sounds: [(0, 0); CHANNELS],
        ended: false,
        exclusive: None,
        tally: Tally::default(),
        track: Track {
            number: chunk.number,
            at: chunk.at,
            // Room that is not used takes addresses, and no memory.
            notes: Vec::with_capacity((chunk.data.len() / NOTE_BYTES).min(notes_max)),
            signs: Vec::new(),
            said: Vec::new(),
            tidy: true,
            sounds_until: Ticks::ZERO,
            sources: vec![chunk.number],
            name: None,
            instrument: None,
            copyright: None,
            programs: [None; CHANNELS],
            note_ons: 0,
            end: 0,
        },
    };
    let end = decoder.run(sink)?;
    Ok((decoder.track, chunk.at + end))
}

struct Decoder<'a, 'r> {
    chunk: &'r Chunk<'a>,
    bounds: &'r Bounds<'r>,
    pairing: &'r mut Pairing,
    /// How many notes it may have; the pairing counts in 32 bits.
    notes_max: usize,
    /// The status that running status stands for. A meta event cancels it, but many writers do not know that.
    status: Option<u8>,
    /// Whether it was cancelled.
    cancelled: bool,
    /// Ticks of a score that a tick of the notes has: 1 where that is not whole, and the notes wait for the end.
    scale: i64,
    /// The bank that each channel has selected.
    banks: [u16; CHANNELS],
    /// Bank and program of each channel as they were last told.
    sounds: [(u16, u8); CHANNELS],
    /// Whether the end of the track was announced.
    ended: bool,
    /// Where a system exclusive message began that has not ended.
    exclusive: Option<usize>,
    tally: Tally,
    track: Track<'a>,
}

impl<'a> Decoder<'a, '_> {
    /// Reads the events; gives the end of the track within its chunk.
    fn run(&mut self, sink: &mut Odd<'_>) -> Result<usize, ReadError> {
        let data = self.chunk.data;
        let mut at = 0;
        let sound = loop {
            at = self.strokes(at)?;
            let rest = data.get(at..).unwrap_or(&[]);
            if rest.is_empty() || (self.ended && rest.starts_with(b"MTrk")) {
                break true;
            }
            let frame = match frame::split(rest, self.status) {
                Ok(frame) => frame,
                Err(_) if self.ended => {
                    self.tally.add(Oddity::Rubbish, self.chunk.at + at);
                    at = data.len();
                    break true;
                }
                Err(fault) => {
                    sink.damage(self.chunk.at + at, format!("track {}: {fault}", self.track.number))?;
                    at = data.len();
                    break false;
                }
            };
            self.take(self.chunk.at + at + frame.lead, frame, rest)?;
            at += frame.length;
        };
        self.finish(sound, sink)?;
        Ok(at)
    }

    /// Takes the notes from `at` to where something else stands; gives that place. Nearly all of a file goes through here,
    /// and as a function of its own it has the registers for itself.
    #[inline(never)]
    fn strokes(&mut self, mut at: usize) -> Result<usize, Stop> {
        if self.ended {
            return Ok(at);
        }
        let data = self.chunk.data;
        let mut running = self.status.filter(|_| !self.cancelled).unwrap_or(0);
        let (mut now, from) = (self.track.end, self.chunk.at);
        while let Some(&window) = data.get(at..).and_then(<[u8]>::first_chunk) {
            let Some(stroke) = frame::stroke(window, running) else { break };
            let Stroke { delta, lead, length, status, key, velocity } = stroke;
            running = status;
            now += delta;
            self.strike(from + at + lead, now, status, key, velocity)?;
            at += length;
        }
        self.track.end = now;
        if running != 0 {
            (self.status, self.cancelled) = (Some(running), false);
        }
        Ok(at)
    }

    /// Takes the event at the front of `rest`.
    fn take(&mut self, place: usize, frame: Frame, rest: &'a [u8]) -> Result<(), ReadError> {
        self.track.end += frame.delta;
        if self.ended {
            self.tally.add(Oddity::AfterEnd, place);
        }
        match frame.kind {
            Kind::Message { status, running, data } => {
                if running && self.cancelled {
                    self.tally.add(Oddity::Carried, place);
                }
                self.status = Some(status);
                self.cancelled = false;
                self.message(place, status, data)?;
            }
            Kind::Stray => self.tally.add(Oddity::Skipped, place),
            Kind::Long => self.long(place, rest.get(..frame.length).unwrap_or(rest))?,
        }
        Ok(())
    }

    /// Takes a meta or system exclusive event.
    fn long(&mut self, place: usize, event: &'a [u8]) -> Result<(), ReadError> {
        match EventIter::new(event).next() {
            Some(Ok(TrackEvent { kind: TrackEventKind::Meta(meta), .. })) => self.meta(place, meta)?,
            Some(Ok(TrackEvent { kind: TrackEventKind::SysEx(data), .. })) => {
                self.exclusive = (data.last() != Some(&0xF7)).then_some(place);
            }
            Some(Ok(TrackEvent { kind: TrackEventKind::Escape(data), .. })) => {
                self.exclusive = self.exclusive.filter(|_| data.last() != Some(&0xF7));
            }
            _ => self.tally.add(Oddity::Skipped, place),
        }
        self.cancelled = true;
        Ok(())
    }

    /// A time of the file as the notes have it.
    #[inline(always)]
    fn scaled(&self, ticks: u64) -> Ticks {
        // Deltas add up to less than 2^56.
        Ticks((ticks as i64).saturating_mul(self.scale))
    }

    /// Takes a note-on or note-off.
    #[inline(always)]
    fn strike(&mut self, at: usize, now: u64, status: u8, key: u8, velocity: u8) -> Result<(), Stop> {
        let now = self.scaled(now);
        let notes = &mut self.track.notes;
        let channel = status & 0xF;
        if status < 0x90 || velocity == 0 {
            if self.pairing.release(notes, channel, key, now) == 0 {
                self.tally.add(Oddity::Orphan, at);
            }
            return Ok(());
        }
        if notes.len() >= self.notes_max {
            return Err(stop("notes_max", self.bounds.limits.notes_max, at));
        }
        self.track.note_ons += 1;
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let flags = Flags::NONE.with_if(channel == DRUMS, Flags::UNPITCHED);
        self.pairing.begin(notes, Struck { onset: now, end: now, at, channel, key, flags });
        Ok(())
    }

    fn message(&mut self, place: usize, status: u8, [first, second]: [u8; 2]) -> Result<(), Stop> {
        let channel = status & 0xF;
        match status & 0xF0 {
            0x80 | 0x90 => self.strike(place, self.track.end, status, first, second)?,
            // All sound off, all notes off, and the modes that imply it.
            0xB0 if matches!(first, 120 | 123..) => {
                let now = self.scaled(self.track.end);
                self.pairing.silence(&mut self.track.notes, channel, now);
            }
            0xB0 if matches!(first, 0 | 32) => {
                if let Some(bank) = self.banks.get_mut(usize::from(channel)) {
                    let (high, low) = (*bank & !0x7F, *bank & 0x7F);
                    *bank = if first == 0 { u16::from(second) << 7 | low } else { high | u16::from(second) };
                }
            }
            0xC0 => self.program(place, channel, first + 1)?,
            _ => {}
        }
        Ok(())
    }

    /// A channel gets a program: its part has it, if no note came before; else it is a word, as is a bank.
    fn program(&mut self, place: usize, channel: u8, program: u8) -> Result<(), Stop> {
        let at = usize::from(channel);
        let unstruck = !self.pairing.has_struck(channel);
        let (Some(slot), Some(told)) = (self.track.programs.get_mut(at), self.sounds.get_mut(at)) else {
            return Ok(());
        };
        let bank = self.banks.get(at).copied().unwrap_or(0);
        if unstruck || slot.is_none() {
            *slot = Some(program);
        }
        let before = std::mem::replace(told, (bank, program));
        if before == (bank, program) || (unstruck && bank == 0) {
            return Ok(());
        }
        self.say(place, Saying::Program { channel, bank, program })
    }

    fn meta(&mut self, place: usize, meta: MetaMessage<'a>) -> Result<(), ReadError> {
        match meta {
            MetaMessage::TrackName(text) => {
                self.track.name = self.track.name.or(Some(self.text(place, text)?))
            }
            MetaMessage::InstrumentName(text) => {
                self.track.instrument = self.track.instrument.or(Some(self.text(place, text)?));
            }
            MetaMessage::Copyright(text) => {
                self.track.copyright = self.track.copyright.or(Some(self.text(place, text)?));
            }
            MetaMessage::Text(text) => self.say(place, Saying::Text(self.text(place, text)?))?,
            MetaMessage::Lyric(text) => self.say(place, Saying::Lyric(self.text(place, text)?))?,
            MetaMessage::Marker(text) => self.say(place, Saying::Marker(self.text(place, text)?))?,
            MetaMessage::CuePoint(text) => self.say(place, Saying::Cue(self.text(place, text)?))?,
            MetaMessage::EndOfTrack => {
                self.ended = true;
                // Zeros that follow are filling and not notes.
                self.status = None;
            }
            MetaMessage::Tempo(_) if self.bounds.clock.is_real_time() => {}
            MetaMessage::Tempo(micros) if micros.as_int() > 0 => {
                self.sign(place, What::Tempo(60e6 / f64::from(micros.as_int())))?;
            }
            // Ticks measure down to 1/1024 notes exactly.
            MetaMessage::TimeSignature(beats, power @ ..=10, ..) if beats > 0 => {
                self.sign(place, What::Meter { beats: u16::from(beats), unit: 1 << power })?;
            }
            MetaMessage::KeySignature(fifths @ -7..=7, minor) => {
                let mode = if minor { Mode::Minor } else { Mode::Major };
                self.sign(place, What::Key { fifths, mode })?;
            }
            MetaMessage::Tempo(_)
            | MetaMessage::TimeSignature(..)
            | MetaMessage::KeySignature(..)
            | MetaMessage::Unknown(0x51 | 0x58, _) => self.tally.add(Oddity::OutOfRange, place),
            _ => {}
        }
        Ok(())
    }

    fn text(&self, place: usize, text: &'a [u8]) -> Result<&'a [u8], Stop> {
        let most = self.bounds.limits.token_bytes_max;
        if text.len() as u64 > most {
            return Err(stop("token_bytes_max", most, place));
        }
        Ok(text)
    }

    fn say(&mut self, at: usize, what: Saying<'a>) -> Result<(), Stop> {
        if self.track.said.len() as u64 >= self.bounds.words_left {
            return Err(stop("annotations_max", self.bounds.limits.annotations_max, at));
        }
        self.track.said.push(Said { on: self.track.end, at, what });
        Ok(())
    }

    fn sign(&mut self, at: usize, what: What) -> Result<(), Stop> {
        if self.track.signs.len() as u64 >= self.bounds.signs_left {
            return Err(stop("measures_max", self.bounds.limits.measures_max, at));
        }
        let (onset, _) = self.bounds.clock.time(self.track.end);
        self.track.signs.push(Sign { onset, track: self.track.number, at, what });
        Ok(())
    }

    /// Gives the notes the ticks of a score where they have those of the file, which add up to less than 2^56, and puts
    /// them in order if they are of one channel.
    #[inline(never)]
    fn finish_notes(&mut self, alone: bool) {
        let Track { notes, tidy, sounds_until, .. } = &mut self.track;
        let clock = self.bounds.clock;
        let whole = clock.whole().is_some();
        let mut last = Ticks::ZERO;
        let mut moments = Moments::new();
        for (at, note) in notes.iter_mut().enumerate() {
            if note.end == note.onset {
                self.tally.add(Oddity::NoLength, note.at as usize);
            }
            if !whole {
                let (on, exact) = clock.time(note.onset.0.unsigned_abs());
                let (off, exact_off) = clock.time(note.end.0.unsigned_abs());
                (note.onset, note.end) = (on, off);
                note.flags = note.flags.with_if(!exact || !exact_off, Flags::ROUNDED);
            }
            moments.take(at, note);
            last = last.max(note.end);
        }
        if alone {
            moments.mend(notes);
        }
        (*tidy, *sounds_until) = (alone, last);
    }

    /// Ends the notes that still sound and says what was odd. `sound` says that nothing was lost.
    fn finish(&mut self, sound: bool, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let Track { number, at, end, .. } = self.track;
        let (alone, now) = (self.pairing.is_one_channel(), self.scaled(end));
        let hanging = self.pairing.finish(&mut self.track.notes, now);
        (0..hanging).for_each(|_| self.tally.add(Oddity::Hanging, at));
        self.finish_notes(alone);
        if let Some(place) = self.exclusive {
            self.tally.add(Oddity::OpenExclusive, place);
        }
        match self.chunk.short_of {
            Some(declared) if sound && !self.ended => {
                let there = self.chunk.data.len();
                let message =
                    format!("track {number}: the file ends in it, {there} bytes of {declared} are there");
                sink.damage(at + there, message)?;
            }
            Some(_) => self.tally.add(Oddity::WrongLength, at),
            None if sound && !self.ended => self.tally.add(Oddity::NoEnd, at + self.chunk.data.len()),
            None => {}
        }
        self.tally.tell(number, sink)
    }
}

fn stop(limit: &str, most: u64, at: usize) -> Stop {
    Stop::Failed(exceeded(limit, most, Some(Place::byte(at))))
}
