//! The parameters of a tool held against its JSON Schema, and what is said to whoever breaks it: what was wrong, what is
//! nearest, what would be right. Only the words that our own schemas use are known.

use crate::plan::nearest;
use serde_json::{Map, Value};
use shared::failure::{Failure, FailureKind};

/// Checks what a client gave to the tool called `tool`.
///
/// # Errors
/// `malformed`, naming the parameter.
pub(super) fn check(tool: &str, schema: &Value, given: &Map<String, Value>) -> Result<(), Failure> {
    let none = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    if let Some(unknown) = given.keys().find(|name| !known.contains_key(*name)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let hint = nearest(unknown, &names);
        let hint = hint.map_or("; it takes".to_owned(), |near| format!("; did you mean {near:?}? It takes"));
        return Err(wrong(format!("{tool} has no parameter {unknown:?}{hint}: {}", names.join(", "))));
    }
    let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(missing) = required.iter().filter_map(Value::as_str).find(|name| !given.contains_key(*name)) {
        let range = known.get(missing).map(words).unwrap_or_default();
        return Err(wrong(format!("{tool} needs {missing:?}: {range}")));
    }
    given.iter().try_for_each(|(name, value)| match known.get(name).and_then(|schema| fault(schema, value)) {
        Some(fault) => Err(wrong(format!("{name:?} {fault}"))),
        None => Ok(()),
    })
}

fn wrong(message: String) -> Failure {
    Failure::new(FailureKind::Malformed, message)
}

/// What is wrong with a value.
fn fault(schema: &Value, value: &Value) -> Option<String> {
    if !fits(schema, value) {
        let hint = match (schema.get("enum").and_then(Value::as_array), value.as_str()) {
            (Some(allowed), Some(given)) => {
                let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
                nearest(given, &allowed).map(|near| format!("; did you mean {near:?}?"))
            }
            _ => None,
        };
        return Some(format!("is {}, not {}{}", words(schema), short(value), hint.unwrap_or_default()));
    }
    let items = schema.get("items").zip(value.as_array());
    items.and_then(|(schema, values)| values.iter().find_map(|value| fault(schema, value)))
}

/// Whether a value is of the type and within the range, but for what stands inside it.
fn fits(schema: &Value, value: &Value) -> bool {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    let within = |length: usize, low: &str, high: &str| {
        let length = length as u64;
        bound(low).is_none_or(|low| length >= low) && bound(high).is_none_or(|high| length <= high)
    };
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        return allowed.contains(value);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => {
            value.as_str().is_some_and(|text| within(text.chars().count(), "minLength", "maxLength"))
        }
        Some("integer") => value.as_u64().is_some_and(|number| {
            bound("minimum").is_none_or(|low| number >= low)
                && bound("maximum").is_none_or(|high| number <= high)
        }),
        Some("array") => value.as_array().is_some_and(|all| within(all.len(), "minItems", "maxItems")),
        Some("object") => value.is_object(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    }
}

/// A schema in words.
fn words(schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", allowed.join(", "));
    }
    let range = |low: Option<u64>, high: Option<u64>| match (low, high) {
        (low, Some(high)) => format!("{} to {high} ", low.unwrap_or(0)),
        (Some(low), None) => format!("{low} or more "),
        (None, None) => String::new(),
    };
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => match bound("maxLength") {
            Some(longest) => format!("a text of at most {longest} characters"),
            None => "a text".to_owned(),
        },
        Some("integer") => {
            let (low, high) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(u64::MAX));
            format!("a whole number from {low} to {high}")
        }
        Some("array") => {
            let items = schema.get("items").map(words).unwrap_or_default();
            format!("a list of {}entries, each {items}", range(bound("minItems"), bound("maxItems")))
        }
        Some("object") => "an object".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        _ => "something else".to_owned(),
    }
}

/// A value as an error shows it.
fn short(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusals_name_the_parameter_the_nearest_and_what_is_allowed() {
        let schema = json!({
            "type": "object",
            "properties": {
                "analyses": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 10},
                "wait_s": {"type": "integer", "minimum": 0, "maximum": 45},
                "detail": {"type": "string", "enum": ["concise", "detailed"]},
                "known": {"type": "boolean"},
                "options": {"type": "object"},
            },
            "required": ["analyses"],
            "additionalProperties": false,
        });
        let said = |given: Value| match check("tool", &schema, given.as_object().unwrap()) {
            Ok(()) => String::new(),
            Err(failure) => failure.message,
        };
        assert_eq!(said(json!({"analyses": ["key"], "wait_s": 45, "known": true, "options": {}})), "");
        for (given, taught) in [
            (json!({"analysis": ["key"]}), "did you mean \"analyses\"? It takes: "),
            (json!({}), "needs \"analyses\": a list of 1 to 10 entries, each a text"),
            (
                json!({"analyses": "key"}),
                "\"analyses\" is a list of 1 to 10 entries, each a text, not \"key\"",
            ),
            (json!({"analyses": []}), "not []"),
            (json!({"analyses": [7]}), "is a text, not 7"),
            (json!({"analyses": ["key"], "wait_s": 46}), "a whole number from 0 to 45, not 46"),
            (json!({"analyses": ["key"], "wait_s": 1.5}), "a whole number from 0 to 45, not 1.5"),
            (json!({"analyses": ["key"], "detail": "consise"}), "did you mean \"concise\"?"),
            (json!({"analyses": ["key"], "known": "yes"}), "true or false, not \"yes\""),
        ] {
            let said = said(given.clone());
            assert!(said.contains(taught), "{given}: {said}");
        }
    }
}
