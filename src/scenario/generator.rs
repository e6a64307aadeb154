//! The axes that say how the load is generated. They change the enqueue latency of the same queue, so they are part of
//! a case's identity.

use crate::units::as_text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Declares an axis whose values are words.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum $type { $($(#[$word_doc])* $variant,)+ }

        impl $type {
            /// All values; the default comes first.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The word, as in a scenario.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// Who sends the logs.
    Producers {
        /// Tokio tasks on a multi-thread runtime, as a service logs.
        #[default]
        Tasks = "tasks",
        /// A few threads, each of which runs many tasks by computing their due times.
        Lanes = "lanes",
    }
}

words! {
    /// How producers wait for a due time.
    Pacing {
        /// Sleeps until shortly before the due time, then polls the clock.
        #[default]
        Hybrid = "hybrid",
        /// Only sleeps.
        Sleep = "sleep",
        /// Only polls the clock.
        Spin = "spin",
    }
}

words! {
    /// On which CPUs the producers and the queue's own threads run.
    Placement {
        /// Wherever the kernel puts them.
        #[default]
        None = "none",
        /// All on one CPU.
        Same = "same",
        /// The queue's threads on one CPU, the producers on the others.
        Split = "split",
    }
}

words! {
    /// How the tasks' schedules are shifted against each other.
    PhaseShift {
        /// Spread evenly over the interval.
        #[default]
        Spread = "spread",
        /// All tasks fire at once.
        Aligned = "aligned",
    }
}

/// When the logs of a task are due. Text: `uniform`, `poisson`, `burst:10`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrival {
    /// At equal intervals.
    #[default]
    Uniform,
    /// At random, independently of each other: the intervals are exponential.
    Poisson,
    /// This many logs at once, at equal intervals.
    Burst(u32),
}

/// Largest number of logs in a burst.
pub const MOST_IN_A_BURST: u32 = 1_000_000;

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Poisson => f.write_str("poisson"),
            Self::Burst(size) => write!(f, "burst:{size}"),
        }
    }
}

/// What is wrong with the text of an [`Arrival`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArrivalError {
    /// Not one of the words.
    #[error("`{0}` is no arrival; write \"uniform\", \"poisson\" or \"burst:10\"")]
    Unknown(String),
    /// A burst of no logs, or of too many.
    #[error("a burst of `{0}`; write a number from 1 to 1000000, as in \"burst:10\"")]
    Size(String),
}

impl FromStr for Arrival {
    type Err = ArrivalError;

    fn from_str(text: &str) -> Result<Self, ArrivalError> {
        match text {
            "uniform" => Ok(Self::Uniform),
            "poisson" => Ok(Self::Poisson),
            _ => {
                let size =
                    text.strip_prefix("burst:").ok_or_else(|| ArrivalError::Unknown(crate::units::excerpt(text)))?;
                let number = size.parse().ok().filter(|size| (1..=MOST_IN_A_BURST).contains(size));
                number.map(Self::Burst).ok_or_else(|| ArrivalError::Size(crate::units::excerpt(size)))
            }
        }
    }
}

as_text!(Arrival);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_print_what_they_parse() {
        for arrival in [Arrival::Uniform, Arrival::Poisson, Arrival::Burst(1), Arrival::Burst(MOST_IN_A_BURST)] {
            assert_eq!(arrival.to_string().parse(), Ok(arrival));
        }
        for bad in ["", "Uniform", "burst", "burst:", "burst:0", "burst:-1", "burst:1000001", "burst:1e3"] {
            assert!(bad.parse::<Arrival>().is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_the_names_in_json() {
        assert_eq!(serde_json::to_string(&Producers::Lanes).unwrap(), "\"lanes\"");
        assert_eq!(serde_json::to_string(&Arrival::Burst(3)).unwrap(), "\"burst:3\"");
        assert_eq!(Pacing::ALL[0], Pacing::default());
    }
}
