//! `ripieno serve` over HTTP, as clients of any kind meet it.

mod callbacks;
mod client;
mod cluster;
mod hard;
mod jobs;
mod names;
mod schema;
pub(crate) mod server;
