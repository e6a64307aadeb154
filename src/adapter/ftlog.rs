//! `ftlog`: the caller formats the message, and puts it into a bounded channel; a thread adds the time and writes.
//!
//! - `drop` is its usual mode, `block` the other one. Neither the call nor a counter tells which records it dropped (it can
//!   print their number), so what did not arrive counts as dropped; that includes what a shutdown leaves behind that runs
//!   out of time.
//! - Its own text has no key-value pairs. So the fields are part of the message, as its users write them, and so is a
//!   context.
//! - It is flushed at the shutdown, without a limit of time. The deadline of the case limits it here.

use super::catalogue::FTLOG;
use super::deadline::within;
use super::lines::Lines;
use super::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use crate::load::payload::Value;
use crate::log_queue::Level;
use ftlog::Logger;
use log::{LevelFilter, Log};
use std::fmt;
use std::time::Duration;

/// `ftlog` under load.
pub struct Ftlog {
    logger: Logger,
}

impl Queue for Ftlog {
    const ABOUT: About = FTLOG;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let builder = ftlog::builder()
            .utc()
            .max_log_level(LevelFilter::Trace)
            .bounded(setup.maxsize(), setup.blocks())
            .root(Lines { sink });
        let logger = builder.build().map_err(|error| error.to_string())?;
        log::set_max_level(LevelFilter::Trace);
        Ok(Self { logger })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        log::log!(logger: self.logger, level(entry), "{}", Text(entry));
        Reply::UNKNOWN
    }

    fn shutdown(self, deadline: Duration) -> Account {
        within(deadline, move || self.logger.flush());
        Account::default()
    }
}

fn level(entry: &Entry<'_>) -> log::Level {
    match entry.level() {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}

/// The message and the fields.
struct Text<'a>(&'a Entry<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())?;
        for (name, value) in self.0.fields() {
            match value {
                Value::U64(value) => write!(f, " {name}={value}"),
                Value::Str(value) => write!(f, " {name}={value}"),
                Value::F64(value) => write!(f, " {name}={value}"),
                Value::Bool(value) => write!(f, " {name}={value}"),
            }?;
        }
        self.0.context().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))?;
        write!(f, " {}={}", Stamp::FIELD, self.0.stamp)
    }
}
