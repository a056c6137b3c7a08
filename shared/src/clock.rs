//! The one place where the wall clock is read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
