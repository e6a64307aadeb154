//! `spdlog-rs` with its thread pool's sink. The record is passed on as it is; only the message is formatted.
//!
//! - `drop` is `OverflowPolicy::DropIncoming`. Inside the call, the logger passes each record that it could not send to
//!   its error handler, so the outcome of each call is known.
//! - Under `block`, it is unknown whether a call had to wait.
//! - Dropping the thread pool delivers the remaining records, without a time limit. The deadline of the case limits it
//!   here.
//! - The keys of the macros are fixed when the program is compiled: there is one macro call for each number of fields
//!   up to four. A case with more is refused. A context, which is not known then, is part of the message.

use super::catalogue::SPDLOG_RS;
use super::deadline::within;
use super::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp, Typed};
use crate::log_queue::Level;
use spdlog::formatter::FormatterContext;
use spdlog::sink::{AsyncPoolSink, GetSinkProp, OverflowPolicy, SinkProp};
use spdlog::{LevelFilter, Logger, Record, StringBuf, ThreadPool};
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// `spdlog-rs` under load.
pub struct Spdlog {
    logger: Logger,
    accepted: Reply,
}

thread_local! {
    /// Whether the record that this thread is logging was refused.
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

impl Queue for Spdlog {
    const ABOUT: About = SPDLOG_RS;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let capacity = NonZeroUsize::new(setup.maxsize()).ok_or("maxsize is 0")?;
        let pool = ThreadPool::builder().capacity(capacity).build_arc().map_err(|error| error.to_string())?;
        let (policy, accepted) = match setup.blocks() {
            true => (OverflowPolicy::Block, Reply::UNKNOWN),
            false => (OverflowPolicy::DropIncoming, Reply::ACCEPTED),
        };
        let counted = Arc::new(Counted { sink, prop: SinkProp::default() });
        let pooled = AsyncPoolSink::builder().sink(counted).overflow_policy(policy).thread_pool(pool).build_arc();
        let logger = Logger::builder()
            .level_filter(LevelFilter::All)
            .sink(pooled.map_err(|error| error.to_string())?)
            .error_handler(|_| IS_REFUSED.set(true))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { logger, accepted })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let Typed { user_id, route, duration_ms, cached } = entry.typed();
        let (stamp_id, stamp_at) = entry.stamp.to_words();
        let level = level(entry);
        macro_rules! log {
            ($($key:ident)*) => {
                spdlog::log!(logger: self.logger, level, "{}", Text(entry), kv: { $($key,)* stamp_id, stamp_at })
            };
        }
        match (user_id, route, duration_ms, cached) {
            (Some(user_id), Some(route), Some(duration_ms), Some(cached)) => log!(user_id route duration_ms cached),
            (Some(user_id), Some(route), Some(duration_ms), None) => log!(user_id route duration_ms),
            (Some(user_id), Some(route), ..) => log!(user_id route),
            (Some(user_id), ..) => log!(user_id),
            _ => log!(),
        }
        if IS_REFUSED.take() { Reply::Dropped } else { self.accepted }
    }

    fn shutdown(self, deadline: Duration) -> Account {
        within(deadline, move || drop(self.logger));
        Account::default()
    }
}

fn level(entry: &Entry<'_>) -> spdlog::Level {
    match entry.level() {
        Level::Trace => spdlog::Level::Trace,
        Level::Debug => spdlog::Level::Debug,
        Level::Info => spdlog::Level::Info,
        Level::Warn => spdlog::Level::Warn,
        Level::Error => spdlog::Level::Error,
    }
}

/// The message and the context.
struct Text<'a>(&'a Entry<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())?;
        self.0.context().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// The counting sink as a sink of the logger.
struct Counted {
    sink: Sink,
    prop: SinkProp,
}

impl GetSinkProp for Counted {
    fn prop(&self) -> &SinkProp {
        &self.prop
    }
}

impl spdlog::sink::Sink for Counted {
    fn log(&self, record: &Record<'_>) -> spdlog::Result<()> {
        let written = self.sink.deliver(stamp(record), |out| {
            let mut text = StringBuf::new();
            let formatted = self.prop.formatter().format(record, &mut text, &mut FormatterContext::new());
            formatted.map_err(std::io::Error::other)?;
            out.write_all(text.as_bytes())
        });
        written.map_err(spdlog::Error::WriteRecord)
    }

    fn flush(&self) -> spdlog::Result<()> {
        self.sink.flush().map_err(spdlog::Error::FlushBuffer)
    }
}

fn stamp(record: &Record<'_>) -> Option<Stamp> {
    let values = record.key_values();
    let word = |name| values.iter().find(|(key, _)| key.as_str() == name)?.1.to_u64();
    Stamp::from_words(word("stamp_id")?, word("stamp_at")?)
}
