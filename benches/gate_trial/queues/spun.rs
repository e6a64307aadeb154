//! `spun:NS` spins for `NS` nanoseconds after each call, for example `spun:3000`.

use super::told;
use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink};
use std::time::{Duration, Instant};

/// The built-in queue with a slower call.
pub struct Spun {
    queue: Builtin,
    time: Duration,
}

impl Queue for Spun {
    const ABOUT: About = About { name: "spun:", ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let [time] = told(setup)?;
        Ok(Self { queue: Builtin::build(setup, sink)?, time: Duration::from_nanos(time) })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let reply = self.queue.log(entry).await;
        let begin = Instant::now();
        while begin.elapsed() < self.time {
            std::hint::spin_loop();
        }
        reply
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.queue.shutdown(deadline)
    }
}
