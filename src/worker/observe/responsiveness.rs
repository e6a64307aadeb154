//! Measures how quickly the producers' runtime runs a task that has become ready, before the load and during it.
//!
//! There are two probes, because each finds what the other misses. The *heartbeat*: a thread outside the runtime wakes
//! a task every millisecond. It resolves microseconds, which tokio's timer with its steps of 1 ms cannot. The *timer*:
//! a task sleeps on tokio's own timer, as the tasks of a service do. It also shows when the runtime handles its timers
//! late.

use crate::clock::Clock;
use crate::load::metronome::Metronome;
use crate::measure::lag::{Lags, Pending, When};
use crate::measure::{Latencies, Latency};
use crate::plan::IDLE;
use crate::platform::sharpen_sleep;
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::send::tasks::Span;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Time between two beats of the heartbeat, in nanoseconds.
const BEAT: u64 = 1_000_000;

/// Time between two ticks of the timer, in nanoseconds.
const TICK: u64 = 5_000_000;

/// Time from the start of the probes to the first beat that counts, in nanoseconds.
const SETTLE: u64 = 20_000_000;

/// The two probes. They run until [`Self::finish`].
#[derive(Debug)]
pub struct Responsiveness<C> {
    shared: Arc<LagState<C>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct LagState<C> {
    clock: C,
    wake: Notify,
    stop: AtomicBool,
    /// The beats that were sent and not yet seen. The lock is held only briefly: by the thread to add a beat, and by
    /// the task to take all of them.
    pending: Mutex<Pending>,
    beats: Mutex<Lags>,
    ticks: Mutex<Lags>,
}

impl<C: Clock> Responsiveness<C> {
    /// Starts both probes on `runtime`. Nothing is recorded before [`Self::listen`].
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(runtime: &Handle, clock: C) -> Result<Self, Failure> {
        let shared = Arc::new(LagState {
            clock,
            wake: Notify::new(),
            stop: AtomicBool::new(false),
            pending: Mutex::new(Pending::new()),
            beats: Mutex::new(Lags::new()),
            ticks: Mutex::new(Lags::new()),
        });
        let beating = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("ql-heartbeat".into()).spawn(move || beating.beat()).map_err(|error| {
                Failure::new(FailureKind::Internal, format!("cannot start the thread of the heartbeat: {error}"))
            })?;
        let (seeing, ticking) = (Arc::clone(&shared), Arc::clone(&shared));
        runtime.spawn(async move { seeing.see().await });
        runtime.spawn(async move { ticking.tick().await });
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Records the lag of every beat and tick that is due within `span`.
    pub fn listen(&self, when: When, span: Span) {
        for lags in [&self.shared.beats, &self.shared.ticks] {
            lock(lags).listen(when, span.start, span.end());
        }
    }

    /// What makes it listen to another window than before.
    pub fn listener(&self) -> impl Fn(Span) + Send + Sync + use<C>
    where
        C: Send + Sync + 'static,
    {
        let shared = Arc::clone(&self.shared);
        move |span| {
            for lags in [&shared.beats, &shared.ticks] {
                lock(lags).listen(When::During, span.start, span.end());
            }
        }
    }

    /// Ends both probes and returns what they recorded.
    pub fn finish(mut self) -> Observed {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.observed()
    }
}

/// What the probes recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    lag_before: Latency,
    lag: Latency,
    timer_lag_before: Latency,
    timer_lag: Latency,
}

impl Observed {
    /// Adds these lags to the other latencies.
    pub fn enter(self, latency: &mut Latencies) {
        latency.lag_before = Some(self.lag_before);
        latency.lag = Some(self.lag);
        latency.timer_lag_before = Some(self.timer_lag_before);
        latency.timer_lag = Some(self.timer_lag);
    }
}

/// Starts both probes on `runtime`, and lets them record while nothing else happens.
///
/// # Errors
/// No thread can be started.
pub fn start_idle<C: Clock>(runtime: &Handle, clock: C) -> Result<Responsiveness<C>, Failure> {
    let probes = Responsiveness::start(runtime, clock.clone())?;
    let idle = Span { start: clock.now() + SETTLE, length: IDLE.0 };
    probes.listen(When::Before, idle);
    thread::sleep(Duration::from_nanos(idle.end().saturating_sub(clock.now())));
    Ok(probes)
}

impl<C> Drop for Responsiveness<C> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl<C: Clock> LagState<C> {
    /// Runs the heartbeat thread: sends a beat every millisecond.
    fn beat(&self) {
        sharpen_sleep();
        let mut metronome = Metronome::new(self.clock.now(), BEAT);
        while !self.stop.load(Ordering::Relaxed) {
            metronome.next(&self.clock, thread::sleep);
            self.send();
        }
    }

    fn send(&self) {
        let mut pending = lock(&self.pending);
        pending.send(self.clock.now());
        drop(pending);
        self.wake.notify_one();
    }

    /// Runs the woken task: sees beats as soon as the runtime runs it.
    async fn see(&self) {
        loop {
            self.wake.notified().await;
            self.seen();
        }
    }

    fn seen(&self) {
        let now = self.clock.now_fenced();
        let mut beats = lock(&self.beats);
        lock(&self.pending).take(|sent| beats.record(sent, now));
    }

    /// Runs the timer task. If a tick is late, further ticks have become due meanwhile; each is recorded with its own
    /// lag.
    async fn tick(&self) {
        let mut due = self.clock.now() + TICK;
        loop {
            let left = due.saturating_sub(self.clock.now());
            tokio::time::sleep(Duration::from_nanos(left)).await;
            due = self.ticked(due);
        }
    }

    /// Records the tick that was due at `due` and those that became due since. Returns when the next tick is due.
    fn ticked(&self, mut due: u64) -> u64 {
        let now = self.clock.now();
        let mut ticks = lock(&self.ticks);
        loop {
            ticks.record(due, now);
            due += TICK;
            if due > now {
                return due;
            }
        }
    }

    fn observed(&self) -> Observed {
        let (mut beats, ticks) = (lock(&self.beats), lock(&self.ticks));
        let now = self.clock.now_fenced();
        lock(&self.pending).take(|sent| beats.record_unseen(sent, now));
        Observed {
            lag_before: beats.get(When::Before).encode(),
            lag: beats.get(When::During).encode(),
            timer_lag_before: ticks.get(When::Before).encode(),
            timer_lag: ticks.get(When::During).encode(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const MS: u64 = 1_000_000;

    fn listening(clock: &ManualClock) -> LagState<ManualClock> {
        let shared = LagState {
            clock: clock.clone(),
            wake: Notify::new(),
            stop: AtomicBool::new(false),
            pending: Mutex::new(Pending::new()),
            beats: Mutex::new(Lags::new()),
            ticks: Mutex::new(Lags::new()),
        };
        for lags in [&shared.beats, &shared.ticks] {
            lock(lags).listen(When::Before, 0, 100 * MS);
            lock(lags).listen(When::During, 100 * MS, 1_000 * MS);
        }
        shared
    }

    #[test]
    fn beats_that_the_runtime_kept_waiting_all_count() {
        let clock = ManualClock::at(100 * MS);
        let shared = listening(&clock);
        (0..50).for_each(|_| {
            shared.send();
            clock.advance(MS);
        });
        shared.seen();
        let lags = lock(&shared.beats);
        let lag = lags.get(When::During);
        assert_eq!((lag.count(), lag.min_ns(), lag.max_ns()), (50, Some(MS), Some(50 * MS)));
        assert_eq!(lags.get(When::Before).count(), 0);
    }

    #[test]
    fn ticks_that_came_due_meanwhile_are_filled_in() {
        let clock = ManualClock::at(0);
        let shared = listening(&clock);
        clock.advance(23 * MS);
        assert_eq!(shared.ticked(TICK), 25 * MS);
        let ticks = lock(&shared.ticks);
        let lag = ticks.get(When::Before);
        // Due at 5, 10, 15 and 20 ms.
        assert_eq!((lag.count(), lag.min_ns(), lag.max_ns()), (4, Some(3 * MS), Some(18 * MS)));
    }

    #[test]
    fn a_tick_on_time_is_one_tick() {
        let clock = ManualClock::at(TICK);
        let shared = listening(&clock);
        assert_eq!(shared.ticked(TICK), 2 * TICK);
        assert_eq!(lock(&shared.ticks).get(When::Before).count(), 1);
    }

    #[test]
    fn a_beat_that_nobody_ever_saw_is_a_lower_bound() {
        let clock = ManualClock::at(200 * MS);
        let shared = listening(&clock);
        shared.send();
        clock.advance(7 * MS);
        let mut latency = crate::measure::fixture::healthy(1).latency;
        shared.observed().enter(&mut latency);
        let lag = latency.lag.unwrap();
        assert_eq!((lag.count, lag.censored, lag.max_ns), (1, 1, Some(7 * MS)));
        assert_eq!(latency.timer_lag.unwrap().count, 0);
    }

    #[tokio::test]
    async fn a_beat_wakes_the_task() {
        let clock = ManualClock::at(100 * MS);
        let shared = Arc::new(listening(&clock));
        shared.send();
        let seeing = Arc::clone(&shared);
        let task = tokio::spawn(async move { seeing.see().await });
        let seen = || lock(&shared.beats).get(When::During).count();
        // Each turn of the runtime lets the task run.
        for _ in 0..100 {
            if seen() == 0 {
                tokio::task::yield_now().await;
            }
        }
        task.abort();
        assert_eq!(seen(), 1);
    }
}
