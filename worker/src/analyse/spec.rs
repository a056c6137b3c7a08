//! What an analysis says of itself: the one declaration from which help, schemas, columns and cache keys come.

use serde_json::{Map, Value};
use shared::failure::{Failure, FailureKind};

/// The self-description of an analysis.
#[derive(Debug)]
pub struct Spec {
    /// `[a-z][a-z0-9_]*`.
    pub name: &'static str,
    /// Raised when the same score and parameters give another answer.
    pub revision: u32,
    /// One sentence.
    pub summary: &'static str,
    /// What a caller may choose.
    pub params: &'static [Param],
    /// The flat columns of the table, named `<analysis>_<column>` there.
    pub columns: &'static [Column],
    /// Whose definition it follows: paper or function.
    pub reference: &'static str,
}

/// One choice that a caller has.
#[derive(Debug)]
pub struct Param {
    /// Name.
    pub name: &'static str,
    /// What it is counted in; empty for a choice of words.
    pub unit: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it may be, and what it is when nothing is said.
    pub range: Range,
}

/// The values that a parameter may take.
#[derive(Debug)]
pub enum Range {
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// A whole number within bounds.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// When nothing is said.
        default: i64,
    },
    /// A text in a language of its own.
    Text {
        /// What it may say, in words.
        grammar: &'static str,
        /// When nothing is said.
        default: &'static str,
        /// Reads it; says what is wrong with one that cannot be read.
        check: fn(&str) -> Result<(), String>,
    },
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit whole numbers.
    Integer,
    /// 64-bit floating point.
    Number,
    /// UTF-8 text.
    Text,
}

/// One flat column.
#[derive(Debug)]
pub struct Column {
    /// Name, without the analysis's.
    pub name: &'static str,
    /// JSON pointer (RFC 6901) to its value in the answer.
    pub pointer: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its unit.
    pub unit: &'static str,
    /// One sentence.
    pub summary: &'static str,
}

/// Checked parameters: each of the spec's, given or by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Spec {
    /// Checks what a caller gave against the ranges and fills in the defaults.
    ///
    /// # Errors
    /// `malformed`, naming the parameter, what it may be, and what it was.
    pub fn check(&self, given: &Map<String, Value>) -> Result<Params, Failure> {
        if let Some(unknown) = given.keys().find(|name| self.params.iter().all(|param| param.name != *name)) {
            let known: Vec<&str> = self.params.iter().map(|param| param.name).collect();
            let known = if known.is_empty() { "it takes none".to_owned() } else { known.join(", ") };
            return Err(refusal(format!("{} has no parameter {unknown:?}: {known}", self.name)));
        }
        let mut checked = Map::new();
        for param in self.params {
            let value = match given.get(param.name) {
                None => param.range.default(),
                Some(value) if param.range.admits(value) => value.clone(),
                Some(value) => {
                    let (analysis, name, range) = (self.name, param.name, param.range.text());
                    let why = param.range.complaint(value).map(|why| format!(": {why}")).unwrap_or_default();
                    return Err(refusal(format!("{analysis}: {name} is {range}, not {value}{why}")));
                }
            };
            checked.insert(param.name.to_owned(), value);
        }
        Ok(Params(checked))
    }

    /// `key@2`: what a finding is marked with.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{}@{}", self.name, self.revision)
    }
}

impl Range {
    /// The value when nothing is said.
    #[must_use]
    pub fn default(&self) -> Value {
        match self {
            Range::Choice(words) => Value::from(words.first().copied().unwrap_or_default()),
            Range::Integer { default, .. } => Value::from(*default),
            Range::Text { default, .. } => Value::from(*default),
        }
    }

    /// Whether a value lies in the range.
    #[must_use]
    pub fn admits(&self, value: &Value) -> bool {
        match self {
            Range::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Range::Integer { min, max, .. } => {
                value.as_i64().is_some_and(|value| (*min..=*max).contains(&value))
            }
            Range::Text { check, .. } => value.as_str().is_some_and(|text| check(text).is_ok()),
        }
    }

    /// What is wrong with a text that is not in the range.
    fn complaint(&self, value: &Value) -> Option<String> {
        match self {
            Range::Text { check, .. } => check(value.as_str()?).err(),
            Range::Choice(_) | Range::Integer { .. } => None,
        }
    }

    /// What somebody wrote, as the value that it stands for: a number where one reads as such, but a text stays one.
    #[must_use]
    pub fn value(&self, text: &str) -> Value {
        let number = if matches!(self, Range::Text { .. }) { None } else { text.parse::<i64>().ok() };
        number.map_or_else(|| Value::from(text), Value::from)
    }

    /// The range in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Range::Choice(words) => format!("one of {}", words.join(", ")),
            Range::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            Range::Text { grammar, .. } => (*grammar).to_owned(),
        }
    }
}

impl Params {
    /// The word chosen for a parameter; empty for one that the spec does not declare.
    #[must_use]
    pub fn word(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The whole number given for a parameter; 0 for one that the spec does not declare.
    #[must_use]
    pub fn integer(&self, name: &str) -> i64 {
        self.0.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    /// All of them, in the order of their names: part of the cache key.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn refusal(message: String) -> Failure {
    Failure::new(FailureKind::Malformed, message)
}
