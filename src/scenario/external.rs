//! A queue that another program puts under load: what `[queues.NAME]` says of it, and what the program says itself.

use super::axes::AXES;
use super::{Parameters, Position, Strategy};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `[queues.NAME]`: a queue whose repeats a program of its own carries out, speaking `docs/PROTOCOL.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalQueue {
    /// Its name in the matrix.
    pub name: String,
    /// The program and its arguments, as written; at least one word.
    pub command: Vec<String>,
    /// Variables that are added to our own environment, or take the place of ours.
    pub env: Vec<(String, String)>,
    /// Where the program runs, as written; `None`: the scenario file's directory.
    pub working_dir: Option<String>,
    /// The command that installs what the program needs, for the message that says it is not there.
    pub setup: Option<String>,
    /// Where it stands.
    pub position: Position,
    /// What the program said that it can do; `None` until it was asked.
    pub capabilities: Option<Capabilities>,
}

impl ExternalQueue {
    /// Where the program runs: its `working_dir`, seen from the directory of the scenario file.
    pub fn directory(&self, scenario_file: &str) -> PathBuf {
        let base = Path::new(scenario_file).parent().unwrap_or(Path::new(""));
        let directory = base.join(self.working_dir.as_deref().unwrap_or(""));
        if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory }
    }

    /// The command as one line, for people.
    pub fn command_line(&self) -> String {
        self.command.join(" ")
    }
}

/// What a program can do, by its own word in `hello`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The strategies that it has.
    pub strategies: Vec<Strategy>,
    /// Of those: the ones under which a call blocks its thread.
    #[serde(default)]
    pub blocks_caller: Vec<Strategy>,
    /// The axes that it honours, each as `axis` (any value) or `axis=value`. Every program honours queue, strategy,
    /// maxsize, concurrency, rate and duration; of an axis that is not named it has the default, and nothing else.
    #[serde(default)]
    pub axes: Vec<String>,
}

impl Capabilities {
    /// The first axis whose value in this case the program does not have.
    pub fn lacking_axis(&self, parameters: &Parameters) -> Option<&'static str> {
        let defaults = Parameters::default();
        let lacks = |axis: &&super::Axis| {
            let value = axis.get(parameters);
            let mut named = self.values_of(axis.name).peekable();
            match named.peek() {
                None => value != axis.get(&defaults),
                Some(_) => {
                    let text = value.to_string();
                    !named.any(|known| known.is_none_or(|known| known == text))
                }
            }
        };
        AXES.iter().filter(|axis| !axis.always_in_id).find(lacks).map(|axis| axis.name)
    }

    /// What the program has of an axis, in words.
    pub fn described(&self, axis: &str) -> String {
        let named: Vec<&str> = self.values_of(axis).flatten().collect();
        if !named.is_empty() {
            return named.join(", ");
        }
        let default = super::axes::find(axis).and_then(super::Axis::default);
        default.map_or_else(String::new, |default| default.to_string())
    }

    /// The values named of an axis; `None` stands for any.
    fn values_of<'a>(&'a self, axis: &'a str) -> impl Iterator<Item = Option<&'a str>> {
        self.axes.iter().filter_map(move |entry| match entry.split_once('=') {
            Some((name, value)) => (name == axis).then_some(Some(value)),
            None => (entry == axis).then_some(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Pacing, Producers};
    use crate::units::Nanos;

    #[test]
    fn an_axis_that_is_not_named_has_its_default_only() {
        let can = |axes: &[&str]| Capabilities {
            strategies: vec![Strategy::Drop],
            axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
            ..Capabilities::default()
        };
        let usual = Parameters { maxsize: 7, concurrency: 3, ..Parameters::default() };
        let sleepy = Parameters { pacing: Pacing::Sleep, ..usual.clone() };
        let slow = Parameters { sink_delay: Nanos(5), ..usual.clone() };
        let lanes = Parameters { producers: Producers::Lanes, pacing: Pacing::Sleep, ..usual.clone() };
        for (axes, parameters, lacking) in [
            (&[][..], &usual, None),
            (&[], &sleepy, Some("pacing")),
            (&["pacing=sleep"], &usual, Some("pacing")),
            (&["pacing=sleep"], &sleepy, None),
            (&["pacing=hybrid", "pacing=sleep"], &sleepy, None),
            (&["pacing"], &sleepy, None),
            (&["pacing"], &slow, Some("sink_delay")),
            (&["sink_delay", "unheard_of"], &slow, None),
            (&["pacing=sleep"], &lanes, Some("producers")),
        ] {
            assert_eq!(can(axes).lacking_axis(parameters), lacking, "{axes:?}");
        }
        assert_eq!(can(&["pacing=sleep", "pacing=spin"]).described("pacing"), "sleep, spin");
        assert_eq!(can(&[]).described("pacing"), "hybrid");
    }

    #[test]
    fn a_directory_is_seen_from_the_scenario_s() {
        let queue = |working_dir: Option<&str>| ExternalQueue {
            name: "x".into(),
            command: vec!["x".into()],
            env: Vec::new(),
            working_dir: working_dir.map(str::to_owned),
            setup: None,
            position: Position { line: 1, column: 1 },
            capabilities: None,
        };
        for (file, working_dir, expected) in [
            ("scenarios/a.toml", None, "scenarios"),
            ("a.toml", None, "."),
            ("scenarios/a.toml", Some("../drivers"), "scenarios/../drivers"),
            ("a.toml", Some("drivers"), "drivers"),
            ("a/b.toml", Some("/opt"), "/opt"),
        ] {
            assert_eq!(queue(working_dir).directory(file), Path::new(expected), "{file} {working_dir:?}");
        }
    }
}
