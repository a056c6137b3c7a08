//! What a tool answers: structured content that its schema describes, a compact text of the same, links to more.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject, Resource};
use serde_json::{Value, json};
use shared::failure::Failure;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// What the output schema describes.
    pub(super) structured: Value,
    /// The same for a reader.
    pub(super) text: String,
    /// Where there is more.
    pub(super) links: Vec<Resource>,
}

impl Answer {
    pub(super) fn new(structured: Value, text: String) -> Self {
        Answer { structured, text, links: Vec::new() }
    }

    pub(super) fn with(mut self, link: Resource) -> Self {
        self.links.push(link);
        self
    }

    pub(super) fn into_result(self) -> CallToolResult {
        let links = self.links.into_iter().map(ContentBlock::resource_link);
        let content = std::iter::once(ContentBlock::text(self.text)).chain(links).collect();
        let mut result = CallToolResult::success(content);
        result.structured_content = Some(self.structured);
        result
    }
}

/// A failure as the caller shall read it: what was wrong, and a call that is right. Without structured content, which
/// would have to be of the schema of an answer.
pub(super) fn refusal(tool: &str, failure: &Failure, example: &str) -> CallToolResult {
    let row = failure.kind.row();
    let again = if row.transient { " Trying again later may help." } else { "" };
    let text = format!("{failure}.{again}\nExample of {tool}: {example}");
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    let mut meta = MetaObject::new();
    let mut error = json!({
        "kind": row.label, "message": failure.message, "place": failure.place, "retryable": row.transient,
    });
    if let Some(seconds) = failure.retry_after_seconds {
        put(&mut error, "retry_after_seconds", seconds.into());
    }
    meta.insert("ripieno/error".to_owned(), error);
    result.meta = Some(meta);
    result
}

/// Sets a field of an object; what is none stays as it is.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// A number as an answer tells it: four digits behind the point are enough to read.
pub(super) fn rounded(number: f64) -> Value {
    let scale = if number.abs() >= 1.0 || number == 0.0 {
        1e4
    } else {
        10f64.powi(3 - libm::floor(libm::log10(number.abs())) as i32)
    };
    let rounded = (number * scale).round() / scale;
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 { json!(rounded as i64) } else { json!(rounded) }
}

/// Rounds every number in a value, at any depth that an analysis gives.
pub(super) fn round_all(value: &mut Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(all) => rest.extend(all),
            Value::Object(all) => rest.extend(all.values_mut()),
            Value::Number(number) if number.is_f64() => *value = rounded(number.as_f64().unwrap_or(0.0)),
            _ => {}
        }
    }
}

/// A text cut to so many bytes, with a sign that it was.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        for (number, told) in [
            (0.123_456_78, json!(0.1235)),
            (0.000_012_345_67, json!(0.000_012_35)),
            (12.345_678_9, json!(12.3457)),
            (-3.0, json!(-3)),
            (0.0, json!(0)),
            (1e300, json!(1e300)),
        ] {
            assert_eq!(rounded(number), told);
        }
    }

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(cut("aäb", 2), "a…");
        assert_eq!(cut("aäb", 4), "aäb");
    }
}
