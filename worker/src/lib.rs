//! From a chunk of scores to its receipt: consume -> pipeline -> fetch, cache, read, analyse, table.
//!
//! `score`, `read`, `analyse` and `write` are pure: no async, no clock, no network, no files, no environment.

pub mod analyse;
pub mod apart;
pub mod cache;
pub mod consume;
pub mod export;
pub mod fetch;
pub mod marks;
pub mod pipeline;
pub mod process;
pub mod read;
pub mod rows;
pub mod score;
pub mod table;
mod watch;
pub mod write;

/// Version of the engine, written into records and receipts.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");
