//! Whether the machine stayed the same: the fixed piece of work that every report carries.
//!
//! A movement of the yardstick alone is no reason to refuse a decision. It says by how much the machine could have
//! stretched or shrunk a time, and that is compared with the shift of the case and with the margin. Two sides with
//! interleaved repeats met the same machine, whatever it did.

use super::Steadiness;
use super::rank::median;
use crate::report::{CaseRecord, CoreToCore, Report, Yardstick, YardstickReading};
use crate::units::human;
use crate::untrusted::Untrusted;

/// A part of the work.
type Part = (&'static str, fn(&YardstickReading) -> Option<f64>);

const PARTS: [Part; 2] = [("spinning", |reading| reading.spin_ns), ("waking a thread", |reading| reading.ping_pong_ns)];

/// A movement beyond this is worth a note.
const NOTEWORTHY: f64 = 0.05;

/// By how much the machine may have stretched the times of the new report, and by how much it may have shrunk them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed {
    /// At least 1.
    pub(super) slower: f64,
    /// At least 1.
    pub(super) faster: f64,
}

/// By how much the machine may have changed the times of a case, of its baseline and its new side.
pub(super) type SpeedOf<'a> = dyn Fn(&CaseRecord, &CaseRecord) -> Speed + 'a;

impl Speed {
    /// The same for a case whose repeats say how far apart the CPUs were: calls may be as many times slower as a cache line.
    pub(super) fn of_case(self, base: &CaseRecord, new: &CaseRecord) -> Self {
        let Some([before, after]) = moved_cpus(base, new) else { return self };
        Self { slower: self.slower.max(after / before), faster: self.faster.max(before / after) }
    }
}

/// How far apart the CPUs were in most repeats of both sides, in nanoseconds of a cache line's round trip; `None` if it is not
/// known, or nearly the same.
fn moved_cpus(base: &CaseRecord, new: &CaseRecord) -> Option<[f64; 2]> {
    let middle = |case: &CaseRecord| {
        let apart = case.repeats.iter().filter_map(|repeat| repeat.machine.core_to_core);
        let mut apart: Vec<f64> = apart.map(|apart| apart.worst_ns() as f64).collect();
        apart.sort_by(f64::total_cmp);
        median(&apart)
    };
    let both = [middle(base)?, middle(new)?];
    let [before_ns, after_ns] = both.map(|ns| ns as u64);
    let is_same = CoreToCore::is_near(before_ns.max(after_ns), before_ns.min(after_ns));
    (!is_same && before_ns > 0 && after_ns > 0).then_some(both)
}

/// What is said if the CPUs moved in some of these cases.
pub(super) fn moved_in<'c>(pairs: impl Iterator<Item = (&'c CaseRecord, &'c CaseRecord)>) -> Option<Untrusted> {
    let moved: Vec<[f64; 2]> = pairs.filter_map(|(base, new)| moved_cpus(base, new)).collect();
    let [before, after] = moved.first()?.map(human::latency);
    let cases = human::counted(moved.len() as u64, "case");
    Some(
        format!(
            "the CPUs moved in {cases}: in the first, a cache line took {before} to another CPU and back in the baseline, and \
             takes {after} now; times may differ as much"
        )
        .into(),
    )
}

impl Default for Speed {
    /// The machine did not change.
    fn default() -> Self {
        Self { slower: 1.0, faster: 1.0 }
    }
}

/// Whether the repeats of both were interleaved in one run: then both met the same machine.
pub(super) fn interleaved(base: &Report, new: &Report) -> bool {
    base.created_at == new.created_at && base.yardstick == new.yardstick
}

/// Compares the readings of both reports with each other, and the readings within each report.
pub(super) fn steadiness(base: &Report, new: &Report) -> (Steadiness, Speed) {
    let (Some(old), Some(fresh)) = (&base.yardstick, &new.yardstick) else {
        let side = if base.yardstick.is_none() { "the baseline" } else { "the new report" };
        return unknown(&format!("{side} has no yardstick: whether the machine was the same is not known"));
    };
    // A part that only one side has read says nothing about the change between them.
    let parts: Vec<Movement> = PARTS.iter().filter_map(|part| movement(old, fresh, part)).collect();
    let Some(most) = parts.iter().max_by(|a, b| a.largest.total_cmp(&b.largest)) else {
        return unknown("a yardstick has no reading: whether the machine was the same is not known");
    };
    let moved = most.largest > NOTEWORTHY;
    let same = interleaved(base, new);
    let reason = moved.then(|| {
        let what = format!("the machine changed: {}", most.text);
        match same {
            true => format!("{what}; both sides met the same changes, since their repeats were interleaved").into(),
            false => format!("{what}; times may differ by as much").into(),
        }
    });
    let speed = Speed {
        slower: parts.iter().map(|part| part.slower).fold(1.0, f64::max),
        faster: parts.iter().map(|part| part.faster).fold(1.0, f64::max),
    };
    let steadiness = Steadiness { known: true, moved: moved && !same, largest: Some(most.largest), reason };
    (steadiness, if same { Speed::default() } else { speed })
}

fn unknown(reason: &str) -> (Steadiness, Speed) {
    (Steadiness { reason: Some(reason.into()), ..Steadiness::default() }, Speed::default())
}

/// How the time of a part of the work moved.
struct Movement {
    /// The slowest new reading over the fastest old one, at least 1.
    slower: f64,
    /// The median old reading divided by the median new one, at least 1. An alarm is excused by the worst that the
    /// machine did for a moment. Sameness is doubted only for what the machine did all the time.
    faster: f64,
    /// Largest movement within a report or between the two, as a share.
    largest: f64,
    text: String,
}

/// `None` where a side has no reading of the part.
fn movement(base: &Yardstick, new: &Yardstick, (name, of): &Part) -> Option<Movement> {
    let values = |yardstick: &Yardstick| {
        let readings = yardstick.readings().filter_map(|reading| of(&reading));
        let mut values: Vec<f64> = readings.filter(|value| value.is_finite() && *value > 0.0).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (old, fresh) = (values(base), values(new));
    let within = |values: &[f64]| Some(values.last()? / values.first()? - 1.0);
    let (middle, other) = (median(&old)?, median(&fresh)?);
    let between = middle.max(other) / middle.min(other) - 1.0;
    let places = [
        (within(&old)?, "within the baseline"),
        (within(&fresh)?, "within the new report"),
        (between, "between the two"),
    ];
    let (largest, place) = places.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Movement {
        slower: (fresh.last()? / old.first()?).max(1.0),
        faster: (middle / other).max(1.0),
        largest,
        text: format!("{name} moved by {} {place}", human::share(largest)),
    })
}
