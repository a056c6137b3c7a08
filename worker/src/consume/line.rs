//! The lines of chunks that a job travels by: c, c + window, c + twice the window, …; each is one message at a time.

use super::{Known, PREFETCH};
use shared::dispatch::{Dispatcher, Lane, Message};
use shared::failure::Failure;
use shared::limits::Limits;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long the number of workers is believed.
const CONSUMERS_TRUSTED: Duration = Duration::from_secs(5);
/// How long the broker may take to say it. Who does not know it goes on as before.
const ASK_TIMEOUT: Duration = Duration::from_millis(200);

/// The chunk of a message or, where that was worked before, the first one of its line that was not: whoever worked it may
/// have died before the work was passed on. Nothing if the line is done.
pub(super) async fn left(known: &Known, message: &Message) -> Result<Option<u32>, Failure> {
    if !known.ledger.has_receipt(&message.job, message.chunk).await? {
        return Ok(Some(message.chunk));
    }
    let done = known.ledger.receipts(&message.job).await?;
    let step = usize::try_from(message.window.max(1)).unwrap_or(usize::MAX);
    Ok((message.chunk..known.chunks).step_by(step).find(|chunk| done.binary_search(chunk).is_err()))
}

/// The messages that follow one whose chunk is done: the next of its line or, where the workers can take more lines than there are, the first ones of the two
/// that it becomes. Lines part in the order of their numbers, as the buckets of linear hashing do (Litwin 1980): so there are at last just as many as the workers
/// can take, although none of those who part them counts them.
pub(super) fn next(message: &Message, wide: Option<u32>, chunks: u32) -> Vec<Message> {
    let window = message.window.max(1);
    let of_line = |step: u32, window: u32| {
        let chunk = message.chunk.checked_add(step).filter(|chunk| *chunk < chunks)?;
        Some(Message { chunk, window, attempt: 0, ..message.clone() })
    };
    let parts = wide.is_some_and(|wide| window.saturating_add(message.chunk % window) < wide);
    match window.checked_mul(2).filter(|_| parts) {
        Some(twice) => [of_line(window, twice), of_line(twice, twice)].into_iter().flatten().collect(),
        None => of_line(window, window).into_iter().collect(),
    }
}

/// How many chunks of one job the workers of a cluster can take, if that is known: what they hold, and no more.
pub async fn window(dispatcher: &Dispatcher, lane: Lane, limits: &Limits) -> Option<u32> {
    let consumers = timeout(ASK_TIMEOUT, dispatcher.consumers(lane)).await.ok()?.ok()??;
    let most = u32::try_from(limits.chunks_in_lane_max).unwrap_or(u32::MAX).max(1);
    Some(consumers.max(1).saturating_mul(u32::from(PREFETCH)).min(most))
}

/// How many workers there were when somebody asked last.
#[derive(Debug, Default)]
pub(super) struct Consumers(Mutex<BTreeMap<Lane, (Instant, Option<u32>)>>);

impl Consumers {
    /// As [`window`], asked now and then.
    pub(super) async fn window(&self, dispatcher: &Dispatcher, lane: Lane, limits: &Limits) -> Option<u32> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(&lane).copied();
        if let Some((_, window)) = before.filter(|(asked, _)| asked.elapsed() < CONSUMERS_TRUSTED) {
            return window;
        }
        let window = window(dispatcher, lane, limits).await;
        known().insert(lane, (Instant::now(), window));
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::job::JobId;
    use std::collections::VecDeque;

    fn message(chunk: u32, window: u32) -> Message {
        let (tenant, job) = ("t".to_owned(), JobId::from_random(&[7; 16]));
        Message { version: 1, tenant, job, chunk, window, attempt: 3 }
    }

    #[test]
    fn every_chunk_is_published_once_however_the_lines_part() {
        for chunks in [1, 2, 7, 64, 1000] {
            for first in [1, 2, 3, 16] {
                // Workers come and go: what they can take changes with each chunk.
                for wide in [&[None][..], &[Some(1)], &[Some(2), Some(96), None, Some(12)], &[Some(u32::MAX)]]
                {
                    let begin = (0..first.min(chunks)).map(|chunk| message(chunk, first));
                    let mut waiting: VecDeque<Message> = begin.collect();
                    let mut done = vec![0; chunks as usize];
                    let mut turns = wide.iter().cycle();
                    while let Some(message) = waiting.pop_front() {
                        done[message.chunk as usize] += 1;
                        waiting.extend(next(&message, *turns.next().unwrap(), chunks));
                    }
                    assert!(done.iter().all(|times| *times == 1), "{chunks} {first} {wide:?}: {done:?}");
                }
            }
        }
    }

    #[test]
    fn lines_part_only_where_the_workers_can_take_them() {
        let of = |wide| {
            let next = next(&message(5, 4), wide, 100);
            next.iter().map(|message| (message.chunk, message.window, message.attempt)).collect::<Vec<_>>()
        };
        // It is the second of four: the first one parts for a fifth, this one for a sixth.
        assert_eq!(of(None), [(9, 4, 0)]);
        assert_eq!(of(Some(5)), [(9, 4, 0)]);
        assert_eq!(of(Some(6)), [(9, 8, 0), (13, 8, 0)]);
    }

    #[test]
    fn there_come_to_be_as_many_lines_as_the_workers_can_take() {
        for first in [1, 3, 4, 16] {
            let mut waiting: VecDeque<Message> = (0..first).map(|chunk| message(chunk, first)).collect();
            for wide in [1, 3, 6, 9, 15, 16, 31, 96, 7] {
                let before = waiting.len();
                for _ in 0..10 * before.max(wide) {
                    let message = waiting.pop_front().unwrap();
                    waiting.extend(next(&message, Some(u32::try_from(wide).unwrap()), u32::MAX));
                }
                assert_eq!(waiting.len(), before.max(wide), "{first} {wide}");
            }
        }
    }
}
