//! The tests that cross crates.

mod accuracy;
mod analyses;
mod architecture;
mod auth;
mod corpora;
mod dispatch;
mod durability;
mod formats;
mod helm;
mod http;
mod kill;
mod ledger;
mod mcp;
mod pairs;
mod readers;
mod redelivery;
mod repeats;
mod roundtrip;
mod run;
mod s3;
mod schedule;
mod similar;
mod sources;
mod support;
mod tables;
mod write;
