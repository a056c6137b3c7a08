//! The tests that cross crates.

mod analyses;
