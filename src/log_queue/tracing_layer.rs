//! Logs the events of `tracing` to a queue.
//!
//! ```
//! use queue_load::log_queue::{Config, Guard, LogQueue, TallySink, QueueLayer};
//! use std::time::Duration;
//! use tracing_subscriber::filter::Targets;
//! use tracing_subscriber::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sink = TallySink::new();
//! let queue = LogQueue::start(Config::default(), sink.clone())?;
//! let guard = Guard::new(queue.clone(), Duration::from_secs(5));
//! let filter: Targets = "info,noisy::module=warn".parse()?;
//! tracing_subscriber::registry().with(QueueLayer::new(queue).with_filter(filter)).init();
//!
//! tracing::info!(path = "/", status = 200, "request served");
//! tracing::debug!("the filter says no");
//! drop(guard);
//! assert_eq!(sink.count(), 1);
//! # Ok(())
//! # }
//! ```

use super::queue::LogQueue;
use super::record::Level;
use super::scratch::{Held, Scratch};
use std::error::Error;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// A layer of `tracing_subscriber` that logs every event to a queue.
///
/// - A filter decides which events are logged: a `LevelFilter`, `Targets`, or `EnvFilter`. The macros know its most
///   detailed level, so a more detailed event costs next to nothing. `.with_filter(…)` filters for this layer alone. A
///   filter that is a layer itself, `.with(filter)`, filters for all layers; then events of refused targets cost next
///   to nothing, too.
/// - The record has the event's message and fields: numbers and booleans keep their types, everything else becomes
///   text. The field `target` has the target.
/// - Inside spans, the field `span` has their path, such as `request:query`. The fields of all these spans follow, each
///   under the name of its span: `request.id`. A field that is recorded again has its new value.
/// - If the queue is full, its strategy decides. Under [`Strategy::Block`](super::Strategy::Block) the call parks its
///   thread until there is room: a macro cannot await. In async code, that blocks a thread of the runtime.
/// - Only the queue counts the records that it refuses for lack of room. What comes after it was closed is not counted.
/// - The sink of the queue should not log through this layer: each record would make more. The worker never waits for
///   room.
#[derive(Clone, Debug)]
pub struct QueueLayer {
    queue: LogQueue,
}

impl QueueLayer {
    /// A layer that logs to `queue`.
    #[must_use]
    pub fn new(queue: LogQueue) -> Self {
        Self { queue }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for QueueLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut known = SpanFields::of(&span);
        attributes.record(&mut known);
        let mut extensions = span.extensions_mut();
        // Another layer of this kind may have been here before.
        if extensions.get_mut::<SpanFields>().is_none() {
            extensions.insert(known);
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // Values make their texts before the span's lock is taken: they may log, within this span.
        let mut fresh = SpanFields { name: span.metadata().name(), path: String::new(), fields: Vec::new() };
        values.record(&mut fresh);
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            fresh.fields.into_iter().for_each(|field| known.put(field));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        Scratch::with(|record| {
            event.record(&mut EventFields(record));
            record.text("target", event.metadata().target());
            for (depth, span) in context.event_scope(event).into_iter().flatten().enumerate() {
                if let Some(known) = span.extensions().get::<SpanFields>() {
                    known.add_to(record, depth == 0);
                }
            }
            record.log(&self.queue, level(*event.metadata().level()));
        });
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

/// The text of a span, made once and kept with the span.
struct SpanFields {
    name: &'static str,
    /// The names of the spans around it, and its own.
    path: String,
    fields: Vec<SpanField>,
}

struct SpanField {
    /// The name of the field in the span.
    own: &'static str,
    /// The name of the field in records.
    name: String,
    value: SpanValue,
}

enum SpanValue {
    Number(Held),
    Text(String),
}

impl SpanFields {
    fn of<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Self {
        let name = span.metadata().name();
        let around = span.parent();
        let around = around.as_ref().map(SpanRef::extensions);
        let path = match around.as_ref().and_then(|around| around.get::<Self>()) {
            Some(around) => format!("{}:{name}", around.path),
            None => name.to_owned(),
        };
        Self { name, path, fields: Vec::new() }
    }

    /// Adds these fields to a record, and also the path if this is the innermost span.
    fn add_to(&self, record: &mut Scratch, innermost: bool) {
        if innermost {
            record.text("span", &self.path);
        }
        for SpanField { name, value, .. } in &self.fields {
            let value = match value {
                SpanValue::Number(value) => value.clone(),
                SpanValue::Text(text) => Held::Text(record.keep(format_args!("{text}"))),
            };
            record.named(name, value);
        }
    }

    fn set(&mut self, field: &Field, value: SpanValue) {
        self.put(SpanField { own: field.name(), name: format!("{}.{}", self.name, field.name()), value });
    }

    /// Adds a field, or replaces its value.
    fn put(&mut self, field: SpanField) {
        match self.fields.iter_mut().find(|known| known.own == field.own) {
            Some(known) => known.value = field.value,
            None => self.fields.push(field),
        }
    }
}

impl Put for SpanFields {
    fn number(&mut self, field: &Field, value: Held) {
        self.set(field, SpanValue::Number(value));
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.set(field, SpanValue::Text(text.to_string()));
    }
}

/// Takes the message and the fields of an event.
struct EventFields<'a>(&'a mut Scratch);

impl Put for EventFields<'_> {
    fn number(&mut self, field: &Field, value: Held) {
        self.0.field(field.name(), value);
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        if field.name() == "message" {
            self.0.message(text);
        } else {
            let text = self.0.keep(text);
            self.0.field(field.name(), Held::Text(text));
        }
    }
}

/// Takes fields one by one.
trait Put {
    fn number(&mut self, field: &Field, value: Held);
    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>);
}

macro_rules! visit {
    ($($visitor:ty),*) => {$(
        impl Visit for $visitor {
            fn record_bool(&mut self, field: &Field, value: bool) {
                self.number(field, Held::Bool(value));
            }

            fn record_i64(&mut self, field: &Field, value: i64) {
                self.number(field, Held::I64(value));
            }

            fn record_u64(&mut self, field: &Field, value: u64) {
                self.number(field, Held::U64(value));
            }

            fn record_f64(&mut self, field: &Field, value: f64) {
                self.number(field, Held::F64(value));
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                self.text(field, format_args!("{value}"));
            }

            fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
                self.text(field, format_args!("{value}"));
            }

            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.text(field, format_args!("{value:?}"));
            }
        }
    )*};
}

visit!(SpanFields, EventFields<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_queue::Config;
    use crate::log_queue::fixture::delivered;
    use tracing::level_filters::LevelFilter;
    use tracing::{debug, error, info, info_span, trace, warn};
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;

    /// What a queue delivers of the events that pass this filter.
    fn logged(filter: Targets, log: impl FnOnce()) -> Vec<serde_json::Value> {
        delivered(|queue| {
            let subscriber = tracing_subscriber::registry().with(QueueLayer::new(queue.clone()).with_filter(filter));
            tracing::subscriber::with_default(subscriber, log);
        })
    }

    fn everything() -> Targets {
        Targets::new().with_default(LevelFilter::TRACE)
    }

    const HERE: &str = module_path!();

    #[test]
    fn an_event_keeps_its_message_its_level_and_the_types_of_its_fields() {
        let broken = std::io::Error::other("broken");
        let lines = logged(everything(), || {
            info!(count = 7_u64, change = -7, share = 0.5, hit = true, path = "/a", debug = ?[1], "served {}", 3);
            error!(error = &broken as &dyn Error, shown = %broken);
        });
        let fields = serde_json::json!({
            "count": 7, "change": -7, "share": 0.5, "hit": true, "path": "/a", "debug": "[1]", "target": HERE,
        });
        assert_eq!(lines[0], serde_json::json!({"level": "info", "message": "served 3", "fields": fields}));
        let fields = serde_json::json!({"error": "broken", "shown": "broken", "target": HERE});
        assert_eq!(lines[1], serde_json::json!({"level": "error", "message": "", "fields": fields}));
    }

    #[test]
    fn an_event_has_the_fields_of_the_spans_around_it() {
        let lines = logged(everything(), || {
            let request = info_span!("request", id = 7, user = tracing::field::Empty);
            let _request = request.enter();
            request.record("user", "ann");
            request.record("id", 8);
            let query = info_span!("query", table = "orders");
            query.in_scope(|| info!(rows = 3, "done"));
            info!("after");
        });
        let fields = serde_json::json!({
            "rows": 3, "target": HERE, "span": "request:query", "query.table": "orders", "request.id": 8, "request.user": "ann",
        });
        assert_eq!(lines[0]["fields"], fields);
        let fields = serde_json::json!({"target": HERE, "span": "request", "request.id": 8, "request.user": "ann"});
        assert_eq!(lines[1]["fields"], fields);
    }

    #[test]
    fn levels_are_the_same_ones() {
        let lines = logged(everything(), || {
            trace!("");
            debug!("");
            info!("");
            warn!("");
            error!("");
        });
        let levels: Vec<&str> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
        assert_eq!(levels, ["trace", "debug", "info", "warn", "error"]);
    }

    #[test]
    fn a_filter_decides_by_target_and_level() {
        let filter: Targets = "info,quiet=error".parse().unwrap();
        let lines = logged(filter, || {
            debug!("no");
            info!(target: "quiet", "no");
            info!("yes");
            error!(target: "quiet", "yes, too");
        });
        let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["yes", "yes, too"]);
    }

    #[test]
    fn a_filter_of_the_whole_subscriber_decides_before_anything_is_made() {
        let expensive = |name: &str| -> String { panic!("{name} was made") };
        let queue = LogQueue::start(Config::default(), crate::log_queue::NullSink).unwrap();
        let filter: Targets = "info,quiet=error".parse().unwrap();
        let subscriber = tracing_subscriber::registry().with(filter).with(QueueLayer::new(queue.clone()));
        tracing::subscriber::with_default(subscriber, || {
            debug!(value = expensive("a field of a debug event"), "no");
            info!(target: "quiet", value = expensive("a field of a quiet target"), "no");
            info!("yes");
        });
        assert_eq!(queue.counters().enqueued, 1);
    }

    #[test]
    fn the_level_of_the_filter_is_the_hint_for_the_macros() {
        let queue = LogQueue::start(Config::default(), crate::log_queue::NullSink).unwrap();
        let filter: Targets = "warn,loud=debug".parse().unwrap();
        let subscriber = tracing_subscriber::registry().with(QueueLayer::new(queue).with_filter(filter));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::DEBUG));
    }

    #[test]
    fn values_may_log_while_they_are_recorded() {
        struct Logs;
        impl fmt::Debug for Logs {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                info!("made");
                f.write_str("logs")
            }
        }
        let lines = logged(Targets::new().with_default(LevelFilter::INFO), || {
            let span = info_span!("request", first = ?Logs, later = tracing::field::Empty);
            let _in = span.enter();
            span.record("later", tracing::field::debug(Logs));
            info!(own = ?Logs, "last");
        });
        let last = lines.last().expect("the event");
        let fields = [&last["fields"]["own"], &last["fields"]["request.first"], &last["fields"]["request.later"]];
        assert_eq!(fields, ["logs"; 3], "{lines:?}");
    }

    #[test]
    fn what_the_queue_refuses_is_counted_there() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let sink = move |_: &crate::log_queue::RecordRef<'_>| {
            let _ = held.recv();
            Ok(())
        };
        let config = Config { maxsize: 1, batch_size: 1, ..Config::default() };
        let queue = LogQueue::start(config, sink).unwrap();
        let subscriber = tracing_subscriber::registry().with(QueueLayer::new(queue.clone()));
        let counts = || (queue.counters().enqueued, queue.counters().dropped);
        tracing::subscriber::with_default(subscriber, || {
            info!("for the sink, which holds it");
            while queue.counters().in_hand == 0 {
                std::thread::yield_now();
            }
            info!("for the queue");
            info!("too much");
            assert_eq!(counts(), (2, 1));
            queue.close();
            info!("too late");
            assert_eq!(counts(), (2, 1), "what comes after the end is not counted");
        });
        drop(release);
    }
}
