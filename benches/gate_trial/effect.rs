//! Computes the measured effect of each change: the typical value of the old side and of the new side.

use super::judge::changed_picks;
use super::pools::Contest;
use super::reports::{Evidence, records};
use queue_load::internals::units::human;
use queue_load::report::RepeatRecord;

/// A call that took this long met the stall: it is longer than any other call, and shorter than the stall. In
/// nanoseconds.
const STALLED_NS: u64 = 50_000_000;

/// A number of a repeat, its name, and how it is printed.
struct Probe {
    name: &'static str,
    of: fn(&RepeatRecord) -> Option<f64>,
    written: fn(f64) -> String,
    /// Whether the mean over all repeats is used instead of the median.
    mean: bool,
}

/// The numbers that a lane changes.
fn probes(lane: usize) -> Vec<Probe> {
    let latency = |name, of| Probe { name, of, written: human::latency, mean: false };
    match lane {
        3 | 4 => vec![latency("`enqueue`, mean of the fastest 95 %", |one| one.latency.enqueue.trimmed_mean_ns)],
        5 => vec![Probe {
            name: "repeats with a call of over 50 ms",
            of: |one| one.latency.enqueue.max_ns.map(|max| f64::from(u8::from(max >= STALLED_NS))),
            written: human::share,
            mean: true,
        }],
        6 => vec![Probe {
            name: "dropped",
            of: |one| Some(one.ledger.dropped as f64 / one.ledger.attempted as f64),
            written: human::share,
            mean: false,
        }],
        7 => vec![
            latency("`delivery` mean", |one| one.latency.delivery.mean_ns),
            latency("p99", |one| one.latency.delivery.p99_ns.map(|ns| ns as f64)),
        ],
        8 => vec![Probe {
            name: "CPU of the queue for a log",
            of: |one| one.cost.cpu_s_per_million.get("queue").map(|seconds| seconds * 1e3),
            written: human::latency,
            mean: false,
        }],
        _ => Vec::new(),
    }
}

/// The effects of a contest in one line; empty if nothing was changed.
pub fn effects(evidence: &Evidence<'_>, rounds: &[u32], contest: &Contest) -> String {
    let Some((_, lane)) = contest.changed else { return String::new() };
    let sides = changed_picks(evidence.trial, rounds, contest).map(|picks| {
        let of_case = |(case, picks): (&usize, &Vec<_>)| {
            let runs: Vec<_> = picks.iter().filter_map(|pick| evidence.runs(pick)).collect();
            records(evidence.trial, *case, &runs)
        };
        picks.iter().flat_map(of_case).collect::<Vec<RepeatRecord>>()
    });
    let text = |probe: Probe| {
        let [old, new] =
            [&sides[0], &sides[1]].map(|side| middle(side.iter().filter_map(probe.of).collect(), probe.mean));
        let shift =
            if old > 0.0 && !probe.mean { format!(" ({:+.0} %)", (new / old - 1.0) * 100.0) } else { String::new() };
        format!("{} {} → {}{shift}", probe.name, (probe.written)(old), (probe.written)(new))
    };
    probes(lane).into_iter().map(text).collect::<Vec<_>>().join(", ")
}

fn middle(mut values: Vec<f64>, mean: bool) -> f64 {
    if mean {
        return values.iter().sum::<f64>() / values.len() as f64;
    }
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
