//! One piece: its parts, and the telling of them.

use super::clock::{Bars, Clock};
use super::file::Header;
use super::pairing::CHANNELS;
use super::parts::{self, Voice, grouped, voices};
use super::teller::{Teller, placed};
use super::track::Track;
use super::windows::Merged;
use super::words::{Speech, Word};
use super::{Odd, ReadError};
use crate::read::{Fidelity, Grid, MidiParts, ReadOptions};
use crate::score::{AnnotationKind, Event, Field, Flags, Mode, Notation, Stop, Ticks, Unit};
use encoding_rs::WINDOWS_1252;
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::borrow::Cow;
use std::iter::repeat;

/// The channel, from 0, whose keys are drums in General MIDI.
pub(super) const DRUMS: u8 = 9;

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
    /// Their notes, if they are merged already.
    pub(super) merged: Option<Merged>,
    /// Of all tracks.
    pub(super) signs: Vec<Sign>,
    title: Option<&'a [u8]>,
    copyright: Option<&'a [u8]>,
    /// What the tracks say first of each channel's program.
    programs: [Option<u8>; CHANNELS],
    note_ons: u64,
    /// Notes of all tracks.
    pub(super) notes: u64,
    /// What the tracks say beside notes and signs.
    speeches: Vec<Speech<'a>>,
    /// How many words that are.
    pub(super) words: u64,
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
            merged: None,
            signs: if header.clock.is_real_time() { vec![tempo] } else { Vec::new() },
            title: None,
            copyright: None,
            programs: [None; CHANNELS],
            note_ons: 0,
            notes: 0,
            speeches: Vec::new(),
            words: 0,
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
        self.notes += track.count() as u64;
        self.signs.append(&mut track.signs);
        let said = std::mem::take(&mut track.said);
        if !said.is_empty() {
            self.words += said.len() as u64;
            self.speeches.push(Speech { track: track.number, said });
        }
        if track.count() > 0 {
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
        sink.tell(self.at, Event::Notation(Notation::Midi))?;
        if let Some(division) = self.clock.division() {
            sink.tell(self.at, Event::Division(division))?;
        }
        self.sort_signs();
        let mut tracks = std::mem::take(&mut self.tracks);
        let grid = options.midi.grid.as_ref();
        if let Some(grid) = grid {
            self.quantise(&mut tracks, grid, sink)?;
        }
        let default =
            if options.fidelity == Fidelity::Compat { MidiParts::Track } else { MidiParts::TrackChannel };
        let by = options.midi.parts.unwrap_or(default);
        if by != default {
            sink.warn(self.at, &format!("parts are by {}, as was asked", by.name()))?;
        }
        let tracks = grouped(tracks, by);
        let (merged, bars, places) = match self.merged.take() {
            Some(Merged { notes, bars, places }) => (Some(notes), Some(bars), places),
            None => (None, None, Vec::new()),
        };
        let mut places = places.into_iter();
        let parts = voices(&tracks, merged.as_deref().unwrap_or_default());
        let end = tracks.iter().map(|track| track.sounds_until).max().unwrap_or_default();
        // Every part repeats the signs, so many signs in many parts would fill memory.
        if self.signs.len() as u64 > options.limits.measures_max / (parts.len() as u64).max(1) {
            return Err(Stop::Failed(exceeded("measures_max", options.limits.measures_max, None)).into());
        }
        let words = self.words(&parts, grid);
        let (bars, over) = bars.unwrap_or_else(|| Bars::new(&self.signs, end).all(&options.limits));
        let mut begun = Vec::with_capacity(bars.len());
        // What a part says goes once it is told: of a long piece that is as much as its words take in the score.
        for ((part, voice), words) in parts.iter().enumerate().zip(words) {
            let Ok(part) = u16::try_from(part) else {
                return Err(Stop::Failed(exceeded("parts_max", options.limits.parts_max, None)).into());
            };
            self.tell_head(part, voice, sink)?;
            let key_track = self.key_track(voice.track.number);
            let end = repeat(self.at);
            let byte = |at: u32| at as usize;
            let line = |(&bar, at): (&Ticks, usize)| (bar, Place::byte(at));
            begun.clear();
            match places.next() {
                Some(places) => {
                    begun.extend(bars.iter().zip(places.into_iter().map(byte).chain(end)).map(line))
                }
                None => {
                    begun.extend(bars.iter().zip(placed(&bars, voice.notes).map(byte).chain(end)).map(line))
                }
            }
            sink.sink.measures(part, &begun)?;
            Teller { part, key_track }.tell(&self.signs, &words, sink)?;
        }
        for part in 0..parts.len() {
            sink.tell(self.at, Event::PartEnd { part: part as u16, end: over })?;
        }
        drop((parts, begun));
        match merged {
            Some(notes) => sink.sink.all_notes(notes)?,
            None => parts::tell(tracks, &bars, sink.sink)?,
        }
        sink.tell(self.at, Event::Declared(Unit::Notes, self.note_ons))?;
        Ok(())
    }

    /// Puts the notes on a grid, and says so.
    fn quantise(&self, tracks: &mut [Track<'_>], grid: &Grid, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let mut moved = 0_u64;
        for track in tracks {
            (track.tidy, track.sounds_until) = (false, Ticks::ZERO);
            for note in &mut track.notes {
                let (start, end) = grid.span(note.onset, note.end);
                moved += u64::from((start, end) != (note.onset, note.end));
                (note.onset, note.end) = (start, end);
                // What is on a grid is exact.
                note.flags = note.flags.without(Flags::ROUNDED);
                track.sounds_until = end.max(track.sounds_until);
            }
        }
        let message = format!(
            "quantised as was asked to multiples of 1/{} of a quarter note: {moved} of {} notes moved",
            grid.text().replace(',', " and 1/"),
            self.notes
        );
        sink.warn(self.at, &message)
    }

    /// The words of each part. What a track says belongs to one of its parts, to any if it has none: a program to the
    /// part of its channel, syllables to the part that most often begins a note with them, the rest to the first.
    fn words(&mut self, parts: &[Voice<'_>], grid: Option<&Grid>) -> Vec<Vec<Word<'a>>> {
        let mut words: Vec<Vec<Word<'a>>> = parts.iter().map(|_| Vec::new()).collect();
        let speeches = std::mem::take(&mut self.speeches);
        let karaoke = speeches.iter().any(Speech::announces_karaoke);
        let clock = self.clock;
        let time = |on| grid.map_or(clock.time(on).0, |grid| grid.nearest(clock.time(on).0));
        for speech in speeches {
            let mut own: Vec<usize> = (0..parts.len()).collect();
            own.retain(|&index| parts.get(index).is_some_and(|part| part.tracks.contains(&speech.track)));
            if own.is_empty() {
                own.extend(0..parts.len());
            }
            let mut said = speech.words(karaoke, time);
            drop(speech);
            if let &[only] = own.as_slice() {
                let channel = parts.get(only).map(|part| part.channel);
                said.retain(|word| word.channel().is_none() || word.channel() == channel);
                if let Some(words) = words.get_mut(only) {
                    // Most tracks are one part: what it says goes there as it is.
                    add(words, said);
                }
                continue;
            }
            let lyrics: Vec<Ticks> = said
                .iter()
                .filter(|word| word.kind == AnnotationKind::Lyric)
                .map(|word| word.onset)
                .collect();
            let singer = own.iter().rev().max_by_key(|&&index| {
                parts.get(index).filter(|_| !lyrics.is_empty()).map(|part| part.begins_with(&lyrics))
            });
            let mut apart: Vec<Vec<Word<'a>>> = parts.iter().map(|_| Vec::new()).collect();
            for word in said {
                let channel = word.channel();
                let sounds = |&&index: &&usize| parts.get(index).map(|part| part.channel) == channel;
                let part = match (word.kind, channel) {
                    (AnnotationKind::Lyric, _) => singer,
                    (_, Some(_)) => own.iter().find(sounds),
                    _ => own.first(),
                };
                if let Some(words) = part.and_then(|&part| apart.get_mut(part)) {
                    words.push(word);
                }
            }
            words.iter_mut().zip(apart).for_each(|(words, said)| add(words, said));
        }
        words
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

    fn tell_head(&self, part: u16, voice: &Voice<'_>, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let &Voice { track, channel, .. } = voice;
        // In format 0 the name of the track is that of the piece only.
        let name = track.name.filter(|_| self.format != 0).map(text);
        let instrument = track.instrument.map(text);
        // The kits of the drum channel are no General MIDI programs.
        let program = self.program(track, channel).filter(|_| channel != DRUMS);
        sink.tell(track.at, Event::Part { part, name: name.as_deref() })?;
        sink.tell(track.at, Event::Instrument { part, name: instrument.as_deref(), program })
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

/// Adds what was said to words that are in the order of time.
fn add<'a>(words: &mut Vec<Word<'a>>, mut said: Vec<Word<'a>>) {
    if words.is_empty() {
        *words = said;
    } else if !said.is_empty() {
        words.append(&mut said);
        words.sort_by_key(|word| word.onset);
    }
}

/// A text of the file.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    decoded(bare(bytes))
}

/// A text without its padding.
pub(super) fn bare(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

/// UTF-8 where it is that, else as Windows writes Western languages.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}
