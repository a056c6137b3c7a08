//! Jobs that come again. Any number of processes may look after the same schedules: for each time of each the ledger takes
//! one outcome, and whoever is there completes what another began.

mod changes;
mod fire;
mod times;

pub(crate) use fire::needed;
pub use fire::{Scheduler, TICK_EVERY, Tick};
pub use times::Times;

use crate::plan;
use crate::service::Service;
use shared::clock;
use shared::dispatch::Lane;
use shared::failure::{Failure, FailureKind};
use shared::job::Request;
use shared::ledger::{Created, Ledger};
use shared::principal::Principal;
use shared::schedule::{CatchUp, Changes, FireTime, Fired, Schedule, ScheduleName, Standing};
use shared::wire::WIRE_VERSION;

/// A schedule as somebody wants it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: ScheduleName,
    /// When it fires.
    pub cron: String,
    /// By whose clocks.
    pub timezone: String,
    /// What becomes of missed times.
    pub catch_up: CatchUp,
    /// What is asked each time.
    pub request: Request,
    /// The lane of its jobs.
    pub lane: Lane,
}

/// One time of a schedule, looked at.
#[derive(Clone, Debug)]
pub struct Past {
    /// The time.
    pub time: FireTime,
    /// What became of it; nothing while it is being seen to.
    pub fired: Option<Fired>,
    /// What had changed, once its job has ended.
    pub changes: Option<Changes>,
}

impl Service {
    /// Adds a schedule. A name may be used again once its schedule was removed.
    ///
    /// # Errors
    /// `malformed` for a name in use, a pattern or a zone that is none, a pattern that never comes; what the ledger says.
    pub async fn add_schedule(&self, principal: &Principal, wanted: Wanted) -> Result<Schedule, Failure> {
        let ledger = self.ledger(principal);
        let times = Times::parse(&wanted.cron, &wanted.timezone)?;
        let since_ms = clock::now_ms();
        if times.next(since_ms).is_none() {
            let message = format!("{:?} never comes", wanted.cron);
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let now = ledger.schedule(&wanted.name).await?;
        let taken = || {
            let message =
                format!("there is a schedule {0} already; `ripieno schedule remove {0}` first", wanted.name);
            Failure::new(FailureKind::Malformed, message)
        };
        if now.as_ref().is_some_and(|now| now.standing != Standing::Removed) {
            return Err(taken());
        }
        let schedule = Schedule {
            version: WIRE_VERSION,
            number: now.map_or(0, |now| now.number) + 1,
            name: wanted.name.clone(),
            cron: wanted.cron.clone(),
            timezone: wanted.timezone.clone(),
            catch_up: wanted.catch_up,
            request: wanted.request.clone(),
            lane: wanted.lane,
            standing: Standing::Active,
            since_ms,
        };
        match ledger.change_schedule(&schedule).await? {
            Created::First => Ok(schedule),
            Created::Already => Err(taken()),
        }
    }

    /// Every schedule that was not removed, in the order of the names.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn schedules(&self, principal: &Principal) -> Result<Vec<Schedule>, Failure> {
        let ledger = self.ledger(principal);
        let mut schedules = Vec::new();
        for name in ledger.schedule_names().await? {
            schedules.extend(ledger.schedule(&name).await?);
        }
        schedules.retain(|schedule| schedule.standing != Standing::Removed);
        Ok(schedules)
    }

    /// A schedule.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn schedule(&self, principal: &Principal, name: &ScheduleName) -> Result<Schedule, Failure> {
        known(&self.ledger(principal), name).await
    }

    /// Pauses a schedule, resumes or removes it. Times that pass while it is paused are not made up for.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn set_schedule(
        &self,
        principal: &Principal,
        name: &ScheduleName,
        standing: Standing,
    ) -> Result<Schedule, Failure> {
        let ledger = self.ledger(principal);
        loop {
            let now = known(&ledger, name).await?;
            if now.standing == standing {
                return Ok(now);
            }
            let next = Schedule { number: now.number + 1, standing, since_ms: clock::now_ms(), ..now };
            if ledger.change_schedule(&next).await? == Created::First {
                return Ok(next);
            }
        }
    }

    /// Has a schedule fire now, beside its times; a paused one too. The next look of a [`Scheduler`] sees to it.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn ask_schedule(
        &self,
        principal: &Principal,
        name: &ScheduleName,
    ) -> Result<FireTime, Failure> {
        let ledger = self.ledger(principal);
        known(&ledger, name).await?;
        let time = FireTime { at_ms: clock::now_ms(), asked: true };
        ledger.open_fire(name, time).await?;
        Ok(time)
    }

    /// The clocks that a schedule goes by; also of one that was removed.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn schedule_clocks(
        &self,
        principal: &Principal,
        name: &ScheduleName,
    ) -> Result<Times, Failure> {
        let schedule = self.ledger(principal).schedule(name).await?.ok_or_else(|| unknown(name))?;
        Times::parse(&schedule.cron, &schedule.timezone)
    }

    /// The last `most` times of a schedule, newest first, or those before another; also of one that was removed.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn schedule_history(
        &self,
        principal: &Principal,
        name: &ScheduleName,
        before: Option<FireTime>,
        most: usize,
    ) -> Result<Vec<Past>, Failure> {
        let ledger = self.ledger(principal);
        if ledger.schedule(name).await?.is_none() {
            return Err(unknown(name));
        }
        let before = before.unwrap_or(FireTime { at_ms: u64::MAX, asked: true });
        let mut history = Vec::new();
        for time in ledger.fires(name, before, most).await? {
            let (fired, changes) = (ledger.fired(name, time).await?, ledger.changes(name, time).await?);
            history.push(Past { time, fired, changes });
        }
        Ok(history)
    }
}

async fn known(ledger: &Ledger, name: &ScheduleName) -> Result<Schedule, Failure> {
    let schedule = ledger.schedule(name).await?.filter(|schedule| schedule.standing != Standing::Removed);
    schedule.ok_or_else(|| unknown(name))
}

fn unknown(name: &ScheduleName) -> Failure {
    let message = format!("no schedule {name}; `ripieno schedule list` lists them");
    Failure::new(FailureKind::NotFound, message)
}

/// What is asked, by the analyses of this build: their revisions may have gone up since it was asked first.
fn of_today(request: &Request) -> Result<Request, Failure> {
    plan::renewed(request)
}
