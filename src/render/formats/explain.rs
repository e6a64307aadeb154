//! What each column of the table means, and what to do about a bad one.

use crate::render::parts::text::wrap;

/// A column, what it says, and what to do about a bad one.
const COLUMNS: [(&str, &str, &str); 14] = [
    (
        "tasks, rate, offered",
        "Logical producers, logs/s of each, and logs/s of all of them together.",
        "A case that offers less than the target's throughput is marked †: raise `rate` or `concurrency`.",
    ),
    (
        "accepted",
        "Share of the scheduled logs that the queue accepted within the window.",
        "Below `min_accepted` the queue refused or held up too much: see dropped and sampled out, then give it a larger \
         `maxsize`, a faster sink or larger batches; under `block` callers wait, so look at response.",
    ),
    (
        "enqueue mean",
        "Mean time from call to return, accepted logs only: what logging costs the caller. The target is about it.",
        "If p99 is far above it, a few calls wait (room, locks, batches) and the mean hides the rest; if p99 is close, \
         every call is slow: look at formatting, allocation and placement.",
    ),
    (
        "enqueue p99",
        "99 of 100 accepted calls took at most this long.",
        "`show REPORT --case ID` tells calls that found room (unblocked) from those that waited (blocked).",
    ),
    (
        "enqueue max",
        "The longest accepted call.",
        "One value, and not a reproducible one: run more repeats before acting on it, and look at jitter in \
         `--case ID`, which the machine alone causes.",
    ),
    (
        "response p99",
        "From the time at which a log was due to the return of its call: 99 of 100 were done by then. Waiting behind an \
         earlier call counts; a log that was never sent counts with its wait so far (≥).",
        "Large while enqueue is small: the queue stalls its callers now and then, and enqueue hides it. Never judge a \
         queue by enqueue alone.",
    ),
    (
        "dropped",
        "Refused because the queue was full.",
        "The sink is slower than the load: a larger `maxsize` only helps against bursts.",
    ),
    (
        "sampled out",
        "Refused by the sampling decision of `sample`.",
        "Meant, up to the accepted share that you ask for; else raise `sample_rate`.",
    ),
    (
        "lost",
        "Accepted, and never delivered to the sink: always a failure.",
        "Compare admitted with silent in `--case ID`; a shutdown that gives up early is the usual cause: see drain time \
         and `drain_timeout`.",
    ),
    (
        "verdict",
        "pass; ✗ fail: a limit is broken; ? invalid: nobody can tell; ! error: the run broke. The reasons stand below.",
        "Of fail: the cell with the mark is the one. Of invalid: quiet the machine, or run more or longer repeats. Of \
         error: the last lines of stderr are shown.",
    ),
    (
        "Verdict",
        "One word for the whole, the first that applies: interrupted, error, fail, regressed, incomparable, \
         inconclusive, invalid, pass. `pass` stands there only if the exit code is 0. Of a run that was held against \
         nothing it is the worst of its cases.",
        "The lines above it say which cases, the line below it what the gate decided and what to do.",
    ),
    (
        "base → new, shift, interval, margin",
        "What a gate tested: a number of the baseline's repeats and of the new ones, by how much it moved, where that \
         lies between (one-sided at `alpha`, over everything that was tested), and how much worse it has to be to count.",
        "It regressed where the shift is worse than the margin, and the repeats prove that it is no chance. It cannot be \
         told where the interval reaches beyond the margin: more repeats narrow it.",
    ),
    (
        "–",
        "No number: nothing was measured, or there are too few samples (a quantile needs 10 beyond it).",
        "Raise `duration` or `repeats`.",
    ),
    (
        "Total, Avg",
        "Counts over the valid repeats of all cases; the mean over every accepted call of theirs.",
        "An average over different cases says little; judge the rows.",
    ),
];

/// The columns as paragraphs, at most `width` columns wide (from 40 on).
#[must_use]
pub fn explain(width: usize) -> String {
    let width = width.max(40);
    let mut out = "What the columns mean\n".to_owned();
    for (name, meaning, remedy) in COLUMNS {
        out.push_str(&format!("{}\n", wrap(&format!("{name}: {meaning}"), width, 4)));
        out.push_str(&format!("{}\n", wrap(&format!("    If it is bad: {remedy}"), width, 4)));
    }
    out
}
