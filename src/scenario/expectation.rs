//! What a check expects: one comparison of an observed value with a limit.

use super::{Figure, Position, Problem, Selector, Statistic};
use crate::log_queue::Level;
use crate::observed::{CountName, LatencyName, RateName};
use crate::units::{Nanos, Rate};
use crate::untrusted::Untrusted;
use std::fmt;

/// `<`, `<=`, `>`, `>=`, `==`, `!=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// All operators with their texts. Those of two characters come first, because `<` is also a prefix of `<=`.
    pub const ALL: [(&'static str, Comparison); 6] = [
        ("<=", Comparison::LessEqual),
        (">=", Comparison::GreaterEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];

    /// Whether the comparison of `observed` with `limit` is true. Always false if they cannot be ordered (NaN).
    pub fn holds<T: PartialOrd>(self, observed: &T, limit: &T) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (self, observed.partial_cmp(limit)) {
            (_, None) => false,
            (Comparison::Less, Some(order)) => order == Less,
            (Comparison::LessEqual, Some(order)) => order != Greater,
            (Comparison::Greater, Some(order)) => order == Greater,
            (Comparison::GreaterEqual, Some(order)) => order != Less,
            (Comparison::Equal, Some(order)) => order == Equal,
            (Comparison::NotEqual, Some(order)) => order != Equal,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Comparison::ALL.iter().find(|(_, known)| known == self);
        f.write_str(text.map_or("", |(text, _)| text))
    }
}

/// The name of the recovery time in a check.
pub const RECOVERY: &str = "recovery";

/// A count that a check speaks of: of all logs, or of those of one level. Text: `dropped`, `dropped(error)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub name: CountName,
    /// Of which level; `None`: of all.
    pub level: Option<Level>,
}

impl From<CountName> for Counted {
    /// The count of all logs.
    fn from(name: CountName) -> Self {
        Self { name, level: None }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{}({level})", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// One comparison, as parsed: the observed value, the operator, and the limit in the unit of the observed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `p99(response) < 1ms`
    Latency {
        /// The statistic.
        statistic: Statistic,
        /// The latency.
        of: LatencyName,
        /// The operator.
        comparison: Comparison,
        /// The limit.
        limit: Nanos,
    },
    /// `dropped == 0`, `dropped(error) == 0`
    Count {
        /// The count.
        of: Counted,
        /// The operator.
        comparison: Comparison,
        /// The limit.
        limit: u64,
    },
    /// `dropped / attempted < 1%`
    Share {
        /// Dividend.
        of: Counted,
        /// Divisor.
        to: Counted,
        /// The operator.
        comparison: Comparison,
        /// The limit, as a fraction: 1 % is 0.01.
        limit: f64,
    },
    /// `recovery < 500ms`
    Recovery {
        /// The operator.
        comparison: Comparison,
        /// The limit.
        limit: Nanos,
    },
    /// `max(memory) < 64MiB`
    Figure {
        /// Which.
        of: Figure,
        /// The operator.
        comparison: Comparison,
        /// The limit, in the unit of the figure.
        limit: f64,
    },
    /// `accepted >= 9.9k/s`
    Rate {
        /// The rate.
        of: RateName,
        /// The operator.
        comparison: Comparison,
        /// The limit.
        limit: Rate,
    },
}

impl Expectation {
    /// Whether every value that satisfies this also satisfies `other`; `None` if the two are about different values, or
    /// their operators cannot be compared.
    #[must_use]
    pub fn is_as_strict_as(&self, other: &Self) -> Option<bool> {
        if self == other {
            return Some(true);
        }
        let ((subject, comparison, limit), (its_subject, its_comparison, its_limit)) = (self.parts(), other.parts());
        if subject != its_subject || comparison != its_comparison {
            return None;
        }
        match comparison {
            Comparison::Less | Comparison::LessEqual => Some(limit <= its_limit),
            Comparison::Greater | Comparison::GreaterEqual => Some(limit >= its_limit),
            Comparison::Equal | Comparison::NotEqual => None,
        }
    }

    /// The observed value, the operator, and the limit in the unit of the observed value.
    fn parts(&self) -> (String, Comparison, f64) {
        match self {
            Self::Latency { statistic, of, comparison, limit } => {
                (format!("{statistic}({of})"), *comparison, limit.0 as f64)
            }
            Self::Count { of, comparison, limit } => (of.to_string(), *comparison, *limit as f64),
            Self::Share { of, to, comparison, limit } => (format!("{of} / {to}"), *comparison, *limit),
            Self::Recovery { comparison, limit } => (RECOVERY.to_owned(), *comparison, limit.0 as f64),
            Self::Figure { of, comparison, limit } => (of.to_string(), *comparison, *limit),
            Self::Rate { of, comparison, limit } => (format!("{of}/s"), *comparison, limit.per_second()),
        }
    }
}

impl std::str::FromStr for Expectation {
    type Err = Problem;

    /// # Errors
    /// The text is not a check, as `expect` of a scenario would have it.
    fn from_str(text: &str) -> Result<Self, Problem> {
        super::check_expr::parse(text).map_err(|(_, problem)| problem)
    }
}

/// A further expectation, and the cases to which it applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The text of `expect`, as written.
    pub expression: Untrusted,
    /// What it says.
    pub expectation: Expectation,
    /// `where`: the cases to which it applies; all cases if it has no clause.
    pub selector: Selector,
    /// The position of the expression in the file.
    pub position: Position,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        for (comparison, below, same, above) in [
            (Comparison::Less, true, false, false),
            (Comparison::LessEqual, true, true, false),
            (Comparison::Greater, false, false, true),
            (Comparison::GreaterEqual, false, true, true),
            (Comparison::Equal, false, true, false),
            (Comparison::NotEqual, true, false, true),
        ] {
            let found = [1, 2, 3].map(|observed| comparison.holds(&observed, &2));
            assert_eq!(found, [below, same, above], "{comparison}");
            assert!(!comparison.holds(&f64::NAN, &2.0), "{comparison}");
        }
    }

    #[test]
    fn an_expectation_is_as_strict_as_another_or_not_or_cannot_be_told() {
        for (one, other, expected) in [
            ("p99(response) < 1ms", "p99(response) < 1ms", Some(true)),
            ("p99(response) < 900us", "p99(response) < 1ms", Some(true)),
            ("p99(response) < 2ms", "p99(response) < 1ms", Some(false)),
            ("p99(response) <= 1ms", "p99(response) < 1ms", None),
            ("p90(response) < 1ms", "p99(response) < 1ms", None),
            ("p99(enqueue) < 1ms", "p99(response) < 1ms", None),
            ("accepted >= 9k/s", "accepted >= 10k/s", Some(false)),
            ("accepted >= 11k/s", "accepted >= 10k/s", Some(true)),
            ("dropped / attempted < 2%", "dropped / attempted < 1%", Some(false)),
            ("recovery < 1s", "recovery < 2s", Some(true)),
            ("max(memory) < 64MiB", "max(memory) < 1GiB", Some(true)),
            ("slope(memory) < 1MiB/s", "slope(memory) < 1MiB/min", Some(false)),
            ("jain >= 0.9", "jain >= 0.95", Some(false)),
            ("drain < 1s", "recovery < 1s", None),
            ("recovery < 1s", "p99(response) < 2s", None),
            ("dropped == 0", "dropped == 1", None),
            ("dropped(error) < 1", "dropped(error) < 2", Some(true)),
            ("dropped(error) < 1", "dropped < 2", None),
            ("dropped <= 5", "dropped <= 5", Some(true)),
        ] {
            let [first, second] = [one, other].map(|text| text.parse::<Expectation>().unwrap());
            assert_eq!(first.is_as_strict_as(&second), expected, "{one}, {other}");
        }
    }

    #[test]
    fn names_are_the_reports() {
        for name in CountName::ALL {
            let json = serde_json::to_string(name).unwrap();
            assert_eq!(json, format!("\"{name}\""));
        }
        for name in LatencyName::ALL {
            assert_eq!(serde_json::to_string(name).unwrap(), format!("\"{name}\""));
        }
        for name in RateName::ALL {
            assert_eq!(serde_json::to_string(name).unwrap(), format!("\"{name}\""));
        }
    }
}
