//! Moments as RFC 3339 writes them; everything else counts milliseconds since 1970 UTC.

use chrono::{DateTime, SecondsFormat};
use shared::clock::{DAY_MS, day_of};
use shared::failure::{Failure, FailureKind};

/// A moment in UTC, to the second.
pub(crate) fn text(ms: u64) -> String {
    written(ms, SecondsFormat::Secs)
}

/// A moment in UTC, to the millisecond.
pub(crate) fn precise(ms: u64) -> String {
    written(ms, SecondsFormat::Millis)
}

/// A moment as headers of HTTP write it.
pub(crate) fn http(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    moment.unwrap_or_default().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A day in UTC, by its number.
pub(crate) fn day_text(day: u64) -> String {
    let text = text(day.saturating_mul(DAY_MS));
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Reads a day such as `2026-03-29`; says its number.
///
/// # Errors
/// `malformed` for what is no day since 1970.
pub(crate) fn read_day(text: &str) -> Result<u64, Failure> {
    read(&format!("{text}T00:00:00Z")).map(day_of).map_err(|_| {
        Failure::new(FailureKind::Malformed, format!("{text:?} is no day: one is like 2026-03-29"))
    })
}

fn written(ms: u64, seconds: SecondsFormat) -> String {
    // What no calendar has is told as it is.
    let moment = i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    moment.map_or_else(|| ms.to_string(), |moment| moment.to_rfc3339_opts(seconds, true))
}

/// Reads a moment such as `2026-03-29T01:00:00Z`.
///
/// # Errors
/// `malformed` for what is no such moment.
pub(crate) fn read(text: &str) -> Result<u64, Failure> {
    let read =
        DateTime::parse_from_rfc3339(text).ok().and_then(|at| u64::try_from(at.timestamp_millis()).ok());
    read.ok_or_else(|| {
        let message = format!("{text:?} is no moment: one is like 2026-03-29T01:00:00Z");
        Failure::new(FailureKind::Malformed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        for (ms, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_737_599_999, "2026-11-26T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(precise(ms), written);
            assert_eq!(read(written).unwrap(), ms);
            assert_eq!(read(&text(ms)).unwrap(), ms / 1000 * 1000);
        }
        assert_eq!(http(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!((day_text(20_541), read_day("2026-03-29").unwrap()), ("2026-03-29".to_owned(), 20_541));
        for bad in ["", "2026-02-30", "today", "2026-3-1", "1969-12-31", "2026-03-29T00:00:00Z"] {
            assert!(read_day(bad).is_err(), "{bad}");
        }
        assert_eq!(text(u64::MAX), u64::MAX.to_string());
        assert!(read("yesterday").unwrap_err().message.contains("2026-03-29T01:00:00Z"));
    }
}
