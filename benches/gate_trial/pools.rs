//! What the trial measures. A lane is a queue with its own pool of repeats. This file defines the lanes, and the order
//! in which they run.

use super::draw::{Random, shuffle};
use queue_load::adapter::Registry;
use queue_load::internals::plan::{Plan, PlannedRepeat};
use queue_load::internals::scenario::{self, Context, Override, Overrides, Selector, Strategy};
use queue_load::internals::units::Nanos;
use queue_load::internals::worker::RepeatHost;
use serde::{Deserialize, Serialize};

/// Any error, with its message.
pub type Failure = Box<dyn std::error::Error>;

/// Number of repeats on each side of a pair, if the pools have that many.
pub const REPEATS: usize = 10;

/// Largest number of rounds.
pub const MOST_ROUNDS: u32 = 1_000;

/// The cases that a lane runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cases {
    /// The cases of both scenarios.
    All,
    /// The cases of the default scenario.
    Default,
    /// The case of the default scenario with `drop` and 10 tasks.
    One,
}

/// A queue, and the cases that it runs.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Its name.
    pub name: &'static str,
    /// The cases that it runs.
    pub cases: Cases,
}

/// All lanes. Repeats are stored under their index here. The code as it is has two lanes, so that each round contains a
/// pair of it.
pub const LANES: [Lane; 9] = [
    Lane { name: "as it is", cases: Cases::All },
    Lane { name: "as it is, again", cases: Cases::All },
    Lane { name: "20 µs", cases: Cases::One },
    Lane { name: "20 µs, +20 %", cases: Cases::One },
    Lane { name: "+3 µs", cases: Cases::One },
    Lane { name: "stall", cases: Cases::Default },
    Lane { name: "drop", cases: Cases::One },
    Lane { name: "late", cases: Cases::One },
    Lane { name: "CPU", cases: Cases::One },
];

/// The two lanes of the code as it is.
pub const BASE: [usize; 2] = [0, 1];

/// Parameters of the lanes' queues, in nanoseconds, computed from measurements of the code as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Time to spin after a call, so that the call takes 20 µs.
    pub to_20_us: u64,
    /// Time from the call to the delivery of a late record: ten times the mean delivery.
    pub late: u64,
}

/// Typical times of the code as it is, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Typical {
    /// Mean of the fastest 95 % of `enqueue`.
    pub enqueue: f64,
    /// Mean of `delivery`.
    pub delivery: f64,
}

impl Calibration {
    /// The parameters that follow from a typical measurement.
    pub fn of(typical: Typical) -> Self {
        Self { to_20_us: (20_000.0 - typical.enqueue).max(0.0) as u64, late: (10.0 * typical.delivery) as u64 }
    }

    /// The name of a lane's queue, which contains its parameters.
    pub fn queue_of(&self, lane: usize) -> String {
        let to_20_us = self.to_20_us;
        match lane {
            2 => format!("spun:{to_20_us}"),
            3 => format!("spun:{}", to_20_us + 4_000),
            4 => "spun:3000".to_owned(),
            5 => "stalled:60000000/10000000000".to_owned(),
            6 => "dropping:100".to_owned(),
            7 => format!("late:20/{}", self.late),
            8 => "burning:1".to_owned(),
            _ => "builtin".to_owned(),
        }
    }
}

/// A comparison that the gate must judge: the cases of one scenario, some of which run another lane on the new side.
#[derive(Clone, Copy, Debug)]
pub struct Contest {
    /// A short description.
    pub name: &'static str,
    /// Index of the scenario in the plan.
    pub scenario: usize,
    /// The lanes of the changed cases: that of the old side (`None`: the code as it is) and that of the new side.
    /// `None`: nothing is changed.
    pub changed: Option<(Option<usize>, usize)>,
}

/// All contests.
pub const CONTESTS: [Contest; 8] = [
    Contest { name: "default, nothing changed", scenario: 0, changed: None },
    Contest { name: "smoke, nothing changed", scenario: 1, changed: None },
    Contest { name: "+20 % of a call of 20 µs", scenario: 0, changed: Some((Some(2), 3)) },
    Contest { name: "+3 µs on a call of about 1 µs", scenario: 0, changed: Some((None, 4)) },
    Contest { name: "a stall of 60 ms once in 10 s", scenario: 0, changed: Some((None, 5)) },
    Contest { name: "1 % of the logs dropped", scenario: 0, changed: Some((None, 6)) },
    Contest { name: "5 % of the logs delivered ten times later", scenario: 0, changed: Some((None, 7)) },
    Contest { name: "CPU of the queue doubled", scenario: 0, changed: Some((None, 8)) },
];

/// The scenarios with their cases and rounds.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The plan of both scenarios; the default one is first.
    pub plan: Plan,
    /// Index of the case that most lanes run.
    pub one: usize,
}

impl Trial {
    /// The trial with `rounds` rounds, and windows of length `window`; `None`: as the scenarios say.
    ///
    /// # Errors
    /// The errors of a scenario.
    pub fn new(rounds: u32, window: Option<Nanos>) -> Result<Self, Failure> {
        let catalog = Registry::<RepeatHost>::with_own().catalog();
        let mut given = vec![Override::from_command_line("repeats", rounds.to_string())];
        // The parts that are not recorded are short, so that more rounds fit into the time.
        given.extend(
            [("warmup", "200ms"), ("control", "100ms")].map(|(key, text)| Override::from_command_line(key, text)),
        );
        given.extend(window.map(|window| Override::from_command_line("duration", window.to_string())));
        let overrides = Overrides::read(&given, &|_| None, &catalog)?;
        let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: rounds };
        let files: [(&str, &[u8]); 2] = [
            ("scenarios/default.toml", include_bytes!("../../scenarios/default.toml")),
            ("scenarios/smoke.toml", include_bytes!("../../scenarios/smoke.toml")),
        ];
        let scenarios = files.map(|(name, text)| scenario::parse(name, text, context));
        let scenarios = scenarios.into_iter().collect::<Result<Vec<_>, _>>()?;
        let plan = Plan::new(scenarios, &catalog, &Selector::default())?;
        let is_one = |p: &scenario::Parameters| p.strategy == Strategy::Drop && p.concurrency == 10;
        let one = plan.cases.iter().position(|case| case.scenario == 0 && is_one(&case.parameters));
        let one = one.ok_or("the default scenario has no case with drop and 10 tasks")?;
        Ok(Self { plan, one })
    }

    /// Whether a lane runs a case.
    pub fn runs(&self, lane: usize, case: usize) -> bool {
        match LANES[lane].cases {
            Cases::All => true,
            Cases::Default => self.plan.cases[case].scenario == 0,
            Cases::One => case == self.one,
        }
    }

    /// Index of a lane's case among the cases of all lanes.
    pub fn place(&self, lane: usize, case: usize) -> usize {
        lane * self.plan.cases.len() + case
    }

    /// Largest number of times that an invalid repeat is run again.
    pub fn retries(&self, place: usize) -> u32 {
        let case = &self.plan.cases[place % self.plan.cases.len()];
        self.plan.scenario_of(case).run.invalid_retries
    }

    /// The cases of a contest.
    pub fn cases(&self, contest: &Contest) -> Vec<usize> {
        (0..self.plan.cases.len()).filter(|case| self.plan.cases[*case].scenario == contest.scenario).collect()
    }

    /// The cases of a contest that are changed.
    pub fn changed(&self, contest: &Contest) -> Vec<usize> {
        let Some((_, new)) = contest.changed else { return Vec::new() };
        self.cases(contest).into_iter().filter(|case| self.runs(new, *case)).collect()
    }

    /// The repeats of one round in the order of `run --ab-exec`: the cases as the scenario shuffles them, and the lanes
    /// of a case one right after the other, in random order, so that they meet the same machine. The lanes of a case
    /// share its seed, as two programs do.
    pub fn round(&self, round: u32, calibration: &Calibration) -> Vec<PlannedRepeat> {
        let of_round = self.plan.repeats.iter().filter(|planned| planned.repeat == round);
        let lanes = |planned: &PlannedRepeat| {
            let mut lanes: Vec<usize> = (0..LANES.len()).filter(|lane| self.runs(*lane, planned.case)).collect();
            shuffle(&mut lanes, &mut Random::new(planned.seed));
            lanes
        };
        let with_lane = |planned: &PlannedRepeat, lane: usize| {
            let mut repeat = planned.clone();
            repeat.parameters.queue = calibration.queue_of(lane).into();
            repeat.case = self.place(lane, planned.case);
            repeat
        };
        of_round.flat_map(|planned| lanes(planned).into_iter().map(move |lane| with_lane(planned, lane))).collect()
    }

    /// The repeats of the code as it is that calibrate the lanes' queues.
    pub fn to_calibrate(&self, repeats: u32) -> Vec<PlannedRepeat> {
        let of_one = self.plan.repeats.iter().filter(|planned| planned.case == self.one);
        of_one.take(repeats as usize).cloned().collect()
    }
}
