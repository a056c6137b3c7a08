//! The worker of a cluster.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::memory::settle();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ExitCode::from(worker::process::main(&arguments))
}
