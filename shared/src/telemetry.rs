//! Logs of a process, to standard error.

use crate::config;
use tracing_subscriber::EnvFilter;

/// Starts logging as `RIPIENO_LOG` and `RIPIENO_LOG_FORMAT` say; a second call does nothing.
pub fn start() {
    let directives = config::var("RIPIENO_LOG").unwrap_or_else(|| "warn".to_owned());
    let filter = EnvFilter::builder().parse_lossy(directives);
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // It fails only where a test or an embedding program already logs; then that one goes on.
    let _ = match config::var("RIPIENO_LOG_FORMAT").as_deref() {
        Some("json") => builder.json().try_init(),
        _ => builder.try_init(),
    };
}
