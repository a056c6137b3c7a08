//! How a run shows that it goes on: a bar for people, JSON Lines for programs.

use super::args::Progress;
use super::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

const TEMPLATE: &str = "{bar:32} {pos}/{len} items  {rate} items/s  ETA {eta}";

/// Shows the progress of one job.
pub(super) struct Reporter {
    kind: Kind,
    began: Instant,
    total: u64,
    done: u64,
    /// Items that were done before this run.
    before: u64,
}

enum Kind {
    Bar(ProgressBar),
    Json,
    None,
}

impl Reporter {
    pub(super) fn new(choice: Progress) -> Self {
        let bar = || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            // A template that does not parse is a defect that every test of the bar shows; the bar then has its own.
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                let rate = |state: &ProgressState, text: &mut dyn Write| {
                    let _ = write!(text, "{:.0}", state.per_sec()); // Writing to a string cannot fail.
                };
                bar.set_style(style.with_key("rate", rate).progress_chars("█▌░"));
            }
            Kind::Bar(bar)
        };
        let kind = match choice {
            Progress::Auto if stderr().is_terminal() => bar(),
            Progress::Bar => bar(),
            Progress::Json => Kind::Json,
            Progress::Auto | Progress::None => Kind::None,
        };
        Reporter { kind, began: Instant::now(), total: 0, done: 0, before: 0 }
    }

    /// Something happened that is not a number of items.
    pub(super) fn event(&self, name: &str, fields: Value) {
        if let Kind::Json = self.kind {
            let mut line = json!({ "event": name });
            if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                line.extend(fields);
            }
            say(&format!("{line}\n"));
        }
    }

    /// The job is known: so many items, so many of them done before.
    pub(super) fn start(&mut self, total: u64, before: u64) {
        (self.total, self.done, self.before, self.began) = (total, before, before, Instant::now());
        if let Kind::Bar(bar) = &self.kind {
            bar.set_length(total);
            bar.set_position(before);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(250));
        }
    }

    /// So many more items are done.
    pub(super) fn advance(&mut self, items: u64) {
        self.done = (self.done + items).min(self.total);
        if let Kind::Bar(bar) = &self.kind {
            bar.set_position(self.done);
        }
        let seconds = self.began.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = (self.done - self.before) as f64 / seconds.max(1e-3);
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let eta = (self.total - self.done) as f64 / rate.max(1e-9);
        let (rate, eta) = ((rate * 10.0).round() / 10.0, (eta * 10.0).round() / 10.0);
        let fields =
            json!({ "items": self.total, "done": self.done, "items_per_second": rate, "eta_seconds": eta });
        self.event("progress", fields);
    }

    /// A line for people, above the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.kind {
            Kind::Bar(bar) => bar.println(text),
            Kind::Json => {}
            Kind::None => super::tell(&format!("{text}\n")),
        }
    }

    /// The bar shall go.
    pub(super) fn end(&self) {
        if let Kind::Bar(bar) = &self.kind {
            bar.finish_and_clear();
        }
    }

    /// Whether standard output belongs to events.
    pub(super) const fn is_json(&self) -> bool {
        matches!(self.kind, Kind::Json)
    }

    /// Since the start, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}
