//! The main loop: runs one repeat after the other, in the order of the plan.

use super::driver::{Driver, Interrupt};
use super::errors::{Fault, RepeatError, RunError};
use super::events::Event;
use super::journal::{GaugeRecord, Journal, RepeatOutcome, RepeatRecord};
use super::yardstick::{Moment, Yardstick, YardstickReading};
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::untrusted::Untrusted;
use std::collections::BTreeMap;

/// Whether a measurement can be trusted; if not, why not.
pub type Validity<'a> = dyn Fn(&PlannedRepeat, &Measurement) -> Result<(), Objections> + 'a;

/// Why a measurement cannot be trusted, as whoever judges it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objections {
    /// In sentences, for people.
    pub reasons: Vec<Untrusted>,
    /// The code of each, in the same order, for programs; empty if there are none.
    pub reason_codes: Vec<Untrusted>,
}

impl Objections {
    /// Sentences that have no codes.
    #[must_use]
    pub fn uncoded(reasons: Vec<Untrusted>) -> Self {
        Self { reasons, reason_codes: Vec::new() }
    }

    /// With a reason in any case: without one, the repeat would be neither run again nor explained.
    fn named(self) -> Self {
        if self.reasons.is_empty() { Self::uncoded(vec!["no reason given".into()]) } else { self }
    }
}

/// Everything that a run needs besides its plan.
pub struct Conditions<'a> {
    /// Carries out the repeats.
    pub driver: &'a mut dyn Driver,
    /// Decides whether a measurement can be trusted; the error lists the reasons why not.
    pub validity: &'a Validity<'a>,
    /// How many times a repeat that cannot be trusted is run again, at most.
    pub invalid_retries: &'a dyn Fn(&PlannedRepeat) -> u32,
    /// Receives the events of the run.
    pub on_event: &'a mut dyn FnMut(&Event<'_>),
    /// Reads the yardstick; returns `None` if that is not possible.
    pub gauge: &'a mut dyn FnMut() -> Option<YardstickReading>,
    /// The number of this confirmation; 0 for the plan itself.
    pub round: u32,
    /// Receives every finished repeat before the next one starts.
    pub journal: Option<&'a mut Journal>,
    /// Ends the run when raised.
    pub interrupt: &'a Interrupt,
}

/// The results of a run.
#[derive(Debug)]
pub struct Execution {
    /// The results by the index of the case in the plan. Every case of the plan is there; a case that was not reached
    /// is empty.
    pub cases: BTreeMap<usize, CaseRuns>,
    /// How fast the machine was during the run.
    pub yardstick: Yardstick,
    /// Whether the whole plan was run.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// Every repeat of the plan was run.
    Complete,
    /// It was interrupted. The current repeat was ended and does not count.
    Interrupted,
    /// It could not continue.
    Stopped(RunError),
}

/// The results for one case; each list is in the order in which the repeats ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseRuns {
    /// The case's id.
    pub case_id: Untrusted,
    /// Valid measurements.
    pub measured: Vec<Measured>,
    /// Discarded measurements, which cannot be trusted.
    pub set_aside: Vec<SetAside>,
    /// Repeats that gave no measurement.
    pub errors: Vec<Failed>,
}

/// A valid measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The repeat.
    pub repeat: PlannedRepeat,
    /// Its measurement.
    pub measurement: Measurement,
}

/// A measurement that cannot be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// The repeat.
    pub repeat: PlannedRepeat,
    /// Its measurement.
    pub measurement: Measurement,
    /// Why it cannot be trusted.
    pub why: Objections,
}

/// A repeat that gave no measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// The repeat.
    pub repeat: PlannedRepeat,
    /// Why there is no measurement.
    pub error: RepeatError,
}

impl CaseRuns {
    /// Whether the repeat of that round is finished: measured, broken, or invalid with all its `retries` used up.
    pub fn is_settled(&self, round: u32, retries: u32) -> bool {
        self.measured.iter().any(|measured| measured.repeat.repeat == round)
            || self.errors.iter().any(|failed| failed.repeat.repeat == round)
            || self.set_aside.iter().any(|aside| aside.repeat.repeat == round && aside.repeat.attempt >= retries)
    }

    /// Adds a finished repeat of this case, which comes from a driver or from a journal.
    pub fn add(&mut self, record: RepeatRecord) {
        let RepeatRecord { repeat, outcome } = record;
        match outcome {
            RepeatOutcome::Measured(measurement) => self.measured.push(Measured { repeat, measurement: *measurement }),
            RepeatOutcome::SetAside { measurement, reasons, reason_codes } => {
                let why = Objections { reasons, reason_codes };
                self.set_aside.push(SetAside { repeat, measurement: *measurement, why });
            }
            RepeatOutcome::Error(error) => self.errors.push(Failed { repeat, error }),
        }
    }
}

/// Runs the repeats one after the other, in the order given.
///
/// A measurement that cannot be trusted is discarded. Its repeat is run again at once, with the next
/// `attempt` and a new seed, until a measurement can be trusted or the retries are used up. An error is recorded and
/// not retried, and the plan continues: a queue that breaks is a result. An interrupt, or a journal that cannot be
/// written, ends the run with what is finished.
pub fn execute(repeats: &[PlannedRepeat], mut conditions: Conditions<'_>) -> Execution {
    // All cases are entered now: a case that is never reached must be shown as empty, not be missing.
    let mut cases = BTreeMap::new();
    for repeat in repeats {
        cases.entry(repeat.case).or_insert_with(|| CaseRuns { case_id: repeat.case_id.clone(), ..CaseRuns::default() });
    }
    (conditions.on_event)(&Event::PlanStarted { repeats: repeats.len() });
    let mut yardstick = conditions.earlier_yardstick();
    let mut has_begun = false;
    let mut ending = Ending::Complete;
    for (position, planned) in repeats.iter().enumerate() {
        let mut file = |record: RepeatRecord| {
            if let Some(case) = cases.get_mut(&record.repeat.case) {
                case.add(record);
            }
        };
        let Some(repeat) = conditions.remaining(planned, &mut file) else { continue };
        let moment = match position {
            0 => Some(Moment::Start),
            // After a break, the machine may be faster or slower than before.
            _ if position == repeats.len() / 2 || !has_begun => Some(Moment::Middle),
            _ => None,
        };
        has_begun = true;
        let gauged = moment.map_or(Ok(()), |moment| conditions.gauge(moment, &mut yardstick));
        if let Err(early) = gauged.and_then(|()| conditions.run_with_retries(position, repeat, &mut file)) {
            ending = early;
            break;
        }
    }
    let is_due = has_begun || yardstick.end.is_none();
    if matches!(ending, Ending::Complete) && is_due && !repeats.is_empty() {
        ending = conditions.gauge(Moment::End, &mut yardstick).err().unwrap_or(ending);
    }
    match &ending {
        Ending::Complete => {}
        Ending::Interrupted => (conditions.on_event)(&Event::Interrupted),
        Ending::Stopped(error) => (conditions.on_event)(&Event::Stopped { reason: error.to_string().into() }),
    }
    (conditions.on_event)(&Event::PlanFinished);
    Execution { cases, yardstick, ending }
}

impl Conditions<'_> {
    /// Reads the yardstick. `Err` if the run must end.
    fn gauge(&mut self, moment: Moment, yardstick: &mut Yardstick) -> Result<(), Ending> {
        // At the end every repeat is finished: an interrupt must not turn a complete run into an interrupted one.
        if self.interrupt.is_raised() && moment != Moment::End {
            return Err(Ending::Interrupted);
        }
        let reading = (self.gauge)();
        yardstick.set(moment, reading);
        let Some(reading) = reading else { return Ok(()) };
        let record = GaugeRecord { round: self.round, moment, reading };
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append_gauge(&record)).map_err(Ending::Stopped)
    }

    /// The readings of earlier sittings.
    fn earlier_yardstick(&self) -> Yardstick {
        self.journal.as_ref().map_or_else(Yardstick::default, |journal| journal.yardstick(self.round))
    }

    /// Files the attempts at a repeat that earlier sittings finished. Returns the attempt that is still to be run;
    /// `None` if the repeat is finished.
    fn remaining(&mut self, planned: &PlannedRepeat, file: &mut dyn FnMut(RepeatRecord)) -> Option<PlannedRepeat> {
        let retries = (self.invalid_retries)(planned);
        let mut next = Some(planned.clone());
        for record in self.journal.as_mut().map(|journal| journal.finished(planned)).unwrap_or_default() {
            next = match record.outcome {
                RepeatOutcome::SetAside { .. } => Some(record.repeat.retry()).filter(|retry| retry.attempt <= retries),
                RepeatOutcome::Measured(_) | RepeatOutcome::Error(_) => None,
            };
            file(record);
        }
        next
    }

    /// Runs a repeat and its retries. `Err` if the run must end.
    fn run_with_retries(
        &mut self,
        position: usize,
        mut repeat: PlannedRepeat,
        file: &mut dyn FnMut(RepeatRecord),
    ) -> Result<(), Ending> {
        let retries = (self.invalid_retries)(&repeat);
        for retry in repeat.attempt..=retries {
            let outcome = self.run_once(position, &repeat)?;
            let record = RepeatRecord { repeat: repeat.clone(), outcome };
            // Written before the event: what an event has announced must survive a crash.
            let written = self.journal.as_mut().map_or(Ok(()), |journal| journal.append(&record));
            (self.on_event)(&Event::RepeatFinished { repeat: &record.repeat, outcome: &record.outcome });
            let reasons = match &record.outcome {
                RepeatOutcome::SetAside { reasons, .. } => reasons.clone(),
                RepeatOutcome::Measured(_) | RepeatOutcome::Error(_) => Vec::new(),
            };
            // Kept even if the journal failed: the run ends, and its report still has this repeat.
            file(record);
            written.map_err(Ending::Stopped)?;
            if reasons.is_empty() || retry == retries {
                return Ok(());
            }
            repeat = repeat.retry();
            if self.interrupt.is_raised() {
                return Err(Ending::Interrupted);
            }
            (self.on_event)(&Event::Retry { repeat: &repeat, reasons: &reasons });
        }
        Ok(())
    }

    fn run_once(&mut self, position: usize, repeat: &PlannedRepeat) -> Result<RepeatOutcome, Ending> {
        if self.interrupt.is_raised() {
            return Err(Ending::Interrupted);
        }
        (self.on_event)(&Event::RepeatStarted { repeat, position });
        let on_event = &mut *self.on_event;
        let mut on_progress = |progress| on_event(&Event::Progress { repeat, progress });
        match self.driver.run(repeat, self.interrupt, &mut on_progress) {
            // During an interrupt all processes are being ended, so an error says nothing about the queue.
            Err(_) if self.interrupt.is_raised() => Err(Ending::Interrupted),
            Err(error) if error.fault == Fault::Interrupted => Err(Ending::Interrupted),
            Err(error) => Ok(RepeatOutcome::Error(error)),
            Ok(measurement) => {
                let measurement = Box::new(measurement);
                Ok(match (self.validity)(repeat, &measurement) {
                    Ok(()) => RepeatOutcome::Measured(measurement),
                    Err(why) => {
                        let Objections { reasons, reason_codes } = why.named();
                        RepeatOutcome::SetAside { measurement, reasons, reason_codes }
                    }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::scripted::ScriptedDriver;
    use super::*;
    use crate::worker::protocol::Progress;
    use std::cell::RefCell;
    use std::collections::VecDeque;

    fn good(_: &PlannedRepeat, _: &Interrupt) -> Result<Measurement, RepeatError> {
        Ok(fixture::measurement())
    }

    fn error() -> RepeatError {
        Fault::Panicked { message: "boom".into() }.alone()
    }

    /// Rounds 0 and 1 of cases 0, 1 and 2, each round in another order.
    fn plan() -> Vec<PlannedRepeat> {
        [(2, 0), (0, 0), (1, 0), (1, 1), (2, 1), (0, 1)].map(|(case, round)| fixture::planned(case, round)).into()
    }

    fn place(repeat: &PlannedRepeat) -> (usize, u32, u32) {
        (repeat.case, repeat.repeat, repeat.attempt)
    }

    /// A run whose parts a test can replace.
    struct Run {
        driver: ScriptedDriver,
        /// Validity of the measurements in the order in which they come; valid when used up.
        validity: RefCell<VecDeque<Result<(), Objections>>>,
        interrupt: Interrupt,
        /// The events, in short form.
        events: Vec<String>,
        retries: u32,
        reading: Option<YardstickReading>,
    }

    impl Run {
        fn new(driver: ScriptedDriver) -> Self {
            Self {
                driver,
                validity: RefCell::default(),
                interrupt: Interrupt::new(),
                events: Vec::new(),
                retries: 2,
                reading: None,
            }
        }

        fn invalid(mut self, pattern: &[bool]) -> Self {
            let late = || Objections { reasons: vec!["late".into()], reason_codes: vec!["generator_late".into()] };
            let answers = pattern.iter().map(|invalid| if *invalid { Err(late()) } else { Ok(()) });
            self.validity = RefCell::new(answers.collect());
            self
        }

        fn execute(&mut self, plan: &[PlannedRepeat], journal: Option<&mut Journal>) -> Execution {
            let validity = &self.validity;
            let retries = self.retries;
            let events = &mut self.events;
            let reading = self.reading;
            execute(
                plan,
                Conditions {
                    driver: &mut self.driver,
                    validity: &|_, _| validity.borrow_mut().pop_front().unwrap_or(Ok(())),
                    invalid_retries: &|_| retries,
                    on_event: &mut |event| events.push(short(event)),
                    gauge: &mut || reading,
                    round: 0,
                    journal,
                    interrupt: &self.interrupt,
                },
            )
        }

        fn asked(&self) -> Vec<(usize, u32, u32)> {
            self.driver.asked().iter().map(place).collect()
        }
    }

    fn short(event: &Event<'_>) -> String {
        match event {
            Event::PlanStarted { repeats } => format!("plan of {repeats}"),
            Event::RepeatStarted { repeat, position } => {
                format!("start {position}: {:?}", place(repeat))
            }
            Event::Progress { progress, .. } => format!("progress {}", progress.attempted),
            Event::RepeatFinished { outcome, .. } => match outcome {
                RepeatOutcome::Measured(_) => "measured".to_owned(),
                RepeatOutcome::SetAside { .. } => "discarded".to_owned(),
                RepeatOutcome::Error(error) => format!("error: {error:?}"),
            },
            Event::Retry { repeat, reasons } => {
                format!("retry {:?}: {}", place(repeat), Untrusted::join(*reasons, ", ").as_given())
            }
            Event::Interrupted => "interrupted".to_owned(),
            Event::Stopped { .. } => "stopped".to_owned(),
            Event::PlanFinished => "finished".to_owned(),
        }
    }

    #[test]
    fn runs_in_the_order_of_the_plan() {
        let mut run = Run::new(ScriptedDriver::new(good));
        let done = run.execute(&plan(), None);
        assert!(matches!(done.ending, Ending::Complete));
        assert_eq!(run.asked(), [(2, 0, 0), (0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0), (0, 1, 0)]);
        for (case, runs) in &done.cases {
            assert_eq!(runs.case_id, format!("case {case}"));
            assert_eq!(runs.measured.iter().map(|m| m.repeat.repeat).collect::<Vec<_>>(), [0, 1]);
            assert!(runs.set_aside.is_empty() && runs.errors.is_empty());
        }
        assert_eq!(done.cases.len(), 3);
    }

    #[test]
    fn the_yardstick_is_read_between_repeats_and_stands_in_the_journal() {
        let dir = tempfile::tempdir().expect("a directory");
        for (repeats, expected) in [(0, vec![]), (1, vec![0, 1]), (2, vec![0, 1, 2]), (6, vec![0, 3, 6])] {
            let path = dir.path().join(format!("{repeats}.journal"));
            let mut journal = Journal::create(&path, "now", serde_json::Value::Null).expect("created");
            let done = std::rc::Rc::new(RefCell::new(0));
            let (mut read_at, seen) = (Vec::new(), done.clone());
            let plan = &plan()[..repeats];
            let execution = execute(
                plan,
                Conditions {
                    driver: &mut ScriptedDriver::new(good),
                    validity: &|_, _| Ok(()),
                    invalid_retries: &|_| 0,
                    on_event: &mut |event| {
                        *done.borrow_mut() += u32::from(matches!(event, Event::RepeatFinished { .. }))
                    },
                    gauge: &mut || {
                        read_at.push(*seen.borrow());
                        Some(YardstickReading { spin_ns: Some(f64::from(*seen.borrow())), ping_pong_ns: None })
                    },
                    round: 1,
                    journal: Some(&mut journal),
                    interrupt: &Interrupt::new(),
                },
            );
            assert_eq!(read_at, expected, "{repeats} repeats");
            let of_run: Vec<u32> = execution.yardstick.readings().map(|at| at.spin_ns.unwrap_or(-1.0) as u32).collect();
            assert_eq!(of_run, expected, "{repeats} repeats");
            let kept = Journal::read(&path).expect("readable").gauges;
            assert_eq!(kept.iter().map(|gauge| gauge.round).collect::<Vec<_>>(), vec![1; expected.len()]);
            assert_eq!(kept.first().map(|gauge| gauge.moment), (repeats > 0).then_some(Moment::Start));
            assert_eq!(kept.last().map(|gauge| gauge.moment), (repeats > 0).then_some(Moment::End));
        }
    }

    #[test]
    fn an_interrupted_run_has_no_reading_of_its_end() {
        let mut run = Run::new(ScriptedDriver::new(|repeat, interrupt| {
            interrupt.raise();
            good(repeat, interrupt)
        }));
        run.reading = Some(YardstickReading::default());
        let done = run.execute(&plan(), None);
        assert!(done.yardstick.start.is_some() && done.yardstick.middle.is_none() && done.yardstick.end.is_none());
    }

    #[test]
    fn tells_what_happens_as_it_happens() {
        let progress = Progress { attempted: 7, ..Progress::default() };
        let mut run = Run::new(ScriptedDriver::new(good).with_progress(vec![progress])).invalid(&[true]);
        run.execute(&plan()[..1], None);
        assert_eq!(
            run.events,
            [
                "plan of 1",
                "start 0: (2, 0, 0)",
                "progress 7",
                "discarded",
                "retry (2, 0, 1): late",
                "start 0: (2, 0, 1)",
                "progress 7",
                "measured",
                "finished"
            ]
        );
    }

    #[test]
    fn an_untrustworthy_repeat_is_run_again_at_once_and_kept_apart() {
        let mut run = Run::new(ScriptedDriver::new(good)).invalid(&[false, true, true, false]);
        let done = run.execute(&plan()[..3], None);
        assert_eq!(run.asked(), [(2, 0, 0), (0, 0, 0), (0, 0, 1), (0, 0, 2), (1, 0, 0)]);
        let seeds: std::collections::BTreeSet<u64> = run.driver.asked()[1..4].iter().map(|r| r.seed).collect();
        assert_eq!(seeds.len(), 3, "each attempt has a seed of its own");
        let runs = &done.cases[&0];
        assert_eq!(runs.set_aside.iter().map(|s| s.repeat.attempt).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(runs.set_aside[0].why.reasons, ["late"]);
        assert_eq!(runs.set_aside[0].why.reason_codes, ["generator_late"]);
        assert_eq!(runs.measured.iter().map(|m| m.repeat.attempt).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_repeat_is_settled_by_an_answer_or_by_its_last_retry() {
        let mut run = Run::new(ScriptedDriver::new(good)).invalid(&[false, true, true, true]);
        let done = run.execute(&plan()[..2], None);
        assert!(done.cases[&2].is_settled(0, 2) && !done.cases[&2].is_settled(1, 2));
        assert!(done.cases[&0].is_settled(0, 2), "discarded, and not to be run again");
        assert!(!done.cases[&0].is_settled(0, 3), "one more try was to come");
        let mut broken = Run::new(ScriptedDriver::new(|_: &PlannedRepeat, _: &Interrupt| Err(error())));
        assert!(broken.execute(&plan()[..1], None).cases[&2].is_settled(0, 2));
    }

    #[test]
    fn retries_are_bounded_and_the_plan_goes_on() {
        for retries in [0, 1, 2] {
            let mut run = Run::new(ScriptedDriver::new(good)).invalid(&[true; 3][..=retries as usize]);
            run.retries = retries;
            let done = run.execute(&plan()[..2], None);
            assert_eq!(done.cases[&2].set_aside.len(), retries as usize + 1);
            assert!(done.cases[&2].measured.is_empty());
            assert_eq!(done.cases[&0].measured.len(), 1);
            assert!(matches!(done.ending, Ending::Complete));
        }
    }

    #[test]
    fn an_error_is_recorded_once_and_the_plan_goes_on() {
        let script = |repeat: &PlannedRepeat, _: &Interrupt| match repeat.case {
            0 => Err(error()),
            _ => Ok(fixture::measurement()),
        };
        let mut run = Run::new(ScriptedDriver::new(script));
        let done = run.execute(&plan(), None);
        assert_eq!(run.asked().len(), 6);
        assert_eq!(done.cases[&0].errors.iter().map(|f| &f.error).collect::<Vec<_>>(), [&error(), &error()]);
        assert!(done.cases[&0].measured.is_empty());
        assert_eq!(done.cases[&1].measured.len(), 2);
        assert!(matches!(done.ending, Ending::Complete));
    }

    #[test]
    fn an_error_in_a_retry_ends_the_retries() {
        let script = |repeat: &PlannedRepeat, _: &Interrupt| match repeat.attempt {
            0 => Ok(fixture::measurement()),
            _ => Err(error()),
        };
        let mut run = Run::new(ScriptedDriver::new(script)).invalid(&[true]);
        let done = run.execute(&plan()[..1], None);
        assert_eq!(run.asked(), [(2, 0, 0), (2, 0, 1)]);
        assert_eq!((done.cases[&2].set_aside.len(), done.cases[&2].errors.len()), (1, 1));
    }

    #[test]
    fn an_interrupt_keeps_what_is_finished_and_drops_the_repeat_in_hand() {
        for fault in [Fault::Interrupted, Fault::Exited { code: None, signal: Some(15), after_result: false }] {
            let script = move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
                if repeat.case == 1 {
                    interrupt.raise();
                    return Err(fault.clone().alone());
                }
                Ok(fixture::measurement())
            };
            let mut run = Run::new(ScriptedDriver::new(script));
            let done = run.execute(&plan(), None);
            assert!(matches!(done.ending, Ending::Interrupted));
            assert_eq!(run.asked(), [(2, 0, 0), (0, 0, 0), (1, 0, 0)]);
            assert_eq!((done.cases[&2].measured.len(), done.cases[&0].measured.len()), (1, 1));
            assert_eq!(done.cases[&1], CaseRuns { case_id: "case 1".into(), ..CaseRuns::default() });
            assert_eq!(run.events[run.events.len() - 2..], ["interrupted", "finished"]);
        }
    }

    #[test]
    fn an_interrupt_between_repeats_starts_nothing_more() {
        let script = |_: &PlannedRepeat, interrupt: &Interrupt| {
            interrupt.raise();
            Ok(fixture::measurement())
        };
        for invalid in [false, true] {
            let mut run = Run::new(ScriptedDriver::new(script)).invalid(&[invalid]);
            let done = run.execute(&plan(), None);
            assert!(matches!(done.ending, Ending::Interrupted));
            assert_eq!(run.asked().len(), 1);
            assert_eq!(done.cases[&2].measured.len() + done.cases[&2].set_aside.len(), 1);
            assert!(!run.events.iter().any(|event| event.starts_with("retry")), "{:?}", run.events);
        }
    }

    #[test]
    fn an_interrupt_before_the_first_repeat_runs_nothing() {
        let mut run = Run::new(ScriptedDriver::new(good));
        run.interrupt.raise();
        let done = run.execute(&plan(), None);
        assert!(run.asked().is_empty());
        assert_eq!(done.cases.len(), 3);
    }

    #[test]
    fn the_journal_holds_each_repeat_before_the_next_one_starts() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("j");
        let seen = path.clone();
        let counts = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let script_counts = counts.clone();
        let script = move |repeat: &PlannedRepeat, _: &Interrupt| {
            // What is in the journal if the process dies now.
            let contents = Journal::read(&seen).expect("readable at any time");
            assert_eq!(contents.torn, None);
            script_counts.lock().expect("not poisoned").push(contents.records.len());
            if repeat.case == 1 { Err(error()) } else { Ok(fixture::measurement()) }
        };
        let mut journal = Journal::create(&path, "now", serde_json::Value::Null).expect("created");
        let mut run = Run::new(ScriptedDriver::new(script)).invalid(&[false, true]);
        let done = run.execute(&plan()[..3], Some(&mut journal));
        assert_eq!(*counts.lock().expect("not poisoned"), [0, 1, 2, 3]);
        let mut cases = BTreeMap::<usize, CaseRuns>::new();
        for record in Journal::read(&path).expect("readable").records {
            let id = record.repeat.case_id.clone();
            let case = cases.entry(record.repeat.case);
            case.or_insert_with(|| CaseRuns { case_id: id, ..CaseRuns::default() }).add(record);
        }
        assert_eq!(cases, done.cases);
        assert_eq!((cases[&0].set_aside.len(), cases[&0].measured.len(), cases[&1].errors.len()), (1, 1, 1));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_journal_that_cannot_be_written_stops_the_run_and_keeps_what_is_finished() {
        let mut journal = Journal::full();
        let mut run = Run::new(ScriptedDriver::new(good));
        let done = run.execute(&plan(), Some(&mut journal));
        assert!(matches!(done.ending, Ending::Stopped(RunError::JournalIo { action: "write", .. })));
        assert!(!journal.is_whole(), "nobody promises what it has");
        assert_eq!(run.asked().len(), 1);
        assert_eq!(done.cases[&2].measured.len(), 1);
        assert_eq!(run.events[run.events.len() - 3..], ["measured", "stopped", "finished"]);
    }

    #[test]
    fn a_script_that_runs_out_says_so() {
        let answers = BTreeMap::from([("case 2".into(), vec![Ok(fixture::measurement()), Err(error())])]);
        let mut run = Run::new(ScriptedDriver::from_lists(answers));
        let done = run.execute(&plan(), None);
        assert_eq!((done.cases[&2].measured.len(), done.cases[&2].errors.len()), (1, 1));
        let fault = &done.cases[&0].errors[0].error.fault;
        assert_eq!(fault.sentence(), "the driver failed: the script has no answer left for case case 0");
    }
}
