//! The settings of a queue, and their errors.

use std::fmt;
use std::io;
use std::time::Duration;

/// What happens to a record that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The newest record is refused.
    Drop,
    /// The caller waits for room. A record is never refused for lack of room, except by `try_log`, which cannot wait.
    Block,
    /// The oldest record makes room for the new one. Records that the worker has taken are no longer in the queue.
    DropOldest,
    /// From 80 % full on, a record is kept with probability `sample_rate`. When the queue is full, it is refused.
    Sample,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Drop => "drop",
            Self::Block => "block",
            Self::DropOldest => "drop-oldest",
            Self::Sample => "sample",
        })
    }
}

/// The settings of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Capacity in records, at least 1; its memory is allocated at the start.
    pub maxsize: usize,
    /// What happens to a record that finds the queue full.
    pub strategy: Strategy,
    /// Largest number of records that the worker takes at once, at least 1. The batch is complete at this number, or
    /// when the queue is full. Under [`Strategy::Block`], the worker takes a complete batch in parts where the sink is slow:
    /// up to a millisecond of its work, or four times its last flush.
    pub batch_size: usize,
    /// Longest time that a record waits for its batch to become complete; with zero it does not wait.
    pub batch_timeout: Duration,
    /// Under [`Strategy::Sample`], the share of records kept from 80 % full on, 0 to 1.
    pub sample_rate: f64,
    /// The seed of that choice: the same seed and the same sequence of calls give the same choices.
    pub seed: u64,
    /// Bytes for records that do not fit into a slot of 240 bytes: such a record takes a block of memory of its own while it
    /// is in the queue. If the budget is used up, the record is cut to its slot: half of that for the message, then the
    /// fields in their order. That is counted ([`super::Counters::cut`]) and shown ([`super::RecordRef::is_cut`]).
    pub text_budget: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            maxsize: 1_000,
            strategy: Strategy::Drop,
            batch_size: 10,
            batch_timeout: Duration::from_secs(1),
            sample_rate: 0.1,
            text_budget: 16 << 20,
            seed: 42,
        }
    }
}

impl Config {
    /// Checks whether a queue can be started with these settings.
    ///
    /// # Errors
    ///
    /// The first setting that is out of bounds.
    pub fn validate(&self) -> Result<(), StartError> {
        if self.maxsize == 0 {
            return Err(StartError::Maxsize);
        }
        if self.batch_size == 0 {
            return Err(StartError::BatchSize);
        }
        if !(0.0..=1.0).contains(&self.sample_rate) {
            return Err(StartError::SampleRate(self.sample_rate));
        }
        Ok(())
    }
}

/// Why a queue could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `maxsize` is zero.
    #[error("maxsize is 0; the queue must hold at least 1 record")]
    Maxsize,
    /// `batch_size` is zero.
    #[error("batch_size is 0; a batch must hold at least 1 record")]
    BatchSize,
    /// `sample_rate` is not a probability.
    #[error("sample_rate is {0}; it must lie between 0 and 1")]
    SampleRate(f64),
    /// There is no memory for this many records.
    #[error("no memory for {0} records; use a smaller maxsize")]
    Memory(usize),
    /// The worker's thread could not be started.
    #[error("cannot start the worker's thread: {0}")]
    Thread(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert!(Config::default().validate().is_ok());
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let message = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().map_err(|error| error.to_string())
        };
        assert!(message(|c| c.maxsize = 0).unwrap_err().starts_with("maxsize is 0"));
        assert!(message(|c| c.batch_size = 0).unwrap_err().starts_with("batch_size is 0"));
        for rate in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            let config = Config { sample_rate: rate, ..Config::default() };
            assert!(matches!(config.validate(), Err(StartError::SampleRate(_))), "{rate}");
        }
        assert_eq!(message(|c| c.sample_rate = 0.0), Ok(()));
        assert_eq!(message(|c| c.sample_rate = 1.0), Ok(()));
        assert_eq!(message(|c| c.batch_timeout = Duration::ZERO), Ok(()));
    }
}
