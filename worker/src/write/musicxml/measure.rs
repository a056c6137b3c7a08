//! The measures of a part: what stands in each, and how it is written voice by voice.

use super::value::value;
use super::{can_say, divisions, text};
use crate::score::{
    Annotation, AnnotationKind, Flags, KeySignature, Mark, MarkAt, Measure, Meter, Note, Part, Rest, Score,
    Tempo, Ticks,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A note or rest, or what of it stands in one measure.
#[derive(Clone, Copy, Debug)]
enum Item<'a> {
    Note { note: &'a Note, flags: Flags },
    Rest { rest: Rest },
}

/// An item, from the start of its measure.
#[derive(Clone, Copy, Debug)]
struct Placed<'a> {
    offset: Ticks,
    duration: Ticks,
    item: Item<'a>,
}

/// What is to be said of a moment before the notes.
#[derive(Clone, Copy, Debug)]
enum Sign<'a> {
    Key(&'a KeySignature),
    Meter(&'a Meter),
    Tempo(&'a Tempo),
}

/// What stands in one measure of a part.
#[derive(Debug)]
pub(super) struct Filled<'a> {
    measure: &'a Measure,
    signs: Vec<(Ticks, Sign<'a>)>,
    voices: BTreeMap<u8, Vec<Placed<'a>>>,
    marks: Vec<&'a MarkAt>,
}

/// The measures of a part.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) measures: Vec<Filled<'a>>,
}

impl<'a> Contents<'a> {
    /// What stands in the measures of a part. What goes on over a bar line stands in several.
    pub(super) fn of(score: &'a Score, part: u16) -> Self {
        let (own, longest) = (score.measures_of(part), longest(score));
        // Measures are told apart by their numbers in a row, in all parts alike: a part that comes later, or counts
        // otherwise, goes by the measures of the longest.
        let alike = own.iter().zip(longest).all(|(own, other)| own.onset == other.onset);
        let measures = if alike && !own.is_empty() { own } else { longest };
        let filled = measures.iter().map(|measure| Filled {
            measure,
            signs: Vec::new(),
            voices: BTreeMap::new(),
            marks: Vec::new(),
        });
        let mut contents = Contents { measures: filled.collect() };
        for rest in score.rests.iter().filter(|rest| rest.part == part) {
            contents.place(rest.voice, rest.onset, rest.duration, |_, _| Item::Rest { rest });
        }
        for note in score.notes.iter().filter(|note| note.part == part && can_say(note)) {
            contents.place(note.voice, note.onset, note.duration, |comes, goes| {
                let flags = note.flags.with_if(comes, Flags::TIE_STOP).with_if(goes, Flags::TIE_START);
                Item::Note { note, flags }
            });
        }
        for key in score.keys.iter().filter(|key| key.part == part) {
            contents.sign(key.onset, Sign::Key(key));
        }
        for meter in score.meters.iter().filter(|meter| meter.part == part) {
            contents.sign(meter.onset, Sign::Meter(meter));
        }
        for tempo in score.tempi.iter().filter(|tempo| tempo.part == part) {
            contents.sign(tempo.onset, Sign::Tempo(tempo));
        }
        for mark in score.marks.iter().filter(|mark| mark.part == part) {
            let index = usize::try_from(mark.measure).unwrap_or(usize::MAX);
            let here = own.get(index).map(|measure| contents.index(measure.onset));
            if let Some(filled) = here.and_then(|here| contents.measures.get_mut(here)) {
                filled.marks.push(mark);
            }
        }
        for filled in &mut contents.measures {
            filled.signs.sort_by_key(|(offset, _)| *offset);
            filled.voices.values_mut().for_each(|items| items.sort_by_key(|placed| placed.offset));
        }
        contents
    }

    /// The measure that a moment lies in. A source may write something before the bar line that it sounds behind.
    fn index(&self, onset: Ticks) -> usize {
        self.measures.partition_point(|filled| filled.measure.onset <= onset).saturating_sub(1)
    }

    fn sign(&mut self, onset: Ticks, sign: Sign<'a>) {
        let index = self.index(onset);
        if let Some(filled) = self.measures.get_mut(index) {
            filled.signs.push((since(onset, filled.measure.onset), sign));
        }
    }

    /// Puts an item where it stands, and what of it lies behind a bar line into the measures there. `item` is told whether it
    /// comes over a bar line, and whether it goes on over one.
    fn place(&mut self, voice: u8, onset: Ticks, duration: Ticks, item: impl Fn(bool, bool) -> Item<'a>) {
        let (mut index, mut offset_in, mut left, mut comes) = (self.index(onset), None, duration, false);
        loop {
            let next = self.measures.get(index + 1).map(|filled| filled.measure.onset);
            let Some(filled) = self.measures.get_mut(index) else { return };
            let offset = offset_in.unwrap_or_else(|| since(onset, filled.measure.onset));
            let room = next.map(|next| since(next, filled.measure.onset + offset));
            let here = room.filter(|room| room.is_positive() && *room < left).unwrap_or(left);
            let goes = here < left;
            let placed = Placed { offset, duration: here, item: item(comes, goes) };
            filled.voices.entry(voice).or_default().push(placed);
            if !goes {
                return;
            }
            (index, offset_in, left, comes) = (index + 1, Some(Ticks::ZERO), left - here, true);
        }
    }
}

/// The measures of the part that has most of those that begin first, of several the first.
fn longest(score: &Score) -> &[Measure] {
    let parts = (0..score.parts.len()).filter_map(|part| u16::try_from(part).ok());
    let measures = parts.map(|part| score.measures_of(part)).filter(|measures| !measures.is_empty());
    let start = |measures: &[Measure]| measures.first().map(|first| Reverse(first.onset));
    measures.rev().max_by_key(|measures| (start(measures), measures.len())).unwrap_or_default()
}

/// How long after another a moment is; nothing if it is before.
fn since(moment: Ticks, start: Ticks) -> Ticks {
    (moment - start).max(Ticks::ZERO)
}

/// Writes the measures of one part, one after the other.
pub(super) struct Writer<'a, 'out> {
    score: &'a Score,
    part: &'a Part,
    unit: Ticks,
    out: &'out mut dyn Write,
    pub(super) divisions: i64,
    begun: bool,
    transpose: i8,
    /// Length of a full measure, by the meter in force.
    full: Option<Ticks>,
    /// Where in the measure the next thing stands.
    now: Ticks,
    /// Of each voice and verse, whether a word goes on.
    open_words: BTreeMap<(u8, u8), bool>,
    /// The syllables of the score, in its order.
    sung: Vec<Annotation>,
}

impl<'a, 'out> Writer<'a, 'out> {
    pub(super) fn new(score: &'a Score, part: &'a Part, unit: Ticks, out: &'out mut dyn Write) -> Self {
        Writer {
            score,
            part,
            unit,
            out,
            divisions: 1,
            begun: false,
            transpose: 0,
            full: None,
            now: Ticks::ZERO,
            open_words: BTreeMap::new(),
            sung: score.annotations.iter().filter(|word| word.kind == AnnotationKind::Lyric).collect(),
        }
    }

    pub(super) fn measure(&mut self, filled: &Filled<'_>) -> io::Result<()> {
        let measure = filled.measure;
        let number = self.score.number(measure);
        writeln!(self.out, "<measure number=\"{}\">", text(&number))?;
        self.now = Ticks::ZERO;
        self.barline(filled, false)?;
        if !self.begun {
            self.begun = true;
            let staves = self.part.staves;
            write!(self.out, "<attributes><divisions>{}</divisions>", self.divisions)?;
            if staves > 1 {
                write!(self.out, "<staves>{staves}</staves>")?;
            }
            writeln!(self.out, "</attributes>")?;
        }
        self.jumps(filled, false)?;
        for (offset, sign) in &filled.signs {
            self.go(*offset)?;
            self.sign(*sign)?;
        }
        let mut reached = Ticks::ZERO;
        for items in filled.voices.values() {
            let mut before: Option<&Placed<'_>> = None;
            for placed in items {
                self.item(placed, before)?;
                before = Some(placed);
                reached = reached.max(self.now);
            }
        }
        let end = reached.max(measure.duration);
        self.go(end)?;
        self.jumps(filled, true)?;
        self.barline(filled, true)?;
        writeln!(self.out, "</measure>")
    }

    /// Moves to a moment of the measure.
    fn go(&mut self, to: Ticks) -> io::Result<()> {
        let (name, by) = if to > self.now { ("forward", to - self.now) } else { ("backup", self.now - to) };
        self.now = to;
        match divisions(by, self.unit) {
            0 => Ok(()),
            by => writeln!(self.out, "<{name}><duration>{by}</duration></{name}>"),
        }
    }

    fn sign(&mut self, sign: Sign<'_>) -> io::Result<()> {
        if let Sign::Meter(meter) = sign {
            self.full = meter.measure_duration();
        }
        match sign {
            Sign::Key(key) => {
                let mode = key.mode.map(|mode| format!("<mode>{}</mode>", mode.name())).unwrap_or_default();
                let fifths = key.fifths;
                writeln!(self.out, "<attributes><key><fifths>{fifths}</fifths>{mode}</key></attributes>")
            }
            Sign::Meter(meter) if meter.beats.is_empty() => {
                writeln!(self.out, "<attributes><time><senza-misura/></time></attributes>")
            }
            Sign::Meter(meter) => {
                let beats: Vec<String> = meter.beats.iter().map(u16::to_string).collect();
                let (beats, unit) = (beats.join("+"), meter.unit);
                write!(self.out, "<attributes><time><beats>{beats}</beats><beat-type>{unit}</beat-type>")?;
                writeln!(self.out, "</time></attributes>")
            }
            Sign::Tempo(tempo) => writeln!(self.out, "<sound tempo=\"{}\"/>", tempo.quarters_per_minute),
        }
    }

    fn item(&mut self, placed: &Placed<'_>, before: Option<&Placed<'_>>) -> io::Result<()> {
        match placed.item {
            Item::Rest { rest } => self.rest(placed, &rest),
            Item::Note { note, flags } => self.note(placed, note, flags, before),
        }
    }

    fn rest(&mut self, placed: &Placed<'_>, rest: &Rest) -> io::Result<()> {
        self.go(placed.offset)?;
        let hidden = if rest.flags.has(Flags::HIDDEN) { " print-object=\"no\"" } else { "" };
        // Whoever reads this takes the length of the meter.
        let fills = placed.offset == Ticks::ZERO && self.full == Some(placed.duration);
        let whole = if fills && rest.flags.has(Flags::WHOLE_MEASURE) { " measure=\"yes\"" } else { "" };
        write!(self.out, "<note{hidden}>")?;
        self.cue(rest.flags)?;
        write!(self.out, "<rest{whole}/>")?;
        self.length(placed.duration, false)?;
        self.voice(rest.voice)?;
        self.value(placed.duration)?;
        self.staff(rest.staff)?;
        writeln!(self.out, "</note>")
    }

    fn note(
        &mut self,
        placed: &Placed<'_>,
        note: &Note,
        flags: Flags,
        before: Option<&Placed<'_>>,
    ) -> io::Result<()> {
        // What takes no time can only be said as a grace note.
        let grace = !placed.duration.is_positive();
        let chord = before.is_some_and(|before| {
            let Item::Note { note: other, .. } = before.item else { return false };
            let alike = before.offset == placed.offset && before.duration == placed.duration;
            let joins = flags.has(Flags::CHORD) || (!grace && other.staff == note.staff);
            alike && joins && other.transpose == note.transpose
        });
        if !chord {
            self.go(placed.offset)?;
            self.transposed(note.transpose)?;
        }
        let hidden = if flags.has(Flags::HIDDEN) { " print-object=\"no\"" } else { "" };
        write!(self.out, "<note{hidden}>")?;
        if grace {
            write!(self.out, "<grace/>")?;
        }
        self.cue(flags)?;
        if chord {
            write!(self.out, "<chord/>")?;
        }
        self.pitch(note)?;
        self.length(placed.duration, chord)?;
        let ties = [(Flags::TIE_STOP, "stop"), (Flags::TIE_START, "start")];
        let ties = ties.into_iter().filter(|(flag, _)| flags.has(*flag));
        for (_, kind) in ties.clone() {
            write!(self.out, "<tie type=\"{kind}\"/>")?;
        }
        self.voice(note.voice)?;
        self.value(placed.duration)?;
        self.staff(note.staff)?;
        if flags.has(Flags::TIE_STOP) || flags.has(Flags::TIE_START) {
            write!(self.out, "<notations>")?;
            for (_, kind) in ties {
                write!(self.out, "<tied type=\"{kind}\"/>")?;
            }
            write!(self.out, "</notations>")?;
        }
        // A syllable stands under the first note of its chord.
        if !chord && !grace && !flags.has(Flags::TIE_STOP) {
            self.syllables(note)?;
        }
        writeln!(self.out, "</note>")
    }

    fn cue(&mut self, flags: Flags) -> io::Result<()> {
        if flags.has(Flags::CUE) { write!(self.out, "<cue/>") } else { Ok(()) }
    }

    fn transposed(&mut self, semitones: i8) -> io::Result<()> {
        if std::mem::replace(&mut self.transpose, semitones) == semitones {
            return Ok(());
        }
        writeln!(
            self.out,
            "<attributes><transpose><chromatic>{semitones}</chromatic></transpose></attributes>"
        )
    }

    fn pitch(&mut self, note: &Note) -> io::Result<()> {
        let (step, octave) = (note.written.step, note.written.octave);
        if !note.is_pitched() {
            write!(self.out, "<unpitched><display-step>{step:?}</display-step>")?;
            return write!(self.out, "<display-octave>{octave}</display-octave></unpitched>");
        }
        write!(self.out, "<pitch><step>{step:?}</step>")?;
        match note.written.alter {
            0 => {}
            cents if cents % 100 == 0 => write!(self.out, "<alter>{}</alter>", cents / 100)?,
            cents => write!(self.out, "<alter>{}</alter>", f64::from(cents) / 100.0)?,
        }
        write!(self.out, "<octave>{octave}</octave></pitch>")
    }

    /// The length of what stands next, which moves on unless it sounds with what stood before.
    fn length(&mut self, duration: Ticks, chord: bool) -> io::Result<()> {
        if !duration.is_positive() {
            return Ok(());
        }
        if !chord {
            self.now += duration;
        }
        write!(self.out, "<duration>{}</duration>", divisions(duration, self.unit))
    }

    fn voice(&mut self, voice: u8) -> io::Result<()> {
        write!(self.out, "<voice>{voice}</voice>")
    }

    fn value(&mut self, duration: Ticks) -> io::Result<()> {
        let Some(value) = value(duration) else { return Ok(()) };
        write!(self.out, "<type>{}</type>", value.head)?;
        (0..value.dots).try_for_each(|_| write!(self.out, "<dot/>"))?;
        let (actual, normal) = value.tuplet;
        if actual == normal {
            return Ok(());
        }
        write!(self.out, "<time-modification><actual-notes>{actual}</actual-notes>")?;
        write!(self.out, "<normal-notes>{normal}</normal-notes></time-modification>")
    }

    fn staff(&mut self, staff: u8) -> io::Result<()> {
        if self.part.staves > 1 { write!(self.out, "<staff>{staff}</staff>") } else { Ok(()) }
    }

    fn syllables(&mut self, note: &Note) -> io::Result<()> {
        let moment = (note.onset, note.part);
        let mut at = self.sung.partition_point(|word| (word.onset, word.part) < moment);
        while let Some(&word) = self.sung.get(at).filter(|word| (word.onset, word.part) == moment) {
            if word.voice == note.voice || word.voice == 0 {
                self.syllable(&word)?;
            }
            at += 1;
        }
        Ok(())
    }

    fn syllable(&mut self, word: &Annotation) -> io::Result<()> {
        let said = self.score.text(word);
        let (said, held) = said.strip_suffix('_').map_or((said, false), |said| (said, true));
        let (said, goes) = said.strip_suffix('-').map_or((said, false), |said| (said, true));
        let open = self.open_words.insert((word.voice, word.number), goes).unwrap_or(false);
        let kind = match (open, goes) {
            (false, false) => "single",
            (false, true) => "begin",
            (true, true) => "middle",
            (true, false) => "end",
        };
        let extend = if held { "<extend/>" } else { "" };
        write!(self.out, "<lyric number=\"{}\"><syllabic>{kind}</syllabic>", word.number)?;
        write!(self.out, "<text>{}</text>{extend}</lyric>", text(said))
    }

    /// Repeats and endings at one side of a measure.
    fn barline(&mut self, filled: &Filled<'_>, at_end: bool) -> io::Result<()> {
        let (mut ending, mut repeat) = (String::new(), String::new());
        for mark in filled.marks.iter().filter(|mark| mark.at_end == at_end) {
            match mark.mark {
                Mark::RepeatStart => repeat = "<repeat direction=\"forward\"/>".to_owned(),
                Mark::RepeatEnd { times } => {
                    repeat = format!("<repeat direction=\"backward\" times=\"{times}\"/>");
                }
                Mark::EndingStart(endings) => {
                    let passes = (1..64).filter(|pass| endings.has(*pass)).map(|pass: u8| pass.to_string());
                    let passes: Vec<String> = passes.collect();
                    ending = format!("<ending number=\"{}\" type=\"start\"/>", passes.join(","));
                }
                Mark::EndingEnd => ending = "<ending number=\"1\" type=\"stop\"/>".to_owned(),
                _ => {}
            }
        }
        if ending.is_empty() && repeat.is_empty() {
            return Ok(());
        }
        let location = if at_end { "right" } else { "left" };
        writeln!(self.out, "<barline location=\"{location}\">{ending}{repeat}</barline>")
    }

    /// Signs to jump by, at one side of a measure.
    fn jumps(&mut self, filled: &Filled<'_>, at_end: bool) -> io::Result<()> {
        for mark in filled.marks.iter().filter(|mark| mark.at_end == at_end) {
            let sound = match mark.mark {
                Mark::Segno => "segno=\"segno\"",
                Mark::Coda => "coda=\"coda\"",
                Mark::ToCoda => "tocoda=\"coda\"",
                Mark::DaCapo => "dacapo=\"yes\"",
                Mark::DalSegno => "dalsegno=\"segno\"",
                Mark::Fine => "fine=\"yes\"",
                _ => continue,
            };
            writeln!(self.out, "<sound {sound}/>")?;
        }
        Ok(())
    }
}
