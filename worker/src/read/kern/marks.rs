//! The marks of a note token that say how it is played: articulations, ornaments, fermatas, slurs.

use crate::score::{Annotation, AnnotationKind, Event, EventSink, Stop};

/// Marks of one token or chord, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    signs: u32,
    /// Which numbers of slurs begin, from the lowest bit, and which end.
    slurs: [u8; 2],
}

/// Each mark: its byte, or those that mean the same; kind and text by the name in MusicXML. Where the byte comes twice
/// on end the second name counts.
const MARKS: [(&[u8], AnnotationKind, &str, &str); 21] = [
    (b"'", AnnotationKind::Articulation, "staccato", ""),
    (b"`", AnnotationKind::Articulation, "staccatissimo", ""),
    (b"~", AnnotationKind::Articulation, "tenuto", ""),
    (b"^", AnnotationKind::Articulation, "accent", "strong-accent"),
    (b"s", AnnotationKind::Articulation, "spiccato", ""),
    (b"\"", AnnotationKind::Articulation, "pizzicato", ""),
    (b"v", AnnotationKind::Articulation, "up-bow", ""),
    (b"u", AnnotationKind::Articulation, "down-bow", ""),
    (b"o", AnnotationKind::Articulation, "harmonic", ""),
    (b",", AnnotationKind::Articulation, "breath-mark", ""),
    (b":", AnnotationKind::Articulation, "arpeggiate", ""),
    (b"I", AnnotationKind::Articulation, "other-articulation", ""),
    (b"z", AnnotationKind::Dynamic, "sfz", ""),
    (b"Tt", AnnotationKind::Ornament, "trill-mark", ""),
    (b"Ww", AnnotationKind::Ornament, "mordent", ""),
    (b"Mm", AnnotationKind::Ornament, "inverted-mordent", ""),
    (b"S", AnnotationKind::Ornament, "turn", ""),
    (b"$", AnnotationKind::Ornament, "inverted-turn", ""),
    (b"@", AnnotationKind::Ornament, "tremolo", ""),
    (b"O", AnnotationKind::Ornament, "other-ornament", ""),
    (b";", AnnotationKind::Fermata, "fermata", ""),
];

/// Bit of the accent that comes twice, above those of [`MARKS`].
const DOUBLED: u32 = 1 << 31;

/// The bit of each byte in [`Marks::signs`].
static BITS: [u32; 256] = bits();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses what is out of bounds")]
const fn bits() -> [u32; 256] {
    let mut bits = [0; 256];
    let mut mark = 0;
    while mark < MARKS.len() {
        let mut byte = 0;
        while byte < MARKS[mark].0.len() {
            bits[MARKS[mark].0[byte] as usize] = 1 << mark;
            byte += 1;
        }
        mark += 1;
    }
    bits
}

impl Marks {
    /// Takes a byte that is neither duration, pitch nor tie; `@` only where a number makes it a tremolo.
    #[inline]
    pub(super) fn take(&mut self, byte: u8, before: u8) {
        let bit = BITS.get(usize::from(byte)).copied().unwrap_or(0);
        self.signs |= if byte == b'^' && before == b'^' { DOUBLED } else { bit };
    }

    /// Takes a bracket of a slur; an `&` before it lifts it out of those that are open.
    pub(super) fn slur(&mut self, ends: bool, before: u8) {
        if let Some(slurs) = self.slurs.get_mut(usize::from(ends)) {
            let raised = u8::from(before == b'&');
            let first = slurs.trailing_ones().max(u32::from(raised)).min(7);
            *slurs |= 1 << first;
        }
    }

    /// Those of another member of the chord as well.
    pub(super) fn join(&mut self, other: Marks) {
        self.signs |= other.signs;
        for (own, others) in self.slurs.iter_mut().zip(other.slurs) {
            *own |= others;
        }
    }

    /// Tells the marks, at the moment and voice of `at`.
    pub(super) fn tell(self, at: Annotation, sink: &mut dyn EventSink) -> Result<(), Stop> {
        if self == Marks::default() {
            return Ok(());
        }
        let mut signs = self.signs & !DOUBLED;
        while signs != 0 {
            let bit = signs.trailing_zeros() as usize;
            signs &= signs - 1;
            let Some(&(_, kind, once, twice)) = MARKS.get(bit) else { continue };
            let text = if self.signs & DOUBLED != 0 && !twice.is_empty() { twice } else { once };
            let mut mark = at;
            mark.kind = kind;
            sink.event(at.place, Event::Annotation(mark, text))?;
        }
        // A slur that ends and one that begins on the same note: the first is over first.
        for (slurs, text) in self.slurs.into_iter().zip(["start", "stop"]).rev() {
            for number in (1..=8_u8).filter(|number| slurs & (1 << (number - 1)) != 0) {
                let mut slur = at;
                (slur.kind, slur.number) = (AnnotationKind::Slur, number);
                sink.event(at.place, Event::Annotation(slur, text))?;
            }
        }
        Ok(())
    }
}
