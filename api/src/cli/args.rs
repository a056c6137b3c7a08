//! What the command line takes.

use super::schedule::Schedule;
use super::{audit, keys, tenant};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use shared::dispatch::Lane;
use shared::job::JobId;
use std::net::SocketAddr;
use std::path::PathBuf;
use worker::read::{Fidelity, Grid, MidiParts};
use worker::score::Repeats;
use worker::table::Encoding;

/// Turns a folder of music scores into one table: a row per piece, a column per measurement.
#[derive(Debug, Parser)]
#[command(name = "ripieno", version, about, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Folder of the ledger and the cache, where no cluster is configured [default: $RIPIENO_DATA, or
    /// ~/.local/share/ripieno]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Speak to the `ripieno serve` at this URL instead, or of this name in ~/.config/ripieno/servers.json [default:
    /// $RIPIENO_SERVER]
    #[arg(long, global = true, value_name = "URL_OR_NAME")]
    pub(super) server: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Analyse scores and write their table; the same command again resumes what was interrupted
    ///
    /// Exit codes: 0 everything was read, 1 wrong usage, 2 some items failed (the table is there), 3 nothing could be
    /// done, 130 interrupted.
    Run(Run),
    /// Answer requests over HTTP (REST, health, metrics), until SIGTERM or Ctrl-C
    Serve {
        /// Address and port; beyond the loopback only where callers show who they are (RIPIENO_AUTH)
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8321")]
        listen: SocketAddr,
    },
    /// Submit a job to the cluster and print its handle, without waiting for it
    Submit(Ask),
    /// Say what a job would cost, without submitting it
    Plan(Ask),
    /// Show what a job is doing (the newest one if none is named)
    Status {
        /// The job
        job: Option<JobId>,
    },
    /// Write the table of a job again, also of a running one
    Results {
        /// The job
        job: JobId,
        /// Folder for the files, or the URL of one in an object store
        #[arg(long, value_name = "DIR", default_value = "ripieno-out")]
        out: PathBuf,
        /// How the table is written; several with commas
        #[arg(long, value_delimiter = ',', default_value = "parquet,csv", value_parser = encoding)]
        format: Vec<Encoding>,
    },
    /// List what could not be read, and why
    Errors {
        /// The job
        job: JobId,
    },
    /// List pieces of a job that are like each other, whatever their key, the likest first
    ///
    /// The job needs the analysis `fingerprint`. A score of 1 says that the openings are the same (or all that stands in
    /// the pieces), 0 that nothing is.
    Similar {
        /// The job
        job: JobId,
        /// Neighbours of each piece, at the most
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
        top: u16,
        /// The least score, from 0 to 1
        #[arg(long, value_name = "T", default_value_t = 0.75, value_parser = threshold)]
        threshold: f64,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Stop a job; what is finished stays
    Cancel {
        /// The job
        job: JobId,
    },
    /// Stop a job for a while
    Pause {
        /// The job
        job: JobId,
    },
    /// Let a paused job go on
    Resume {
        /// The job
        job: JobId,
    },
    /// Move a job to another lane
    Prioritise {
        /// The job
        job: JobId,
        /// `interactive` goes before `bulk`
        #[arg(value_parser = lane)]
        lane: Lane,
    },
    /// Try again what failed of a job, and write the table of the whole job
    Retry {
        /// The job
        job: JobId,
        #[command(flatten)]
        show: Show,
    },
    /// Jobs that come again: every night, say, of what is new or has changed
    #[command(subcommand)]
    Schedule(Schedule),
    /// What callers of `ripieno serve` did, tenant by tenant
    #[command(subcommand)]
    Audit(audit::Command),
    /// API keys, for callers of `ripieno serve` (RIPIENO_AUTH)
    #[command(subcommand)]
    Keys(keys::Command),
    /// Tenants, what they may have, the keys that what is theirs is sealed with (RIPIENO_MASTER_KEY), and their end
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Say what the work of your tenant came to, day by day: jobs, items, bytes, seconds of the processor
    Usage(tenant::DaysAsked),
    /// Remove the jobs that ended longer ago than they are kept (RIPIENO_RETENTION_DAYS, `ripieno tenant retention`)
    Sweep,
    /// Wait for a job and show how it goes on
    Watch {
        /// The job
        job: JobId,
        /// How progress is shown: a bar on a terminal, one JSON object a line on standard output, or not at all
        #[arg(long, value_enum, default_value = "auto")]
        progress: Progress,
    },
    /// List the jobs, newest first
    Jobs,
    /// Answer an agent over standard input and output by the Model Context Protocol (docs/mcp.md), with the worker inside
    Mcp {
        /// Threads for computing [default: one per core]; in a cluster the workers decide
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        jobs: Option<u16>,
    },
    /// Write a score in another format
    ///
    /// ripieno export song.mxl --to midi
    Export {
        /// A file or URL
        #[arg(value_name = "FILE")]
        source: String,
        /// The format: midi, musicxml
        #[arg(long, value_name = "FORMAT")]
        to: String,
        /// Which piece of it, from 0
        #[arg(long, value_name = "N", default_value_t = 0)]
        piece: u32,
        /// Measures as they are `written`, as they are played with all repeats (`expanded`), or with each repeat `once`
        #[arg(long, default_value = "written", value_parser = repeats)]
        repeats: Repeats,
        /// The file to write; - for standard output [default: the same name with the format's extension, here]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the analyses, or describe one
    Analyses {
        /// The analysis
        name: Option<String>,
    },
    /// List the formats that can be read
    Formats,
    /// Log in to a server whose provider of tokens is asked by a code that is typed in a browser elsewhere
    Login {
        /// The name by which the provider knows this program
        #[arg(long, value_name = "ID", default_value = "ripieno")]
        client: String,
        /// What the token shall be for, with spaces [default: all that the server knows, and renewing]
        #[arg(long, value_name = "SCOPES")]
        scope: Option<String>,
    },
    /// Forget the login to a server, here and at its provider
    Logout,
    /// Check broker, store, clock, limits and disk, and say what to do
    Doctor,
    /// Ask a `ripieno serve` on this machine whether it lives: exit code 0 if it does (for images, which have no shell)
    Live {
        /// Where it listens
        #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:8321")]
        address: SocketAddr,
    },
    /// Print the completions for a shell: `source <(ripieno completions bash)`
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Work what its parent process tells it to
    #[command(hide = true)]
    WorkApart,
}

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) ask: Ask,
    #[command(flatten)]
    pub(super) show: Show,
}

/// What is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Ask {
    /// Folders, files, URLs (s3://bucket/prefix, gs://…, az://…, https://host/score.mxl), patterns ("corpus/**/*.mxl") or
    /// manifest files (.csv, .tsv, .jsonl with a column `url`)
    #[arg(required = true, value_name = "FOLDER_OR_FILES")]
    pub(super) sources: Vec<String>,
    /// Analyses, with commas, in the order of the table's columns [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) analyses: Vec<String>,
    /// A parameter of an analysis; may be repeated
    #[arg(long, value_name = "ANALYSIS.PARAMETER=VALUE", value_parser = setting)]
    pub(super) set: Vec<(String, String)>,
    /// Whether to read and count as the source means it, or exactly as music21 10.5.1 does
    #[arg(long, default_value = "corrected", value_parser = fidelity)]
    pub(super) fidelity: Fidelity,
    /// Measures as they are `written`, as they are played with all repeats (`expanded`), or with each repeat `once`
    #[arg(long, default_value = "written", value_parser = repeats)]
    pub(super) repeats: Repeats,
    /// Round onsets and ends in MIDI files to multiples of these parts of a quarter note, whichever is nearest: `4,3` for
    /// sixteenths and triplet eighths, as music21 does [default: the ticks as they are]
    #[arg(long, value_name = "DIVISORS", value_parser = midi_grid)]
    pub(super) midi_grid: Option<Grid>,
    /// What makes a part of a MIDI file: `track-channel`, `track` or `channel` [default: track-channel; track with
    /// --fidelity compat]
    #[arg(long, value_name = "BY", value_parser = midi_parts)]
    pub(super) midi_parts: Option<MidiParts>,
    /// Let a damaged score fail instead of giving a degraded row
    #[arg(long)]
    pub(super) strict: bool,
    /// In a cluster, the lane: `interactive` goes before `bulk`
    #[arg(long, default_value = "bulk", value_parser = lane)]
    pub(super) lane: Lane,
}

/// How it is worked and shown.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Folder for the table and the list of failures, or the URL of one in an object store
    #[arg(long, value_name = "DIR", default_value = "ripieno-out")]
    pub(super) out: PathBuf,
    /// How the table is written: parquet, csv, jsonl; several with commas
    #[arg(long, value_delimiter = ',', default_value = "parquet,csv", value_parser = encoding)]
    pub(super) format: Vec<Encoding>,
    /// Threads for computing [default: one per core]; in a cluster the workers decide
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// How progress is shown: a bar on a terminal, one JSON object a line on standard output, or not at all
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Progress {
    /// A bar if standard error is a terminal
    Auto,
    /// A bar
    Bar,
    /// One JSON object a line
    Json,
    /// Nothing
    None,
}

fn encoding(text: &str) -> Result<Encoding, String> {
    let names = Encoding::ALL.map(Encoding::name).join(", ");
    let found = Encoding::ALL.into_iter().find(|encoding| encoding.name() == text);
    found.ok_or_else(|| format!("a table is written as one of {names}"))
}

fn lane(text: &str) -> Result<Lane, String> {
    let found = [Lane::Interactive, Lane::Bulk].into_iter().find(|lane| lane.name() == text);
    found.ok_or_else(|| "a lane is one of interactive, bulk".to_owned())
}

fn fidelity(text: &str) -> Result<Fidelity, String> {
    let found = [Fidelity::Corrected, Fidelity::Compat].into_iter().find(|fidelity| fidelity.name() == text);
    found.ok_or_else(|| "fidelity is one of corrected, compat".to_owned())
}

fn repeats(text: &str) -> Result<Repeats, String> {
    let found = Repeats::ALL.into_iter().find(|repeats| repeats.name() == text);
    found.ok_or_else(|| "repeats are one of written, expanded, once".to_owned())
}

fn midi_grid(text: &str) -> Result<Grid, String> {
    let divisors = text.split(',').map(|number| number.trim().parse::<u16>());
    let divisors = divisors.collect::<Result<Vec<u16>, _>>();
    Grid::new(&divisors.map_err(|_| "a grid is numbers with commas, such as 4,3".to_owned())?)
}

fn midi_parts(text: &str) -> Result<MidiParts, String> {
    let names = MidiParts::ALL.map(MidiParts::name).join(", ");
    let found = MidiParts::ALL.into_iter().find(|parts| parts.name() == text);
    found.ok_or_else(|| format!("parts are by one of {names}"))
}

fn threshold(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a threshold is a number from 0 to 1".to_owned())
}

fn setting(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(path, value)| (path.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "say analysis.parameter=value".to_owned())
}
