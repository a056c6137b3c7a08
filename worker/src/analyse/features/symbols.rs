//! Chord symbols, as far as features ask for them: the bass of each.

use crate::score::{AnnotationKind, Score, Step};

/// How often the bass of one chord symbol is so many semitones above that of the one before, the same bass left out.
pub(super) fn basses(score: &Score) -> [u64; 12] {
    let symbols = score.annotations.iter().filter(|one| one.kind == AnnotationKind::ChordSymbol);
    let mut moves = [0; 12];
    let mut before: Option<u8> = None;
    for bass in symbols.filter_map(|symbol| bass(score.text(symbol))) {
        if let Some(before) = before.filter(|before| *before != bass)
            && let Some(count) = moves.get_mut(usize::from((bass + 12 - before) % 12))
        {
            *count += 1;
        }
        before = Some(bass);
    }
    moves
}

/// The pitch class of the bass: what stands behind the stroke, or else the root.
fn bass(symbol: &str) -> Option<u8> {
    let behind = symbol.rsplit_once('/').and_then(|(_, bass)| class(bass));
    behind.or_else(|| class(symbol))
}

/// The pitch class that a text begins with.
fn class(text: &str) -> Option<u8> {
    let mut letters = text.trim().chars();
    let step =
        u8::try_from(letters.next()?).ok().filter(u8::is_ascii_uppercase).and_then(Step::from_letter)?;
    let signs = letters.map_while(|sign| match sign {
        '#' | '\u{266f}' => Some(1),
        'b' | '\u{266d}' => Some(-1),
        _ => None,
    });
    u8::try_from((step.semitones() + signs.sum::<i32>()).rem_euclid(12)).ok()
}
