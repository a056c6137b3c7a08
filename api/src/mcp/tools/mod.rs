//! The nine tools: what they are called, what they take and give, and who answers them.

mod call;
mod catalog;
mod import;
mod inspect;
mod jobs;
mod list;
mod results;
mod run;
mod search;
pub(super) mod status;

pub(super) use call::{Call, Waiter};
pub(super) use run::{BEFORE_TASK, INTERACTIVE_ITEMS_MAX, answer as answer_of};

use super::answer::{Answer, refusal};
use super::schema;
use crate::plan::nearest;
use rmcp::model::{CallToolResult, ErrorCode, ErrorData, JsonObject, Tool, ToolAnnotations};
use serde_json::Value;
use shared::failure::Failure;
use std::sync::{Arc, LazyLock};

/// What a tool says of itself.
pub(super) struct Spec {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Read-only, destructive, idempotent, open to the world.
    hints: [bool; 4],
    input: fn() -> Value,
    output: fn() -> Value,
    /// Arguments of a call that is right.
    example: &'static str,
}

/// Every tool, in the order in which they are used.
static TOOLS: [&Spec; 9] = [
    &search::SPEC,
    &inspect::SPEC,
    &import::SPEC,
    &catalog::SPEC,
    &run::SPEC,
    &status::SPEC,
    &results::SPEC,
    &list::SPEC,
    &jobs::SPEC,
];

static LISTED: LazyLock<Vec<Tool>> = LazyLock::new(|| TOOLS.iter().map(|spec| spec.tool()).collect());

/// The tools as a client is told of them.
pub(super) fn listed() -> &'static [Tool] {
    &LISTED
}

impl Spec {
    fn tool(&self) -> Tool {
        let [read_only, destructive, idempotent, open_world] = self.hints;
        let hints = ToolAnnotations::with_title(self.title)
            .read_only(read_only)
            .destructive(destructive)
            .idempotent(idempotent)
            .open_world(open_world);
        let description = format!("{}\nExample: {}", self.description, self.example);
        let tool = Tool::new(self.name, description, object((self.input)()));
        tool.with_raw_output_schema(Arc::new(object((self.output)()))).with_annotations(hints)
    }
}

pub(super) fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// Calls a tool. What is wrong with a call is told to the model in the result; only a tool that is not there is an error of
/// the protocol.
pub(super) async fn call(name: &str, call: Call<'_>) -> Result<CallToolResult, ErrorData> {
    let spec = TOOLS.iter().find(|spec| spec.name == name).ok_or_else(|| unknown(name))?;
    let answered = match schema::check(name, &(spec.input)(), &call.args) {
        Ok(()) => answer(name, &call).await,
        Err(failure) => Err(failure),
    };
    Ok(match answered {
        Ok(answer) => answer.into_result(),
        Err(failure) => refusal(name, &failure, spec.example),
    })
}

/// What is said of a tool that is not there.
pub(super) fn unknown(name: &str) -> ErrorData {
    let names: Vec<&str> = TOOLS.iter().map(|spec| spec.name).collect();
    let hint = nearest(name, &names).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    let message = format!("there is no tool {name:?}{hint} There are: {}", names.join(", "));
    ErrorData::new(ErrorCode::INVALID_PARAMS, message, None)
}

async fn answer(name: &str, call: &Call<'_>) -> Result<Answer, Failure> {
    match name {
        "scores_search" => search::call(call).await,
        "scores_inspect" => inspect::call(call).await,
        "scores_import" => import::call(call).await,
        "analysis_catalog" => catalog::call(call),
        "analysis_run" => run::call(call).await,
        "jobs_get" => status::call(call).await,
        "jobs_results" => results::call(call).await,
        "jobs_list" => list::call(call).await,
        _ => jobs::call(call).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_say_all_that_a_client_asks_and_fit_the_budget() {
        let listed = serde_json::to_string(&listed()).unwrap();
        // Four bytes are about a token.
        assert!(listed.len() < 16_000, "{} bytes: tools/list is 4 000 tokens at the most", listed.len());
        for word in ["$ref", "\"format\":\"", "\"number\"", "oneOf"] {
            assert!(!listed.contains(word), "clients trip over {word}");
        }
        assert!(TOOLS.len() <= 9);
        for spec in TOOLS {
            let (input, output) = ((spec.input)(), (spec.output)());
            assert_eq!(input["additionalProperties"], false, "{}", spec.name);
            assert_eq!((&input["type"], &output["type"]), (&"object".into(), &"object".into()));
            for (name, schema) in input["properties"].as_object().unwrap() {
                assert!(schema["description"].is_string(), "{} {name} is not described", spec.name);
            }
            let example: Value = serde_json::from_str(spec.example).unwrap();
            schema::check(spec.name, &input, example.as_object().unwrap()).unwrap();
            assert_eq!(TOOLS.iter().filter(|other| other.name == spec.name).count(), 1);
        }
        assert!(TOOLS.iter().any(|spec| spec.hints[1]) && TOOLS.iter().any(|spec| spec.hints[3]));
    }
}
