//! The generator's own ceiling: the same load, into a queue that does nothing.

use super::Runs;
use super::trail::{Trail, is_disturbed};
use crate::capacity::Ceiling;
use crate::run::Ending;
use crate::scenario::Parameters;
use crate::session::observer::Observer;
use crate::units::{Nanos, human};

/// Longest window of a run for the ceiling: it need not be exact.
const WINDOW: Nanos = Nanos::from_secs(1);

/// The first rate is this many times the plan's, or the target's.
const AHEAD: f64 = 4.0;

/// The ceilings that are known, each with the load that it is of.
#[derive(Default)]
pub struct Generators {
    known: Vec<(Parameters, Option<f64>)>,
}

impl Generators {
    /// The highest rate over all tasks, in logs per second, at which the generator of a case is in time; `None` if there
    /// is none.
    ///
    /// # Errors
    /// The search has to end: how it ends.
    pub fn ceiling(
        &mut self,
        trail: &mut Trail<'_>,
        runs: &mut dyn Runs,
        observer: &dyn Observer,
    ) -> Result<Option<f64>, Ending> {
        let load = load_of(trail.parameters());
        if let Some((_, ceiling)) = self.known.iter().find(|(known, _)| *known == load) {
            return Ok(*ceiling);
        }
        let mut ceiling = Ceiling::new(trail.planned_rate() * AHEAD, trail.most_rate());
        while let Some(next) = ceiling.next() {
            let (repeat, record, _) = trail.carry_out(next, load.clone(), runs)?;
            let rate = repeat.parameters.offered_per_second();
            let late = record.set_aside.last().map(|aside| aside.measured.rates.attempted_per_s);
            match record.repeats.is_empty() {
                true if is_disturbed(&record) => ceiling.untold(),
                true => ceiling.missed(rate, late),
                false => ceiling.reached(rate),
            }
        }
        let value = ceiling.value();
        let told = value.map_or("is in time at no rate".to_owned(), |rate| format!("reaches {}", human::rate(rate)));
        let runs = human::counted(u64::from(ceiling.runs()), "run");
        observer.note(&format!("{}: the generator alone {told} ({runs})", trail.id().quoted()));
        self.known.push((load, value));
        Ok(value)
    }
}

/// The load of a case, whatever its queue: what the generator's ceiling depends on.
fn load_of(parameters: &Parameters) -> Parameters {
    Parameters {
        queue: "noop".into(),
        concurrency: parameters.concurrency,
        rate: Parameters::default().rate,
        // The stages of a window are as long as the window.
        duration: if parameters.stages.is_none() { parameters.duration.min(WINDOW) } else { parameters.duration },
        payload: parameters.payload.clone(),
        level: parameters.level,
        context: parameters.context,
        producers: parameters.producers,
        pacing: parameters.pacing,
        placement: parameters.placement,
        arrival: parameters.arrival,
        phase: parameters.phase,
        stages: parameters.stages.clone(),
        ..Parameters::default()
    }
}
