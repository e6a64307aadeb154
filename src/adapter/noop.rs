//! The control: a queue that delivers inside the call. Its cost is the cost of the instrument.

use super::{About, Account, Queue, Setup, Sink};
use crate::load::{Entry, Reply};
use crate::scenario::Strategy;
use std::time::Duration;

/// Delivers inside the call, and is never full.
#[derive(Debug)]
pub struct Noop {
    sink: Sink,
}

impl Queue for Noop {
    // It is never full, so it is the same under each of them.
    const ABOUT: About =
        About { strategies: &Strategy::ALL, carries_context: true, ..About::new("noop", env!("CARGO_PKG_VERSION")) };

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let written = self.sink.deliver(Some(entry.stamp), |out| {
            write!(out, "{} {} {}", entry.stamp, entry.level(), entry.message())?;
            entry.context().iter().try_for_each(|(name, value)| write!(out, " {name}={value}"))?;
            writeln!(out)
        });
        match written {
            Ok(()) => Reply::ACCEPTED,
            Err(_) => Reply::Dropped,
        }
    }

    fn shutdown(self, _: Duration) -> Account {
        // Records that a failed flush loses were counted as delivered already: this queue has no buffer, only the sink
        // has.
        let _ = self.sink.flush();
        Account::default()
    }
}
