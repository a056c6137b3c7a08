//! Pieces that are like each other: from the fingerprints of a job's rows to pairs, without comparing all with all.
//!
//! Pieces that share a minimal hash are in one bucket (locality-sensitive hashing: Leskovec, Rajaraman and Ullman, Mining of
//! Massive Datasets, ch. 3). Each is held against the next ones in each of its buckets, so that time grows with the number of
//! pieces; of each the candidates that share most hashes are kept, and their openings aligned. Pure.

use shared::failure::{Failure, FailureKind};
use shared::limits::{SIMILAR_BUCKET_MAX, SIMILAR_PIECES_MAX, exceeded};
use shared::row::{Cell, Row};
use std::cmp::Reverse;
use worker::analyse::fingerprint::{Alignment, HASHES, MinHash, OpeningNote, align, read_opening};

/// The analysis that rows must have.
pub const ANALYSIS: &str = "fingerprint";

/// Hashes that candidates share at the least: variants of one tune share some eight, any two reels one or two.
const SHARED: usize = 3;

/// Candidates that are aligned, for each neighbour that is asked for.
const CANDIDATES: usize = 2;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Neighbours of each piece, at the most.
    pub top: usize,
    /// The least score, from 0 to 1.
    pub threshold: f64,
}

/// Two pieces that are like each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The piece that comes first in the table.
    pub one: Name,
    /// The other.
    pub other: Name,
    /// The greater of `stretches` and `opening`.
    pub score: f64,
    /// Share of the stretches of five notes that either has, estimated.
    pub stretches: f64,
    /// How like the openings are; nothing if one has none, or if they are less like than was asked.
    pub opening: Option<f64>,
}

/// What a piece is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The file or object, as it was named.
    pub source: Box<str>,
    /// Which piece of it, from 0.
    pub piece: u32,
    /// Title, or nothing.
    pub title: Box<str>,
}

/// The fingerprints of a job, in the order of its table.
#[derive(Debug, Default)]
pub struct Fingerprints {
    names: Vec<Name>,
    hashes: Vec<[u16; HASHES]>,
    openings: Vec<Box<[OpeningNote]>>,
    /// Rows without one: too few notes, or not read.
    pub without: u64,
}

impl Fingerprints {
    /// Takes the fingerprint of a row.
    ///
    /// # Errors
    /// `malformed` if the job did not ask for it, `too_large` for more pieces than are compared.
    pub fn add(&mut self, row: &Row) -> Result<(), Failure> {
        let facts = &row.facts;
        let finding = facts.findings.iter().find(|finding| finding.name == ANALYSIS);
        let Some(finding) = finding else {
            // A row of what could not be read has no findings at all.
            self.without += 1;
            let asked = facts.findings.is_empty();
            let message =
                format!("this job has no fingerprints: `ripieno run … --analyses {ANALYSIS}` makes them");
            return if asked { Ok(()) } else { Err(Failure::new(FailureKind::Malformed, message)) };
        };
        let text = |index: usize| match finding.cells.get(index) {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let Some(hashes) = text(0).and_then(MinHash::read) else {
            self.without += 1;
            return Ok(());
        };
        if self.names.len() as u64 >= SIMILAR_PIECES_MAX.default {
            return Err(exceeded(SIMILAR_PIECES_MAX.name, SIMILAR_PIECES_MAX.default, None));
        }
        let opening = text(2).and_then(read_opening).unwrap_or_default();
        let title = facts.title.as_deref().unwrap_or_default().into();
        self.names.push(Name { source: row.source.as_str().into(), piece: row.piece, title });
        self.hashes.push(hashes);
        self.openings.push(opening.into());
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The pairs that are like each other, the likest first. Each is told once, if either is among the nearest of the
    /// other.
    #[must_use]
    pub fn pairs(&self, question: Question) -> Vec<Pair> {
        let candidates = self.candidates(question.top.saturating_mul(CANDIDATES));
        let mut scored: Vec<(u32, u32, f64, f64, Option<f64>)> = Vec::new();
        for (one, other, stretches) in candidates {
            let opening = self.alignment(one, other, question.threshold).map(|alignment| alignment.score);
            let score = opening.map_or(stretches, |opening| opening.max(stretches));
            if score >= question.threshold {
                scored.push((one, other, score, stretches, opening));
            }
        }
        scored
            .sort_by(|a, b| b.2.total_cmp(&a.2).then(b.3.total_cmp(&a.3)).then((a.0, a.1).cmp(&(b.0, b.1))));
        let mut told = vec![0_usize; self.names.len()];
        let near = scored.into_iter().filter_map(|(one, other, score, stretches, opening)| {
            let (first, second) = (one as usize, other as usize);
            let room = [first, second].map(|piece| told.get(piece).is_some_and(|&told| told < question.top));
            if room == [false, false] {
                return None;
            }
            [first, second]
                .into_iter()
                .filter_map(|piece| told.get_mut(piece).map(|told| *told += 1))
                .for_each(drop);
            let name = |piece: usize| self.names.get(piece).cloned();
            Some(Pair { one: name(first)?, other: name(second)?, score, stretches, opening })
        });
        near.collect()
    }

    fn alignment(&self, one: u32, other: u32, least: f64) -> Option<Alignment> {
        align(self.openings.get(one as usize)?, self.openings.get(other as usize)?, least)
    }

    /// Pairs that share enough hashes, with the share of their hashes: of each piece the best, so many.
    fn candidates(&self, most: usize) -> Vec<(u32, u32, f64)> {
        let mut near: Vec<Vec<(u8, Reverse<u32>)>> = vec![Vec::new(); self.hashes.len()];
        let mut buckets: Vec<(u16, u32)> = Vec::with_capacity(self.hashes.len());
        for index in 0..HASHES {
            buckets.clear();
            buckets.extend(
                (0..).zip(&self.hashes).filter_map(|(piece, hashes)| Some((*hashes.get(index)?, piece))),
            );
            buckets.sort_unstable();
            for bucket in buckets.chunk_by(|a, b| a.0 == b.0).filter(|bucket| bucket.len() > 1) {
                for (index, &(_, one)) in bucket.iter().enumerate() {
                    let room = usize::try_from(SIMILAR_BUCKET_MAX.default).unwrap_or(usize::MAX);
                    for &(_, other) in bucket.iter().skip(index + 1).take(room) {
                        self.note(&mut near, (one, other), most);
                    }
                }
            }
        }
        let mut pairs: Vec<(u32, u32, f64)> = Vec::new();
        for (one, best) in (0..).zip(near) {
            pairs.extend(best.into_iter().map(|(shared, Reverse(other))| {
                (one.min(other), one.max(other), f64::from(shared) / HASHES as f64)
            }));
        }
        pairs.sort_by_key(|&(one, other, _)| (one, other));
        pairs.dedup_by_key(|&mut (one, other, _)| (one, other));
        pairs
    }

    /// Keeps two pieces as candidates of each other, if they are among the best of either.
    fn note(&self, near: &mut [Vec<(u8, Reverse<u32>)>], (one, other): (u32, u32), most: usize) {
        let hashes = |piece: u32| self.hashes.get(piece as usize);
        let (Some(here), Some(there)) = (hashes(one), hashes(other)) else { return };
        let shared = here.iter().zip(there).filter(|(a, b)| a == b).count();
        if shared < SHARED {
            return;
        }
        let shared = u8::try_from(shared).unwrap_or(u8::MAX);
        for (piece, candidate) in [(one, other), (other, one)] {
            let Some(best) = near.get_mut(piece as usize) else { continue };
            let entry = (shared, Reverse(candidate));
            let place = best.partition_point(|held| *held > entry);
            if place < most && best.get(place) != Some(&entry) {
                best.insert(place, entry);
                best.truncate(most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::row::{Detail, Facts, Finding};

    /// A row with the fingerprint of hashes that begin with `own` ones and go on like those of everybody else, and an
    /// opening of so many notes.
    fn row(name: &str, own: usize, seed: u16, opening: &str) -> Row {
        let hash = |index: usize| {
            if index < own { seed.wrapping_mul(977).wrapping_add(index as u16) } else { index as u16 }
        };
        let hashes: String = (0..HASHES).map(|index| format!("{:04x}", hash(index))).collect();
        let cells = vec![Cell::Text(hashes), Cell::Integer(9), Cell::Text(opening.to_owned())];
        let failure = Failure::new(FailureKind::Internal, "none");
        let mut facts = Facts::failed(failure);
        facts.findings = vec![Finding { name: ANALYSIS.to_owned(), cells, detail: Detail::default() }];
        Row { source: name.to_owned(), piece: 0, format: None, digest: None, given: Vec::new(), facts }
    }

    fn all(rows: &[Row]) -> Fingerprints {
        let mut fingerprints = Fingerprints::default();
        rows.iter().for_each(|row| fingerprints.add(row).unwrap());
        fingerprints
    }

    fn names(pairs: &[Pair]) -> Vec<(String, String)> {
        pairs.iter().map(|pair| (pair.one.source.to_string(), pair.other.source.to_string())).collect()
    }

    #[test]
    fn what_is_like_is_found_and_what_is_not_is_not() {
        let (tune, other) = ("0:24 2:24 4:24 5:24 7:48", "0:24 12:6 3:90 1:6 6:12");
        let rows = [
            row("a", 16, 1, tune),
            row("b", 64, 2, other),
            row("c", 16, 3, "5:24 7:24 9:24 10:24 12:48"),
            row("d", 64, 4, tune),
        ];
        let pairs = all(&rows).pairs(Question { top: 5, threshold: 0.7 });
        assert_eq!(names(&pairs), [("a".to_owned(), "c".to_owned())]);
        assert_eq!((pairs[0].score, pairs[0].stretches, pairs[0].opening), (1.0, 0.75, Some(1.0)));
        assert!(all(&rows).pairs(Question { top: 5, threshold: 1.1 }).is_empty());
    }

    #[test]
    fn of_many_alike_each_has_its_neighbours_and_no_more() {
        let rows: Vec<Row> =
            (0..300).map(|index| row(&format!("{index:03}"), 1, index, "0:24 2:24")).collect();
        let pairs = all(&rows).pairs(Question { top: 2, threshold: 0.5 });
        let mut told = vec![0; 300];
        for (one, other) in names(&pairs) {
            told[one.parse::<usize>().unwrap()] += 1;
            told[other.parse::<usize>().unwrap()] += 1;
        }
        assert!(told.iter().all(|&count| count >= 1), "each has a neighbour");
        assert!(pairs.len() <= 600, "{}", pairs.len());
    }

    #[test]
    fn a_job_without_fingerprints_is_refused_and_rows_without_one_are_counted() {
        let mut fingerprints = Fingerprints::default();
        let mut lacking = row("a", 64, 1, "");
        lacking.facts.findings[0].name = "key".to_owned();
        assert!(fingerprints.add(&lacking).unwrap_err().message.contains("--analyses fingerprint"));
        lacking.facts.findings.clear();
        fingerprints.add(&lacking).unwrap();
        assert!(fingerprints.is_empty() && fingerprints.without == 2);
    }
}
