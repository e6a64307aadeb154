//! `slog` with `slog-async`. The record is passed on as it is; only the message is formatted.
//!
//! This uses `AsyncCore`, which returns an error if there is no room. The `Async` drain around it counts drops itself
//! and reports them in a record of its own; its count has been seen to be wrong.
//!
//! - Under `block`, it is unknown whether a call had to wait.
//! - Dropping the core delivers the remaining records, without a time limit. The deadline of the case limits it here.
//! - The fields of the macros are fixed when the program is compiled: there are four. In a case with fewer fields the
//!   others are `None`; a case with more is refused.
//! - Each task that has a context logs through a child logger, made once, for each span one: a record shares their pairs.

use super::catalogue::SLOG_ASYNC;
use super::deadline::within;
use super::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use crate::log_queue::Level;
use slog::{Drain, KV, Key, Logger, Never, OwnedKVList, Record, Serializer, o};
use slog_async::AsyncCore;
use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::time::Duration;

/// `slog-async` under load.
#[derive(Debug)]
pub struct SlogAsync {
    logger: Logger,
    /// The logger of each task; empty if there is no context.
    children: Vec<Logger>,
    accepted: Reply,
}

thread_local! {
    /// Whether the record that this thread logged last was refused.
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

impl Queue for SlogAsync {
    const ABOUT: About = SLOG_ASYNC;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let core = AsyncCore::custom(Counted { sink })
            .chan_size(setup.maxsize())
            .blocking(setup.blocks())
            .thread_name("slog-async".to_owned())
            .build();
        let accepted = if setup.blocks() { Reply::UNKNOWN } else { Reply::ACCEPTED };
        let logger = Logger::root(Telling { core }, o!());
        let context = setup.context();
        let child = |_| context.spans().fold(logger.clone(), |outer, (_, fields)| outer.new(o!(Owned::of(fields))));
        let tasks = if context.fields().is_empty() { 0 } else { setup.parameters.concurrency };
        Ok(Self { children: (0..tasks).map(child).collect(), logger, accepted })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let typed = entry.typed();
        let (id, at) = entry.stamp.to_words();
        let logger = self.children.get(entry.stamp.task as usize).unwrap_or(&self.logger);
        // A record's level is fixed where the macro stands, so there is one for each.
        macro_rules! log {
            ($log:ident) => {
                slog::$log!(logger, "{}", entry.message();
                    "user_id" => typed.user_id,
                    "route" => typed.route,
                    "duration_ms" => typed.duration_ms,
                    "cached" => typed.cached,
                    "stamp_id" => id,
                    "stamp_at" => at,
                )
            };
        }
        match entry.level() {
            Level::Trace => log!(trace),
            Level::Debug => log!(debug),
            Level::Info => log!(info),
            Level::Warn => log!(warn),
            Level::Error => log!(error),
        }
        if IS_REFUSED.get() { Reply::Dropped } else { self.accepted }
    }

    fn shutdown(self, deadline: Duration) -> Account {
        within(deadline, move || drop(self));
        Account::default()
    }
}

/// The pairs of a span, which a child logger owns.
struct Owned(Vec<(&'static str, String)>);

impl Owned {
    fn of(fields: &[(&'static str, &'static str)]) -> Self {
        Self(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }
}

impl KV for Owned {
    fn serialize(&self, _: &Record<'_>, serializer: &mut dyn Serializer) -> slog::Result {
        self.0.iter().try_for_each(|(name, value)| serializer.emit_str(name, value))
    }
}

/// Passes the result of the core on to the caller, which a logger alone would not do.
struct Telling {
    core: AsyncCore,
}

impl Drain for Telling {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        IS_REFUSED.set(self.core.log(record, values).is_err());
        Ok(())
    }
}

/// The counting sink as a drain.
struct Counted {
    sink: Sink,
}

impl Drain for Counted {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, context: &OwnedKVList) -> Result<(), Never> {
        let mut stamp = Words::default();
        let found = record.kv().serialize(record, &mut stamp).is_ok();
        let stamp = if found { stamp.to_stamp() } else { None };
        // A record that the sink refuses is lost: a drain has no way to report it.
        let _ = self.sink.deliver(stamp, |out| {
            write!(out, "{} {}", record.level().as_str(), record.msg())?;
            let mut text = Text { out: &mut *out };
            let written = record.kv().serialize(record, &mut text).and_then(|()| context.serialize(record, &mut text));
            written.map_err(std::io::Error::other)?;
            writeln!(out)
        });
        Ok(())
    }
}

/// Extracts the stamp from a record.
#[derive(Default)]
struct Words {
    id: Option<u64>,
    at: Option<u64>,
}

impl Words {
    fn to_stamp(&self) -> Option<Stamp> {
        Stamp::from_words(self.id?, self.at?)
    }
}

impl Serializer for Words {
    fn emit_arguments(&mut self, _: Key, _: &fmt::Arguments<'_>) -> slog::Result {
        Ok(())
    }

    fn emit_u64(&mut self, key: Key, value: u64) -> slog::Result {
        match key {
            "stamp_id" => self.id = Some(value),
            "stamp_at" => self.at = Some(value),
            _ => {}
        }
        Ok(())
    }

    // Overridden so that values which are not needed are not formatted.
    fn emit_str(&mut self, _: Key, _: &str) -> slog::Result {
        Ok(())
    }

    fn emit_f64(&mut self, _: Key, _: f64) -> slog::Result {
        Ok(())
    }

    fn emit_bool(&mut self, _: Key, _: bool) -> slog::Result {
        Ok(())
    }
}

/// Writes the fields of a record.
struct Text<'a> {
    out: &'a mut dyn Write,
}

impl Serializer for Text<'_> {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.out, " {key}={value}").map_err(slog::Error::from)
    }
}
