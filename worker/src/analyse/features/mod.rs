//! What the two families of features share: how a feature describes itself, and how its answer is told.

mod compat;
mod corrected;
mod grid;
mod instruments;
mod language;
mod lengths;
mod material;
mod melody;
mod meters;
mod names;
mod pitches;
mod rhythm;
mod simultaneities;
mod sounds;
mod sweep;
mod symbols;

pub(super) use material::{Material, material};
pub(super) use {
    instruments::INSTRUMENTS, lengths::LENGTHS, melody::MELODY, meters::METERS, pitches::PITCHES,
};
pub(super) use {rhythm::RHYTHM, simultaneities::SIMULTANEITIES, simultaneities::TEXTURE};

use super::{Column, Kind, Param, Range};
use serde_json::{Map, Value, json};

/// The parameter that says whose definitions count.
pub(super) const FIDELITY: Param = Param {
    name: "fidelity",
    unit: "",
    summary: "`corrected` is what the definition says, of sounding pitches; `compat` what music21 10.5.1 answers.",
    range: Range::Choice(&["corrected", "compat"]),
};

/// A feature under its published identifier. Up to a dozen dimensions are columns of their own; longer vectors stand in
/// the detail.
#[derive(Debug)]
pub(super) struct Feature {
    /// As published: `M2`, `m10`. The field of its answer, too.
    pub(super) id: &'static str,
    /// How many numbers it is.
    pub(super) dimension: usize,
    /// A column for each of them, if they are few.
    pub(super) columns: &'static [Column],
    /// The answer.
    pub(super) of: fn(&Material) -> Answer,
}

/// The answer of a feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The score has none.
    Nothing,
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Whole numbers.
    Wholes(Vec<i64>),
    /// Numbers.
    Numbers(Vec<f64>),
}

impl From<Option<f64>> for Answer {
    fn from(number: Option<f64>) -> Self {
        number.filter(|number| number.is_finite()).map_or(Answer::Nothing, Answer::Number)
    }
}

impl From<Option<i64>> for Answer {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Answer::Nothing, Answer::Whole)
    }
}

impl From<Option<bool>> for Answer {
    fn from(truth: Option<bool>) -> Self {
        truth.map(i64::from).into()
    }
}

impl From<Option<Vec<f64>>> for Answer {
    fn from(numbers: Option<Vec<f64>>) -> Self {
        numbers.map_or(Answer::Nothing, Answer::Numbers)
    }
}

impl Feature {
    /// The answer as JSON. Of more than a dozen numbers those are told that are not 0, each behind its index.
    fn value(&self, material: &Material) -> Value {
        match (self.of)(material) {
            Answer::Nothing => Value::Null,
            Answer::Whole(number) => json!(number),
            Answer::Number(number) => json!(number),
            Answer::Wholes(numbers) => json!(numbers),
            Answer::Numbers(numbers) if self.dimension <= 12 => json!(numbers),
            Answer::Numbers(numbers) => {
                let told: Vec<(usize, f64)> =
                    numbers.into_iter().enumerate().filter(|(_, number)| *number != 0.0).collect();
                json!({ "dimension": self.dimension, "values": told })
            }
        }
    }
}

/// The answers of some groups of features.
pub(super) fn answers(groups: &[&[Feature]], material: &Material) -> Value {
    let features = groups.iter().copied().flatten();
    Value::Object(
        features.map(|feature| (feature.id.to_owned(), feature.value(material))).collect::<Map<_, _>>(),
    )
}

/// How many columns some groups of features have.
pub(super) const fn width(groups: &[&[Feature]]) -> usize {
    let (mut count, mut groups) = (0, groups);
    while let [group, others @ ..] = groups {
        let mut group = *group;
        while let [feature, rest @ ..] = group {
            count += feature.columns.len();
            group = rest;
        }
        groups = others;
    }
    count
}

/// The columns of some groups of features, one after the other.
pub(super) const fn columns<const WIDTH: usize>(groups: &[&[Feature]]) -> [Column; WIDTH] {
    const NONE: Column = Column { name: "", pointer: "", kind: Kind::Number, unit: "", summary: "" };
    let mut all = [NONE; WIDTH];
    let mut left: &mut [Column] = &mut all;
    let mut groups = groups;
    while let [group, others @ ..] = groups {
        let mut group = *group;
        while let [feature, rest @ ..] = group {
            let mut columns = feature.columns;
            while let [Column { name, pointer, kind, unit, summary }, more @ ..] = columns {
                let Some((first, behind)) = left.split_first_mut() else { return all };
                *first = Column { name, pointer, kind: *kind, unit, summary };
                (left, columns) = (behind, more);
            }
            group = rest;
        }
        groups = others;
    }
    all
}

/// `entry!("M2" "m2" "Average Melodic Interval", Number "semitone", "What it says.", |material| …)`: one number, or in
/// place of the comma after the name `[2]`, `[12]` or `[128]` of them.
macro_rules! entry {
    ($id:literal $key:literal $name:literal, $kind:ident $unit:literal, $summary:literal, $of:expr) => {
        entry!(@ $id 1, &[entry!(@column $key, concat!("/", $id), $name, $kind $unit, $summary)], $of)
    };
    ($id:literal $key:literal $name:literal [2], $kind:ident $unit:literal, $summary:literal, $of:expr) => {
        entry!(@ $id 2, &entry!(@columns $id $key $name $kind $unit $summary; 0 1), $of)
    };
    ($id:literal $key:literal $name:literal [12], $kind:ident $unit:literal, $summary:literal, $of:expr) => {
        entry!(@ $id 12, &entry!(@columns $id $key $name $kind $unit $summary; 0 1 2 3 4 5 6 7 8 9 10 11), $of)
    };
    ($id:literal $key:literal $name:literal [128], $kind:ident $unit:literal, $summary:literal, $of:expr) => {
        entry!(@ $id 128, &[], $of)
    };
    (@ $id:literal $dimension:literal, $columns:expr, $of:expr) => {
        crate::analyse::features::Feature { id: $id, dimension: $dimension, columns: $columns, of: $of }
    };
    (@columns $id:literal $key:literal $name:literal $kind:ident $unit:literal $summary:literal; $($index:literal)+) => {
        [$(entry!(@column concat!($key, "_", $index), concat!("/", $id, "/", $index), $name, $kind $unit, $summary)),+]
    };
    (@column $name:expr, $pointer:expr, $title:literal, $kind:ident $unit:literal, $summary:literal) => {
        crate::analyse::Column {
            name: $name,
            pointer: $pointer,
            kind: crate::analyse::Kind::$kind,
            unit: $unit,
            summary: concat!($title, ": ", $summary),
        }
    };
}
use entry;

#[cfg(test)]
mod tests;
