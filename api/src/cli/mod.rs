//! The command line: a thin skin over the service.

mod args;
mod audit;
mod desk;
mod doctor;
mod export;
mod keys;
mod login;
mod mcp;
mod out;
mod progress;
mod remote;
mod run;
mod schedule;
mod serve;
mod show;
mod summary;
mod tenant;

use crate::client::{Remote, servers};
use crate::http::views::tenants::UsageView;
use crate::similar::Question;
use args::{Args, Command};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use desk::Desk;
use shared::failure::{Failure, FailureKind};
use shared::principal::Principal;
use shared::{clock, config, live};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Everything was read.
pub const READ_ALL: u8 = 0;
/// The command line was wrong.
pub const USAGE: u8 = 1;
/// Some items failed; the table is there.
pub const SOME_FAILED: u8 = 2;
/// Nothing could be done.
pub const NOTHING_DONE: u8 = 3;
/// Interrupted by Ctrl-C or SIGTERM, as shells number it.
pub const INTERRUPTED: u8 = 130;

/// How long threads that wait for something are waited for when everything is done.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Threads that wait for the disk. Each that has ever been keeps memory of its own.
const BLOCKING_THREADS_MAX: usize = 4;
/// The same where requests of many clients each wait for it.
const SERVING_THREADS_MAX: usize = 32;

/// Runs a command line; says the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; a closed terminal is nobody's.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { READ_ALL } else { USAGE };
        }
    };
    if matches!(args.command, Command::WorkApart) {
        return worker::apart::run();
    }
    let serves = matches!(args.command, Command::Serve { .. });
    let blocking = if serves { SERVING_THREADS_MAX } else { BLOCKING_THREADS_MAX };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(blocking)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(command(args));
            // A thread that reads standard input ends with its next line, which may never come.
            runtime.shutdown_timeout(SHUTDOWN);
            outcome
        }
        Err(error) => Err(Failure::new(FailureKind::Unavailable, format!("no threads: {error}"))),
    };
    outcome.unwrap_or_else(|failure| {
        tell(&format!("ripieno: {failure}\n"));
        if failure.kind == FailureKind::Malformed { USAGE } else { NOTHING_DONE }
    })
}

async fn command(args: Args) -> Result<u8, Failure> {
    match &args.command {
        Command::Analyses { name } => return show::analyses(name.as_deref()),
        Command::Formats => return Ok(show::formats()),
        Command::Completions { shell } => return Ok(complete(*shell)),
        Command::Live { address } => return live::ask(*address, "/health/live").map(|()| READ_ALL),
        Command::Export { source, to, piece, repeats, out } => {
            let choice = worker::export::Choice { piece: *piece, repeats: *repeats };
            return export::export(source, to, choice, out.as_deref()).await;
        }
        _ => {}
    }
    if let Some(server) = args.server.clone().or_else(|| config::var("RIPIENO_SERVER"))
        && !matches!(args.command, Command::Serve { .. } | Command::Doctor)
    {
        let server = servers::url_of(server)?;
        match &args.command {
            Command::Login { client, scope } => return login::login(&server, client, scope.as_deref()).await,
            Command::Logout => return login::logout(&server).await,
            _ => {}
        }
        let remote = Remote::at(&server, login::token(&server).await?.as_deref())?;
        return remote::command(&remote, args).await;
    }
    if matches!(args.command, Command::Login { .. } | Command::Logout) {
        let message = "say which server: --server URL, or RIPIENO_SERVER";
        return Err(Failure::new(FailureKind::Malformed, message));
    }
    if matches!(args.command, Command::Doctor) {
        return doctor::run(args.data).await;
    }
    let limits = config::limits()?;
    let desk = match config::cluster()? {
        Some(cluster) => Desk::in_cluster(&cluster, limits).await?,
        None => Desk::embedded(config::data_folder(args.data)?, limits).await?,
    };
    let code = serve(&desk, args.command).await;
    desk.leave().await;
    code
}

async fn serve(desk: &Desk, command: Command) -> Result<u8, Failure> {
    let (service, principal) = (&desk.service, Principal::local());
    match command {
        Command::Run(options) => run::run(desk, &options).await,
        Command::Serve { listen } => serve::serve(desk, listen).await,
        Command::Submit(ask) => run::submit(desk, &ask).await,
        Command::Plan(ask) => run::plan(desk, &ask).await,
        Command::Watch { job, progress } => run::watch(desk, &job, progress).await,
        Command::Retry { job, show } => run::retry(desk, &job, &show).await,
        Command::Mcp { jobs } => mcp::run(desk, jobs).await,
        Command::Status { job } => show::status(service, &principal, job).await,
        Command::Schedule(command) => schedule::command(desk, command).await,
        Command::Audit(command) => audit::command(desk, command).await,
        Command::Keys(command) => keys::command(desk, command).await,
        Command::Tenant(command) => tenant::command(desk, command).await,
        Command::Usage(days) => {
            let asked = days.days()?;
            days.tell(&UsageView::of(&asked, service.usage(&principal, &asked).await?));
            Ok(READ_ALL)
        }
        Command::Sweep => {
            let swept = service.sweep(clock::now_ms()).await?;
            say(&format!("{} jobs removed, {} objects\n", swept.jobs, swept.objects));
            Ok(READ_ALL)
        }
        Command::Jobs => show::jobs(service, &principal).await,
        Command::Results { job, out, format } => {
            let make = async |folder: &Path| service.results(&principal, &job, folder, &format).await;
            for path in out::written(&out, make).await? {
                say(&format!("{}\n", path.display()));
            }
            Ok(READ_ALL)
        }
        Command::Errors { job } => show::errors(service, &principal, &job).await,
        Command::Similar { job, top, threshold, json } => {
            let question = Question { top: usize::from(top), threshold };
            show::similar(service, &principal, &job, question, json).await
        }
        Command::Cancel { job } => show::changed(service.cancel(&principal, &job).await),
        Command::Pause { job } => show::changed(service.pause(&principal, &job).await),
        Command::Resume { job } => show::changed(service.resume(&principal, &job).await),
        Command::Prioritise { job, lane } => show::changed(service.prioritise(&principal, &job, lane).await),
        Command::Analyses { .. }
        | Command::Formats
        | Command::Completions { .. }
        | Command::Export { .. }
        | Command::Doctor
        | Command::Login { .. }
        | Command::Logout
        | Command::Live { .. }
        | Command::WorkApart => Ok(READ_ALL),
    }
}

/// Prints what a shell needs to complete the commands.
fn complete(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "ripieno", &mut script);
    say(&String::from_utf8_lossy(&script));
    READ_ALL
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints to standard error.
fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
