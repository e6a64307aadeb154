//! A TOML scenario: what to put under load, and what to expect from it.
//!
//! | file | job |
//! |---|---|
//! | [`files`] | paths and globs -> texts |
//! | `document` | text -> TOML with positions; collects errors |
//! | `readers` | one raw value -> one typed value |
//! | `generator` | the axes that say how the load is generated |
//! | `payload` | the axis `payload`: fields, and lengths of messages |
//! | `levels` | the axis `level`: which levels the logs have |
//! | `context` | the axis `context`: fields of the spans around each log |
//! | [`axes`] | the one table of axes |
//! | `external` | queues of other programs: `[queues.NAME]` |
//! | `settings` | the table of `[run]` |
//! | `stages` | how the rate changes over the window: `[load]` |
//! | `figure` | what a check can say besides latencies, counts and rates |
//! | `trace`, `arrivals` | a recorded load: its identity; its file |
//! | `check_expr` | the language of checks |
//! | [`overrides`] | values of the command line and the environment that replace a file's values |
//! | `validate` | a whole text -> [`Scenario`], or all of its errors at once |
//!
//! Any bytes give either a [`Scenario`] or [`Diagnostics`], never a panic.

mod arrivals;
pub mod axes;
mod catalog;
mod check_expr;
mod context;
mod document;
mod errors;
mod expectation;
mod gate;
mod external;
mod figure;
mod generator;
pub mod files;
mod levels;
mod model;
pub mod overrides;
mod payload;
mod readers;
#[cfg(feature = "internals")]
pub mod schema;
mod selector;
mod settings;
mod stages;
mod trace;
mod validate;

pub use crate::observed::{CountName, LatencyName, RateName};
pub use arrivals::{Arrivals, COLUMNS, LONGEST_TRACE, MOST_ARRIVALS};
pub use axes::{AXES, Axis, MOST_RATE, TOTAL_RATE, Value};
pub use catalog::{Catalog, Missing, QueueSpec};
#[cfg(feature = "internals")]
pub use context::ContextError;
pub use context::ContextFields;
pub use errors::{Diagnostic, Diagnostics, Position, Problem};
pub use expectation::{Check, Comparison, Counted, Expectation, RECOVERY};
pub use external::{Capabilities, ExternalQueue, SIZES, STAGES, STEADY, TRACE};
pub use figure::{Figure, FigureUnit};
pub use gate::GateSettings;
#[cfg(feature = "internals")]
pub use generator::ArrivalError;
pub use generator::{Arrival, Pacing, PhaseShift, Placement, Producers};
pub use levels::Levels;
#[cfg(feature = "internals")]
pub use levels::{LevelsError, NoWhole};
pub use model::*;
#[cfg(feature = "internals")]
pub use overrides::Source;
pub use overrides::{Override, Overrides, unknown_variables};
pub use payload::{Lengths, Payload};
#[cfg(feature = "internals")]
pub use payload::{LengthsError, PayloadError};
pub use selector::{Clause, Selector};
#[cfg(feature = "internals")]
pub use stages::Spike;
pub use stages::{MOST_STAGES, Shape, Stage, Stages, StagesError};
pub use trace::Trace;
pub use validate::{AxisValues, Context, MOST_CASES, Matrix, Origin, declared_queues, load, parse, queues_declared_in};

/// What a command line can override: each axis and each setting of `[run]`, as its key and a short description.
pub fn overridable() -> impl Iterator<Item = (&'static str, &'static str)> {
    let axes = AXES.iter().chain([&TOTAL_RATE]).map(|axis| (axis.name, axis.summary));
    axes.chain(settings::SETTINGS.iter().map(|setting| (setting.name, setting.summary)))
}
