//! The progress of `sim`: how long it has taken. The progress of `up`: a bar for each stage on a terminal, a line for each stage elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lab::{Progress, Stage};

use crate::output::note;

/// The bars.
#[derive(Default)]
pub(crate) struct Bars {
    current: Option<(Stage, ProgressBar)>,
}

impl Bars {
    /// Leaves the last bar as it is.
    pub(crate) fn finish(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.abandon();
        }
    }
}

impl Progress for Bars {
    fn advance(&mut self, stage: Stage, done: usize, total: usize) {
        if !std::io::stderr().is_terminal() {
            if done == total {
                note(&format!("{:<14} {done}/{total}", stage.name()));
            }
            return;
        }
        if self
            .current
            .as_ref()
            .is_none_or(|(current, _)| *current != stage)
        {
            self.finish();
            let bar = ProgressBar::new(total as u64);
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:14} {bar:32} {pos}/{len}  {elapsed}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(stage.name());
            self.current = Some((stage, bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
    }
}

/// A bar for things of which it is known how many there are, on a terminal.
pub(crate) struct Counted(ProgressBar);

impl Counted {
    /// An empty bar.
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:14} {bar:32} {pos}/{len}  {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Self(bar)
    }

    /// Shows how far it is.
    pub(crate) fn advance(&self, done: usize, total: usize) {
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Says on a terminal that something goes on, and for how long, until it is finished.
pub(crate) fn waiting(what: &'static str) -> ProgressBar {
    let waiting = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {elapsed}") {
        waiting.set_style(style);
    }
    waiting.set_prefix(what);
    waiting.enable_steady_tick(TICK);
    waiting
}

/// Often enough to see that it goes on.
const TICK: Duration = Duration::from_millis(250);
