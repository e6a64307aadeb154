//! The display, as a terminal shows it.

use super::Progress;
use super::ending::Ending;
use super::frame::State;
use super::labels::labels;
use super::left::Left;
use super::plain;
use super::screen::Screen;
use crate::measure::fixture::healthy;
use crate::plan::Plan;
use crate::render::{Tone, width_of};
use crate::run::{Event, Fault, RepeatOutcome};
use crate::scenario::{self, Catalog, Context, Overrides, Selector};
use crate::worker::{Queues, protocol};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

/// Two cases with one repeat each, which takes about 11.3 s and the overhead.
fn plan() -> Plan {
    let text = "[matrix]\nstrategy = [\"drop\", \"block\"]\ntotal_rate = \"10k/s\"\nduration = \"10s\"\n[run]\nwarmup = \"0s\"\nrepeats = 1\norder = \"as-written\"\n";
    let catalog: Catalog = Queues::with_own().catalog();
    let overrides = Overrides::default();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    let scenario = scenario::parse("plan.toml", text.as_bytes(), context).unwrap();
    Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap()
}

fn at_second(second: u64) -> protocol::Progress {
    protocol::Progress {
        elapsed_ns: second * 1_000_000_000,
        attempted: second * 10_000,
        enqueued: second * 9_000,
        rejected: second * 1_000,
        delivered: second * 8_990,
        mean_enqueue_ns: Some(5_000),
        // The last second was slower than those before.
        enqueue_sum_ns: Some(second * 9_000 * 1_000 + if second == 5 { 9_000 * 19_000 } else { 0 }),
    }
}

/// The state in the middle of the second repeat; the first one lost a log.
fn state(plan: &Plan, start: Instant) -> State {
    let mut state = State::new(plan);
    let mut note = |event: Event<'_>, second: u64| {
        let ending = match &event {
            Event::RepeatFinished { repeat, outcome } => Some(Ending::of(plan, repeat, outcome)),
            _ => None,
        };
        state.note(&event, ending.as_ref(), start + Duration::from_secs(second));
    };
    let (first, second) = (&plan.repeats[0], &plan.repeats[1]);
    note(Event::PlanStarted { repeats: 2 }, 0);
    note(Event::RepeatStarted { repeat: first, position: 0 }, 0);
    let outcome = RepeatOutcome::Measured(Box::new(healthy(100_000).losing(1)));
    note(Event::RepeatFinished { repeat: first, outcome: &outcome }, 11);
    note(Event::RepeatStarted { repeat: second, position: 1 }, 11);
    for elapsed in 0..=5 {
        note(Event::Progress { repeat: second, progress: at_second(elapsed) }, 12 + elapsed);
    }
    state
}

fn frame(width: usize) -> Vec<String> {
    let start = Instant::now();
    lines(&state(&plan(), start), width, start + Duration::from_secs(17))
}

/// The display without its colours.
fn lines(state: &State, width: usize, now: Instant) -> Vec<String> {
    state.frame(width, now).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn what_went_wrong_has_a_colour() {
    let (plan, start) = (plan(), Instant::now());
    let tones = |state: &State| state.frame(80, start).into_iter().filter_map(|(_, tone)| tone).collect::<Vec<_>>();
    assert_eq!(tones(&state(&plan, start)), [Tone::Bad]);
    let mut state = State::new(&plan);
    let repeat = &plan.repeats[0];
    state.note(&Event::RepeatStarted { repeat, position: 0 }, None, start);
    assert_eq!(tones(&state), []);
    let (measurement, reasons) = (Box::new(healthy(10)), vec!["late".into()]);
    let outcome = RepeatOutcome::SetAside { measurement, reasons, reason_codes: Vec::new() };
    let ending = Ending::of(&plan, repeat, &outcome);
    state.note(&Event::RepeatFinished { repeat, outcome: &outcome }, Some(&ending), start);
    assert_eq!(tones(&state), [Tone::Doubtful]);
}

#[test]
fn every_width_has_a_display_that_fits() {
    for width in 10..=200 {
        let lines = frame(width);
        assert!(lines.len() <= 6 && lines.iter().all(|line| width_of(line) <= width), "{width}: {lines:#?}");
        assert!(lines.iter().all(|line| !line.is_empty()), "{width}: {lines:#?}");
        assert!(lines[0].starts_with("2/2"), "{width}: {lines:#?}");
    }
    insta::assert_snapshot!(frame(80).join("\n"), @"
    2/2 ━━━━━━━━━━━━──── 5.3 s left 76%
    repeat 1/1 ━━━━━━━━──────── 5.3 s left strategy=block
    10.0k/s · mean 20.0 µs · in the last second
    sent 50,000 · accepted 45,000 · refused 5,000 · delivered 44,950
    ✗ 1 failing · last ✗ strategy=drop
    ");
    insta::assert_snapshot!(frame(20).join("\n"), @"
    2/2 ━━━─ 5.3 s left
    1/1 ━━── 5.3 s left
    10.0k/s
    sent 50,000
    ✗ 1 failing
    ");
}

#[test]
fn rate_and_mean_are_those_of_the_last_second() {
    let shown = frame(100).join("\n");
    // The calls took 1 µs before the last second, and 20 µs in it.
    assert!(shown.contains("10.0k/s · mean 20.0 µs · in the last second"), "{shown}");
    let start = Instant::now();
    let plan = plan();
    let mut state = state(&plan, start);
    let told = protocol::Progress { enqueue_sum_ns: None, ..at_second(6) };
    state.note(&Event::Progress { repeat: &plan.repeats[1], progress: told }, None, start);
    let shown = lines(&state, 100, start).join("\n");
    assert!(shown.contains("mean 5.00 µs"), "a driver that tells no sum has the mean so far: {shown}");
}

#[test]
fn nonsense_from_a_driver_is_survived() {
    let (plan, start) = (plan(), Instant::now());
    let mut state = state(&plan, start);
    for progress in [
        protocol::Progress::default(),
        protocol::Progress {
            elapsed_ns: u64::MAX,
            attempted: u64::MAX,
            enqueue_sum_ns: Some(u64::MAX),
            ..at_second(1)
        },
        protocol::Progress { elapsed_ns: 1, ..at_second(0) },
        at_second(3),
    ] {
        state.note(&Event::Progress { repeat: &plan.repeats[1], progress }, None, start);
        assert!(lines(&state, 60, start).iter().all(|line| width_of(line) <= 60));
    }
}

fn terminal() -> vt100::Parser {
    vt100::Parser::new(NonZeroU16::new(24).unwrap(), NonZeroU16::new(40).unwrap(), 0)
}

/// What a terminal of 24 rows shows after these bytes, without empty lines.
fn seen(terminal: &vt100::Parser) -> Vec<String> {
    let columns = u16::from(terminal.screen().size().1);
    terminal.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).filter(|row| !row.is_empty()).collect()
}

#[test]
fn lines_that_stay_stand_above_the_display_and_the_display_goes_away() {
    let mut terminal = terminal();
    let mut screen = Screen::new(Vec::new());
    let with_width = |lines: &[&str]| -> Vec<(String, usize)> {
        lines.iter().map(|line| ((*line).to_owned(), width_of(line))).collect()
    };
    let mut show = |screen: &mut Screen<Vec<u8>>| {
        terminal.process(&std::mem::take(screen.out()));
        seen(&terminal)
    };
    screen.draw(&with_width(&["one", "two", "three"]), 40);
    assert_eq!(show(&mut screen), ["one", "two", "three"]);
    screen.draw(&with_width(&["four"]), 40);
    assert_eq!(show(&mut screen), ["four"]);
    screen.print("stays, though it is longer than one line of it", 40);
    screen.draw(&with_width(&["five", "six"]), 40);
    assert_eq!(show(&mut screen), ["stays, though it is longer than one line", " of it", "five", "six"]);
    // Ctrl-C leaves its mark where the cursor is.
    screen.out().extend(b"^C");
    screen.print("interrupted", 40);
    screen.clear(40);
    assert_eq!(show(&mut screen), ["stays, though it is longer than one line", " of it", "interrupted"]);
}

#[test]
fn a_terminal_that_became_narrower_is_cleaned_all_the_same() {
    let mut screen = Screen::new(Vec::new());
    screen.draw(&[("x".repeat(70), 70), ("y".repeat(30), 30)], 80);
    // A terminal that breaks lines anew now shows the two lines as 2 + 1 rows of 40 columns.
    let mut terminal = terminal();
    terminal.process(b"before\r\n");
    terminal.process(&std::mem::take(screen.out()));
    assert_eq!(seen(&terminal).len(), 4);
    screen.draw(&[("z".to_owned(), 1)], 40);
    terminal.process(&std::mem::take(screen.out()));
    assert_eq!(seen(&terminal), ["before", "z"]);
}

#[test]
fn without_a_terminal_each_finished_repeat_has_one_plain_line() {
    let plan = plan();
    let (names, mut left) = (labels(&plan), Left::new(&plan));
    left.note(&Event::RepeatStarted { repeat: &plan.repeats[0], position: 0 }, Instant::now());
    let line = |outcome: RepeatOutcome| {
        let event = Event::RepeatFinished { repeat: &plan.repeats[0], outcome: &outcome };
        plain::line(&plan, &names, &left, &event).unwrap()
    };
    assert_eq!(
        line(RepeatOutcome::Measured(Box::new(healthy(100_000)))),
        "[1/2] strategy=drop: mean 10.0 µs, 100,000 enqueued, 0 refused"
    );
    let lost = line(RepeatOutcome::Measured(Box::new(healthy(100_000).losing(1))));
    assert!(lost.starts_with("[1/2] ✗ strategy=drop: "), "{lost}");
    let reasons = vec!["steal\u{1b}[2J\n7 %".into()];
    let aside = line(RepeatOutcome::SetAside { measurement: Box::new(healthy(10)), reasons, reason_codes: vec![] });
    assert_eq!(aside, "[1/2] ? strategy=drop: discarded: steal\u{fffd}[2J 7 %");
    let broken = line(RepeatOutcome::Error(Fault::TimedOut { deadline_ns: 5 }.alone()));
    assert!(broken.starts_with("[1/2] ! strategy=drop: error: ") && !broken.contains('\n'), "{broken}");
    ().on_event(&Event::PlanFinished);
}
