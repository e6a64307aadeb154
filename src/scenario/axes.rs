//! The one table of axes. Scenario files, overrides, selectors, case ids and columns all use it.
//!
//! To add an axis, add a field with its default to [`Parameters`] and a row to [`AXES`].

use super::readers::{self, Raw};
use super::{
    Arrival, Catalog, ContextFields, Levels, Pacing, Parameters, Payload, PhaseShift, Placement, Problem, Producers,
    SinkKind, Strategy,
};
use crate::units::{Nanos, Rate, Ratio, human};
use crate::untrusted::Untrusted;
use std::fmt;
use std::ops::RangeInclusive;

/// A parameter that may take several values.
pub struct Axis {
    /// Its key in scenario files, case ids and reports.
    pub name: &'static str,
    /// A short description, shown in `--help`.
    pub summary: &'static str,
    /// Whether every case id contains it. If not, a case id contains it only if its value differs from the default.
    pub always_in_id: bool,
    /// Further environment variables that override it, besides `LOAD_TEST_` and its name.
    pub aliases: &'static [&'static str],
    /// Whether a bare number in the environment means seconds.
    pub bare_seconds: bool,
    pub(super) kind: Kind,
}

/// How an axis is parsed, and which field of [`Parameters`] holds it.
pub(super) enum Kind {
    Queue,
    Strategy,
    Sink,
    Payload,
    /// Logs per second per task.
    Rate,
    /// Logs per second over all tasks. Sets the rate of each task to this value divided by the concurrency.
    TotalRate,
    Count {
        bounds: RangeInclusive<u64>,
        get: fn(&Parameters) -> u64,
        set: fn(&mut Parameters, u64),
    },
    Time {
        bounds: RangeInclusive<Nanos>,
        get: fn(&Parameters) -> Nanos,
        set: fn(&mut Parameters, Nanos),
    },
    Share {
        bounds: RangeInclusive<Ratio>,
        get: fn(&Parameters) -> Ratio,
        set: fn(&mut Parameters, Ratio),
    },
    Arrival,
    Producers,
    Pacing,
    Placement,
    Phase,
    Level,
    Context,
}

/// A value of an axis. `Display` gives its canonical text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Name of a queue.
    Queue(Untrusted),
    /// A strategy.
    Strategy(Strategy),
    /// A sink.
    Sink(SinkKind),
    /// A payload.
    Payload(Payload),
    /// Logs per second.
    Rate(Rate),
    /// A number.
    Count(u64),
    /// A time.
    Time(Nanos),
    /// A share.
    Share(Ratio),
    /// When logs are due.
    Arrival(Arrival),
    /// What the producers are.
    Producers(Producers),
    /// How producers wait.
    Pacing(Pacing),
    /// Which CPUs producers and queue may use.
    Placement(Placement),
    /// How the tasks' schedules are shifted against each other.
    Phase(PhaseShift),
    /// Which levels the logs have.
    Level(Levels),
    /// Which context the logs carry.
    Context(ContextFields),
}

impl Value {
    /// As it is written in a scenario.
    #[must_use]
    pub fn text(&self) -> Untrusted {
        match self {
            Value::Queue(name) => name.clone(),
            Value::Strategy(strategy) => strategy.to_string().into(),
            Value::Sink(sink) => sink.to_string().into(),
            Value::Payload(payload) => payload.to_string().into(),
            Value::Rate(rate) => rate.to_string().into(),
            Value::Count(count) => count.to_string().into(),
            Value::Time(time) => time.to_string().into(),
            Value::Share(share) => share.to_string().into(),
            Value::Arrival(arrival) => arrival.to_string().into(),
            Value::Producers(producers) => producers.to_string().into(),
            Value::Pacing(pacing) => pacing.to_string().into(),
            Value::Placement(placement) => placement.to_string().into(),
            Value::Phase(phase) => phase.to_string().into(),
            Value::Level(levels) => levels.to_string().into(),
            Value::Context(context) => context.to_string().into(),
        }
    }
}

const DAY: Nanos = Nanos::from_secs(24 * 3600);

/// Largest rate per task.
pub const MOST_RATE: Rate = Rate::of_whole(1_000_000);
/// Largest number of tasks.
pub const MOST_CONCURRENCY: u64 = 10_000;

const fn axis(name: &'static str, summary: &'static str, kind: Kind) -> Axis {
    Axis { name, summary, always_in_id: false, aliases: &[], bare_seconds: false, kind }
}

/// Every axis, in the order of the product: the last axis varies fastest.
pub static AXES: [Axis; 20] = [
    Axis { always_in_id: true, ..axis("queue", "the queue under load", Kind::Queue) },
    Axis {
        always_in_id: true,
        aliases: &["LOAD_TEST_OVERFLOW"],
        ..axis("strategy", "what happens when the queue is full", Kind::Strategy)
    },
    Axis {
        always_in_id: true,
        aliases: &["LOAD_TEST_QUEUE_SIZE"],
        ..axis(
            "maxsize",
            "capacity in records",
            Kind::Count { bounds: 1..=100_000_000, get: |p| p.maxsize, set: |p, n| p.maxsize = n },
        )
    },
    Axis {
        always_in_id: true,
        ..axis(
            "concurrency",
            "number of tasks",
            Kind::Count {
                bounds: 1..=MOST_CONCURRENCY,
                get: |p| u64::from(p.concurrency),
                set: |p, n| p.concurrency = u32::try_from(n).unwrap_or(u32::MAX),
            },
        )
    },
    Axis { always_in_id: true, ..axis("rate", "logs per second, per task", Kind::Rate) },
    Axis {
        always_in_id: true,
        bare_seconds: true,
        ..axis(
            "duration",
            "length of the window",
            Kind::Time { bounds: Nanos(1)..=DAY, get: |p| p.duration, set: |p, t| p.duration = t },
        )
    },
    axis(
        "batch_size",
        "largest number of records in a batch",
        Kind::Count { bounds: 1..=1_000_000, get: |p| p.batch_size, set: |p, n| p.batch_size = n },
    ),
    Axis {
        bare_seconds: true,
        ..axis(
            "batch_timeout",
            "longest wait before an incomplete batch is written",
            Kind::Time {
                bounds: Nanos(1)..=Nanos::from_secs(3600),
                get: |p| p.batch_timeout,
                set: |p, t| p.batch_timeout = t,
            },
        )
    },
    axis(
        "sample_rate",
        "under `sample`: share of the logs kept from 80 % full on",
        Kind::Share {
            bounds: Ratio::from_percent(0)..=Ratio::from_percent(100),
            get: |p| p.sample_rate,
            set: |p, r| p.sample_rate = r,
        },
    ),
    axis("sink", "where the queue delivers its records", Kind::Sink),
    axis(
        "sink_delay",
        "time the sink takes for each record",
        Kind::Time { bounds: Nanos::ZERO..=Nanos::from_secs(10), get: |p| p.sink_delay, set: |p, t| p.sink_delay = t },
    ),
    axis("payload", "fields and message size of each log: `4f+64B`, or sizes such as `4f+64B..4KiB`", Kind::Payload),
    axis("producers", "producers: `tasks` of a runtime, or `lanes`, a few threads", Kind::Producers),
    axis("pacing", "how producers wait: `hybrid`, `sleep` or `spin`", Kind::Pacing),
    axis("placement", "which CPUs producers and queue use: `none`, `same` or `split`", Kind::Placement),
    axis("arrival", "when logs are due: `uniform`, `poisson` or `burst:10`", Kind::Arrival),
    axis("phase", "how the tasks' schedules are shifted: `spread` or `aligned`", Kind::Phase),
    axis(
        "batch_delay",
        "built-in queue: time that its sink takes after each batch",
        Kind::Time {
            bounds: Nanos::ZERO..=Nanos::from_secs(10),
            get: |p| p.batch_delay,
            set: |p, t| p.batch_delay = t,
        },
    ),
    axis("level", "level of each log, or shares of levels: `info`, `info:90%+error:10%`", Kind::Level),
    axis("context", "fields of the spans around each log: `8f+16B`, in two spans `2x4f+16B`", Kind::Context),
];

/// The rate over all tasks. It replaces `rate` in a matrix, and selectors can use it.
pub static TOTAL_RATE: Axis = axis("total_rate", "logs per second over all tasks", Kind::TotalRate);

/// The axis with this name, [`TOTAL_RATE`] included; `None` if there is none.
pub fn find(name: &str) -> Option<&'static Axis> {
    AXES.iter().chain([&TOTAL_RATE]).find(|axis| axis.name == name)
}

/// The names of all axes, `total_rate` included.
pub fn names() -> impl Iterator<Item = &'static str> {
    AXES.iter().chain([&TOTAL_RATE]).map(|axis| axis.name)
}

/// The slowest rate that is accepted: one log a day.
fn least_rate() -> Rate {
    Rate::new(1, 86_400).unwrap_or(MOST_RATE)
}

impl Axis {
    /// Whether this is [`TOTAL_RATE`].
    pub fn is_total_rate(&self) -> bool {
        matches!(self.kind, Kind::TotalRate)
    }

    /// Whether this axis sets the rate: `rate` or `total_rate`.
    pub fn is_rate(&self) -> bool {
        matches!(self.kind, Kind::Rate | Kind::TotalRate)
    }

    /// The slot of this axis: `rate` for `total_rate`, which replaces it; otherwise its own name.
    pub fn slot(&self) -> &str {
        if self.is_rate() { "rate" } else { self.name }
    }

    /// The default value; `None` for `total_rate`, which has no default.
    pub fn default(&self) -> Option<Value> {
        (!self.is_total_rate()).then(|| self.get(&Parameters::default()))
    }

    /// The value of this axis in a case.
    pub fn get(&self, parameters: &Parameters) -> Value {
        match &self.kind {
            Kind::Queue => Value::Queue(parameters.queue.clone()),
            Kind::Strategy => Value::Strategy(parameters.strategy),
            Kind::Sink => Value::Sink(parameters.sink),
            Kind::Payload => Value::Payload(parameters.payload.clone()),
            Kind::Rate => Value::Rate(parameters.rate),
            Kind::TotalRate => Value::Rate(parameters.offered().unwrap_or(parameters.rate)),
            Kind::Count { get, .. } => Value::Count(get(parameters)),
            Kind::Time { get, .. } => Value::Time(get(parameters)),
            Kind::Share { get, .. } => Value::Share(get(parameters)),
            Kind::Arrival => Value::Arrival(parameters.arrival),
            Kind::Producers => Value::Producers(parameters.producers),
            Kind::Pacing => Value::Pacing(parameters.pacing),
            Kind::Placement => Value::Placement(parameters.placement),
            Kind::Phase => Value::Phase(parameters.phase),
            Kind::Level => Value::Level(parameters.level),
            Kind::Context => Value::Context(parameters.context),
        }
    }

    /// Sets this axis in a case. Set `total_rate` after `concurrency`, because it is divided by the number of tasks.
    ///
    /// # Errors
    /// A `total_rate` that gives each task a rate out of range.
    ///
    /// # Panics
    /// If the value is of the wrong kind. Values come from [`get`](Self::get) or a validated matrix, so they never are.
    pub(crate) fn set(&self, parameters: &mut Parameters, value: &Value) -> Result<(), Problem> {
        match (&self.kind, value) {
            (Kind::Queue, Value::Queue(name)) => parameters.queue.clone_from(name),
            (Kind::Strategy, Value::Strategy(strategy)) => parameters.strategy = *strategy,
            (Kind::Sink, Value::Sink(sink)) => parameters.sink = *sink,
            (Kind::Payload, Value::Payload(payload)) => parameters.payload.clone_from(payload),
            (Kind::Rate, Value::Rate(rate)) => parameters.rate = *rate,
            (Kind::TotalRate, Value::Rate(total)) => {
                parameters.rate = share_of_total(*total, parameters.concurrency)?;
            }
            (Kind::Count { set, .. }, Value::Count(count)) => set(parameters, *count),
            (Kind::Time { set, .. }, Value::Time(time)) => set(parameters, *time),
            (Kind::Share { set, .. }, Value::Share(share)) => set(parameters, *share),
            (Kind::Arrival, Value::Arrival(arrival)) => parameters.arrival = *arrival,
            (Kind::Producers, Value::Producers(producers)) => parameters.producers = *producers,
            (Kind::Pacing, Value::Pacing(pacing)) => parameters.pacing = *pacing,
            (Kind::Placement, Value::Placement(placement)) => parameters.placement = *placement,
            (Kind::Phase, Value::Phase(phase)) => parameters.phase = *phase,
            (Kind::Level, Value::Level(levels)) => parameters.level = *levels,
            (Kind::Context, Value::Context(context)) => parameters.context = *context,
            (_, value) => unreachable!("axis {} does not take {value:?}", self.name),
        }
        Ok(())
    }

    /// Parses one value and checks its bounds.
    pub(super) fn read(&self, raw: Raw<'_>, catalog: &Catalog) -> Result<Value, Problem> {
        match &self.kind {
            Kind::Queue => {
                let name = readers::text(raw, "queue", "builtin")?;
                match catalog.find(name) {
                    Some(queue) => Ok(Value::Queue(queue.name.as_str().into())),
                    None => Err(Problem::unknown("queue", name, catalog.names())),
                }
            }
            Kind::Strategy => {
                let choice = readers::choice(raw, "strategy", &Strategy::ALL, Strategy::name);
                choice.map(Value::Strategy)
            }
            Kind::Sink => readers::choice(raw, "sink", &SinkKind::ALL, SinkKind::name).map(Value::Sink),
            Kind::Payload => {
                let text = readers::text(raw, "payload", "4f+64B")?;
                let payload = text.parse::<Payload>();
                payload.map(Value::Payload).map_err(|e| Problem::new(e.to_string(), ""))
            }
            Kind::Rate => readers::rate(raw, least_rate()..=MOST_RATE).map(Value::Rate),
            Kind::TotalRate => {
                let most = MOST_RATE.over_tasks(10_000).unwrap_or(MOST_RATE);
                readers::rate(raw, least_rate()..=most).map(Value::Rate)
            }
            Kind::Count { bounds, .. } => readers::count(raw, bounds.clone()).map(Value::Count),
            Kind::Time { bounds, .. } => readers::time(raw, bounds.clone()).map(Value::Time),
            Kind::Share { bounds, .. } => readers::share(raw, bounds.clone()).map(Value::Share),
            Kind::Arrival => {
                let arrival = readers::text(raw, "arrival", "burst:10")?.parse::<Arrival>();
                arrival.map(Value::Arrival).map_err(|error| Problem::new(error.to_string(), ""))
            }
            Kind::Producers => readers::choice(raw, self.name, Producers::ALL, Producers::name).map(Value::Producers),
            Kind::Pacing => readers::choice(raw, self.name, Pacing::ALL, Pacing::name).map(Value::Pacing),
            Kind::Placement => readers::choice(raw, self.name, Placement::ALL, Placement::name).map(Value::Placement),
            Kind::Phase => readers::choice(raw, self.name, PhaseShift::ALL, PhaseShift::name).map(Value::Phase),
            Kind::Level => {
                let levels = readers::shares(raw, "level", "info:90%+error:10%")?.parse::<Levels>();
                levels.map(Value::Level).map_err(|error| Problem::new(error.to_string(), ""))
            }
            Kind::Context => {
                let context = readers::text(raw, "context", "8f+16B")?.parse::<ContextFields>();
                context.map(Value::Context).map_err(|error| Problem::new(error.to_string(), ""))
            }
        }
    }

    /// The environment variables that override this axis, the main one first.
    pub fn variables(&self) -> impl Iterator<Item = String> {
        let main = format!("LOAD_TEST_{}", self.name.to_uppercase());
        std::iter::once(main).chain(self.aliases.iter().map(|alias| (*alias).to_owned()))
    }
}

/// The rate of each task, computed from the total rate.
pub(super) fn share_of_total(total: Rate, concurrency: u32) -> Result<Rate, Problem> {
    let rate = total.per_task(concurrency)?;
    if rate <= MOST_RATE {
        return Ok(rate);
    }
    let tasks = human::count(u64::from(concurrency));
    Err(Problem::new(
        format!("{total} over {tasks} tasks is more than 1,000,000/s per task"),
        "lower total_rate or raise concurrency",
    ))
}

impl PartialEq for Axis {
    fn eq(&self, other: &Axis) -> bool {
        self.name == other.name
    }
}

impl Eq for Axis {}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Axis({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_one_that_a_file_may_state() {
        let catalog = Catalog::new([super::super::QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        for axis in &AXES {
            let default = axis.default().unwrap();
            let text = default.text();
            assert_eq!(axis.read(Raw::Word(text.as_given()), &catalog), Ok(default), "{}", axis.name);
        }
    }

    #[test]
    fn every_axis_has_its_own_place() {
        let json = |p: &Parameters| serde_json::to_value(p).unwrap();
        let fields = json(&Parameters::default()).as_object().unwrap().len();
        assert_eq!(fields, AXES.len());
        for axis in &AXES {
            let other = match axis.get(&Parameters::default()) {
                Value::Queue(_) => Value::Queue("x".into()),
                Value::Strategy(_) => Value::Strategy(Strategy::Block),
                Value::Sink(_) => Value::Sink(SinkKind::File),
                Value::Payload(p) => Value::Payload(Payload { fields: 1, ..p }),
                Value::Rate(_) => Value::Rate(Rate::of_whole(7)),
                Value::Count(n) => Value::Count(n + 1),
                Value::Time(t) => Value::Time(Nanos(t.0 + 1)),
                Value::Share(_) => Value::Share(Ratio::from_percent(11)),
                Value::Arrival(_) => Value::Arrival(Arrival::Burst(3)),
                Value::Producers(_) => Value::Producers(Producers::Lanes),
                Value::Pacing(_) => Value::Pacing(Pacing::Spin),
                Value::Placement(_) => Value::Placement(Placement::Split),
                Value::Phase(_) => Value::Phase(PhaseShift::Aligned),
                Value::Level(_) => Value::Level("warn".parse().unwrap()),
                Value::Context(_) => Value::Context("8f+16B".parse().unwrap()),
            };
            let mut parameters = Parameters::default();
            axis.set(&mut parameters, &other).unwrap();
            assert_eq!(axis.get(&parameters), other);
            let (before, after) = (json(&Parameters::default()), json(&parameters));
            let changed = before.as_object().unwrap().iter().filter(|(k, v)| after[k.as_str()] != **v);
            assert_eq!(changed.count(), 1, "{}", axis.name);
        }
    }
}
