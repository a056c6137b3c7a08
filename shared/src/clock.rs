//! The one place where the wall clock is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// The number of the day in UTC that a moment lies in, from 1970-01-01, which is 0; the moment in milliseconds since then.
#[must_use]
pub const fn day_of(ms: u64) -> u64 {
    ms / DAY_MS
}

/// Milliseconds since 1970-01-01 UTC; 0 on a clock set before that.
#[must_use]
pub fn now_ms() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    let now = SystemTime::now();
    unix_ms(now)
}

/// A time of the file system as milliseconds since 1970-01-01 UTC; 0 for one before that.
#[must_use]
pub fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
