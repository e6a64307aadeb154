//! Numbers for people: three significant figures, the best unit, thousands apart. Not meant to be parsed back.

use super::Nanos;

/// A latency in nanoseconds, such as `42.0 µs`, `1.35 ms`, `0 ns`.
pub fn latency(nanos: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    if nanos == 0.0 {
        return "0 ns".to_owned();
    }
    let fitting = UNITS.iter().find(|(_, size)| nanos / size < 999.5);
    match fitting {
        Some((unit, size)) => format!("{} {unit}", significant(nanos / size)),
        None => format!("{} s", grouped(nanos / 1e9)),
    }
}

/// A span of time that people wait for, such as `0.8 s`, `42 s`, `1 min 05 s`, `3 h 20 min`.
pub fn span(time: Nanos) -> String {
    const SECOND: u64 = 1_000_000_000;
    if time.0 < 10 * SECOND {
        return format!("{:.1} s", time.as_secs_f64());
    }
    let seconds = time.0 / SECOND + u64::from(time.0 % SECOND >= SECOND / 2);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", count(seconds / 3600), seconds % 3600 / 60),
    }
}

/// A count, such as `50,000`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things, such as `1 case`, `1,000 cases`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Logs per second, such as `10.0k/s`, `999/s`, `1.25M/s`.
pub fn rate(per_second: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9)];
    if per_second == 0.0 {
        return "0/s".to_owned();
    }
    let fitting = UNITS.iter().find(|(_, size)| per_second / size < 999.5);
    match fitting {
        Some((unit, size)) => format!("{}{unit}/s", significant(per_second / size)),
        None => format!("{}G/s", grouped(per_second / 1e9)),
    }
}

/// A fraction of 1 as percent, such as `99.8%`, `0.0120%`, `100%`.
///
/// Only what is whole prints as `100%`: 0.99996 gives `99.996%`.
pub fn share(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent == 0.0 || percent == 100.0 {
        return format!("{percent:.0}%");
    }
    if (99.95..100.0).contains(&percent) {
        let decimals = (3..=9).find(|d| percent < 100.0 - 0.5 * 0.1f64.powi(*d)).unwrap_or(9);
        return format!("{percent:.*}%", usize::try_from(decimals).unwrap_or(9));
    }
    format!("{}%", significant(percent))
}

/// A number of bytes, such as `512 B`, `7.63 MiB`, `-1.20 KiB`.
pub fn bytes(bytes: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];
    let fitting = UNITS.iter().find(|(_, size)| bytes.abs() / size < 999.5);
    match fitting {
        Some((unit, 1.0)) if bytes.fract() == 0.0 => format!("{bytes:.0} {unit}"),
        Some((unit, size)) => format!("{} {unit}", significant(bytes / size)),
        None => format!("{}{} GiB", sign(bytes), grouped(bytes.abs() / 1_073_741_824.0)),
    }
}

/// A growth of a latency in nanoseconds per second, such as `1.20 µs/s`, `-3.00 ns/s`.
pub fn latency_slope(nanos_per_second: f64) -> String {
    format!("{}{}/s", sign(nanos_per_second), latency(nanos_per_second.abs()))
}

/// A number that may have a fraction, such as `1,000`, `0.500`.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 999.5 {
        return format!("{}{}", sign(value), grouped(value.abs()));
    }
    significant(value)
}

/// An index from 0 to 1, such as `0.950`.
pub fn index(value: f64) -> String {
    format!("{value:.3}")
}

fn sign(value: f64) -> &'static str {
    if value < 0.0 { "-" } else { "" }
}

/// Three significant figures, without an exponent.
fn significant(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 99.95 || !size.is_finite() {
        0
    } else if size >= 9.995 {
        1
    } else if size >= 0.9995 {
        2
    } else if size >= 0.09995 {
        3
    } else if size >= 0.009995 {
        4
    } else {
        6
    };
    format!("{value:.decimals$}")
}

/// A large number, rounded to a whole one with thousands apart.
fn grouped(value: f64) -> String {
    count(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_figures() {
        for (nanos, text) in [
            (0.0, "0 ns"),
            (0.5, "0.500 ns"),
            (7.0, "7.00 ns"),
            (42_000.0, "42.0 µs"),
            (999.4, "999 ns"),
            (999.5, "1.00 µs"),
            (9_996.0, "10.0 µs"),
            (1_350_000.0, "1.35 ms"),
            (999_600_000.0, "1.00 s"),
            (13e9, "13.0 s"),
            (5_000e9, "5,000 s"),
        ] {
            assert_eq!(latency(nanos), text);
        }
    }

    #[test]
    fn spans_are_what_people_wait() {
        for (millis, text) in [
            (800, "0.8 s"),
            (42_400, "42 s"),
            (59_600, "1 min 00 s"),
            (65_000, "1 min 05 s"),
            (12_000_000, "3 h 20 min"),
        ] {
            assert_eq!(span(Nanos::from_millis(millis)), text);
        }
    }

    #[test]
    fn counts_have_thousands_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (50_000, "50,000")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes_growths_and_numbers() {
        for (value, text) in [
            (0.0, "0 B"),
            (512.0, "512 B"),
            (-1_228.8, "-1.20 KiB"),
            (8_000_000.0, "7.63 MiB"),
            (0.5, "0.500 B"),
            (3e12, "2,794 GiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        assert_eq!((latency_slope(1_200.0), latency_slope(-3.0)), ("1.20 µs/s".into(), "-3.00 ns/s".into()));
        assert_eq!((number(9.0), number(0.5), number(1_234.5)), ("9".into(), "0.500".into(), "1,235".into()));
        assert_eq!((index(0.95), index(1.0)), ("0.950".into(), "1.000".into()));
    }

    #[test]
    fn rates_and_shares() {
        for (per_second, text) in [
            (0.0, "0/s"),
            (0.5, "0.500/s"),
            (999.0, "999/s"),
            (10_000.0, "10.0k/s"),
            (1_250_000.0, "1.25M/s"),
            (1e13, "10,000G/s"),
        ] {
            assert_eq!(rate(per_second), text);
        }
        for (fraction, text) in [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.9975, "99.8%"),
            (0.99996, "99.996%"),
            (0.0123, "1.23%"),
            (0.00012, "0.0120%"),
            (0.88, "88.0%"),
        ] {
            assert_eq!(share(fraction), text);
        }
    }
}
