//! Schedules in the ledger: their changes, the times at which they fired, and what became of each.
//!
//! ```text
//! schedules/<t>/<name>                                     index of all schedules
//! tenants/<t>/schedules/<name>/changes/<n>                 what is in force, numbered
//! tenants/<t>/schedules/<name>/open/<time>                 times with something left to do
//! tenants/<t>/schedules/<name>/fires/<day>/<time>/claims/<n>   who took it upon itself, so that others need not
//! tenants/<t>/schedules/<name>/fires/<day>/<time>/fired    what became of it: created once
//! tenants/<t>/schedules/<name>/fires/<day>/<time>/changes  what had changed when its job ended
//! ```

use super::watch::written_ms;
use super::{Created, Ledger, number, numbered};
use crate::failure::Failure;
use crate::job::Record;
use crate::schedule::{Changes, FireTime, Fired, Schedule, ScheduleName};
use crate::store::failure;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

impl Ledger {
    fn schedules(&self) -> Path {
        Path::from_iter(["tenants", self.tenant(), "schedules"])
    }

    fn schedule_folder(&self, name: &ScheduleName) -> Path {
        self.schedules().join(name.as_str())
    }

    fn open_folder(&self, name: &ScheduleName) -> Path {
        self.schedule_folder(name).join("open")
    }

    fn fire_folder(&self, name: &ScheduleName, time: FireTime) -> Path {
        let days = self.schedule_folder(name).join("fires");
        days.join(format!("{:06}", time.day())).join(time.to_string())
    }

    async fn listed(&self, folder: &Path) -> Result<Vec<ObjectMeta>, Failure> {
        self.store.list(Some(folder)).try_collect().await.map_err(failure)
    }

    pub(super) async fn folders(&self, folder: &Path) -> Result<Vec<String>, Failure> {
        let found = self.store.list_with_delimiter(Some(folder)).await.map_err(failure)?;
        let names = found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The schedules of every tenant, those that were removed too.
    ///
    /// # Errors
    /// What the store says.
    pub async fn schedules_of_all(&self) -> Result<Vec<(Ledger, ScheduleName)>, Failure> {
        let mut all = Vec::new();
        for meta in self.listed(&Path::from("schedules")).await? {
            let parts: Vec<_> = meta.location.parts().collect();
            let [_, tenant, name] = &parts[..] else { continue };
            if let Ok(name) = name.as_ref().parse() {
                all.push((self.of(tenant.as_ref()), name));
            }
        }
        Ok(all)
    }

    /// The names of this tenant's schedules in their order, those that were removed too.
    ///
    /// # Errors
    /// What the store says.
    pub async fn schedule_names(&self) -> Result<Vec<ScheduleName>, Failure> {
        let names = self.folders(&self.schedules()).await?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// What is in force of a schedule; nothing if there was never one of this name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Option<Schedule>, Failure> {
        let changes = self.schedule_folder(name).join("changes");
        match self.numbers(&changes).await?.last() {
            Some(last) => self.get(&changes.join(numbered(*last))).await,
            None => Ok(None),
        }
    }

    /// Puts a change of a schedule in force, unless there is one of its number already.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_schedule(&self, schedule: &Schedule) -> Result<Created, Failure> {
        let index = Path::from_iter(["schedules", self.tenant(), schedule.name.as_str()]);
        self.create(&index, Bytes::new()).await?;
        let changes = self.schedule_folder(&schedule.name).join("changes");
        self.create_record(&changes.join(numbered(schedule.number)), schedule).await
    }

    /// Says that there is something left to do for a time of a schedule.
    ///
    /// # Errors
    /// What the store says.
    pub async fn open_fire(&self, name: &ScheduleName, time: FireTime) -> Result<(), Failure> {
        self.create(&self.open_folder(name).join(time.to_string()), Bytes::new()).await.map(drop)
    }

    /// The times of a schedule with something left to do, oldest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn open_fires(&self, name: &ScheduleName) -> Result<Vec<FireTime>, Failure> {
        let listed = self.listed(&self.open_folder(name)).await?;
        let times = listed.iter().filter_map(|meta| meta.location.filename()?.parse().ok());
        let mut times: Vec<FireTime> = times.collect();
        times.sort_unstable();
        Ok(times)
    }

    /// Says that nothing is left to do for a time of a schedule.
    ///
    /// # Errors
    /// What the store says.
    pub async fn close_fire(&self, name: &ScheduleName, time: FireTime) -> Result<(), Failure> {
        self.remove(&self.open_folder(name).join(time.to_string())).await
    }

    /// Takes it upon this process to fire, unless another did within the last `trusted_ms` before `now_ms`. Says how many
    /// had done so before; nothing where another is at it. Two that fire all the same do no harm: the first to
    /// [decide](Ledger::decide) counts.
    ///
    /// # Errors
    /// What the store says.
    pub async fn claim_fire(
        &self,
        name: &ScheduleName,
        time: FireTime,
        now_ms: u64,
        trusted_ms: u64,
    ) -> Result<Option<u32>, Failure> {
        let claims = self.fire_folder(name, time).join("claims");
        let mut next = 0;
        for meta in self.listed(&claims).await? {
            if now_ms.saturating_sub(written_ms(&meta)) < trusted_ms {
                return Ok(None);
            }
            next = number(&meta.location).map_or(next, |taken| next.max(taken.saturating_add(1)));
        }
        let created = self.create(&claims.join(numbered(next)), Bytes::new()).await?;
        Ok((created == Created::First).then_some(next))
    }

    /// What became of a time of a schedule, if that is decided.
    ///
    /// # Errors
    /// What the store says.
    pub async fn fired(&self, name: &ScheduleName, time: FireTime) -> Result<Option<Fired>, Failure> {
        self.get(&self.fire_folder(name, time).join("fired")).await
    }

    /// Decides what becomes of a time of a schedule, unless that is decided; says what counts.
    ///
    /// # Errors
    /// What the store says.
    pub async fn decide(&self, name: &ScheduleName, time: FireTime, fired: Fired) -> Result<Fired, Failure> {
        let created = self.create_record(&self.fire_folder(name, time).join("fired"), &fired).await?;
        match created {
            Created::First => Ok(fired),
            Created::Already => Ok(self.fired(name, time).await?.unwrap_or(fired)),
        }
    }

    /// Whether a job is accepted.
    ///
    /// # Errors
    /// What the store says.
    pub async fn is_accepted(&self, record: &Record) -> Result<bool, Failure> {
        self.exists(&self.keys.record(&record.id)).await
    }

    /// The times at which a schedule fired or was about to, newest first: the last `most` before `before`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn fires(
        &self,
        name: &ScheduleName,
        before: FireTime,
        most: usize,
    ) -> Result<Vec<FireTime>, Failure> {
        let fires = self.schedule_folder(name).join("fires");
        let mut times = Vec::new();
        for day in self.folders(&fires).await?.into_iter().rev() {
            if times.len() >= most || day.parse::<u64>().is_ok_and(|day| day > before.day()) {
                continue;
            }
            let folders = self.folders(&fires.clone().join(day)).await?;
            let of_day = folders.iter().rev().filter_map(|time| time.parse::<FireTime>().ok());
            times.extend(of_day.filter(|time| *time < before));
        }
        times.truncate(most);
        Ok(times)
    }

    /// Writes what had changed when the job of a time ended.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_changes(
        &self,
        name: &ScheduleName,
        time: FireTime,
        changes: &Changes,
    ) -> Result<Created, Failure> {
        self.create_record(&self.fire_folder(name, time).join("changes"), changes).await
    }

    /// What had changed when the job of a time ended, if that is known.
    ///
    /// # Errors
    /// What the store says.
    pub async fn changes(&self, name: &ScheduleName, time: FireTime) -> Result<Option<Changes>, Failure> {
        self.get(&self.fire_folder(name, time).join("changes")).await
    }
}
