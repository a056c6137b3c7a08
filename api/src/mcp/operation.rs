//! What a message asks for, as the table of what may be done calls it.

use super::resources::{Named, named};
use serde_json::{Map, Value};

/// The operation of a message, and the job, score or task that it is about; none for what asks for nothing.
pub(crate) fn operation_of(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let method = body.get("method")?.as_str()?;
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let about = ["/params/arguments/job", "/params/arguments/score", "/params/taskId", "/params/uri"];
    let about = about.map(text).into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let about = about.rsplit("//").next().unwrap_or_default().to_owned();
    let operation = match method {
        "tools/call" => {
            let arguments = body.pointer("/params/arguments").and_then(Value::as_object);
            of_tool(text("/params/name"), arguments.unwrap_or(&Map::new()))
        }
        "resources/read" => of_reading(text("/params/uri")),
        _ => method.to_owned(),
    };
    Some((operation, about))
}

/// The operation of a call of a tool.
pub(super) fn of_tool(name: &str, arguments: &Map<String, Value>) -> String {
    match name {
        // One tool that does two things.
        "jobs_cancel" if arguments.contains_key("score") => "tools/call jobs_cancel score".to_owned(),
        "jobs_cancel" => "tools/call jobs_cancel job".to_owned(),
        _ => format!("tools/call {name}"),
    }
}

/// The operation of a reading of a URI. What names nothing is not there for anybody who may look at jobs.
pub(super) fn of_reading(uri: &str) -> String {
    let kind = match named(uri) {
        Some(Named::Score(_) | Named::Exported(..)) => "score",
        Some(Named::Job(_) | Named::Results(..)) | None => "job",
    };
    format!("resources/read {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::table::operation;
    use crate::mcp::tools;

    #[test]
    fn every_tool_and_uri_has_its_row() {
        for tool in tools::listed() {
            for arguments in ["{}", r#"{"score":"x"}"#, r#"{"job":"x"}"#] {
                let name = of_tool(&tool.name, &serde_json::from_str(arguments).unwrap());
                assert!(operation(&name).is_some(), "api/src/auth/table.rs lacks {name}");
            }
        }
        for uri in ["job://job-k3f9q2mwx7abcdef", "score://score-k3f9q2mwx7abcdef?as=midi", "no uri"] {
            assert!(operation(&of_reading(uri)).is_some(), "{uri}");
        }
    }

    #[test]
    fn a_message_is_what_it_says() {
        let of = |body: &str| operation_of(body.as_bytes());
        let of = |body: &str| of(body).map(|(name, about)| format!("{name}|{about}"));
        assert_eq!(of(r#"{"method":"tools/list"}"#).unwrap(), "tools/list|");
        let call = r#"{"method":"tools/call","params":{"name":"jobs_cancel","arguments":{"score":"s"}}}"#;
        assert_eq!(of(call).unwrap(), "tools/call jobs_cancel score|s");
        assert_eq!(of(r#"{"method":"tools/call"}"#).unwrap(), "tools/call |");
        for nothing in ["", "{}", "[]", "7", r#"{"method":7}"#, "{"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }
}
