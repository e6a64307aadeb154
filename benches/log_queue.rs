//! What the built-in queue costs by itself, and whether its ledger closes after very many logs.
//!
//! `cargo bench --bench log_queue`, or with the names of some of the parts: `call rate saturated fair idle format`.
//! `cargo bench --bench log_queue -- stress LOGS` (`just stress`): very many logs into a sink that takes them at once, then
//! shutdowns under load with a sink that is slow, stalls and fails.
//!
//! Calls are timed in bursts, so that the clock is not part of what it measures.

#[path = "../src/log_queue/racing_tests.rs"]
mod racing;

use queue_load::log_queue::{
    Config, Counters, FileSink, Level, LogQueue, NullSink, Reason, Record, RecordRef, Shutdown, Sink, Strategy, Value,
};
use std::fs::File;
use std::hint::{black_box, spin_loop};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MESSAGE: &str = "request served from the pool after authentication and routing  r";
const PARTS: [(&str, fn()); 6] =
    [("call", call), ("rate", at_10k), ("saturated", saturated), ("fair", fair), ("idle", idle), ("format", format)];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == "stress") {
        let logs = words.get(1).map_or(1_000_000_000, |logs| logs.replace('_', "").parse().expect("a number of logs"));
        stress(logs);
        // About as long again.
        return racing::rounds((logs / 200_000).max(60));
    }
    for (name, part) in PARTS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            part();
        }
    }
}

fn config(strategy: Strategy) -> Config {
    Config { maxsize: 8_192, strategy, batch_size: 512, batch_timeout: Duration::from_millis(10), ..Config::default() }
}

/// The record of a request, with the fields that `queue-load` sends by default.
macro_rules! request {
    ($n:expr) => {
        Record::new(Level::Info, black_box(MESSAGE))
            .with("user_id", 1_000_000_u64)
            .with("route", black_box("/api/v1/orders"))
            .with("duration_ms", 12.75)
            .with("cached", true)
            .with("stamp_id", $n)
            .with("stamp_at", $n)
    };
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

/// One thread, in bursts that the queue has room for, with a pause after each in which the worker clears it.
fn call() {
    for burst in [1_u64, 10, 64, 1_000] {
        let queue = LogQueue::start(config(Strategy::Drop), NullSink).expect("started");
        let rounds = 30_000 / burst + 200;
        let mut costs = Vec::new();
        for round in 0..rounds {
            let start = Instant::now();
            for n in 0..burst {
                let _ = black_box(queue.try_log(request!(round * burst + n)));
            }
            costs.push(start.elapsed().as_nanos() as f64 / burst as f64);
            thread::sleep(Duration::from_micros(if burst == 1_000 { 2_000 } else { 200 }));
        }
        costs.sort_by(f64::total_cmp);
        let mean = costs.iter().sum::<f64>() / costs.len() as f64;
        let counters = queue.counters();
        println!(
            "call, bursts of {burst:5}: mean {mean:7.1} ns, fastest {:6.1}, p50 {:6.1}, p99 {:7.1}; dropped {}",
            quantile(&costs, 0.0),
            quantile(&costs, 0.5),
            quantile(&costs, 0.99),
            counters.dropped
        );
    }
}

/// CPU time of this process, in seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU time of this thread, in seconds.
fn own_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// 10,000 logs a second from a thread that spins between them: the cost of a call, and the CPU time of the worker.
fn at_10k() {
    for json in [false, true] {
        let queue = match json {
            true => LogQueue::start(config(Strategy::Drop), devnull()).expect("started"),
            false => LogQueue::start(config(Strategy::Drop), NullSink).expect("started"),
        };
        let floor = timed(20_000, || _ = black_box(Instant::now()));
        let (start, begin, own) = (Instant::now(), cpu(), own_cpu());
        let mut costs = Vec::new();
        for n in 0..20_000_u64 {
            while start.elapsed() < Duration::from_micros(n * 100) {
                spin_loop();
            }
            let before = Instant::now();
            let _ = black_box(queue.try_log(request!(n)));
            costs.push(before.elapsed().as_nanos() as f64 - floor);
        }
        let worker = (cpu() - begin - (own_cpu() - own)) / start.elapsed().as_secs_f64();
        costs.sort_by(f64::total_cmp);
        let mean = costs.iter().sum::<f64>() / costs.len() as f64;
        println!(
            "10k/s, {}: mean {mean:6.1} ns, p50 {:6.1}, p99 {:7.1}; worker {:.2} % of a core",
            if json { "JSON lines" } else { "null" },
            quantile(&costs, 0.5),
            quantile(&costs, 0.99),
            worker * 100.0
        );
    }
}

/// The fastest of a few batches, in nanoseconds for each time that it is done: a busy machine only adds to it.
fn timed(times: u32, mut work: impl FnMut()) -> f64 {
    let mut batch = || {
        let start = Instant::now();
        (0..times / 100).for_each(|_| work());
        start.elapsed().as_nanos() as f64 / f64::from(times / 100)
    };
    (0..100).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

fn devnull() -> FileSink {
    FileSink::from(File::options().write(true).open("/dev/null").expect("there is one"))
}

/// As fast as it goes, without loss.
fn saturated() {
    for producers in [1, 2, 8, 64] {
        let queue = LogQueue::start(config(Strategy::Block), devnull()).expect("started");
        let each = 4_000_000 / producers;
        let (start, begin) = (Instant::now(), cpu());
        thread::scope(|scope| {
            for _ in 0..producers {
                scope.spawn(|| (0..each).for_each(|n| assert!(queue.log_blocking(request!(n)).is_ok())));
            }
        });
        let end = queue.shutdown(Duration::MAX);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(end.delivered, each * producers);
        println!(
            "saturated, block, JSON lines, {producers:2} producers: {:6.2} M/s, {:.3} CPU s per million",
            end.delivered as f64 / seconds / 1e6,
            (cpu() - begin) / end.delivered as f64 * 1e6
        );
    }
}

/// 64 threads that are always waiting: how evenly the places are given to them.
fn fair() {
    let queue = LogQueue::start(config(Strategy::Block), devnull()).expect("started");
    let over = AtomicBool::new(false);
    let shares: Vec<(u64, Duration)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    let (mut logs, mut longest) = (0, Duration::ZERO);
                    while !over.load(Ordering::Relaxed) {
                        let start = Instant::now();
                        logs += u64::from(queue.log_blocking(request!(logs)).is_ok());
                        longest = longest.max(start.elapsed());
                    }
                    (logs, longest)
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(3));
        over.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().expect("returns")).collect()
    });
    let (sum, squares) = shares
        .iter()
        .fold((0.0, 0.0), |(sum, squares), &(logs, _)| (sum + logs as f64, squares + (logs as f64).powi(2)));
    let longest = shares.iter().map(|&(_, longest)| longest).max().unwrap_or_default();
    println!("fair, block, 64 producers: Jain {:.4}, longest call {longest:?}", sum * sum / (64.0 * squares));
}

fn idle() {
    let queue = LogQueue::start(config(Strategy::Drop), NullSink).expect("started");
    let _ = queue.try_log(request!(0_u64));
    thread::sleep(Duration::from_millis(500));
    let begin = cpu();
    thread::sleep(Duration::from_secs(3));
    println!("idle: {:.3} % of a core", (cpu() - begin) / 3.0 * 100.0);
}

/// The worker's own work: one record as a line of JSON, and of text.
fn format() {
    request!(123_456_789_u64).read(|record: &RecordRef<'_>| {
        let mut out = Vec::new();
        let json = timed(100_000, || {
            out.clear();
            black_box(record).push_json(&mut out);
            black_box(&out);
        });
        println!("format, JSON, {} bytes: {json:.1} ns", out.len());
        let text = timed(100_000, || {
            out.clear();
            black_box(record).push_text(&mut out);
            black_box(&out);
        });
        println!("format, text, {} bytes: {text:.1} ns ({:.2} of JSON)", out.len(), text / json);
    });
    let numbers: Vec<f64> = (0..1_000).map(|n| f64::from(n) * 1.37 + 0.1).collect();
    let floats = |mut write: Box<dyn FnMut(f64)>| timed(1_000, || numbers.iter().for_each(|&n| write(n))) / 1_000.0;
    let zmij = floats(Box::new(|n| _ = black_box(zmij::Buffer::new().format_finite(n).len())));
    let ryu = floats(Box::new(|n| _ = black_box(ryu::Buffer::new().format_finite(n).len())));
    let std = floats(Box::new(|n| _ = black_box(n.to_string().len())));
    println!("format, a number: zmij {zmij:.1} ns, ryu {ryu:.1} ns, std {std:.1} ns");
    let integers =
        |mut write: Box<dyn FnMut(u64)>| timed(1_000, || (0..1_000).for_each(|n| write(n * 7_919))) / 1_000.0;
    let itoa = integers(Box::new(|n| _ = black_box(itoa::Buffer::new().format(n).len())));
    let std = integers(Box::new(|n| _ = black_box(n.to_string().len())));
    println!("format, an integer: itoa {itoa:.1} ns, std {std:.1} ns");
}

/// Many logs from threads that come and go, under each strategy in turn; the counts must add up, each producer's records
/// must come in their order, and what was accepted must be what arrived.
fn stress(logs: u64) {
    const THREADS: u64 = 8;
    const LIFE: u64 = 100_000;
    let rounds = [
        (Strategy::Block, 8_192),
        (Strategy::Drop, 8_192),
        (Strategy::DropOldest, 500),
        (Strategy::Sample, 1_000),
        (Strategy::Block, 7),
    ];
    for (strategy, maxsize) in rounds {
        // A small queue hands over record by record.
        let logs = if maxsize < 100 { logs / 1_000 } else { logs / 4 };
        let arrived = Arc::new(AtomicU64::new(0));
        let disorder = Arc::new(AtomicU64::new(0));
        let mut next = vec![0_u64; THREADS as usize];
        let sink = {
            let (arrived, disorder) = (Arc::clone(&arrived), Arc::clone(&disorder));
            move |record: &RecordRef<'_>| -> io::Result<()> {
                let Some(Value::U64(n)) = record.field("n") else {
                    return Err(io::Error::other("no number"));
                };
                let (lane, sequence) = ((n >> 48) as usize, n & ((1 << 48) - 1));
                if sequence < next[lane] {
                    disorder.fetch_add(1, Ordering::Relaxed);
                }
                next[lane] = sequence + 1;
                arrived.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        };
        let config = Config { maxsize, ..config(strategy) };
        let queue = LogQueue::start(config, sink).expect("started");
        let start = Instant::now();
        let each = logs / THREADS;
        let accepted: u64 = thread::scope(|scope| {
            let lanes: Vec<_> = (0..THREADS)
                .map(|lane| {
                    let queue = &queue;
                    scope.spawn(move || lives(queue, lane, each, LIFE))
                })
                .collect();
            lanes.into_iter().map(|lane| lane.join().expect("returns")).sum()
        });
        let end = queue.shutdown(Duration::MAX);
        let c = queue.counters();
        let rate = logs as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("stress, {strategy} {maxsize}: {} offered, {rate:.2} M/s, {c:?}", each * THREADS);
        assert!(end.completed && closes(&c), "the ledger closes");
        assert_eq!((c.enqueued, c.delivered + c.evicted), (accepted, accepted));
        assert_eq!(c.delivered, arrived.load(Ordering::Relaxed));
        assert_eq!(c.enqueued + c.dropped + c.sampled_out, each * THREADS);
        assert_eq!((disorder.load(Ordering::Relaxed), c.sink_errors), (0, 0));
        assert!(c.depth_high_water <= maxsize as u64);
    }
    println!("the ledger closes");
}

fn closes(c: &Counters) -> bool {
    c.enqueued == c.delivered + c.sink_errors + c.abandoned + c.evicted + c.depth + c.in_hand
}

/// One producer whose logs come from one short-lived thread after the other; the number of those that were accepted.
fn lives(queue: &LogQueue, lane: u64, logs: u64, life: u64) -> u64 {
    let mut accepted = 0;
    let mut from = 0;
    while from < logs {
        let to = logs.min(from + life);
        accepted += thread::scope(|scope| {
            let one = scope.spawn(|| {
                let log = |n: u64| queue.log_blocking(Record::new(Level::Info, "stress").with("n", lane << 48 | n));
                let accepted = (from..to).filter(|&n| log(n).is_ok()).count() as u64;
                assert!(closes(&queue.counters()), "in every snapshot");
                accepted
            });
            one.join().expect("returns")
        });
        from = to;
    }
    accepted
}
