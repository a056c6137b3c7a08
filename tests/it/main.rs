//! The tests that cross crates.

mod accuracy;
mod analyses;
mod architecture;
mod corpora;
mod dispatch;
mod durability;
mod formats;
mod kill;
mod ledger;
mod readers;
mod redelivery;
mod repeats;
mod roundtrip;
mod run;
mod s3;
mod similar;
mod sources;
mod support;
mod tables;
