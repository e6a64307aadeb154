//! The control: measures what this machine and this generator can do right now, with a queue that does nothing.
//!
//! A control runs a part of the repeat's own schedule into `noop`, from the same producers on the same threads. A short
//! control runs before each repeat, and one as long as the window after a late repeat. If either control is late too,
//! or nearly so, the lateness of the repeat does not count as the queue's.

use crate::adapter::noop::Noop;
use crate::adapter::{Queue, Setup, Sink};
use crate::clock::SystemClock;
use crate::load::{Schedule, Tally};
use crate::measure::punctuality::{LONGEST_CONTROL_NS, is_second_control_wanted};
use crate::measure::{Control, Measurement};
use crate::plan::PlannedRepeat;
use crate::scenario::Parameters;
use crate::units::Nanos;
use crate::untrusted::Untrusted;
use crate::worker::observe::account;
use crate::worker::protocol::{Failure, FailureKind};
use crate::worker::repeat::drive::{Bench, drive};

/// Longest first control: it is extended up to this length to contain enough logs.
const LONGEST: Nanos = Nanos::from_secs(1);

/// Number of logs that make a control long enough: its median can then be judged.
const ENOUGH: f64 = 20.0;

/// With fewer logs than this there is no control: a handful of punctual logs would clear a machine that is not quiet,
/// and the queue would be blamed for it.
const FEWEST: f64 = 10.0;

/// Longest time for the control's last call, in nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// Least time left before a repeat's deadline when the second control has ended, in nanoseconds. A control that ran
/// into the deadline would cost the whole measurement.
const RESERVE: u64 = 5_000_000_000;

/// Runs the control of `repeat`; `None` if none is planned or its rate is too low for one.
///
/// # Errors
/// The control did not end, or a thread could not be started.
pub fn before(repeat: &PlannedRepeat, bench: &Bench) -> Result<Option<Control>, Failure> {
    let load = || at_its_rate(&repeat.parameters);
    span(repeat.control, per_second(repeat)).map(|span| run(repeat, span, load(), bench)).transpose()
}

/// Runs the second control of `repeat`, if the measurement requires one: as long as the window, in the process of the
/// queue. `left` is the time until the deadline, in nanoseconds. It is also `None` if the control does not end: without
/// it nobody is blamed, and the measurement is not lost.
pub fn after(repeat: &PlannedRepeat, measurement: &Measurement, left: u64, bench: &Bench) -> Option<Control> {
    let span = span_after(repeat.parameters.duration, per_second(repeat), left)?;
    let load = || as_in_the_window(&repeat.parameters, span);
    is_second_control_wanted(measurement).then(|| run(repeat, span, load(), bench).ok()).flatten()
}

fn per_second(repeat: &PlannedRepeat) -> f64 {
    repeat.parameters.offered_per_second()
}

/// The load of the first control: at the case's rate, as the warm-up is.
fn at_its_rate(parameters: &Parameters) -> Parameters {
    Parameters { stages: None, trace: None, ..parameters.clone() }
}

/// The load of the second control. It has all stages of the window, or it would not be asked for what the window was asked
/// for; where it is shorter, they are shorter in proportion. Of a trace it has the part with the most logs.
fn as_in_the_window(parameters: &Parameters, span: Nanos) -> Parameters {
    let stages = parameters.stages.as_ref();
    let stages = stages.map(|stages| if span == stages.length() { stages.clone() } else { stages.shortened(span) });
    let trace = parameters.trace.as_ref();
    let trace = trace.map(|trace| if span == parameters.duration { trace.clone() } else { trace.busiest(span) });
    Parameters { stages, trace, ..parameters.clone() }
}

/// Runs `span` of this load into `noop`.
fn run(repeat: &PlannedRepeat, span: Nanos, load: Parameters, bench: &Bench) -> Result<Control, Failure> {
    let mut short = PlannedRepeat { parameters: Parameters { duration: span, ..load }, ..repeat.clone() };
    short.warmup = Nanos::ZERO;
    // Without the sink's delay and its file: the control measures only how punctual the producers are.
    let sink = Sink::new(bench.clock.clone(), repeat.parameters.concurrency, 0, None);
    let setup = Setup { parameters: short.parameters.clone(), seed: repeat.seed };
    let internal = |why: &Untrusted| Failure::new(FailureKind::Internal, format!("the control: {}", why.as_given()));
    let noop = Noop::build(&setup, sink.clone()).map_err(|why| internal(&why.into()))?;
    let shared = bench.share(&short, noop);
    sink.set_window_end(shared.window.end());
    let until = shared.window.end() + PATIENCE;
    let driven = drive(bench, shared, &sink, &mut |_| {}, until).map_err(|failure| internal(&failure.message))?;
    let tally = sum(driven.tasks.iter().map(|task| task.tally));
    let schedule = Schedule::of_window(&short.parameters, repeat.seed);
    let recorder = driven.recorders.merge().map_err(|error| internal(&error.to_string().into()))?;
    Ok(Control {
        span_ns: span.0,
        scheduled: (0..schedule.tasks()).map(|task| schedule.count(task)).sum(),
        attempted: tally.attempted,
        unsent: tally.unsent,
        unsent_generator: tally.unsent_generator,
        lateness: recorder.lateness(),
        machine: account::machine_record(
            &driven.passed,
            driven.watched.as_ref().map(|watched| &watched.jitter),
            SystemClock::source(),
            bench.floor_ns,
        ),
    })
}

/// The length of the control of a load of `per_second` logs: as planned, or longer if it needs more logs; `None` if
/// none is planned or the rate is too low for one.
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

/// The length of the second control: as long as the window, up to [`LONGEST_CONTROL_NS`]; `None` if it would contain
/// too few logs, or if the deadline leaves no time for it.
fn span_after(window: Nanos, per_second: f64, left: u64) -> Option<Nanos> {
    let span = window.min(Nanos(LONGEST_CONTROL_NS));
    let has_time = span.0.saturating_add(RESERVE) <= left;
    (has_time && per_second * span.as_secs_f64() >= FEWEST).then_some(span)
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
    use crate::clock::LoadClock;
    use crate::measure::fixture::{constant, healthy};
    use crate::plan::{CONTROL, fixture};
    use crate::scenario::{Parameters, Placement, Producers};
    use crate::units::Rate;
    use crate::worker::repeat::placement::Cpus;
    use crate::worker::send::producers::{Crew, CrewPlan};

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

    /// A few milliseconds of the schedule really run here; the test does not check how punctual they are.
    #[test]
    fn a_late_repeat_gets_a_control_as_long_as_its_window() {
        let clock = LoadClock::System(SystemClock::new());
        let cpus = Cpus::share(Placement::None).unwrap();
        let parameters = Parameters {
            concurrency: 4,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_millis(20),
            producers: Producers::Lanes,
            ..Parameters::default()
        };
        let crew = Crew::start(CrewPlan::of(&parameters, &Noop::ABOUT, cpus.of_producers())).unwrap();
        let bench = Bench { clock, crew, cpus, floor_ns: 0.0 };
        let repeat = PlannedRepeat { warmup: Nanos::from_millis(100), control: CONTROL, ..fixture::repeat(parameters) };
        let on_time = healthy(1_000).with_control(1_000);
        let mut late = on_time.clone();
        late.latency.lateness = constant(1_000, 20_000_000);
        let left = Nanos::from_secs(60).0;
        assert_eq!(after(&repeat, &on_time, left, &bench), None);
        assert_eq!(after(&repeat, &late, RESERVE, &bench), None, "there is no time for it");
        let control = after(&repeat, &late, left, &bench).unwrap();
        assert_eq!((control.span_ns, control.scheduled), (20_000_000, 80), "without a warm-up");
        assert_eq!(control.attempted + control.unsent + control.unsent_generator, 80);
    }

    #[test]
    fn a_second_control_is_as_long_as_the_window_if_the_deadline_lets_it() {
        let seconds = Nanos::from_secs;
        for (window, per_second, left, span) in [
            (seconds(2), 10_000.0, 7, Some(seconds(2))),
            (seconds(2), 10_000.0, 6, None),
            (seconds(30), 10_000.0, 35, Some(seconds(30))),
            (seconds(3_600), 10_000.0, 40, Some(seconds(30))),
            (seconds(2), 5.0, 40, Some(seconds(2))),
            (seconds(2), 4.0, 40, None),
        ] {
            assert_eq!(span_after(window, per_second, seconds(left).0), span, "{window} {per_second}/s {left}");
        }
    }
}
