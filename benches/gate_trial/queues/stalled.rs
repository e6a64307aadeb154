//! Stands still for so long once in so long, in nanoseconds: `stalled:60000000/10000000000`.
//!
//! The moment is drawn by the repeat's seed from the whole span of time, and falls into the window by chance, as it would
//! if the window were cut out of a long run. The call that meets it sleeps, and all others wait for that call.

use super::{scattered, told};
use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use queue_load::internals::load::Phase;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Not known yet: the window has not begun.
const UNKNOWN: u64 = 0;

/// There is none, or it is over.
const NEVER: u64 = u64::MAX;

/// The built-in queue with a stall now and then.
pub struct Stalled {
    queue: Builtin,
    /// From the window's first call to the stall, in nanoseconds.
    offset: u64,
    length: Duration,
    /// The moment on the clock of the load, or one of the two above.
    moment: AtomicU64,
    /// Whether it has been.
    been: Mutex<bool>,
}

impl Stalled {
    fn meet(&self, stamp: Stamp) {
        let moment = self.moment.load(Ordering::Relaxed);
        if moment == UNKNOWN && stamp.phase == Phase::Window {
            self.moment.store(stamp.at + self.offset, Ordering::Relaxed);
        } else if moment != UNKNOWN && stamp.at >= moment {
            let mut been = self.been.lock().unwrap_or_else(PoisonError::into_inner);
            if !*been {
                std::thread::sleep(self.length);
                *been = true;
                self.moment.store(NEVER, Ordering::Relaxed);
            }
        }
    }
}

impl Queue for Stalled {
    const ABOUT: About = About { name: "stalled:", ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let [length, once_in] = told(setup)?;
        let offset = scattered(setup.seed) % once_in.max(1);
        let moment = if offset < setup.parameters.duration.0 { UNKNOWN } else { NEVER };
        Ok(Self {
            queue: Builtin::build(setup, sink)?,
            offset,
            length: Duration::from_nanos(length),
            moment: AtomicU64::new(moment),
            been: Mutex::new(false),
        })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.meet(entry.stamp);
        self.queue.log(entry).await
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.queue.shutdown(deadline)
    }
}
