//! What the official conformance suite calls: tools, resources and prompts of fixed names beside our own, on the very same
//! stack. Only with the cargo feature `conformance`, which no release has.
//!
//! Left out are the four tools with which a server asks something of a client of before 2026-07-28: a front without sessions
//! cannot.

#![allow(deprecated, reason = "the suite asks for what newer clients no longer use")]
#![allow(clippy::too_many_lines, reason = "a list of fixtures is read from top to bottom")]

mod inputs;
mod plain;
mod tasks;

use super::Mcp;
use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionContext, SubscriptionSink};
use rmcp::task_manager::TaskManager;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// Our server, and the fixtures beside it.
#[derive(Clone)]
pub(super) struct Fixtures {
    ours: Mcp,
    tasks: TaskManager,
    listeners: Arc<Mutex<Vec<SubscriptionSink>>>,
}

impl Fixtures {
    pub(super) fn beside(ours: Mcp) -> Self {
        Fixtures { ours, tasks: TaskManager::new(), listeners: Arc::default() }
    }

    fn listeners(&self) -> Vec<SubscriptionSink> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn tool(name: &'static str, schema: Value) -> Tool {
    Tool::new(name, "Fixture of the conformance suite", super::tools::object(schema))
}

fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build();
        let mut info = self.ours.get_info();
        info.capabilities = capabilities;
        info
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.ours.list_tools(request, context).await?;
        listed.tools.extend(plain::tools().into_iter().chain(inputs::tools()).chain(tasks::tools()));
        Ok(listed)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        plain::tools().into_iter().find(|tool| tool.name == name).or_else(|| self.ours.get_tool(name))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let is = |tools: Vec<Tool>| tools.iter().any(|tool| tool.name == request.name);
        if is(inputs::tools()) {
            return inputs::call(&request, &context.meta);
        }
        if is(tasks::tools()) {
            return tasks::call(&self.tasks, &request, &context).await;
        }
        if is(plain::tools()) {
            return plain::call(&request, &context, &self.listeners()).await;
        }
        self.ours.call_tool(request, context).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut listed = self.ours.list_resources(request, context).await?;
        listed.resources.extend([
            Resource::new("test://static-text", "Static text").with_mime_type("text/plain"),
            Resource::new("test://static-binary", "Static binary").with_mime_type("image/png"),
            Resource::new("test://watched-resource", "Watched").with_mime_type("text/plain"),
        ]);
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut listed = self.ours.list_resource_templates(request, context).await?;
        let template = ResourceTemplate::new("test://template/{id}/data", "Template");
        listed.resource_templates.push(template.with_mime_type("application/json"));
        Ok(listed)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let contents = match uri {
            "test://static-text" | "test://watched-resource" => {
                ResourceContents::text("This is the content of the static text resource.", uri)
                    .with_mime_type("text/plain")
            }
            "test://static-binary" => ResourceContents::blob(plain::IMAGE, uri).with_mime_type("image/png"),
            _ => match uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data")) {
                Some(id) => {
                    let data =
                        json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                    ResourceContents::text(data.to_string(), uri).with_mime_type("application/json")
                }
                None => return self.ours.read_resource(request, context).await,
            },
        };
        let result = ReadResourceResult::new(vec![contents]).with_ttl_ms(60_000);
        Ok(result.with_cache_scope(CacheScope::Public).into())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let sink = subscription.sink().clone();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(sink);
        self.ours.listen(subscription).await
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listed = self.ours.list_prompts(request, context).await?;
        listed.prompts.extend(plain::prompts());
        Ok(listed)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == inputs::PROMPT {
            return Ok(inputs::prompt(&request));
        }
        match plain::prompt(&request) {
            Some(prompt) => Ok(prompt.into()),
            None => self.ours.get_prompt(request, context).await,
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.ours.complete(request, context).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        match self.tasks.get_task(&request.task_id) {
            Ok(task) => Ok(GetTaskResult::new(task)),
            Err(_) => self.ours.get_task(request, context).await,
        }
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match self.tasks.get_task(&request.task_id) {
            Ok(_) => self.tasks.update_task(&request.task_id, request.input_responses),
            Err(_) => self.ours.update_task(request, context).await,
        }
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match self.tasks.get_task(&request.task_id) {
            Ok(_) => self.tasks.cancel_task(&request.task_id),
            Err(_) => self.ours.cancel_task(request, context).await,
        }
    }
}
