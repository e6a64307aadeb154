//! Tests of the whole queue. Threads meet at gates; the timeouts are limits that a broken queue would run into.

#![expect(unsafe_code, reason = "a waker whose clone runs code of a user has no safe form")]

use super::{
    Accepted, Config, Counters, Field, Level, LogQueue, NullSink, Reason, Record, RecordRef, Refused, Shutdown, Sink,
    StartError, Strategy, TallySink,
};
use std::future::Future;
use std::io;
use std::panic::panic_any;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any test takes.
const LIMIT: Duration = Duration::from_secs(60);
/// Longer than a test lasts: with this batch timeout, a batch is never due by time.
const NEVER: Duration = Duration::from_secs(3600);

fn config(strategy: Strategy, maxsize: usize, batch_size: usize) -> Config {
    Config { maxsize, strategy, batch_size, batch_timeout: NEVER, ..Config::default() }
}

/// A record with a number.
type Numbered = ((), Field<'static>);

fn record(number: u64) -> Record<'static, Numbered> {
    Record::new(Level::Info, "test").with("number", number)
}

fn number(record: &RecordRef<'_>) -> u64 {
    match record.field("number") {
        Some(super::Value::U64(number)) => number,
        other => panic!("no number: {other:?}"),
    }
}

fn assert_closes(c: &Counters) {
    assert_eq!(c.enqueued, c.delivered + c.sink_errors + c.abandoned + c.evicted + c.depth + c.in_hand, "{c:?}");
}

/// What a write should do.
enum Act {
    Take,
    Fail,
    Panic,
    PanicTwice,
}

/// A panic payload that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("second panic");
    }
}

/// The test's side of a sink. The sink reports each record, and waits until the test tells it what to do. When the gate
/// is gone, the sink takes everything.
struct Gate {
    given: Receiver<u64>,
    act: Sender<Act>,
}

impl Gate {
    fn given(&self) -> u64 {
        self.given.recv_timeout(LIMIT).expect("the worker writes")
    }

    fn act(&self, act: Act) {
        self.act.send(act).expect("the sink is there");
    }
}

fn gate() -> (Gate, impl Sink + 'static) {
    let (give, given) = channel();
    let (act, acts) = channel();
    let sink = move |record: &RecordRef<'_>| {
        let _ = give.send(number(record));
        match acts.recv() {
            Ok(Act::Take) | Err(_) => Ok(()),
            Ok(Act::Fail) => Err(io::Error::other("told to")),
            Ok(Act::Panic) => panic!("told to"),
            Ok(Act::PanicTwice) => panic_any(Bomb),
        }
    };
    (Gate { given, act }, sink)
}

/// A queue whose worker holds record 0 in its hand, with batches of one.
fn started(strategy: Strategy, maxsize: usize) -> (LogQueue, Gate) {
    let (gate, sink) = gate();
    let queue = LogQueue::start(config(strategy, maxsize, 1), sink).expect("started");
    assert_eq!(queue.try_log(record(0)), Ok(Accepted { waited: false }));
    assert_eq!(gate.given(), 0);
    (queue, gate)
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A `log` that is polled by hand.
struct Call<'a> {
    future: Pin<Box<dyn Future<Output = Result<Accepted, Refused<'static, Numbered>>> + Send + 'a>>,
    woken: Arc<Woken>,
}

impl<'a> Call<'a> {
    fn new(queue: &'a LogQueue, number: u64) -> Self {
        Self { future: Box::pin(queue.log(record(number))), woken: Arc::default() }
    }

    fn waiting(queue: &'a LogQueue, number: u64) -> Self {
        let mut call = Self::new(queue, number);
        assert_eq!(call.poll(), Poll::Pending);
        call
    }

    fn poll(&mut self) -> Poll<Result<Accepted, Refused<'static, Numbered>>> {
        let waker = Waker::from(self.woken.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }
}

/// Lets the worker write the record in its hand. The next one in its hand must be `next`.
fn advance(gate: &Gate, next: u64) {
    gate.act(Act::Take);
    assert_eq!(gate.given(), next);
}

fn refusal(result: Result<Accepted, Refused<'static, Numbered>>) -> (Reason, u64) {
    let refused = result.expect_err("a refusal");
    (refused.reason, refused.record.read(number))
}

#[test]
fn handles_and_futures_go_anywhere() {
    fn anywhere<T: Send + Sync>(_: &T) {}
    fn sendable<T: Send>(_: T) {}
    let queue = LogQueue::start(Config::default(), NullSink).expect("started");
    anywhere(&queue);
    sendable(queue.log(record(0)));
    let boxed: Box<dyn Sink> = Box::new(NullSink);
    assert!(LogQueue::start(Config::default(), boxed).is_ok());
}

#[test]
fn a_call_takes_no_room_for_its_record_in_the_task_that_awaits_it() {
    let queue = LogQueue::start(Config::default(), NullSink).expect("started");
    let few = size_of_val(&queue.log(record(0)));
    let many = size_of_val(&queue.log(record(0).with("a", 1).with("b", "text").with("c", 0.5).with("d", true)));
    assert_eq!((few, many), (size_of::<usize>(), size_of::<usize>()));
}

#[test]
fn a_bad_config_starts_nothing() {
    let result = LogQueue::start(Config { maxsize: 0, ..Config::default() }, NullSink);
    assert!(matches!(result, Err(StartError::Maxsize)));
}

#[test]
fn drop_is_bounded_exactly_and_counts_what_it_refuses() {
    let (queue, gate) = started(Strategy::Drop, 3);
    for n in 1..=3 {
        assert_eq!(queue.try_log(record(n)), Ok(Accepted { waited: false }));
    }
    assert_eq!(refusal(queue.try_log(record(4))), (Reason::Full, 4));
    assert_eq!(refusal(queue.log_blocking(record(5))), (Reason::Full, 5));
    assert_eq!(Call::new(&queue, 6).poll().map(refusal), Poll::Ready((Reason::Full, 6)));
    let full = Counters { enqueued: 4, dropped: 3, depth: 3, in_hand: 1, depth_high_water: 3, ..Counters::default() };
    assert_eq!(queue.counters(), full);

    advance(&gate, 1);
    assert!(queue.try_log(record(7)).is_ok());
    assert!(queue.try_log(record(8)).is_err());
    drop(gate);
    let end = queue.shutdown(LIMIT);
    assert_eq!(end, Shutdown { delivered: 5, abandoned: 0, sink_errors: 0, completed: true });
    assert_eq!((queue.counters().dropped, queue.counters().depth_high_water), (4, 3));
}

#[test]
fn sample_refuses_by_choice_and_when_full() {
    let (gate, sink) = gate();
    let config = Config { sample_rate: 0.5, ..config(Strategy::Sample, 10, 1) };
    let queue = LogQueue::start(config, sink).expect("started");
    assert!(queue.try_log(record(0)).is_ok());
    assert_eq!(gate.given(), 0);
    let reasons: Vec<_> = (1..=100).map(|n| queue.try_log(record(n)).map_err(|refused| refused.reason)).collect();
    assert!(reasons[..8].iter().all(Result::is_ok));
    let count = |reason| reasons.iter().filter(|result| **result == Err(reason)).count() as u64;
    let counters = queue.counters();
    assert_eq!((counters.sampled_out, counters.dropped), (count(Reason::SampledOut), count(Reason::Full)));
    assert!(counters.sampled_out > 0);
    assert_eq!(counters.depth, 10);
    assert_eq!(counters.dropped, 90 - counters.sampled_out);
    drop(gate);
}

#[test]
fn block_serves_waiters_in_order_and_lets_nobody_overtake() {
    let (queue, gate) = started(Strategy::Block, 1);
    assert!(queue.try_log(record(1)).is_ok());
    assert_eq!(refusal(queue.try_log(record(9))), (Reason::Full, 9));
    let mut calls = [2, 3, 4].map(|n| Call::waiting(&queue, n));

    for turn in 0..3 {
        advance(&gate, turn as u64 + 1);
        assert_eq!(calls.each_ref().map(Call::woken), [0, 1, 2].map(|n| usize::from(n <= turn)));
        // The place belongs to the woken waiter, although it has not taken it yet.
        assert_eq!(refusal(queue.try_log(record(9))), (Reason::Full, 9));
        if turn < 2 {
            assert_eq!(calls[turn + 1].poll(), Poll::Pending);
        }
        assert_eq!(calls[turn].poll(), Poll::Ready(Ok(Accepted { waited: true })));
    }
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT).delivered, 5);
    let counters = queue.counters();
    assert_eq!((counters.enqueued, counters.would_block, counters.dropped), (5, 4, 0));
}

#[test]
fn a_cancelled_wait_enters_nothing_and_loses_no_place() {
    let (queue, gate) = started(Strategy::Block, 1);
    assert!(queue.try_log(record(1)).is_ok());
    let promised = Call::waiting(&queue, 2);
    let waiting = Call::waiting(&queue, 3);
    let mut last = Call::waiting(&queue, 4);
    drop(Call::new(&queue, 5));

    drop(waiting);
    advance(&gate, 1);
    assert_eq!((promised.woken(), last.woken()), (1, 0));
    drop(promised);
    assert_eq!(last.woken(), 1, "the place passes on");
    assert_eq!(last.poll(), Poll::Ready(Ok(Accepted { waited: true })));

    let unclaimed = Call::waiting(&queue, 6);
    advance(&gate, 4);
    drop(unclaimed);
    assert!(queue.try_log(record(7)).is_ok(), "the place is free again");
    advance(&gate, 7);
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT), Shutdown { delivered: 4, abandoned: 0, sink_errors: 0, completed: true });
}

/// A call of record 2 that waits with a waker that panics.
fn hostile_call(queue: &LogQueue) -> impl Future {
    struct Hostile;
    impl Wake for Hostile {
        fn wake(self: Arc<Self>) {
            panic!("hostile waker");
        }
    }
    let mut call = Box::pin(queue.log(record(2)));
    let waker = Waker::from(Arc::new(Hostile));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    call
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    let (queue, gate) = started(Strategy::Block, 1);
    assert!(queue.try_log(record(1)).is_ok());
    let hostile = hostile_call(&queue);
    advance(&gate, 1);
    drop(hostile);
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT).delivered, 2);
}

/// Some executors log when a waker is cloned or woken; here, to the queue on which it waits.
#[test]
fn a_waker_may_log_to_the_queue_on_which_it_waits() {
    static QUEUE: OnceLock<LogQueue> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    fn log_one() {
        let queue = QUEUE.get().expect("started");
        assert_eq!(queue.log_blocking(record(100)).expect_err("full").reason, Reason::Full);
        CALLS.fetch_add(1, Ordering::SeqCst);
    }
    // From the worker's thread, `log_blocking` must not wait: nobody else would make room.
    struct Logging;
    impl Wake for Logging {
        fn wake(self: Arc<Self>) {
            log_one();
        }
    }
    let (queue, gate) = started(Strategy::Block, 1);
    let _ = QUEUE.set(queue.clone());
    queue.try_log(record(1)).expect("room");
    let mut call = Box::pin(queue.log(record(2)));
    let waker = Waker::from(Arc::new(Logging));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    // The worker takes record 1, gives its place to the waiter, and wakes it.
    gate.act(Act::Take);
    assert_eq!(gate.given(), 1);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    drop((call, gate));
    assert_eq!(queue.shutdown(LIMIT).delivered, 3);
}

/// A waker whose clone calls `act`.
struct Cloned {
    act: fn(),
}

impl Cloned {
    fn waker(act: fn()) -> Waker {
        use std::task::{RawWaker, RawWakerVTable};
        fn clone(act: *const ()) -> RawWaker {
            // SAFETY: it was made from a reference that lives as long as the program.
            let cloned: &Cloned = unsafe { &*act.cast() };
            (cloned.act)();
            RawWaker::new(act, &TABLE)
        }
        fn nothing(_: *const ()) {}
        static TABLE: RawWakerVTable = RawWakerVTable::new(clone, nothing, nothing, nothing);
        let it: &'static Cloned = Box::leak(Box::new(Cloned { act }));
        // SAFETY: the table's functions keep the contract of a waker: they only call a function.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::from_ref(it).cast(), &TABLE)) }
    }
}

#[test]
fn a_waker_is_cloned_without_a_lock() {
    static QUEUE: OnceLock<LogQueue> = OnceLock::new();
    let (queue, gate) = started(Strategy::Block, 1);
    let _ = QUEUE.set(queue.clone());
    queue.try_log(record(1)).expect("room");
    let waker = Cloned::waker(|| {
        let full = QUEUE.get().expect("started").try_log(record(100));
        assert_eq!(full.expect_err("full").reason, Reason::Full);
    });
    let mut call = Box::pin(queue.log(record(2)));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(queue.counters().would_block >= 1);
    drop(call);
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT).delivered, 2);
}

#[test]
fn a_waker_that_panics_is_no_reason_to_forget_the_others() {
    let (queue, gate) = started(Strategy::Block, 1);
    queue.try_log(record(1)).expect("room");
    let hostile = hostile_call(&queue);
    let mut call = Call::waiting(&queue, 3);
    queue.close();
    assert_eq!(call.woken.0.load(Ordering::SeqCst), 1);
    assert!(matches!(call.poll(), Poll::Ready(Err(refused)) if refused.reason == Reason::Closed));
    drop((hostile, call, gate));
    assert_eq!(queue.shutdown(LIMIT).delivered, 2);
}

/// A sink that checks that each producer's records arrive once and in order.
fn in_order(producers: usize) -> (Arc<Mutex<Vec<u64>>>, impl Sink + 'static) {
    let next = Arc::new(Mutex::new(vec![0_u64; producers]));
    let seen = Arc::clone(&next);
    let sink = move |record: &RecordRef<'_>| {
        let (producer, sequence) = ((number(record) >> 32) as usize, number(record) & 0xFFFF_FFFF);
        let mut seen = seen.lock().expect("not poisoned");
        if seen[producer] != sequence {
            return Err(io::Error::other("out of order"));
        }
        seen[producer] += 1;
        Ok(())
    };
    (next, sink)
}

/// Each thread logs, has another one log, logs again and ends. Threads beside them come and go, so that chains change hands
/// between threads that know nothing of each other, and wait for the lock at it.
#[test]
fn order_is_kept_across_threads_that_come_and_go() {
    const ROUNDS: u64 = if cfg!(miri) { 3 } else { 400 };
    let (numbers, sink) = {
        let numbers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&numbers);
        let sink = move |record: &RecordRef<'_>| {
            if record.field("number").is_some() {
                seen.lock().expect("not poisoned").push(number(record));
            }
            Ok(())
        };
        (numbers, sink)
    };
    let timeout = Duration::from_millis(2);
    let config = Config { strategy: Strategy::Block, batch_timeout: timeout, ..Config::default() };
    let queue = LogQueue::start(config, sink).expect("started");
    let log = |number: u64| queue.log_blocking(record(number)).is_ok();
    let (ask, asked) = sync_channel::<u64>(0);
    let (answer, answered) = sync_channel::<bool>(0);
    let (answered, over) = (Mutex::new(answered), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    thread::scope(|inner| {
                        inner.spawn(|| queue.log_blocking(Record::new(Level::Info, "beside")).is_ok());
                    });
                }
            });
        }
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_closes(&queue.counters());
            }
        });
        scope.spawn(|| asked.into_iter().for_each(|number| _ = answer.send(log(number))));
        for first in (0..ROUNDS).map(|round| 3 * round) {
            let (ask, answered) = (&ask, &answered);
            thread::scope(|inner| {
                inner.spawn(move || {
                    log(first);
                    let _ = ask.send(first + 1);
                    let _ = answered.lock().map(|answered| answered.recv());
                    log(first + 2)
                });
            });
        }
        over.store(true, Ordering::Relaxed);
        drop(ask);
    });
    assert!(queue.shutdown(LIMIT).completed);
    let numbers = numbers.lock().expect("not poisoned");
    assert_eq!(numbers.len() as u64, 3 * ROUNDS);
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn block_loses_nothing_from_many_threads() {
    const THREADS: usize = 8;
    const EACH: u64 = 500;
    for (maxsize, batch_size) in [(1, 1), (3, 7), (16, 4)] {
        let (next, sink) = in_order(THREADS);
        let queue = LogQueue::start(config(Strategy::Block, maxsize, batch_size), sink).expect("started");
        thread::scope(|scope| {
            for producer in 0..THREADS as u64 {
                let queue = queue.clone();
                scope.spawn(move || {
                    for sequence in 0..EACH {
                        assert!(queue.log_blocking(record(producer << 32 | sequence)).is_ok());
                        let counters = queue.counters();
                        assert_closes(&counters);
                        assert!(counters.depth <= maxsize as u64 && counters.in_hand <= batch_size as u64);
                    }
                });
            }
        });
        let all = THREADS as u64 * EACH;
        let end = queue.shutdown(LIMIT);
        assert_eq!(end, Shutdown { delivered: all, abandoned: 0, sink_errors: 0, completed: true });
        assert_eq!(*next.lock().expect("not poisoned"), [EACH; THREADS]);
        let counters = queue.counters();
        assert_eq!((counters.enqueued, counters.dropped), (all, 0));
        assert!((1..=maxsize as u64).contains(&counters.depth_high_water));
    }
}

/// Polls once and gives up.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn block_loses_and_repeats_nothing_for_tasks_that_give_up_and_try_again() {
    const TASKS: usize = 50;
    const EACH: u64 = 50;
    let (next, sink) = in_order(TASKS);
    let queue = LogQueue::start(config(Strategy::Block, 4, 3), sink).expect("started");
    let tasks: Vec<_> = (0..TASKS as u64)
        .map(|producer| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for sequence in 0..EACH {
                    let number = producer << 32 | sequence;
                    let result = match at_once(queue.log(record(number))).await {
                        Some(result) => result,
                        None => queue.log(record(number)).await,
                    };
                    assert!(result.is_ok());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends");
    }
    let end = queue.shutdown(LIMIT);
    let delivered = TASKS as u64 * EACH;
    assert_eq!(end, Shutdown { delivered, abandoned: 0, sink_errors: 0, completed: true });
    assert_eq!(*next.lock().expect("not poisoned"), [EACH; TASKS]);
}

/// Sends each batch when it is flushed.
struct Batches {
    batch: Vec<u64>,
    send: Sender<Vec<u64>>,
}

impl Sink for Batches {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        assert_eq!(thread::current().name(), Some("log-queue"));
        self.batch.push(number(record));
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.send.send(std::mem::take(&mut self.batch));
        Ok(())
    }
}

fn batches() -> (Receiver<Vec<u64>>, Batches) {
    let (send, flushed) = channel();
    (flushed, Batches { batch: Vec::new(), send })
}

#[test]
fn a_batch_goes_out_when_it_is_complete_or_the_queue_closes() {
    let (flushed, sink) = batches();
    let queue = LogQueue::start(config(Strategy::Drop, 100, 4), sink).expect("started");
    for n in 0..10 {
        assert!(queue.try_log(record(n)).is_ok());
    }
    let next = || flushed.recv_timeout(LIMIT).expect("a batch");
    assert_eq!([next(), next()], [[0, 1, 2, 3], [4, 5, 6, 7]]);
    assert_eq!(queue.counters().depth, 2, "an incomplete batch waits");
    queue.close();
    assert_eq!(next(), [8, 9]);
    assert_eq!(queue.shutdown(LIMIT).delivered, 10);
}

#[test]
fn a_full_queue_goes_out_even_if_the_batch_is_larger() {
    let (flushed, sink) = batches();
    let queue = LogQueue::start(config(Strategy::Block, 4, 1_000), sink).expect("started");
    let (done, finished) = channel();
    thread::spawn(move || {
        (0..40).for_each(|n| assert!(queue.log_blocking(record(n)).is_ok()));
        let _ = done.send(queue.shutdown(LIMIT).delivered);
    });
    assert_eq!(finished.recv_timeout(LIMIT), Ok(40));
    assert!(flushed.iter().all(|batch| batch.len() <= 4));
}

/// What [`Batches`] are, but each record takes two milliseconds.
struct SlowBatches(Batches);

impl Sink for SlowBatches {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2) {
            thread::yield_now();
        }
        self.0.write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn under_block_a_slow_sink_frees_one_place_after_the_other() {
    for (strategy, one_by_one) in [(Strategy::Block, true), (Strategy::Drop, false)] {
        let (flushed, batches) = batches();
        let queue = LogQueue::start(config(strategy, 64, 8), SlowBatches(batches)).expect("started");
        for n in 0..64 {
            assert!(queue.try_log(record(n)).is_ok());
        }
        assert_eq!(queue.shutdown(LIMIT).delivered, 64);
        let batches: Vec<Vec<u64>> = flushed.iter().collect();
        assert_eq!(batches[0].len() == 1, one_by_one, "{strategy}: {batches:?}");
        // A flush that was held up makes the next batch larger.
        let single = batches.iter().filter(|batch| batch.len() == 1).count();
        assert_eq!(single > batches.len() / 2, one_by_one, "{strategy}: {batches:?}");
        assert!(batches.concat().into_iter().eq(0..64), "in order, and nothing waits for a batch to become complete");
    }
}

#[test]
fn an_incomplete_batch_goes_out_after_the_timeout() {
    for batch_timeout in [Duration::ZERO, Duration::from_millis(1)] {
        let (flushed, sink) = batches();
        let config = Config { batch_timeout, ..config(Strategy::Drop, 100, 100) };
        let queue = LogQueue::start(config, sink).expect("started");
        // Several rounds, since the worker's first sleep differs from its later ones.
        for round in 0..5 {
            (0..3).for_each(|n| assert!(queue.try_log(record(3 * round + n)).is_ok()));
            let mut seen = 0;
            while seen < 3 {
                seen += flushed.recv_timeout(LIMIT).expect("a batch").len();
            }
        }
    }
}

#[test]
fn a_sink_that_fails_or_panics_is_counted_and_survived() {
    let (queue, gate) = started(Strategy::Drop, 10);
    (1..=4).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    for (act, next) in [(Act::Fail, 1), (Act::Panic, 2), (Act::PanicTwice, 3)] {
        gate.act(act);
        assert_eq!(gate.given(), next);
        let counters = queue.counters();
        assert_eq!((counters.sink_errors, counters.delivered, counters.in_hand), (next, 0, 1));
    }
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT), Shutdown { delivered: 2, abandoned: 0, sink_errors: 3, completed: true });
    assert_eq!(queue.counters().flush_errors, 0);
}

/// Fails to write odd numbers. The test decides the result of each flush.
struct Flushes {
    acts: Vec<Act>,
}

impl Sink for Flushes {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        if number(record) % 2 == 1 { Err(io::Error::other("odd")) } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.acts.pop() {
            Some(Act::Fail) => Err(io::Error::other("told to")),
            Some(Act::Panic) => panic!("told to"),
            _ => Ok(()),
        }
    }
}

impl Drop for Flushes {
    fn drop(&mut self) {
        panic!("a sink that cannot even be dropped");
    }
}

#[test]
fn a_failed_flush_takes_with_it_what_was_buffered() {
    let sink = Flushes { acts: vec![Act::Take, Act::Panic, Act::Fail] };
    let queue = LogQueue::start(config(Strategy::Drop, 100, 3), sink).expect("started");
    // Batches of 0 1 2, 3 4 5 and 6 7 8: the first two fail to flush, the third delivers 6 and 8.
    (0..9).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    let end = queue.shutdown(LIMIT);
    assert_eq!(end, Shutdown { delivered: 2, abandoned: 0, sink_errors: 7, completed: true });
    assert_eq!(queue.counters().flush_errors, 2);
    assert_closes(&queue.counters());
}

#[test]
fn shutdown_drains_and_says_the_same_again() {
    let sink = TallySink::new();
    let queue = LogQueue::start(config(Strategy::Drop, 1_000, 7), sink.clone()).expect("started");
    (0..500).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    let end = queue.shutdown(LIMIT);
    assert_eq!(end, Shutdown { delivered: 500, abandoned: 0, sink_errors: 0, completed: true });
    assert_eq!(sink.count(), 500);
    assert_eq!(refusal(queue.try_log(record(9))), (Reason::Closed, 9));
    assert_eq!(queue.shutdown(Duration::ZERO), end);
    assert_eq!(queue.clone().shutdown(Duration::MAX), end);
    let counters = queue.counters();
    assert_eq!((counters.enqueued, counters.depth, counters.in_hand, counters.dropped), (500, 0, 0, 0));
}

#[test]
fn shutdown_returns_although_the_sink_hangs_and_accounts_for_everything() {
    let (gate, sink) = gate();
    let queue = LogQueue::start(config(Strategy::Drop, 10, 4), sink).expect("started");
    (0..4).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    assert_eq!(gate.given(), 0);
    (4..10).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    advance(&gate, 1);
    let counters = queue.counters();
    assert_eq!((counters.delivered, counters.in_hand), (1, 3), "each counts before its batch is over");
    gate.act(Act::Fail);
    assert_eq!(gate.given(), 2);
    advance(&gate, 3);

    // 0 and 2 delivered, 1 failed, 3 in hand, six in the queue.
    let end = queue.shutdown(Duration::from_millis(1));
    assert_eq!(end, Shutdown { delivered: 2, abandoned: 7, sink_errors: 1, completed: false });
    let counters = queue.counters();
    assert_eq!((counters.depth, counters.in_hand), (0, 0));
    assert_closes(&counters);

    // When the sink returns, its result changes nothing, and it gets no further record.
    gate.act(Act::Take);
    assert!(gate.given.recv_timeout(LIMIT).is_err(), "the sink is dropped");
    assert_eq!(queue.shutdown(LIMIT), end);
    assert_eq!(queue.counters(), counters);
}

#[test]
fn a_shutdown_that_gives_up_ends_a_more_patient_one() {
    let (queue, gate) = started(Strategy::Drop, 10);
    let patient = thread::spawn({
        let queue = queue.clone();
        move || queue.shutdown(Duration::MAX)
    });
    // The caller with the long deadline closes the queue, and waits.
    while !queue.is_closed() {
        thread::yield_now();
    }
    let end = queue.shutdown(Duration::ZERO);
    assert_eq!(end, Shutdown { delivered: 0, abandoned: 1, sink_errors: 0, completed: false });
    assert_eq!(patient.join().expect("returns"), end);
    drop(gate);
}

#[test]
fn closing_gives_those_who_wait_their_records_back() {
    let (queue, gate) = started(Strategy::Block, 1);
    assert!(queue.try_log(record(1)).is_ok());
    let mut promised = Call::waiting(&queue, 2);
    let mut waiting = Call::waiting(&queue, 3);
    let dropped = Call::waiting(&queue, 4);
    advance(&gate, 1);
    let thread = thread::spawn({
        let queue = queue.clone();
        move || queue.log_blocking(record(5))
    });

    queue.close();
    assert!(queue.is_closed());
    assert_eq!(refusal(thread.join().expect("returns")), (Reason::Closed, 5));
    assert_eq!((promised.woken(), waiting.woken()), (1, 1));
    assert_eq!(promised.poll().map(refusal), Poll::Ready((Reason::Closed, 2)));
    assert_eq!(waiting.poll().map(refusal), Poll::Ready((Reason::Closed, 3)));
    drop(dropped);
    drop(gate);
    assert_eq!(queue.shutdown(LIMIT).delivered, 2);
    assert_eq!(queue.counters().enqueued, 2);
}

#[test]
fn dropping_the_last_handle_drains() {
    let sink = TallySink::new();
    let queue = LogQueue::start(config(Strategy::Drop, 100, 10), sink.clone()).expect("started");
    let other = queue.clone();
    (0..5).for_each(|n| assert!(queue.try_log(record(n)).is_ok()));
    drop(queue);
    assert!(!other.is_closed());
    assert!(other.try_log(record(5)).is_ok());
    drop(other);
    assert_eq!(sink.count(), 6);
}

#[test]
fn a_sink_may_drop_the_last_handle() {
    let slot: Arc<Mutex<Option<LogQueue>>> = Arc::default();
    let (ended, end) = channel::<()>();
    let (go, wait) = channel::<()>();
    let written = Arc::new(AtomicBool::new(false));
    let sink = {
        let (slot, written) = (Arc::clone(&slot), Arc::clone(&written));
        move |_: &RecordRef<'_>| {
            let _still_held = &ended;
            let _ = wait.recv();
            let own = slot.lock().expect("not poisoned").take();
            drop(own);
            written.store(true, Ordering::SeqCst);
            Ok(())
        }
    };
    let queue = LogQueue::start(config(Strategy::Drop, 10, 1), sink).expect("started");
    assert!(queue.try_log(record(0)).is_ok());
    *slot.lock().expect("not poisoned") = Some(queue);
    go.send(()).expect("the sink waits");
    assert!(end.recv_timeout(LIMIT).is_err(), "the worker ends");
    assert!(written.load(Ordering::SeqCst));
}

/// A sink that counts the records that arrive before one that was logged earlier.
fn disorder(producers: usize) -> (Arc<AtomicUsize>, impl Sink + 'static) {
    let disorder = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&disorder);
    let mut next = vec![0_u64; producers];
    let sink = move |record: &RecordRef<'_>| {
        let (producer, sequence) = ((number(record) >> 32) as usize, number(record) & 0xFFFF_FFFF);
        seen.fetch_add(usize::from(sequence != next[producer]), Ordering::SeqCst);
        next[producer] = sequence + 1;
        Ok(())
    };
    (disorder, sink)
}

#[test]
fn threads_that_end_leave_their_records_to_the_worker() {
    const THREADS: u64 = if cfg!(miri) { 20 } else { 2_000 };
    let (disorder, sink) = disorder(1);
    let queue = LogQueue::start(config(Strategy::Block, 100_000, 1_000), sink).expect("started");
    for thread in 0..THREADS {
        let queue = &queue;
        // One thread after the other, so the next one logs later.
        thread::scope(|scope| {
            scope.spawn(move || (0..3).for_each(|n| assert!(queue.log_blocking(record(3 * thread + n)).is_ok())));
        });
    }
    assert_eq!(queue.shutdown(LIMIT).delivered, 3 * THREADS);
    assert_eq!(disorder.load(Ordering::SeqCst), 0);
}

#[test]
fn order_is_kept_when_the_same_logs_come_from_one_thread_after_the_other() {
    const ROUNDS: u64 = if cfg!(miri) { 20 } else { 5_000 };
    let (disorder, sink) = disorder(1);
    let config = Config { batch_timeout: Duration::ZERO, ..config(Strategy::Block, 64, 5) };
    let queue = LogQueue::start(config, sink).expect("started");
    // A number passes back and forth, and the thread that has it logs it.
    let hands = [channel::<u64>(), channel::<u64>()];
    let (sends, receives): (Vec<_>, Vec<_>) = hands.into_iter().unzip();
    sends[0].send(0).expect("received");
    thread::scope(|scope| {
        for (own, receive) in receives.into_iter().enumerate() {
            let (queue, other) = (&queue, sends[1 - own].clone());
            scope.spawn(move || {
                for number in receive.iter().take(ROUNDS as usize) {
                    assert!(queue.log_blocking(record(number)).is_ok());
                    let _ = other.send(number + 1);
                }
            });
        }
    });
    assert_eq!(queue.shutdown(LIMIT).delivered, 2 * ROUNDS);
    assert_eq!(disorder.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_come_and_go_lose_nothing_and_keep_their_order() {
    const TASKS: usize = 10_000;
    let (disorder, sink) = disorder(TASKS);
    let queue = LogQueue::start(config(Strategy::Block, 500, 64), sink).expect("started");
    let tasks: Vec<_> = (0..TASKS as u64)
        .map(|task| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for n in 0..4 {
                    assert!(queue.log(record(task << 32 | n)).await.is_ok());
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends");
    }
    assert_eq!(queue.shutdown(LIMIT).delivered, 4 * TASKS as u64);
    assert_eq!(disorder.load(Ordering::SeqCst), 0);
}

#[test]
fn a_queue_that_many_threads_fill_holds_exactly_what_it_may() {
    const THREADS: u64 = 8;
    for maxsize in [1, 7, 100, 1_000] {
        let (queue, gate) = started(Strategy::Drop, maxsize);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..300).for_each(|n| _ = queue.try_log(record(n))));
            }
        });
        // The worker holds record 0 all the time.
        let c = queue.counters();
        assert_eq!((c.depth, c.depth_high_water), (maxsize as u64, maxsize as u64));
        assert_eq!((c.enqueued, c.dropped), (maxsize as u64 + 1, THREADS * 300 - maxsize as u64));
        drop(gate);
    }
}

#[test]
fn more_threads_than_producers_share_one() {
    let threads = super::core::MOST_PRODUCERS + 20;
    let sink = TallySink::new();
    let queue = LogQueue::start(config(Strategy::Block, 64, 10), sink.clone()).expect("started");
    let all_there = std::sync::Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, || {
                    assert!(queue.log_blocking(record(0)).is_ok());
                    all_there.wait();
                    assert!(queue.log_blocking(record(1)).is_ok());
                })
                .expect("a thread");
        }
    });
    assert_eq!(queue.shutdown(LIMIT).delivered, 2 * threads as u64);
}

#[test]
fn what_is_too_large_for_a_slot_arrives_whole_within_the_budget_and_cut_beyond_it() {
    let long = "é".repeat(5_000);
    let (send, arrived) = channel();
    let sink = move |record: &RecordRef<'_>| {
        let last = record.field("number").is_some();
        let _ = send.send((record.message().to_owned(), record.field("text").is_some(), last, record.is_cut()));
        Ok(())
    };
    let config = Config { text_budget: 25_000, ..config(Strategy::Drop, 10, 3) };
    let queue = LogQueue::start(config, sink).expect("started");
    for _ in 0..3 {
        let record = Record::new(Level::Info, &long).with("text", &long[..100]).with("number", 1_u64);
        assert!(queue.try_log(record).is_ok());
    }
    let lines: Vec<_> = (0..3).map(|_| arrived.recv_timeout(LIMIT).expect("it arrives")).collect();
    for whole in &lines[..2] {
        assert_eq!(*whole, (long.clone(), true, true, false));
    }
    let (message, text, _, cut) = &lines[2];
    assert!(*cut && *text && message.len() >= 100 && long.starts_with(message.as_str()), "{message}");
    assert_eq!(queue.counters().cut, 1);
    // A record that the worker has read no longer counts against the budget.
    assert!(queue.try_log(Record::new(Level::Info, &long)).is_ok());
    queue.close();
    assert_eq!(arrived.recv_timeout(LIMIT).map(|line| line.3), Ok(false));
}

#[test]
fn drop_oldest_keeps_the_newest_and_counts_what_it_removes() {
    let (queue, gate) = started(Strategy::DropOldest, 3);
    for n in 1..=7 {
        assert_eq!(queue.try_log(record(n)), Ok(Accepted { waited: false }));
    }
    let c = queue.counters();
    assert_eq!((c.enqueued, c.evicted, c.depth, c.in_hand, c.dropped), (8, 4, 3, 1, 0));
    for n in 5..=7 {
        advance(&gate, n);
    }
    gate.act(Act::Take);
    assert_eq!(queue.shutdown(LIMIT), Shutdown { delivered: 4, abandoned: 0, sink_errors: 0, completed: true });
}

#[test]
fn drop_oldest_loses_nothing_unsaid_from_many_threads_and_a_sink_that_is_behind() {
    const THREADS: u64 = 4;
    const EACH: u64 = if cfg!(miri) { 50 } else { 20_000 };
    let long = "x".repeat(300);
    let mut last = vec![0; THREADS as usize];
    let sink = move |record: &RecordRef<'_>| {
        let (producer, sequence) = ((number(record) >> 32) as usize, number(record) & 0xFFFF_FFFF);
        // Gaps are allowed, going back is not.
        let ordered = last[producer] < sequence;
        last[producer] = sequence;
        thread::yield_now();
        if ordered { Ok(()) } else { Err(io::Error::other("out of order")) }
    };
    let queue = LogQueue::start(config(Strategy::DropOldest, 100, 40), sink).expect("started");
    thread::scope(|scope| {
        for producer in 0..THREADS {
            let (queue, long) = (&queue, &long);
            scope.spawn(move || {
                for n in 1..=EACH {
                    let record = Record::new(Level::Info, if n % 7 == 0 { long } else { "short" });
                    let _ = queue.try_log(record.with("number", producer << 32 | n));
                    if n % 64 == 0 {
                        assert_closes(&queue.counters());
                    }
                }
            });
        }
    });
    let end = queue.shutdown(LIMIT);
    let c = queue.counters();
    assert_closes(&c);
    assert!(end.completed && c.evicted > 0);
    assert_eq!((c.enqueued + c.dropped, c.sink_errors), (THREADS * EACH, 0));
    assert!(c.depth_high_water <= 100);
}
