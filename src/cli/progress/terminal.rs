//! The live display.

use super::Progress;
use super::ending::Ending;
use super::frame::State;
use super::plain;
use super::screen::Screen;
use crate::cli::stdio;
use crate::plan::Plan;
use crate::render::{Tone, width_of};
use crate::run::Event;
use std::io::Stderr;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The display is drawn this often while nothing happens, because the time left changes.
const TICK: Duration = Duration::from_millis(500);
/// Shortest time between two drawings.
const PACE: Duration = Duration::from_millis(100);

/// The display of a plan, at the bottom of the terminal that stderr is.
pub struct Terminal<'p> {
    plan: &'p Plan,
    shown: Arc<Mutex<Shown>>,
    /// Dropping it ends the ticker.
    end: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

struct Shown {
    state: State,
    screen: Screen<Stderr>,
    colour: bool,
    drawn: Option<Instant>,
}

impl<'p> Terminal<'p> {
    /// The progress of a plan that is about to run.
    pub fn new(plan: &'p Plan, colour: bool) -> Self {
        let screen = Screen::new(std::io::stderr());
        let shown = Arc::new(Mutex::new(Shown { state: State::new(plan), screen, colour, drawn: None }));
        let (end, ended) = mpsc::channel();
        let ticking = Arc::clone(&shown);
        let tick = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
                lock(&ticking).draw();
            }
        };
        // If the thread cannot be started, the display only changes at events.
        let ticker = thread::Builder::new().name("progress".to_owned()).spawn(tick).ok();
        Self { plan, shown, end: Some(end), ticker }
    }
}

impl Progress for Terminal<'_> {
    fn on_event(&mut self, event: &Event<'_>) {
        let ending = match event {
            Event::RepeatFinished { repeat, outcome } => Some(Ending::of(self.plan, repeat, outcome)),
            _ => None,
        };
        let mut shown = lock(&self.shown);
        shown.state.note(event, ending.as_ref(), Instant::now());
        if let Some(line) = plain::line(self.plan, shown.state.labels(), shown.state.left(), event) {
            let tone = ending.as_ref().and_then(|ending| ending.kind.tone()).filter(|_| shown.colour);
            let line = if let Some(tone) = tone { tone.paint(&line) } else { line };
            shown.screen.print(&line, columns());
            shown.drawn = None;
        }
        match event {
            Event::PlanFinished => shown.screen.clear(columns()),
            Event::Progress { .. } if shown.drawn.is_some_and(|drawn| drawn.elapsed() < PACE) => {}
            _ => shown.draw(),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
        lock(&self.shown).screen.clear(columns());
    }
}

impl Shown {
    fn draw(&mut self) {
        let (columns, rows) = stdio::size_of_stderr();
        // Some terminals break a line that is exactly as wide as they are, and lines that have scrolled off the top
        // cannot be erased.
        let mut lines = self.state.frame(columns.saturating_sub(1), Instant::now());
        lines.truncate(rows.saturating_sub(2));
        let paint = |(line, tone): (String, Option<Tone>)| {
            let width = width_of(&line);
            (if let Some(tone) = tone.filter(|_| self.colour) { tone.paint(&line) } else { line }, width)
        };
        let lines: Vec<(String, usize)> = lines.into_iter().map(paint).collect();
        self.screen.draw(&lines, columns);
        self.drawn = Some(Instant::now());
    }
}

fn columns() -> usize {
    stdio::size_of_stderr().0
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
