//! `late:N/NS` delivers one record in N only `NS` nanoseconds after its call, for example `late:20/4600000`. The other
//! records are not delayed.
//!
//! The worker keeps the late records and delivers those that are due at the end of each batch, which happens once a
//! millisecond under the trial's load. A separate thread would use CPU time, and the gate would find it by that.

use super::{chosen, told};
use queue_load::adapter::builtin::{Builtin, stamp_of};
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use queue_load::internals::clock::Clock;
use queue_load::log_queue::{self, RecordRef};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// The built-in queue, but some of its records are late.
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
    /// The kept records, almost in the order of their calls.
    held: VecDeque<Stamp>,
}

impl log_queue::Sink for Holding {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
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
            // The trial's sinks only count and need no text.
            self.sink.deliver(Some(stamp), |_| Ok(()))?;
        }
        self.sink.flush()
    }

    fn buffers(&self) -> bool {
        false
    }
}

impl Drop for Holding {
    /// Delivers the remaining records, also late. The queue ends only after its sink is dropped, so none is lost.
    fn drop(&mut self) {
        for stamp in std::mem::take(&mut self.held) {
            let left = (stamp.at + self.delay).saturating_sub(self.sink.clock().now());
            std::thread::sleep(Duration::from_nanos(left));
            let _ = self.sink.deliver(Some(stamp), |_| Ok(()));
        }
    }
}
