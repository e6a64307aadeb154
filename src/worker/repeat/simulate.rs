//! Simulates a repeat on a manual clock. The result is exact, and no real time passes.

use crate::adapter::{Queue, Setup, Sink};
use crate::clock::{Clock, LoadClock, ManualClock};
use crate::load::Phase;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::worker::observe::account::{self, Observed};
use crate::worker::observe::machine::Passed;
use crate::worker::observe::settling::Settling;
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::repeat::drive;
use crate::worker::repeat::settle::{self, WarmedUp};
use crate::worker::send::lanes;
use crate::worker::send::tasks::{LoadState, Span, TaskResult, Waiting};
use std::sync::Arc;
use std::time::Duration;

/// Carries out one repeat with `Q` on a manual clock, in one lane on the calling thread.
///
/// Time passes only when the producers wait, and when the queue lets it pass on the clock of its sink
/// ([`Clock::pass`]). Everything else takes no time. A queue with its own threads cannot be simulated.
///
/// # Errors
/// The queue cannot be built, or there are more values than can be counted exactly.
pub fn simulate<Q: Queue>(repeat: &PlannedRepeat) -> Result<Measurement, Failure> {
    let clock = LoadClock::Manual(ManualClock::at(0));
    let parameters = &repeat.parameters;
    let sink = Sink::new(clock.clone(), parameters.concurrency, parameters.sink_delay.0, None);
    let setup = Setup { parameters: parameters.clone(), seed: repeat.seed };
    let queue = Q::build(&setup, sink.clone()).map_err(|why| Failure::new(FailureKind::NotBuilt, why))?;
    let (queue, warmed_up) = match settle::warm_up_of(repeat) {
        Some(planned) => {
            let (load, tasks) = run(&planned, queue, &clock, Phase::WarmUp, &sink)?;
            let settled = load.settling.as_ref().map(Settling::outcome);
            (load.queue, settled.map(|settled| WarmedUp { settled, told: settle::told(&tasks) }))
        }
        None => (queue, None),
    };
    let (load, tasks) = run(repeat, queue, &clock, Phase::Window, &sink)?;
    let settled = load.settling.as_ref().map(Settling::outcome);
    let last_return = tasks.iter().map(|task| task.last_return).max().unwrap_or(0).max(load.end());
    let account = load.queue.shutdown(Duration::from_nanos(repeat.drain_timeout.0));
    let observed = Observed {
        repeat,
        tasks,
        recorders: load.recorders,
        sink,
        account,
        passed: Passed::default(),
        drain: None,
        watched: None,
        lags: None,
        control: None,
        warmed_up,
        settled,
        clock: "manual",
        floor_ns: 0.0,
        drain_ns: clock.now().saturating_sub(last_return),
    };
    account::draw_up::<Q>(observed).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// Runs one load in a lane on the calling thread, from now on.
fn run<Q: Queue>(
    repeat: &PlannedRepeat,
    queue: Q,
    clock: &LoadClock,
    phase: Phase,
    sink: &Sink,
) -> Result<(LoadState<Q, LoadClock>, Vec<TaskResult>), Failure> {
    let warm_up = Span { start: clock.now(), length: repeat.warmup.0 };
    let mut load = drive::share(repeat, queue, clock.clone(), warm_up, Waiting::Lane, 1);
    load.phase = phase;
    let load = Arc::new(load);
    if phase == Phase::Window {
        drive::prepare(repeat, &load, sink);
    }
    let mut tasks = Vec::new();
    lanes::run(Arc::clone(&load), 0, 1, repeat.parameters.pacing, |result| tasks.push(result));
    if let Some(time) = clock.manual() {
        time.advance_to(load.end());
    }
    let load =
        Arc::into_inner(load).ok_or_else(|| Failure::new(FailureKind::Internal, "the lane still holds the load"))?;
    Ok((load, tasks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::{About, Account};
    use crate::load::{Contents, Entry, Phase, Reply, Stamp};
    use crate::log_queue::Level;
    use crate::measure::encoding::Distribution;
    use crate::plan::fixture;
    use crate::scenario::{Arrival, Parameters, Trace};
    use crate::units::{Nanos, Rate};
    use crate::verdict::{faults, faults_for};
    use std::collections::VecDeque;
    use std::marker::PhantomData;
    use std::sync::Mutex;

    /// How long a call takes, in nanoseconds.
    trait Pace: Send + Sync + 'static {
        fn of(stamp: Stamp) -> u64;
    }

    struct Fifty;
    impl Pace for Fifty {
        fn of(_: Stamp) -> u64 {
            50_000
        }
    }

    /// The first call takes 150 ms, the others no time.
    struct SlowStart;
    impl Pace for SlowStart {
        fn of(stamp: Stamp) -> u64 {
            if (stamp.phase, stamp.sequence) == (Phase::WarmUp, 0) { 150_000_000 } else { 0 }
        }
    }

    /// The last call of a second at 10/s takes 1.2 s.
    struct SlowEnd;
    impl Pace for SlowEnd {
        fn of(stamp: Stamp) -> u64 {
            if (stamp.phase, stamp.sequence) == (Phase::Window, 9) { 1_200_000_000 } else { 0 }
        }
    }

    /// A queue whose calls take as long as its pace says and deliver at once. Its shutdown takes 5 ms.
    struct Paced<P> {
        sink: Sink,
        pace: PhantomData<P>,
    }

    type Steady = Paced<Fifty>;

    impl<P: Pace> Queue for Paced<P> {
        const ABOUT: About = About::new("paced", "1");

        fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
            Ok(Self { sink, pace: PhantomData })
        }

        async fn log(&self, entry: &Entry<'_>) -> Reply {
            self.sink.clock().pass(P::of(entry.stamp));
            self.sink.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
            Reply::Enqueued { waited: Some(false) }
        }

        fn shutdown(self, _: Duration) -> Account {
            self.sink.clock().pass(5_000_000);
            Account::default()
        }
    }

    fn repeat(rate: u32, concurrency: u32, seconds: u64) -> PlannedRepeat {
        let parameters = Parameters {
            concurrency,
            rate: Rate::of_whole(rate),
            duration: Nanos::from_secs(seconds),
            ..Parameters::default()
        };
        PlannedRepeat {
            warmup: Nanos::from_millis(100),
            drain_timeout: Nanos::from_secs(10),
            ..fixture::repeat(parameters)
        }
    }

    #[test]
    fn a_steady_queue_is_measured_exactly() {
        let measurement = simulate::<Steady>(&repeat(100, 10, 10)).unwrap();
        assert_eq!(measurement.ledger.scheduled, 10_000);
        assert_eq!(measurement.ledger.delivered, 10_000);
        assert_eq!(measurement.ledger.delivered_in_window, 10_000);
        let latency = &measurement.latency;
        for exact in [&latency.enqueue, &latency.response, &latency.response_ideal, &latency.delivery] {
            assert_eq!((exact.count, exact.min_ns, exact.max_ns), (10_000, Some(50_000), Some(50_000)));
        }
        assert_eq!(latency.lateness.max_ns, Some(0));
    }

    #[test]
    fn tasks_of_one_lane_wait_for_each_other_and_the_queue_is_told_to_be_the_cause() {
        // Ten tasks fire at once, and each call keeps the lane for 50 µs.
        let mut aligned = repeat(100, 10, 1);
        aligned.parameters.phase = crate::scenario::PhaseShift::Aligned;
        let measurement = simulate::<Steady>(&aligned).unwrap();
        let response = &measurement.latency.response;
        assert_eq!((response.min_ns, response.max_ns), (Some(50_000), Some(500_000)));
        assert_eq!(measurement.latency.lateness.max_ns, Some(0), "the lane was inside calls of the queue all the time");
    }

    #[test]
    fn a_burst_queues_up_behind_itself() {
        let mut burst = repeat(1_000, 1, 1);
        burst.parameters.arrival = Arrival::Burst(10);
        let measurement = simulate::<Steady>(&burst).unwrap();
        let response = Distribution::decode(&measurement.latency.response).unwrap();
        // The response of the first log of each burst is 50 µs, of the tenth 500 µs.
        assert_eq!(
            (measurement.ledger.attempted, response.min_ns(), response.max_ns()),
            (1_000, Some(50_000), Some(500_000))
        );
        assert_eq!(response.sum_ns(), 100 * (1..=10).map(|n| n * 50_000).sum::<u128>());
    }

    #[test]
    fn overload_is_unsent_to_the_last_log() {
        // 40,000 logs/s are offered, and a call takes 50 µs: half of the logs cannot be sent.
        let measurement = simulate::<Steady>(&repeat(40_000, 1, 1)).unwrap();
        let ledger = &measurement.ledger;
        assert_eq!((ledger.scheduled, ledger.attempted, ledger.unsent), (40_000, 20_000, 20_000));
        assert_eq!((ledger.unsent_generator, measurement.latency.response.censored), (0, 20_000));
    }

    #[test]
    fn a_call_of_the_warm_up_that_lasts_into_the_window_is_the_queues_delay() {
        let measurement = simulate::<Paced<SlowStart>>(&repeat(100, 1, 1)).unwrap();
        let latency = &measurement.latency;
        // The window begins at 100 ms; its first log waits until 150 ms.
        assert_eq!((latency.response.max_ns, latency.lateness.max_ns), (Some(50_000_000), Some(0)));
        assert_eq!(measurement.ledger.attempted, 100);
    }

    #[test]
    fn what_is_left_of_the_warm_up_when_the_window_begins_is_abandoned() {
        let repeat = repeat(100, 1, 1);
        let clock = LoadClock::Manual(ManualClock::at(0));
        let sink = Sink::new(clock.clone(), 1, 0, None);
        let queue = Steady { sink: sink.clone(), pace: PhantomData };
        let warm_up = Span { start: 0, length: repeat.warmup.0 };
        let load = Arc::new(drive::share(&repeat, queue, clock.clone(), warm_up, Waiting::Lane, 1));
        // The generator sleeps through the warm-up.
        clock.pass(load.window.start);
        let mut results = Vec::new();
        lanes::run(Arc::clone(&load), 0, 1, repeat.parameters.pacing, |result| results.push(result));
        assert_eq!((results[0].warm_up.enqueued, results[0].told.enqueued), (0, 100));
    }

    #[test]
    fn the_drain_begins_when_the_last_call_has_returned() {
        let drain = |measurement: Measurement| measurement.cost.drain_ns;
        assert_eq!(drain(simulate::<Steady>(&repeat(100, 1, 1)).unwrap()), 5_000_000);
        // The last log is due at 900 ms and its call takes 1.2 s: it returns 1.1 s after the window. Then the shutdown
        // takes its 5 ms.
        let late = simulate::<Paced<SlowEnd>>(&repeat(10, 1, 1)).unwrap();
        assert_eq!((late.ledger.enqueued, late.ledger.enqueued_in_window), (10, 9));
        assert_eq!(drain(late), 5_000_000);
    }

    /// A server that takes 1 ms for each log, behind a buffer with this number of places; a log that finds none is dropped. The last
    /// `KEPT` places are for errors. A log is delivered at the first call after the server has finished it.
    struct Server<const ROOM: usize, const KEPT: usize = 0> {
        sink: Sink,
        held: Mutex<(VecDeque<(u64, Stamp)>, u64)>,
    }

    impl<const ROOM: usize, const KEPT: usize> Server<ROOM, KEPT> {
        fn serve(&self, held: &mut VecDeque<(u64, Stamp)>, now: u64) {
            while let Some((_, stamp)) = held.pop_front_if(|(done, _)| *done <= now) {
                self.sink.deliver(Some(stamp), |_| Ok(())).unwrap();
            }
        }
    }

    impl<const ROOM: usize, const KEPT: usize> Queue for Server<ROOM, KEPT> {
        const ABOUT: About = About::new("server", "1");

        fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
            Ok(Self { sink, held: Mutex::default() })
        }

        async fn log(&self, entry: &Entry<'_>) -> Reply {
            let now = self.sink.clock().now();
            let mut held = self.held.lock().unwrap();
            self.serve(&mut held.0, now);
            let kept = if entry.level() == Level::Error { 0 } else { KEPT };
            if held.0.len() >= ROOM - kept {
                return Reply::Dropped;
            }
            held.1 = held.1.max(now) + 1_000_000;
            let done = held.1;
            held.0.push_back((done, entry.stamp));
            Reply::ACCEPTED
        }

        fn shutdown(self, _: Duration) -> Account {
            self.serve(&mut self.held.lock().unwrap().0, u64::MAX);
            Account::default()
        }
    }

    /// 500 logs/s, and three times that for 400 ms: 200 logs more than the server can take.
    fn spike(stages: &str) -> PlannedRepeat {
        let mut spike = repeat(500, 1, 2);
        spike.parameters.stages = Some(stages.parse().unwrap());
        spike
    }

    #[test]
    fn a_server_recovers_when_its_backlog_is_gone() {
        // (what the queue holds at the end of the spike, dropped in it)
        fn recovered<const ROOM: usize>(backlog: u64, dropped: u64) {
            let measurement = simulate::<Server<ROOM>>(&spike("500ms@1x,peak:400ms@3x,1100ms@1x")).unwrap();
            assert_eq!(faults(&measurement), []);
            let counts: Vec<_> = measurement.stages.iter().map(|stage| (stage.scheduled, stage.dropped)).collect();
            assert_eq!(counts, [(250, Some(0)), (600, Some(dropped)), (550, Some(0))]);
            let recovery = measurement.recovery.unwrap();
            assert_eq!(recovery.response_ns, Some(0), "no call waits");
            // The server gains 500 logs/s on the load.
            let (expected, found) = (backlog * 2_000_000, recovery.recovered_ns.unwrap());
            assert!(found.abs_diff(expected) * 100 <= expected * 3, "{found}, not {expected}");
            let delivered: u64 = measurement.stages.iter().map(|stage| stage.delivery.count).sum();
            assert_eq!(delivered, measurement.ledger.delivered);
        }
        recovered::<1_000>(200, 0);
        // Of the 600 logs, 399 are served by the time that the last one comes.
        recovered::<100>(100, 101);
    }

    #[test]
    fn what_a_full_queue_discards_by_level_is_seen() {
        let mut mixed = repeat(1_000, 3, 2);
        mixed.parameters.level = "debug:70%+info:25%+error:5%".parse().unwrap();
        let drawn = |repeat: &PlannedRepeat| {
            let contents = Contents::of(&repeat.parameters, repeat.seed).unwrap();
            let of_task = |task| (0..2_000).map(move |sequence| (task, sequence));
            let all = (0..3).flat_map(of_task).map(|(task, n)| contents.content(Phase::Window, task, n).level);
            all.fold([0; 5], |mut counts: [u64; 5], level| {
                counts[level as usize] += 1;
                counts
            })
        };
        let levels = |measurement: &Measurement| {
            assert_eq!(faults(measurement), []);
            assert_eq!(faults_for(&mixed, measurement), []);
            assert_eq!(measurement.ledger.lost(), 0);
            let sent = measurement.levels.iter().map(|of| of.attempted);
            assert_eq!(sent.collect::<Vec<_>>(), drawn(&mixed));
            measurement.levels.iter().map(|of| of.dropped.unwrap()).collect::<Vec<_>>()
        };
        // The server serves a third of the load; the errors are a twentieth of it.
        let alike = levels(&simulate::<Server<100>>(&mixed).unwrap());
        assert!(alike[1] > 0 && alike[2] > 0 && alike[4] > 0, "{alike:?}");
        let by_level = levels(&simulate::<Server<100, 20>>(&mixed).unwrap());
        assert!(by_level[1] > alike[1] && by_level[4] == 0, "{by_level:?}");
    }

    #[test]
    fn a_queue_that_is_overloaded_to_the_end_has_not_recovered() {
        let measurement = simulate::<Server<1_000>>(&spike("500ms@1x,1400ms@3x,100ms@1x")).unwrap();
        let recovery = measurement.recovery.unwrap();
        assert_eq!((recovery.recovered_ns, recovery.watched_ns), (None, 100_000_000));
    }

    #[test]
    fn what_is_never_sent_counts_in_its_stage() {
        // A call takes 50 µs: at twice 15,000 logs/s, two thirds of the second stage can be sent.
        let mut overloaded = repeat(15_000, 1, 2);
        overloaded.parameters.stages = Some("1s@1x,1s@2x".parse().unwrap());
        let measurement = simulate::<Steady>(&overloaded).unwrap();
        assert_eq!(faults(&measurement), []);
        let counts: Vec<_> = measurement.stages.iter().map(|stage| (stage.attempted, stage.unsent)).collect();
        assert_eq!(counts, [(15_000, 0), (20_000, 10_000)]);
        assert_eq!((measurement.stages[1].response.censored, measurement.recovery), (10_000, None));
    }

    #[test]
    fn a_trace_is_replayed_as_it_was_recorded() {
        // A call takes 50 µs. 30 logs at once: half of them to each of two tasks, on one lane.
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("a.csv");
        let text = format!("time,level,bytes\n0,info,1\n{}1,error,300\n", "0.5,warn,20\n".repeat(30));
        std::fs::write(&file, text).unwrap();
        let trace = Trace::open(&file, "2x".parse().unwrap()).unwrap();
        let mut replayed = repeat(1_000, 2, 1);
        replayed.parameters.duration = trace.length();
        replayed.parameters.trace = Some(trace.clone());
        let measurement = simulate::<Steady>(&replayed).unwrap();
        assert_eq!((faults(&measurement), faults_for(&replayed, &measurement)), (vec![], vec![]));
        let response = Distribution::decode(&measurement.latency.response).unwrap();
        assert_eq!((measurement.ledger.attempted, response.max_ns()), (32, Some(30 * 50_000)));
        assert_eq!(measurement.latency.lateness.max_ns, Some(0));
        assert_eq!(measurement.trace, Some(trace.sha256.clone()));
        let levels: Vec<_> = measurement.levels.iter().map(|of| (of.attempted, of.delivered)).collect();
        assert_eq!(levels, [(0, 0), (0, 0), (1, 1), (30, 30), (1, 1)]);
        let mut another = trace;
        another.sha256 = "0".repeat(64).into();
        replayed.parameters.trace = Some(another);
        assert_eq!(faults_for(&replayed, &measurement).len(), 1, "a measurement of another trace");
        replayed.parameters.trace = None;
        assert!(faults_for(&replayed, &measurement).len() > 1, "a trace that nobody asked for");
    }

    #[test]
    fn memory_does_not_grow_with_the_schedule() {
        let sizes = [10, 40].map(|seconds| {
            let measurement = simulate::<Steady>(&repeat(1_000, 10, seconds)).unwrap();
            measurement.series.points.len()
        });
        assert!(sizes.iter().all(|&points| points <= 256), "{sizes:?}");
    }
}
