//! Synthetic queues, whose exact behaviour is known.
//!
//! They use the clock of the load, so on a manual clock they are exact. On the machine's clock, a call can take longer
//! than it should if the machine takes the processor away. Each queue sums up this excess and reports it in the counter
//! `overrun_ns`.

use super::experiments::experiments;
use crate::adapter::{About, Account, Queue, Setup, Sink};
use crate::clock::Clock;
use crate::load::{Entry, Reply, Stamp};
use crate::scenario::Strategy;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The beginning of the names of these queues. The name of a queue in a scenario cannot contain a colon.
pub const FAMILY: &str = "selftest:";

/// The counter in which a queue reports by how much its calls took too long, in nanoseconds.
pub(super) const OVERRUN: &str = "overrun_ns";

/// What a queue does with the logs. It numbers them from 0 in the order of the calls. Unless stated otherwise, it
/// accepts each log and delivers it inside the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Every call takes `ns`.
    Takes {
        /// Nanoseconds.
        ns: u64,
    },
    /// Calls take `short_ns` and `long_ns` in turn.
    Alternates {
        /// Nanoseconds of the calls with even numbers.
        short_ns: u64,
        /// Nanoseconds of the others.
        long_ns: u64,
    },
    /// The call of one log takes `ns`; the other calls take almost no time.
    Stalls {
        /// Number of the log.
        log: u64,
        /// Nanoseconds.
        ns: u64,
    },
    /// Every n-th log is refused.
    DropsEvery(u64),
    /// Every n-th log is accepted and never delivered.
    LosesEvery(u64),
    /// Every n-th log is delivered twice.
    RepeatsEvery(u64),
    /// Of every n logs, the one in the middle is delivered after the one that follows it. For a load of one task.
    OvertakesEvery(u64),
    /// One log is never delivered, and the next one twice.
    Exchanges {
        /// Number of the log that is not delivered.
        log: u64,
    },
    /// Holds up to `capacity` logs for a server that takes `ns` for each. A call that finds it full waits for room.
    Bounded {
        /// Largest number of logs in it, including the one that is being served.
        capacity: usize,
        /// Nanoseconds per log.
        ns: u64,
    },
}

/// A queue with the [`Behaviour`] of the experiment that its name refers to.
#[derive(Debug)]
pub struct Synthetic {
    behaviour: Behaviour,
    sink: Sink,
    calls: AtomicU64,
    overrun_ns: AtomicU64,
    held: Mutex<Held>,
}

/// The logs that are not delivered yet.
#[derive(Debug, Default)]
struct Held {
    /// Each log with the time at which the server has finished it.
    logs: VecDeque<(u64, Stamp)>,
    /// The time at which the server has finished all of them.
    free_at: u64,
}

/// A sleep ends this long before the intended time, in nanoseconds: sleeps overshoot by about half of it.
const AWAKE: u64 = 100_000;

/// Overruns below this come from polling the clock and are not counted, in nanoseconds.
const LEAST_OVERRUN: u64 = 1_000;

const ACCEPTED: Reply = Reply::Enqueued { waited: Some(false) };

impl Queue for Synthetic {
    const ABOUT: About = About {
        strategies: &Strategy::ALL,
        blocks_caller: &Strategy::ALL,
        ..About::new(FAMILY, env!("CARGO_PKG_VERSION"))
    };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let name = &setup.parameters.queue;
        let found = experiments().into_iter().find(|experiment| name == &experiment.queue());
        let experiment = found.ok_or_else(|| format!("there is no experiment of the name `{}`", name.quoted()))?;
        Ok(Self::new(experiment.behaviour, sink))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.take(entry.stamp)
    }

    fn shutdown(self, _: Duration) -> Account {
        let free_at = self.held().free_at.max(self.sink.clock().now());
        self.pass_until(free_at);
        self.serve_until(&mut self.held(), u64::MAX);
        let overrun_ns = self.overrun_ns.load(Ordering::Relaxed);
        Account { counters: BTreeMap::from([(OVERRUN.to_owned(), overrun_ns)]), ..Account::default() }
    }
}

impl Synthetic {
    /// A queue with this behaviour that delivers to `sink`.
    pub fn new(behaviour: Behaviour, sink: Sink) -> Self {
        Self { behaviour, sink, calls: AtomicU64::new(0), overrun_ns: AtomicU64::new(0), held: Mutex::default() }
    }

    /// Handles one call.
    pub(super) fn take(&self, stamp: Stamp) -> Reply {
        let called = self.sink.clock().now();
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let is_every = |n: u64| (number + 1).is_multiple_of(n);
        match self.behaviour {
            Behaviour::Takes { ns } => self.deliver_taking(stamp, called, ns),
            Behaviour::Alternates { short_ns, long_ns } => {
                self.deliver_taking(stamp, called, if number.is_multiple_of(2) { short_ns } else { long_ns })
            }
            Behaviour::Stalls { log, ns } if number == log => self.deliver_taking(stamp, called, ns),
            Behaviour::DropsEvery(n) if is_every(n) => return Reply::Dropped,
            Behaviour::LosesEvery(n) if is_every(n) => {}
            Behaviour::Exchanges { log } if number == log => {}
            Behaviour::RepeatsEvery(n) if is_every(n) => self.deliver_twice(stamp),
            Behaviour::Exchanges { log } if number == log + 1 => self.deliver_twice(stamp),
            Behaviour::OvertakesEvery(n) if number % n == n / 2 => self.held().logs.push_back((called, stamp)),
            Behaviour::OvertakesEvery(_) => {
                self.deliver(stamp);
                self.serve_until(&mut self.held(), called);
            }
            Behaviour::Bounded { capacity, ns } => return self.take_in(stamp, capacity, ns),
            _ => self.deliver(stamp),
        }
        ACCEPTED
    }

    /// Waits for room, then gives the log to the server.
    fn take_in(&self, stamp: Stamp, capacity: usize, ns: u64) -> Reply {
        let clock = self.sink.clock();
        let mut held = self.held();
        self.serve_until(&mut held, clock.now());
        // The lock is held while the caller waits: the callers of this queue come from one task, so nobody else waits
        // for it.
        let room_at = (held.logs.len() >= capacity).then(|| held.logs[0].0);
        if let Some(room_at) = room_at {
            self.pass_until(room_at);
            self.serve_until(&mut held, room_at);
        }
        // The server begins when it is free, or now if it is idle.
        let done = held.free_at.max(clock.now()) + ns;
        held.free_at = done;
        held.logs.push_back((done, stamp));
        Reply::Enqueued { waited: Some(room_at.is_some()) }
    }

    /// Delivers the logs that the server has finished by `time`.
    fn serve_until(&self, held: &mut Held, time: u64) {
        while held.logs.front().is_some_and(|(done, _)| *done <= time) {
            let (_, stamp) = held.logs.pop_front().expect("there is a first one");
            self.deliver(stamp);
        }
    }

    /// Delivers the log, and returns `ns` after `called`.
    fn deliver_taking(&self, stamp: Stamp, called: u64, ns: u64) {
        self.deliver(stamp);
        self.pass_until(called + ns);
    }

    /// Lets time pass until `time`. It sleeps for most of a long span and polls the clock at the end.
    fn pass_until(&self, time: u64) {
        let clock = self.sink.clock();
        if let Some(manual) = clock.manual() {
            manual.advance_to(time);
        }
        let mut now = clock.now();
        if time.saturating_sub(now) > 2 * AWAKE {
            thread::sleep(Duration::from_nanos(time - now - AWAKE));
        }
        while now < time {
            now = clock.now();
        }
        if now - time >= LEAST_OVERRUN {
            self.overrun_ns.fetch_add(now - time, Ordering::Relaxed);
        }
    }

    fn deliver_twice(&self, stamp: Stamp) {
        self.deliver(stamp);
        self.deliver(stamp);
    }

    fn deliver(&self, stamp: Stamp) {
        self.sink.deliver(Some(stamp), |_| Ok(())).expect("an experiment's sink takes everything");
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{LoadClock, ManualClock};
    use crate::load::Phase;
    use crate::scenario::Parameters;

    const US: u64 = 1_000;

    struct Bench {
        clock: ManualClock,
        sink: Sink,
        queue: Synthetic,
    }

    fn bench(behaviour: Behaviour) -> Bench {
        let clock = ManualClock::at(0);
        let sink = Sink::new(LoadClock::Manual(clock.clone()), 1, 0, None);
        Bench { clock, queue: Synthetic::new(behaviour, sink.clone()), sink }
    }

    impl Bench {
        /// Sends a log when the clock shows `at`. Returns the reply and the duration of the call.
        fn send(&self, sequence: u64, at: u64) -> (Reply, u64) {
            self.clock.advance_to(at);
            let start = self.clock.now();
            let reply = self.queue.take(Stamp { phase: Phase::Window, task: 0, sequence, at: start });
            (reply, self.clock.now() - start)
        }

        /// Sends `logs` logs and shuts the queue down. Returns the arrivals: distinct, repeated, overtaken.
        fn arrivals(self, logs: u64) -> (u64, u64, u64) {
            (0..logs).for_each(|sequence| assert_eq!(self.send(sequence, sequence).0, ACCEPTED));
            self.queue.shutdown(Duration::ZERO);
            let arrivals = self.sink.delivered().unwrap().arrivals[0];
            (arrivals.unique, arrivals.duplicated, arrivals.reordered)
        }
    }

    #[test]
    fn calls_take_exactly_what_they_are_to_take() {
        let steady = bench(Behaviour::Takes { ns: 2 * US });
        assert_eq!(steady.send(0, 0), (ACCEPTED, 2 * US));
        let alternating = bench(Behaviour::Alternates { short_ns: US, long_ns: 9 * US });
        let spans: Vec<u64> = (0..4).map(|n| alternating.send(n, 0).1).collect();
        assert_eq!(spans, [US, 9 * US, US, 9 * US]);
        let stalling = bench(Behaviour::Stalls { log: 1, ns: 500 * US });
        let spans: Vec<u64> = (0..3).map(|n| stalling.send(n, 0).1).collect();
        assert_eq!(spans, [0, 500 * US, 0]);
    }

    #[test]
    fn what_is_done_to_logs_is_done_to_the_right_number_of_them() {
        assert_eq!(bench(Behaviour::LosesEvery(10)).arrivals(100), (90, 0, 0));
        assert_eq!(bench(Behaviour::RepeatsEvery(10)).arrivals(100), (100, 10, 0));
        assert_eq!(bench(Behaviour::OvertakesEvery(10)).arrivals(100), (100, 0, 10));
        assert_eq!(bench(Behaviour::OvertakesEvery(10)).arrivals(6), (6, 0, 0), "nothing came to overtake the last");
        assert_eq!(bench(Behaviour::Exchanges { log: 50 }).arrivals(100), (99, 1, 0));
        let dropping = bench(Behaviour::DropsEvery(7));
        let refused = (0..100).filter(|n| dropping.send(*n, *n).0 == Reply::Dropped).count();
        assert_eq!(refused, 14);
    }

    #[test]
    fn a_full_one_makes_its_caller_wait_for_the_server() {
        let queue = bench(Behaviour::Bounded { capacity: 2, ns: 10 * US });
        let waited = |waited| Reply::Enqueued { waited: Some(waited) };
        assert_eq!(queue.send(0, 0), (waited(false), 0));
        assert_eq!(queue.send(1, 4 * US), (waited(false), 0));
        assert_eq!(queue.send(2, 4 * US), (waited(true), 6 * US), "there is room when the first is served, at 10 µs");
        assert_eq!(queue.send(3, 35 * US), (waited(false), 0), "by then all are served");
        assert_eq!(queue.sink.so_far(), 3);
        queue.queue.shutdown(Duration::ZERO);
        assert_eq!(queue.sink.so_far(), 4);
    }

    #[test]
    fn an_overrun_is_admitted() {
        let queue = bench(Behaviour::Takes { ns: 2 * US });
        let called = queue.clock.now();
        queue.clock.advance(5 * US);
        queue.queue.pass_until(called + 2 * US);
        let account = queue.queue.shutdown(Duration::ZERO);
        assert_eq!(account.counters[OVERRUN], 3 * US);
    }

    #[test]
    fn it_is_built_by_the_name_of_an_experiment() {
        let build = |queue: &str| {
            let parameters = Parameters { queue: queue.into(), ..Parameters::default() };
            let sink = Sink::new(LoadClock::Manual(ManualClock::at(0)), 1, 0, None);
            Synthetic::build(&Setup { parameters, seed: 0 }, sink).map(|queue| queue.behaviour)
        };
        for experiment in experiments() {
            assert_eq!(build(&experiment.queue()), Ok(experiment.behaviour));
        }
        assert!(build("selftest:nope").unwrap_err().contains("selftest:nope"));
    }
}
