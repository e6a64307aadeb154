//! `logforth` with its asynchronous appender: the caller copies the record, message and key-value pairs, into a bounded
//! channel; a thread hands it to the appenders.
//!
//! - `drop` and `block` are its two modes. Neither the call nor a counter tells which records it dropped, so what did not
//!   arrive counts as dropped; that includes what a shutdown leaves behind that runs out of time.
//! - Dropping the logger delivers what is left, without a limit of time. The deadline of the case limits it here.
//! - The pairs are fixed when the program is compiled: four. A case with fewer leaves the others out; one with more is
//!   refused.
//! - A context is a `Diagnostic`, its MDC: the caller copies the pairs with each record.

use super::catalogue::LOGFORTH;
use super::deadline::within;
use super::{About, Account, Context, Entry, Queue, Reply, Setup, Sink, Stamp};
use crate::log_queue::Level;
use logforth_append_async::AsyncBuilder;
use logforth_core::kv::{Key, KeyView, Value, ValueView, Visitor};
use logforth_core::record::{self, Record};
use logforth_core::{Append, Diagnostic, Error, Logger};
use std::io::Write;
use std::time::Duration;

/// `logforth` under load.
#[derive(Debug)]
pub struct Logforth {
    logger: Logger,
}

impl Queue for Logforth {
    const ABOUT: About = LOGFORTH;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let builder =
            AsyncBuilder::new("logforth").buffered_lines_limit(Some(setup.maxsize())).append(Counted { sink });
        let builder = if setup.blocks() { builder.overflow_block() } else { builder.overflow_drop_incoming() };
        let context = setup.context();
        let logger = logforth_core::builder().dispatch(|dispatch| match context.fields() {
            [] => dispatch.append(builder.build()),
            _ => dispatch.diagnostic(Mdc(context)).append(builder.build()),
        });
        Ok(Self { logger: logger.build() })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let (typed, (id, at)) = (entry.typed(), entry.stamp.to_words());
        let pairs = [
            (Key::new("stamp_id"), Value::u64(id)),
            (Key::new("stamp_at"), Value::u64(at)),
            (Key::new("user_id"), typed.user_id.map_or(Value::none(), Value::u64)),
            (Key::new("route"), typed.route.map_or(Value::none(), Value::static_str)),
            (Key::new("duration_ms"), typed.duration_ms.map_or(Value::none(), Value::f64)),
            (Key::new("cached"), typed.cached.map_or(Value::none(), Value::bool)),
        ];
        let record = Record::builder().level(level(entry)).target_static(module_path!());
        let pairs = &pairs[..2 + entry.fields().len()];
        self.logger.log(&record.payload(format_args!("{}", entry.message())).key_values(pairs).build());
        Reply::UNKNOWN
    }

    fn shutdown(self, deadline: Duration) -> Account {
        within(deadline, move || drop(self.logger));
        Account::default()
    }
}

fn level(entry: &Entry<'_>) -> record::Level {
    match entry.level() {
        Level::Trace => record::Level::Trace,
        Level::Debug => record::Level::Debug,
        Level::Info => record::Level::Info,
        Level::Warn => record::Level::Warn,
        Level::Error => record::Level::Error,
    }
}

/// The context of the calls.
#[derive(Debug)]
struct Mdc(Context);

impl Diagnostic for Mdc {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), Error> {
        let mut pairs = self.0.fields().iter();
        // As it visits those of its own: the value is copied.
        pairs.try_for_each(|(name, value)| visitor.visit(Key::borrowed(name).view(), Value::str(value).view()))
    }
}

/// Writes the pairs of a context.
struct Pairs<'a> {
    out: &'a mut dyn Write,
}

impl Visitor for Pairs<'_> {
    fn visit(&mut self, key: KeyView<'_>, value: ValueView<'_>) -> Result<(), Error> {
        write!(self.out, " {key}={value}").map_err(|error| Error::new("the sink refuses it").with_source(error))
    }
}

/// The counting sink as an appender.
#[derive(Debug)]
struct Counted {
    sink: Sink,
}

impl Append for Counted {
    fn append(&self, record: &Record<'_>, contexts: &[Box<dyn Diagnostic>]) -> Result<(), Error> {
        let word = |name| record.key_values().get(name)?.to_u64();
        let stamp = word("stamp_id").zip(word("stamp_at")).and_then(|(id, at)| Stamp::from_words(id, at));
        let written = self.sink.deliver(stamp, |out| {
            write!(out, "{} {}", record.level(), record.payload())?;
            record.key_values().iter().try_for_each(|(key, value)| write!(out, " {key}={value}"))?;
            let mut pairs = Pairs { out: &mut *out };
            contexts.iter().try_for_each(|context| context.visit(&mut pairs)).map_err(std::io::Error::other)?;
            writeln!(out)
        });
        written.map_err(|error| Error::new("the sink refuses it").with_source(error))
    }

    fn flush(&self) -> Result<(), Error> {
        self.sink.flush().map_err(|error| Error::new("the sink cannot be flushed").with_source(error))
    }
}
