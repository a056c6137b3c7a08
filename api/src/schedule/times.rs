//! When a schedule fires: from a pattern and a zone to moments. Pure: the time comes from the caller.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use shared::failure::{Failure, FailureKind};

/// A pattern of five fields, by the clocks of a zone.
///
/// Where the clocks go forward, a time that is left out is made up for at the first moment after the gap. Where they go
/// back, a time that comes twice counts once, the first time. A pattern that leaves minute or hour open (`*`, `*/15`) goes by
/// the time that passes: it leaves out what does not come, and counts both of what comes twice.
#[derive(Clone, Debug)]
pub struct Times {
    cron: Cron,
    zone: Tz,
}

impl Times {
    /// Reads a pattern and the name of a zone.
    ///
    /// # Errors
    /// `malformed`, saying what is wrong with which.
    pub fn parse(pattern: &str, zone: &str) -> Result<Self, Failure> {
        let malformed = |message| Failure::new(FailureKind::Malformed, message);
        let zone = zone.parse::<Tz>().map_err(|_| {
            malformed(format!(
                "{zone:?} is no time zone: one is named as in the tz database, such as Europe/Vienna"
            ))
        })?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|error| {
            malformed(format!(
                "{pattern:?} is no pattern of times: {error}; one is minute, hour, day of the month, month, day of the \
                 week, such as \"0 2 * * *\" for two in the morning of every day"
            ))
        })?;
        Ok(Times { cron, zone })
    }

    /// The first time after a moment, both in milliseconds since 1970 UTC; nothing if there is none any more.
    #[must_use]
    pub fn next(&self, after_ms: u64) -> Option<u64> {
        let found = self.cron.find_next_occurrence(&self.at(after_ms)?, false).ok()?;
        u64::try_from(found.timestamp_millis()).ok()
    }

    /// The last time that is not after a moment; nothing if there was none.
    #[must_use]
    pub fn last(&self, until_ms: u64) -> Option<u64> {
        let found = self.cron.find_previous_occurrence(&self.at(until_ms)?, true).ok()?;
        u64::try_from(found.timestamp_millis()).ok()
    }

    /// The last `most` times after one moment and not after another, oldest first.
    #[must_use]
    pub fn between(&self, after_ms: u64, until_ms: u64, most: usize) -> Vec<u64> {
        let mut times = Vec::new();
        let mut until = Some(until_ms);
        while let Some(time) = until.and_then(|until| self.last(until)).filter(|time| *time > after_ms) {
            if times.len() >= most {
                break;
            }
            times.push(time);
            until = time.checked_sub(1);
        }
        times.reverse();
        times
    }

    /// A moment as the clocks of the zone show it.
    #[must_use]
    pub fn text(&self, at_ms: u64) -> String {
        self.at(at_ms).map_or_else(|| at_ms.to_string(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// In whole seconds: patterns know nothing smaller.
    fn at(&self, at_ms: u64) -> Option<DateTime<Tz>> {
        let seconds = i64::try_from(at_ms / 1000).ok()?;
        Some(DateTime::<Utc>::from_timestamp(seconds, 0)?.with_timezone(&self.zone))
    }
}

#[cfg(test)]
mod tests;
