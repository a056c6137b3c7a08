//! What can be measured and read, from the registries; and what a job would cost.

use super::ask::NewJob;
use super::callbacks;
use super::extract::{Json, Who, heavy};
use super::problem::Problem;
use super::views::{AnalysisView, FormatView, PlanView};
use super::web::Web;
use crate::front::Front;
use crate::{plan, scores, sources};
use axum::extract::{Path, State};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use std::sync::Arc;
use worker::analyse::{self, ANALYSES};
use worker::read::READERS;

/// Lists the analyses, with their parameters and columns.
#[utoipa::path(get, path = "/v1/analyses", operation_id = "list_analyses", tag = "catalogue",
    responses((status = 200, description = "Every analysis", body = Vec<AnalysisView>)))]
pub(super) async fn analyses() -> axum::Json<Vec<AnalysisView>> {
    axum::Json(ANALYSES.iter().map(|analysis| AnalysisView::from(*analysis)).collect())
}

/// Describes one analysis.
#[utoipa::path(get, path = "/v1/analyses/{name}", operation_id = "get_analysis", tag = "catalogue",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The analysis", body = AnalysisView)))]
pub(super) async fn analysis(Path(name): Path<String>) -> Result<axum::Json<AnalysisView>, Problem> {
    let found = analyse::find(&name).map(AnalysisView::from);
    found.map(axum::Json).ok_or_else(|| {
        Failure::new(FailureKind::NotFound, format!("no analysis {name:?}; /v1/analyses lists them")).into()
    })
}

/// Lists the formats that can be read.
#[utoipa::path(get, path = "/v1/formats", operation_id = "list_formats", tag = "catalogue",
    responses((status = 200, description = "Every format", body = Vec<FormatView>)))]
pub(super) async fn formats() -> axum::Json<Vec<FormatView>> {
    axum::Json(READERS.iter().map(|reader| FormatView::from(reader.format())).collect())
}

/// Says what a job would cost, without submitting it.
#[utoipa::path(post, path = "/v1/plans", operation_id = "plan_job", tag = "jobs", request_body = NewJob,
    responses((status = 200, description = "What it would cost", body = PlanView)))]
pub(super) async fn plan(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Json(job): Json<NewJob>,
) -> Result<axum::Json<PlanView>, Problem> {
    if let Some(url) = &job.callback {
        callbacks::check(web.callbacks.as_ref(), url)?;
    }
    let corpus = job.corpus.as_deref();
    let names = [job.sources.clone(), scores::names(&job.scores, corpus)].concat();
    let request = plan::request(names, &job.choice()?)?;
    let uploaded = web.front.scores.named(&principal, &job.scores, corpus).await?;
    let reach = web.front.service.reach_of(&principal)?;
    let forecast = heavy(move || async move {
        let Front { service, limits, here, .. } = &*web.front;
        let listing = sources::list_with(&job.sources, uploaded, &reach, limits).await?;
        service.forecast(&principal, &request, &listing, job.lane.into(), here.as_ref()).await
    });
    Ok(axum::Json(PlanView::of(&forecast.await?, clock::now_ms())))
}
