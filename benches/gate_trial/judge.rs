//! Judges: what the gate says of each pair, counted.

use crate::measure::{VARIANTS, baseline_file, file};
use jiff::Timestamp;
use queue_load::compare::{self, Settings};
use queue_load::report::{self, CaseDecision, Change, GateOutcome, Report};
use std::path::Path;

/// What goes wrong, in words.
type Failure = Box<dyn std::error::Error>;

/// A baseline younger than this shows nothing about one that was kept.
const OLD_SECONDS: f64 = 1_800.0;

/// Spread of repeats up to which a slow-down of 20 % has to be found.
const NARROW: f64 = 0.09;

/// Prints the tables.
pub fn judge(place: &Path) -> Result<(), Failure> {
    let mut pairs = Vec::new();
    while file(place, pairs.len(), VARIANTS[3].0).exists() {
        let read = VARIANTS.map(|(variant, _)| report::read_verified(&file(place, pairs.len(), variant)));
        pairs.push(read.into_iter().collect::<Result<Vec<Report>, _>>()?);
    }
    let interleaved: Vec<_> = pairs.iter().map(|pair| (&pair[0], &pair[1..])).collect();
    println!("Interleaved, {} pairs of 10 against 10 repeats:\n", interleaved.len());
    table(&interleaved);
    let Ok(baseline) = report::read_verified(&baseline_file(place)) else { return Ok(()) };
    let begun: Timestamp = baseline.created_at.parse()?;
    let age = |report: &Report| {
        let created: Result<Timestamp, _> = report.created_at.parse();
        created.map_or(0.0, |created| created.duration_since(begun).as_secs_f64())
    };
    let old: Vec<_> =
        pairs.iter().filter(|pair| age(&pair[0]) >= OLD_SECONDS).map(|pair| (&baseline, &pair[1..])).collect();
    let ages = old.iter().map(|(_, new)| age(&new[0]) / 60.0);
    let (least, most) = ages.fold((f64::INFINITY, 0.0_f64), |(least, most), age| (least.min(age), most.max(age)));
    println!("\nAgainst one baseline, {least:.0} to {most:.0} minutes old, {} reports:\n", old.len());
    table(&old);
    Ok(())
}

/// What was said of one variant of one call.
#[derive(Default)]
struct Count {
    all: usize,
    regressed: usize,
    inconclusive: usize,
    other: usize,
    /// With a spread of at most [`NARROW`].
    narrow: usize,
    narrow_regressed: usize,
    spreads: Vec<f64>,
    call_ns: Vec<f64>,
}

impl Count {
    fn add(&mut self, case: &CaseDecision) {
        self.all += 1;
        let regressed = usize::from(case.change == Change::Regressed);
        match case.change {
            Change::Regressed => self.regressed += 1,
            Change::Inconclusive => self.inconclusive += 1,
            Change::Unchanged => {}
            _ => self.other += 1,
        }
        let Some(effect) = &case.effect else { return };
        self.call_ns.push(effect.base_ns);
        let Some(spread) = effect.spread else { return };
        self.spreads.push(spread);
        if spread <= NARROW {
            self.narrow += 1;
            self.narrow_regressed += regressed;
        }
    }
}

fn table(pairs: &[(&Report, &[Report])]) {
    println!("| call | new | regressed | inconclusive | no change | spread up to 9 %: regressed | spread p50, p90 |");
    println!("|---|---|---|---|---|---|---|");
    let calls = pairs.first().map_or(0, |(base, _)| base.cases.len());
    for call in 0..calls {
        for (variant, (_, slower)) in VARIANTS[1..].iter().enumerate() {
            let mut count = Count::default();
            for (base, new) in pairs {
                let decision = compare::gate(base, &new[variant], &Settings::of(base));
                let id = &base.cases[call].id;
                decision.cases.iter().filter(|case| case.id == *id).for_each(|case| count.add(case));
            }
            println!("{}", row(&mut count, *slower));
        }
    }
    for (variant, (_, slower)) in VARIANTS[1..].iter().enumerate() {
        let said = |outcome: GateOutcome| {
            let same = |(base, new): &&(&Report, &[Report])| {
                compare::gate(base, &new[variant], &Settings::of(base)).outcome == outcome
            };
            pairs.iter().filter(same).count()
        };
        let [pass, regressed, inconclusive] =
            [GateOutcome::Pass, GateOutcome::Regressed, GateOutcome::Inconclusive].map(said);
        println!(
            "\nThe gate on both calls, +{slower} %: pass {pass}, regressed {regressed}, inconclusive {inconclusive}"
        );
    }
}

fn row(count: &mut Count, slower: u64) -> String {
    let middle = |values: &mut Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        values.get((values.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
    };
    let (half, most) = (middle(&mut count.spreads, 0.5), middle(&mut count.spreads, 0.9));
    format!(
        "| {:.0} ns | +{slower} % | {} of {} | {} | {} | {} of {} | {:.1} %, {:.1} % |",
        middle(&mut count.call_ns, 0.5),
        count.regressed,
        count.all,
        count.inconclusive,
        count.all - count.regressed - count.inconclusive - count.other,
        count.narrow_regressed,
        count.narrow,
        half * 100.0,
        most * 100.0,
    )
}
