//! The verb `judge`: draws pairs of reports from the pools, runs the gate on them, and counts its answers.

use super::draw::{Draw, Look, Pick, Random, draw};
use super::pools::{BASE, CONTESTS, Contest, Failure, REPEATS, Trial};
use super::reports::{Evidence, Memo};
use super::store::Pools;
use queue_load::compare::{self, Change, GateDecision, GateOutcome, Settings};
use queue_load::internals::compare::{Settled, settle, suspects, undecided};
use queue_load::report::{GateRecord, GateRound, Report, Untrusted};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The result of one draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The final outcome.
    pub outcome: GateOutcome,
    /// The outcome of the first look.
    pub first: GateOutcome,
    /// Whether a changed case is among the cases that regressed.
    pub caught: bool,
    /// The findings about cases that regressed or are inconclusive.
    pub found: BTreeSet<(Change, String)>,
}

/// The results of all draws of a contest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Number of draws.
    pub draws: usize,
    /// Number of repeats on each side of a pair.
    pub each: usize,
    /// Number of rounds to draw from.
    pub rounds: usize,
    /// Number of different repeats in the pools.
    pub repeats: usize,
    /// Number of draws by final outcome.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Number of draws by the outcome of the first look.
    pub first: BTreeMap<&'static str, usize>,
    /// Number of draws in which a changed case regressed.
    pub caught: usize,
    /// Number of draws with each finding about a case that regressed or is inconclusive.
    pub found: BTreeMap<(Change, String), usize>,
}

impl Tally {
    /// Adds the result of one draw.
    pub fn add(&mut self, said: &Said) {
        self.draws += 1;
        *self.outcomes.entry(said.outcome.word()).or_default() += 1;
        *self.first.entry(said.first.word()).or_default() += 1;
        self.caught += usize::from(said.caught);
        for found in &said.found {
            *self.found.entry(found.clone()).or_default() += 1;
        }
    }

    /// Number of draws with this final outcome.
    pub fn ended(&self, outcome: GateOutcome) -> usize {
        self.outcomes.get(outcome.word()).copied().unwrap_or(0)
    }
}

/// Makes both reports of a look, on all of its cases or only those of these ids.
pub type MakePair<'a> = dyn Fn(&Look, Option<&BTreeSet<Untrusted>>) -> (Report, Report) + 'a;

/// Decides on two reports; the number is the least number of tests that it corrects for.
pub type Gate<'a> = dyn Fn(&Report, &Report, u64) -> GateDecision + 'a;

/// Decides as `run --ab-exec` does: on the first look, and where that is to be confirmed, again: on what looked regressed
/// by the fresh one alone, on what could not be told by both together.
pub fn decide(draw: &Draw, pair: &MakePair<'_>, gate: &Gate<'_>, id_of: &dyn Fn(usize) -> Untrusted) -> Vec<GateRound> {
    let (old, new) = pair(&draw.first, None);
    let first = gate(&old, &new, 0);
    let again = suspects(&first);
    let undecided = undecided(&first);
    let least_family = if undecided.is_empty() { 0 } else { first.family };
    let mut rounds = vec![GateRound { round: 0, decision: first }];
    if !again.is_empty() {
        let look = draw.fresh.after(&draw.first, &|case| undecided.contains(&id_of(case)));
        let (old, new) = pair(&look, Some(&again));
        rounds.push(GateRound { round: 1, decision: gate(&old, &new, least_family) });
    }
    rounds
}

/// The last word, and what it rests on. `changed`: ids of the cases that changed.
pub fn said(rounds: Vec<GateRound>, changed: &BTreeSet<Untrusted>) -> Said {
    let first = rounds.first().map_or(GateOutcome::Incomparable, |round| round.decision.outcome);
    let Settled { outcome, reason, reason_code } = settle(&rounds);
    let (baseline, digest) = (Untrusted::default(), Untrusted::default());
    let record = GateRecord { baseline, digest, outcome, reason, reason_code, rounds };
    let mut said = Said { outcome, first, caught: false, found: BTreeSet::new() };
    let Some(decision) = record.decision() else { return said };
    for case in &decision.cases {
        if matches!(case.change, Change::Regressed | Change::Inconclusive) {
            said.found.extend(case.findings.iter().map(|finding| (case.change, label(finding))));
            let open = case.tests.iter().filter(|test| test.change == case.change);
            said.found.extend(open.map(|test| (case.change, format!("by {}", test.metric.as_given()))));
        }
        said.caught |=
            outcome == GateOutcome::Regressed && case.change == Change::Regressed && changed.contains(&case.id);
    }
    if outcome == GateOutcome::Inconclusive && record.rounds.iter().any(|round| round.decision.yardstick.moved) {
        said.found.insert((Change::Inconclusive, "yardstick".to_owned()));
    }
    said
}

/// The rule of a finding, and the metric if the finding names one.
fn label(finding: &impl serde::Serialize) -> String {
    let finding = serde_json::to_value(finding).unwrap_or_default();
    let words = ["metric", "kind"].map(|key| finding.get(key).and_then(Value::as_str).map(str::to_owned));
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The rounds for which the pools have every repeat of the contest.
pub fn whole_rounds(trial: &Trial, pools: &Pools, contest: &Contest) -> Vec<u32> {
    let places = places(trial, contest);
    let last = pools.runs.keys().map(|(_, round)| *round).max();
    let whole = |round: &u32| places.iter().all(|place| pools.settled(*place, *round, trial.retries(*place)).is_some());
    (0..last.map_or(0, |last| last + 1)).filter(whole).collect()
}

/// The indices of all repeats that a contest may draw.
fn places(trial: &Trial, contest: &Contest) -> BTreeSet<usize> {
    let changed: Vec<usize> =
        contest.changed.map_or_else(Vec::new, |(old, new)| old.into_iter().chain([new]).collect());
    let lanes = |case: usize| {
        let base = BASE.into_iter().map(move |lane| trial.place(lane, case));
        base.chain(
            changed.iter().filter(move |lane| trial.runs(**lane, case)).map(move |lane| trial.place(*lane, case)),
        )
    };
    trial.cases(contest).into_iter().flat_map(lanes).collect()
}

/// The lanes of the two sides of a case.
pub fn lanes(trial: &Trial, contest: &Contest, case: usize) -> ([usize; 2], Option<usize>) {
    match contest.changed {
        Some((old, new)) if trial.runs(new, case) => (old.map_or(BASE, |old| [old, old]), Some(new)),
        _ => (BASE, None),
    }
}

/// A contest that is prepared for draws.
struct Drawn<'a> {
    contest: &'a Contest,
    rounds: Vec<u32>,
    each: usize,
    cases: Vec<usize>,
    /// Ids of the cases that changed.
    changed: BTreeSet<Untrusted>,
}

impl<'a> Drawn<'a> {
    fn new(evidence: &Evidence<'_>, contest: &'a Contest) -> Self {
        let trial = evidence.trial;
        let rounds = whole_rounds(trial, evidence.pools, contest);
        let changed = trial.changed(contest).iter().map(|case| trial.plan.cases[*case].id.clone()).collect();
        Self { contest, each: REPEATS.min(rounds.len() / 2), rounds, cases: trial.cases(contest), changed }
    }

    /// One draw. The same index draws the same rounds and sides for every contest, so that unchanged cases get the same
    /// repeats.
    fn say(&self, evidence: &Evidence<'_>, index: usize, memo: &Memo) -> Option<Said> {
        let lanes = |case| lanes(evidence.trial, self.contest, case);
        let draw = draw(&self.rounds, self.each, &self.cases, &lanes, &mut Random::new(index as u64))?;
        let gate = |old: &Report, new: &Report, least_family| {
            compare::gate(old, new, &Settings { least_family, ..Settings::of(new) })
        };
        let id_of = |case: usize| evidence.trial.plan.cases[case].id.clone();
        let pair = |look: &Look, only: Option<&BTreeSet<Untrusted>>| evidence.pair(look, only, memo);
        Some(said(decide(&draw, &pair, &gate, &id_of), &self.changed))
    }
}

/// Makes `draws` draws on all CPUs. Returns the results of each contest, in order.
///
/// # Errors
/// The pools have too few rounds for a single draw.
pub fn contests(evidence: &Evidence<'_>, draws: usize) -> Result<Vec<Tally>, Failure> {
    let all: Vec<Drawn<'_>> = CONTESTS.iter().map(|contest| Drawn::new(evidence, contest)).collect();
    if let Some(few) = all.iter().find(|drawn| drawn.each == 0) {
        return Err(format!("{}: the pools have fewer than two whole rounds", few.contest.name).into());
    }
    let one = |index: usize| {
        let memo = Memo::default();
        all.iter().map(|drawn| drawn.say(evidence, index, &memo)).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<Vec<Vec<Option<Said>>>> = std::thread::scope(|scope| {
        let one = &one;
        let part = move |first: usize| (first..draws).step_by(threads).map(one).collect();
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let tally = |(number, drawn): (usize, &Drawn<'_>)| {
        let rounds = drawn.rounds.len();
        let repeats = places(evidence.trial, drawn.contest).len() * rounds;
        let mut tally = Tally { each: drawn.each, rounds, repeats, ..Tally::default() };
        parts.iter().flatten().filter_map(|said| said[number].as_ref()).for_each(|said| tally.add(said));
        if tally.draws == draws {
            Ok(tally)
        } else {
            Err(format!("{}: not every draw was judged", drawn.contest.name).into())
        }
    };
    all.iter().enumerate().map(tally).collect()
}

/// All repeats of the changed cases: those of the old side, and those of the new side.
pub fn changed_picks(trial: &Trial, rounds: &[u32], contest: &Contest) -> [BTreeMap<usize, Vec<Pick>>; 2] {
    let of = |wanted: &dyn Fn(usize) -> Vec<usize>| {
        let cases = trial.changed(contest).into_iter();
        let picks = |case: usize| {
            let lanes = wanted(case);
            let pick =
                |round: &u32| lanes.iter().map(|lane| Pick { lane: *lane, case, round: *round }).collect::<Vec<_>>();
            rounds.iter().flat_map(pick).collect()
        };
        cases.map(|case| (case, picks(case))).collect()
    };
    let old = |case| match lanes(trial, contest, case).0 {
        [one, other] if one == other => vec![one],
        both => both.to_vec(),
    };
    [of(&old), of(&|case| lanes(trial, contest, case).1.into_iter().collect())]
}
