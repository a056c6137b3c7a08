//! Sources in order, however many there are: runs that fit the memory are sorted and written to files that nobody else
//! names, and read side by side.

use crate::plan::{Found, More, Root};
use shared::failure::{Failure, FailureKind};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Memory of a run that is not sorted yet.
const RUN_BYTES: usize = 16 << 20;

/// An order of sources in which equal ones are the same.
pub(super) type Order = fn(&Found, &Found) -> Ordering;

/// Takes sources in any order.
pub(super) struct Sorter {
    sorted: Sorted,
    run_bytes: usize,
    /// Memory of what is not in a file yet.
    held: usize,
}

/// Sources in order.
#[derive(Debug)]
pub struct Sorted {
    order: Order,
    roots: Vec<Arc<Root>>,
    runs: Vec<File>,
    /// The last run, which stays in memory.
    last: Vec<Found>,
    items: u64,
    bytes: u64,
}

/// A source as it lies in a run: the place of its root among the roots, and the rest of it.
type Record = (u32, Box<str>, u64, u64, Option<Box<More>>);

impl Sorter {
    pub(super) const fn new(order: Order) -> Self {
        Sorter::with_runs_of(RUN_BYTES, order)
    }

    const fn with_runs_of(run_bytes: usize, order: Order) -> Self {
        let sorted =
            Sorted { order, roots: Vec::new(), runs: Vec::new(), last: Vec::new(), items: 0, bytes: 0 };
        Sorter { sorted, run_bytes, held: 0 }
    }

    /// Takes one more. Those of one listing come one after the other.
    pub(super) fn push(&mut self, found: Found) -> Result<(), Failure> {
        let Sorted { roots, last, items, bytes, .. } = &mut self.sorted;
        if roots.last().is_none_or(|root| !Arc::ptr_eq(root, &found.root)) {
            roots.push(Arc::clone(&found.root));
        }
        (*items, *bytes) = (*items + 1, bytes.saturating_add(found.bytes));
        self.held += size_of::<Found>() + found.inside.len() + found.more.as_deref().map_or(0, held);
        last.push(found);
        if self.held >= self.run_bytes {
            self.held = 0;
            self.spill().map_err(|error| spool_failure(&error))?;
        }
        Ok(())
    }

    /// Writes what is held as a run. Its roots are the last ones, in the order in which they came.
    fn spill(&mut self) -> io::Result<()> {
        let Sorted { order, roots, runs, last, .. } = &mut self.sorted;
        let mut file = BufWriter::new(tempfile::tempfile()?);
        let rank = |found: &Found| {
            let rank = roots.iter().rposition(|root| Arc::ptr_eq(root, &found.root));
            u32::try_from(rank.unwrap_or(0)).map_err(io::Error::other)
        };
        last.sort_unstable_by(*order);
        for found in last.drain(..) {
            let record = (rank(&found)?, &found.inside, found.bytes, found.modified_ms, &found.more);
            rmp_serde::encode::write(&mut file, &record).map_err(io::Error::other)?;
        }
        file.flush()?;
        runs.push(file.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Sorted {
        self.sorted.last.sort_unstable_by(self.sorted.order);
        self.sorted
    }
}

impl Sorted {
    /// How many there are.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Bytes of all of them.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of them, in order. A failure is the last.
    pub fn iter(&self) -> impl Iterator<Item = Result<Found, Failure>> {
        let mut runs: Vec<Run<'_>> = self.runs.iter().map(|file| Run::new(file, &self.roots)).collect();
        let mut last = self.last.iter();
        let in_memory = runs.len();
        let mut heads = BinaryHeap::with_capacity(in_memory + 1);
        let mut failed = false;
        // A run whose next is awaited; at first that is every run.
        let mut awaited: Vec<usize> = (0..=in_memory).collect();
        std::iter::from_fn(move || {
            for run in std::mem::take(&mut awaited) {
                let next = match runs.get_mut(run) {
                    Some(run) => run.next().transpose(),
                    None => last.next().cloned().map(Ok),
                };
                match next {
                    Some(Ok(found)) => heads.push(Head { found, run, order: self.order }),
                    Some(Err(error)) if !failed => {
                        failed = true;
                        heads.clear();
                        return Some(Err(spool_failure(&error)));
                    }
                    Some(Err(_)) | None => {}
                }
            }
            let Head { found, run, .. } = heads.pop()?;
            awaited.push(run);
            Some(Ok(found))
        })
    }
}

/// Memory of what else is known of a source, about.
fn held(more: &More) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let wrong = more.wrong.as_ref().map_or(0, |(.., message)| message.len());
    let given = more.given.iter().map(|value| size_of::<Option<String>>() + text(value)).sum::<usize>();
    size_of::<More>() + text(&more.address) + text(&more.etag) + given + wrong
}

/// The first source of a run that was not taken yet.
struct Head {
    found: Found,
    run: usize,
    order: Order,
}

/// The first in order is the greatest, for a heap gives the greatest first.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.order)(&other.found, &self.found)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// A run that is read from its start.
struct Run<'a> {
    file: BufReader<FromStart<'a>>,
    roots: &'a [Arc<Root>],
}

impl<'a> Run<'a> {
    fn new(file: &'a File, roots: &'a [Arc<Root>]) -> Self {
        Run { file: BufReader::new(FromStart { file, offset: 0 }), roots }
    }

    fn next(&mut self) -> io::Result<Option<Found>> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let record = rmp_serde::from_read(&mut self.file).map_err(io::Error::other)?;
        let (rank, inside, bytes, modified_ms, more): Record = record;
        let root = self.roots.get(rank as usize).ok_or_else(|| io::Error::other("a root is not there"))?;
        Ok(Some(Found { root: Arc::clone(root), inside, bytes, modified_ms, more }))
    }
}

/// Reads a file from its start, whoever else reads it.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

fn spool_failure(error: &io::Error) -> Failure {
    let message = format!("the list of sources cannot be kept in a temporary file: {error}");
    Failure::new(FailureKind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(run_bytes: usize, names: &[(usize, String)]) -> Vec<(String, u64)> {
        let root = |name: &str| Arc::new(Root { name: name.into(), address: format!("/at/{name}") });
        let roots = [root("b"), root("a")];
        let mut sorter = Sorter::with_runs_of(run_bytes, Found::by_name);
        for ((root, inside), bytes) in names.iter().zip(0..) {
            let root = Arc::clone(&roots[*root]);
            let inside: Box<str> = inside.as_str().into();
            let more = (bytes % 2 == 0)
                .then(|| Box::new(More { etag: Some(inside.to_string()), ..More::default() }));
            sorter.push(Found { root, inside, bytes, modified_ms: 7, more }).unwrap();
        }
        let sorted = sorter.finish();
        assert_eq!(sorted.items(), names.len() as u64);
        let once: Vec<Found> = sorted.iter().map(Result::unwrap).collect();
        let again: Vec<Found> = sorted.iter().map(Result::unwrap).collect();
        assert_eq!(once, again, "it can be gone through again");
        assert!(once.iter().all(|found| found.modified_ms == 7));
        let etag = |found: &Found| found.more.as_ref().and_then(|more| more.etag.clone());
        assert!(once.iter().all(|found| etag(found).is_none_or(|etag| *etag == *found.inside)));
        assert_eq!(once.iter().filter_map(etag).count(), names.len().div_ceil(2));
        once.iter().map(|found| (found.name(), found.bytes)).collect()
    }

    #[test]
    fn runs_in_files_give_the_order_of_one_in_memory() {
        // 7 has no common divisor with 1000: every number once, out of order; the second listing goes behind.
        let inside = |n: usize| (n / 700, format!("{:03}", n * 7 % 1000));
        let names: Vec<(usize, String)> = (0..1000).map(inside).collect();
        let expected = listed(usize::MAX, &names);
        assert!(expected.is_sorted_by_key(|(name, _)| name.clone()));
        for run_bytes in [1, 1_000, 20_000] {
            assert_eq!(listed(run_bytes, &names), expected, "runs of {run_bytes} bytes");
        }
    }

    #[test]
    fn a_run_that_is_cut_off_is_a_failure_and_the_end() {
        let root = Arc::new(Root { name: "s".into(), address: "/s".into() });
        let mut sorter = Sorter::with_runs_of(1, Found::by_name);
        for inside in ["a", "b"] {
            let root = Arc::clone(&root);
            sorter.push(Found { root, inside: inside.into(), bytes: 1, modified_ms: 1, more: None }).unwrap();
        }
        let sorted = sorter.finish();
        sorted.runs[1].set_len(2).unwrap();
        let found: Vec<_> = sorted.iter().collect();
        assert!(
            matches!(&found[..], [Err(failure)] if failure.kind == FailureKind::Unavailable),
            "{found:?}"
        );
    }
}
