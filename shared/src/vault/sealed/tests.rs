//! What is sealed opens as it was, and nothing else opens.

use super::*;
use proptest::prelude::*;

fn opened(key: &DataKey, name: &str, object: &[u8]) -> Result<Vec<u8>, Failure> {
    let (head, segments) = Head::split(object).ok_or_else(|| damaged(name))?;
    open(key, &head, name, segments)
}

fn pieces(key: &DataKey, name: &str, object: &[u8], size: usize) -> Result<Vec<u8>, Failure> {
    let (head, segments) = Head::split(object).ok_or_else(|| damaged(name))?;
    let (mut opening, mut out) = (Opening::new(key, &head, name)?, Vec::new());
    segments.chunks(size).try_for_each(|piece| opening.push(piece, &mut out))?;
    opening.finish(&mut out).map(|()| out)
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// Lengths around the ends of segments.
const LENGTHS: [usize; 9] = [
    0,
    1,
    1000,
    SEGMENT_BYTES - 1,
    SEGMENT_BYTES,
    SEGMENT_BYTES + 1,
    2 * SEGMENT_BYTES,
    2 * SEGMENT_BYTES + 1,
    3 * SEGMENT_BYTES - TAG_BYTES,
];

#[test]
fn objects_of_any_length_open_whole_and_in_pieces_of_any_size() {
    let key = DataKey::new().unwrap();
    for length in LENGTHS {
        let bytes = noise(length);
        let object = seal(&key, "a/b", &bytes).unwrap();
        assert!(is_sealed(&object));
        assert_eq!(held_bytes(object.len() as u64), length as u64);
        assert_eq!(opened(&key, "a/b", &object).unwrap(), bytes, "{length}");
        for size in [1, 7, SEGMENT_BYTES, SEGMENT_BYTES + TAG_BYTES, usize::MAX] {
            assert_eq!(pieces(&key, "a/b", &object, size).unwrap(), bytes, "{length} by {size}");
        }
    }
}

#[test]
fn every_bit_and_every_cut_is_noticed() {
    let key = DataKey::new().unwrap();
    for bytes in [&b""[..], b"The Silver Swan, who living had no note"] {
        let object = seal(&key, "a/b", bytes).unwrap();
        for bit in 0..object.len() * 8 {
            let mut turned = object.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            // A turned bit in the name of the key has another key looked for.
            assert!(opened(&key, "a/b", &turned).is_err(), "bit {bit}");
        }
        for length in 0..object.len() {
            assert!(opened(&key, "a/b", &object[..length]).is_err(), "cut off at {length}");
        }
        assert!(opened(&key, "a/b", &[&object[..], b"x"].concat()).is_err(), "made longer");
    }
}

#[test]
fn segments_can_be_neither_moved_nor_left_out_nor_cut_off_at_their_ends() {
    let key = DataKey::new().unwrap();
    let object = seal(&key, "a", &noise(3 * SEGMENT_BYTES)).unwrap();
    let (head, segments) = object.split_at(HEAD_BYTES);
    let segments: Vec<&[u8]> = segments.chunks(SEGMENT_BYTES + TAG_BYTES).collect();
    let of = |order: &[usize]| {
        let chosen: Vec<&[u8]> = order.iter().map(|&index| segments[index]).collect();
        opened(&key, "a", &[&[head][..], &chosen].concat().concat())
    };
    assert!(of(&[0, 1, 2]).is_ok());
    for order in [&[0, 1][..], &[0], &[], &[1, 0, 2], &[0, 2], &[0, 1, 2, 2], &[0, 0, 1, 2], &[2]] {
        assert!(of(order).is_err(), "{order:?}");
    }
}

#[test]
fn nothing_opens_under_another_name_or_with_another_key_or_another_objects_head() {
    let (key, other) = (DataKey::new().unwrap(), DataKey::new().unwrap());
    let (one, two) = (seal(&key, "t/a", b"one").unwrap(), seal(&key, "t/b", b"two").unwrap());
    assert!(opened(&key, "t/b", &one).is_err());
    assert!(opened(&other, "t/a", &one).is_err());
    let mixed = [&two[..HEAD_BYTES], &one[HEAD_BYTES..]].concat();
    assert!(opened(&key, "t/a", &mixed).is_err() && opened(&key, "t/b", &mixed).is_err());
    assert_ne!(one, seal(&key, "t/a", b"one").unwrap(), "no two objects are alike");
}

proptest! {
    #[test]
    fn whatever_is_changed_does_not_open(
        bytes in proptest::collection::vec(any::<u8>(), 0..200_000),
        at in any::<prop::sample::Index>(),
        mask in 1_u8..,
        cut in any::<prop::sample::Index>(),
        size in 1_usize..200_000,
    ) {
        let key = DataKey::new().unwrap();
        let object = seal(&key, "tenants/a/scores/x", &bytes).unwrap();
        prop_assert_eq!(&pieces(&key, "tenants/a/scores/x", &object, size).unwrap(), &bytes);
        let mut changed = object.clone();
        changed[at.index(object.len())] ^= mask;
        prop_assert!(pieces(&key, "tenants/a/scores/x", &changed, size).is_err());
        prop_assert!(pieces(&key, "tenants/a/scores/x", &object[..cut.index(object.len())], size).is_err());
    }

    /// What the opener of a stream has told before it fails is a beginning of what was sealed.
    #[test]
    fn what_was_told_before_the_damage_is_true(length in 0_usize..300_000, at in any::<prop::sample::Index>()) {
        let (key, bytes) = (DataKey::new().unwrap(), noise(length));
        let mut object = seal(&key, "n", &bytes).unwrap();
        let at = HEAD_BYTES + at.index(object.len() - HEAD_BYTES);
        object[at] ^= 1;
        let (head, segments) = Head::split(&object).unwrap();
        let (mut opening, mut out) = (Opening::new(&key, &head, "n").unwrap(), Vec::new());
        let _ = segments.chunks(1000).try_for_each(|piece| opening.push(piece, &mut out));
        prop_assert!(bytes.starts_with(&out));
    }
}
