//! What the user sees while a plan runs. It consumes events and decides nothing.

use crate::plan::Plan;
use crate::render::sanitise;
use crate::run::{Event, Outcome};
use crate::units::{Nanos, human};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Longest text of foreign origin that is shown, in characters.
const LONGEST: usize = 200;

/// Is told what happens.
pub trait Progress {
    /// Something has happened.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Shows nothing.
impl Progress for () {
    fn on_event(&mut self, _: &Event<'_>) {}
}

/// One line for each finished repeat.
pub struct Plain {
    left: Left,
}

impl Plain {
    /// For a plan that is about to run.
    pub fn new(plan: &Plan) -> Self {
        Self { left: Left::new(plan) }
    }
}

impl Progress for Plain {
    fn on_event(&mut self, event: &Event<'_>) {
        self.left.note(event);
        if let Event::PlanStarted { repeats } = event {
            super::stdio::note(&format!(
                "{}, about {}",
                human::counted(*repeats as u64, "repeat"),
                human::span(self.left.estimate)
            ));
        }
        if let Some(line) = line(event) {
            super::stdio::note(&format!("[{}/{}] {line}", self.left.position, self.left.repeats));
        }
    }
}

/// A bar with the time left, and the counts of the running repeat.
pub struct Terminal {
    left: Left,
    bar: ProgressBar,
}

impl Terminal {
    /// For a plan that is about to run.
    pub fn new(plan: &Plan) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template("{prefix} {bar:24} {wide_msg}").expect("the template is a constant");
        bar.set_style(style.progress_chars("━╸ "));
        Self { left: Left::new(plan), bar }
    }

    fn redraw(&self, message: String) {
        self.bar.set_position((self.left.share() * 1_000.0) as u64);
        self.bar.set_prefix(format!("{}/{}", self.left.position, self.left.repeats));
        self.bar.set_message(format!("{} left  {message}", human::span(self.left.time_left())));
    }
}

impl Progress for Terminal {
    fn on_event(&mut self, event: &Event<'_>) {
        self.left.note(event);
        if let Some(line) = line(event) {
            self.bar.println(line);
        }
        match event {
            Event::RepeatStarted { repeat, .. } => self.redraw(sanitise(&repeat.case_id, LONGEST)),
            Event::Progress { repeat, progress } => {
                let mean = progress.mean_enqueue_ns.map(|mean| format!("  mean {}", human::latency(mean as f64)));
                let counts =
                    format!("{} sent, {} refused", human::count(progress.attempted), human::count(progress.rejected));
                self.redraw(format!("{counts}{}  {}", mean.unwrap_or_default(), sanitise(&repeat.case_id, LONGEST)));
            }
            Event::PlanFinished => self.bar.finish_and_clear(),
            _ => {}
        }
    }
}

/// How far the plan has come, by the estimates of its repeats.
struct Left {
    estimates: Vec<Nanos>,
    estimate: Nanos,
    repeats: usize,
    /// Number of the running repeat, from 1.
    position: usize,
    started: Option<Instant>,
}

impl Left {
    fn new(plan: &Plan) -> Self {
        let estimates: Vec<Nanos> = plan.repeats.iter().map(crate::plan::PlannedRepeat::estimate).collect();
        Self { estimate: plan.estimate(), repeats: estimates.len(), estimates, position: 0, started: None }
    }

    fn note(&mut self, event: &Event<'_>) {
        if let Event::RepeatStarted { position, .. } = event {
            self.position = position + 1;
            self.started = Some(Instant::now());
        }
    }

    fn time_left(&self) -> Nanos {
        let running = self.position.saturating_sub(1);
        let ahead = self.estimates.iter().skip(running).fold(Nanos(0), |sum, &estimate| sum.saturating_add(estimate));
        let elapsed = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        let current = self.estimates.get(running).copied().unwrap_or_default();
        ahead.saturating_sub(Nanos(elapsed.as_nanos() as u64).min(current))
    }

    fn share(&self) -> f64 {
        if self.estimate.0 == 0 { 0.0 } else { 1.0 - self.time_left().0 as f64 / self.estimate.0 as f64 }
    }
}

/// What is said of an event in a line of its own, if anything.
fn line(event: &Event<'_>) -> Option<String> {
    match event {
        Event::RepeatFinished { repeat, outcome } => {
            let what = match outcome {
                Outcome::Measured(measurement) => {
                    let ledger = &measurement.ledger;
                    let enqueue = &measurement.latency.enqueue;
                    let mean = (enqueue.count > 0).then(|| enqueue.sum_ns as f64 / enqueue.count as f64);
                    let mean = mean.map_or("–".to_owned(), human::latency);
                    let refused = ledger.dropped + ledger.sampled_out;
                    format!(
                        "mean {mean}, {} enqueued, {} refused",
                        human::count(ledger.enqueued),
                        human::count(refused)
                    )
                }
                Outcome::SetAside { reasons, .. } => format!("set aside: {}", sanitise(&reasons.join("; "), LONGEST)),
                Outcome::Error(error) => format!("error: {}", sanitise(&error.to_string(), LONGEST)),
            };
            Some(format!("{}: {what}", sanitise(&repeat.case_id, LONGEST)))
        }
        Event::Interrupted => Some("interrupted; what is finished is saved".to_owned()),
        Event::Stopped { reason } => Some(format!("stopped: {}", sanitise(reason, LONGEST))),
        _ => None,
    }
}
