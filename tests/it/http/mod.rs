//! `ripieno serve` over HTTP, as clients of any kind meet it.

mod agents;
mod attacks;
mod callbacks;
mod client;
mod cluster;
mod hard;
mod jobs;
mod names;
mod plans;
mod proxy;
mod schema;
mod scores;
pub(crate) mod server;
mod tls;
