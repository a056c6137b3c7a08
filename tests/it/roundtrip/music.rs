//! Random music that every format can say, and what is to be heard of it.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use worker::score::{Flags, Pitch, Score, Step, TICKS_PER_QUARTER, Ticks};

/// Parts of a quarter note in which lengths are counted: halves, thirds, quarters and fifths are whole.
pub(super) const QUARTER: u32 = 60;

/// How one or two beats are filled: lengths, and how many notes of a tuplet take the time of how many.
const RHYTHMS: [(&[u32], (u32, u32)); 9] = [
    (&[60], (1, 1)),
    (&[30, 30], (1, 1)),
    (&[45, 15], (1, 1)),
    (&[15, 15, 15, 15], (1, 1)),
    (&[20, 20, 20], (3, 2)),
    (&[40, 20], (3, 2)),
    (&[12, 12, 12, 12, 12], (5, 4)),
    (&[120], (1, 1)),
    (&[90, 30], (1, 1)),
];

/// Of the rhythms, those that take one beat.
const OF_ONE_BEAT: usize = 7;

/// A piece; the measures of all parts are the same.
#[derive(Clone, Debug)]
pub(super) struct Music {
    /// Quarter notes of each measure.
    pub(super) beats: Vec<u32>,
    /// The first measure is cut short: the meter is that of the second.
    pub(super) pickup: bool,
    /// Sharps, or flats if negative.
    pub(super) fifths: i8,
    pub(super) parts: Vec<Vec<Bar>>,
}

/// A measure of a part.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    /// One voice, two or three, each of which fills it.
    pub(super) voices: Vec<Vec<Item>>,
}

/// A note, chord or rest.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// From the start of the measure.
    pub(super) onset: u32,
    pub(super) length: u32,
    /// How many take the time of how many.
    pub(super) tuplet: (u32, u32),
    /// For the first of a tuplet, how many items it has.
    pub(super) opens: Option<usize>,
    /// Before it, one after the other.
    pub(super) graces: Vec<Pitch>,
    /// None for a rest.
    pub(super) pitches: Vec<Pitch>,
    /// A tie leaves all of it, or comes in.
    pub(super) tied: (bool, bool),
}

/// A note as it is compared: part, onset, measure, pitch, length, grace, tie leaves, tie comes in.
type Note = (u16, i64, u32, Pitch, i64, bool, bool, bool);

/// What is compared of a score.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Part, measure, and a meter or a key signature in words.
    pub(super) signs: Vec<(u16, u32, String)>,
    pub(super) notes: Vec<Note>,
    /// Part, onset, measure, length.
    pub(super) rests: Vec<(u16, i64, u32, i64)>,
}

impl Heard {
    /// In the spelling that MIDI would have.
    pub(super) fn keys_only(mut self) -> Heard {
        self.notes.iter_mut().for_each(|note| note.3 = Pitch::from_key(note.3.key()));
        self.notes.sort();
        self
    }
}

/// What was read.
pub(super) fn heard(score: &Score) -> Heard {
    let unit = TICKS_PER_QUARTER / i64::from(QUARTER);
    let of = |ticks: Ticks| if ticks.0 % unit == 0 { ticks.0 / unit } else { -1 };
    let note = |note: &worker::score::Note| {
        let has = |flag| note.flags.has(flag);
        let flags = (has(Flags::GRACE), has(Flags::TIE_START), has(Flags::TIE_STOP));
        let (onset, length) = (of(note.onset), of(note.duration));
        (note.part, onset, note.measure, note.written, length, flags.0, flags.1, flags.2)
    };
    let mut notes: Vec<Note> = score.notes.iter().map(note).collect();
    notes.sort();
    let meters = score.meters.iter().map(|meter| (meter.part, meter.measure, meter.text()));
    let keys = score.keys.iter().map(|key| (key.part, key.measure, format!("key {}", key.fifths)));
    let mut signs: Vec<_> = meters.chain(keys).collect();
    signs.sort();
    let rest = |rest: worker::score::Rest| (rest.part, of(rest.onset), rest.measure, of(rest.duration));
    let mut rests: Vec<_> = score.rests.iter().map(rest).collect();
    rests.sort_unstable();
    Heard { signs, notes, rests }
}

impl Music {
    /// The meter that is stated at a measure, if one is.
    pub(super) fn meter(&self, measure: usize) -> Option<u32> {
        let meter = |measure: usize| self.beats[measure.max(usize::from(self.pickup))];
        (measure == 0 || meter(measure) != meter(measure - 1)).then(|| meter(measure))
    }

    /// Where a measure begins.
    pub(super) fn start(&self, measure: usize) -> u32 {
        self.beats.iter().take(measure).sum::<u32>() * QUARTER
    }

    /// What is to be read.
    pub(super) fn heard(&self) -> Heard {
        let mut heard = Heard { signs: Vec::new(), notes: Vec::new(), rests: Vec::new() };
        for (bars, part) in self.parts.iter().zip(0_u16..) {
            heard.signs.push((part, 0, format!("key {}", self.fifths)));
            for (bar, measure) in bars.iter().zip(0_u32..) {
                let meter = self.meter(measure as usize).map(|beats| (part, measure, format!("{beats}/4")));
                heard.signs.extend(meter);
                for item in bar.voices.iter().flatten() {
                    let onset = i64::from(self.start(measure as usize) + item.onset);
                    let length = i64::from(item.length);
                    let (leaves, comes) = item.tied;
                    let grace = |&pitch| (part, onset, measure, pitch, 0, true, false, false);
                    heard.notes.extend(item.graces.iter().map(grace));
                    let note = |&pitch| (part, onset, measure, pitch, length, false, leaves, comes);
                    heard.notes.extend(item.pitches.iter().map(note));
                    if item.pitches.is_empty() {
                        heard.rests.push((part, onset, measure, length));
                    }
                }
            }
        }
        heard.notes.sort();
        heard.rests.sort_unstable();
        heard.signs.sort();
        heard
    }

    /// What MIDI can say of it: one voice, without ties and grace notes; a pickup is a measure of its own meter.
    pub(super) fn without_ink(mut self) -> Music {
        self.pickup = false;
        for bar in self.parts.iter_mut().flatten() {
            bar.voices.truncate(1);
            for item in bar.voices.iter_mut().flatten() {
                item.graces.clear();
                item.tied = (false, false);
            }
        }
        self
    }
}

/// Any music.
pub(super) fn music() -> impl Strategy<Value = Music> {
    let shape = (vec(prop_oneof![Just(3_u32), 2..=4_u32], 1..=5), 1..=3_usize);
    shape.prop_flat_map(|(beats, parts)| {
        let bars: Vec<_> = beats.iter().map(|&beats| bar(beats)).collect();
        let may_open = beats.len() > 1 && beats[0] < beats[1];
        (vec(bars.prop_map(tie), parts), -4..=4_i8, any::<bool>()).prop_map(move |(parts, fifths, pickup)| {
            Music { beats: beats.clone(), pickup: pickup && may_open, fifths, parts }
        })
    })
}

fn bar(beats: u32) -> impl Strategy<Value = Bar> {
    let count = prop_oneof![6 => Just(1_usize), 1 => Just(2), 1 => Just(3)];
    count.prop_flat_map(move |count| vec(voice(beats), count)).prop_map(|voices| Bar { voices })
}

/// A voice that fills a measure of so many beats.
fn voice(beats: u32) -> impl Strategy<Value = Vec<Item>> {
    vec((0..RHYTHMS.len(), vec(sound(), 5)), beats as usize).prop_map(move |cells| {
        let full = beats * QUARTER;
        let (mut items, mut onset) = (Vec::new(), 0);
        for (rhythm, sounds) in cells {
            let length: u32 = RHYTHMS[rhythm].0.iter().sum();
            if onset == full {
                break;
            }
            let fits = onset + length <= full;
            let (lengths, tuplet) = RHYTHMS[if fits { rhythm } else { rhythm % OF_ONE_BEAT }];
            for (index, (&length, (graces, pitches, tied))) in lengths.iter().zip(sounds).enumerate() {
                let opens = (index == 0 && tuplet != (1, 1)).then_some(lengths.len());
                items.push(Item { onset, length, tuplet, opens, graces, pitches, tied: (tied, false) });
                onset += length;
            }
        }
        items
    })
}

/// Grace notes, the pitches of a chord, and whether it is tied to the next.
fn sound() -> impl Strategy<Value = (Vec<Pitch>, Vec<Pitch>, bool)> {
    let pitch = || (21..49_i32, -1..=1_i8).prop_map(|(place, alter)| pitch_at(place, alter));
    let chord = btree_map(21..49_i32, -1..=1_i8, 1..=3)
        .prop_map(|chord| chord.into_iter().map(|(place, alter)| pitch_at(place, alter)).collect());
    let pitches = prop_oneof![1 => Just(Vec::new()), 6 => chord];
    let graces = prop_oneof![5 => Just(Vec::new()), 1 => vec(pitch(), 1..=2)];
    (graces, pitches, prop::bool::weighted(0.2))
}

/// The pitch of a letter that stands so many letters above C0.
fn pitch_at(place: i32, alter: i8) -> Pitch {
    Pitch::new(Step::from_index(place), alter, i8::try_from(place / 7).expect("it is within hearing"))
}

/// Makes a part of measures: it begins with a note, so that MIDI has it too, and ties lead to the same notes.
fn tie(mut bars: Vec<Bar>) -> Vec<Bar> {
    let mut before: Option<Vec<Pitch>> = None;
    let count: usize = bars.iter().map(|bar| bar.voices[0].len()).sum();
    let first = bars.iter_mut().flat_map(|bar| bar.voices[0].iter_mut());
    for (index, item) in first.enumerate() {
        if index == 0 && item.pitches.is_empty() {
            item.pitches.push(pitch_at(28, 0));
        }
        item.tied.1 = before.is_some();
        item.pitches = before.take().unwrap_or_else(|| std::mem::take(&mut item.pitches));
        item.tied.0 &= !item.pitches.is_empty() && index + 1 < count;
        before = item.tied.0.then(|| item.pitches.clone());
    }
    // Further voices come and go with their measures, so that nothing is tied there.
    let others = bars.iter_mut().flat_map(|bar| bar.voices.iter_mut().skip(1).flatten());
    others.for_each(|item| item.tied = (false, false));
    bars
}
