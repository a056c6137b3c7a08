//! Jobs that come again: schedules, the times at which they fire, what became of each, and what had changed.

use crate::clock::day_of;
use crate::dispatch::Lane;
use crate::failure::{Failure, FailureKind};
use crate::handle::as_text;
use crate::job::{JobId, Record, Request};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Letters of a schedule's name.
const NAME_LETTERS_MAX: usize = 64;

/// The name of a schedule: lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScheduleName(String);

impl ScheduleName {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScheduleName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let first = text.bytes().next().is_some_and(plain);
        let rest = text.bytes().all(|letter| plain(letter) || letter == b'-' || letter == b'_');
        if first && rest && text.len() <= NAME_LETTERS_MAX {
            return Ok(ScheduleName(text.to_owned()));
        }
        let message = format!(
            "{text:?} is no name of a schedule: up to {NAME_LETTERS_MAX} lower-case letters, digits, - and _ are, such \
             as nightly-corpus"
        );
        Err(Failure::new(FailureKind::Malformed, message))
    }
}

as_text!(ScheduleName);

/// What becomes of the times at which nobody was there to fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// The last of them is made up for.
    #[default]
    One,
    /// None is: the next one is the next that comes.
    None,
    /// Each is, one after the other.
    All,
}

impl CatchUp {
    /// Every policy.
    pub const ALL: [CatchUp; 3] = [CatchUp::One, CatchUp::None, CatchUp::All];

    /// Name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CatchUp::One => "one",
            CatchUp::None => "none",
            CatchUp::All => "all",
        }
    }
}

/// Whether a schedule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Active,
    /// Not until it is resumed.
    Paused,
    /// It was taken away; its history stays.
    Removed,
}

impl Standing {
    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Active => "active",
            Standing::Paused => "paused",
            Standing::Removed => "removed",
        }
    }
}

/// A job that comes again. Each change is a record of its own; the one with the highest number is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Version of this record.
    pub version: u16,
    /// Number of the change, from 1.
    pub number: u32,
    /// Its name.
    pub name: ScheduleName,
    /// When it fires: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// The zone whose clocks it goes by, such as `Europe/Vienna`.
    pub timezone: String,
    /// What becomes of missed times.
    pub catch_up: CatchUp,
    /// What is asked each time.
    pub request: Request,
    /// The lane of its jobs.
    pub lane: Lane,
    /// Whether it fires.
    pub standing: Standing,
    /// Since when it stands so: times before that are not made up for. In milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// A time at which a schedule fires: what it is known by, on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FireTime {
    /// In milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Whether somebody asked for it, beside the times of the schedule.
    pub asked: bool,
}

impl FireTime {
    /// The number of the day that it lies in: fires lie in a folder for each.
    #[must_use]
    pub const fn day(self) -> u64 {
        day_of(self.at_ms)
    }
}

impl fmt::Display for FireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:015}{}", self.at_ms, if self.asked { "-asked" } else { "" })
    }
}

impl FromStr for FireTime {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (digits, asked) = text.strip_suffix("-asked").map_or((text, false), |digits| (digits, true));
        let all = digits.len() >= 15 && digits.bytes().all(|digit| digit.is_ascii_digit());
        let at_ms = digits.parse::<u64>().ok().filter(|_| all);
        let at_ms = at_ms.ok_or_else(|| {
            Failure::new(FailureKind::Malformed, format!("{text:?} is no time of a schedule"))
        })?;
        Ok(FireTime { at_ms, asked })
    }
}

/// What became of a time of a schedule; created once, so that it has one job at the most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// Version of this record.
    pub version: u16,
    /// When that was decided, in milliseconds since 1970 UTC.
    pub decided_ms: u64,
    /// What became of it.
    pub outcome: FireOutcome,
}

/// What became of a time of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FireOutcome {
    /// A job, whose chunks are written; whoever sees this sees to it that the job is accepted.
    Job {
        /// The job.
        record: Box<Record>,
        /// The run that it is held against, if there was one.
        before: Option<JobId>,
    },
    /// There was no need for one.
    Skipped {
        /// Why.
        why: String,
    },
    /// There could be none.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What had changed when a job of a schedule ended, against the run before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Version of this record.
    pub version: u16,
    /// Whether the job was cancelled: what it did not reach is not told of.
    pub cancelled: bool,
    /// Items with an outcome.
    pub items: u64,
    /// Of these, those whose findings all came from the cache.
    pub cached: u64,
    /// Of these, those that failed, or of which something failed.
    pub failed: u64,
    /// Sources that were not there before.
    pub new: Paths,
    /// Sources of another size or time than before.
    pub changed: Paths,
    /// Sources that are there no more.
    pub gone: Paths,
    /// Sources that fail, and did not before.
    pub failed_now: Paths,
    /// Sources that failed, and do so no more.
    pub failed_no_more: Paths,
}

/// How many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// How many.
    pub count: u64,
    /// The names of the first, in the order of the table.
    pub first: Vec<String>,
}

impl Paths {
    /// One more; its name is kept if there is room.
    pub fn add(&mut self, name: &str, names_max: u64) {
        self.count += 1;
        if self.count <= names_max {
            self.first.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_times_are_read_back() {
        for bad in ["", "-a", "A", "a/b", "a b", "ä", "..", &"a".repeat(65)] {
            let failure = bad.parse::<ScheduleName>().unwrap_err();
            assert!(failure.message.contains("is no name of a schedule"), "{bad}: {failure}");
        }
        assert_eq!("nightly-2_b".parse::<ScheduleName>().unwrap().as_str(), "nightly-2_b");
        for asked in [false, true] {
            let time = FireTime { at_ms: 1_764_122_400_123, asked };
            assert_eq!(time.to_string().parse::<FireTime>().unwrap(), time);
        }
        for bad in ["later", "0", "+00000000000001", ""] {
            assert!(bad.parse::<FireTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_are_counted_beyond_those_that_are_kept() {
        let mut paths = Paths::default();
        ["a", "b", "c"].iter().for_each(|name| paths.add(name, 2));
        assert_eq!((paths.count, paths.first), (3, vec!["a".to_owned(), "b".to_owned()]));
    }
}
