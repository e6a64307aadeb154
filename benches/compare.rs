//! Measures how long the comparison of two large reports takes: 1,000 cases with 10 repeats each, read from their
//! files.
//!
//! `cargo bench --bench compare`

use queue_load::compare::{Options, Settings, compare, gate};
use queue_load::report::{CaseRecord, Report, read, read_verified, write};
use std::path::Path;
use std::time::Instant;

const CASES: u64 = 1_000;
const REPEATS: u32 = 10;

fn main() {
    let one = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report.json");
    let seed = read(&one).expect("the report beside this file is one").report;
    let directory = std::env::temp_dir().join(format!("queue-load-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for two reports");
    let paths = [directory.join("base.json"), directory.join("new.json")];
    for (path, salt) in paths.iter().zip([1, 2]) {
        write(&large(&seed, salt), path).expect("room for two reports");
    }
    let start = Instant::now();
    let [base, new] = paths.map(|path| read_verified(&path).expect("it was just written"));
    println!("read two reports of {CASES} cases x {REPEATS} repeats: {:.0?}", start.elapsed());
    let start = Instant::now();
    let decision = gate(&base, &new, &Settings::default());
    println!("gate: {:.0?} ({})", start.elapsed(), decision.outcome.word());
    let start = Instant::now();
    let comparison = compare(&base, &new, &Options::default());
    println!("compare, every metric: {:.0?} ({} cases)", start.elapsed(), comparison.cases.len());
    std::fs::remove_dir_all(&directory).expect("what was written can be removed");
}

/// A report with the one case of `seed` a thousand times, each with another capacity and repeats that differ by a few
/// percent.
fn large(seed: &Report, salt: u64) -> Report {
    let mut state = salt;
    let mut factor = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1.0 + 0.1 * ((state >> 33) as f64 / (1_u64 << 31) as f64 - 0.5)
    };
    let mut case = |maxsize: u64| {
        let mut case: CaseRecord = seed.cases[0].clone();
        case.parameters.maxsize = maxsize;
        let one = case.repeats[0].clone();
        case.repeats = (0..REPEATS)
            .map(|repeat| {
                let mut copy = one.clone();
                let factor = factor();
                let enqueue = &mut copy.latency.enqueue;
                enqueue.trimmed_mean_ns = enqueue.trimmed_mean_ns.map(|mean| mean * factor);
                enqueue.mean_ns = enqueue.mean_ns.map(|mean| mean * factor);
                copy.slow_calls.iter_mut().for_each(|(_, over)| *over = (*over as f64 * factor) as u64);
                copy.repeat = repeat;
                copy
            })
            .collect();
        case
    };
    Report { cases: (1..=CASES).map(&mut case).collect(), ..seed.clone() }
}
