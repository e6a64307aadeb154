//! The counting sink: every queue under load delivers to it, and it observes the deliveries.

use super::encoding::{Distribution, EncodingError};
use super::levels::ByLevel;
use super::stages::{StageDeliveries, Watch};
use super::tracker::{Arrival, Arrivals, Tracker};
use crate::clock::Clock;
use crate::load::pacing::sleep_until;
use crate::load::{Contents, Phase, Stamp};
use crate::platform::sharpen_sleep;
use crate::scenario::Pacing;
use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};

/// Number of shards for delivering threads; if there are more threads, some share a shard.
const SHARDS: usize = 16;

/// Number of latencies that a task holds before it records them.
const HELD: usize = 8;

/// The sink of a queue under load. It passes each record to the sink that the case asks for, and counts the record
/// after that sink has taken it. Clones share everything.
#[derive(Clone)]
pub struct CountingSink<C> {
    shared: Arc<SinkState<C>>,
}

impl<C> fmt::Debug for CountingSink<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountingSink").field("tasks", &self.shared.trackers.len()).finish_non_exhaustive()
    }
}

struct SinkState<C> {
    clock: C,
    trackers: Vec<Track>,
    shards: Vec<Shard>,
    window_end: AtomicU64,
    apart: OnceLock<Apart>,
    strangers: AtomicU64,
    server: Option<Mutex<Server>>,
    inner: Option<Mutex<Inner>>,
    inner_failed: Arc<OnceLock<String>>,
    abandoned: AtomicBool,
    closed: AtomicBool,
}

/// The sink that the case asks for. Its first error is kept: a queue may tell nobody of it.
struct Inner {
    out: Box<dyn Write + Send>,
    failed: Arc<OnceLock<String>>,
}

impl Inner {
    fn keep<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let _ = self.failed.set(error.to_string());
        }
        result
    }
}

impl Write for Inner {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.keep(written)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.out.write_all(bytes);
        self.keep(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.keep(flushed)
    }
}

/// The deliveries of one thread, on its own cache lines.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Shard(Mutex<Deliveries>);

#[derive(Debug, Default)]
struct Deliveries {
    latency: Distribution,
    in_window: u64,
    stages: StageDeliveries,
    levels: ByLevel<u64>,
}

/// What is counted apart. A stamp says which log of its task it is, and so all that the schedule says of it.
struct Apart {
    stages: Option<StageTable>,
    levels: Option<Contents>,
}

/// In which stage each log was due.
#[derive(Debug)]
struct StageTable {
    watch: Watch,
    /// For each task: the sequence number of the first log after each stage.
    ends: Vec<Vec<u64>>,
}

impl Apart {
    fn count(&self, stamp: Stamp, ns: u64, deliveries: &mut Deliveries) {
        if let Some(table) = &self.stages {
            deliveries.stages.record(&table.watch, table.stage_of(stamp), stamp.at, ns);
        }
        if let Some(contents) = &self.levels {
            // By the stamp, and not by what the queue made of the level: callers count in the same way.
            let level = contents.content(stamp.phase, stamp.task, stamp.sequence).level;
            deliveries.levels[level as usize] += 1;
        }
    }
}

impl StageTable {
    fn stage_of(&self, stamp: Stamp) -> usize {
        let ends = self.ends.get(stamp.task as usize).map_or(&[][..], Vec::as_slice);
        // A log beyond the schedule is a stranger, and counts in the last stage.
        ends.partition_point(|end| *end <= stamp.sequence).min(self.watch.stages().saturating_sub(1))
    }
}

/// The arrivals of one task, and its latest latencies. These are recorded a few at a time, so that each log costs only a
/// fraction of a shard's lock and of the memory of its histogram.
#[derive(Debug, Default)]
struct Tracked {
    tracker: Tracker,
    /// How many of `latencies_ns` are not recorded yet.
    held: usize,
    latencies_ns: [u64; HELD],
    /// How many of those arrived inside the window.
    in_window: u64,
    /// Deliveries of logs of the warm-up.
    warm_up: u64,
}

/// A task's place. Its neighbours deliver on other CPUs. It begins far enough from their last bytes that a processor which
/// reads ahead of a few lines in a row does not fetch their locks: with 128, a delivery from far CPUs spent most of its time on
/// getting its own lock back.
#[derive(Debug, Default)]
#[repr(align(512))]
struct Track(Mutex<Tracked>);

impl Tracked {
    /// Records what is held.
    fn record_into(&self, deliveries: &mut Deliveries) {
        self.latencies_ns[..self.held].iter().for_each(|ns| deliveries.latency.record(*ns));
        deliveries.in_window += self.in_window;
    }
}

/// A server that takes `delay` nanoseconds per record. Its schedule is absolute, so the overshoot of sleeps does not
/// add up.
#[derive(Debug)]
struct Server {
    delay: u64,
    next_free: u64,
}

/// What reached the sink, over all tasks.
#[derive(Debug)]
pub struct Delivered {
    /// Times from the start of the call to the sink, of the logs of the window that had not arrived before.
    pub latency: Distribution,
    /// The arrivals of each task.
    pub arrivals: Vec<Arrivals>,
    /// Number of distinct logs that arrived inside the window.
    pub in_window: u64,
    /// Number of deliveries of warm-up logs.
    pub warm_up: u64,
    /// Number of records without a stamp, or with the stamp of an unknown task.
    pub strangers: u64,
    /// The same times by stage; empty if the window has none.
    pub stages: StageDeliveries,
    /// The number of distinct logs of the window by level; all 0 if nobody asks for that.
    pub levels: ByLevel<u64>,
}

impl<C: Clock> CountingSink<C> {
    /// A sink for `tasks` tasks that takes `delay` nanoseconds per record and writes to `inner`, if given.
    pub fn new(clock: C, tasks: u32, delay: u64, inner: Option<Box<dyn Write + Send>>) -> Self {
        let inner_failed = Arc::new(OnceLock::new());
        let inner = inner.map(|out| Mutex::new(Inner { out, failed: Arc::clone(&inner_failed) }));
        let shared = SinkState {
            clock,
            trackers: (0..tasks).map(|_| Track::default()).collect(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            window_end: AtomicU64::new(u64::MAX),
            apart: OnceLock::new(),
            strangers: AtomicU64::new(0),
            server: (delay > 0).then(|| Mutex::new(Server { delay, next_free: 0 })),
            inner,
            inner_failed,
            abandoned: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The clock of the load.
    pub fn clock(&self) -> &C {
        &self.shared.clock
    }

    /// Sets the end of the window.
    pub fn set_window_end(&self, end: u64) {
        self.shared.window_end.store(end, Ordering::Relaxed);
    }

    /// Counts the stages of the window and the levels of its logs apart. `stages` has, for each task, the sequence number of
    /// the first log after each stage; `levels` says the level of each log. Only the first call counts.
    pub(crate) fn count_apart(&self, stages: Option<(Watch, Vec<Vec<u64>>)>, levels: Option<Contents>) {
        let stages = stages.map(|(watch, ends)| StageTable { watch, ends });
        let _ = self.shared.apart.set(Apart { stages, levels });
    }

    /// Takes one record. `render` writes it as a line; it is called only if the case's sink wants the text.
    ///
    /// # Errors
    /// The errors of the case's sink; the record then does not count as delivered.
    pub fn deliver(
        &self,
        stamp: Option<Stamp>,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.serve();
        if let Some(inner) = &self.shared.inner {
            render(&mut *lock(inner))?;
        }
        let Some((stamp, task)) = self.known(stamp) else { return Ok(()) };
        self.count(&mut lock(&task.0), stamp, || self.shared.clock.now_fenced());
        Ok(())
    }

    /// Takes the records of a batch that a queue delivers as one: they arrive together, when `render` has written and
    /// flushed them. It is called only if the case's sink wants the text. A sink that takes its time for each record
    /// ([`Self::takes_time`]) takes that of all of them first.
    ///
    /// # Errors
    /// The errors of the case's sink; none of the records then counts as delivered.
    pub fn deliver_batch(
        &self,
        stamps: &[Option<Stamp>],
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        stamps.iter().for_each(|_| self.serve());
        if let Some(inner) = &self.shared.inner {
            let inner = &mut *lock(inner);
            render(inner)?;
            inner.flush()?;
        }
        let now = self.shared.clock.now_fenced();
        // Batches have long runs of records of one task, which are counted under one lock.
        for run in stamps.chunk_by(|a, b| a.map(|stamp| stamp.task) == b.map(|stamp| stamp.task)) {
            let mut task = None;
            for stamp in run {
                let Some((stamp, of)) = self.known(*stamp) else { continue };
                self.count(task.get_or_insert_with(|| lock(&of.0)), stamp, || now);
            }
        }
        Ok(())
    }

    /// Whether the case's sink takes a time for each record.
    pub fn takes_time(&self) -> bool {
        self.shared.server.is_some()
    }

    /// Whether the case's sink wants the text of records.
    pub fn wants_text(&self) -> bool {
        self.shared.inner.is_some()
    }

    /// Flushes the case's sink.
    ///
    /// # Errors
    /// The errors of the case's sink.
    pub fn flush(&self) -> io::Result<()> {
        self.shared.inner.as_ref().map_or(Ok(()), |inner| lock(inner).flush())
    }

    /// What went wrong first with the case's sink, in the words of the system; `None` if nothing did. What the sink still
    /// holds is written for that, unless a delivery that does not end keeps it.
    pub(crate) fn failure(&self) -> Option<&str> {
        match self.shared.inner.as_ref()?.try_lock() {
            Ok(mut inner) => drop(inner.flush()),
            Err(TryLockError::Poisoned(inner)) => drop(inner.into_inner().flush()),
            Err(TryLockError::WouldBlock) => {}
        }
        self.shared.inner_failed.get().map(String::as_str)
    }

    /// Ends the delay, so that it does not hold up a queue whose shutdown is past its deadline.
    pub fn stop_serving(&self) {
        self.shared.abandoned.store(true, Ordering::Relaxed);
    }

    /// Ends the counting: deliveries after the queue's account are too late. When this returns, no delivery is partly
    /// counted.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // A delivery that did not see `closed` still holds its tracker until it is counted completely.
        self.shared.trackers.iter().for_each(|tracker| drop(lock(&tracker.0)));
    }

    /// Number of distinct logs of the window that have arrived so far.
    pub fn so_far(&self) -> u64 {
        let held: u64 = self.shared.trackers.iter().map(|task| lock(&task.0).held as u64).sum();
        held + self.shared.shards.iter().map(|shard| lock(&shard.0).latency.count()).sum::<u64>()
    }

    /// What has reached the sink.
    ///
    /// # Errors
    /// More values than can be counted exactly.
    pub fn delivered(&self) -> Result<Delivered, EncodingError> {
        let mut all = Deliveries::default();
        self.shared.trackers.iter().for_each(|task| lock(&task.0).record_into(&mut all));
        for shard in &self.shared.shards {
            let part = lock(&shard.0);
            all.latency.add(&part.latency)?;
            all.in_window += part.in_window;
            all.stages.add(&part.stages)?;
            all.levels.iter_mut().zip(part.levels).for_each(|(sum, part)| *sum += part);
        }
        Ok(Delivered {
            latency: all.latency,
            arrivals: self.shared.trackers.iter().map(|task| lock(&task.0).tracker.arrivals()).collect(),
            in_window: all.in_window,
            warm_up: self.shared.trackers.iter().map(|task| lock(&task.0).warm_up).sum(),
            strangers: self.shared.strangers.load(Ordering::Relaxed),
            stages: all.stages,
            levels: all.levels,
        })
    }

    fn serve(&self) {
        let Some(server) = &self.shared.server else { return };
        sharpen_sleep_once();
        let mut server = lock(server);
        let done = server.next_free.max(self.shared.clock.now()) + server.delay;
        server.next_free = done;
        sleep_until(&self.shared.clock, done, Pacing::Hybrid, &self.shared.abandoned);
    }

    /// The stamp and its task's place. A record without a stamp, or of an unknown task, is counted as a stranger.
    #[inline]
    fn known(&self, stamp: Option<Stamp>) -> Option<(Stamp, &Track)> {
        let known = stamp.and_then(|stamp| Some((stamp, self.shared.trackers.get(stamp.task as usize)?)));
        if known.is_none() {
            self.shared.strangers.fetch_add(1, Ordering::Relaxed);
        }
        known
    }

    /// Counts a delivery, under the lock of its task, which is held until it is counted in full: `close` waits for it. `now`
    /// reads the clock. It is fenced, because another thread has read the start of the call: otherwise the latency could be
    /// negative.
    #[inline]
    fn count(&self, task: &mut Tracked, stamp: Stamp, now: impl FnOnce() -> u64) {
        if self.shared.closed.load(Ordering::Relaxed) {
            return;
        }
        if stamp.phase == Phase::WarmUp {
            task.warm_up += 1;
            return;
        }
        if task.tracker.arrive(stamp.sequence, stamp.hash()) == Arrival::New {
            let now = now();
            let held = task.held;
            let ns = now.saturating_sub(stamp.at);
            if let Some(apart) = self.shared.apart.get() {
                apart.count(stamp, ns, &mut lock(&self.shared.shards[shard_of_this_thread()].0));
            }
            task.latencies_ns[held] = ns;
            task.in_window += u64::from(now <= self.shared.window_end.load(Ordering::Relaxed));
            task.held += 1;
            if task.held == HELD {
                task.record_into(&mut lock(&self.shared.shards[shard_of_this_thread()].0));
                (task.held, task.in_window) = (0, 0);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A user's sink may panic inside `render` and poison the lock. The counts are correct even then.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn shard_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    SHARD.with(|shard| *shard)
}

fn sharpen_sleep_once() {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if !DONE.replace(true) {
        sharpen_sleep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn stamp(phase: Phase, task: u32, sequence: u64, at: u64) -> Option<Stamp> {
        Some(Stamp { phase, task, sequence, at })
    }

    fn no_text(_: &mut dyn Write) -> io::Result<()> {
        panic!("the text is not wanted")
    }

    #[test]
    fn counts_the_window_apart_from_the_warm_up_and_from_strangers() {
        let clock = ManualClock::at(1_000);
        let sink = CountingSink::new(clock.clone(), 2, 0, None);
        sink.set_window_end(1_500);
        let feed = [
            stamp(Phase::WarmUp, 0, 0, 900),
            stamp(Phase::Window, 0, 0, 900),
            stamp(Phase::Window, 1, 0, 950),
            stamp(Phase::Window, 1, 0, 950),
            stamp(Phase::Window, 2, 0, 950),
            None,
        ];
        feed.into_iter().for_each(|stamp| sink.deliver(stamp, no_text).unwrap());
        clock.advance_to(2_000);
        sink.deliver(stamp(Phase::Window, 0, 1, 1_000), no_text).unwrap();
        let delivered = sink.delivered().unwrap();
        assert_eq!((delivered.warm_up, delivered.strangers, delivered.in_window), (1, 2, 2));
        assert_eq!((delivered.latency.count(), delivered.latency.sum_ns()), (3, 100 + 50 + 1_000));
        let by_task: Vec<_> = delivered.arrivals.iter().map(|task| (task.unique, task.duplicated)).collect();
        assert_eq!(by_task, [(2, 0), (1, 1)]);
        assert_eq!(sink.so_far(), 3);
    }

    #[test]
    fn a_batch_counts_like_its_records_one_by_one_and_arrives_at_once() {
        let feed: Vec<Option<Stamp>> = [0, 0, 1, 0, 2, 1, 1]
            .into_iter()
            .enumerate()
            .map(|(n, task)| {
                stamp(if n == 1 { Phase::WarmUp } else { Phase::Window }, task, n as u64 / 4, 10 * n as u64)
            })
            .chain([None, None, stamp(Phase::Window, 0, 1, 5)])
            .collect();
        let sink = || CountingSink::new(ManualClock::at(1_000), 2, 0, None);
        let (one_by_one, together) = (sink(), sink());
        feed.iter().for_each(|stamp| one_by_one.deliver(*stamp, no_text).unwrap());
        together.deliver_batch(&feed, no_text).unwrap();
        let figures = |sink: &CountingSink<ManualClock>| {
            let all = sink.delivered().unwrap();
            let tasks: Vec<_> = all.arrivals.iter().map(|task| (task.unique, task.duplicated)).collect();
            (tasks, all.latency.count(), all.latency.sum_ns(), all.in_window, all.warm_up, all.strangers)
        };
        assert_eq!(figures(&together), figures(&one_by_one));
        assert_eq!(figures(&together).5, 3, "an unknown task, and two without a stamp");
        together.close();
        together.deliver_batch(&[stamp(Phase::Window, 0, 9, 0)], no_text).unwrap();
        assert_eq!(figures(&together).1, figures(&one_by_one).1, "too late");
    }

    #[test]
    fn a_batch_takes_the_time_of_each_of_its_records() {
        let sink = CountingSink::new(ManualClock::at(0), 1, 1_000, None);
        sink.stop_serving();
        assert!(sink.takes_time());
        sink.deliver_batch(&[None, None, None], no_text).unwrap();
        assert_eq!(lock(sink.shared.server.as_ref().unwrap()).next_free, 3_000);
    }

    /// Refuses to write, or to flush.
    struct Refuses {
        writes: bool,
    }

    impl Write for Refuses {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.writes { Ok(bytes.len()) } else { Err(io::Error::other("no")) }
        }
        fn flush(&mut self) -> io::Result<()> {
            if self.writes { Err(io::Error::other("no")) } else { Ok(()) }
        }
    }

    #[test]
    fn what_the_inner_sink_refuses_is_not_delivered() {
        let sink = |writes| CountingSink::new(ManualClock::at(0), 1, 0, Some(Box::new(Refuses { writes })));
        let one = stamp(Phase::Window, 0, 0, 0);
        let line = |out: &mut dyn Write| out.write_all(b"x");
        type Deliver<'a> = &'a dyn Fn(&CountingSink<ManualClock>) -> io::Result<()>;
        let cases: [(&str, bool, Deliver<'_>); 3] = [
            ("a write", false, &|sink| sink.deliver(one, line)),
            ("a batch", false, &|sink| sink.deliver_batch(&[one, one], line)),
            ("the flush of a batch", true, &|sink| sink.deliver_batch(&[one, one], line)),
        ];
        for (what, writes, deliver) in cases {
            let sink = sink(writes);
            deliver(&sink).unwrap_err();
            assert_eq!((sink.so_far(), sink.failure()), (0, Some("no")), "{what}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_the_sinks_failure_even_if_the_queue_tells_nobody() {
        use std::io::BufWriter;
        let to = |path: &str| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            CountingSink::new(ManualClock::at(0), 1, 0, Some(Box::new(BufWriter::new(file))))
        };
        let full = to("/dev/full");
        // The buffer takes it: the queue sees no error at all.
        full.deliver(stamp(Phase::Window, 0, 0, 0), |out| out.write_all(b"x")).unwrap();
        assert_eq!(full.failure(), Some("No space left on device (os error 28)"));
        let sound = to("/dev/null");
        sound.deliver(stamp(Phase::Window, 0, 0, 0), |out| out.write_all(b"x")).unwrap();
        // What a queue says instead of writing is no failure of its sink.
        sound.deliver(stamp(Phase::Window, 0, 1, 0), |_| Err(io::Error::other("not today"))).unwrap_err();
        assert_eq!(sound.failure(), None);
        let _held = lock(full.shared.inner.as_ref().unwrap());
        assert!(full.failure().is_some(), "known without the lock");
        assert_eq!(CountingSink::new(ManualClock::at(0), 1, 0, None).failure(), None);
    }

    #[test]
    fn what_comes_after_the_end_does_not_count() {
        let sink = CountingSink::new(ManualClock::at(0), 1, 0, None);
        sink.deliver(stamp(Phase::Window, 0, 0, 0), no_text).unwrap();
        sink.close();
        sink.deliver(stamp(Phase::Window, 0, 1, 0), no_text).unwrap();
        sink.deliver(stamp(Phase::WarmUp, 0, 0, 0), no_text).unwrap();
        let delivered = sink.delivered().unwrap();
        assert_eq!((delivered.arrivals[0].unique, delivered.latency.count(), delivered.warm_up), (1, 1, 0));
    }

    #[test]
    fn the_server_keeps_to_its_absolute_schedule() {
        let clock = ManualClock::at(0);
        let sink = CountingSink::new(clock.clone(), 1, 1_000, None);
        sink.stop_serving();
        // The clock stands still, so each record only gets its position in the schedule.
        (0..3).for_each(|n| sink.deliver(stamp(Phase::Window, 0, n, 0), no_text).unwrap());
        let next_free = |sink: &CountingSink<ManualClock>| lock(sink.shared.server.as_ref().unwrap()).next_free;
        assert_eq!(next_free(&sink), 3_000);
        clock.advance_to(10_000);
        sink.deliver(stamp(Phase::Window, 0, 3, 0), no_text).unwrap();
        assert_eq!(next_free(&sink), 11_000);
    }
}
