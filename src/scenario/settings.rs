//! The table of `[run]` settings. The scenario file and the command line both use it.

use super::readers::{self, Raw};
use super::{Order, Problem, RunSettings, Until};
use crate::units::{Bytes, Nanos, Ratio};

/// One key of `[run]`.
pub(super) struct Setting {
    /// The key.
    pub name: &'static str,
    /// A short description, shown in `--help`.
    pub summary: &'static str,
    /// Parses a value and sets it.
    pub set: fn(&mut RunSettings, Raw<'_>) -> Result<(), Problem>,
}

const HOUR: Nanos = Nanos::from_secs(3600);
/// Smallest limit of memory: with less, no process of this program gets as far as its queue.
const LEAST_MEMORY: Bytes = Bytes(16 << 20);
const MOST_MEMORY: Bytes = Bytes(16 << 40);

/// Every key of `[run]`.
pub(super) static SETTINGS: [Setting; 16] = [
    Setting {
        name: "warmup",
        summary: "length of the load before the window, which is not recorded; or `steady`",
        set: |run, raw| {
            if raw.is(STEADY) {
                run.steady.warmup = true;
                return Ok(());
            }
            run.steady.warmup = false;
            readers::time(raw, Nanos::ZERO..=HOUR).map(|time| run.warmup = time)
        },
    },
    Setting {
        name: "until",
        summary: "when the window ends: after its `duration`, or when the load is `steady`, at the latest then",
        set: |run, raw| {
            let until = readers::choice(raw, "end", &Until::ALL, Until::name);
            until.map(|until| run.steady.window = until == Until::Steady)
        },
    },
    Setting {
        name: "steady_mean",
        summary: "by how much the mean response of a steady load may move; `none`: it does not count",
        set: |run, raw| bound(raw).map(|bound| run.steady.mean = bound),
    },
    Setting {
        name: "steady_p99",
        summary: "the same for the p99",
        set: |run, raw| bound(raw).map(|bound| run.steady.p99 = bound),
    },
    Setting {
        name: "steady_memory",
        summary: "the same for the memory of the process",
        set: |run, raw| bound(raw).map(|bound| run.steady.memory = bound),
    },
    Setting {
        name: "steady_warmup",
        summary: "longest time for a warm-up that ends when the load is steady",
        set: |run, raw| {
            let time = readers::time(raw, Nanos::from_secs(1)..=HOUR);
            time.map(|time| run.steady.longest_warmup = time)
        },
    },
    Setting {
        name: "repeats",
        summary: "repeats of each case, each in a process of its own",
        set: |run, raw| small_count(raw, 1, 1000).map(|count| run.repeats = count),
    },
    Setting {
        name: "order",
        summary: "order of the repeats: `shuffled` within each round, or `as-written`",
        set: |run, raw| {
            let order = readers::choice(raw, "order", &Order::ALL, Order::name);
            order.map(|order| run.order = order)
        },
    },
    Setting {
        name: "seed",
        summary: "seed of all random draws",
        set: |run, raw| readers::count(raw, 0..=u64::MAX).map(|seed| run.seed = seed),
    },
    Setting {
        name: "control",
        summary: "length of the control before each repeat; with `0s` there is none, and a late repeat is then invalid",
        set: |run, raw| readers::time(raw, Nanos::ZERO..=Nanos::from_secs(1)).map(|time| run.control = time),
    },
    Setting {
        name: "drain_timeout",
        summary: "longest time for the queue to drain",
        set: |run, raw| {
            let time = readers::time(raw, Nanos(1)..=HOUR.saturating_mul(24));
            time.map(|time| run.drain_timeout = Some(time))
        },
    },
    Setting {
        name: "invalid_retries",
        summary: "how many times an invalid repeat is run again, at most",
        set: |run, raw| small_count(raw, 0, 100).map(|count| run.invalid_retries = count),
    },
    Setting {
        name: "skip_unsupported",
        summary: "`true` leaves out strategies that a queue does not have",
        set: |run, raw| readers::boolean(raw).map(|skip| run.skip_unsupported = skip),
    },
    Setting {
        name: "deadline",
        summary: "longest time for one repeat",
        set: |run, raw| {
            let time = readers::time(raw, Nanos(1)..=HOUR.saturating_mul(72));
            time.map(|time| run.deadline = Some(time))
        },
    },
    Setting {
        name: "memory_limit",
        summary: "most memory for one repeat, such as `2GiB`; no limit unless given",
        set: |run, raw| readers::size(raw, LEAST_MEMORY..=MOST_MEMORY).map(|size| run.memory_limit = Some(size)),
    },
    Setting {
        name: "isolate",
        summary: "`false` runs all repeats in one process, for debugging",
        set: |run, raw| readers::boolean(raw).map(|isolate| run.isolate = isolate),
    },
];

/// The setting of that name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The word for a warm-up that ends when the load is steady.
const STEADY: &str = "steady";

/// A bound of a steady load; `None`: it does not count.
fn bound(raw: Raw<'_>) -> Result<Option<Ratio>, Problem> {
    if raw.is("none") {
        return Ok(None);
    }
    let bound = readers::share(raw, Ratio::from_percent(1)..=Ratio::from_percent(100));
    bound.map(Some)
}

fn small_count(raw: Raw<'_>, least: u32, most: u32) -> Result<u32, Problem> {
    let count = readers::count(raw, u64::from(least)..=u64::from(most))?;
    Ok(u32::try_from(count).unwrap_or(most))
}
