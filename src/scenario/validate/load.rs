//! `[load]`: the stages of the window, or a trace.

use super::matrix::Matrix;
use crate::scenario::document::{Document, Placed, kind};
use crate::scenario::readers;
use crate::scenario::{Check, Expectation, MOST_STAGES, Origin, Problem, Shape, Stage, Stages, StagesError, Trace};
use crate::units::{Multiple, Nanos};
use crate::untrusted::Untrusted;
use std::path::Path;
use toml::de::{DeTable, DeValue};

const STAGES: &str = "load.stages";
const TRACE: &str = "load.trace";
const KEYS: [&str; 8] = ["name", "for", "rate", "from", "to", "burst", "every", "lasting"];
const EXAMPLE: &str = "write { for = \"2s\", rate = \"1x\" } for each";

/// What `[load]` asks for.
#[derive(Default)]
pub(super) struct Load {
    pub(super) stages: Option<Stages>,
    pub(super) trace: Option<Trace>,
}

impl Load {
    /// How long its windows are, if it says so.
    pub(super) fn length(&self) -> Option<Nanos> {
        self.stages.as_ref().map(Stages::length).or_else(|| self.trace.as_ref().map(Trace::length))
    }
}

/// Reads `[load]`. What is wrong in it is left out.
pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> Load {
    let Some(section) = document.table(table, "", "load") else { return Load::default() };
    document.check_keys(section, "load", &["stages", "trace", "trace_scale"]);
    let scale = document.read(section, "load", "trace_scale", |raw| {
        let scale = readers::quantity::<Multiple>(raw, "multiple", "2x")?;
        if scale.thousandths() == 0 { Err(Problem::new("nothing comes at 0x", "write 2x, or 0.5x")) } else { Ok(scale) }
    });
    match (section.get("trace"), section.get("trace_scale"), section.get("stages")) {
        (Some(trace), _, Some(_)) => {
            let problem = Problem::new("stands beside stages", "keep one of them: a trace has its own rate");
            document.error(trace.span(), TRACE, problem);
            Load::default()
        }
        (Some(_), given, None) => {
            // A scale that is wrong was reported, and a trace at another scale would be reported for what it is not.
            let scale = if given.is_none() { Some(Multiple::ONE) } else { scale };
            Load { trace: scale.and_then(|scale| trace(document, section, scale)), ..Load::default() }
        }
        (None, Some(given), _) => {
            document.error(given.span(), "load.trace_scale", Problem::new("there is no trace", "add trace = \"FILE\""));
            Load::default()
        }
        (None, None, _) => Load { stages: stages(document, section), ..Load::default() },
    }
}

/// Reads the file of a trace. Its path begins in the directory of the scenario.
fn trace(document: &mut Document<'_>, section: &DeTable<'_>, scale: Multiple) -> Option<Trace> {
    let directory = Path::new(document.file).parent().unwrap_or(Path::new(""));
    document.read(section, "load", "trace", |raw| {
        let file = readers::text(raw, "file", "arrivals.csv")?;
        Trace::open(&directory.join(file), scale).map_err(|error| {
            let fix = "see docs/METHODOLOGY.md, or make one with `queue-load record`";
            Problem::new(format!("`{}`: {error}", Untrusted::from(file).quoted()), fix)
        })
    })
}

/// Reports an axis of the matrix that says when logs are due, beside a trace that says so too.
pub(super) fn check_trace(document: &mut Document<'_>, trace: Option<&Trace>, matrix: &Matrix) {
    let told = |name: &str| ["rate", "total_rate", "arrival", "phase"].contains(&name);
    for axis in matrix.axes.iter().filter(|axis| trace.is_some() && told(axis.axis.name)) {
        let key = format!("matrix.{}", axis.axis.name);
        let problem = Problem::new("stands beside [load] trace, which says when logs are due", "leave it out");
        match axis.origin {
            Origin::File(position) => document.error_at(position, &key, problem),
            Origin::Override => document.error_of_file(&key, problem),
            Origin::Default => {}
        }
    }
}

/// Reads the stages; `None` if there are none, or an error was found.
fn stages(document: &mut Document<'_>, section: &DeTable<'_>) -> Option<Stages> {
    let value = section.get("stages")?;
    let DeValue::Array(list) = value.get_ref() else {
        let message = format!("is a list of tables, not {}", kind(value.get_ref()));
        document.error(value.span(), STAGES, Problem::new(message, EXAMPLE));
        return None;
    };
    if list.len() > MOST_STAGES {
        document.error(value.span(), STAGES, StagesError::TooMany(list.len()).into());
        return None;
    }
    // All of them are read before any is missed: each has errors of its own.
    let read: Vec<Option<Stage>> = list.iter().map(|element| stage(document, element)).collect();
    let stages = read.into_iter().collect::<Option<Vec<Stage>>>()?;
    document.accept(value.span(), STAGES, Stages::new(stages).map_err(Problem::from))
}

impl From<StagesError> for Problem {
    fn from(error: StagesError) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((message, fix)) => Self::new(message, fix),
            None => Self::new(text, ""),
        }
    }
}

fn stage(document: &mut Document<'_>, element: &Placed<'_>) -> Option<Stage> {
    let span = element.span();
    let DeValue::Table(table) = element.get_ref() else {
        let message = format!("is a table, not {}", kind(element.get_ref()));
        document.error(span, STAGES, Problem::new(message, EXAMPLE));
        return None;
    };
    let errors = document.errors();
    document.check_keys(table, STAGES, &KEYS);
    let name = document.read(table, STAGES, "name", |raw| Ok(readers::text(raw, "name", "spike")?.to_owned()));
    let mut time = |key| document.read(table, STAGES, key, |raw| readers::time(raw, Nanos(1)..=LONGEST));
    let (length, every, lasting) = (time("for"), time("every"), time("lasting"));
    let mut rate = |key| document.read(table, STAGES, key, |raw| readers::quantity::<Multiple>(raw, "multiple", "5x"));
    let rates = Rates { rate: rate("rate"), from: rate("from"), to: rate("to"), burst: rate("burst") };
    if document.errors() > errors {
        return None;
    }
    let shape = rates.shape(every, lasting);
    let shape = document.accept(span.clone(), STAGES, shape)?;
    let length = length.ok_or_else(|| Problem::new("says not for how long", "add for = \"2s\""));
    let stage = Stage { name, length: document.accept(span.clone(), STAGES, length)?, shape };
    // What is wrong with this one alone is said at its own place.
    if let Err(error) = Stages::new(vec![stage.clone()])
        && error != StagesError::NoLoad
    {
        document.error(span, STAGES, error.into());
        return None;
    }
    Some(stage)
}

/// Longest stage, burst or period: that of the axis `duration`.
const LONGEST: Nanos = Nanos::from_secs(24 * 3600);

/// The rates of a stage, as far as it has them.
struct Rates {
    rate: Option<Multiple>,
    from: Option<Multiple>,
    to: Option<Multiple>,
    burst: Option<Multiple>,
}

impl Rates {
    fn shape(self, every: Option<Nanos>, lasting: Option<Nanos>) -> Result<Shape, Problem> {
        match (self.rate, (self.from, self.to), (self.burst, every, lasting)) {
            (Some(rate), (None, None), (None, None, None)) => Ok(Shape::Step(rate)),
            (None, (Some(from), Some(to)), (None, None, None)) => Ok(Shape::Ramp { from, to }),
            (Some(rate), (None, None), (Some(burst), Some(every), Some(lasting))) => {
                Ok(Shape::Bursts { rate, burst, every, lasting })
            }
            (Some(_), (None, None), _) => {
                Err(Problem::new("has bursts that are not complete", "give burst, every and lasting"))
            }
            (Some(_), ..) => Err(Problem::new("has both a rate and a ramp", "give rate, or from and to")),
            (None, (None, None), _) => Err(Problem::new("has no rate", "give rate, or from and to")),
            (None, (Some(_), Some(_)), _) => {
                Err(Problem::new("has bursts on a ramp", "give bursts a rate, and the ramp a stage of its own"))
            }
            (None, ..) => Err(Problem::new("has one end of a ramp", "give from and to")),
        }
    }
}

/// Reports the checks that no run can decide: a recovery without a spike, or one that is longer than the time after it.
pub(super) fn check_recovery(document: &mut Document<'_>, checks: &[Check], stages: Option<&Stages>) {
    for check in checks {
        let Expectation::Recovery { limit, .. } = &check.expectation else { continue };
        let problem = match stages.and_then(Stages::spike) {
            None => Problem::new(
                "there is no spike to recover from",
                "add [load] stages with a lower rate before it, and after it until the end of the window",
            ),
            Some(spike) if *limit > spike.after => {
                let message = format!("{limit} is longer than the time after the spike, {}", spike.after);
                Problem::new(message, "make the last stage longer")
            }
            Some(_) => continue,
        };
        document.error_at(check.position, "check.expect", problem);
    }
}
