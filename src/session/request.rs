//! What a session is asked for.

use crate::capacity::SearchSettings;
use crate::compare::Allowances;
use crate::plan::Layout;
use crate::report::BaselineName;
use crate::scenario::Override;
use std::path::PathBuf;

/// Repeats of a case where neither the scenario nor the request says how many.
pub const DEFAULT_REPEATS: u32 = 3;

/// The same, where repeats are compared with others: fewer prove too little.
pub const DEFAULT_REPEATS_OF_A_GATE: u32 = 10;

/// Confirmations, where the request does not say how many.
pub const DEFAULT_CONFIRMATIONS: u32 = 1;

/// Scenarios, and which of their cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Scenario files, or globs of them.
    pub scenarios: Vec<String>,
    /// Conditions that a case has to meet, as in `strategy=drop,block`.
    pub filters: Vec<String>,
    /// Axes and settings that replace those of the files.
    pub overrides: Vec<Override>,
}

/// What the results are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Against {
    /// Nothing: the target and the checks decide.
    #[default]
    Nothing,
    /// A saved report: the name of a baseline, or a file.
    Baseline(String),
    /// Another build of this program, repeat by repeat.
    OtherProgram(PathBuf),
    /// Each other: cases that differ in this axis alone, repeat by repeat.
    Axis(String),
    /// Itself: every repeat is run twice.
    Itself,
}

impl Against {
    /// How the plan is laid out for that.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match self {
            Self::Nothing | Self::Baseline(_) => Layout::Plain,
            Self::OtherProgram(_) => Layout::Programs,
            Self::Axis(axis) => Layout::Across { axis: axis.clone() },
            Self::Itself => Layout::Twice,
        }
    }
}

/// Where the report of a session is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere; there is no journal either.
    #[default]
    Nowhere,
    /// In the reports directory, under a name of its own.
    ReportsDirectory,
    /// In this file, in place of what is there.
    File(PathBuf),
}

/// Which run that was stopped a session goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// That of the newest journal where the report would go.
    Newest,
    /// That of this journal, or of the journal beside this report.
    From(PathBuf),
}

/// All that a session is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Scenarios and cases.
    pub selection: Selection,
    /// What they are compared with.
    pub against: Against,
    /// Most rounds in which suspicious cases are run again; 0: the first look decides.
    pub confirm: u32,
    /// What the gate lets pass.
    pub allowances: Allowances,
    /// Runs although the repeats are too few to prove anything.
    pub insist: bool,
    /// Keeps the report as a baseline of that name.
    pub save_baseline: Option<BaselineName>,
    /// Where baselines are, and reports without a file of their own.
    pub reports_directory: PathBuf,
    /// Where the report goes.
    pub place: Place,
    /// Goes on with a run that was stopped. Without scenarios, with those of its journal.
    pub resume: Option<Resume>,
    /// Searches for the highest rate at which each case holds, whatever rates the scenarios name, instead of running
    /// them as they are. Nothing can be compared with that while it runs; `against` must be [`Against::Nothing`].
    pub search: Option<SearchSettings>,
}

impl Default for Request {
    /// No scenario yet, nothing to compare with, nothing saved; baselines are in `reports`.
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            against: Against::Nothing,
            confirm: DEFAULT_CONFIRMATIONS,
            allowances: Allowances::default(),
            insist: false,
            save_baseline: None,
            reports_directory: PathBuf::from("reports"),
            place: Place::Nowhere,
            resume: None,
            search: None,
        }
    }
}

impl Request {
    /// Repeats of a case where neither its scenario nor an override says how many.
    #[must_use]
    pub fn default_repeats(&self) -> u32 {
        match (&self.against, &self.save_baseline) {
            (Against::Nothing, None) => DEFAULT_REPEATS,
            _ => DEFAULT_REPEATS_OF_A_GATE,
        }
    }
}
