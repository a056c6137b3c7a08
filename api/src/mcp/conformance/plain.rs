//! Fixtures that answer at once: contents of every kind, logging, progress, notifications.

use super::{text, tool};
use rmcp::RoleServer;
use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionSink};
use serde_json::{Value, json};
use std::time::Duration;

/// A red point, as PNG.
pub(super) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// Silence, as WAV.
const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

const NAMES: [&str; 14] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_error_handling",
    "test_tool_with_progress",
    "test_reconnection",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_logging_tool",
];

pub(super) fn tools() -> Vec<Tool> {
    let bare = NAMES.iter().map(|name| tool(name, json!({ "type": "object", "properties": {} })));
    let header = json!({
        "type": "object",
        "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
        "required": ["value"],
    });
    let modern = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "address", "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
        "allOf": [{ "anyOf": [{ "required": ["name"] }, { "required": ["address"] }] }],
        "if": { "required": ["address"] },
        "then": { "properties": { "address": { "required": ["street"] } } },
        "else": { "required": ["name"] },
        "additionalProperties": false,
    });
    bare.chain([tool("test_custom_header", header), tool("json_schema_2020_12_tool", modern)]).collect()
}

pub(super) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    listeners: &[SubscriptionSink],
) -> Result<CallToolResponse, ErrorData> {
    let given = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(Value::as_str)
    };
    let embedded = |uri: &str, mime: &str, text: &str| {
        ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime))
    };
    let result = match request.name.as_ref() {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => CallToolResult::success(vec![ContentBlock::image(IMAGE, "image/png")]),
        "test_audio_content" => CallToolResult::success(vec![ContentBlock::audio(AUDIO, "audio/wav")]),
        "test_embedded_resource" => CallToolResult::success(vec![embedded(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )]),
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(IMAGE, "image/png"),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        "test_error_handling" => CallToolResult::error(vec![ContentBlock::text(
            "This tool intentionally returns an error for testing",
        )]),
        "test_tool_with_logging" => {
            for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(context, LoggingLevel::Info, message).await;
            }
            text("Logging test completed")
        }
        "test_logging_tool" => {
            if let Some(level) = context.meta.log_level() {
                log(context, level, "logLevel was requested").await;
            }
            text("Logging tool completed")
        }
        "test_tool_with_progress" => {
            for progress in [0.0, 50.0, 100.0] {
                let Some(token) = context.meta.get_progress_token() else { break };
                let told = ProgressNotificationParam::new(token, progress).with_total(100.0);
                let _ = context.peer.notify_progress(told).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            text("Progress test completed")
        }
        "test_trigger_tool_change" => {
            for listener in listeners {
                let _ = listener.notify_tool_list_changed().await;
            }
            text("Tool list change triggered")
        }
        "test_trigger_prompt_change" => {
            for listener in listeners {
                let _ = listener.notify_prompt_list_changed().await;
            }
            text("Prompt list change triggered")
        }
        "test_missing_capability" => {
            let capabilities = context.meta.client_capabilities().unwrap_or_default();
            if capabilities.sampling.is_none() {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            text("Required capability declared")
        }
        "test_streaming_elicitation" => {
            let asked = super::inputs::form("Provide a value", json!({ "value": { "type": "string" } }))?;
            let requests = InputRequests::from([("streaming_elicitation".to_owned(), asked)]);
            return Ok(InputRequiredResult::from_input_requests(requests).into());
        }
        "test_custom_header" => text(given("value").unwrap_or_default()),
        "json_schema_2020_12_tool" => text(format!("Hello, {}!", given("name").unwrap_or("world"))),
        name => text(format!("{name} completed")),
    };
    Ok(result.into())
}

async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, message: &str) {
    let told = LoggingMessageNotificationParam::new(level, json!(message)).with_logger("conformance");
    let _ = context.peer.notify_logging_message(told).await;
}

pub(super) fn prompts() -> Vec<Prompt> {
    let bare = |name: &str| Prompt::new(name, Some("Fixture of the conformance suite"), None);
    let argument = |name: &str, required| PromptArgument::new(name).with_required(required);
    let arguments = vec![argument("arg1", true), argument("arg2", false)];
    vec![
        bare("test_simple_prompt"),
        Prompt::new("test_prompt_with_arguments", Some("Fixture with arguments"), Some(arguments)),
        bare("test_prompt_with_embedded_resource"),
        bare("test_prompt_with_image"),
        bare(super::inputs::PROMPT),
    ]
}

pub(super) fn prompt(request: &GetPromptRequestParams) -> Option<GetPromptResult> {
    let given = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(Value::as_str).unwrap_or_default()
    };
    let said = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![said("This is a simple test prompt.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![said(format!("Prompt with arguments: arg1='{}', arg2='{}'", given("arg1"), given("arg2")))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = given("resourceUri");
            let uri = if uri.is_empty() { "test://static-text" } else { uri };
            let contents =
                ResourceContents::text("Resource content for prompt", uri).with_mime_type("text/plain");
            vec![PromptMessage::new(Role::User, ContentBlock::resource(contents))]
        }
        "test_prompt_with_image" => {
            vec![PromptMessage::new(Role::User, ContentBlock::image(IMAGE, "image/png"))]
        }
        _ => return None,
    };
    Some(GetPromptResult::new(messages))
}
