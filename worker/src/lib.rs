//! From a chunk of scores to its receipt. `score`, `read` and `analyse` are pure: no clock, no network, no files.

pub mod analyse;
pub mod read;
pub mod score;
