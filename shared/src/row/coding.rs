//! Rows as bytes. Whoever only passes findings on copies their bytes: a cache into rows, rows of one job into another's.
//!
//! ```text
//! row      length of the rest, length of the head, head (MessagePack, without findings), findings
//! finding  length of the flat part, its name and cells (MessagePack), length of the detail, the detail (Snappy)
//! ```
//! A length is four bytes, the lowest first. Where many details lie aside, theirs is nothing in the rows, and they are one after
//! the other in bytes of their own: most of all that is found is detail, and tables of columns do without.

use super::{Detail, Finding, Row};
use crate::failure::{Failure, FailureKind};
use crate::wire;

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;
/// Details of so many bytes are worth bytes of their own.
const ASIDE_MIN: usize = 64 << 10;

/// Takes the details out of encoded rows, where they are many: gives the rows, and the details that are not in them.
///
/// # Errors
/// `internal` for what are no rows.
pub fn details_aside(rows: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    if rows.len() < ASIDE_MIN {
        return Ok((rows, Vec::new()));
    }
    let mut aside = Vec::with_capacity(rows.len());
    let flat = each_detail(&rows, |detail| put(&mut aside, detail).map(|()| &[][..]))?;
    Ok(if aside.len() < ASIDE_MIN { (rows, Vec::new()) } else { (flat, aside) })
}

/// Puts details back that lay aside.
///
/// # Errors
/// `internal` for what are no rows, or not their details.
pub fn with_details(flat: &[u8], mut aside: &[u8]) -> Result<Vec<u8>, Failure> {
    let rows = each_detail(flat, |_| frame(&mut aside))?;
    if aside.is_empty() {
        Ok(rows)
    } else {
        Err(Failure::new(FailureKind::Internal, "there are more details than findings"))
    }
}

/// Copies rows with other details.
fn each_detail<'a>(
    mut rows: &[u8],
    mut other: impl FnMut(&[u8]) -> Result<&'a [u8], Failure>,
) -> Result<Vec<u8>, Failure> {
    let mut copy = Vec::with_capacity(rows.len());
    while !rows.is_empty() {
        let mut findings = frame(&mut rows)?;
        framed(&mut copy, |copy| {
            put(copy, frame(&mut findings)?)?;
            while !findings.is_empty() {
                put(copy, frame(&mut findings)?)?;
                put(copy, other(frame(&mut findings)?)?)?;
            }
            Ok(())
        })?;
    }
    Ok(copy)
}

impl Row {
    /// Adds the bytes of a row.
    ///
    /// # Errors
    /// `internal` when it cannot be encoded, which is a defect.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        framed(bytes, |bytes| {
            framed(bytes, |bytes| wire::encode_into(bytes, self))?;
            self.facts.findings.iter().try_for_each(|finding| finding.encode_into(bytes))
        })
    }

    /// Adds the bytes of a row whose findings were encoded before; its own do not count.
    ///
    /// # Errors
    /// As [`Row::encode_into`].
    pub fn encode_with(&self, findings: &[u8], bytes: &mut Vec<u8>) -> Result<(), Failure> {
        framed(bytes, |bytes| {
            framed(bytes, |bytes| wire::encode_into(bytes, self))?;
            bytes.extend_from_slice(findings);
            Ok(())
        })
    }

    /// Decodes a row, and leaves what follows it.
    ///
    /// # Errors
    /// `internal` for what is no row.
    pub fn decode(rest: &mut &[u8]) -> Result<Self, Failure> {
        let (mut row, findings) = Self::split(rest)?;
        row.facts.findings = Finding::decode_all(findings)?;
        Ok(row)
    }

    /// Decodes a row but for its findings, whose bytes it tells, and leaves what follows it.
    ///
    /// # Errors
    /// `internal` for what is no row.
    pub fn split<'a>(rest: &mut &'a [u8]) -> Result<(Self, &'a [u8]), Failure> {
        let mut findings = frame(rest)?;
        let head = frame(&mut findings)?;
        Ok((wire::decode(head, "a row")?, findings))
    }
}

impl Finding {
    /// Adds the bytes of a finding.
    ///
    /// # Errors
    /// `internal` when it cannot be encoded, which is a defect.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        framed(bytes, |bytes| wire::encode_into(bytes, &(&self.name, &self.cells)))?;
        put(bytes, self.detail.packed())
    }

    /// Decodes the findings of a row.
    ///
    /// # Errors
    /// `internal` for what is none.
    pub fn decode_all(mut bytes: &[u8]) -> Result<Vec<Self>, Failure> {
        let mut findings = Vec::new();
        while !bytes.is_empty() {
            findings.push(Self::decode(&mut bytes)?);
        }
        Ok(findings)
    }

    fn decode(rest: &mut &[u8]) -> Result<Self, Failure> {
        let (name, cells) = wire::decode(frame(rest)?, "a finding")?;
        Ok(Finding { name, cells, detail: Detail::of_packed(frame(rest)?) })
    }
}

/// Adds what `add` adds, with its length before it.
fn framed(bytes: &mut Vec<u8>, add: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> Result<(), Failure> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; LENGTH_BYTES]);
    add(bytes)?;
    let length = u32::try_from(bytes.len() - start - LENGTH_BYTES);
    let length =
        length.map_err(|_| Failure::new(FailureKind::Internal, "a row is longer than four gigabytes"))?;
    let place = bytes.get_mut(start..start + LENGTH_BYTES);
    place.into_iter().for_each(|place| place.copy_from_slice(&length.to_le_bytes()));
    Ok(())
}

/// Adds some bytes with their length before them.
fn put(bytes: &mut Vec<u8>, some: &[u8]) -> Result<(), Failure> {
    framed(bytes, |bytes| {
        bytes.extend_from_slice(some);
        Ok(())
    })
}

/// What stands behind the length at the beginning; `rest` begins behind that.
fn frame<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Failure> {
    let cut_off = || Failure::new(FailureKind::Internal, "the rows of a chunk are cut off");
    let (length, behind) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or_else(cut_off)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (framed, behind) = behind.split_at_checked(length).ok_or_else(cut_off)?;
    *rest = behind;
    Ok(framed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Cell, Facts};

    fn row(piece: u32, details: &[&str]) -> Row {
        let finding = |detail: &&str| Finding {
            name: format!("a{piece}"),
            cells: vec![Cell::Null, Cell::Integer(7), Cell::Number(0.5), Cell::Text("x".into())],
            detail: Detail::of(detail).unwrap(),
        };
        let failure = Failure::new(FailureKind::Malformed, "nothing");
        let facts = Facts { findings: details.iter().map(finding).collect(), ..Facts::failed(failure) };
        Row { source: "s".into(), piece, format: Some("abc".into()), digest: None, given: vec![None], facts }
    }

    fn back(mut bytes: &[u8]) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        while !bytes.is_empty() {
            rows.push(Row::decode(&mut bytes)?);
        }
        Ok(rows)
    }

    #[test]
    fn rows_come_back_and_findings_can_be_passed_on() {
        let rows = vec![row(0, &[]), row(1, &["{}"]), row(2, &["{\"a\":1}", ""])];
        let (mut bytes, mut passed) = (Vec::new(), Vec::new());
        rows.iter().for_each(|row| row.encode_into(&mut bytes).unwrap());
        assert_eq!(back(&bytes).unwrap(), rows);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (row, findings) = Row::split(&mut rest).unwrap();
            assert!(row.facts.findings.is_empty());
            row.encode_with(findings, &mut passed).unwrap();
        }
        assert_eq!(passed, bytes);
    }

    #[test]
    fn many_details_lie_aside_and_come_back() {
        // What does not repeat itself does not get shorter.
        let long: String =
            (0..20_000_u32).map(|number| format!("{},", number.wrapping_mul(0x9E37_79B9))).collect();
        for (rows, are_many) in [
            (vec![], false),
            (vec![row(0, &[]), row(1, &["{}", "[1]"])], false),
            (vec![row(0, &[&long, "", &long]), row(1, &[]), row(2, &["{}"])], true),
        ] {
            let mut bytes = Vec::new();
            rows.iter().for_each(|row| row.encode_into(&mut bytes).unwrap());
            let (flat, details) = details_aside(bytes.clone()).unwrap();
            if !are_many {
                assert_eq!((flat, details), (bytes, Vec::new()));
                continue;
            }
            assert!(flat.len() < 1000, "{}", flat.len());
            assert_eq!(with_details(&flat, &details).unwrap(), bytes);
            let without = back(&flat).unwrap();
            for (without, row) in without.iter().zip(&rows) {
                let cells =
                    |row: &Row| row.facts.findings.iter().map(|one| one.cells.clone()).collect::<Vec<_>>();
                assert_eq!((cells(without), &without.source), (cells(row), &row.source));
                let told = without.facts.findings.first().map(|finding| finding.detail.text());
                assert!(!matches!(told, Some(Ok(_))), "a detail that is not here is not an empty one");
            }
            let more = [&details[..], &details[..]].concat();
            for other in [&details[..details.len() - 1], &[], &more] {
                assert!(with_details(&flat, other).is_err());
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_made_up_is_a_failure() {
        let mut bytes = Vec::new();
        row(1, &["{\"a\":1}", "[]"]).encode_into(&mut bytes).unwrap();
        for length in 1..bytes.len() {
            assert!(back(&bytes[..length]).is_err(), "cut off at {length}");
        }
        for at in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 0xFF;
            let _ = back(&turned); // An error or other rows, and no panic.
        }
    }
}
