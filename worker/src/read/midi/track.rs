//! One track: its events made into notes and signs.

use super::clock::Clock;
use super::file::Chunk;
use super::frame::{self, Frame, Kind, Stroke, WINDOW};
use super::oddity::{Oddity, Tally};
use super::pairing::{CHANNELS, Hand, Pairing, Struck, is_full};
use super::parts::Moments;
use super::piece::{DRUMS, Sign, What};
use super::words::{Said, Saying};
use super::{Odd, ReadError};
use crate::score::{Flags, Mode, Stop, Ticks};
use midly::{EventIter, MetaMessage, TrackEvent, TrackEventKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;

/// A note and its end take this many bytes at least.
pub(super) const NOTE_BYTES: usize = 6;

/// Bytes of notes that are taken before a look at the time: one at each would cost as much as it saves.
const STRETCH_BYTES: usize = 1 << 10;

/// Words of a track that there is room for once there is one.
const SAID_AT_FIRST: usize = 32;

/// What a track holds.
pub(super) struct Track<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Where its events start in the source.
    pub(super) at: usize,
    /// In the order of their note-ons.
    pub(super) notes: Vec<Struck>,
    /// Notes that were in front of them and are in the score already.
    pub(super) merged: usize,
    /// The channel of those.
    pub(super) channel: u8,
    /// Whether all notes are of one channel, and in the order of their onsets and ends, with chords marked.
    pub(super) tidy: bool,
    /// When the last note ends.
    pub(super) sounds_until: Ticks,
    pub(super) signs: Vec<Sign>,
    pub(super) said: Vec<Said<'a>>,
    /// Numbers of the tracks that the notes are from, if that is not this one alone.
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

impl<'a> Track<'a> {
    /// Nothing read yet.
    pub(super) fn new(chunk: &Chunk<'a>, room: usize) -> Self {
        Track {
            number: chunk.number,
            at: chunk.at,
            notes: Vec::with_capacity(room),
            merged: 0,
            channel: 0,
            signs: Vec::new(),
            said: Vec::new(),
            tidy: true,
            sounds_until: Ticks::ZERO,
            sources: Vec::new(),
            name: None,
            instrument: None,
            copyright: None,
            programs: [None; CHANNELS],
            note_ons: 0,
            end: 0,
        }
    }

    /// Notes that it has, or had.
    pub(super) fn count(&self) -> usize {
        self.merged + self.notes.len()
    }
}

/// Reads a track; gives it and where in the source it ends.
pub(super) fn read<'a>(
    chunk: &Chunk<'a>,
    pairing: &mut Pairing,
    bounds: &Bounds<'_>,
    sink: &mut Odd<'_>,
) -> Result<(Track<'a>, usize), ReadError> {
    let mut decoder = Decoder::new(chunk, bounds, pairing, None);
    decoder.go_on()?;
    decoder.end_notes();
    decoder.finish_notes();
    let end = chunk.at + decoder.at;
    Ok((decoder.finish(sink)?, end))
}

/// Reads the events of one track.
pub(super) struct Decoder<'a, 'r> {
    chunk: &'r Chunk<'a>,
    bounds: &'r Bounds<'r>,
    pub(super) pairing: &'r mut Pairing,
    /// Where the next event stands in the chunk.
    at: usize,
    /// Whether it pauses when there are as many notes as there is room for.
    pauses: bool,
    /// After this time it pauses, in ticks of the file.
    pub(super) until: u64,
    /// What cut the track short, and where.
    fault: Option<(usize, &'static str)>,
    /// How many notes it may have; the pairing counts in 32 bits.
    notes_max: usize,
    /// The status that running status stands for. A meta event cancels it, but many writers do not know that.
    status: Option<u8>,
    /// Whether it was cancelled.
    cancelled: bool,
    /// The bank that each channel has selected.
    banks: [u16; CHANNELS],
    /// Bank and program of each channel as they were last told.
    sounds: [(u16, u8); CHANNELS],
    /// Whether the end of the track was announced.
    ended: bool,
    /// Where a system exclusive message began that has not ended.
    exclusive: Option<usize>,
    tally: Tally,
    pub(super) track: Track<'a>,
}

impl<'a, 'r> Decoder<'a, 'r> {
    /// At the start of a track; if `room` is given, it pauses whenever there are about so many notes.
    pub(super) fn new(
        chunk: &'r Chunk<'a>,
        bounds: &'r Bounds<'r>,
        pairing: &'r mut Pairing,
        room: Option<usize>,
    ) -> Self {
        let notes_max = usize::try_from(bounds.notes_left.min(u64::from(u32::MAX - 1))).unwrap_or(usize::MAX);
        // Room that is not used takes addresses, and no memory.
        let most = (chunk.data.len() / NOTE_BYTES).min(notes_max) + 1;
        Decoder {
            chunk,
            bounds,
            pairing,
            at: 0,
            pauses: room.is_some(),
            until: u64::MAX,
            fault: None,
            notes_max,
            status: None,
            cancelled: false,
            banks: [0; CHANNELS],
            sounds: [(0, 0); CHANNELS],
            ended: false,
            exclusive: None,
            tally: Tally::default(),
            track: Track::new(chunk, room.unwrap_or(most)),
        }
    }

    /// Reads on to the end of the track, or to where it pauses; says whether it ended.
    pub(super) fn go_on(&mut self) -> Result<bool, ReadError> {
        let data = self.chunk.data;
        loop {
            self.strokes()?;
            if self.is_paused() {
                return Ok(false);
            }
            let rest = data.get(self.at..).unwrap_or(&[]);
            if rest.is_empty() || (self.ended && rest.starts_with(b"MTrk")) {
                return Ok(true);
            }
            if self.lyric(rest)? {
                continue;
            }
            let place = self.chunk.at + self.at;
            match frame::split(rest, self.status) {
                Ok(frame) => {
                    self.take(place + frame.lead, frame, rest)?;
                    self.at += frame.length;
                    continue;
                }
                Err(_) if self.ended => self.tally.add(Oddity::Rubbish, place),
                Err(fault) => self.fault = Some((place, fault)),
            }
            self.at = data.len();
            return Ok(true);
        }
    }

    /// Whether it pauses here.
    fn is_paused(&self) -> bool {
        self.pauses && (is_full(&self.track.notes) || self.track.end > self.until)
    }

    /// Whether no note is in doubt and, where `all` was read, the track ended where its chunk does.
    pub(super) fn is_plain(&self, all: bool) -> bool {
        let is_whole = self.ended && self.fault.is_none() && self.at == self.chunk.data.len();
        !self.pairing.doubts() && (is_whole || !all)
    }

    /// Takes notes up to where something else stands, or it pauses.
    fn strokes(&mut self) -> Result<(), Stop> {
        // Offsets are kept in 32 bits: beyond, they are looked at one by one.
        if self.ended || u32::try_from(self.chunk.source.len()).is_err() {
            return Ok(());
        }
        let running = self.status.filter(|_| !self.cancelled).unwrap_or(0);
        let mut run =
            Run { at: self.chunk.at + self.at, now: self.track.end, running, found: None, ended: 0 };
        let all = self.chunk.source;
        while run.now <= self.until {
            let source = all.get(..run.at + STRETCH_BYTES).unwrap_or(all);
            let notes = &mut self.track.notes;
            let before = notes.len();
            run.go_on(source, self.pairing.hand(), notes);
            self.pairing.count(run.ended);
            self.track.note_ons += (notes.len() - before) as u64;
            if let Some(one) = notes.get(self.notes_max) {
                return Err(stop("notes_max", self.bounds.limits.notes_max, one.at as usize));
            }
            match run.found {
                Some((place, key, velocity)) => {
                    self.strike(place, Ticks(run.now as i64), run.running, key, velocity)?;
                    if self.pauses && is_full(&self.track.notes) {
                        break;
                    }
                }
                // Behind the stretch it goes on.
                None if run.at + WINDOW > source.len() && source.len() < all.len() => {}
                None => break,
            }
        }
        self.track.end = run.now;
        if run.running != 0 {
            (self.status, self.cancelled) = (Some(run.running), false);
        }
        self.at = run.at - self.chunk.at;
        Ok(())
    }

    /// Takes the lyric at the front of `rest`, if it is one of less than 128 bytes after one of delta time; says whether it
    /// is. Where there are lyrics there are many.
    fn lyric(&mut self, rest: &'a [u8]) -> Result<bool, ReadError> {
        let [delta @ ..=0x7F, 0xFF, 0x05, length @ ..=0x7F, text @ ..] = rest else { return Ok(false) };
        let Some(text) = text.get(..usize::from(*length)).filter(|_| !self.ended) else { return Ok(false) };
        self.track.end += u64::from(*delta);
        self.cancelled = true;
        let place = self.chunk.at + self.at + 1;
        self.say(place, Saying::Lyric(self.text(place, text)?))?;
        self.at += 4 + text.len();
        Ok(true)
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
        self.cancelled = true;
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
        Ok(())
    }

    /// Where the track is, as the notes have it until all are read: deltas add up to less than 2^56.
    pub(super) const fn now(&self) -> Ticks {
        Ticks(self.track.end as i64)
    }

    /// Takes a note-on or note-off.
    #[inline(never)]
    fn strike(&mut self, at: usize, now: Ticks, status: u8, key: u8, velocity: u8) -> Result<(), Stop> {
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
        self.pairing.begin(notes, struck(at, now, channel, key));
        Ok(())
    }

    fn message(&mut self, place: usize, status: u8, [first, second]: [u8; 2]) -> Result<(), Stop> {
        let channel = status & 0xF;
        match status & 0xF0 {
            0x80 | 0x90 => self.strike(place, self.now(), status, first, second)?,
            // All sound off, all notes off, and the modes that imply it.
            0xB0 if matches!(first, 120 | 123..) => {
                let now = self.now();
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
        let unstruck = !self.pairing.has_struck(&self.track.notes, channel);
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

    #[inline]
    fn say(&mut self, at: usize, what: Saying<'a>) -> Result<(), Stop> {
        if self.track.said.len() as u64 >= self.bounds.words_left {
            return Err(stop("annotations_max", self.bounds.limits.annotations_max, at));
        }
        if self.track.said.capacity() == 0 {
            self.track.said.reserve(SAID_AT_FIRST);
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

    /// Ends the notes that still sound.
    pub(super) fn end_notes(&mut self) {
        let now = self.now();
        let hanging = self.pairing.finish(&mut self.track.notes, now);
        (0..hanging).for_each(|_| self.tally.add(Oddity::Hanging, self.track.at));
    }

    /// Gives the notes the ticks of a score, and puts them in order if they are of one channel.
    fn finish_notes(&mut self) {
        let (clock, now) = (self.bounds.clock, self.now().0);
        let (notes, tally) = (&mut self.track.notes, &mut self.tally);
        let timed = match clock.whole().filter(|factor| factor.checked_mul(now).is_some()) {
            // Nothing is later than now.
            Some(factor) => time_notes(notes, tally, |ticks| (Ticks(ticks.0 * factor), true)),
            None => time_notes(notes, tally, |ticks| clock.time(ticks.0.unsigned_abs())),
        };
        (self.track.sounds_until, self.track.tidy) = (timed.last, timed.channels.count_ones() <= 1);
        if self.track.tidy {
            timed.moments.mend(&mut self.track.notes);
        }
    }

    /// Counts what was odd in notes that went before the track ended.
    pub(super) fn odd(&mut self, notes: Tally) {
        self.tally.append(notes);
    }

    /// Says what was odd, and gives what was read.
    pub(super) fn finish(mut self, sink: &mut Odd<'_>) -> Result<Track<'a>, Stop> {
        let Track { number, at, .. } = self.track;
        let sound = self.fault.is_none();
        if let Some((place, fault)) = self.fault {
            sink.damage(place, format!("track {number}: {fault}"))?;
        }
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
        self.tally.tell(number, sink)?;
        Ok(self.track)
    }
}

/// What notes have in common whose times were looked at.
pub(super) struct Timed {
    /// Their chords are marked; moments may be left to mend.
    pub(super) moments: Moments,
    /// When the last of them ends.
    pub(super) last: Ticks,
    /// A bit for each channel.
    pub(super) channels: u16,
}

/// Gives notes the ticks of a score, of which `time` says whether they are exact.
#[inline(never)]
pub(super) fn time_notes(
    notes: &mut [Struck],
    tally: &mut Tally,
    time: impl Fn(Ticks) -> (Ticks, bool),
) -> Timed {
    let mut moments = Moments::new();
    let (mut last, mut channels) = (Ticks::ZERO, 0_u16);
    for (at, note) in notes.iter_mut().enumerate() {
        channels |= 1 << (note.channel & 0xF);
        let ((on, exact), (off, exact_off)) = (time(note.onset), time(note.end));
        (note.onset, note.end) = (on, off);
        note.flags = note.flags.with_if(!exact || !exact_off, Flags::ROUNDED);
        moments.take(at, note);
        last = last.max(off);
        if on == off {
            tally.add(Oddity::NoLength, note.at as usize);
        }
    }
    Timed { moments, last, channels }
}

/// A run of notes.
struct Run {
    /// Where the next event stands in the source.
    at: usize,
    /// Ticks of the file until the one before.
    now: u64,
    /// The running status, 0 where there is none.
    running: u8,
    /// Place, key and velocity of what it stopped at, if that is a note.
    found: Option<(usize, u8, u8)>,
    /// Notes that it ended.
    ended: u32,
}

impl Run {
    /// Takes notes as long as they are plain, and there is room. Nearly all of a file goes through here, and as a function
    /// of its own, with little else, it has the registers for itself.
    #[inline(never)]
    fn go_on(&mut self, source: &[u8], mut hand: Hand<'_>, notes: &mut Vec<Struck>) {
        let Run { mut at, mut now, mut running, .. } = *self;
        let mut found = None;
        while let Some(&window) = source.get(at..).and_then(<[u8]>::first_chunk) {
            let Some(stroke) = frame::stroke(window, running) else { break };
            let Stroke { delta, lead, length, status, key, velocity } = stroke;
            running = status;
            now += delta;
            let (place, time, channel) = (at + lead, Ticks(now as i64), status & 0xF);
            at += length;
            let taken = if status < 0x90 || velocity == 0 {
                hand.release(notes, channel, key, time)
            } else {
                hand.strike(notes, struck(place as u32, time, channel, key))
            };
            if !taken {
                found = Some((place, key, velocity));
                break;
            }
        }
        *self = Run { at, now, running, found, ended: hand.ended };
    }
}

/// A note that begins.
#[inline(always)]
fn struck(at: u32, now: Ticks, channel: u8, key: u8) -> Struck {
    let flags = Flags::NONE.with_if(channel == DRUMS, Flags::UNPITCHED);
    Struck { onset: now, end: now, at, channel, key, flags }
}

fn stop(limit: &str, most: u64, at: usize) -> Stop {
    Stop::Failed(exceeded(limit, most, Some(Place::byte(at))))
}
