//! The built-in queue, whose call is followed by a fixed number of steps of arithmetic.

use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Queue, Setup, Sink};
use queue_load::load::{Entry, Reply};
use queue_load::worker::Queues;
use std::hint::black_box;
use std::time::{Duration, Instant};

const FAMILY: &str = "slowed:";

/// The built-in queue, slowed down.
pub struct Slowed {
    queue: Builtin,
    steps: u64,
}

/// The name of the queue that takes so many steps more.
pub fn name(steps: u64) -> String {
    format!("{FAMILY}{steps}")
}

/// Makes all of them known.
pub fn register(queues: &mut Queues) {
    queues.add_family::<Slowed>();
}

/// Steps, each of which needs the one before.
fn work(steps: u64) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..steps {
        state = black_box(state ^ (state << 13));
    }
}

/// What a step takes in nanoseconds: the fastest of many batches.
pub fn step_ns() -> f64 {
    const STEPS: u64 = 10_000;
    let batch = |_| {
        let begin = Instant::now();
        work(STEPS);
        begin.elapsed().as_nanos() as f64 / STEPS as f64
    };
    (0..2_000).map(batch).fold(f64::INFINITY, f64::min)
}

impl Queue for Slowed {
    const ABOUT: About = About { name: FAMILY, ..Builtin::ABOUT };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let steps = setup.parameters.queue.strip_prefix(FAMILY).and_then(|steps| steps.parse().ok());
        let steps = steps.ok_or("no number of steps in its name")?;
        Ok(Self { queue: Builtin::build(setup, sink)?, steps })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let reply = self.queue.log(entry).await;
        work(self.steps);
        reply
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.queue.shutdown(deadline)
    }
}
