//! The phases of a run: the plan, and, if the run is compared with something, the decision and its confirmation.

use super::assemble::{self, About, Gathered, Reports};
use super::evidence;
use super::stage::Stage;
use crate::compare::{self, GateDecision, GateOutcome, GateReason, Settings, Settled};
use crate::plan::Layout;
use crate::report::{CaseRecord, Confirmation, GateRecord, GateRound, Report};
use crate::run::{Ending, Execution};
use crate::units::human;
use crate::untrusted::Untrusted;
use crate::verdict::{ExitOutcome, Reason, Unfinished};
use std::collections::BTreeSet;

/// Decides: base, new, settings.
pub type Judge<'a> = dyn Fn(&Report, &Report, &Settings) -> GateDecision + 'a;

/// What a run is compared with, and how.
pub struct Gating<'a> {
    /// What it is compared with.
    pub reference: Reference<'a>,
    /// The settings of the decision.
    pub settings: Settings,
    /// Largest number of times that cases are run again if they look regressed or could not be decided.
    pub confirm: u32,
    /// Decides.
    pub judge: &'a Judge<'a>,
}

/// What a run is compared with.
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
    /// The results of the other program in the same run.
    OtherProgram,
}

/// The result of a run.
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

/// Decides on the report of a search, once: its intervals already say how far another search may be off.
pub fn judge_search(report: &mut Report, gating: &Gating<'_>, ending: &Ending) {
    let (Reference::Saved { report: base, .. }, Ending::Complete) = (&gating.reference, ending) else { return };
    let decision = (gating.judge)(base, report, &gating.settings);
    record(report, gating, vec![GateRound { round: 0, decision }], ending);
}

/// Runs these cases, and returns their results.
fn measure(stage: &mut Stage<'_>, cases: &[usize], round: u32) -> (Gathered, Ending) {
    let repeats = match round {
        0 => stage.plan.repeats.clone(),
        confirmation => stage.plan.rounds(cases, confirmation),
    };
    let Execution { cases: runs, yardstick, ending } = stage.carry_out(repeats, round);
    let interrupted = !matches!(ending, Ending::Complete);
    (Gathered { runs, yardstick: Some(yardstick), interrupted }, ending)
}

/// Decides on the run. Cases that look regressed or could not be decided are run again, and decided again.
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
            "{many} looked regressed or could not be decided; running again, {round} of at most {}",
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

/// The next look at some of the cases.
struct Look {
    /// Cases that are run again.
    suspects: BTreeSet<Untrusted>,
    /// Those of them that are judged on all their repeats.
    undecided: BTreeSet<Untrusted>,
    /// Least number of tests to correct for.
    least_family: u64,
}

impl Look {
    /// The look that follows these rounds. `family` is the number of tests of the first look.
    fn after(rounds: &[GateRound], family: u64) -> Self {
        let last = rounds.last().map(|round| &round.decision);
        let undecided = last.map(compare::undecided).unwrap_or_default();
        Self {
            suspects: last.map(compare::suspects).unwrap_or_default(),
            // The repeats of the first look choose the cases of this one, and count in it again. So the first look's
            // tests must be corrected for, too.
            least_family: if undecided.is_empty() { 0 } else { family },
            undecided,
        }
    }
}

impl Gating<'_> {
    fn first_look(&self, reports: &Reports) -> GateDecision {
        match &self.reference {
            // The whole baseline, so that cases which this run does not have are reported.
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

/// The baseline's cases with these parameters.
fn only(base: &Report, cases: &[CaseRecord]) -> Report {
    let wanted = |case: &&CaseRecord| cases.iter().any(|new| new.parameters == case.parameters);
    let kept = base.cases.iter().filter(wanted).cloned().collect();
    Report { cases: kept, ..shallow(base) }
}

/// A report without its cases and everything that depends on them.
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
        partition: None,
        merged: None,
    }
}

/// Keeps the repeats of a confirmation in the report, apart from those of the first look.
fn keep(reports: &mut Reports, fresh: Reports, round: u32) {
    let confirmation = |report: Report| Confirmation { round, cases: report.cases, yardstick: report.yardstick };
    if let (Some(other), Some(fresh)) = (&mut reports.other, fresh.other) {
        other.confirmations.push(confirmation(fresh));
    }
    reports.own.confirmations.push(confirmation(fresh.own));
}

/// Writes the decision into the report, and the outcome of the invocation that follows from it.
fn record(report: &mut Report, gating: &Gating<'_>, rounds: Vec<GateRound>, ending: &Ending) {
    let Settled { outcome, reason, reason_code } = match ending {
        Ending::Complete => compare::settle(&rounds),
        Ending::Interrupted | Ending::Stopped(_) => Settled {
            outcome: GateOutcome::Inconclusive,
            reason: Unfinished::Confirmation.to_string().into(),
            reason_code: Some(GateReason::ConfirmationInterrupted),
        },
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
    report.gate = Some(GateRecord { baseline, digest, outcome, reason, reason_code, rounds });
}

/// The outcome of an invocation with these outcomes of its cases and its gate: the first one that applies, in the order
/// of `--help`. If the gate passes although cases fail, it has checked that all of them are known failures, which are
/// allowed.
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
