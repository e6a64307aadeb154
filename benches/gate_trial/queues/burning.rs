//! `burning:N` uses, on another thread, N times the CPU time of the queue's own worker: `burning:1` doubles the CPU
//! time.

use super::told;
use queue_load::adapter::builtin::{Builtin, stamp_of};
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink};
use queue_load::log_queue::{self, RecordRef};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pause between two periods of burning.
const NAP: Duration = Duration::from_millis(2);

/// The built-in queue plus a thread that wastes CPU time.
pub struct Burning {
    queue: Builtin,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// CPU time of the worker so far, in nanoseconds.
    worker: AtomicU64,
    over: AtomicBool,
}

impl Queue for Burning {
    const ABOUT: About = About { name: "burning:", ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let [times] = told(setup)?;
        let shared = Arc::new(Shared::default());
        let queue = Builtin::before(setup, Metered { sink, shared: Arc::clone(&shared) })?;
        // The name is not one of the load's threads, so its time counts as the queue's.
        let thread = std::thread::Builder::new().name("burning".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.burn(times)
        });
        Ok(Self { queue, shared, thread: thread.map_err(|error| error.to_string())? })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.queue.log(entry).await
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.shared.over.store(true, Ordering::Relaxed);
        // A panic of that thread has already been reported.
        let _ = self.thread.join();
        self.queue.shutdown(deadline)
    }
}

/// Records after each batch how much CPU time the worker has used.
struct Metered {
    sink: Sink,
    shared: Arc<Shared>,
}

impl log_queue::Sink for Metered {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        self.sink.deliver(stamp_of(record), |out| record.write_json(out))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.worker.store(cpu_time(), Ordering::Relaxed);
        self.sink.flush()
    }

    fn buffers(&self) -> bool {
        false
    }
}

impl Shared {
    /// Burns CPU time until the thread has used its multiple. The time of its own wake-ups counts.
    fn burn(&self, times: u64) {
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(NAP);
            while cpu_time() < self.worker.load(Ordering::Relaxed) * times {
                std::hint::spin_loop();
            }
        }
    }
}

/// CPU time of this thread, in nanoseconds.
fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
