//! What each column of the table means, and what to do about a bad value.

use crate::render::parts::text::wrap;

/// A column, its meaning, and what to do about a bad value.
const COLUMNS: [(&str, &str, &str); 19] = [
    (
        "tasks, rate, offered",
        "Number of logical producers, logs/s of each, and logs/s of all of them together.",
        "A case that offers less than the target's throughput is marked †: raise `rate` or `concurrency`.",
    ),
    (
        "accepted",
        "Share of the scheduled logs that the queue accepted inside the window and did not evict.",
        "Below `min_accepted`, the queue refused, evicted or delayed too many logs. Look at dropped, evicted and \
         sampled out, then try a larger `maxsize`, a faster sink or larger batches. Under `block` callers wait, so look at response.",
    ),
    (
        "enqueue mean",
        "Mean service time, from call to return, accepted logs only: what logging costs the caller. The target bounds \
         it.",
        "If p99 is far above it, a few calls wait (room, locks, batches) and the mean hides how fast the others are. \
         If p99 is close to it, every call is slow: look at formatting, allocation and placement.",
    ),
    (
        "enqueue p99",
        "99 of 100 accepted calls took at most this long.",
        "`show REPORT --case ID` separates calls that found room (unblocked) from calls that waited (blocked).",
    ),
    (
        "enqueue max",
        "The longest accepted call.",
        "A single value, and not a reproducible one. Run more repeats before you act on it, and look at jitter in \
         `--case ID`: jitter comes from the machine alone.",
    ),
    (
        "response p99",
        "Response time, from the time at which a log was due to the return of its call: 99 of 100 logs took at most \
         this long. Waiting behind an earlier call counts. A log that was never sent counts with its wait so far (≥).",
        "If it is large while enqueue is small, the queue stalls its callers now and then, and enqueue hides that. \
         Never judge a queue by enqueue alone.",
    ),
    (
        "dropped",
        "Refused because the queue was full.",
        "The sink is slower than the load. A larger `maxsize` helps only against bursts.",
    ),
    (
        "sampled out",
        "Refused by the decision of the strategy `sample`.",
        "This is intended, as long as the accepted share is high enough. If it is not, raise `sample_rate`.",
    ),
    (
        "evicted",
        "Accepted, and later removed to make room for a newer log, under the strategy `drop-oldest`.",
        "The sink is slower than the load, and the oldest logs are what is missing. A larger `maxsize` helps only against \
         bursts.",
    ),
    (
        "lost",
        "Accepted and never delivered to the sink: always a failure.",
        "Compare admitted with silent in `--case ID`. The usual cause is a shutdown that gives up early: see drain \
         time and `drain_timeout`.",
    ),
    (
        "verdict",
        "pass; ✗ fail: a limit is broken; ? invalid: the measurement cannot be trusted; ! error: the run broke. The \
         reasons are below.",
        "fail: the marked cell shows which limit. invalid: stop other work on the machine, or run more or longer \
         repeats. error: see the last lines of stderr, which are shown.",
    ),
    (
        "Verdict",
        "One word for the whole report, the first that applies: interrupted, error, fail, regressed, incomparable, \
         inconclusive, invalid, pass. It is `pass` only if the exit code is 0. Without a baseline it is the worst \
         verdict of the cases.",
        "The lines above it name the cases. The line below it says what the gate decided and what to do.",
    ),
    (
        "base → new, shift, interval, margin",
        "A metric that a gate tested: its value in the baseline and in the new report, the shift between them, the \
         confidence interval of the shift (one-sided at `alpha`), and the margin by which it must be worse to count.",
        "It regressed if the shift is worse than the margin and the test shows that this is not chance. It is \
         inconclusive if the interval reaches beyond the margin: more repeats narrow the interval.",
    ),
    (
        "maximum, from, to",
        "Of `find-max`: the highest rate over all tasks at which target and checks hold, and the 95 % interval of it.",
        "If the interval is wide (`found, wide`), raise `--max-runs` or `duration`, or stop other work on the machine.",
    ),
    (
        "knee",
        "The rate from which on the p99 of response rises steeply.",
        "Plan for less than that: between knee and maximum, a little more load costs much more time.",
    ),
    (
        "generator",
        "The highest rate that the load generator can offer by itself, without a queue.",
        "If it is the limit (`? generator's limit`), nothing is known of the queue above it: take `producers = \"lanes\"` \
         or a larger machine.",
    ),
    (
        "limited by, search",
        "What does not hold above the maximum; how the search ended.",
        "`✗ nothing holds`: not even the lowest rate does, so look at one run at a low rate. `? not found`: the runs were \
         invalid, and say why.",
    ),
    (
        "–",
        "No number: nothing was measured, or there are too few samples (a quantile needs 10 samples beyond it).",
        "Raise `duration` or `repeats`.",
    ),
    (
        "Total, Avg",
        "Counts over the valid repeats of all cases; the mean over all their accepted calls.",
        "An average over different cases says little. Judge the rows.",
    ),
];

/// The columns as paragraphs, at most `width` columns wide if that is at least 40.
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
