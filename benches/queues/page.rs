//! What came of it, as Markdown.

use super::cells::{Cell, Paced};
use super::results::{Results, Spread};
use queue_load::internals::units::human;
use queue_load::report::Untrusted;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What everything is compared with.
const OURS: &str = "builtin";
/// What the loop around a burst costs.
const FLOOR: &str = "nothing";
/// The control, and what is a bare channel: no logger.
const NO_LOGGERS: [&str; 6] = ["builtin", "builtin-file", "noop", "nothing", "tokio-mpsc", "crossbeam"];
/// Formats and filters nothing.
const TICKLOG: &str = "ticklog";

/// How a number is written.
type Shown = fn(f64) -> String;

/// The whole section.
pub fn page(results: &Results) -> String {
    let parts = [
        machine(results),
        method(results),
        calls(results),
        net(results),
        saturated(results),
        delivery(results),
        blocked(results),
        promises(results),
        failures(results),
    ];
    parts.concat()
}

fn machine(results: &Results) -> String {
    let e = &results.environment;
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let versions: Vec<String> =
        results.queues.iter().filter(|(name, _)| name != FLOOR).map(|(n, v)| format!("{n} {v}")).collect();
    format!(
        "The machine: {}, {} cores, Linux {}{}; {}, profile {}, commit {}{}; {}. Versions: {}.\n\n",
        or_unknown(e.cpu_model.as_ref().map(Untrusted::quoted)),
        or_unknown(e.cores.map(|cores| cores.to_string())),
        or_unknown(e.kernel.as_ref().map(Untrusted::quoted)),
        if e.virtualised == Some(true) { ", a virtual machine" } else { "" },
        or_unknown(e.rustc.as_ref().map(Untrusted::quoted)),
        or_unknown(e.profile.as_ref().map(Untrusted::quoted)),
        or_unknown(e.git_commit.as_ref().map(|commit| commit.quoted().chars().take(12).collect())),
        if e.git_dirty == Some(true) { " with changes" } else { "" },
        results.begun.get(..10).unwrap_or(&results.begun),
        versions.join(", "),
    )
}

fn method(results: &Results) -> String {
    format!(
        "{} rounds, windows of {:.2} s, each measurement in a process of its own. A cell is the median over the rounds. After it \
         stands how many times that of `builtin` it is: the ratio within each round, its median, and the least and greatest in \
         brackets. A queue holds 8,192 records of four fields and 64 bytes of message. {}\n\n",
        results.rounds,
        results.window,
        results.nearest_ns.map_or_else(
            || "How far apart the CPUs were is not known.".to_owned(),
            |ns| format!(
                "Measured while a cache line took at most {} to another CPU and back.",
                human::latency(2.0 * ns as f64)
            )
        )
    )
}

/// One table: a row for each queue, a column for each setting and number.
fn table(results: &Results, columns: &[(String, Cell, &str, Shown)]) -> String {
    let cells: Vec<Cell> = columns.iter().map(|(_, cell, ..)| *cell).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, ..)| heading.as_str()).collect();
    let mut text = format!("| queue | {} |\n|---|{}\n", headings.join(" | "), "---|".repeat(columns.len()));
    for queue in results.with(&cells) {
        let cell = |(_, cell, name, shown): &(String, Cell, &str, Shown)| match results.spread(*cell, queue, name) {
            None => "–".to_owned(),
            Some(own) if queue == OURS => {
                format!("{} ({} to {})", shown(own.median), shown(own.least), shown(own.most))
            }
            Some(own) => format!("{}{}", shown(own.median), times(results.ratio(*cell, [queue, OURS], name, None))),
        };
        let _ = writeln!(text, "| `{queue}` | {} |", columns.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    text + "\n"
}

fn times(ratio: Option<Spread>) -> String {
    ratio.map_or_else(String::new, |r| format!(", {}x ({} to {})", short(r.median), short(r.least), short(r.most)))
}

fn short(value: f64) -> String {
    match value.abs() {
        0.0..0.995 => format!("{value:.2}"),
        0.995..9.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// What a call costs at 10,000 logs/s, as a repeat measures it.
fn calls(results: &Results) -> String {
    let columns = |name: &'static str| -> Vec<(String, Cell, &str, Shown)> {
        Paced::ALL.map(|paced| (paced.name().to_owned(), Cell::Paced(paced), name, human::latency as Shown)).into()
    };
    let mut text =
        "**What a call costs at 10,000 logs/s** (`drop`, as a repeat measures it): the mean, and then the p99.\n\n"
            .to_owned();
    text += &table(results, &columns("mean"));
    text += &table(results, &columns("p99"));
    let mean = |queue| results.spread(Cell::Paced(Paced::TenSleep), queue, "mean").map(|spread| spread.median);
    if let (Some(noop), Some(ours)) = (mean("noop"), mean(OURS)) {
        let share = noop / ours;
        let _ = writeln!(
            text,
            "`noop` delivers inside the call, so its rows are what the instrument costs: {:.0} % of the mean of `builtin` (ten on \
             lanes that sleep).{}\n",
            100.0 * share,
            if share > 0.5 {
                " **That is most of it: the next table says what the call costs by itself.**"
            } else {
                ""
            }
        );
    }
    text
}

/// What a call costs without the instrument.
fn net(results: &Results) -> String {
    let mut text = "**100 calls timed together**, every 10 ms, from one thread, so that two readings of the clock share \
                    out over 100 calls and nothing else is recorded. `nothing` is the loop itself; `net` is without it.\n\n\
                    | queue | mean of a call | p50 | net, as a multiple of `builtin` |\n|---|---|---|---|\n"
        .to_owned();
    for queue in results.with(&[Cell::Burst]) {
        let number =
            |name| results.spread(Cell::Burst, queue, name).map_or("–".to_owned(), |s| human::latency(s.median));
        let ratio = match queue {
            OURS | FLOOR => String::new(),
            _ => times(results.ratio(Cell::Burst, [queue, OURS], "call_p50", Some(FLOOR))),
        };
        let _ = writeln!(
            text,
            "| `{queue}` | {} | {} | {} |",
            number("call_mean"),
            number("call_p50"),
            ratio.trim_start_matches(", ")
        );
    }
    text + "\n"
}

fn saturated(results: &Results) -> String {
    let per = |count: u32| if count == 1 { "1 producer".to_owned() } else { format!("{count} producers") };
    let rate = Cell::SATURATED.map(|count| (per(count), Cell::Saturated(count), "per_second", human::rate as Shown));
    let cpu = Cell::SATURATED.map(|count| (per(count), Cell::Saturated(count), "cpu_per_million", seconds as Shown));
    let jain = [8, 64].map(|count| (per(count), Cell::Saturated(count), "jain", plain as Shown));
    format!(
        "**As fast as it goes without loss** (`block`, producers that never pause, lines written to `/dev/null` by 64 KiB; \
         `builtin-file` before its own file sink): logs per second, until all are delivered. Here a ratio below 1 is \
         slower than `builtin`.\n\n{}CPU seconds per million of these logs, all threads together:\n\n{}Jain's index over the \
         producers, 1 if all got the same (of many threads on few CPUs, the kernel's scheduler decides as well):\n\n{}",
        table(results, &rate),
        table(results, &cpu),
        table(results, &jain)
    )
}

fn delivery(results: &Results) -> String {
    let cell = Cell::Paced(Paced::TenTasks);
    let columns = [
        ("delivery p50".to_owned(), cell, "delivery_p50", human::latency as Shown),
        ("delivery p99".to_owned(), cell, "delivery_p99", human::latency as Shown),
        ("CPU of the queue's threads, s per million logs".to_owned(), cell, "cpu_queue", seconds as Shown),
    ];
    let invalid = Paced::ALL.map(|paced| (paced.name().to_owned(), Cell::Paced(paced)));
    let mut late: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, cell) in &invalid {
        for queue in results.with(&[*cell]) {
            if results.spread(*cell, queue, "not_valid").is_some_and(|spread| spread.median > 0.0) {
                late.entry(queue).or_default().push(name.clone());
            }
        }
    }
    let mut text = format!(
        "**From the call to the sink, and the queue's CPU time** (ten tokio tasks, 10,000 logs/s; a batch is 512 records or 10 ms, \
         where the queue has batches):\n\n{}",
        table(results, &columns)
    );
    for (queue, names) in late {
        let _ = writeln!(
            text,
            "- `{queue}`: most repeats were not valid with {}: the machine or the queue made the load late.",
            names.join("; ")
        );
    }
    text + "\n"
}

fn blocked(results: &Results) -> String {
    let columns = [
        ("p99 of a call".to_owned(), Cell::Blocked, "p99", human::latency as Shown),
        ("longest call".to_owned(), Cell::Blocked, "max", human::latency as Shown),
        ("Jain's index".to_owned(), Cell::Blocked, "jain", plain as Shown),
    ];
    format!(
        "**The worst caller under `block`**: 64 tokio tasks offer 64,000 logs/s to a queue of 1,024 records before a sink that \
         takes 50,000/s. A call that blocks its thread keeps the other tasks from calling at all, and so looks short.\n\n{}",
        table(results, &columns)
    )
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}

fn plain(value: f64) -> String {
    format!("{value:.3}")
}

/// What was promised of `builtin`: what is promised, what is measured here, and the bound.
fn promised(results: &Results) -> [(&'static str, Option<f64>, Bound); 9] {
    let loggers: Vec<&str> =
        results.queues.iter().map(|(name, _)| name.as_str()).filter(|name| !NO_LOGGERS.contains(name)).collect();
    let formatters: Vec<&str> = loggers.iter().copied().filter(|name| *name != TICKLOG).collect();
    let least = |cell, among: &[&str], name, floor| {
        among
            .iter()
            .filter_map(|rival| results.ratio(cell, [rival, OURS], name, floor))
            .map(|r| r.median)
            .min_by(f64::total_cmp)
    };
    let most = |cell, among: &[&str], name| {
        among
            .iter()
            .filter_map(|rival| results.ratio(cell, [rival, OURS], name, None))
            .map(|r| r.median)
            .max_by(f64::total_cmp)
    };
    let [lanes, tasks] = [Paced::TenSleep, Paced::TenTasks].map(Cell::Paced);
    let against = |cell, other: &str, name, floor| results.ratio(cell, [OURS, other], name, floor).map(|r| r.median);
    let spread = spread_on_lanes(results, OURS);
    let cpu = Cell::SATURATED.map(|count| least(Cell::Saturated(count), &loggers, "cpu_per_million", None));
    [
        ("mean call on lanes, as a multiple of `noop`", against(lanes, "noop", "mean", None), Bound::Most(1.0)),
        ("mean call of tasks, as a multiple of `noop`", against(tasks, "noop", "mean", None), Bound::Most(1.2)),
        (
            "net cost of a call: the fastest that formats or filters, as a multiple of ours",
            least(Cell::Burst, &formatters, "call_p50", Some(FLOOR)),
            Bound::Least(20.0),
        ),
        (
            "net cost of a call, as a multiple of `ticklog`",
            against(Cell::Burst, TICKLOG, "call_p50", Some(FLOOR)),
            Bound::Most(1.5),
        ),
        (
            "p99 of a call on lanes: the fastest logger's, as a multiple of ours",
            least(lanes, &loggers, "p99", None),
            Bound::Least(4.0),
        ),
        ("spread between processes of our mean call on lanes", spread, Bound::Most(0.1)),
        (
            "logs per second of 1 producer, as a multiple of the fastest logger's",
            most(Cell::Saturated(1), &loggers, "per_second").map(|r| 1.0 / r),
            Bound::Least(5.0),
        ),
        (
            "logs per second of 64 producers, likewise",
            most(Cell::Saturated(64), &loggers, "per_second").map(|r| 1.0 / r),
            Bound::Least(4.0),
        ),
        (
            "CPU per million saturated logs: the thriftiest logger's, as a multiple of ours",
            cpu.into_iter().flatten().min_by(f64::total_cmp),
            Bound::Least(1.0),
        ),
    ]
}

/// How far the mean call of ten lanes that sleep differs from process to process.
fn spread_on_lanes(results: &Results, queue: &str) -> Option<f64> {
    results.spread(Cell::Paced(Paced::TenSleep), queue, "mean").map(Spread::width)
}

/// What was promised of `builtin`, and whether it holds here.
fn promises(results: &Results) -> String {
    let mut text = "| what must hold of `builtin` | is | should be | |\n|---|---|---|---|\n".to_owned();
    for (what, value, bound) in promised(results) {
        let is = value.map_or("not measured".to_owned(), short);
        let met = value.map_or("", |value| if bound.holds(value) { "met" } else { "**missed**" });
        let _ = writeln!(text, "| {what} | {is} | {} | {met} |", bound.text());
    }
    if let Some(noop) = spread_on_lanes(results, "noop") {
        let _ =
            write!(text, "\nOf `noop`, which has no queue, the spread is {}: that is the machine's.\n", short(noop));
    }
    text + "\n"
}

#[derive(Clone, Copy)]
enum Bound {
    Least(f64),
    Most(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Least(least) => value >= least,
            Self::Most(most) => value <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Least(least) => format!("≥ {least}"),
            Self::Most(most) => format!("≤ {most}"),
        }
    }
}

fn failures(results: &Results) -> String {
    let mut text = String::new();
    for failure in &results.failures {
        let _ = writeln!(text, "- could not be measured: {}", failure.replace('\n', " "));
    }
    text
}
