//! The control: a queue that delivers inside the call. What it costs is what the instrument costs.

use super::{About, Account, Queue, Setup, Sink};
use crate::load::{Entry, Reply};
use crate::scenario::Strategy;
use std::time::Duration;

/// Delivers inside the call; is never full.
#[derive(Debug)]
pub struct Noop {
    sink: Sink,
}

impl Queue for Noop {
    const ABOUT: About = About {
        strategies: &[Strategy::Drop, Strategy::Block, Strategy::Sample],
        ..About::new("noop", env!("CARGO_PKG_VERSION"))
    };

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self { sink })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        match self.sink.deliver(Some(entry.stamp), |out| writeln!(out, "{} {}", entry.stamp, entry.message())) {
            Ok(()) => Reply::ACCEPTED,
            Err(_) => Reply::Dropped,
        }
    }

    fn shutdown(self, _: Duration) -> Account {
        // Whatever a flush loses was counted as delivered: the control has no buffer of its own to lose it from.
        let _ = self.sink.flush();
        Account::default()
    }
}
