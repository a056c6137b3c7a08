//! What becomes of each time of each schedule. Every step can be cut off anywhere, and be taken by two at once:
//!
//! 1. The time is opened: from here on somebody sees it through.
//! 2. One process claims it, lists the sources, writes the chunks of a job.
//! 3. The outcome is created, if it is absent: this job. Chunks of whoever comes second are named by nobody.
//! 4. The job of the outcome is accepted and published, by whoever sees it first.
//! 5. Once it has ended, what had changed is written, and the time closed.

use super::{Times, changes, of_today};
use crate::service::{Charge, Service};
use crate::sources;
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record, Wish};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::Principal;
use shared::schedule::{CatchUp, FireOutcome, FireTime, Fired, Schedule, ScheduleName, Standing};
use shared::wire::WIRE_VERSION;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing::Instrument;

/// How often a scheduler looks.
pub const TICK_EVERY: Duration = Duration::from_secs(10);
/// How often what is kept no longer is removed, in milliseconds.
const SWEEP_EVERY_MS: u64 = 3_600_000;
/// A time is not missed before it is so late, in milliseconds: a front that is replaced is away for minutes.
const LATE_MAX_MS: u64 = 600_000;
/// Times that a process may try to find the sources, before it is said that it cannot be done.
const CLAIMS_MAX: u32 = 10;
/// Times that are looked at for the run before.
const LOOKED_BACK_MAX: usize = 100;

/// Looks after the schedules of every tenant.
#[derive(Debug)]
pub struct Scheduler {
    service: Service,
    limits: Limits,
    /// Where the worker is in this process: the jobs that it was told of. Nobody else brings it what is unfinished.
    told: Option<Mutex<BTreeSet<JobId>>>,
}

/// What a look at the schedules did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Jobs that were accepted.
    pub accepted: Vec<(ScheduleName, JobId)>,
    /// Times that wait for somebody: for the end of a job, or for another process.
    pub open: usize,
}

impl Scheduler {
    /// One whose jobs are worked by a cluster.
    #[must_use]
    pub const fn new(service: Service, limits: Limits) -> Self {
        Scheduler { service, limits, told: None }
    }

    /// Has it bring unfinished jobs to the worker of this process.
    #[must_use]
    pub fn working_here(self) -> Self {
        Scheduler { told: Some(Mutex::default()), ..self }
    }

    /// Looks again and again. A look that fails is a warning: the next one does what it left.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(TICK_EVERY);
        let mut turn = 0;
        loop {
            ticks.tick().await;
            let now = clock::now_ms() / SWEEP_EVERY_MS;
            if now != std::mem::replace(&mut turn, now) {
                self.sweep(now).await;
            }
            if let Err(failure) = self.tick(clock::now_ms()).await {
                tracing::warn!(%failure, "schedules were not looked after; it is tried again");
            }
        }
    }

    /// Removes what is kept no longer, where this process is the first to do so this hour. What it leaves the next hour does.
    async fn sweep(&self, turn: u64) {
        let swept = match self.service.ledger_of_all().claim("sweep", turn).await {
            Ok(Some(now_ms)) => self.service.sweep(now_ms).await,
            Ok(None) => return,
            Err(failure) => Err(failure),
        };
        match swept {
            Ok(swept) => tracing::info!(jobs = swept.jobs, objects = swept.objects, "swept"),
            Err(failure) => tracing::warn!(%failure, "not swept; it is tried again in an hour"),
        }
    }

    /// Looks at every schedule once: fires what is due at `now_ms`, and completes what is open. One that fails keeps no other
    /// from its turn.
    ///
    /// # Errors
    /// What the ledger says; of several failures the last.
    pub async fn tick(&self, now_ms: u64) -> Result<Tick, Failure> {
        let mut tick = Tick::default();
        let mut outcome = Ok(());
        for (ledger, name) in self.service.ledger_of_all().schedules_of_all().await? {
            let span = tracing::error_span!("schedule", tenant = ledger.tenant(), schedule = %name);
            let looked = self.look_after(&ledger, &name, now_ms, &mut tick).instrument(span.clone()).await;
            if let Err(failure) = looked {
                span.in_scope(|| tracing::warn!(%failure, "a schedule was not looked after"));
                outcome = Err(failure);
            }
        }
        outcome.map(|()| tick)
    }

    /// Completes what is open of one schedule, and fires nothing.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn complete(&self, principal: &Principal, name: &ScheduleName) -> Result<(), Failure> {
        let ledger = self.service.ledger(principal);
        let Some(schedule) = ledger.schedule(name).await? else { return Ok(()) };
        for time in ledger.open_fires(name).await? {
            if ledger.fired(name, time).await?.is_some() {
                self.advance(&ledger, &schedule, time, &mut Tick::default()).await?;
            }
        }
        Ok(())
    }

    async fn look_after(
        &self,
        ledger: &Ledger,
        name: &ScheduleName,
        now_ms: u64,
        tick: &mut Tick,
    ) -> Result<(), Failure> {
        // Of a tenant that is erased while its sources are listed, nothing is begun.
        let ledger = &ledger.clone().bound_to_life().await?;
        let Some(schedule) = ledger.schedule(name).await? else { return Ok(()) };
        let mut open = ledger.open_fires(name).await?;
        if let Some(time) = due(ledger, &schedule, &open, now_ms).await? {
            ledger.open_fire(name, time).await?;
            open.push(time);
        }
        for time in open {
            tick.open += usize::from(self.advance(ledger, &schedule, time, tick).await?);
        }
        Ok(())
    }

    /// Takes a time as far as it goes now; says whether it waits for somebody. A paused job waits for nobody here.
    async fn advance(
        &self,
        ledger: &Ledger,
        schedule: &Schedule,
        time: FireTime,
        tick: &mut Tick,
    ) -> Result<bool, Failure> {
        let name = &schedule.name;
        let Some(fired) = self.outcome(ledger, schedule, time).await? else { return Ok(true) };
        if let FireOutcome::Job { record, before } = fired.outcome {
            if !ledger.is_accepted(&record).await? {
                ledger.accept(&record).await?;
                tracing::info!(job.id = %record.id, "fired");
                tick.accepted.push((name.clone(), record.id.clone()));
                self.publish(ledger, &record).await;
            }
            let Some(finished) = ledger.finished(&record.id).await? else {
                return self.bring(ledger, &record).await;
            };
            let before = match before {
                Some(before) => record_of(ledger, &before).await?,
                None => None,
            };
            let changes = changes::between(ledger, before.as_ref(), &record, &finished).await?;
            ledger.write_changes(name, time, &changes).await?;
        }
        ledger.close_fire(name, time).await.map(|()| false)
    }

    /// What became of a time; decides it, unless another process is at it.
    async fn outcome(
        &self,
        ledger: &Ledger,
        schedule: &Schedule,
        time: FireTime,
    ) -> Result<Option<Fired>, Failure> {
        let name = &schedule.name;
        if let Some(fired) = ledger.fired(name, time).await? {
            return Ok(Some(fired));
        }
        let trusted_ms = self.limits.fire_seconds_max.saturating_mul(1000);
        let Some(claim) = ledger.claim_fire(name, time, clock::now_ms(), trusted_ms).await? else {
            return Ok(None);
        };
        let (outcome, charge) = match self.job(ledger, schedule, time).await {
            Err(failure) if may_end_within(&failure, CLAIMS_MAX.saturating_sub(claim), &self.limits) => {
                return Err(failure);
            }
            Err(failure) => {
                tracing::warn!(%failure, "a time of a schedule has no job");
                (FireOutcome::Failed { failure }, None)
            }
            Ok(decided) => decided,
        };
        let ours = Fired { version: WIRE_VERSION, decided_ms: clock::now_ms(), outcome };
        let fired = ledger.decide(name, time, ours.clone()).await?;
        if fired != ours {
            self.service.discharge(ledger, charge).await?;
        }
        Ok(Some(fired))
    }

    /// A job whose chunks are written and that has its share of the day, if there is need for one.
    async fn job(
        &self,
        ledger: &Ledger,
        schedule: &Schedule,
        time: FireTime,
    ) -> Result<(FireOutcome, Option<Charge>), Failure> {
        let skipped = |why: String| Ok((FireOutcome::Skipped { why }, None));
        if schedule.standing == Standing::Removed {
            return skipped("the schedule was removed".to_owned());
        }
        let before = match run_before(ledger, &schedule.name, time).await? {
            Before::Unfinished(job) => {
                return skipped(format!("{job} of the run before had not ended"));
            }
            Before::Finished(job) => Some(job),
            Before::Nothing => None,
        };
        let request = of_today(&schedule.request)?;
        let reach = ledger.reach_of_sources()?;
        let listing = sources::list_with(&request.sources, Vec::new(), &reach, &self.limits).await?;
        let run_before = match &before {
            Some(before) => record_of(ledger, before).await?,
            None => None,
        };
        let run_before = run_before.as_ref();
        let record = self.service.write_job(ledger, request, listing, schedule.lane, run_before).await?;
        let charge = self.service.charge(ledger, &record).await?;
        Ok((FireOutcome::Job { record: Box::new(record), before }, charge))
    }

    async fn publish(&self, ledger: &Ledger, record: &Record) {
        if self.told.is_none() {
            self.service.publish(ledger, record).await;
        }
    }

    /// Brings an unfinished job to the worker of this process, once; says whether it is worked.
    async fn bring(&self, ledger: &Ledger, record: &Record) -> Result<bool, Failure> {
        let Some(told) = &self.told else { return Ok(true) };
        if ledger.control(&record.id).await?.wish == Wish::Paused {
            return Ok(false);
        }
        // Nothing that holds the lock can panic half-way through a change.
        if told.lock().unwrap_or_else(PoisonError::into_inner).insert(record.id.clone()) {
            self.service.publish(ledger, record).await;
        }
        Ok(true)
    }
}

/// Whether what went wrong may be right again before so many tries are over. A quota that frees later is no matter of tries:
/// the history says so at once.
fn may_end_within(failure: &Failure, tries: u32, limits: &Limits) -> bool {
    let seconds = u64::from(tries).saturating_mul(limits.fire_seconds_max);
    let soon = failure.retry_after_seconds.is_none_or(|after| after <= seconds);
    failure.kind.is_transient() && tries > 0 && soon
}

/// The record of a job; nothing if somebody took it out of the ledger.
async fn record_of(ledger: &Ledger, job: &JobId) -> Result<Option<Record>, Failure> {
    match ledger.record(job).await {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// The time that a schedule has to fire for now, if any.
async fn due(
    ledger: &Ledger,
    schedule: &Schedule,
    open: &[FireTime],
    now_ms: u64,
) -> Result<Option<FireTime>, Failure> {
    if schedule.standing != Standing::Active {
        return Ok(None);
    }
    let times = Times::parse(&schedule.cron, &schedule.timezone)?;
    let after_ms = match schedule.catch_up {
        CatchUp::None => schedule.since_ms.max(now_ms.saturating_sub(LATE_MAX_MS)),
        CatchUp::One | CatchUp::All => schedule.since_ms,
    };
    let most = match schedule.catch_up {
        CatchUp::None | CatchUp::One => 1,
        // One after the other: the next one once the one before has ended.
        CatchUp::All if !open.is_empty() => return Ok(None),
        CatchUp::All => usize::try_from(shared::limits::CATCH_UP_MAX.default).unwrap_or(usize::MAX),
    };
    // They fire in their order, so before one that has fired there is none that has not.
    let mut due = None;
    for at_ms in times.between(after_ms, now_ms, most).into_iter().rev() {
        let time = FireTime { at_ms, asked: false };
        if open.contains(&time) || ledger.fired(&schedule.name, time).await?.is_some() {
            break;
        }
        due = Some(time);
    }
    Ok(due)
}

/// The run that a time is held against.
enum Before {
    Nothing,
    Unfinished(JobId),
    Finished(JobId),
}

/// The jobs that the schedules of a tenant need yet: those of times that are not closed, with the runs that they are held
/// against, and the run that the next one takes rows from.
pub(crate) async fn needed(ledger: &Ledger) -> Result<BTreeSet<JobId>, Failure> {
    /// After every time that there is.
    const NEXT: FireTime = FireTime { at_ms: u64::MAX, asked: true };
    let mut needed = BTreeSet::new();
    for name in ledger.schedule_names().await? {
        for time in ledger.open_fires(&name).await? {
            let fired = ledger.fired(&name, time).await?;
            if let Some(Fired { outcome: FireOutcome::Job { record, before }, .. }) = fired {
                needed.insert(record.id);
                needed.extend(before);
            }
        }
        let schedule = ledger.schedule(&name).await?;
        if schedule.is_some_and(|schedule| schedule.standing != Standing::Removed)
            && let Before::Finished(job) | Before::Unfinished(job) = run_before(ledger, &name, NEXT).await?
        {
            needed.insert(job);
        }
    }
    Ok(needed)
}

async fn run_before(ledger: &Ledger, name: &ScheduleName, time: FireTime) -> Result<Before, Failure> {
    let open = ledger.open_fires(name).await?;
    for before in ledger.fires(name, time, LOOKED_BACK_MAX).await? {
        let Some(Fired { outcome: FireOutcome::Job { record, .. }, .. }) = ledger.fired(name, before).await?
        else {
            continue;
        };
        match ledger.finished(&record.id).await? {
            // One that is closed had ended, and is removed.
            None if !open.contains(&before) => {}
            None => return Ok(Before::Unfinished(record.id)),
            Some(finished) if !finished.cancelled => return Ok(Before::Finished(record.id)),
            Some(_) => {}
        }
    }
    Ok(Before::Nothing)
}
