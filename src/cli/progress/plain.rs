//! Without a terminal: one line for each finished repeat.

use super::ending::Ending;
use super::labels::labels;
use super::left::Left;
use super::{LONGEST, Progress};
use crate::cli::stdio;
use crate::plan::Plan;
use crate::run::Event;
use crate::units::human;
use std::time::Instant;

/// One line for each finished repeat, on stderr.
pub struct Plain<'p> {
    plan: &'p Plan,
    labels: Vec<String>,
    left: Left,
}

impl<'p> Plain<'p> {
    /// The progress of a plan that is about to run.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, labels: labels(plan), left: Left::new(plan) }
    }
}

impl Progress for Plain<'_> {
    fn on_event(&mut self, event: &Event<'_>) {
        self.left.note(event, Instant::now());
        if let Some(line) = line(self.plan, &self.labels, &self.left, event) {
            stdio::note(&line);
        }
    }
}

/// The line about an event; `None` if it has none.
pub fn line(plan: &Plan, labels: &[String], left: &Left, event: &Event<'_>) -> Option<String> {
    match event {
        Event::PlanStarted { repeats } => {
            Some(format!("{}, about {}", human::counted(*repeats as u64, "repeat"), human::span(left.estimate)))
        }
        Event::RepeatFinished { repeat, outcome } => {
            let Ending { kind, words } = Ending::of(plan, repeat, outcome);
            let label = labels.get(repeat.case).map_or("", String::as_str);
            Some(format!("[{}/{}] {}{label}: {words}", left.position, left.repeats, kind.mark()))
        }
        Event::Interrupted => Some("interrupted; what is finished is saved".to_owned()),
        Event::Stopped { reason } => Some(format!("stopped: {}", reason.terminal(LONGEST))),
        _ => None,
    }
}
