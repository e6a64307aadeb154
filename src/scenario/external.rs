//! A queue that another program puts under load: its `[queues.NAME]` table, and the capabilities that the program
//! reports.

use super::axes::AXES;
use super::{Lengths, Parameters, Position, Strategy};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `[queues.NAME]`: a queue whose repeats are carried out by another program, which speaks `docs/PROTOCOL.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalQueue {
    /// Its name in the matrix.
    pub name: Untrusted,
    /// The program and its arguments, as written; at least one word.
    pub command: Vec<Untrusted>,
    /// Variables that are added to our own environment, or take the place of ours.
    pub env: Vec<(Untrusted, Untrusted)>,
    /// Where the program runs, as written; `None`: the scenario file's directory.
    pub working_dir: Option<Untrusted>,
    /// The command that installs what the program needs, for the message that says it is not there.
    pub setup: Option<Untrusted>,
    /// Where it stands.
    pub position: Position,
    /// The capabilities that the program reported; `None` if it was not asked yet.
    pub capabilities: Option<Capabilities>,
}

impl ExternalQueue {
    /// Where the program runs: its `working_dir`, seen from the directory of the scenario file.
    pub fn directory(&self, scenario_file: &Untrusted) -> PathBuf {
        let base = Path::new(scenario_file.as_given()).parent().unwrap_or(Path::new(""));
        let directory = base.join(self.working_dir.as_ref().map_or("", Untrusted::as_given));
        if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory }
    }

    /// The command as one line, for people.
    pub fn command_line(&self) -> Untrusted {
        Untrusted::join(&self.command, " ")
    }
}

/// What a program must declare among its axes before it gets stages, which are no axis of a matrix.
pub const STAGES: &str = "stages";
/// The same for a trace.
pub const TRACE: &str = "trace";
/// The same for payloads whose messages are not of one length, besides the axis `payload`.
pub const SIZES: &str = "sizes";
/// The same for a window or a warm-up that ends when the load is steady, which is no axis either.
pub const STEADY: &str = "steady";

/// What a program can do, as it reports in `hello`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The strategies that it supports.
    pub strategies: Vec<Strategy>,
    /// Of those: the strategies under which a call blocks its thread.
    #[serde(default)]
    pub blocks_caller: Vec<Strategy>,
    /// The axes that it supports, each as `axis` (any value) or `axis=value`. Every program supports queue, strategy,
    /// maxsize, concurrency, rate and duration. Of every other axis that is not listed, it supports only the default.
    #[serde(default)]
    pub axes: Vec<String>,
}

impl Capabilities {
    /// The first axis whose value in this case the program does not support; `None` if it supports all of them.
    /// `steady`: whether anything ends when the load is steady.
    pub fn lacking_axis(&self, parameters: &Parameters, steady: bool) -> Option<&'static str> {
        let defaults = Parameters::default();
        let lacks = |axis: &&super::Axis| {
            let value = axis.get(parameters);
            let mut named = self.values_of(axis.name).peekable();
            match named.peek() {
                None => value != axis.get(&defaults),
                Some(_) => {
                    let text = value.text();
                    !named.any(|known| known.is_none_or(|known| text == *known))
                }
            }
        };
        let lacking = AXES.iter().filter(|axis| !axis.always_in_id).find(lacks).map(|axis| axis.name);
        let payload = parameters.payload.to_string();
        let is_named = self.values_of("payload").any(|named| named == Some(payload.as_str()));
        let sizes = !matches!(parameters.payload.message, Lengths::Fixed(_)) && !is_named;
        let (stages, trace) = (parameters.stages.is_some(), parameters.trace.is_some());
        let loads = [(SIZES, sizes), (STAGES, stages), (TRACE, trace), (STEADY, steady)];
        let lacked = |(name, asked): &(&'static str, bool)| *asked && self.values_of(name).next().is_none();
        lacking.or_else(|| loads.into_iter().find(lacked).map(|(name, _)| name))
    }

    /// The values of an axis that the program supports, as text.
    pub fn described(&self, axis: &str) -> String {
        let named: Vec<&str> = self.values_of(axis).flatten().collect();
        if !named.is_empty() {
            return named.join(", ");
        }
        let default = super::axes::find(axis).and_then(super::Axis::default);
        default.map_or_else(String::new, |default| default.text().as_given().to_owned())
    }

    /// The values listed for an axis; `None` stands for any value.
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
            assert_eq!(can(axes).lacking_axis(parameters, false), lacking, "{axes:?}");
        }
        let staged = Parameters { stages: "30s@1x".parse().ok(), ..usual };
        assert_eq!(can(&[]).lacking_axis(&staged, false), Some("stages"));
        assert_eq!(can(&["stages"]).lacking_axis(&staged, false), None);
        let trace = r#"{"file": "a.csv", "sha256": "ab", "scale": "1x", "logs": 1}"#;
        let replayed = Parameters { stages: None, trace: serde_json::from_str(trace).unwrap(), ..staged };
        assert_eq!(can(&["stages"]).lacking_axis(&replayed, false), Some("trace"));
        assert_eq!(can(&["trace"]).lacking_axis(&replayed, false), None);
        let drawn = Parameters { payload: "4f+64B..4KiB".parse().unwrap(), trace: None, ..replayed };
        for (axes, lacking) in [
            (&[][..], Some("payload")),
            (&["payload"], Some("sizes")),
            (&["payload", "sizes"], None),
            (&["payload=4f+64B..4KiB"], None),
        ] {
            assert_eq!(can(axes).lacking_axis(&drawn, false), lacking, "{axes:?}");
        }
        let levelled = Parameters { level: "info:90%+error:10%".parse().unwrap(), ..Parameters::default() };
        assert_eq!(can(&["payload"]).lacking_axis(&levelled, false), Some("level"));
        assert_eq!(can(&["level"]).lacking_axis(&levelled, false), None);
        let inside = Parameters { context: "8f+16B".parse().unwrap(), ..Parameters::default() };
        assert_eq!(can(&["payload"]).lacking_axis(&inside, false), Some("context"));
        assert_eq!(can(&["context"]).lacking_axis(&inside, false), None);
        assert_eq!(can(&["stages"]).lacking_axis(&Parameters::default(), true), Some("steady"));
        assert_eq!(can(&["steady"]).lacking_axis(&Parameters::default(), true), None);
        assert_eq!(can(&["pacing=sleep", "pacing=spin"]).described("pacing"), "sleep, spin");
        assert_eq!(can(&[]).described("pacing"), "hybrid");
    }

    #[test]
    fn a_directory_is_seen_from_the_scenario_s() {
        let queue = |working_dir: Option<&str>| ExternalQueue {
            name: "x".into(),
            command: vec!["x".into()],
            env: Vec::new(),
            working_dir: working_dir.map(Into::into),
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
            assert_eq!(queue(working_dir).directory(&file.into()), Path::new(expected), "{file} {working_dir:?}");
        }
    }
}
