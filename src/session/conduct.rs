//! The phases of a run: the plan; where it is held against something, the decision, and what confirms it.

use super::assemble::{self, About, Gathered, Reports};
use super::evidence;
use super::stage::Stage;
use crate::compare::{self, GateDecision, GateOutcome, Settings};
use crate::plan::Layout;
use crate::report::{CaseRecord, Confirmation, GateRecord, GateRound, Report};
use crate::run::{Ending, Execution};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::{ExitOutcome, Reason, Unfinished};
use std::collections::BTreeSet;

/// Decides: base, new, settings.
pub type Judge<'a> = dyn Fn(&Report, &Report, &Settings) -> GateDecision + 'a;

/// What a run is held against, and how.
pub struct Gating<'a> {
    /// Against what.
    pub reference: Reference<'a>,
    /// How.
    pub settings: Settings,
    /// How often cases that look regressed are run again, at most.
    pub confirm: u32,
    /// Decides.
    pub judge: &'a Judge<'a>,
}

/// What a run is held against.
pub enum Reference<'a> {
    /// A saved report.
    Saved {
        /// Its file.
        file: Untrusted,
        /// Its digest.
        digest: Untrusted,
        /// The report.
        report: &'a Report,
    },
    /// What the other program gave in this same run.
    OtherProgram,
}

/// What became of a run.
pub struct Conducted {
    /// Its reports, complete.
    pub reports: Reports,
    /// How it ended.
    pub ending: Ending,
}

/// Carries out the plan, decides, and confirms.
pub fn conduct(stage: &mut Stage<'_>, about: &About, gating: Option<&Gating<'_>>) -> Conducted {
    let all: Vec<usize> = (0..stage.plan.own_cases()).collect();
    let (gathered, ending) = measure(stage, &all, 0);
    let mut reports = assemble::reports(stage.plan, about, &all, gathered.clone());
    if !matches!(ending, Ending::Complete) {
        return Conducted { reports, ending };
    }
    if stage.plan.layout == Layout::Twice {
        compare::calibrate(&mut reports.own);
    }
    let ending = match gating {
        Some(gating) => gate(stage, about, gating, (&mut reports, gathered)),
        None => ending,
    };
    Conducted { reports, ending }
}

/// What these cases give, run now.
fn measure(stage: &mut Stage<'_>, cases: &[usize], round: u32) -> (Gathered, Ending) {
    let repeats = match round {
        0 => stage.plan.repeats.clone(),
        confirmation => stage.plan.rounds(cases, confirmation),
    };
    let Execution { cases: runs, yardstick, ending } = stage.carry_out(repeats, round);
    let interrupted = !matches!(ending, Ending::Complete);
    (Gathered { runs, yardstick: Some(yardstick), interrupted }, ending)
}

/// Decides on the run, and again with fresh repeats on what looks regressed or could not be told.
fn gate(
    stage: &mut Stage<'_>,
    about: &About,
    gating: &Gating<'_>,
    (reports, mut evidence): (&mut Reports, Gathered),
) -> Ending {
    let mut ending = Ending::Complete;
    let first = gating.first_look(reports);
    let family = first.family;
    let mut rounds = vec![GateRound { round: 0, decision: first }];
    for round in 1..=gating.confirm {
        let look = Look::after(&rounds, family);
        let is_suspect = |case: &usize| look.suspects.contains(&stage.plan.cases[*case].id);
        let cases: Vec<usize> = (0..stage.plan.own_cases()).filter(is_suspect).collect();
        if cases.is_empty() {
            break;
        }
        let many = human::counted(cases.len() as u64, "case");
        stage.observer.note(&format!(
            "{many} looked regressed or could not be told; once more, {round} of at most {}",
            gating.confirm
        ));
        let (fresh, end) = measure(stage, &cases, round);
        keep(reports, assemble::reports(stage.plan, about, &cases, fresh.clone()), round);
        let complete = matches!(end, Ending::Complete);
        if complete {
            evidence = evidence::next(stage.plan, &cases, &look.undecided, &mut evidence, fresh);
            let reports = assemble::reports(stage.plan, about, &cases, evidence.clone());
            rounds.push(GateRound { round, decision: gating.look_again(&reports, look.least_family) });
        }
        if !complete {
            ending = end;
            break;
        }
    }
    record(&mut reports.own, gating, rounds, &ending);
    ending
}

/// What the next look is at, and how.
struct Look {
    /// Cases that are run again.
    suspects: BTreeSet<Untrusted>,
    /// Those of them that are judged on all their repeats.
    undecided: BTreeSet<Untrusted>,
    /// Least number of tests to correct for.
    least_family: u64,
}

impl Look {
    /// `family`: number of tests of the first look.
    fn after(rounds: &[GateRound], family: u64) -> Self {
        let last = rounds.last().map(|round| &round.decision);
        let undecided = last.map(compare::undecided).unwrap_or_default();
        Self {
            suspects: last.map(compare::suspects).unwrap_or_default(),
            // Which cases are looked at again depends on repeats that are decided on again.
            least_family: if undecided.is_empty() { 0 } else { family },
            undecided,
        }
    }
}

impl Gating<'_> {
    fn first_look(&self, reports: &Reports) -> GateDecision {
        match &self.reference {
            // The whole baseline: what it has beyond this run is said too.
            Reference::Saved { report, .. } => (self.judge)(report, &reports.own, &self.settings),
            Reference::OtherProgram => self.look_again(reports, 0),
        }
    }

    fn look_again(&self, reports: &Reports, least_family: u64) -> GateDecision {
        let base = match &self.reference {
            Reference::Saved { report, .. } => only(report, &reports.own.cases),
            Reference::OtherProgram => reports.other.clone().unwrap_or_else(|| only(&reports.own, &[])),
        };
        (self.judge)(&base, &reports.own, &Settings { least_family, ..self.settings.clone() })
    }
}

/// The baseline's cases that have these parameters.
fn only(base: &Report, cases: &[CaseRecord]) -> Report {
    let wanted = |case: &&CaseRecord| cases.iter().any(|new| new.parameters == case.parameters);
    let kept = base.cases.iter().filter(wanted).cloned().collect();
    Report { cases: kept, ..shallow(base) }
}

/// All of a report but its cases and what rests on them.
fn shallow(report: &Report) -> Report {
    Report {
        schema_version: report.schema_version,
        tool: report.tool.clone(),
        created_at: report.created_at.clone(),
        interrupted: report.interrupted,
        scenarios: report.scenarios.clone(),
        environment: report.environment.clone(),
        cases: Vec::new(),
        verdict: report.verdict.clone(),
        yardstick: report.yardstick,
        confirmations: Vec::new(),
        gate: None,
        sittings: Vec::new(),
        maxima: Vec::new(),
    }
}

/// Keeps the evidence of a confirmation beside that of the suspicion.
fn keep(reports: &mut Reports, fresh: Reports, round: u32) {
    let confirmation = |report: Report| Confirmation { round, cases: report.cases, yardstick: report.yardstick };
    if let (Some(other), Some(fresh)) = (&mut reports.other, fresh.other) {
        other.confirmations.push(confirmation(fresh));
    }
    reports.own.confirmations.push(confirmation(fresh.own));
}

/// Writes the decision into the report, and how the invocation ends because of it.
fn record(report: &mut Report, gating: &Gating<'_>, rounds: Vec<GateRound>, ending: &Ending) {
    let (outcome, reason) = match ending {
        Ending::Complete => compare::settle(&rounds),
        Ending::Interrupted | Ending::Stopped(_) => {
            (GateOutcome::Inconclusive, Unfinished::Confirmation.to_string().into())
        }
    };
    let (baseline, digest) = match &gating.reference {
        Reference::Saved { file, digest, .. } => (file.clone(), digest.clone()),
        Reference::OtherProgram => ("the other program".into(), Untrusted::default()),
    };
    report.verdict.exit = exit(report.verdict.exit, outcome, gating.settings.allowances.known_failures);
    if !matches!(ending, Ending::Complete) {
        report.interrupted = true;
        report.verdict.exit = ExitOutcome::Interrupted;
        report.verdict.say_first(&Reason::Interrupted(Unfinished::Confirmation));
    }
    report.gate = Some(GateRecord { baseline, digest, outcome, reason, rounds });
}

/// How an invocation ends whose cases end so and whose gate ends so: the first that applies, in the order of `--help`. A
/// gate that passes has seen to it that every case that fails is a known failure, and allowed.
fn exit(cases: ExitOutcome, gate: GateOutcome, failures_allowed: bool) -> ExitOutcome {
    match (cases, gate) {
        (ExitOutcome::Failed, GateOutcome::Pass) if failures_allowed => ExitOutcome::Pass,
        (ExitOutcome::Failed, GateOutcome::Regressed) if failures_allowed => ExitOutcome::Regressed,
        (ExitOutcome::Failed, GateOutcome::Incomparable) if failures_allowed => ExitOutcome::Incomparable,
        (ExitOutcome::Failed, GateOutcome::Inconclusive) if failures_allowed => ExitOutcome::Invalid,
        (ExitOutcome::Interrupted | ExitOutcome::Failed, _) => cases,
        (_, GateOutcome::Failed) => ExitOutcome::Failed,
        (_, GateOutcome::Regressed) => ExitOutcome::Regressed,
        (_, GateOutcome::Incomparable) => ExitOutcome::Incomparable,
        (_, GateOutcome::Inconclusive) => ExitOutcome::Invalid,
        (_, GateOutcome::Pass) => cases,
    }
}

#[cfg(test)]
mod tests;
