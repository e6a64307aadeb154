//! Numbers in cells: three significant figures, and `–` if there is no number.

use crate::units::{Rate, human};

/// Stands for a number that does not exist.
pub(in crate::render) const NONE: &str = "–";

/// A time that may have a fraction.
pub(in crate::render) fn mean(ns: Option<f64>) -> String {
    ns.map_or(NONE.into(), human::latency)
}

/// A time that was counted in whole nanoseconds: below a microsecond it has no fraction.
pub(in crate::render) fn time(ns: Option<u64>) -> String {
    match ns {
        None => NONE.into(),
        Some(ns) if ns < 1_000 => format!("{ns} ns"),
        Some(ns) => human::latency(ns as f64),
    }
}

/// As [`mean`], without trailing zeros: `42 µs`.
pub(in crate::render) fn plain_mean(ns: Option<f64>) -> String {
    let text = mean(ns);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// A count for a narrow column: in full below ten million, `12.3M` from there.
pub(in crate::render) fn count(value: u64) -> String {
    match value {
        0..10_000_000 => human::count(value),
        10_000_000..1_000_000_000 => format!("{:.1}M", value as f64 / 1e6),
        _ => format!("{:.2}G", value as f64 / 1e9),
    }
}

/// A requested rate, exact: `10k/s`, `1234/s`.
pub(in crate::render) fn exact_rate(rate: Rate) -> String {
    match (rate.logs() % 1_000, rate.seconds()) {
        (0, 1) => format!("{}k/s", human::count(rate.logs() / 1_000)),
        _ => rate.to_string(),
    }
}

/// A share of a whole; `–` if the whole is zero.
pub(in crate::render) fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => NONE.into(),
        _ => human::share(part as f64 / whole as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requested_rates_are_exact() {
        let of = |logs, seconds| exact_rate(Rate::new(logs, seconds).unwrap());
        assert_eq!((of(10_000, 1), of(1_234, 1)), ("10k/s".into(), "1234/s".into()));
        assert_ne!(of(10_000, 3), of(10_001, 3));
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!((time(Some(11)), time(Some(1_234)), time(None)), ("11 ns".into(), "1.23 µs".into(), "–".into()));
        assert_eq!((mean(Some(11.4)), mean(None)), ("11.4 ns".into(), "–".into()));
        for (ns, text) in [(42_000.0, "42 µs"), (42_300.0, "42.3 µs"), (100_000.0, "100 µs"), (0.0, "0 ns")] {
            assert_eq!(plain_mean(Some(ns)), text);
        }
        assert_eq!((count(9_999_999), count(12_345_678)), ("9,999,999".into(), "12.3M".into()));
        assert_eq!((share(0, 0), share(1, 2), share(0, 5)), ("–".into(), "50.0%".into(), "0%".into()));
    }
}
