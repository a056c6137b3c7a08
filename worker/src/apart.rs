//! Working items apart: in a child process with limits of its own, for what may have taken a process down before.
//!
//! The parent writes one task to the child's standard input, and the child answers on its standard output with the rows
//! and the outcome of each item in turn. A child whose parent is gone goes too.

use crate::fetch;
use crate::pipeline::{self, Wanted, pace};
use crate::rows::Rows;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Request};
use shared::ledger::{Handout, Ledger};
use shared::limits::Limits;
use shared::reach::Reach;
use shared::store::Stores;
use shared::wire;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// The word on the command line by which a program of ours becomes such a child.
pub const COMMAND: &str = "work-apart";
/// Bytes of one frame; more is no frame of ours.
const FRAME_BYTES_MAX: usize = 256 << 20;

/// The program that works apart, and its arguments.
#[derive(Clone, Debug)]
pub struct Apart {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Apart {
    /// This program, in its other role; none where nobody knows what this program is.
    #[must_use]
    pub fn this_program() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        Some(Apart { program, arguments: vec![COMMAND.to_owned()] })
    }
}

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) request: Request,
    /// Whose job it is.
    pub(crate) tenant: String,
    /// Where the tenant's uploaded scores lie.
    pub(crate) scores: String,
    /// What opens them, where they lie sealed: the child has no master key.
    pub(crate) keys: Option<Handout>,
    pub(crate) items: Vec<Item>,
}

/// What a frame holds; its number is the first byte of the frame, four bytes of length follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// A task.
    Task = 1,
    /// The child has its task, and begins.
    Ready = 2,
    /// Encoded rows of the item in work.
    Rows = 3,
    /// The outcome of the item in work, and the time of the processor that it took.
    Outcome = 4,
}

impl Word {
    /// The head of a frame.
    pub(crate) fn head(self, bytes: usize) -> Result<[u8; 5], Failure> {
        let length = u32::try_from(bytes).ok().filter(|_| bytes <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| garbled("a frame is too long"))?;
        let [a, b, c, d] = length.to_be_bytes();
        Ok([self as u8, a, b, c, d])
    }

    /// What a head says.
    pub(crate) fn of_head([word, length @ ..]: [u8; 5]) -> Result<(Self, usize), Failure> {
        let words = [Word::Task, Word::Ready, Word::Rows, Word::Outcome];
        let word = words.into_iter().find(|known| *known as u8 == word);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let known = word.filter(|_| length <= FRAME_BYTES_MAX);
        known.map(|word| (word, length)).ok_or_else(|| garbled("no frame begins so"))
    }
}

fn garbled(what: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("the process that works apart is not understood: {what}"))
}

/// The child: works its task to the end. Says the exit code.
#[must_use]
pub fn run() -> u8 {
    let outcome = config::limits().and_then(|limits| {
        confine(&limits)?;
        work(&limits)
    });
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            tracing::error!(%failure, "nothing can be worked apart");
            3
        }
    }
}

/// No more memory than is allowed, and no picture of it on the disk when it dies.
fn confine(limits: &Limits) -> Result<(), Failure> {
    let no_more_than = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, no_more_than(limits.suspect_bytes_max))
        .and_then(|()| setrlimit(Resource::Core, no_more_than(0)))
        .map_err(|error| Failure::new(FailureKind::Unavailable, format!("no limits: {error}")))
}

fn work(limits: &Limits) -> Result<(), Failure> {
    let broken = |error: io::Error| Failure::new(FailureKind::Unavailable, format!("the parent: {error}"));
    let mut input = io::stdin();
    let mut head = [0; 5];
    input.read_exact(&mut head).map_err(broken)?;
    let (Word::Task, length) = Word::of_head(head)? else { return Err(garbled("it has no task")) };
    let mut task = vec![0; length];
    input.read_exact(&mut task).map_err(broken)?;
    let task: Task = wire::decode(&task, "a task")?;
    let wanted = Wanted::of(&task.request, limits)?;
    let reach = Reach::of(&task.tenant)?.with(&task.scores)?;
    let reach = match &task.keys {
        Some(keys) => reach.with_sealed_scores(Ledger::handed(&task.tenant, keys)?),
        None => reach,
    };
    // The parent says nothing more, so this ends with the parent.
    std::thread::spawn(move || {
        let _ = io::copy(&mut input, &mut io::sink());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
    let stores = Stores::default();
    let mut output = io::stdout().lock();
    let mut say = |word: Word, bytes: &[u8]| -> Result<(), Failure> {
        output.write_all(&word.head(bytes.len())?).and_then(|()| output.write_all(bytes)).map_err(broken)?;
        output.flush().map_err(broken)
    };
    say(Word::Ready, &[])?;
    for item in &task.items {
        let arrived = runtime.block_on(fetch::fetch(item, &reach, &stores, limits));
        let (mut rows, began) = (Rows::default(), pace::cpu());
        let outcome = pipeline::work(item, arrived, &wanted, None, &mut rows)?;
        let cpu = pace::cpu().saturating_sub(began);
        rows.into_segments().try_for_each(|segment| say(Word::Rows, &segment?))?;
        say(Word::Outcome, &wire::encode(&(outcome, cpu))?)?;
    }
    Ok(())
}
