//! The whole answer of an analysis, a window of it at a time: its long lists are cut so that what is shown fits, and the
//! next page goes on where they were cut.

use super::answer::round_all;
use serde_json::{Map, Value, json};
use shared::row::Row;

/// Lists of more than this are windowed.
const LONG: usize = 6;
/// Entries of a list that are tried at first; halved until they fit.
const ENTRIES: usize = 256;

/// A window of a row's findings.
#[derive(Debug)]
pub(super) struct Window {
    /// The findings by their names.
    pub(super) value: Value,
    /// The entry of the long lists at which the next window begins, if any of them goes on.
    pub(super) next: Option<usize>,
}

/// The findings of a row, from entry `skip` of their long lists on, in at most so many bytes if that can be.
pub(super) fn window(row: &Row, skip: usize, bytes: usize) -> Window {
    let mut all = Map::new();
    for finding in &row.facts.findings {
        let text = finding.detail.text().unwrap_or_default();
        let mut value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        round_all(&mut value);
        all.insert(finding.name.clone(), value);
    }
    let whole = Value::Object(all);
    let mut entries = ENTRIES;
    loop {
        let mut longest = 0;
        let value = cut(&whole, skip, entries, &mut longest);
        if entries <= 1 || value.to_string().len() <= bytes {
            let next = Some(skip + entries).filter(|next| *next < longest);
            return Window { value, next };
        }
        entries /= 2;
    }
}

/// Cuts long lists, the outermost of them: what stands in their entries is theirs.
/// It goes as deep as the text did, which is read to 128 levels.
fn cut(value: &Value, skip: usize, entries: usize, longest: &mut usize) -> Value {
    match value {
        Value::Array(all) if all.len() > LONG.min(entries) => {
            *longest = all.len().max(*longest);
            let kept = all.iter().skip(skip).take(entries).cloned();
            let mut kept: Vec<Value> = kept.collect();
            let behind = all.len().saturating_sub(skip + kept.len());
            if behind > 0 {
                kept.push(json!(format!("… {behind} more")));
            }
            Value::Array(kept)
        }
        Value::Array(all) => {
            Value::Array(all.iter().map(|value| cut(value, skip, entries, longest)).collect())
        }
        Value::Object(all) => {
            let all = all.iter().map(|(name, value)| (name.clone(), cut(value, skip, entries, longest)));
            Value::Object(all.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::failure::{Failure, FailureKind};
    use shared::row::{Detail, Facts, Finding};

    fn row(detail: &Value) -> Row {
        let detail = Detail::of(&detail.to_string()).unwrap();
        let findings = vec![Finding { name: "key".into(), cells: vec![], detail }];
        let facts = Facts { findings, ..Facts::failed(Failure::new(FailureKind::Internal, "")) };
        Row { source: "a".into(), piece: 0, format: None, digest: None, given: Vec::new(), facts }
    }

    #[test]
    fn windows_hold_every_entry_once() {
        let all: Vec<usize> = (0..100).collect();
        let row = row(&json!({"tonic": "G", "spans": all}));
        let (mut seen, mut skip) = (Vec::new(), Some(0));
        while let Some(from) = skip {
            let window = window(&row, from, 80);
            assert!(window.value.to_string().len() <= 80, "{}", window.value);
            assert_eq!(window.value["key"]["tonic"], "G");
            let spans = window.value["key"]["spans"].as_array().unwrap();
            seen.extend(spans.iter().filter_map(Value::as_u64));
            skip = window.next;
        }
        assert_eq!(seen, (0..100).collect::<Vec<u64>>());
    }

    #[test]
    fn what_fits_is_whole() {
        let window = window(&row(&json!({"list": [1, 2, 3], "number": 0.123_456_789})), 0, 200);
        assert_eq!(window.value, json!({"key": {"list": [1, 2, 3], "number": 0.1235}}));
        assert_eq!(window.next, None);
    }
}
