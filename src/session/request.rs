//! What the caller of a session wants.

use crate::capacity::SearchSettings;
use crate::compare::Allowances;
use crate::plan::{Layout, Partition};
use crate::report::BaselineName;
use crate::scenario::Override;
use crate::units::Ratio;
use std::path::PathBuf;

/// Repeats of a case, if neither the scenario nor the request sets their number.
pub const DEFAULT_REPEATS: u32 = 3;

/// The same if repeats are compared with others: fewer prove too little.
pub const DEFAULT_REPEATS_OF_A_GATE: u32 = 10;

/// Confirmations, if the request does not set their number.
pub const DEFAULT_CONFIRMATIONS: u32 = 1;

/// Scenarios, and the selection of their cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Scenario files, or globs of them.
    pub scenarios: Vec<String>,
    /// Conditions that a case has to meet, as in `strategy=drop,block`.
    pub filters: Vec<String>,
    /// Axes and settings that replace those of the files.
    pub overrides: Vec<Override>,
    /// The part of the plan that is run; `None`: all of it.
    pub partition: Option<Partition>,
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
    /// The layout of a plan for this comparison.
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
    /// In the reports directory, under a new name.
    ReportsDirectory,
    /// In this file. An existing file is replaced.
    File(PathBuf),
}

/// The stopped run that a session continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// The one with the newest journal in the place of the report.
    Newest,
    /// The one with this journal, or with the journal beside this report.
    From(PathBuf),
}

/// Everything that the caller of a session wants.
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
    /// Runs even if the repeats are too few to prove anything.
    pub insist: bool,
    /// Saves the report as a baseline with this name.
    pub save_baseline: Option<BaselineName>,
    /// The directory of baselines, and of reports without a file of their own.
    pub reports_directory: PathBuf,
    /// Where the report goes.
    pub place: Place,
    /// Continues a run that was stopped. Without scenarios, those of its journal apply.
    pub resume: Option<Resume>,
    /// Searches for the highest rate at which each case holds, whatever rates the scenarios name, instead of running
    /// them as they are. A search can be compared with a saved one only: `against` must be [`Against::Nothing`] or
    /// [`Against::Baseline`].
    pub search: Option<SearchSettings>,
    /// The share by which the maximum of a search may fall below the baseline's; `None`: the `min_effect` of the
    /// baseline's scenarios.
    pub max_fall: Option<Ratio>,
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
            max_fall: None,
        }
    }
}

impl Request {
    /// Repeats of a case, if neither its scenario nor an override sets their number.
    #[must_use]
    pub fn default_repeats(&self) -> u32 {
        match (&self.against, &self.save_baseline) {
            (Against::Nothing, None) => DEFAULT_REPEATS,
            _ => DEFAULT_REPEATS_OF_A_GATE,
        }
    }
}
