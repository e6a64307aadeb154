//! The words for how a repeat ended.

use super::LONGEST;
use crate::measure::Measurement;
use crate::plan::{Plan, PlannedRepeat};
use crate::render::Tone;
use crate::run::RepeatOutcome;
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::{self, CaseEvidence, Pooled, judge_case};

/// How a repeat ended.
pub struct Ending {
    /// What it counts as.
    pub kind: Kind,
    /// In a few words.
    pub words: String,
}

/// What a repeat counts as, judged alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It keeps the promise, or has too few samples to decide.
    Fine,
    /// It breaks the promise.
    Failing,
    /// It is discarded.
    SetAside,
    /// It broke.
    Broken,
}

impl Kind {
    /// What the colour of its line says; `None`: nothing.
    pub const fn tone(self) -> Option<Tone> {
        match self {
            Self::Fine => None,
            Self::SetAside => Some(Tone::Doubtful),
            Self::Failing | Self::Broken => Some(Tone::Bad),
        }
    }

    /// The mark in front of its line.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Fine => "",
            Self::Failing => "✗ ",
            Self::SetAside => "? ",
            Self::Broken => "! ",
        }
    }
}

impl Ending {
    /// How a repeat of this plan ended. The verdict on one repeat may differ from the later verdict on its whole case.
    pub fn of(plan: &Plan, repeat: &PlannedRepeat, outcome: &RepeatOutcome) -> Self {
        match outcome {
            RepeatOutcome::Measured(measurement) => {
                let kind = if fails(plan, repeat, measurement) { Kind::Failing } else { Kind::Fine };
                Self { kind, words: counts(measurement) }
            }
            RepeatOutcome::SetAside { reasons, .. } => {
                let words = format!("discarded: {}", Untrusted::join(reasons, "; ").terminal(LONGEST));
                Self { kind: Kind::SetAside, words }
            }
            RepeatOutcome::Error(error) => {
                Self { kind: Kind::Broken, words: format!("error: {}", error.fault.sentence().terminal(LONGEST)) }
            }
        }
    }
}

fn counts(measurement: &Measurement) -> String {
    let (ledger, enqueue) = (&measurement.ledger, &measurement.latency.enqueue);
    let mean = (enqueue.count > 0).then(|| enqueue.sum_ns as f64 / enqueue.count as f64);
    format!(
        "mean {}, {} enqueued, {} refused{}",
        mean.map_or("–".to_owned(), human::latency),
        human::count(ledger.enqueued),
        human::count(ledger.dropped + ledger.sampled_out),
        if ledger.evicted > 0 { format!(", {} evicted", human::count(ledger.evicted)) } else { String::new() }
    )
}

/// Whether the verdict on a case with this repeat alone would be `fail`.
fn fails(plan: &Plan, repeat: &PlannedRepeat, measurement: &Measurement) -> bool {
    let Some(scenario) = plan.cases.get(repeat.case).map(|case| plan.scenario_of(case)) else {
        return false;
    };
    let mut pooled = Pooled::default();
    pooled.add(measurement);
    let evidence = CaseEvidence {
        parameters: &repeat.parameters,
        target: &scenario.target,
        checks: &scenario.checks,
        pooled: &pooled,
        set_aside: &[],
        uncontrolled: 0,
        errors: &[],
    };
    judge_case(&evidence).outcome >= verdict::Outcome::Fail
}
