//! The front of Ripieno. One service; the command line is the first skin over it.

pub mod cli;
pub mod embedded;
pub mod plan;
pub mod schedule;
pub mod service;
pub mod similar;
pub mod sources;
