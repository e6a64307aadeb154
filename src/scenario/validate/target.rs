//! `[target]`

use crate::scenario::document::Document;
use crate::scenario::readers::{self, Raw};
use crate::scenario::{Problem, Target};
use crate::units::{Decimal, Nanos, Rate};
use toml::de::DeTable;

pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> Target {
    let mut target = Target::default();
    let Some(section) = document.table(table, "", "target") else {
        return target;
    };
    const KEYS: [&str; 4] = ["latency", "statistic", "throughput", "min_accepted"];
    document.check_keys(section, "target", &KEYS);
    let latency = document.read(section, "target", "latency", |raw| {
        let time = readers::time(raw, Nanos(1)..=Nanos::from_secs(3600));
        // A latency without a unit was hardly meant in seconds, so the fix suggests microseconds.
        time.map_err(|problem| match raw {
            Raw::Integer(number, 10) | Raw::Float(number) | Raw::Text(number)
                if Decimal::from_plain(number).is_ok_and(|_| !number.starts_with('-')) =>
            {
                Problem::new(problem.message, format!("write \"{}us\"", number.trim()))
            }
            _ => problem,
        })
    });
    let statistic = document.read(section, "target", "statistic", |raw| {
        let text = readers::text(raw, "statistic", "mean")?;
        text.parse().map_err(|error: crate::scenario::StatisticError| Problem::new(error.to_string(), ""))
    });
    let throughput = document.read(section, "target", "throughput", |raw| {
        let least = Rate::new(1, 86_400)?;
        readers::rate(raw, least..=Rate::from_per_second(10_000_000_000)?)
    });
    let min_accepted = document.read(section, "target", "min_accepted", |raw| readers::quantity(raw, "share", "99%"));
    target.latency = latency.unwrap_or(target.latency);
    target.statistic = statistic.unwrap_or(target.statistic);
    target.throughput = throughput.unwrap_or(target.throughput);
    target.min_accepted = min_accepted.unwrap_or(target.min_accepted);
    target
}
