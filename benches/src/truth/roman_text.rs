//! RomanText: the analyses of When in Rome. Measure and beat, laid on the measures of a score.

use super::numeral::{Key, Spelling, chord};
use super::{Label, ends};
use std::collections::BTreeMap;
use worker::score::{Measure, Score, Ticks};

/// What a line says of its measure: beats from 1 with what begins there.
type Events = Vec<(f64, Option<Key>, String)>;

/// The labels of an analysis on a score.
pub fn labels(text: &str, score: &Score) -> Vec<Label> {
    let measures = score.measures_of(score.leading_part());
    let mut by_number: BTreeMap<i32, usize> = BTreeMap::new();
    for (index, measure) in measures.iter().enumerate() {
        by_number.entry(measure.number).or_insert(index);
    }
    let mut said: BTreeMap<i32, Events> = BTreeMap::new();
    let (mut slow, mut order) = (BTreeMap::new(), Vec::new());
    for line in text.lines().map(str::trim) {
        if let Some(meter) = after(line, "time signature") {
            slow.insert(order.last().copied().unwrap_or(-1), meter.to_owned());
            continue;
        }
        let Some(rest) = line.strip_prefix('m').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        else {
            continue;
        };
        let (head, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if let Some((range, source)) = copied(line) {
            for (to, from) in range.zip(source) {
                let copy = said.get(&from).cloned().unwrap_or_default();
                said.insert(to, copy);
                order.push(to);
            }
            continue;
        }
        let bare = head.trim_end_matches(['a', 'b']);
        let Ok(number) = bare.parse::<i32>() else { continue };
        // Of two readings of an ending the first is taken: both stand on measures of one number.
        if said.contains_key(&number) {
            continue;
        }
        said.insert(number, events(rest));
        order.push(number);
    }
    let mut labels = Vec::new();
    let (mut key, mut last) = (None, None);
    for number in order {
        let Some(events) = said.get(&number) else { continue };
        let Some(&index) = by_number.get(&number) else {
            key = events.iter().rev().find_map(|(_, key, _)| *key).or(key);
            continue;
        };
        let meter = slow.range(..number).next_back().map(|(_, text)| text.as_str());
        let (beat, lack) = beat_of(score, measures, index, meter);
        for (at, now, figure) in events {
            key = now.or(key);
            let Some(key) = key else { continue };
            let onset = measures[index].onset + snapped((at - 1.0) * beat) - lack;
            // What precedes in the text may stand later in the score: a repeat written out once.
            if last.is_some_and(|last| onset < last) {
                continue;
            }
            last = Some(onset);
            labels.push(Label::new(onset, key, figure, chord(figure, key, Spelling::RomanText)));
        }
    }
    ends(labels, score)
}

fn after<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    let at = line.get(..field.len())?;
    at.eq_ignore_ascii_case(field).then(|| line[field.len()..].trim_start_matches([' ', ':']).trim())
}

/// `m9-16 = m1-8`, `m8=m7`: measures, and those that they are copies of.
fn copied(line: &str) -> Option<(std::ops::RangeInclusive<i32>, std::ops::RangeInclusive<i32>)> {
    let (to, from) = line.split_once('=')?;
    let range = |text: &str| {
        let text = text.trim().strip_prefix('m')?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.trim().parse().ok()?..=last.trim().trim_start_matches('m').parse().ok()?)
    };
    Some((range(to)?, range(from)?))
}

/// Beats, keys and figures of a line.
fn events(line: &str) -> Events {
    let (mut beat, mut key, mut events) = (1.0, None, Events::new());
    for word in line.split_whitespace() {
        if let Some(at) = word.strip_prefix('b').and_then(|rest| rest.parse::<f64>().ok()) {
            beat = at;
        } else if let Some(now) = word.strip_suffix(':').and_then(Key::parse) {
            key = Some(now);
        } else if !word.contains('|') && !word.ends_with(':') && !word.starts_with('=') {
            events.push((beat, key.take(), word.to_owned()));
        }
    }
    if let Some(key) = key {
        events.push((beat, Some(key), String::new()));
    }
    events
}

/// The length of a beat in quarters, and what is missing at the front of a measure.
fn beat_of(score: &Score, measures: &[Measure], index: usize, stated: Option<&str>) -> (f64, Ticks) {
    let measure = &measures[index];
    let meter = score.meters.iter().rev().find(|meter| meter.onset <= measure.onset);
    let (count, unit) = meter.map_or((4, 4), |meter| (meter.count(), u32::from(meter.unit)));
    let stated = stated.unwrap_or_default().to_lowercase();
    let compound = match count {
        3 if unit >= 8 => !stated.contains("slow"),
        6 | 9 | 12 => !stated.contains("slow"),
        _ => false,
    };
    let quarters = 4.0 / f64::from(unit) * if compound { 3.0 } else { 1.0 };
    let full = meter.and_then(worker::score::Meter::measure_duration).unwrap_or(measure.duration);
    let end = measures.get(index + 1).map_or(measure.onset + measure.duration, |next| next.onset);
    let lack = if index == 0 { full - (end - measure.onset) } else { Ticks::ZERO };
    (quarters, lack.max(Ticks::ZERO))
}

/// Quarters on the grid of twenty-fourths: beats are written with two digits.
fn snapped(quarters: f64) -> Ticks {
    Ticks::from_quarters((quarters * 24.0).round() as i64, 24).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_beats_keys_and_figures_and_copies_name_both_ranges() {
        let found = events("Eb: I b2.5 V65 b3 c: i ||");
        let keys = (Key::parse("Eb"), Key::parse("c"));
        let expected = [(1.0, keys.0, "I"), (2.5, None, "V65"), (3.0, keys.1, "i")];
        assert_eq!(found, expected.map(|(beat, key, figure)| (beat, key, figure.to_owned())));
        assert_eq!(copied("m9-16 = m1-8"), Some((9..=16, 1..=8)));
        assert_eq!(copied("m8=m7"), Some((8..=8, 7..=7)));
        assert_eq!(copied("m8 V"), None);
    }
}
