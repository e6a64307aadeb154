//! A thread that sleeps from one millisecond to the next, and records how late it wakes up. Every 20 ms it also looks
//! on which CPUs the other threads run, and from time to time how much memory the process holds. Each takes a small part of
//! its millisecond.

use crate::clock::Clock;
use crate::load::metronome::Metronome;
use crate::measure::MemorySeries;
use crate::measure::jitter::Jitter;
use crate::platform::sharpen_sleep;
use crate::worker::observe::memory::{self, MemoryWatch};
use crate::worker::observe::whereabouts::{self, Seen, Whereabouts};
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::send::tasks::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Time between two wake-ups, in nanoseconds.
const STEP: u64 = 1_000_000;

/// How long before the window it searches for the threads to watch, in nanoseconds: early enough to be done in time.
const AHEAD: u64 = 3_000_000;

/// What the thread saw.
#[derive(Debug, Default)]
pub struct Watched {
    /// How late it woke up.
    pub jitter: Jitter,
    /// Where the threads of both sides ran.
    pub seen: Seen,
    /// The memory of the process; `None` where it cannot be read.
    pub memory: Option<MemorySeries>,
}

/// The watching thread. It ends by itself at the end of its span, or at its next wake-up after this is dropped.
#[derive(Debug)]
pub struct JitterWatch {
    stop: Arc<AtomicBool>,
    end: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<Watched>>,
}

impl JitterWatch {
    /// Starts to watch `span`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(clock: impl Clock, span: Span) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let end = Arc::new(AtomicU64::new(span.end()));
        let (stopped, ends) = (Arc::clone(&stop), Arc::clone(&end));
        let watch = move || {
            sharpen_sleep();
            let memory = MemoryWatch::new(span, memory::of_this_process);
            watch(&clock, (span.start, &ends), &stopped, thread::sleep, (Whereabouts::of_this_process, memory))
        };
        let thread = thread::Builder::new().name("ql-jitter".into()).spawn(watch).map_err(|error| {
            Failure::new(FailureKind::Internal, format!("cannot start the thread that watches the clock: {error}"))
        })?;
        Ok(Self { stop, end, thread: Some(thread) })
    }

    /// What makes it end with another span, which has the same start.
    pub fn shortener(&self) -> impl Fn(Span) + Send + Sync + use<> {
        let end = Arc::clone(&self.end);
        move |span| end.store(span.end(), Ordering::Relaxed)
    }

    /// Waits for the end of the span and returns what the thread saw; `None` if the thread panicked.
    pub fn finish(mut self) -> Option<Watched> {
        self.thread.take()?.join().ok()
    }
}

impl Drop for JitterWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn watch(
    clock: &impl Clock,
    (start, end): (u64, &AtomicU64),
    stop: &AtomicBool,
    mut sleep: impl FnMut(Duration),
    (find, mut memory): (impl FnOnce() -> Whereabouts, MemoryWatch<impl FnMut() -> Option<u64>>),
) -> Watched {
    let mut jitter = Jitter::new();
    if stop.load(Ordering::Relaxed) {
        return Watched::default();
    }
    Metronome::new(start.saturating_sub(AHEAD), STEP).next(clock, &mut sleep);
    let mut whereabouts = find();
    let mut look_at = start + whereabouts::STEP;
    let mut metronome = Metronome::new(start, STEP);
    while !stop.load(Ordering::Relaxed) {
        let beat = metronome.next(clock, &mut sleep);
        if beat.due >= end.load(Ordering::Relaxed) {
            break;
        }
        jitter.record(beat.at - beat.due);
        if beat.at >= look_at {
            whereabouts.look();
            look_at = beat.at + whereabouts::STEP;
        }
        memory.look(beat.at);
    }
    Watched { jitter, seen: whereabouts.seen(), memory: memory.finish() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_pause_of_the_machine_is_one_late_wake_up() {
        let clock = ManualClock::at(0);
        let span = Span { start: 100 * MS, length: 20 * MS };
        let sleep = |left: Duration| {
            let pause = if clock.now() == 110 * MS { 5 * MS } else { 0 };
            clock.advance(left.as_nanos() as u64 + pause);
        };
        let memory = MemoryWatch::new(span, || Some(7));
        let end = AtomicU64::new(span.end());
        let watched = watch(&clock, (span.start, &end), &AtomicBool::new(false), sleep, (Whereabouts::default, memory));
        let (overshoot, stolen) = watched.jitter.to_parts();
        // 20 steps, of which the pause took 5.
        assert_eq!((overshoot.count, overshoot.max_ns, stolen), (15, Some(5 * MS), 5 * MS));
    }

    #[test]
    fn a_stop_ends_it() {
        let span = Span { start: 0, length: u64::MAX };
        let stop = AtomicBool::new(true);
        let memory = MemoryWatch::new(span, || panic!("it reads"));
        let find = || panic!("it looks around");
        let end = AtomicU64::new(span.end());
        let watched = watch(&ManualClock::at(0), (0, &end), &stop, |_| panic!("it sleeps"), (find, memory));
        let (overshoot, _) = watched.jitter.to_parts();
        assert_eq!(overshoot.count, 0);
    }
}
