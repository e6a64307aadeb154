//! The numbers of a repeat that are no latency, count or rate: memory, drain, CPU time, depth, fairness, slopes.

use super::Problem;
use crate::units::{Bytes, Decimal, Nanos, bytes_per_second, excerpt, nanos_per_second};
use std::fmt;

/// Declares the figures, so that each is written only once.
macro_rules! figures {
    ($($(#[$doc:meta])* $variant:ident $name:literal $unit:ident $example:literal;)+) => {
        /// What a check can say about a repeat besides its latencies, counts and rates.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Figure { $($(#[$doc])* $variant,)+ }

        impl Figure {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As in a check.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The unit of its value.
            #[must_use]
            pub const fn unit(self) -> FigureUnit {
                match self { $(Self::$variant => FigureUnit::$unit,)+ }
            }

            /// A limit, as it is written.
            const fn example(self) -> &'static str {
                match self { $(Self::$variant => $example,)+ }
            }
        }
    };
}

figures! {
    /// Peak resident memory of the process.
    PeakMemory "max(memory)" Bytes "64MiB";
    /// How fast the resident memory of the process grows over the window.
    MemorySlope "slope(memory)" BytesPerSecond "10KiB/s";
    /// How fast the median of `enqueue` grows over the window.
    MedianSlope "slope(p50(enqueue))" NanosPerSecond "1us/min";
    /// How fast the p99 of `enqueue` grows over the window.
    TailSlope "slope(p99(enqueue))" NanosPerSecond "10us/min";
    /// From the window's end, or the last return if that is later, to the end of the drain.
    Drain "drain" Nanoseconds "500ms";
    /// CPU time of the queue's own threads for a million attempted logs.
    QueueCpu "cpu_per_million(queue)" Nanoseconds "2s";
    /// CPU time of all threads of the process for a million attempted logs.
    ProcessCpu "cpu_per_million(process)" Nanoseconds "20s";
    /// Largest number of records in the queue at once, as the queue reports it.
    PeakDepth "max(depth)" Records "1000";
    /// Mean number of records between call and sink.
    MeanDepth "mean(depth)" Records "100";
    /// Jain's index of how evenly the tasks were served.
    Jain "jain" Index "0.95";
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureUnit {
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Nanoseconds.
    Nanoseconds,
    /// Nanoseconds per second.
    NanosPerSecond,
    /// Records; a mean may have a fraction.
    Records,
    /// An index from 0 to 1.
    Index,
}

impl Figure {
    /// The figure that this text names; spaces do not count.
    #[must_use]
    pub(super) fn find(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        Self::ALL.iter().copied().find(|figure| figure.name() == text)
    }

    /// The names of those that begin with `head(`.
    pub(super) fn beginning_with(head: &str) -> Vec<&'static str> {
        let names = Self::ALL.iter().map(|figure| figure.name());
        names.filter(|name| name.split_once('(').is_some_and(|(begin, _)| begin == head)).collect()
    }

    /// The names of those about this, such as `memory`.
    pub(super) fn about(subject: &str) -> impl Iterator<Item = &'static str> {
        let is_it =
            move |name: &&str| name.split_once('(').is_some_and(|(_, rest)| rest.strip_suffix(')') == Some(subject));
        Self::ALL.iter().map(|figure| figure.name()).filter(is_it)
    }

    /// Reads a limit, in the unit of the figure.
    pub(super) fn limit(self, text: &str) -> Result<f64, Problem> {
        match self.unit() {
            FigureUnit::Bytes => Ok(text.parse::<Bytes>()?.0 as f64),
            FigureUnit::BytesPerSecond => Ok(bytes_per_second(text)?),
            FigureUnit::NanosPerSecond => Ok(nanos_per_second(text)?),
            FigureUnit::Nanoseconds => match text.parse::<Nanos>() {
                Ok(time) => Ok(time.0 as f64),
                Err(_) if Decimal::from_plain(text).is_ok() => {
                    let message = format!("`{}` has no unit", excerpt(text));
                    Err(Problem::new(message, format!("write a time, such as {}", self.example())))
                }
                Err(error) => Err(error.into()),
            },
            FigureUnit::Records | FigureUnit::Index => {
                let number = Decimal::from_plain(text).map(Decimal::to_f64);
                let is_possible = |limit: &f64| self.unit() != FigureUnit::Index || *limit <= 1.0;
                number.ok().filter(is_possible).ok_or_else(|| {
                    let what = if self.unit() == FigureUnit::Index { "an index from 0 to 1" } else { "a number" };
                    let message = format!("`{}` is not {what}", excerpt(text));
                    Problem::new(message, format!("write one, such as {}", self.example()))
                })
            }
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_found_by_its_name_and_reads_its_example() {
        for figure in Figure::ALL {
            assert_eq!(Figure::find(figure.name()), Some(*figure));
            assert!(figure.limit(figure.example()).is_ok_and(|limit| limit > 0.0), "{figure}");
        }
        assert_eq!(Figure::find(" slope ( p99( enqueue ) ) "), Some(Figure::TailSlope));
        assert_eq!(Figure::find("slope"), None);
        assert_eq!(Figure::about("depth").collect::<Vec<_>>(), ["max(depth)", "mean(depth)"]);
    }

    #[test]
    fn limits_are_in_the_unit_of_the_figure() {
        for (figure, text, expected) in [
            (Figure::PeakMemory, "64KiB", 65_536.0),
            (Figure::MemorySlope, "1KiB/s", 1_024.0),
            (Figure::TailSlope, "60us/min", 1_000.0),
            (Figure::Drain, "2ms", 2e6),
            (Figure::QueueCpu, "1.5s", 1.5e9),
            (Figure::PeakDepth, "1000", 1_000.0),
            (Figure::MeanDepth, "0.5", 0.5),
            (Figure::Jain, "0.95", 0.95),
        ] {
            assert_eq!(figure.limit(text), Ok(expected), "{figure} {text}");
        }
        assert!(Figure::Jain.limit("1.5").is_err() && Figure::PeakDepth.limit("many").is_err());
    }
}
