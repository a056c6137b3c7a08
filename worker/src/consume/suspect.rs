//! The parent of a process that works apart: one item after the other, and what becomes of an item that takes the process
//! down.

use super::chunk::Worked;
use crate::apart::{Apart, Task, Word};
use crate::pipeline;
use crate::rows::Rows;
use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Request};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::metrics;
use shared::wire;
use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How often an item may take its process down until it is given up.
const KILLS_MAX: u32 = 2;
/// How much longer than an item may take its process is waited for: it says itself when it is late.
const GRACE: Duration = Duration::from_secs(2);

/// Works items apart, in order.
pub(super) fn work(
    apart: Apart,
    ledger: &Ledger,
    request: &Request,
    items: Vec<Item>,
    limits: &Limits,
) -> BoxStream<'static, Result<Worked, Failure>> {
    let allowed = Duration::from_secs(limits.item_seconds_max) + GRACE;
    let (tenant, scores) = (ledger.tenant().to_owned(), ledger.scores_place());
    let task = Task { request: request.clone(), tenant, scores, keys: None, items: Vec::new() };
    let ledger = ledger.clone();
    let bench = Bench { apart, ledger, task, items: items.into(), process: None, kills: 0, allowed };
    let step = |mut bench: Bench| async { Ok(bench.next().await?.map(|worked| (worked, bench))) };
    try_unfold(bench, step).boxed()
}

/// The items that are left, and the process that works them.
struct Bench {
    apart: Apart,
    ledger: Ledger,
    /// But for its items and keys.
    task: Task,
    items: VecDeque<Item>,
    process: Option<Process>,
    /// Processes that the first item has taken down.
    kills: u32,
    allowed: Duration,
}

/// Why a process gave no outcome.
enum End {
    /// Something that is no item's fault.
    Failed(Failure),
    /// It died; as far as is known, how.
    Died(String),
}

impl Bench {
    async fn next(&mut self) -> Result<Option<Worked>, Failure> {
        while let Some(item) = self.items.front() {
            let process = match &mut self.process {
                Some(process) => process,
                none => {
                    let task = Task { keys: self.ledger.handout().await?, ..self.task.clone() };
                    none.insert(Process::start(&self.apart, &task, &self.items).await?)
                }
            };
            let failure = match timeout(self.allowed, process.next()).await {
                Ok(Ok(worked)) => {
                    self.items.pop_front();
                    self.kills = 0;
                    return Ok(Some(worked));
                }
                Ok(Err(End::Failed(failure))) => return Err(failure),
                Ok(Err(End::Died(how))) => {
                    self.process = None;
                    self.kills += 1;
                    metrics::APART_DEATHS.increase();
                    tracing::warn!(item = item.name, how, "a process that worked apart died");
                    if self.kills < KILLS_MAX {
                        continue;
                    }
                    let message = format!("it took its process down {KILLS_MAX} times: {how}");
                    Failure::new(FailureKind::Crashed, message)
                }
                Err(_) => {
                    self.process = None; // Dropped, it is killed.
                    let seconds = self.allowed.as_secs();
                    Failure::new(FailureKind::TimedOut, format!("its process gave no sign for {seconds} s"))
                }
            };
            let mut worked = Worked::default();
            worked.outcomes.push(pipeline::give_up(item, failure, &mut worked.rows)?);
            self.items.pop_front();
            self.kills = 0;
            return Ok(Some(worked));
        }
        Ok(None)
    }
}

struct Process {
    child: Child,
    output: ChildStdout,
    /// Held open: the child goes when it is closed.
    _input: ChildStdin,
}

impl Process {
    async fn start(apart: &Apart, task: &Task, items: &VecDeque<Item>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            let program = apart.program.display();
            Failure::new(FailureKind::Unavailable, format!("{program} cannot work apart: {error}"))
        };
        let mut command = Command::new(&apart.program);
        // It reads what may be hostile: it has the keys of one tenant, and no others.
        command.env_remove(config::MASTER_KEY).env_remove(config::MASTER_KEY_FILE);
        command.args(&apart.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        let task = Task { items: items.iter().cloned().collect(), ..task.clone() };
        let task = wire::encode(&task)?;
        input.write_all(&Word::Task.head(task.len())?).await.map_err(failed)?;
        input.write_all(&task).await.map_err(failed)?;
        let mut process = Process { child, output, _input: input };
        match process.word().await {
            Ok((Word::Ready, _)) => Ok(process),
            Ok(_) => Err(Failure::new(FailureKind::Internal, "a process that works apart begins oddly")),
            Err(End::Failed(failure)) => Err(failure),
            Err(End::Died(how)) => Err(failed(std::io::Error::other(how))),
        }
    }

    /// The next item.
    async fn next(&mut self) -> Result<Worked, End> {
        let mut rows = Rows::default();
        loop {
            match self.word().await? {
                (Word::Rows, bytes) => rows.append(&bytes).map_err(End::Failed)?,
                (Word::Outcome, bytes) => {
                    let (outcome, cpu) = wire::decode(&bytes, "an outcome").map_err(End::Failed)?;
                    return Ok(Worked { rows, outcomes: vec![outcome], cpu });
                }
                (Word::Task | Word::Ready, _) => {}
            }
        }
    }

    async fn word(&mut self) -> Result<(Word, Vec<u8>), End> {
        let mut head = [0; 5];
        if self.output.read_exact(&mut head).await.is_err() {
            return Err(self.died().await);
        }
        let (word, length) = Word::of_head(head).map_err(End::Failed)?;
        let mut bytes = vec![0; length];
        if self.output.read_exact(&mut bytes).await.is_err() {
            return Err(self.died().await);
        }
        Ok((word, bytes))
    }

    async fn died(&mut self) -> End {
        let _ = self.child.start_kill();
        match self.child.wait().await {
            Ok(status) => End::Died(status.to_string()),
            Err(error) => End::Died(error.to_string()),
        }
    }
}
