//! `dropping:N` refuses one log in N, as a full queue would.

use super::{chosen, told};
use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The built-in queue, but it drops some logs.
pub struct Dropping {
    queue: Builtin,
    one_in: u64,
    seed: u64,
    dropped: AtomicU64,
}

impl Queue for Dropping {
    const ABOUT: About = About { name: "dropping:", ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let [one_in] = told(setup)?;
        Ok(Self { queue: Builtin::build(setup, sink)?, one_in, seed: setup.seed, dropped: AtomicU64::new(0) })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if chosen(entry.stamp, self.seed, self.one_in) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Reply::Dropped;
        }
        self.queue.log(entry).await
    }

    /// Its account is correct: the logs refused here are among its drops.
    fn shutdown(self, deadline: Duration) -> Account {
        let mut account = self.queue.shutdown(deadline);
        *account.counters.entry("dropped".to_owned()).or_default() += self.dropped.into_inner();
        account
    }
}
