//! Pitch-class sets: normal order, prime form, interval vector, Forte's number.

use super::classes::{NAMES, PRIMES};
use std::cmp::{Ordering, Reverse};
use std::sync::OnceLock;

/// What set theory says of some pitch classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::analyse) struct SetClass {
    /// Number of pitch classes.
    pub(in crate::analyse) cardinality: u8,
    /// Forte's number after the dash.
    pub(in crate::analyse) number: u8,
    /// `A` for the prime form, `B` for its inversion, nothing where they are the same.
    pub(in crate::analyse) letter: &'static str,
    /// `3-11B`.
    pub(in crate::analyse) forte: String,
    /// What music21 calls it, where it has a name.
    pub(super) name: Option<&'static str>,
    /// Most compact order, from its first class; of several the one on the lowest class.
    pub(in crate::analyse) normal: Vec<u8>,
    /// Most compact form on 0, of the set or its inversion (Forte's choice, packed to the left).
    pub(in crate::analyse) prime: Vec<u8>,
    /// How often each interval class from 1 to 6 occurs.
    pub(in crate::analyse) vector: [u8; 6],
}

/// Every set of pitch classes, by the bits of its classes; each is worked out when it is first met.
static KNOWN: [OnceLock<Option<SetClass>>; 1 << 12] = [const { OnceLock::new() }; 1 << 12];

impl SetClass {
    /// Of a set of classes, of which class 0 is the lowest bit; of none at all there is none.
    pub(in crate::analyse) fn of(classes: u16) -> Option<&'static Self> {
        KNOWN.get(usize::from(classes))?.get_or_init(|| SetClass::worked_out(classes)).as_ref()
    }

    /// As [`SetClass::of`], of sets that nobody asked for yet.
    fn worked_out(classes: u16) -> Option<Self> {
        let (first, form) = most_compact(classes)?;
        let inverted = members(classes).fold(0, |inverted, class| inverted | 1 << ((12 - class) % 12));
        let (_, inversion) = most_compact(inverted)?;
        let (letter, prime) = match compactness(form).cmp(&compactness(inversion)) {
            Ordering::Equal => ("", form),
            Ordering::Less => ("A", form),
            Ordering::Greater => ("B", inversion),
        };
        let cardinality = u8::try_from(classes.count_ones()).ok()?;
        let (number, vector) = (number(cardinality, prime), vector(classes));
        Some(SetClass {
            cardinality,
            number,
            letter,
            forte: format!("{cardinality}-{number}{letter}"),
            name: name((cardinality, number, letter)),
            normal: members(form).map(|class| (class + first) % 12).collect(),
            prime: members(prime).collect(),
            vector,
        })
    }
}

/// The classes of a set, from 0 upwards.
fn members(classes: u16) -> impl Iterator<Item = u8> {
    (0..12).filter(move |class| classes >> class & 1 == 1)
}

/// What music21 calls a set class, where it has a name.
fn name(key: (u8, u8, &str)) -> Option<&'static str> {
    let found =
        NAMES.binary_search_by_key(&key, |&(cardinality, number, letter, _)| (cardinality, number, letter));
    found.ok().and_then(|index| NAMES.get(index)).map(|(_, _, _, name)| *name)
}

/// The rotation of the least span, of several the one packed most to the left: the class that it begins with, and the set moved
/// so that this is 0.
fn most_compact(classes: u16) -> Option<(u8, u16)> {
    let rotations =
        members(classes).map(|first| (first, (classes >> first | classes << (12 - first)) & 0xFFF));
    rotations.min_by_key(|&(_, form)| compactness(form))
}

/// By which the forms of a set are ordered: their span, then the place of their first class that others have not.
fn compactness(form: u16) -> impl Ord {
    (Reverse(form.leading_zeros()), Reverse(form.reverse_bits()))
}

/// Forte's number of a prime form. Of 1, 11 and 12 classes there is one set class each.
fn number(cardinality: u8, prime: u16) -> u8 {
    let digit = |byte| if byte == b'T' { 10 } else { byte - b'0' };
    let set = |text: &str| text.bytes().fold(0, |set, byte| set | 1 << digit(byte));
    let of_size = cardinality.checked_sub(2).and_then(|index| PRIMES.get(usize::from(index))).copied();
    let found = of_size.unwrap_or_default().iter().position(|text| set(text) == prime);
    found.map_or(1, |index| u8::try_from(index + 1).unwrap_or(0))
}

fn vector(classes: u16) -> [u8; 6] {
    let mut vector = [0; 6];
    for (count, interval) in vector.iter_mut().zip(1..) {
        // A tritone is the same upwards and downwards.
        let upwards = members(classes & (classes >> interval | classes << (12 - interval))).count();
        *count = if interval == 6 { upwards / 2 } else { upwards } as u8;
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(classes: &[u8]) -> &'static SetClass {
        SetClass::of(classes.iter().fold(0, |set, class| set | 1 << class)).unwrap()
    }

    /// Every set of the table is its own prime form, under its own number.
    #[test]
    fn the_table_is_of_prime_forms() {
        let mut count = 0;
        for (forms, cardinality) in PRIMES.iter().zip(2..) {
            for (form, number) in forms.iter().zip(1..) {
                let classes: Vec<u8> =
                    form.bytes().map(|byte| if byte == b'T' { 10 } else { byte - b'0' }).collect();
                let found = set(&classes);
                assert_eq!((found.cardinality, found.number, &found.prime), (cardinality, number, &classes));
                count += 1;
            }
        }
        assert_eq!(count, 220);
    }

    /// music21 10.5.1: forteClass, normalOrder, primeForm, intervalVector of `chord.Chord([…])`.
    #[test]
    fn known_sets() {
        let major = set(&[0, 4, 7]);
        assert_eq!(
            (major.forte.as_str(), major.prime.clone(), major.vector),
            ("3-11B", vec![0, 3, 7], [0, 0, 1, 1, 1, 0])
        );
        let augmented = set(&[3, 7, 11]);
        assert_eq!((augmented.forte.as_str(), augmented.normal.clone()), ("3-12", vec![3, 7, 11]));
        // 5-20, 6-31, 7-20 and 8-26 are those that Forte and Rahn order differently.
        let forte = set(&[0, 1, 5, 6, 8]);
        assert_eq!((forte.forte.as_str(), forte.prime.clone()), ("5-20A", vec![0, 1, 3, 7, 8]));
        let inverted = set(&[0, 4, 7, 8]);
        assert_eq!((inverted.forte.as_str(), inverted.normal.clone()), ("4-19B", vec![4, 7, 8, 0]));
        assert_eq!(set(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).forte, "12-1");
        assert_eq!(SetClass::of(0), None);
    }

    #[test]
    fn names_are_in_order() {
        assert!(NAMES.is_sorted_by_key(|&(cardinality, number, letter, _)| (cardinality, number, letter)));
        assert_eq!(set(&[0, 3, 7]).name, Some("minor triad"));
        assert_eq!(set(&[0, 1, 2, 3, 5, 6]).name, None);
    }
}
