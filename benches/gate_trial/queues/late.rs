//! Delivers one record in so many only so long after its call, in nanoseconds: `late:20/4600000`. The others are not held
//! up.
//!
//! The worker keeps what is late and delivers what is due at the end of each batch, once a millisecond under the trial's
//! load. A thread for it would cost CPU time, and be found out by that.

use super::{chosen, told};
use queue_load::adapter::builtin::{Builtin, stamp_of};
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use queue_load::internals::clock::Clock;
use queue_load::log_queue::{self, Record};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// The built-in queue, some of whose records are late.
pub struct Late {
    queue: Builtin,
}

impl Queue for Late {
    const ABOUT: About = About { name: "late:", ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let [one_in, delay] = told(setup)?;
        let sink = Holding { sink, one_in, seed: setup.seed, delay, held: VecDeque::new() };
        Ok(Self { queue: Builtin::before(setup, sink)? })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.queue.log(entry).await
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.queue.shutdown(deadline)
    }
}

struct Holding {
    sink: Sink,
    one_in: u64,
    seed: u64,
    delay: u64,
    /// In order of their calls, nearly.
    held: VecDeque<Stamp>,
}

impl log_queue::Sink for Holding {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        match stamp_of(record) {
            Some(stamp) if chosen(stamp, self.seed, self.one_in) => {
                self.held.push_back(stamp);
                Ok(())
            }
            stamp => self.sink.deliver(stamp, |out| record.write_json(out)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let now = self.sink.clock().now();
        while let Some(&stamp) = self.held.front().filter(|stamp| stamp.at + self.delay <= now) {
            self.held.pop_front();
            // The trial's sinks count and want no text.
            self.sink.deliver(Some(stamp), |_| Ok(()))?;
        }
        self.sink.flush()
    }

    fn buffers(&self) -> bool {
        false
    }
}

impl Drop for Holding {
    /// What is left comes late too, and comes: the queue ends only when its sink is gone.
    fn drop(&mut self) {
        for stamp in std::mem::take(&mut self.held) {
            let left = (stamp.at + self.delay).saturating_sub(self.sink.clock().now());
            std::thread::sleep(Duration::from_nanos(left));
            let _ = self.sink.deliver(Some(stamp), |_| Ok(()));
        }
    }
}
