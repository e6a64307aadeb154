//! What is measured of each queue.

use queue_load::adapter::{About, Parameters, Strategy};
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::scenario::{Pacing, Producers};
use queue_load::internals::units::{Nanos, Rate};

/// Logs per second of the paced load, over all tasks.
const RATE: u32 = 10_000;
/// Capacity in records.
pub const MAXSIZE: u64 = 8_192;
/// Records that a worker takes at once, where it has batches.
pub const BATCH_SIZE: u64 = 512;
/// Longest time that a record waits for its batch.
pub const BATCH_TIMEOUT: Nanos = Nanos::from_millis(10);

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// 10,000 logs/s, by a whole repeat.
    Paced(Paced),
    /// 64 tasks offer more than the sink takes, under `block`, by a whole repeat.
    Blocked,
    /// 100 calls timed together, every hundredth of a second.
    Burst,
    /// This many threads that never pause, under `block`.
    Saturated(u32),
}

/// Who sends the paced load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paced {
    /// A task on a lane that sleeps until a log is due.
    OneSleeps,
    /// A task on a lane that polls the clock.
    OneSpins,
    /// Ten tasks on lanes that sleep.
    TenSleep,
    /// Ten tasks on lanes that poll the clock.
    TenSpin,
    /// Ten tasks of a tokio runtime, as in a service.
    TenTasks,
}

impl Paced {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::OneSleeps, Self::OneSpins, Self::TenSleep, Self::TenSpin, Self::TenTasks];

    /// For a heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneSleeps => "1 lane, sleeps",
            Self::OneSpins => "1 lane, spins",
            Self::TenSleep => "10 on lanes, sleep",
            Self::TenSpin => "10 on lanes, spin",
            Self::TenTasks => "10 tokio tasks",
        }
    }

    fn load(self) -> (Producers, Pacing, u32) {
        match self {
            Self::OneSleeps => (Producers::Lanes, Pacing::Sleep, 1),
            Self::OneSpins => (Producers::Lanes, Pacing::Spin, 1),
            Self::TenSleep => (Producers::Lanes, Pacing::Sleep, 10),
            Self::TenSpin => (Producers::Lanes, Pacing::Spin, 10),
            Self::TenTasks => (Producers::Tasks, Pacing::Hybrid, 10),
        }
    }
}

impl Cell {
    /// Numbers of threads that never pause.
    pub const SATURATED: [u32; 4] = [1, 2, 8, 64];

    /// All of them.
    pub fn all() -> Vec<Self> {
        let paced = Paced::ALL.into_iter().map(Self::Paced);
        paced.chain([Self::Blocked, Self::Burst]).chain(Self::SATURATED.map(Self::Saturated)).collect()
    }

    /// Whether it says anything about the queue.
    pub fn is_for(self, about: &About) -> bool {
        let blocks = about.strategies.contains(&Strategy::Block);
        match self {
            // The control delivers inside the call; it is never full.
            Self::Blocked => blocks && about.name != "noop" && !is_only_here(about),
            Self::Paced(_) => !is_only_here(about),
            Self::Burst => true,
            Self::Saturated(_) => blocks,
        }
    }

    /// The repeat that measures it, with a window of that length; `None` if a repeat cannot.
    pub fn repeat(self, queue: &str, window: Nanos, round: u32) -> Option<PlannedRepeat> {
        let base = parameters(queue);
        let parameters = match self {
            Self::Paced(paced) => {
                let (producers, pacing, concurrency) = paced.load();
                Parameters { producers, pacing, concurrency, rate: Rate::of_whole(RATE / concurrency), ..base }
            }
            // The sink takes 50,000/s, and 64,000/s are offered.
            Self::Blocked => Parameters {
                strategy: Strategy::Block,
                maxsize: 1_024,
                concurrency: 64,
                rate: Rate::of_whole(1_000),
                sink_delay: Nanos::from_micros(20),
                ..base
            },
            Self::Burst | Self::Saturated(_) => return None,
        };
        Some(PlannedRepeat {
            case: 0,
            repeat: round,
            attempt: 0,
            case_id: format!("{queue}, {self:?}").into(),
            parameters: Parameters { duration: window, ..parameters },
            warmup: Nanos::from_millis(50),
            control: Nanos::ZERO,
            drain_timeout: Nanos::from_secs(10),
            deadline: Nanos::from_secs(60),
            memory_limit: None,
            steady: None,
            seed: u64::from(round),
        })
    }
}

/// A queue that only this bench has, and that no worker knows.
fn is_only_here(about: &About) -> bool {
    ["nothing", "builtin-file"].contains(&about.name)
}

/// The settings that all cells share.
pub fn parameters(queue: &str) -> Parameters {
    Parameters {
        queue: queue.into(),
        maxsize: MAXSIZE,
        batch_size: BATCH_SIZE,
        batch_timeout: BATCH_TIMEOUT,
        ..Parameters::default()
    }
}
