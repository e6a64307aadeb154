//! Overrides: values of the command line and the environment that replace a file's values.

use super::axes::{self, AXES, Axis, TOTAL_RATE, Value};
use super::readers::Raw;
use super::settings::{self, SETTINGS};
use super::{Catalog, Diagnostic, Diagnostics, Problem, RunSettings, errors};
use crate::units::excerpt;
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// One replaced axis or setting. It is reported on stderr and kept in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Override {
    /// The axis or the key of `[run]`, as in a scenario file.
    pub key: Untrusted,
    /// The text as given; for an axis, values with commas between.
    pub text: Untrusted,
    /// Who gave it.
    pub source: Source,
}

/// Where an override was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An option of the command line.
    CommandLine,
    /// This environment variable.
    Environment(Untrusted),
}

impl Override {
    /// An override from the command line. `key` is as in a scenario file; `-` may stand for `_`.
    pub fn from_command_line(key: &str, text: impl Into<String>) -> Override {
        let key = key.trim_start_matches('-').replace('-', "_");
        Override { key: key.into(), text: text.into().into(), source: Source::CommandLine }
    }

    /// As in `concurrency = 1,10 (--concurrency)`.
    pub fn sentence(&self) -> Untrusted {
        let (key, text) = (self.key.as_given(), excerpt(self.text.as_given()));
        format!("{key} = {text} ({})", self.spelled()).into()
    }

    fn place(&self) -> &'static str {
        match self.source {
            Source::CommandLine => "command line",
            Source::Environment(_) => "environment",
        }
    }

    /// The key as the user wrote it.
    fn spelled(&self) -> String {
        match &self.source {
            Source::CommandLine => format!("--{}", self.key.as_given().replace('_', "-")),
            Source::Environment(variable) => variable.as_given().to_owned(),
        }
    }

    fn error(&self, problem: Problem) -> Diagnostic {
        Diagnostic::of(self.place(), &self.spelled(), problem)
    }
}

/// All overrides of one invocation, read and ready to be put into scenarios.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    axes: Vec<(&'static Axis, Vec<Value>)>,
    settings: Vec<Override>,
    list: Vec<Override>,
    notes: Vec<String>,
}

impl Overrides {
    /// No overrides.
    #[cfg(test)]
    pub fn none() -> Overrides {
        Overrides::default()
    }

    /// Reads the overrides of the command line and of the `LOAD_TEST_…` variables. If both set the same key, the
    /// command line wins.
    ///
    /// `environment` returns the value of a variable. An empty variable counts as not set.
    ///
    /// # Errors
    /// All unknown keys and wrong values; a key given twice in one place; both `rate` and `total_rate` in one place.
    pub fn read(
        command_line: &[Override],
        environment: &dyn Fn(&str) -> Option<String>,
        catalog: &Catalog,
    ) -> Result<Overrides, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut overrides = Overrides::default();
        for given in command_line {
            overrides.add(given.clone(), catalog, &mut found);
        }
        for axis in AXES.iter().chain([&TOTAL_RATE]) {
            for given in of_environment(axis.name, axis.variables(), environment) {
                overrides.add(given, catalog, &mut found);
            }
        }
        for setting in &SETTINGS {
            for given in of_environment(setting.name, std::iter::once(variable_of(setting.name)), environment) {
                overrides.add(given, catalog, &mut found);
            }
        }
        found.or(overrides)
    }

    /// The overrides, in the order given.
    pub fn list(&self) -> &[Override] {
        &self.list
    }

    /// Notes for the user: variables that the command line overrides, and values that are named twice.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The values that replace the axis of this slot; for `rate`, they may be those of `total_rate`. `None` if there
    /// are none.
    pub(super) fn of_slot(&self, slot: &str) -> Option<&(&'static Axis, Vec<Value>)> {
        self.axes.iter().find(|(axis, _)| axis.slot() == slot)
    }

    /// Replaces the settings.
    pub(super) fn apply(&self, run: &mut RunSettings) {
        for given in &self.settings {
            if let Some(setting) = settings::find(given.key.as_given()) {
                // Read once before, by `add`: it cannot fail now.
                let _ = (setting.set)(run, Raw::Word(given.text.as_given()));
            }
        }
    }

    fn add(&mut self, given: Override, catalog: &Catalog, found: &mut Diagnostics) {
        let slot = axes::find(given.key.as_given()).map_or(given.key.as_given(), Axis::slot);
        let earlier = self
            .list
            .iter()
            .find(|known| axes::find(known.key.as_given()).map_or(known.key.as_given(), Axis::slot) == slot);
        if let Some(earlier) = earlier {
            if earlier.place() != given.place() {
                self.notes.push(format!("{} is ignored: {} stands", given.spelled(), earlier.spelled()));
            } else if earlier.key != given.key || earlier.text != given.text {
                let message = format!("stands beside {}", earlier.spelled());
                found.push(given.error(Problem::new(message, "give one of them")));
            }
            return;
        }
        match self.read_one(&given, catalog) {
            Ok(()) => self.list.push(given),
            Err(problems) => problems.into_iter().for_each(|p| found.push(given.error(p))),
        }
    }

    fn read_one(&mut self, given: &Override, catalog: &Catalog) -> Result<(), Vec<Problem>> {
        if let Some(setting) = settings::find(given.key.as_given()) {
            let mut scratch = RunSettings::default();
            (setting.set)(&mut scratch, Raw::Word(given.text.as_given())).map_err(|problem| vec![problem])?;
            self.settings.push(given.clone());
            return Ok(());
        }
        let Some(axis) = axes::find(given.key.as_given()) else {
            let known = axes::names().chain(SETTINGS.iter().map(|setting| setting.name));
            return Err(vec![Problem::unknown("key", given.key.as_given(), known)]);
        };
        let in_seconds = axis.bare_seconds && matches!(given.source, Source::Environment(_));
        let mut seen = HashSet::new();
        let mut values = Vec::new();
        let mut problems = Vec::new();
        for text in given.text.as_given().split(',').map(str::trim) {
            let raw = if in_seconds { Raw::Seconds(text) } else { Raw::Word(text) };
            match axis.read(raw, catalog) {
                Ok(value) if !seen.insert(value.clone()) => {
                    let value = value.text();
                    self.notes.push(format!("{} names {} twice", given.spelled(), value.quoted()));
                }
                Ok(value) => values.push(value),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            self.axes.push((axis, values));
            Ok(())
        } else {
            Err(problems)
        }
    }
}

fn of_environment(
    key: &str,
    variables: impl Iterator<Item = String>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<Override> {
    let set = variables.filter_map(|variable| {
        let text = environment(&variable).filter(|text| !text.trim().is_empty())?;
        let source = Source::Environment(variable.into());
        Some(Override { key: key.into(), text: text.into(), source })
    });
    set.collect()
}

/// The beginning of the names of all variables.
const PREFIX: &str = "LOAD_TEST_";

fn variable_of(setting: &str) -> String {
    format!("{PREFIX}{}", setting.to_uppercase())
}

/// Returns a note for each of these names that begins with the prefix but is not a known variable. Without the note, a
/// misspelt variable would silently have no effect.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let axes = AXES.iter().chain([&TOTAL_RATE]).flat_map(Axis::variables);
    let known: Vec<String> = axes.chain(SETTINGS.iter().map(|setting| variable_of(setting.name))).collect();
    // Compared without the common prefix, which would make any two names look similar.
    let ends = || known.iter().filter_map(|name| name.strip_prefix(PREFIX));
    let note = |name: String| {
        let end = name.strip_prefix(PREFIX)?;
        if ends().any(|known| known == end) {
            return None;
        }
        let shown = excerpt(&name);
        Some(match errors::nearest(end, ends()) {
            Some(near) => format!("{shown} is ignored: did you mean `{PREFIX}{near}`?"),
            None => format!("{shown} is ignored: no axis and no setting is called that"),
        })
    };
    names.into_iter().filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{QueueSpec, Strategy};

    fn read(line: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Overrides, Diagnostics> {
        let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        let line: Vec<Override> = line.iter().map(|(key, text)| Override::from_command_line(key, *text)).collect();
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| (*text).to_owned())
        };
        Overrides::read(&line, &lookup, &catalog)
    }

    fn values(overrides: &Overrides, slot: &str) -> String {
        let (axis, values) = overrides.of_slot(slot).unwrap();
        let values: Vec<Untrusted> = values.iter().map(Value::text).collect();
        format!("{}={}", axis.name, values.join(","))
    }

    #[test]
    fn the_command_line_outdoes_the_environment() {
        let variables = [("LOAD_TEST_CONCURRENCY", "5"), ("LOAD_TEST_MAXSIZE", "7")];
        let overrides = read(&[("--concurrency", "1, 10")], &variables).unwrap();
        assert_eq!(values(&overrides, "concurrency"), "concurrency=1,10");
        assert_eq!(values(&overrides, "maxsize"), "maxsize=7");
        assert_eq!(overrides.notes(), ["LOAD_TEST_CONCURRENCY is ignored: --concurrency stands"]);
        let said: Vec<Untrusted> = overrides.list().iter().map(Override::sentence).collect();
        assert_eq!(said, ["concurrency = 1, 10 (--concurrency)", "maxsize = 7 (LOAD_TEST_MAXSIZE)"]);
    }

    #[test]
    fn the_story_s_variables_are_understood() {
        let overrides = read(
            &[],
            &[
                ("LOAD_TEST_OVERFLOW", "block"),
                ("LOAD_TEST_QUEUE_SIZE", "64"),
                ("LOAD_TEST_DURATION", "30"),
                ("LOAD_TEST_BATCH_TIMEOUT", "1.0"),
                ("LOAD_TEST_BATCH_SIZE", "10"),
                ("LOAD_TEST_RATE", "100"),
                ("LOAD_TEST_CONCURRENCY", ""),
            ],
        )
        .unwrap();
        assert_eq!(values(&overrides, "strategy"), "strategy=block");
        assert_eq!(values(&overrides, "maxsize"), "maxsize=64");
        assert_eq!(values(&overrides, "duration"), "duration=30s");
        assert_eq!(values(&overrides, "batch_timeout"), "batch_timeout=1s");
        assert_eq!(values(&overrides, "rate"), "rate=100/s");
        assert!(overrides.of_slot("concurrency").is_none());
    }

    #[test]
    fn a_total_takes_the_place_of_a_rate() {
        let overrides = read(&[("total-rate", "10k/s")], &[("LOAD_TEST_RATE", "5")]).unwrap();
        assert_eq!(values(&overrides, "rate"), "total_rate=10000/s");
        assert_eq!(overrides.notes(), ["LOAD_TEST_RATE is ignored: --total-rate stands"]);
    }

    #[test]
    fn settings_can_be_overridden() {
        let overrides = read(&[("repeats", "7"), ("warmup", "2s")], &[]).unwrap();
        let mut run = RunSettings::default();
        overrides.apply(&mut run);
        assert_eq!((run.repeats, run.warmup.to_string().as_str()), (7, "2s"));
    }

    #[test]
    fn settings_can_be_overridden_by_variables() {
        let overrides = read(&[("repeats", "7")], &[("LOAD_TEST_REPEATS", "5"), ("LOAD_TEST_WARMUP", "2s")]).unwrap();
        let mut run = RunSettings::default();
        overrides.apply(&mut run);
        assert_eq!((run.repeats, run.warmup.to_string().as_str()), (7, "2s"));
        assert_eq!(overrides.notes(), ["LOAD_TEST_REPEATS is ignored: --repeats stands"]);
        let error = read(&[], &[("LOAD_TEST_WARMUP", "2")]).unwrap_err();
        assert_eq!(error.to_string(), "environment: LOAD_TEST_WARMUP: `2` has no unit (write \"2s\")");
    }

    #[test]
    fn a_variable_that_means_nothing_is_noted() {
        let set = ["PATH", "LOAD_TEST_CONCURENCY", "LOAD_TEST_QUEUE_SIZE", "LOAD_TEST_REPEATS", "load_test_x"];
        assert_eq!(
            unknown_variables(set.map(str::to_owned)),
            ["LOAD_TEST_CONCURENCY is ignored: did you mean `LOAD_TEST_CONCURRENCY`?"]
        );
        assert_eq!(
            unknown_variables(["LOAD_TEST_FOO".to_owned()]),
            ["LOAD_TEST_FOO is ignored: no axis and no setting is called that"]
        );
    }

    #[test]
    fn all_errors_are_said() {
        let line = [
            ("rate", "1"),
            ("total-rate", "1"),
            ("strategy", "bogus,drop,blok"),
            ("duration", "5"),
            ("repeats", "0"),
            ("concurency", "1"),
        ];
        let variables = [("LOAD_TEST_MAXSIZE", "1"), ("LOAD_TEST_QUEUE_SIZE", "2")];
        assert_eq!(
            read(&line, &variables).unwrap_err().to_string(),
            "command line: --total-rate: stands beside --rate (give one of them)\n\
             command line: --strategy: unknown strategy `bogus` (known: drop, block, sample, drop-oldest)\n\
             command line: --strategy: unknown strategy `blok` (did you mean `block`?)\n\
             command line: --duration: `5` has no unit (write \"5s\")\n\
             command line: --repeats: 0 is out of range (write a whole number, 1 to 1,000)\n\
             command line: --concurency: unknown key `concurency` (did you mean `concurrency`?)\n\
             environment: LOAD_TEST_QUEUE_SIZE: stands beside LOAD_TEST_MAXSIZE (give one of them)"
        );
    }
}
