//! Clocks that change, in many zones: no night is lost, none is worked twice.

use super::*;
use crate::moment;
use chrono::{Datelike, Duration, NaiveDate, TimeZone, Timelike};

/// Zones whose clocks change by an hour, by half of one, at midnight, southwards, and never.
const ZONES: [&str; 8] = [
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kolkata",
    "UTC",
];

fn times(pattern: &str, zone: &str) -> Times {
    Times::parse(pattern, zone).unwrap()
}

fn ms(text: &str) -> u64 {
    moment::read(text).unwrap()
}

/// Every time of a pattern in the years 2025 to 2027.
fn three_years(times: &Times) -> Vec<u64> {
    let (mut now, end) = (ms("2024-12-31T00:00:00Z"), ms("2028-01-02T00:00:00Z"));
    let mut all = Vec::new();
    while let Some(next) = times.next(now).filter(|next| *next < end) {
        assert!(next > now, "time goes on");
        all.push(next);
        now = next;
    }
    all
}

#[test]
fn a_night_whose_hour_is_left_out_is_made_up_for_right_after_the_gap() {
    let nightly = times("30 2 * * *", "Europe/Vienna");
    let next = nightly.next(ms("2026-03-28T12:00:00Z")).unwrap();
    assert_eq!(nightly.text(next), "2026-03-29T03:00:00+02:00");
    assert_eq!(nightly.text(nightly.next(next).unwrap()), "2026-03-30T02:30:00+02:00");
}

#[test]
fn a_night_whose_hour_comes_twice_counts_once() {
    let nightly = times("30 2 * * *", "Europe/Vienna");
    let next = nightly.next(ms("2026-10-24T12:00:00Z")).unwrap();
    assert_eq!(nightly.text(next), "2026-10-25T02:30:00+02:00");
    assert_eq!(nightly.text(nightly.next(next).unwrap()), "2026-10-26T02:30:00+01:00");
    // Asked between the two, it says the same.
    assert_eq!(nightly.last(ms("2026-10-25T01:45:00Z")), Some(next));
}

#[test]
fn every_night_of_every_zone_has_one_time() {
    for zone in ZONES {
        for (hour, minute) in [(0, 0), (0, 30), (1, 30), (2, 0), (2, 15), (2, 59), (3, 0), (23, 59)] {
            let nightly = times(&format!("{minute} {hour} * * *"), zone);
            let mut expected = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
            for at in three_years(&nightly).into_iter().map(|at| nightly.at(at).unwrap()) {
                if at.date_naive() < expected {
                    continue;
                }
                assert_eq!(at.date_naive(), expected, "{zone} {hour}:{minute:02}");
                let wanted = expected.and_hms_opt(hour, minute, 0).unwrap();
                match nightly.zone.from_local_datetime(&wanted).earliest() {
                    Some(first) => assert_eq!(at, first, "the first of what comes twice"),
                    None => {
                        let before = nightly.zone.from_local_datetime(&at.naive_local()).unwrap()
                            - Duration::seconds(1);
                        assert!(before.naive_local() < wanted, "{at} is the first moment after the gap");
                    }
                }
                expected = expected.succ_opt().unwrap();
            }
            assert!(expected.year() == 2028, "{zone}: {expected}");
        }
    }
}

#[test]
fn what_leaves_the_hour_open_goes_by_the_time_that_passes() {
    for zone in ZONES {
        let quarterly = times("*/15 * * * *", zone);
        for pair in three_years(&quarterly).windows(2) {
            assert_eq!(pair[1] - pair[0], 900_000, "{zone} {}", quarterly.text(pair[0]));
        }
    }
}

#[test]
fn what_comes_next_was_the_last_once_it_has_come() {
    let patterns =
        ["30 2 * * *", "*/20 1-3 * * *", "0 0 1 * *", "15 2 * * SUN", "0 0 29 2 *", "0 12 * * 1-5"];
    proptest::proptest!(|(pattern in 0..patterns.len(), zone in 0..ZONES.len(), day in 20_089_u64..21_550, ms in 0..86_400_000_u64)| {
        let times = times(patterns[pattern], ZONES[zone]);
        let now = day * 86_400_000 + ms;
        let next = times.next(now).unwrap();
        proptest::prop_assert!(next > now);
        proptest::prop_assert_eq!(times.last(next), Some(next));
        proptest::prop_assert!(times.last(next - 1).unwrap() <= now, "nothing lies between");
        proptest::prop_assert_eq!(times.between(now, next, 10), vec![next]);
        let at = times.at(next).unwrap();
        proptest::prop_assert_eq!(at.second(), 0);
        proptest::prop_assert_eq!(moment::read(&times.text(next)).unwrap(), next);
    });
}

#[test]
fn the_last_of_many_are_told_oldest_first() {
    let hourly = times("0 * * * *", "UTC");
    let (from, until) = (ms("2026-01-01T00:00:00Z"), ms("2026-01-02T00:00:00Z"));
    let told: Vec<String> = hourly.between(from, until, 3).into_iter().map(|at| hourly.text(at)).collect();
    assert_eq!(told, ["2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z", "2026-01-02T00:00:00Z"]);
    assert_eq!(hourly.between(from, until, 100).len(), 24);
    assert!(hourly.between(until, from, 100).is_empty());
}

#[test]
fn what_is_no_pattern_or_zone_is_refused_and_one_that_never_comes_has_no_next() {
    for bad in ["", "0 2 * *", "60 2 * * *", "0 0 2 * * *", "nightly", "0 2 * * * 2026"] {
        let failure = Times::parse(bad, "UTC").unwrap_err();
        assert!(failure.message.contains("is no pattern of times"), "{bad}: {failure}");
    }
    let failure = Times::parse("0 2 * * *", "Europe/Wien").unwrap_err();
    assert!(failure.message.contains("is no time zone"), "{failure}");
    assert_eq!(times("0 0 30 2 *", "UTC").next(ms("2026-01-01T00:00:00Z")), None);
}
