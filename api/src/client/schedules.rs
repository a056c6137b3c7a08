//! Schedules of a server. Every call fails with what the server says, or `unavailable` when it does not answer.

use super::Remote;
use crate::http::views::schedules::{FireView, History, ScheduleView, Schedules};
use reqwest::Method;
use serde_json::Value;
use shared::failure::Failure;
use shared::schedule::{ScheduleName, Standing};

/// Times that are asked for at once.
const PAGE: usize = 100;

impl Remote {
    /// Adds a schedule.
    pub(crate) async fn add_schedule(&self, new: &Value) -> Result<ScheduleView, Failure> {
        self.json(self.post("/v1/schedules", new)).await
    }

    /// Every schedule.
    pub(crate) async fn schedules(&self) -> Result<Vec<ScheduleView>, Failure> {
        let all: Schedules = self.json(self.request(Method::GET, "/v1/schedules")).await?;
        Ok(all.schedules)
    }

    /// A schedule.
    pub(crate) async fn schedule(&self, name: &ScheduleName) -> Result<ScheduleView, Failure> {
        self.json(self.request(Method::GET, &format!("/v1/schedules/{name}"))).await
    }

    /// Pauses, resumes or removes a schedule.
    pub(crate) async fn set_schedule(
        &self,
        name: &ScheduleName,
        standing: Standing,
    ) -> Result<ScheduleView, Failure> {
        let (method, change) = match standing {
            Standing::Active => (Method::POST, "/resume"),
            Standing::Paused => (Method::POST, "/pause"),
            Standing::Removed => (Method::DELETE, ""),
        };
        self.json(self.request(method, &format!("/v1/schedules/{name}{change}"))).await
    }

    /// Has a schedule fire now.
    pub(crate) async fn run_schedule(&self, name: &ScheduleName) -> Result<FireView, Failure> {
        self.json(self.request(Method::POST, &format!("/v1/schedules/{name}/run"))).await
    }

    /// The last `most` times of a schedule, newest first.
    pub(crate) async fn schedule_history(
        &self,
        name: &ScheduleName,
        most: usize,
    ) -> Result<Vec<FireView>, Failure> {
        let mut fires = Vec::new();
        let mut cursor = String::new();
        while fires.len() < most {
            let limit = PAGE.min(most - fires.len());
            let path = format!("/v1/schedules/{name}/history?limit={limit}&cursor={cursor}");
            let page: History = self.json(self.request(Method::GET, &path)).await?;
            fires.extend(page.fires);
            let Some(next) = page.next else { break };
            cursor = next;
        }
        Ok(fires)
    }
}
