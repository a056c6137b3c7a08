//! The front of Ripieno. One service; the command line and HTTP are skins over it.

pub mod audit;
pub mod auth;
pub mod cli;
pub(crate) mod client;
pub mod embedded;
pub mod front;
pub mod http;
pub mod mcp;
mod moment;
mod oauth;
pub mod plan;
pub mod schedule;
pub mod scores;
pub mod service;
pub mod similar;
pub mod sources;
pub mod waiting;
