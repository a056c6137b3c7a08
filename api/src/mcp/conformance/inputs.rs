//! Fixtures that ask the client for something before they answer.

use super::{text, tool};
use rmcp::model::*;
use serde_json::{Map, Value, json};

/// The prompt that asks.
pub(super) const PROMPT: &str = "test_input_required_result_prompt";

const NAMES: [&str; 8] = [
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

pub(super) fn tools() -> Vec<Tool> {
    NAMES.iter().map(|name| tool(name, json!({ "type": "object", "properties": {} }))).collect()
}

/// A form of one field.
pub(super) fn form(message: &str, properties: Value) -> Result<InputRequest, ErrorData> {
    let required: Vec<String> =
        properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let requested_schema =
        serde_json::from_value(schema).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let params = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema,
    };
    Ok(InputRequest::Elicitation(ElicitRequest::new(params)))
}

fn name() -> Result<InputRequest, ErrorData> {
    form("What is your name?", json!({ "name": { "type": "string" } }))
}

fn sampling(prompt: &str) -> InputRequest {
    let params = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    InputRequest::CreateMessage(CreateMessageRequest::new(params))
}

fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

/// What the client answered under a name; anything but an object is no answer.
fn answered<'a>(responses: Option<&'a InputResponses>, name: &str) -> Option<&'a Map<String, Value>> {
    responses.and_then(|responses| responses.get(name)).and_then(Value::as_object)
}

fn field<'a>(response: &'a Map<String, Value>, name: &str) -> &'a str {
    response.get("content").and_then(|content| content.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn ask(requests: Vec<(&str, InputRequest)>, state: Option<String>) -> CallToolResponse {
    let requests: InputRequests =
        requests.into_iter().map(|(name, request)| (name.to_owned(), request)).collect();
    InputRequiredResult::new(Some(requests), state).into()
}

/// Key of the seal: fixtures protect nothing.
const KEY: [u8; 32] = *b"the fixtures of the conformance!";

/// A state that comes back by the client, who must not change it.
fn sealed(state: &str) -> String {
    format!("{state}.{}", blake3::keyed_hash(&KEY, state.as_bytes()).to_hex())
}

fn opened(sealed_state: &str) -> Result<&str, ErrorData> {
    let state = sealed_state.rsplit_once('.').map(|(state, _)| state).unwrap_or_default();
    if sealed(state) == sealed_state {
        return Ok(state);
    }
    Err(ErrorData::invalid_params("requestState failed integrity verification", None))
}

pub(super) fn call(
    request: &CallToolRequestParams,
    meta: &RequestMetaObject,
) -> Result<CallToolResponse, ErrorData> {
    let responses = request.input_responses.as_ref();
    let state = request.request_state.as_deref().map(opened).transpose()?;
    Ok(match request.name.as_ref() {
        "test_input_required_result_elicitation" => match answered(responses, "user_name") {
            Some(response) => text(format!("Hello, {}!", field(response, "name"))).into(),
            None => ask(vec![("user_name", name()?)], None),
        },
        "test_input_required_result_sampling" => match answered(responses, "capital_question") {
            Some(response) => text(format!("Sampling response: {}", field(response, "text"))).into(),
            None => ask(vec![("capital_question", sampling("What is the capital of France?"))], None),
        },
        "test_input_required_result_list_roots" => match answered(responses, "client_roots") {
            Some(response) => {
                let listed = response.get("roots").and_then(Value::as_array);
                let uris = listed.into_iter().flatten().filter_map(|root| root.get("uri")?.as_str());
                text(format!("Client roots: [{}]", uris.collect::<Vec<_>>().join(", "))).into()
            }
            None => ask(vec![("client_roots", roots())], None),
        },
        "test_input_required_result_multiple_inputs" => {
            let all = ["user_name", "greeting", "client_roots"];
            if state.is_some() && all.iter().all(|name| answered(responses, name).is_some()) {
                return Ok(text("All inputs received").into());
            }
            let asked = vec![
                ("user_name", name()?),
                ("greeting", sampling("Generate a greeting")),
                ("client_roots", roots()),
            ];
            ask(asked, Some(sealed("gather")))
        }
        "test_input_required_result_multi_round" => match state {
            None => ask(vec![("step1", name()?)], Some(sealed("1"))),
            Some("1") => {
                let color = form("What is your favorite color?", json!({ "color": { "type": "string" } }))?;
                ask(vec![("step2", color)], Some(sealed("2")))
            }
            Some(_) => text("Multi-round flow complete").into(),
        },
        "test_input_required_result_capabilities" => {
            if responses.is_some() {
                return Ok(text("Capability-aware flow complete").into());
            }
            let known = meta.client_capabilities().unwrap_or_default();
            let mut asked = Vec::new();
            if known.elicitation.is_some() {
                asked.push(("user_name", name()?));
            }
            if known.sampling.is_some() {
                asked.push(("greeting", sampling("Generate a greeting")));
            }
            if known.roots.is_some() {
                asked.push(("client_roots", roots()));
            }
            if asked.is_empty() { text("Nothing can be asked").into() } else { ask(asked, None) }
        }
        // That of the state and that of the tampered state.
        _ => match state {
            Some(_) => text("Confirmed: state-ok").into(),
            None => {
                let asked = form("Please confirm", json!({ "ok": { "type": "boolean" } }))?;
                ask(vec![("confirm", asked)], Some(sealed("confirm")))
            }
        },
    })
}

pub(super) fn prompt(request: &GetPromptRequestParams) -> GetPromptResponse {
    match answered(request.input_responses.as_ref(), "user_context") {
        Some(response) => {
            let said = format!("Prompt with elicited context: {}", field(response, "context"));
            GetPromptResult::new(vec![PromptMessage::new_text(Role::User, said)]).into()
        }
        None => {
            let asked =
                form("What context should the prompt use?", json!({ "context": { "type": "string" } }));
            let requests = asked.into_iter().map(|asked| ("user_context".to_owned(), asked)).collect();
            InputRequiredResult::from_input_requests(requests).into()
        }
    }
}
