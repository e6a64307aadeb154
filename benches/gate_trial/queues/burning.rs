//! Burns so many times the CPU time that the queue's own worker takes, on another thread: `burning:1` doubles it.

use super::told;
use queue_load::adapter::builtin::{Builtin, stamp_of};
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink};
use queue_load::log_queue::{self, Record};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two bouts.
const NAP: Duration = Duration::from_millis(2);

/// The built-in queue with a thread that does nothing useful.
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
        // The name is none of the load's own, so its time counts as the queue's.
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
        // A panic there is the thread's own, and has been reported.
        let _ = self.thread.join();
        self.queue.shutdown(deadline)
    }
}

/// Says after each batch how much CPU time the worker has taken.
struct Metered {
    sink: Sink,
    shared: Arc<Shared>,
}

impl log_queue::Sink for Metered {
    fn write(&mut self, record: &Record) -> io::Result<()> {
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
    /// Its own wake-ups count towards what it has to burn.
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
