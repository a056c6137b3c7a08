//! `jobs_cancel`: ends a job, or deletes a score. What destroys is in one tool, whose hints say so.

use super::status::{headline, next, told};
use super::{Call, Spec};
use crate::mcp::answer::Answer;
use serde_json::{Value, json};
use shared::card::ScoreId;
use shared::failure::{Failure, FailureKind};

pub(super) static SPEC: Spec = Spec {
    name: "jobs_cancel",
    title: "Cancel a job or delete a score",
    description: "Stops a job for good; rows that are there stay. With score instead of job it deletes an uploaded score.",
    hints: [false, true, true, false],
    input,
    output,
    example: r#"{"job":"job-k3f9q2mwx7abcdef"}"#,
};

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "job": {"type": "string", "description": "Job to stop"},
            "score": {"type": "string", "description": "Score to delete, if no job is given"},
        },
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "job": {"type": "string"}, "state": {"type": "string"}, "items": {"type": "integer"},
            "done": {"type": "integer"}, "score": {"type": "string"}, "deleted": {"type": "boolean"},
            "next": {"type": "string"},
        },
        "required": ["next"],
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    match (call.text("job"), call.text("score")) {
        (Some(_), None) => cancel(call).await,
        (None, Some(score)) => delete(call, &score.parse()?).await,
        _ => Err(Failure::new(FailureKind::Malformed, "say either job or score")),
    }
}

async fn cancel(call: &Call<'_>) -> Result<Answer, Failure> {
    let status = call.front.service.cancel(&call.principal, &call.job()?).await?;
    let mut answer = told(&status);
    answer.retain(|name, _| ["job", "state", "items", "done"].contains(&name.as_str()));
    let next = next(&status);
    let text = format!("{}{next}", headline(&status));
    answer.insert("next".to_owned(), json!(next));
    Ok(Answer::new(Value::Object(answer), text))
}

async fn delete(call: &Call<'_>, score: &ScoreId) -> Result<Answer, Failure> {
    // Deleted twice is deleted.
    let deleted = match call.front.scores.delete(&call.principal, score).await {
        Ok(_) => true,
        Err(failure) if failure.kind == FailureKind::NotFound => false,
        Err(failure) => return Err(failure),
    };
    let next = if deleted { "Deleted. Rows of jobs about it stay." } else { "There is no such score." };
    Ok(Answer::new(json!({ "score": score, "deleted": deleted, "next": next }), format!("{score}: {next}")))
}
