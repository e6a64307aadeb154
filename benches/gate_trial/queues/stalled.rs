//! `stalled:NS/EVERY` stalls for `NS` nanoseconds once in `EVERY` nanoseconds, for example
//! `stalled:60000000/10000000000`.
//!
//! The repeat's seed draws the moment of the stall from the whole span `EVERY`. So it falls into the window by chance,
//! as if the window were cut out of a long run. The call that meets the stall sleeps, and all other calls wait for it.

use super::{scattered, told};
use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use queue_load::internals::load::Phase;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The moment is not known yet: the window has not begun.
const UNKNOWN: u64 = 0;

/// There is no stall, or it is over.
const NEVER: u64 = u64::MAX;

/// The built-in queue with an occasional stall.
pub struct Stalled {
    queue: Builtin,
    /// Time from the window's first call to the stall, in nanoseconds.
    offset: u64,
    length: Duration,
    /// The moment of the stall on the clock of the load, or one of the two constants above.
    moment: AtomicU64,
    /// Whether the stall has happened.
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
