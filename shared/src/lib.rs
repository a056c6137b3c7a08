//! Contracts that the front and the workers of Ripieno agree on. Nothing here knows music.

pub mod card;
mod checksum;
pub mod clock;
pub mod config;
pub mod disk;
pub mod dispatch;
pub mod failure;
mod handle;
pub mod job;
pub mod ledger;
pub mod limits;
pub mod memory;
pub mod metrics;
pub mod place;
pub mod principal;
pub mod public;
pub mod reach;
pub mod receipt;
pub mod redis;
pub mod row;
pub mod schedule;
pub mod store;
pub mod telemetry;
pub mod terms;
pub mod usage;
pub mod vault;
pub mod wire;
