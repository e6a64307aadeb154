//! The arguments of `run` that compare its measurements with something.

use crate::cli::args::{AllowanceArgs, ScenarioArgs};
use crate::report::BaselineName;
use crate::scenario::{AXES, Override};
use crate::session::{Against, DEFAULT_CONFIRMATIONS};
use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

/// Largest number of confirmations.
const MOST_CONFIRMATIONS: i64 = 10;

/// What a run is compared with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Baselines and comparisons (10 repeats unless told otherwise)")]
pub struct GatingArgs {
    /// Fail if a case regressed compared with this report: a name given to --save-baseline, or a file
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["ab", "ab_exec", "calibrate"])]
    pub baseline: Option<String>,
    /// Save the report as a baseline of this name in the reports directory, replacing an earlier one
    #[arg(long, value_name = "NAME", conflicts_with_all = ["ab", "ab_exec"])]
    pub save_baseline: Option<BaselineName>,
    /// Run cases again that look regressed or are inconclusive, at most N times; 0 accepts the first result
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CONFIRMATIONS,
          value_parser = clap::value_parser!(u32).range(0..=MOST_CONFIRMATIONS))]
    pub confirm: u32,
    #[command(flatten)]
    pub allowances: AllowanceArgs,
    /// Run even if there are too few repeats to prove a regression
    #[arg(long)]
    pub insist: bool,
    /// Compare values of one axis, with interleaved repeats: queue=builtin,noop
    #[arg(long, value_name = "AXIS=A,B", conflicts_with_all = ["ab_exec", "calibrate"])]
    pub ab: Option<Ab>,
    /// Compare this program with another build of it, with interleaved repeats; fail if a case regressed
    #[arg(long, value_name = "OLD_BINARY", conflicts_with = "calibrate")]
    pub ab_exec: Option<PathBuf>,
    /// Compare every case with itself: shows how far repeats spread, which slow-down could be found, and how many
    /// repeats are needed
    #[arg(long)]
    pub calibrate: bool,
}

/// An axis, and the values of it to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ab {
    /// The axis.
    pub axis: &'static str,
    /// Its values, as in an override.
    pub values: String,
}

impl FromStr for Ab {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "write an axis and two or more of its values, as in queue=builtin,noop".to_owned();
        let (name, values) = text.split_once('=').ok_or_else(shape)?;
        let axis = AXES.iter().find(|axis| axis.name == name.trim().replace('-', "_")).ok_or_else(|| {
            let names: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
            format!("`{name}` is no axis (known: {})", names.join(", "))
        })?;
        if values.split(',').filter(|value| !value.trim().is_empty()).count() < 2 {
            return Err(shape());
        }
        Ok(Self { axis: axis.name, values: values.to_owned() })
    }
}

impl GatingArgs {
    /// The labels of the first value of `--ab` and of the others.
    pub fn sides(&self) -> (String, String) {
        let Some(ab) = &self.ab else { return (String::new(), String::new()) };
        let (first, others) = ab.values.split_once(',').unwrap_or((&ab.values, ""));
        (format!("{}={}", ab.axis, first.trim()), format!("{}={}", ab.axis, others.trim()))
    }

    /// What the results are compared with.
    pub fn against(&self) -> Against {
        match (&self.ab, &self.ab_exec, &self.baseline) {
            (Some(ab), ..) => Against::Axis(ab.axis.to_owned()),
            (_, Some(program), _) => Against::OtherProgram(program.clone()),
            (.., Some(baseline)) => Against::Baseline(baseline.clone()),
            _ if self.calibrate => Against::Itself,
            _ => Against::Nothing,
        }
    }

    /// Applies the consequences of these arguments to the arguments of the scenarios.
    ///
    /// # Errors
    /// The axis of `--ab` is also given by its own option.
    pub fn apply_to(&self, scenarios: &mut ScenarioArgs) -> Result<(), String> {
        let Some(ab) = &self.ab else { return Ok(()) };
        let option = ab.axis.replace('_', "-");
        let taken = |given: &Override| {
            given.key == ab.axis || (ab.axis == "rate" && given.key == crate::scenario::TOTAL_RATE.name)
        };
        if scenarios.overrides.iter().any(taken) {
            return Err(format!("--ab {} and --{option} both say what the axis is; leave one out", ab.axis));
        }
        scenarios.overrides.push(Override::from_command_line(ab.axis, ab.values.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_and_two_values() {
        let ab = |text: &str| text.parse::<Ab>();
        let queue = Ab { axis: "queue", values: "builtin,noop".into() };
        assert_eq!(ab("queue=builtin,noop"), Ok(queue));
        assert_eq!(ab("batch-size=1,2,3").map(|ab| ab.axis), Ok("batch_size"));
        for (text, expected) in [
            ("queue", "write an axis"),
            ("queue=a", "write an axis"),
            ("queue=a,", "write an axis"),
            ("que=a,b", "no axis"),
        ] {
            assert!(ab(text).is_err_and(|error| error.contains(expected)), "{text}");
        }
    }
}
