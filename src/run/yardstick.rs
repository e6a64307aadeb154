//! The yardstick: a fixed piece of work, timed at the start, middle and end of each run, always between two repeats. It
//! does not involve any queue. If it took different times in two runs, the machines were different, or something else
//! slowed one of them down.

use super::journal::GaugeRecord;
use crate::clock::{Clock, SystemClock};
use crate::platform;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How fast the machine was: the same fixed work at three moments of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct Yardstick {
    /// Before the first repeat; null if the work could not be timed.
    #[serde(default)]
    pub start: Option<YardstickReading>,
    /// Halfway through the repeats; null if there is only one repeat or the run ended earlier.
    #[serde(default)]
    pub middle: Option<YardstickReading>,
    /// After the last repeat; null if the run ended early.
    #[serde(default)]
    pub end: Option<YardstickReading>,
}

impl Yardstick {
    /// Of the readings of a journal: those of a confirmation, or of the plan itself for 0.
    pub fn of(gauges: &[GaugeRecord], round: u32) -> Self {
        let mut yardstick = Self::default();
        let own = gauges.iter().filter(|gauge| gauge.round == round);
        own.for_each(|gauge| yardstick.set(gauge.moment, Some(gauge.reading)));
        yardstick
    }

    /// The readings that there are, in order of time.
    pub fn readings(&self) -> impl Iterator<Item = YardstickReading> {
        [self.start, self.middle, self.end].into_iter().flatten()
    }

    /// Stores a reading.
    pub fn set(&mut self, moment: Moment, reading: Option<YardstickReading>) {
        *match moment {
            Moment::Start => &mut self.start,
            Moment::Middle => &mut self.middle,
            Moment::End => &mut self.end,
        } = reading;
    }
}

/// One reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
pub struct YardstickReading {
    /// Time of 10,000 steps of arithmetic on one thread, in nanoseconds: the lower quartile of many such blocks. Null
    /// if there were too few.
    pub spin_ns: Option<f64>,
    /// Time of a message to another thread on the same CPU and its answer, in nanoseconds: the lower quartile of many.
    /// The kernel has to wake up both threads. Null if there were too few.
    pub ping_pong_ns: Option<f64>,
}

/// When the yardstick is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before the first repeat.
    Start,
    /// Halfway through the repeats.
    Middle,
    /// After the last repeat.
    End,
}

/// Time for each of the two pieces of work, in nanoseconds.
const BUDGET_NS: u64 = 100_000_000;
/// Steps of one block of arithmetic. A block takes 20 to 40 µs, so most blocks are not interrupted.
const STEPS: u32 = 10_000;
/// Largest number of blocks or answers that are kept.
const MOST: usize = 100_000;
/// Smallest number of blocks or answers from which a reading is taken.
const LEAST: usize = 40;

/// Does the work and returns how long it took. This takes about 200 ms. A part that could not be done is `None`.
#[must_use]
pub fn measure() -> YardstickReading {
    YardstickReading { spin_ns: lower_quartile(spin()), ping_pong_ns: lower_quartile(ping_pong()) }
}

/// The lower quartile: a quarter of the values are at most this. On an idle machine the median would do, but the lower
/// quartile still shows the machine's own speed when other programs interrupt half of the blocks.
fn lower_quartile(mut values: Vec<u64>) -> Option<f64> {
    if values.len() < LEAST {
        return None;
    }
    values.sort_unstable();
    values.get(values.len() / 4).map(|&value| value as f64)
}

/// Repeats `work` until the budget is used up, and returns the time of each repetition, in nanoseconds.
fn timed(mut work: impl FnMut()) -> Vec<u64> {
    let clock = SystemClock::new();
    let start = clock.now();
    let (mut before, mut times) = (start, Vec::with_capacity(MOST));
    while before - start < BUDGET_NS && times.len() < MOST {
        work();
        let after = clock.now();
        times.push(after.saturating_sub(before));
        before = after;
    }
    times
}

/// Times blocks of xorshift64 (Marsaglia 2003). Each step needs the result of the one before, so a CPU cannot overlap
/// them.
fn spin() -> Vec<u64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    timed(|| {
        for _ in 0..STEPS {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        state = black_box(state);
    })
}

/// Times two threads that take turns. Both run on one CPU: between two CPUs, the time would depend on how deeply the
/// other CPU sleeps, which changes from second to second. Empty if threads cannot be moved or started.
fn ping_pong() -> Vec<u64> {
    let ours = thread::Builder::new().name("ql-ping".into()).spawn(|| one_cpu().and_then(|()| ping()));
    ours.ok().and_then(|ours| ours.join().ok()).flatten().unwrap_or_default()
}

/// The value of `turn` that ends the game. Any other value says whose turn it is by its lowest bit: 1 is the ponger's.
const OVER: u64 = u64::MAX;

fn ping() -> Option<Vec<u64>> {
    let turn = AtomicU64::new(0);
    let pinger = thread::current();
    thread::scope(|scope| {
        // The new thread inherits the CPU of the thread that starts it.
        let ponger = thread::Builder::new().name("ql-pong".into()).spawn_scoped(scope, || {
            loop {
                match turn.load(Ordering::Acquire) {
                    OVER => return,
                    mine if mine % 2 == 1 => {
                        turn.store(mine + 1, Ordering::Release);
                        pinger.unpark();
                    }
                    _ => thread::park(),
                }
            }
        });
        let ponger = ponger.ok()?;
        let times = timed(|| {
            let asked = turn.load(Ordering::Acquire) + 1;
            turn.store(asked, Ordering::Release);
            ponger.thread().unpark();
            while turn.load(Ordering::Acquire) == asked {
                thread::park();
            }
        });
        turn.store(OVER, Ordering::Release);
        ponger.thread().unpark();
        Some(times)
    })
}

/// Moves the calling thread to the last of its CPUs; `None` if that is not possible.
fn one_cpu() -> Option<()> {
    let allowed = platform::allowed_cpus().ok()??;
    platform::move_to_cpus(&[*allowed.last()?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_quartile_needs_enough_values() {
        assert_eq!(lower_quartile((0..39).collect()), None);
        assert_eq!(lower_quartile((0..40).rev().collect()), Some(10.0));
        assert_eq!(lower_quartile(Vec::new()), None);
    }

    #[test]
    fn readings_stand_at_their_moment_and_come_in_order() {
        let reading = |spin| Some(YardstickReading { spin_ns: Some(spin), ping_pong_ns: None });
        let mut yardstick = Yardstick::default();
        yardstick.set(Moment::End, reading(3.0));
        yardstick.set(Moment::Start, reading(1.0));
        assert_eq!(yardstick, Yardstick { start: reading(1.0), middle: None, end: reading(3.0) });
        let spins: Vec<f64> = yardstick.readings().filter_map(|reading| reading.spin_ns).collect();
        assert_eq!(spins, [1.0, 3.0]);
        yardstick.set(Moment::Middle, reading(2.0));
        assert_eq!(yardstick.readings().count(), 3);
    }
}
