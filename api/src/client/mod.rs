//! A server, as the command line speaks to it: the same operations by HTTP.

pub(crate) mod login;
mod plain;
mod schedules;
pub(crate) mod servers;
mod tenants;

use crate::http::views::tenants::UsageView;
use crate::http::views::{Job, Jobs, PairView, PlanView};
use crate::http::{COMPARED, WITHOUT};
use crate::service::Days;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::place::Place;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use worker::table::Encoding;

pub(crate) use plain::Failed;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may say nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(90);
/// Seconds that a look waits for news.
const WAIT_SECONDS: u64 = 20;
/// Times that a submission is sent where the connection breaks: its key makes that harmless.
const SUBMITS_MAX: u32 = 3;

/// A server.
#[derive(Debug)]
pub(crate) struct Remote {
    http: Client,
    base: String,
}

/// A problem, as far as it is read.
#[derive(Deserialize)]
struct Problem {
    kind: FailureKind,
    detail: String,
    #[serde(default)]
    place: Option<Place>,
}

/// The header that says who asks; no log shows it.
fn named(token: Option<&str>) -> Result<HeaderMap, Failure> {
    let Some(token) = token else { return Ok(HeaderMap::new()) };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| {
        Failure::new(FailureKind::Malformed, "what is shown to the server (RIPIENO_TOKEN) is no token or key")
    })?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

impl Remote {
    /// The server at a URL, which may want a token or key of whoever asks.
    ///
    /// # Errors
    /// `malformed` for what is no URL of a server.
    pub(crate) fn at(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            let message = format!("{url:?} is no server: {why}; say --server http://127.0.0.1:8321");
            Failure::new(FailureKind::Malformed, message)
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(wrong("it begins with neither http:// nor https://"));
        }
        let builder =
            Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).no_proxy();
        let http =
            builder.default_headers(named(token)?).build().map_err(|error| wrong(&error.to_string()))?;
        Ok(Remote { http, base: url.trim_end_matches('/').to_owned() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request with a body of JSON.
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.with_body(Method::POST, path, body)
    }

    fn with_body(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(method, path).header(CONTENT_TYPE, "application/json").body(body.to_string())
    }

    fn away(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_connect() { "nobody answers there".to_owned() } else { error.to_string() };
        Failure::new(FailureKind::Unavailable, format!("{}: {why}; is `ripieno serve` running?", self.base))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.away(&error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.away(&error))?;
        Err(match serde_json::from_slice(&body) {
            Ok(Problem { kind, detail, place }) => Failure { place, ..Failure::new(kind, detail) },
            Err(_) => {
                let message = format!("{} answered {status} without saying why: is it Ripieno?", self.base);
                Failure::new(FailureKind::Unavailable, message)
            }
        })
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let body = self.send(request).await?.bytes().await.map_err(|error| self.away(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.not_understood(&error))
    }

    fn not_understood(&self, error: &serde_json::Error) -> Failure {
        let message =
            format!("the answer of {} is not understood: {error}; is it of another version?", self.base);
        Failure::new(FailureKind::Internal, message)
    }

    /// Submits a job; says it, and whether it is one of before. Sent again where the connection broke, under one key.
    ///
    /// # Errors
    /// What the server says; `unavailable` when it does not answer.
    pub(crate) async fn submit(&self, job: &Value) -> Result<Job, Failure> {
        let key = crate::service::random_key()?;
        let mut attempt = 1;
        loop {
            let request = self.post("/v1/jobs", job).header("idempotency-key", &key);
            match self.json(request).await {
                Err(failure) if failure.kind.is_transient() && attempt < SUBMITS_MAX => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// What a job would cost.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn plan(&self, job: &Value) -> Result<PlanView, Failure> {
        self.json(self.post("/v1/plans", job)).await
    }

    /// Says what the work of the caller's tenant came to, day by day.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn usage(&self, days: &Days) -> Result<UsageView, Failure> {
        let path = format!("/v1/usage?from={}&to={}", days.first(), days.last());
        self.json(self.request(Method::GET, &path)).await
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn job(&self, job: &JobId) -> Result<Job, Failure> {
        self.json(self.request(Method::GET, &format!("/v1/jobs/{job}"))).await
    }

    /// Looks at a job once it is another than that of `tag`, or after a while; says the tag of what is seen.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn news(&self, job: &JobId, tag: &str) -> Result<Option<(Job, String)>, Failure> {
        let path = format!("/v1/jobs/{job}?wait={WAIT_SECONDS}");
        let response = self.send(self.request(Method::GET, &path).header(IF_NONE_MATCH, tag)).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let tag =
            response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let body = response.bytes().await.map_err(|error| self.away(&error))?;
        let job = serde_json::from_slice(&body).map_err(|error| self.not_understood(&error))?;
        Ok(Some((job, tag)))
    }

    /// The newest job, if there is one.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn newest(&self) -> Result<Option<Job>, Failure> {
        let page: Jobs = self.json(self.request(Method::GET, "/v1/jobs?limit=1")).await?;
        Ok(page.jobs.into_iter().next())
    }

    /// Every job, newest first.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let mut jobs = Vec::new();
        let mut query = String::new();
        loop {
            let page: Jobs = self.json(self.request(Method::GET, &format!("/v1/jobs{query}"))).await?;
            jobs.extend(page.jobs);
            let Some(next) = page.next else { return Ok(jobs) };
            query = format!("?cursor={next}");
        }
    }

    /// Changes what is wanted of a job: `cancel`, `pause`, `resume`, `retry`, or, with a lane, `prioritise`.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn change(&self, job: &JobId, what: &str, lane: Option<&str>) -> Result<Job, Failure> {
        let path = format!("/v1/jobs/{job}/{what}");
        let request = match lane {
            Some(lane) => self.post(&path, &json!({ "lane": lane })),
            None => self.request(Method::POST, &path),
        };
        self.json(request).await
    }

    /// Writes the table of a job into a folder, as [`crate::service::Service::results`] does.
    ///
    /// # Errors
    /// As [`Remote::submit`]; `unavailable` when a file cannot be written.
    pub(crate) async fn results(
        &self,
        job: &JobId,
        folder: &Path,
        encodings: &[Encoding],
    ) -> Result<Vec<PathBuf>, Failure> {
        shared::disk::make_folder(folder).map_err(|error| unwritten(folder, &error))?;
        let known = Encoding::ALL.into_iter().filter(|encoding| encodings.contains(encoding));
        let tables = known.map(|encoding| (encoding.name(), format!("table.{}", encoding.name())));
        let mut paths = Vec::new();
        for (format, file) in tables.chain([("failures", "failures.csv".to_owned())]) {
            let path = folder.join(&file);
            let unfinished = folder.join(format!(".{file}.unfinished"));
            self.download(job, format, &unfinished).await?;
            fs::rename(&unfinished, &path).map_err(|error| unwritten(&path, &error))?;
            paths.push(path);
        }
        Ok(paths)
    }

    async fn download(&self, job: &JobId, format: &str, path: &Path) -> Result<(), Failure> {
        let request = self.request(Method::GET, &format!("/v1/jobs/{job}/results?format={format}"));
        let mut response = self.send(request).await?;
        let mut file = File::create(path).map_err(|error| unwritten(path, &error))?;
        while let Some(bytes) = response.chunk().await.map_err(|error| self.away(&error))? {
            file.write_all(&bytes).map_err(|error| unwritten(path, &error))?;
        }
        file.sync_all().map_err(|error| unwritten(path, &error))
    }

    /// The pieces of a job that are like each other; with how many were compared, and how many rows have no fingerprint.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn similar(
        &self,
        job: &JobId,
        top: u16,
        threshold: f64,
    ) -> Result<(usize, u64, Vec<PairView>), Failure> {
        let path = format!("/v1/jobs/{job}/similar?top={top}&threshold={threshold}");
        let response = self.send(self.request(Method::GET, &path)).await?;
        let head = response.headers().clone();
        let count = |name| head.get(name).and_then(|count| count.to_str().ok()?.parse::<u64>().ok());
        let (compared, without) = (count(&COMPARED).unwrap_or(0), count(&WITHOUT).unwrap_or(0));
        let body = response.bytes().await.map_err(|error| self.away(&error))?;
        let pairs = serde_json::Deserializer::from_slice(&body).into_iter::<PairView>().collect();
        let pairs: Result<Vec<PairView>, _> = pairs;
        let pairs = pairs.map_err(|error| self.not_understood(&error))?;
        Ok((usize::try_from(compared).unwrap_or(usize::MAX), without, pairs))
    }

    /// What failed of a job or is degraded, in the order of its table.
    ///
    /// # Errors
    /// As [`Remote::submit`].
    pub(crate) async fn errors(&self, job: &JobId) -> Result<Vec<Failed>, Failure> {
        let request = self.request(Method::GET, &format!("/v1/jobs/{job}/results?format=failures"));
        let body = self.send(request).await?.bytes().await.map_err(|error| self.away(&error))?;
        plain::failed(&body)
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("{} cannot be written: {error}", path.display()))
}
