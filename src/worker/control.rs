//! The control: what this machine and this generator can do right now, told by a queue that does nothing.
//!
//! A short piece of the repeat's own schedule, by the same producers on the same threads, into `noop`. If that is late
//! too, the lateness of the repeat is not the queue's.

use super::account;
use super::drive::{Bench, drive};
use super::protocol::{Failure, FailureKind};
use crate::adapter::noop::Noop;
use crate::adapter::{Queue, Setup, Sink};
use crate::clock::SystemClock;
use crate::load::{Schedule, Tally};
use crate::measure::Control;
use crate::plan::PlannedRepeat;
use crate::units::Nanos;

/// The longest that a control is made so that it holds enough logs.
const LONGEST: Nanos = Nanos::from_secs(1);

/// Logs that make a control long enough: its median can then be judged.
const ENOUGH: f64 = 20.0;

/// With fewer logs than this there is no control: a handful of punctual logs would clear a machine that is not quiet.
const FEWEST: f64 = 10.0;

/// How long the control's last call may take, in nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// Runs the control of `repeat`; `None` where none is planned or its rate is too low for one.
///
/// # Errors
/// The control did not end, or a thread could not be started.
pub fn run(repeat: &PlannedRepeat, bench: &Bench) -> Result<Option<Control>, Failure> {
    let parameters = &repeat.parameters;
    let per_second = parameters.rate.per_second() * f64::from(parameters.concurrency);
    let Some(span) = span(repeat.control, per_second) else { return Ok(None) };
    let mut short = repeat.clone();
    short.warmup = Nanos::ZERO;
    short.parameters.duration = span;
    // Neither the sink's delay nor its file: what is asked is how punctual the producers are.
    let sink = Sink::new(bench.clock.clone(), parameters.concurrency, 0, None);
    let setup = Setup { parameters: short.parameters.clone(), seed: repeat.seed };
    let internal = |why: String| Failure::new(FailureKind::Internal, format!("the control: {why}"));
    let noop = Noop::build(&setup, sink.clone()).map_err(internal)?;
    let shared = bench.share(&short, noop);
    sink.set_window_end(shared.window.end());
    let until = shared.window.end() + PATIENCE;
    let driven = drive(bench, shared, &sink, &mut |_| {}, until).map_err(|failure| internal(failure.message))?;
    let tally = sum(driven.tasks.iter().map(|task| task.tally));
    let schedule = Schedule::of(&short.parameters, span, repeat.seed);
    let recorder = driven.recorders.merge().map_err(|error| internal(error.to_string()))?;
    Ok(Some(Control {
        span_ns: span.0,
        scheduled: (0..schedule.tasks()).map(|task| schedule.count(task)).sum(),
        attempted: tally.attempted,
        unsent: tally.unsent,
        unsent_generator: tally.unsent_generator,
        lateness: recorder.lateness(),
        machine: account::machine_record(&driven.passed, driven.jitter.as_ref(), SystemClock::source(), bench.floor_ns),
    }))
}

/// How long the control of a load of `per_second` logs is: as long as planned, or as long as it takes for enough logs;
/// `None` where none is planned or the rate is too low for one.
#[must_use]
pub fn span(planned: Nanos, per_second: f64) -> Option<Nanos> {
    if planned == Nanos::ZERO {
        return None;
    }
    // The cast saturates.
    let enough = Nanos((ENOUGH / per_second * 1e9).ceil() as u64);
    let span = enough.max(planned).min(LONGEST);
    (per_second * span.as_secs_f64() >= FEWEST).then_some(span)
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |sum, part| Tally {
        attempted: sum.attempted + part.attempted,
        unsent: sum.unsent + part.unsent,
        unsent_generator: sum.unsent_generator + part.unsent_generator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::CONTROL;

    #[test]
    fn a_control_is_as_long_as_it_must_be() {
        for (per_second, span) in [
            (10_000.0, Some(CONTROL)),
            (67.0, Some(CONTROL)),
            (40.0, Some(Nanos::from_millis(500))),
            (20.0, Some(LONGEST)),
            (10.0, Some(LONGEST)),
            (9.9, None),
            (1e-9, None),
        ] {
            assert_eq!(super::span(CONTROL, per_second), span, "{per_second}/s");
            assert_eq!(super::span(Nanos::ZERO, per_second), None);
        }
    }
}
