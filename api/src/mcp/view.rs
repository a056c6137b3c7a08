//! Rows of a table as an answer shows them: chosen columns, rows that meet conditions, never more than fits.

use super::answer::rounded;
use crate::plan::nearest;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::Request;
use shared::row::{Cell, Row};
use worker::table::{self, TableColumn};

/// Columns of one view, where none are chosen.
const COLUMNS_MAX: usize = 40;
/// Leading columns that a view has where none are chosen. Those without a value are left out.
const LEADING: [&str; 6] = ["source", "piece", "title", "state", "failure", "failure_message"];
/// Bytes of one text cell.
const CELL_BYTES_MAX: usize = 200;

/// Which columns, and which rows.
#[derive(Clone, Debug)]
pub(super) struct View {
    names: Vec<String>,
    given: usize,
    width: usize,
    chosen: Vec<usize>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    column: usize,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    Contains,
}

/// Longer ones first: `<=` is no `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::IsNot),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Is),
    ("<", Operator::Less),
    (">", Operator::More),
    ("~", Operator::Contains),
];

/// Rows as an answer shows them.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl View {
    /// The view of a job's table with these columns (or all of an analysis, by its name) and conditions.
    ///
    /// # Errors
    /// `malformed`, naming the column that is not there and the nearest one, or the condition that cannot be read.
    pub(super) fn of(request: &Request, fields: &[&str], conditions: &[&str]) -> Result<Self, Failure> {
        let columns = table::columns(request);
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let width = names.len();
        let mut chosen = Vec::new();
        for field in fields {
            let of_analysis = |column: &TableColumn| by(column) == *field;
            let found: Vec<usize> = match names.iter().position(|name| name == field) {
                Some(column) => vec![column],
                None => (0..width).filter(|&index| columns.get(index).is_some_and(of_analysis)).collect(),
            };
            if found.is_empty() {
                return Err(no_column(field, &names));
            }
            chosen.extend(found);
        }
        if chosen.is_empty() {
            let leads = |column: &TableColumn| LEADING.contains(&&*column.name) || by(column) != "ripieno";
            chosen =
                (0..width).filter(|&index| columns.get(index).is_some_and(leads)).take(COLUMNS_MAX).collect();
        } else if !chosen.contains(&0) {
            chosen.insert(0, 0);
        }
        let conditions = conditions.iter().map(|text| condition(text, &names)).collect::<Result<_, _>>()?;
        Ok(View { names, given: request.given.len(), width, chosen, conditions })
    }

    /// Whether a row meets every condition.
    pub(super) fn wants(&self, row: &Row) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        let cells = table::cells(row, self.given, self.width);
        self.conditions.iter().all(|condition| condition.holds(cells.get(condition.column)))
    }

    /// The chosen cells of a row.
    fn values(&self, row: &Row) -> Vec<Value> {
        let cells = table::cells(row, self.given, self.width);
        self.chosen.iter().map(|&column| cells.get(column).map_or(Value::Null, shown)).collect()
    }

    /// Bytes that a row takes.
    pub(super) fn bytes(&self, row: &Row) -> usize {
        let bytes = |value: &Value| if value.is_null() { 3 } else { value.to_string().len() + 1 };
        self.values(row).iter().map(bytes).sum()
    }

    /// Rows without the columns that say nothing here.
    pub(super) fn show(&self, rows: &[Row]) -> Shown {
        let all: Vec<Vec<Value>> = rows.iter().map(|row| self.values(row)).collect();
        let says = |at: usize, column: usize| {
            let name = self.names.get(column).map(String::as_str).unwrap_or_default();
            let mut values = all.iter().filter_map(|row| row.get(at));
            match name {
                "source" => true,
                "piece" => values.any(|value| *value != json!(0)),
                "state" => values.any(|value| *value != json!("ok")),
                _ => values.any(|value| !value.is_null()),
            }
        };
        let kept: Vec<(usize, usize)> =
            self.chosen.iter().copied().enumerate().filter(|&(at, column)| says(at, column)).collect();
        let columns = kept.iter().filter_map(|&(_, column)| self.names.get(column).cloned()).collect();
        let pick = |row: &Vec<Value>| {
            kept.iter().map(|&(at, _)| row.get(at).cloned().unwrap_or(Value::Null)).collect()
        };
        Shown { columns, rows: all.iter().map(pick).collect() }
    }
}

impl Shown {
    /// The rows as lines with tabs between the cells, below the names of the columns; one row as a line for each column.
    pub(super) fn text(&self) -> String {
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.replace(['\t', '\n', '\r'], " "),
            other => other.to_string(),
        };
        if let [row] = &self.rows[..] {
            let lines = self.columns.iter().zip(row).filter(|(_, value)| !value.is_null());
            return lines.map(|(name, value)| format!("{name}: {}\n", cell(value))).collect();
        }
        let mut text = self.columns.join("\t");
        for row in &self.rows {
            text.push('\n');
            text.push_str(&row.iter().map(cell).collect::<Vec<_>>().join("\t"));
        }
        text.push('\n');
        text
    }
}

impl Shown {
    /// The rows as CSV (RFC 4180), one header line.
    pub(super) fn csv(&self) -> String {
        let quoted = |text: &str| {
            let plain = !text.contains(['"', ',', '\n', '\r']);
            if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
        };
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => quoted(text),
            other => other.to_string(),
        };
        let mut text = self.columns.join(",");
        for row in &self.rows {
            text.push_str("\r\n");
            text.push_str(&row.iter().map(cell).collect::<Vec<_>>().join(","));
        }
        text.push_str("\r\n");
        text
    }
}

/// The analysis that a column comes from.
fn by(column: &TableColumn) -> &str {
    column.by.split('@').next().unwrap_or_default()
}

fn shown(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Number(number) => rounded(*number),
        Cell::Text(text) => json!(super::answer::cut(text, CELL_BYTES_MAX)),
    }
}

fn no_column(name: &str, names: &[String]) -> Failure {
    const LISTED: usize = 60;
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = nearest(name, &known).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    let (listed, more) = (known.iter().take(LISTED).copied().collect::<Vec<_>>(), known.len() > LISTED);
    let (listed, more) = (listed.join(", "), if more { ", …" } else { "" });
    let message = format!("the table of this job has no column {name:?}{hint} It has: {listed}{more}");
    Failure::new(FailureKind::Malformed, message)
}

fn condition(text: &str, names: &[String]) -> Result<Condition, Failure> {
    let found = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, *sign, *operator)));
    // Of several the first in the text; of two at one place the longer, which comes first.
    let Some((at, sign, operator)) = found.min_by_key(|(at, _, _)| *at) else {
        let message = format!(
            "{text:?} is no condition: say COLUMN, one of = != < <= > >= ~ (contains), and a value, such as \
             \"key_simple ~ minor\""
        );
        return Err(Failure::new(FailureKind::Malformed, message));
    };
    let (name, value) = (text.get(..at).unwrap_or_default(), text.get(at + sign.len()..).unwrap_or_default());
    let (name, value) = (name.trim(), value.trim().trim_matches('"'));
    let column = names.iter().position(|known| known == name).ok_or_else(|| no_column(name, names))?;
    Ok(Condition { column, operator, value: value.to_owned() })
}

impl Condition {
    fn holds(&self, cell: Option<&Cell>) -> bool {
        let (number, text) = match cell {
            None | Some(Cell::Null) => return self.operator == Operator::IsNot,
            Some(Cell::Integer(number)) => (Some(*number as f64), number.to_string()),
            Some(Cell::Number(number)) => (Some(*number), number.to_string()),
            Some(Cell::Text(text)) => (None, text.clone()),
        };
        if self.operator == Operator::Contains {
            return text.to_lowercase().contains(&self.value.to_lowercase());
        }
        let order = match (number, self.value.parse::<f64>()) {
            (Some(number), Ok(value)) => number.partial_cmp(&value),
            _ => Some(text.as_str().cmp(&self.value)),
        };
        order.is_some_and(|order| match self.operator {
            Operator::Is => order.is_eq(),
            Operator::IsNot => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::AtMost => order.is_le(),
            Operator::More => order.is_gt(),
            Operator::AtLeast => order.is_ge(),
            Operator::Contains => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{self, Choice};
    use shared::row::{Detail, Facts, Finding, State};

    fn request() -> Request {
        let choice = Choice { analyses: vec!["npvi".into()], ..Choice::default() };
        plan::request(vec![], &choice).unwrap()
    }

    fn row(source: &str, value: f64) -> Row {
        let cells = vec![Cell::Number(value)];
        let findings = vec![Finding { name: "npvi".into(), cells, detail: Detail::of("{}").unwrap() }];
        let failure = Failure::new(FailureKind::Internal, "");
        let facts = Facts { state: State::Ok, failure: None, findings, ..Facts::failed(failure) };
        Row { source: source.into(), piece: 0, format: None, digest: None, given: Vec::new(), facts }
    }

    fn first_column() -> String {
        table::columns(&request()).iter().find(|column| column.name.starts_with("npvi")).unwrap().name.clone()
    }

    #[test]
    fn only_what_says_something_is_shown() {
        let view = View::of(&request(), &[], &[]).unwrap();
        let shown = view.show(&[row("a", 1.234_567), row("b", 2.0)]);
        assert_eq!(shown.columns, ["source".to_owned(), first_column()]);
        assert_eq!(shown.rows, [vec![json!("a"), json!(1.2346)], vec![json!("b"), json!(2)]]);
        assert_eq!(shown.text(), format!("source\t{}\na\t1.2346\nb\t2\n", first_column()));
        assert_eq!(view.show(&[row("a", 1.5)]).text(), format!("source: a\n{}: 1.5\n", first_column()));
    }

    #[test]
    fn conditions_compare_numbers_as_numbers() {
        let name = first_column();
        for (condition, kept) in [
            (format!("{name} >= 10"), vec!["b"]),
            (format!("{name}<10"), vec!["a"]),
            (format!("{name} != 9"), vec!["b"]),
            ("source ~ A".to_owned(), vec!["a"]),
            ("title = x".to_owned(), vec![]),
        ] {
            let view = View::of(&request(), &[], &[&condition]).unwrap();
            let rows = [row("a", 9.0), row("b", 10.0)];
            let wanted: Vec<&str> =
                rows.iter().filter(|row| view.wants(row)).map(|row| row.source.as_str()).collect();
            assert_eq!(wanted, kept, "{condition}");
        }
        let refused = |fields: &[&str], conditions: &[&str]| {
            View::of(&request(), fields, conditions).unwrap_err().message
        };
        assert!(refused(&["sourse"], &[]).contains("did you mean \"source\"?"));
        assert!(refused(&[], &["source is a"]).contains("key_simple ~ minor"));
        assert!(refused(&[], &["mode = minor"]).contains("no column \"mode\""));
        let all = View::of(&request(), &["npvi"], &[]).unwrap();
        assert_eq!(all.show(&[row("a", 1.0)]).columns.first().map(String::as_str), Some("source"));
    }
}
