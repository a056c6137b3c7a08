//! What a job would cost before it is submitted: its work by size and format, what of it is known already, what stands before
//! it, who is there to do it.

use super::{Past, Service};
use crate::plan::{self, Estimate, Part};
use crate::sources::Listing;
use futures::{StreamExt, TryStreamExt, stream};
use shared::dispatch::Lane;
use shared::failure::Failure;
use shared::job::{Item, JobId, Record, Request, Wish};
use shared::ledger::Ledger;
use shared::limits::{PLAN_JOBS_MAX, PLAN_LOOKS_MAX};
use shared::principal::Principal;
use shared::receipt::{Outcome, Receipt};
use shared::store::{Stores, is_url};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use worker::cache::Cache;
use worker::fetch::{self, Arrived};
use worker::pipeline::{self, Wanted};

/// How long the broker may take to say who is there.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// Items that are looked for in the cache together.
const ITEMS_AT_ONCE: usize = 32;
/// Unfinished jobs that are looked at together: each is some requests to a store.
const JOBS_AT_ONCE: usize = 16;
/// Work of an item that is known, in microseconds of one core: it is read and hashed, and its rows are copied.
const KNOWN_MICROSECONDS: u64 = 50;

/// The worker inside this process.
#[derive(Clone, Debug)]
pub struct Here {
    /// Its cache, where it has one.
    pub cache: Option<Arc<Cache>>,
    /// Its threads for computing.
    pub threads: usize,
}

/// A job before it is submitted.
#[derive(Debug)]
pub struct Forecast {
    /// All of its work, as if nothing were known.
    pub estimate: Estimate,
    /// What was found and is no item.
    pub left_out: BTreeMap<String, u64>,
    /// What is known of it.
    pub known: Known,
    /// What stands before it.
    pub ahead: Ahead,
    /// Who does it.
    pub hands: Hands,
}

/// By what it is said how much is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The cache of the worker in this process: that much need not be worked.
    Cache,
    /// An earlier job of the same sources and analyses, worked by what works now. A schedule takes its rows over; any other
    /// job finds what the caches of the workers still have, and these are their own.
    Job(JobId),
    /// Nothing.
    Nothing,
}

/// What of a job was worked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// By what it is said.
    pub by: By,
    /// Items that were looked at. Where these are not all of them, the others are taken to be alike.
    pub looked_at: u64,
    /// Items that are known, and their work.
    pub part: Part,
}

/// Work of unfinished jobs that goes before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Jobs of the tenant who asks.
    pub jobs: u64,
    /// What is left of them, in microseconds of one core.
    pub microseconds: u64,
    /// The same of other tenants, who are not told of: it counts in the time until the end, and for nothing else.
    pub of_others: u64,
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// This process, on so many threads.
    Here(u64),
    /// So many workers of a cluster. How many cores each has is not known; one at least.
    Workers(u64),
    /// It cannot be said.
    Unknown,
}

impl Hands {
    /// Cores that are counted on.
    #[must_use]
    pub const fn cores(self) -> Option<u64> {
        match self {
            Hands::Here(cores) | Hands::Workers(cores) if cores > 0 => Some(cores),
            _ => None,
        }
    }
}

impl Forecast {
    /// Microseconds of one core that are left to do.
    #[must_use]
    pub fn left(&self) -> u64 {
        let all = self.estimate.total().microseconds;
        let known = self.known.part;
        all.saturating_sub(known.microseconds).saturating_add(known.items * KNOWN_MICROSECONDS)
    }

    /// Microseconds until the end, if it is submitted now: with what is known, and as if nothing were. Nothing where nobody is
    /// known to do it. An item is worked by one core, so that the largest one bounds it from below.
    #[must_use]
    pub fn until_end(&self) -> Option<(u64, u64)> {
        let cores = self.hands.cores()?;
        let (left, all) = (self.left(), self.estimate.total().microseconds);
        let until = |work: u64| {
            let shared = self
                .ahead
                .microseconds
                .saturating_add(self.ahead.of_others)
                .saturating_add(work)
                .div_ceil(cores);
            shared.max(self.estimate.largest.min(work))
        };
        Some((until(left), until(all)))
    }
}

/// What was found while items were looked at.
#[derive(Default)]
struct Tally {
    looked_at: Part,
    known: Part,
}

impl Tally {
    fn look(&mut self, item: &Item, is_known: bool) {
        self.looked_at.add(item);
        if is_known {
            self.known.add(item);
        }
    }

    /// The same for all items, by what was found of those looked at.
    fn of(self, by: By, all: Part) -> Known {
        let share = |known: u64, looked_at: u64, all: u64| match looked_at {
            0 => 0,
            _ => u64::try_from(u128::from(known) * u128::from(all) / u128::from(looked_at)).unwrap_or(all),
        };
        let Tally { looked_at, known } = self;
        let part = Part {
            items: share(known.items, looked_at.items, all.items),
            bytes: share(known.bytes, looked_at.bytes, all.bytes),
            microseconds: share(known.microseconds, looked_at.microseconds, all.microseconds),
        };
        Known { by, looked_at: looked_at.items, part }
    }
}

impl Service {
    /// Says what a job would cost. Nothing is submitted, and nothing written.
    ///
    /// # Errors
    /// A failure among the sources; what the ledger says.
    pub async fn forecast(
        &self,
        principal: &Principal,
        request: &Request,
        listing: &Listing,
        lane: Lane,
        here: Option<&Here>,
    ) -> Result<Forecast, Failure> {
        let estimate = plan::estimate(listing.found.iter())?;
        let request = Request { given: listing.given.clone(), ..request.clone() };
        // The cache can be read with keys that are at hand only.
        let ledger = self.ledger(principal).bound_to_life().await?;
        let wanted = Wanted::of(&request, &self.limits)?.for_ledger(&ledger).await?;
        let all = estimate.total();
        let known = match here {
            Some(Here { cache: Some(cache), .. }) => {
                self.in_cache(principal, listing, wanted, cache, all).await?
            }
            Some(Here { cache: None, .. }) => Tally::default().of(By::Nothing, all),
            None => self.in_ledger(principal, &request, listing, &wanted, all).await?,
        };
        let (ahead, hands) = (self.ahead(principal, lane).await?, self.hands(lane, here).await);
        Ok(Forecast { estimate, left_out: listing.left_out.clone(), known, ahead, hands })
    }

    /// Looks for the items in the cache of this process: for all of them, or for some that are as far from each other.
    async fn in_cache(
        &self,
        principal: &Principal,
        listing: &Listing,
        wanted: Wanted,
        cache: &Arc<Cache>,
        all: Part,
    ) -> Result<Known, Failure> {
        let (reach, stores, wanted) = (self.reach_of(principal)?, Stores::default(), Arc::new(wanted));
        let every = all.items.div_ceil(PLAN_LOOKS_MAX.default).max(1);
        let mut tally = Tally::default();
        let mut some = (0..).zip(listing.found.iter()).filter(|(index, _)| index % every == 0);
        loop {
            let mut looked_at = Vec::with_capacity(ITEMS_AT_ONCE);
            for (index, found) in some.by_ref().take(ITEMS_AT_ONCE) {
                let item = found?.item(index);
                // What lies in a folder is known by its bytes; what lies in a store, by the store's mark of them.
                let near = !is_url(&item.address) || item.address.starts_with("file:");
                let arrived = match near {
                    true => fetch::fetch(&item, &reach, &stores, &self.limits).await.ok(),
                    false => None,
                };
                looked_at.push((item, arrived));
            }
            if looked_at.is_empty() {
                return Ok(tally.of(By::Cache, all));
            }
            let (cache, wanted) = (Arc::clone(cache), Arc::clone(&wanted));
            for (item, is_known) in blocking(move || look_up(looked_at, &wanted, &cache)).await? {
                tally.look(&item, is_known);
            }
        }
    }

    /// Looks for the items in the newest job of the same sources and analyses, if one has ended: at the first ones.
    async fn in_ledger(
        &self,
        principal: &Principal,
        request: &Request,
        listing: &Listing,
        wanted: &Wanted,
        all: Part,
    ) -> Result<Known, Failure> {
        let ledger = self.ledger(principal);
        let Some(before) = self.earlier(&ledger, request, wanted).await? else {
            return Ok(Tally::default().of(By::Nothing, all));
        };
        let (mut past, mut tally) = (Past::new(&ledger, &before), Tally::default());
        let mut receipt: Option<(u32, Option<Receipt>)> = None;
        for (index, found) in (0..PLAN_LOOKS_MAX.default).zip(listing.found.iter()) {
            let item = found?.item(index);
            let place = past.place_of(&item).await?;
            let is_known = match place.filter(|(_, old)| is_as_it_was(&item, old)) {
                None => false,
                Some((earlier, _)) => {
                    if receipt.as_ref().is_none_or(|(chunk, _)| *chunk != earlier.chunk) {
                        receipt = Some((earlier.chunk, ledger.receipt(&before.id, earlier.chunk).await?));
                    }
                    let receipt = receipt.as_ref().and_then(|(_, receipt)| receipt.as_ref());
                    let receipt = receipt.filter(|receipt| receipt.made_by == wanted.made_by());
                    let place = usize::try_from(earlier.item).unwrap_or(usize::MAX);
                    receipt.and_then(|receipt| receipt.outcomes.get(place)).is_some_and(will_be_so)
                }
            };
            tally.look(&item, is_known);
        }
        Ok(tally.of(By::Job(before.id.clone()), all))
    }

    /// The newest job that ended, of the same sources by the same analyses and options.
    async fn earlier(
        &self,
        ledger: &Ledger,
        request: &Request,
        wanted: &Wanted,
    ) -> Result<Option<Record>, Failure> {
        let newest = usize::try_from(PLAN_JOBS_MAX.default).unwrap_or(usize::MAX);
        for record in ledger.records_after(None, newest).await? {
            if record.retries.is_some() || record.request.sources != request.sources {
                continue;
            }
            // One whose analyses this engine has not was made by something else.
            let made_by = Wanted::of(&record.request, &self.limits);
            if made_by.is_ok_and(|made_by| made_by.made_by() == wanted.made_by())
                && ledger.finished(&record.id).await?.is_some()
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// What is left of the unfinished jobs whose lane is not served after this one; of the first ones, if they are many.
    async fn ahead(&self, principal: &Principal, lane: Lane) -> Result<Ahead, Failure> {
        let most = usize::try_from(PLAN_JOBS_MAX.default).unwrap_or(usize::MAX);
        let looks = self.ledger.first_active(most).await?.into_iter().map(|(ledger, record)| async move {
            let control = ledger.control(&record.id).await?;
            if control.wish != Wish::Running || control.lane.unwrap_or(record.lane) > lane {
                return Ok(None);
            }
            let done = ledger.receipts(&record.id).await?.len() as u64;
            let chunks = u64::from(record.chunks);
            // An ended job stays in the index of active ones until it is counted.
            if done >= chunks {
                return Ok(None);
            }
            let all = plan::roughly(record.items, record.bytes);
            let left = all / chunks * (chunks - done);
            Ok::<_, Failure>(Some((ledger.tenant() == principal.tenant, left)))
        });
        let (mut looks, mut ahead) = (stream::iter(looks).buffered(JOBS_AT_ONCE), Ahead::default());
        while let Some(look) = looks.try_next().await? {
            match look {
                Some((true, left)) => {
                    ahead.jobs += 1;
                    ahead.microseconds += left;
                }
                Some((false, left)) => ahead.of_others += left,
                None => {}
            }
        }
        Ok(ahead)
    }

    async fn hands(&self, lane: Lane, here: Option<&Here>) -> Hands {
        if let Some(here) = here {
            return Hands::Here(here.threads as u64);
        }
        match timeout(ASK_TIMEOUT, self.dispatcher.consumers(lane)).await {
            Ok(Ok(Some(workers))) => Hands::Workers(u64::from(workers)),
            Ok(Ok(None)) | Err(_) => Hands::Unknown,
            Ok(Err(failure)) => {
                tracing::warn!(%failure, "nobody says how many workers are up");
                Hands::Unknown
            }
        }
    }
}

/// Whether the listing says that an item is what it was.
fn is_as_it_was(item: &Item, old: &Item) -> bool {
    let marked = item.etag.is_some() || item.modified_ms == old.modified_ms;
    item.failure.is_none() && item.etag == old.etag && item.bytes == old.bytes && marked
}

/// Whether the outcome of an item that is as it was will be the same.
fn will_be_so(outcome: &Outcome) -> bool {
    outcome.failure.as_ref().is_none_or(|failure| failure.kind.is_lasting())
}

fn look_up(items: Vec<(Item, Option<Arrived>)>, wanted: &Wanted, cache: &Cache) -> Vec<(Item, bool)> {
    let look = |(item, arrived): (Item, Option<Arrived>)| {
        let is_known = pipeline::is_known(&item, arrived, wanted, cache);
        (item, is_known)
    };
    items.into_iter().map(look).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let gone =
        |error| Failure::new(shared::failure::FailureKind::Internal, format!("a thread is gone: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: u64) -> Item {
        Item::alone("a.abc".into(), "/a.abc".into(), bytes)
    }

    fn forecast(known: Known, hands: Hands, ahead: u64) -> Forecast {
        let items = [4_000_000, 2_000_000, 2_000_000].map(item);
        let mut estimate = Estimate::default();
        items.iter().for_each(|item| estimate.add(item));
        let ahead = Ahead { jobs: 1, microseconds: ahead / 2, of_others: ahead / 2 };
        Forecast { estimate, left_out: BTreeMap::new(), known, ahead, hands }
    }

    #[test]
    fn what_was_found_of_some_holds_for_all() {
        let mut tally = Tally::default();
        (0..10).for_each(|index| tally.look(&item(1_000), index < 4));
        let all = Part { items: 1_000, bytes: 1_000_000, microseconds: 700_000 };
        let known = tally.of(By::Cache, all);
        let part = Part { items: 400, bytes: 400_000, microseconds: 280_000 };
        assert_eq!((known.looked_at, known.part), (10, part));
        assert_eq!(Tally::default().of(By::Nothing, all).part, Part::default());
    }

    #[test]
    fn the_end_follows_from_work_backlog_and_cores() {
        let nothing = || Tally::default().of(By::Nothing, Part::default());
        let all = forecast(nothing(), Hands::Here(1), 0).left();
        assert_eq!(forecast(nothing(), Hands::Here(1), 0).until_end(), Some((all, all)));
        let two = forecast(nothing(), Hands::Workers(2), 1_000_000).until_end();
        let half = (all + 1_000_000).div_ceil(2);
        assert_eq!(two, Some((half, half)));
        // However many there are, the largest item is one core's.
        let many = forecast(nothing(), Hands::Workers(64), 0).until_end();
        assert_eq!(many, Some((2_000_200, 2_000_200)));
        for nobody in [Hands::Workers(0), Hands::Unknown] {
            assert_eq!(forecast(nothing(), nobody, 0).until_end(), None);
        }
        let part = Part { items: 3, bytes: 8_000_000, microseconds: all };
        let known = Known { by: By::Cache, looked_at: 3, part };
        assert_eq!(forecast(known, Hands::Here(1), 0).until_end(), Some((150, all)));
    }

    #[test]
    fn what_the_listing_does_not_tell_apart_is_as_it_was() {
        let with = |etag: Option<&str>, bytes, modified_ms| Item {
            etag: etag.map(str::to_owned),
            modified_ms,
            ..item(bytes)
        };
        for (now, then, same) in [
            (with(Some("a"), 1, 1), with(Some("a"), 1, 2), true),
            (with(Some("a"), 1, 1), with(Some("b"), 1, 1), false),
            (with(Some("a"), 1, 1), with(None, 1, 1), false),
            (with(None, 1, 1), with(None, 1, 1), true),
            (with(None, 1, 1), with(None, 1, 2), false),
            (with(None, 1, 1), with(None, 2, 1), false),
        ] {
            assert_eq!(is_as_it_was(&now, &then), same, "{now:?} {then:?}");
        }
    }
}
