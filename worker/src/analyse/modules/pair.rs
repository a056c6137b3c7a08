//! Two melodies as one text: at each moment the interval between them, and between moments how they move on.

use crate::analyse::melody::Sung;
use crate::analyse::viewpoint::{Height, Token, Viewpoint};
use crate::score::{Pitch, Ticks};

/// A word of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// The interval from the lower melody to the upper one.
    Vertical(Token),
    /// How the lower one moves on, and the upper one where that is told too; nothing where a note is held.
    Motion(Option<Token>, Option<Token>),
}

/// Whether it is a note of the upper melody, and which.
pub(super) type Begun = (bool, u32);

/// What stands in the text of two melodies.
pub(super) enum Event {
    /// A word, and the note that begins at that moment: that of the lower melody if both do.
    Word(Word, Begun),
    /// What went on ends here.
    Break,
}

/// How two melodies are told.
pub(super) struct Events {
    pub(super) height: Height,
    /// Whether the motion of the upper melody is told as well.
    pub(super) both: bool,
}

/// One melody, gone through note by note.
struct Walk<'a> {
    notes: &'a [Sung],
    /// The note after the one that was begun last.
    next: usize,
    before: Option<&'a Sung>,
    current: Option<&'a Sung>,
}

impl<'a> Walk<'a> {
    fn new(notes: &'a [Sung]) -> Self {
        Walk { notes, next: 0, before: None, current: None }
    }

    fn next_onset(&self) -> Option<Ticks> {
        self.notes.get(self.next).map(|note| note.onset)
    }

    /// Goes on to a moment. Says whether a note begins there.
    fn advance(&mut self, moment: Ticks) -> bool {
        let mut begins = false;
        while let Some(note) = self.notes.get(self.next).filter(|note| note.onset <= moment) {
            (self.before, self.current) = (self.current, Some(note));
            self.next += 1;
            begins = true;
        }
        begins
    }

    /// The note that sounds at a moment: to its end, or to the next note if no rest is between.
    fn sounding(&self, moment: Ticks) -> Option<&'a Sung> {
        let current = self.current?;
        let goes_on = self.notes.get(self.next).is_some_and(|next| !next.after_rest);
        (goes_on || current.onset + current.length > moment).then_some(current)
    }
}

impl Events {
    fn interval(&self, from: Pitch, to: Pitch) -> Token {
        Viewpoint { height: self.height, rhythm: false }.interval(from, to)
    }

    /// Tells two melodies, the upper one first.
    pub(super) fn of(&self, upper: &[Sung], lower: &[Sung], mut tell: impl FnMut(Event)) {
        let (mut above, mut below) = (Walk::new(upper), Walk::new(lower));
        let mut goes_on = false;
        while let Some(moment) = [above.next_onset(), below.next_onset()].into_iter().flatten().min() {
            let (up_begins, low_begins) = (above.advance(moment), below.advance(moment));
            let (Some(up), Some(low)) = (above.sounding(moment), below.sounding(moment)) else {
                if goes_on {
                    tell(Event::Break);
                }
                goes_on = false;
                continue;
            };
            let rested = (up_begins && up.after_rest) || (low_begins && low.after_rest);
            if goes_on && rested {
                tell(Event::Break);
            }
            let walk = if low_begins { &below } else { &above };
            let note = (!low_begins, u32::try_from(walk.next.saturating_sub(1)).unwrap_or(u32::MAX));
            if goes_on && !rested {
                let motion = |begins: bool, walk: &Walk<'_>, now: &Sung| {
                    walk.before.filter(|_| begins).map(|before| self.interval(before.pitch, now.pitch))
                };
                let low_motion = motion(low_begins, &below, low);
                let up_motion = motion(up_begins && self.both, &above, up);
                tell(Event::Word(Word::Motion(low_motion, up_motion), note));
            }
            tell(Event::Word(Word::Vertical(self.interval(low.pitch, up.pitch)), note));
            goes_on = true;
        }
        tell(Event::Break);
    }

    /// A word as it stands in a module: `7`, `_-2, `, `_Held:2, `.
    pub(super) fn text(&self, word: &Word) -> String {
        let viewpoint = Viewpoint { height: self.height, rhythm: false };
        let motion = |token: &Option<Token>| {
            token.as_ref().map_or_else(|| "Held".to_owned(), |token| viewpoint.text(token))
        };
        // Chromatic intervals of CRIM and VIS have no plus.
        let plain = |text: String| text.trim_start_matches('+').to_owned();
        match word {
            Word::Vertical(token) => plain(viewpoint.text(token)),
            Word::Motion(lower, upper) if self.both => {
                format!("_{}:{}, ", plain(motion(lower)), plain(motion(upper)))
            }
            Word::Motion(lower, _) => format!("_{}, ", plain(motion(lower))),
        }
    }
}
