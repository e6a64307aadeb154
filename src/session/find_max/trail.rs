//! The runs of one search, in order, and what each of them said.

use super::Runs;
use crate::capacity::{Answer, Range, Search};
use crate::matrix;
use crate::measure::CoreToCore;
use crate::plan::{Plan, PlannedRepeat};
use crate::report::{CaseInput, CaseRecord, RepeatRecord, judged};
use crate::run::{CaseRuns, Ending, Measured, Objections, SetAside};
use crate::scenario::{MOST_RATE, Parameters};
use crate::session::assemble;
use crate::units::Rate;
use crate::untrusted::Untrusted;
use crate::verdict::{self, CheckResult, Outcome, Reason, ReasonCode, SearchReason};

/// What a run said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    /// Target and checks hold.
    Holds,
    /// One of them does not, or the queue broke.
    Breaks {
        /// The rate that the queue can probably keep up, if the run offered more, in logs per second.
        throughput: Option<f64>,
    },
    /// The generator was at fault, in most tries: the rate is too high for it beside the queue.
    NotOffered {
        /// What the queue accepted instead, in logs per second.
        throughput: Option<f64>,
    },
    /// The machine was disturbed, in every retry: that says nothing about the rate.
    Disturbed,
    /// A statistic needs more logs than the run had.
    TooFewLogs,
}

impl Said {
    /// What the record of a run at `rate` says, of a target that asks for this accepted share.
    fn of(rate: f64, record: &CaseRecord, min_accepted: f64) -> Self {
        // At its threshold the queue accepts just the least share.
        let accepted = |repeat: &RepeatRecord| repeat.rates.accepted_per_s / min_accepted.max(0.01);
        let below = |throughput: &f64| *throughput < rate && *throughput >= 1.0;
        let throughput = |repeat: Option<&RepeatRecord>| repeat.map(accepted).filter(below);
        match record.verdict.outcome {
            Outcome::Pass => Self::Holds,
            Outcome::Fail | Outcome::Error => Self::Breaks { throughput: throughput(record.repeats.last()) },
            Outcome::Invalid if is_disturbed(record) => Self::Disturbed,
            Outcome::Invalid if lacks_logs(record) => Self::TooFewLogs,
            Outcome::Invalid => {
                Self::NotOffered { throughput: throughput(record.set_aside.last().map(|aside| &aside.measured)) }
            }
        }
    }

    /// What it says of the rate; `None` if it cannot tell.
    pub const fn answer(self) -> Option<Answer> {
        match self {
            Self::Holds => Some(Answer::Holds),
            Self::Breaks { .. } => Some(Answer::Breaks),
            Self::NotOffered { .. } => Some(Answer::NotOffered),
            Self::Disturbed | Self::TooFewLogs => None,
        }
    }

    /// In words, as what is said of a rate.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Breaks { .. } => "does not hold",
            Self::NotOffered { .. } => "was not offered in time",
            Self::Disturbed => "cannot be told: the machine was disturbed",
            Self::TooFewLogs => "cannot be told: too few logs",
        }
    }
}

/// A run.
#[derive(Debug)]
pub struct Run {
    /// The offered rate over all tasks, in logs per second.
    pub rate: f64,
    /// What was run.
    pub repeat: PlannedRepeat,
    /// What came of it, with its retries.
    pub runs: CaseRuns,
    /// Its verdict by itself.
    pub outcome: Outcome,
    /// What it said.
    pub said: Said,
    /// How far apart the CPUs were in its worst try; `None` if it is not known.
    pub core_to_core: Option<CoreToCore>,
}

impl Run {
    /// Its valid measurements are not to be trusted.
    fn discard(&mut self, why: SearchReason) {
        let why = [Reason::Search(why)];
        let why = Objections { reasons: verdict::sentences(&why), reason_codes: verdict::codes(&why) };
        let discarded = self.runs.measured.drain(..).map(|Measured { repeat, measurement }| SetAside {
            repeat,
            measurement,
            why: why.clone(),
        });
        self.runs.set_aside.extend(discarded);
        self.outcome = Outcome::Invalid;
    }
}

/// The runs of one search.
pub struct Trail<'p> {
    plan: &'p Plan,
    case: usize,
    /// Round of the next run: unique among all runs of the case, those of its generator included.
    next: u32,
    runs: Vec<Run>,
    /// How near the CPUs have been to each other in any run, in nanoseconds; `None` if it is not known.
    nearest_ns: Option<u64>,
    /// Whether it is known which runs count.
    is_settled: bool,
}

impl<'p> Trail<'p> {
    /// Of the plan's case of that index; the CPUs have been as near as this in earlier searches.
    pub fn new(plan: &'p Plan, case: usize, nearest_ns: Option<u64>) -> Self {
        Self { plan, case, next: 0, runs: Vec::new(), nearest_ns, is_settled: false }
    }

    /// How near the CPUs have been to each other in any run so far, in nanoseconds; `None` if it is not known.
    pub fn nearest_ns(&self) -> Option<u64> {
        self.nearest_ns
    }

    /// Why a run does not count: the CPUs were farther apart than in others. Its queue may be several times as slow, and the
    /// search would be about the hypervisor.
    pub fn apart(&self, run: &Run) -> Option<SearchReason> {
        let (nearest_ns, apart) = (self.nearest_ns?, run.core_to_core?);
        let ns = apart.worst_ns();
        (!CoreToCore::is_near(ns, nearest_ns)).then_some(SearchReason::CpusApart { ns, nearest_ns })
    }

    /// The maximum is found: whatever later runs, those of the curve, say of the CPUs, its evidence counts.
    pub fn settle(&mut self) {
        self.is_settled = true;
    }

    /// The runs that count.
    pub fn counted(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| self.apart(run).is_none())
    }

    /// Index of the case.
    pub fn case(&self) -> usize {
        self.case
    }

    /// The id of the case without its rate.
    pub fn id(&self) -> Untrusted {
        matrix::id_without_rate(self.parameters())
    }

    /// Name of the queue.
    pub fn queue(&self) -> &'p str {
        self.parameters().queue.as_given()
    }

    /// The parameters of the case, at the rate of the plan.
    pub fn parameters(&self) -> &'p Parameters {
        &self.plan.cases[self.case].parameters
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        u32::try_from(self.runs.len()).unwrap_or(u32::MAX)
    }

    /// The last run.
    pub fn last(&self) -> Option<&Run> {
        self.runs.last()
    }

    /// The runs, in order; those that do not count are discarded, with the reason.
    pub fn into_runs(mut self) -> Vec<Run> {
        let apart: Vec<Option<SearchReason>> = self.runs.iter().map(|run| self.apart(run)).collect();
        for (run, why) in self.runs.iter_mut().zip(apart) {
            why.into_iter().for_each(|why| run.discard(why));
        }
        self.runs
    }

    /// What is known by the runs that count.
    pub fn search(&self, range: Range, precision: f64) -> Search {
        let mut search = Search::new(range, precision);
        for Run { rate, said, .. } in self.counted() {
            said.answer().into_iter().for_each(|answer| search.note(*rate, answer));
            match said {
                Said::Breaks { throughput } | Said::NotOffered { throughput } => {
                    throughput.iter().for_each(|near| search.expect_near(*near));
                }
                Said::TooFewLogs => search.cannot_tell_up_to(*rate),
                Said::Holds | Said::Disturbed => {}
            }
        }
        search
    }

    /// The rate over all tasks that offers this many logs in a window; at least one log a second.
    pub fn least_rate(&self, logs: f64) -> f64 {
        (logs / self.parameters().duration.as_secs_f64()).max(1.0)
    }

    /// The highest rate over all tasks that a scenario may ask for.
    pub fn most_rate(&self) -> f64 {
        MOST_RATE.per_second() * f64::from(self.parameters().concurrency)
    }

    /// The rate of the plan or the target's throughput, whichever is higher, over all tasks.
    pub fn planned_rate(&self) -> f64 {
        let target = self.plan.scenario_of(&self.plan.cases[self.case]).target.throughput.per_second();
        self.parameters().offered_per_second().max(target)
    }

    /// Runs the case at about this rate over all tasks. Returns the rate that was offered, and what the run said.
    ///
    /// # Errors
    /// The search has to end: how it ends.
    pub fn run(&mut self, rate: f64, runs: &mut dyn Runs) -> Result<(f64, Said), Ending> {
        let parameters = self.parameters().clone();
        let (repeat, record, runs) = self.carry_out(rate, parameters, runs)?;
        let rate = repeat.parameters.offered_per_second();
        let said =
            Said::of(rate, &record, self.plan.scenario_of(&self.plan.cases[self.case]).target.min_accepted.as_f64());
        let core_to_core = core_to_core(&runs);
        self.runs.push(Run { rate, repeat, runs, outcome: record.verdict.outcome, said, core_to_core });
        Ok((rate, said))
    }

    /// Runs other parameters at about this rate over all tasks; the run does not become part of the trail.
    ///
    /// # Errors
    /// The search has to end: how it ends.
    pub fn carry_out(
        &mut self,
        rate: f64,
        parameters: Parameters,
        runs: &mut dyn Runs,
    ) -> Result<(PlannedRepeat, CaseRecord, CaseRuns), Ending> {
        let rate = rate_of(rate, parameters.concurrency).unwrap_or(parameters.rate);
        let repeat = self.plan.probe(self.case, self.next, Parameters { rate, ..parameters });
        self.next += 1;
        self.nearest_ns.into_iter().for_each(|nearest| runs.wait_for_near_cpus(nearest));
        let done = runs.run(repeat.clone())?;
        let nearest = core_to_core(&done).map(|apart| apart.worst_ns()).filter(|_| !self.is_settled);
        self.nearest_ns = self.nearest_ns.into_iter().chain(nearest).min();
        let case = self.plan.case_like(self.case, repeat.parameters.clone());
        let input = CaseInput::new(&case, self.plan.scenario_of(&case));
        Ok((repeat, judged(assemble::input(input, done.clone())), done))
    }
}

/// How far apart the CPUs were in the worst try of a run.
fn core_to_core(runs: &CaseRuns) -> Option<CoreToCore> {
    let measured = runs.measured.iter().map(|measured| &measured.measurement);
    let all = measured.chain(runs.set_aside.iter().map(|aside| &aside.measurement));
    all.filter_map(|measurement| measurement.machine.core_to_core).max_by_key(CoreToCore::worst_ns)
}

/// A total as the rate of each task: a whole number of logs per second with at most four digits that count, so that ids
/// stay readable. At least 1 log a second in total, at most what a scenario may ask for.
fn rate_of(total: f64, concurrency: u32) -> Option<Rate> {
    const DIGITS: i32 = 4;
    let magnitude = 10_f64.powi((total.max(1.0).log10().floor() as i32 - (DIGITS - 1)).max(0));
    let whole = ((total / magnitude).round() * magnitude).clamp(1.0, 1e15) as u64;
    let rate = Rate::from_per_second(whole).and_then(|total| total.per_task(concurrency)).ok()?;
    Some(rate.min(MOST_RATE))
}

/// Whether nothing but the machine spoiled a run, with its retries. Such a run says nothing about the rate. The one valid
/// repeat among several is a selection, so the others speak.
pub fn is_disturbed(record: &CaseRecord) -> bool {
    let of_machine = |code: &Untrusted| OF_MACHINE.iter().any(|known| *code == known.word());
    let last = record.set_aside.last().filter(|_| record.repeats.is_empty() || is_outnumbered(record));
    last.is_some_and(|aside| !aside.reason_codes.is_empty() && aside.reason_codes.iter().all(of_machine))
}

fn is_outnumbered(record: &CaseRecord) -> bool {
    record.verdict.reason_codes.iter().any(|code| *code == ReasonCode::Outnumbered.word())
}

/// Whether some check has no number although the run is valid.
fn lacks_logs(record: &CaseRecord) -> bool {
    let has_no_number = |check: &CheckResult| check.outcome == Outcome::Invalid && check.observed.is_none();
    !record.repeats.is_empty() && !is_outnumbered(record) && record.verdict.checks.iter().any(has_no_number)
}

/// The reasons that blame the machine alone.
const OF_MACHINE: [ReasonCode; 6] = [
    ReasonCode::StolenCpu,
    ReasonCode::MachineBusy,
    ReasonCode::MachineMayExplain,
    ReasonCode::MachineBusyInControl,
    ReasonCode::MachineBusyInDrain,
    ReasonCode::Paused,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_four_digits_that_count() {
        for (total, concurrency, expected) in [
            (123_456.0, 1, "123500/s"),
            (123_456.0, 10, "12350/s"),
            (9_999.9, 1, "10000/s"),
            (1_234.5, 3, "1235/3s"),
            (17.4, 1, "17/s"),
            (0.2, 4, "1/4s"),
            (5e9, 2, "1000000/s"),
        ] {
            let rate = rate_of(total, concurrency).map(|rate| rate.to_string());
            assert_eq!(rate.as_deref(), Some(expected), "{total} {concurrency}");
        }
    }
}
