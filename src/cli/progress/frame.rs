//! The lines of the moving display, for any width.

use super::ending::{Ending, Kind};
use super::labels::labels;
use super::left::Left;
use crate::plan::Plan;
use crate::render::{Tone, width_of};
use crate::run::Event;
use crate::units::{Nanos, human};
use crate::worker::protocol;
use std::collections::VecDeque;
use std::time::Instant;

/// The rate and the mean are those of this last span.
const RECENT: Nanos = Nanos::from_secs(1);
/// Shortest span over which a rate is meaningful.
const LEAST: Nanos = Nanos::from_millis(50);
/// Largest number of samples that are kept.
const MOST_SAMPLES: usize = 100;

/// The state behind the display.
pub struct State {
    left: Left,
    labels: Vec<String>,
    /// Repeats of each case.
    repeats_of: Vec<usize>,
    running: Option<Running>,
    /// Cases with a repeat that broke, or that breaks the promise if judged alone; each case once, with its mark.
    troubled: Vec<(usize, Kind, String)>,
    set_aside: usize,
}

/// The running repeat.
struct Running {
    label: String,
    /// From 1.
    repeat: u32,
    /// Repeats of its case.
    repeats: usize,
    attempt: u32,
    samples: VecDeque<protocol::Progress>,
}

impl State {
    /// Before a plan runs.
    pub fn new(plan: &Plan) -> Self {
        let mut repeats_of = vec![0; plan.cases.len()];
        for repeat in &plan.repeats {
            repeats_of[repeat.case] += 1;
        }
        Self {
            left: Left::new(plan),
            labels: labels(plan),
            repeats_of,
            running: None,
            troubled: Vec::new(),
            set_aside: 0,
        }
    }

    /// Updates the state after an event.
    pub fn note(&mut self, event: &Event<'_>, ending: Option<&Ending>, now: Instant) {
        self.left.note(event, now);
        match event {
            Event::RepeatStarted { repeat, .. } => {
                self.running = Some(Running {
                    label: self.label(repeat.case),
                    repeat: repeat.repeat + 1,
                    repeats: self.repeats_of.get(repeat.case).copied().unwrap_or(0),
                    attempt: repeat.attempt,
                    samples: VecDeque::new(),
                });
            }
            Event::Progress { progress, .. } => self.running.iter_mut().for_each(|running| running.add(*progress)),
            Event::RepeatFinished { repeat, .. } => {
                self.running = None;
                match ending.map_or(Kind::Fine, |ending| ending.kind) {
                    Kind::Fine => {}
                    Kind::SetAside => self.set_aside += 1,
                    kind => {
                        if self.troubled.iter().all(|(case, ..)| *case != repeat.case) {
                            self.troubled.push((repeat.case, kind, self.label(repeat.case)));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn label(&self, case: usize) -> String {
        self.labels.get(case).cloned().unwrap_or_default()
    }

    /// The labels of the cases.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The estimate of the time left, for lines outside the display.
    pub fn left(&self) -> &Left {
        &self.left
    }

    /// The display: at most six lines, none wider than `width` columns (at least 10), each with the tone of its colour.
    pub fn frame(&self, width: usize, now: Instant) -> Vec<(String, Option<Tone>)> {
        if self.left.position == 0 {
            return Vec::new();
        }
        let mut lines = vec![self.plan_line(width, now)];
        if let Some(running) = &self.running {
            lines.push(running.bar_line(&self.left, width, now));
            lines.extend(running.numbers().iter().map(|items| join(items, width)));
        }
        let mut lines: Vec<_> = lines.into_iter().map(|line| (line, None)).collect();
        let tone = if self.troubled.is_empty() { Tone::Doubtful } else { Tone::Bad };
        lines.extend(self.trouble_line(width).map(|line| (line, Some(tone))));
        lines
    }

    fn plan_line(&self, width: usize, now: Instant) -> String {
        let share = self.left.share_of_plan(now);
        let items = [
            format!("{}/{}", self.left.position, self.left.repeats),
            bar(share, width),
            format!("{} left", human::span(self.left.of_plan(now))),
            format!("{:.0}%", (share * 100.0).floor()),
        ];
        join_with(&items, " ", width)
    }

    /// The cases that have failed so far.
    fn trouble_line(&self, width: usize) -> Option<String> {
        let count = |wanted: Kind| self.troubled.iter().filter(|(_, kind, _)| *kind == wanted).count();
        let said = |count: usize, mark: &str, words: &str| (count > 0).then(|| format!("{mark}{count} {words}"));
        let counts = [
            said(count(Kind::Broken), Kind::Broken.mark(), "broke"),
            said(count(Kind::Failing), Kind::Failing.mark(), "failing"),
            said(self.set_aside, Kind::SetAside.mark(), "discarded"),
        ];
        let mut items: Vec<String> = counts.into_iter().flatten().collect();
        if let Some((_, kind, id)) = self.troubled.last() {
            items.push(format!("last {}{id}", kind.mark()));
        }
        (!items.is_empty()).then(|| join(&items, width))
    }
}

impl Running {
    fn add(&mut self, progress: protocol::Progress) {
        self.samples.push_back(progress);
        let since = progress.elapsed_ns.saturating_sub(RECENT.0);
        // One sample from before the last second is kept: the differences need it.
        while self.samples.len() > MOST_SAMPLES || self.samples.get(1).is_some_and(|next| next.elapsed_ns <= since) {
            self.samples.pop_front();
        }
    }

    fn bar_line(&self, left: &Left, width: usize, now: Instant) -> String {
        let again = if self.attempt > 0 { format!(", try {}", self.attempt + 1) } else { String::new() };
        let items = [
            format!("{}{}/{}{again}", if width < 60 { "" } else { "repeat " }, self.repeat, self.repeats),
            bar(left.share_of_repeat(now), width),
            format!("{} left", human::span(left.of_repeat(now))),
            self.label.clone(),
        ];
        join_with(&items, " ", width)
    }

    /// The last second, and the ledger so far.
    fn numbers(&self) -> [Vec<String>; 2] {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return [vec!["starting".to_owned()], Vec::new()];
        };
        if last.elapsed_ns == 0 {
            return [vec!["warming up".to_owned()], Vec::new()];
        }
        let rate = per_second(first, last).map_or("–".to_owned(), human::rate);
        let mean = mean_between(first, last).map_or("–".to_owned(), human::latency);
        let ledger = [
            ("sent", last.attempted),
            ("accepted", last.enqueued),
            ("refused", last.rejected),
            ("delivered", last.delivered),
        ];
        let ledger = ledger.map(|(name, count)| format!("{name} {}", human::count(count)));
        [vec![rate, format!("mean {mean}"), "in the last second".to_owned()], ledger.to_vec()]
    }
}

/// Calls per second between two samples. If both are the same, the window's start takes the place of the first.
fn per_second(first: &protocol::Progress, last: &protocol::Progress) -> Option<f64> {
    let first = if first.elapsed_ns == last.elapsed_ns { &protocol::Progress::default() } else { first };
    let elapsed = last.elapsed_ns.checked_sub(first.elapsed_ns).filter(|&elapsed| elapsed >= LEAST.0)?;
    Some(last.attempted.checked_sub(first.attempted)? as f64 * 1e9 / elapsed as f64)
}

/// Mean of `enqueue` between two samples, in nanoseconds; the mean of the whole window if the driver reports no sums.
fn mean_between(first: &protocol::Progress, last: &protocol::Progress) -> Option<f64> {
    let so_far = last.mean_enqueue_ns.map(|mean| mean as f64);
    let Some(sum) = last.enqueue_sum_ns else { return so_far };
    let alone = first.elapsed_ns == last.elapsed_ns;
    let (sum_before, count_before) = if alone { (0, 0) } else { (first.enqueue_sum_ns.unwrap_or(0), first.enqueued) };
    let count = last.enqueued.checked_sub(count_before).filter(|&count| count > 0)?;
    Some(sum.checked_sub(sum_before)? as f64 / count as f64)
}

/// A bar that fits the width.
fn bar(share: f64, width: usize) -> String {
    let length = (width / 5).clamp(4, 24);
    let done = ((share.clamp(0.0, 1.0) * length as f64) as usize).min(length);
    format!("{}{}", "━".repeat(done), "─".repeat(length - done))
}

/// Joins as many items as fit, in order. The others are left out, and a first item that is too wide is cut.
fn join(items: &[String], width: usize) -> String {
    join_with(items, " · ", width)
}

fn join_with(items: &[String], between: &str, width: usize) -> String {
    let mut line = String::new();
    for (index, item) in items.iter().enumerate() {
        let separator = if line.is_empty() { "" } else { between };
        let room = width.saturating_sub(width_of(&line) + width_of(separator));
        if width_of(item) <= room {
            line.push_str(separator);
            line.push_str(item);
        } else if index == 0 || (index + 1 == items.len() && room >= 12) {
            line.push_str(separator);
            line.push_str(&cut(item, room));
        }
    }
    line
}

/// The beginning of a text, at most `width` columns wide, with `…` where it was cut.
fn cut(text: &str, width: usize) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        let mut next = shown.clone();
        next.push(character);
        if width_of(&next) + 1 > width {
            break;
        }
        shown = next;
    }
    shown + "…"
}
