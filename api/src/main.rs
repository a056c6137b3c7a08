//! The command line of Ripieno.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::memory::settle();
    // A panic that was caught is told in the log, where the operator looks, not across the progress bar.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panic")));
    shared::telemetry::start();
    let code = api::cli::run(std::env::args_os());
    ExitCode::from(code)
}
