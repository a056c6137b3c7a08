//! The tests that cross crates.

mod readers;
