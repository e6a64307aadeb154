//! `[gate]`

use crate::scenario::document::Document;
use crate::scenario::readers::{self, Raw};
use crate::scenario::{GateSettings, Problem};
use crate::units::{Nanos, Ratio};
use toml::de::DeTable;

pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>) -> GateSettings {
    let mut gate = GateSettings::default();
    let Some(section) = document.table(table, "", "gate") else {
        return gate;
    };
    const KEYS: [&str; 3] = ["min_effect", "alpha", "ignore_below"];
    document.check_keys(section, "gate", &KEYS);
    let min_effect = document.read(section, "gate", "min_effect", |raw| {
        readers::share(raw, Ratio::from_ppm(1_000)?..=Ratio::from_percent(100))
    });
    let alpha = document.read(section, "gate", "alpha", level);
    let ignore_below =
        document.read(section, "gate", "ignore_below", |raw| readers::time(raw, Nanos::ZERO..=Nanos::from_secs(3600)));
    gate.ignore_below = ignore_below.or(gate.ignore_below);
    gate.min_effect = min_effect.unwrap_or(gate.min_effect);
    gate.alpha = alpha.unwrap_or(gate.alpha);
    gate
}

/// Reads a level of significance: as statisticians write it (0.01), or in percent.
fn level(raw: Raw<'_>) -> Result<Ratio, Problem> {
    let bounds = Ratio::from_ppm(100)?..=Ratio::from_percent(20);
    let fix = "write 0.0001 to 0.2, such as 0.01, or \"1%\"";
    let level = match raw {
        Raw::Float(number) => {
            let outside = || Problem::new(format!("{number} is out of range"), fix);
            let value: f64 = number.replace('_', "").parse().map_err(|_| outside())?;
            let ppm = value * 1e6;
            if !(0.0..=1e6).contains(&ppm) {
                return Err(outside());
            }
            Ratio::from_ppm(ppm.round() as u32)?
        }
        Raw::Integer(number, _) => return Err(Problem::new(format!("{number} is out of range"), fix)),
        other => readers::quantity(other, "level", "1%")?,
    };
    match bounds.contains(&level) {
        true => Ok(level),
        false => Err(Problem::new(format!("{level} is out of range"), fix)),
    }
}
