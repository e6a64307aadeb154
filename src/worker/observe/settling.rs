//! Ends a window, or a warm-up, when its load has settled. It runs beside the producers, and looks once for each block.

use crate::clock::Clock;
use crate::measure::recorder::Recorders;
use crate::measure::steady::{Blocks, Settled};
use crate::platform;
use crate::scenario::SteadySettings;
use crate::worker::send::tasks::Span;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Least time from a decision to the end that it sets, in nanoseconds. By then every thread has seen it.
const AHEAD: u64 = 5_000_000;

/// Is told the end of the window as soon as it is known, before it comes.
type Listener = Box<dyn Fn(Span) + Send + Sync>;

/// Looks at each block of a span when the next one is over too, and sets the end of the span when the load has settled.
pub struct Settling {
    span: Span,
    width: u64,
    /// The end of the span: the longest one, until it is decided.
    end: AtomicU64,
    /// When the next block is looked at; `u64::MAX`: never again.
    next: AtomicU64,
    state: Mutex<State>,
    listeners: Mutex<Vec<Listener>>,
}

struct State {
    blocks: Blocks,
    looked_at: u64,
    settled: bool,
}

impl fmt::Debug for Settling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settling").field("span", &self.span).field("width", &self.width).finish_non_exhaustive()
    }
}

impl Settling {
    /// A span of blocks of `width` nanoseconds.
    pub fn new(span: Span, width: u64, bounds: SteadySettings) -> Self {
        let state = State { blocks: Blocks::new(bounds), looked_at: 0, settled: false };
        Self {
            span,
            width,
            end: AtomicU64::new(span.end()),
            next: AtomicU64::new(span.start.saturating_add(width.saturating_mul(2))),
            state: Mutex::new(state),
            listeners: Mutex::default(),
        }
    }

    /// Calls `listener` with the span as soon as its end is decided. The end is still to come then.
    pub fn tell(&self, listener: impl Fn(Span) + Send + Sync + 'static) {
        lock(&self.listeners).push(Box::new(listener));
    }

    /// The end of the span, as far as it is known.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// When to look next.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Looks at every block that is due. It costs microseconds, once for each block.
    pub fn look(&self, clock: &impl Clock, recorders: &Recorders) {
        while clock.now() >= self.next() {
            let mut state = lock(&self.state);
            let memory = if clock.manual().is_some() { None } else { platform::resident_bytes(std::process::id()) };
            let number = state.looked_at;
            state.looked_at += 1;
            state.settled = state.blocks.enter(recorders.block(number), memory);
            // A block is over one block before it is looked at, so that late records of it are there.
            let next = self.span.start + self.width.saturating_mul(number + 3);
            let is_over = state.settled || next >= self.span.end();
            self.next.store(if is_over { u64::MAX } else { next }, Ordering::Relaxed);
            if state.settled {
                drop(state);
                self.decide(clock.now());
                return;
            }
        }
    }

    /// Sets the end: that of the present block, or the next one if it is near.
    fn decide(&self, now: u64) {
        let ahead = (now + AHEAD).saturating_sub(self.span.start);
        let end = self.span.start + (ahead / self.width + 1) * self.width;
        if end >= self.span.end() {
            return;
        }
        self.end.store(end, Ordering::Relaxed);
        let span = Span { start: self.span.start, length: end - self.span.start };
        lock(&self.listeners).iter().for_each(|listener| listener(span));
    }

    /// What was decided.
    pub fn outcome(&self) -> Settled {
        let state = lock(&self.state);
        Settled { length_ns: self.end() - self.span.start, settled: state.settled, trend: state.blocks.trend() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
