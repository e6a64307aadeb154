//! `[load] trace`: a recorded load that is replayed, log by log.

use super::arrivals::{Arrivals, TraceError};
use crate::units::{Multiple, Nanos, Rate};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

/// Digits of the digest in the id of a case.
const DIGITS: usize = 12;

/// The trace of a case. Two are the same if their files have the same bytes and their scales and windows are the same,
/// wherever the files are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Path of its file.
    pub file: Untrusted,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: Untrusted,
    /// At which multiple of its own rate it is replayed.
    pub scale: Multiple,
    /// Number of logs that are due in the window.
    pub logs: u64,
    /// The logs, if the file was read in this process.
    #[serde(skip)]
    arrivals: Option<Arc<Arrivals>>,
}

impl Trace {
    /// Reads the trace's file.
    ///
    /// # Errors
    /// It cannot be read, exceeds a bound, or is no trace.
    pub fn open(file: &Path, scale: Multiple) -> Result<Self, TraceError> {
        let (arrivals, sha256) = Arrivals::read(file, scale)?;
        let (file, logs) = (file.to_string_lossy().into_owned(), arrivals.count() as u64);
        Ok(Self { file: file.into(), sha256: sha256.into(), scale, logs, arrivals: Some(Arc::new(arrivals)) })
    }

    /// Reads the file again, in a process that got this from another one.
    ///
    /// # Errors
    /// The file cannot be read, or has changed.
    pub fn reopened(self) -> Result<Self, TraceError> {
        let again = Self::open(Path::new(self.file.as_given()), self.scale)?;
        if again.sha256 != self.sha256 {
            return Err(TraceError::Changed);
        }
        Ok(Self { arrivals: again.arrivals, ..self })
    }

    /// The logs; `None` if the file was not read in this process.
    pub fn arrivals(&self) -> Option<&Arc<Arrivals>> {
        self.arrivals.as_ref()
    }

    /// How long it takes; zero if the file was not read in this process.
    pub fn length(&self) -> Nanos {
        self.arrivals.as_ref().map_or(Nanos::ZERO, |arrivals| arrivals.length())
    }

    /// The same for a window of this length.
    #[must_use]
    pub fn within(&self, window: Nanos) -> Self {
        let logs = self.arrivals.as_ref().map_or(self.logs, |arrivals| arrivals.count_within(window) as u64);
        Self { logs, ..self.clone() }
    }

    /// The part of a window of this length with the most logs.
    #[must_use]
    pub fn busiest(&self, window: Nanos) -> Self {
        let arrivals = self.arrivals.as_ref().map(|arrivals| Arc::new(arrivals.busiest(window)));
        let logs = arrivals.as_ref().map_or(self.logs, |arrivals| arrivals.count() as u64);
        Self { logs, arrivals, ..self.clone() }
    }

    /// The mean rate of each of `tasks` tasks over the window, rounded down to a whole number from 10/s on, and to a
    /// thousandth below.
    pub fn mean_rate(&self, window: Nanos, tasks: u32) -> Rate {
        let span = u128::from(window.0.max(1)) * u128::from(tasks.max(1));
        let thousandths = u64::try_from(u128::from(self.logs) * 1_000_000_000_000 / span).unwrap_or(u64::MAX);
        let rate = match thousandths {
            10_000.. => Rate::new(thousandths / 1_000, 1),
            _ => Rate::new(thousandths.max(1), 1_000),
        };
        // Out of bounds only if more logs are due than a trace can have.
        rate.unwrap_or(super::MOST_RATE)
    }

    /// The highest number of logs per second at any time; `None` if the file was not read in this process.
    pub fn peak_per_second(&self) -> Option<f64> {
        self.arrivals.as_ref().map(|arrivals| arrivals.peak_per_second())
    }

    fn identity(&self) -> (&Untrusted, Multiple, u64) {
        (&self.sha256, self.scale, self.logs)
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Trace {}

impl Hash for Trace {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for Trace {
    /// As in the id of a case: the beginning of the digest, and the scale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest: String = self.sha256.as_given().chars().take(DIGITS).collect();
        write!(f, "{digest}@{}", self.scale)
    }
}
