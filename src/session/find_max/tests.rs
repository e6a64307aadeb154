//! Searches without processes: the queue is a fixed server on a manual clock, or a script.

use super::super::assemble::About;
use super::super::baseline::{self, Baseline};
use super::super::conduct::{Gating, Reference, judge_search};
use super::super::stage::Stage;
use super::*;
use crate::adapter::{About as AboutQueue, Account, Queue, Setup, Sink};
use crate::clock::Clock;
use crate::compare::{self, GateOutcome, Settings};
use crate::load::{Entry, Reply};
use crate::measure::{CoreToCore, Measurement};
use crate::plan::PlannedRepeat;
use crate::report::Maximum;
use crate::run::{Fault, Interrupt, Journal, RepeatError, ScriptedDriver, YardstickReading};
use crate::scenario::{Catalog, Context, Overrides, QueueSpec, Selector, Strategy, parse};
use crate::units::Nanos;
use crate::verdict::ExitOutcome;
use crate::worker::simulate;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

/// A server that takes the same time for each log, with room for `maxsize`; what finds it full is dropped. Its time for a
/// log is the scenario's `sink_delay`.
struct Server {
    sink: Sink,
    service_ns: u64,
    room: usize,
    /// When each log that it holds is done.
    held: Mutex<VecDeque<(u64, crate::load::Stamp)>>,
}

impl Server {
    fn serve_until(&self, held: &mut VecDeque<(u64, crate::load::Stamp)>, time: u64) {
        while held.front().is_some_and(|(done, _)| *done <= time) {
            let (_, stamp) = held.pop_front().unwrap();
            self.sink.deliver(Some(stamp), |_| Ok(())).unwrap();
        }
    }
}

impl Queue for Server {
    const ABOUT: AboutQueue = AboutQueue { strategies: &[Strategy::Drop], ..AboutQueue::new("server", "1") };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (service_ns, room) = (setup.parameters.batch_delay.0, setup.parameters.maxsize as usize);
        Ok(Self { sink, service_ns, room, held: Mutex::default() })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let now = self.sink.clock().now();
        let mut held = self.held.lock().unwrap();
        self.serve_until(&mut held, now);
        if held.len() >= self.room {
            return Reply::Dropped;
        }
        let done = held.back().map_or(now, |(done, _)| *done).max(now) + self.service_ns;
        held.push_back((done, entry.stamp));
        Reply::Enqueued { waited: Some(false) }
    }

    fn shutdown(self, _: Duration) -> Account {
        let mut held = self.held.lock().unwrap();
        self.serve_until(&mut held, u64::MAX);
        drop(held);
        Account::default()
    }
}

fn plan(text: &str) -> Plan {
    let catalog = Catalog::new(["builtin", "noop"].map(|queue| QueueSpec::new(queue, Strategy::ALL.to_vec())));
    let overrides = Overrides::none();
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 1 };
    let scenario = parse("s.toml", text.as_bytes(), context).unwrap_or_else(|errors| panic!("{errors}"));
    Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap().without_rates()
}

/// A case whose server takes `service` for a log.
fn scenario(service: Nanos) -> String {
    format!(
        "[target]\nthroughput = \"100/s\"\n[matrix]\nrate = \"100/s\"\nconcurrency = 1\nmaxsize = 2\nduration = \"1s\"\n\
         batch_delay = \"{service}\"\n[run]\nwarmup = \"100ms\"\ncontrol = \"0s\"\ninvalid_retries = 0\n"
    )
}

fn about() -> About {
    let created_at = "2026-01-02T03:04:05Z".parse().unwrap();
    About { environment: crate::report::Environment::default(), created_at, program: None }
}

/// The generator manages this rate; beyond it, a repeat is late.
const CEILING: f64 = 10_000.0;

/// Simulates the server; the generator's own ceiling is [`CEILING`].
fn simulated(repeat: &PlannedRepeat, _: &Interrupt) -> Result<Measurement, RepeatError> {
    let is_too_fast = repeat.parameters.offered_per_second() > CEILING;
    if is_too_fast {
        let logs = 1_000;
        return Ok(crate::measure::fixture::healthy(logs).with_unsent_generator(logs / 2));
    }
    simulate::<Server>(repeat).map_err(|failure| Fault::from(failure).alone())
}

/// Runs a search, and keeps what was said.
fn searched(
    plan: &Plan,
    driver: &mut ScriptedDriver,
    journal: Option<&mut Journal>,
    interrupt: &Interrupt,
) -> (Report, Ending) {
    let settings = SearchSettings { precision: crate::units::Ratio::from_percent(3), most_runs: 20, curve: false };
    let mut stage = Stage {
        plan,
        driver,
        gauge: &mut || Some(YardstickReading { spin_ns: Some(20_000.0), ping_pong_ns: None }),
        observer: &(),
        journal,
        interrupt,
    };
    conduct(plan, &about(), settings, &mut Live::new(&mut stage), &())
}

#[test]
fn the_curve_is_run_below_the_maximum_and_decides_nothing() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let mut driver = ScriptedDriver::new(simulated);
    let mut stage = Stage {
        plan: &plan,
        driver: &mut driver,
        gauge: &mut || None,
        observer: &(),
        journal: None,
        interrupt: &Interrupt::new(),
    };
    let (report, _) = conduct(&plan, &about(), SearchSettings::default(), &mut Live::new(&mut stage), &());
    let maximum = only(&report);
    let curve = &maximum.probes[maximum.runs as usize..];
    let shares = curve.iter().map(|probe| (probe.rate_per_s / maximum.max_per_s.unwrap() * 100.0).round());
    assert_eq!(shares.collect::<Vec<_>>(), [10.0, 25.0, 50.0, 75.0, 90.0]);
    assert!(report.cases[0].parameters.offered().unwrap().per_second() > curve[4].rate_per_s);
}

fn search_of(service: Nanos) -> Report {
    let plan = plan(&scenario(service));
    searched(&plan, &mut ScriptedDriver::new(simulated), None, &Interrupt::new()).0
}

fn only(report: &Report) -> &Maximum {
    let [maximum] = report.maxima.as_slice() else { panic!("{} searches", report.maxima.len()) };
    maximum
}

/// The highest rate at which a server drops at most 1 %, but for the two logs that it holds at the end of the window.
fn threshold(service: Nanos) -> f64 {
    (1e9 / service.0 as f64) / 0.99
}

#[test]
fn a_known_capacity_is_found_within_two_percent_in_twelve_runs() {
    find_known_capacities(20);
}

#[test]
#[ignore = "takes time"]
fn a_hundred_known_capacities_are_found_within_two_percent() {
    find_known_capacities(100);
}

fn find_known_capacities(trials: usize) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut close, mut covered, mut most) = (0, 0, 0);
    for _ in 0..trials {
        // Between 1,000 and 5,000 logs a second.
        let service = Nanos(200_000 + random.next_u64() % 800_000);
        let report = search_of(service);
        let maximum = only(&report);
        let known = threshold(service);
        let found = maximum.max_per_s.unwrap_or_else(|| panic!("{service}: {:?}", maximum.outcome));
        close += usize::from((found / known - 1.0).abs() <= 0.02);
        let is_within = maximum.low_per_s.unwrap() <= known * 1.004 && maximum.high_per_s.unwrap() >= known * 0.996;
        covered += usize::from(is_within);
        most = most.max(maximum.runs);
        assert_eq!(report.verdict.exit, ExitOutcome::Pass, "{:?}", report.verdict);
    }
    println!("close {close}, covered {covered} of {trials}, at most {most} runs");
    assert!(close * 100 >= 95 * trials && covered * 100 >= 95 * trials, "{close} close, {covered} covered");
    assert!(most <= 12, "{most} runs");
}

#[test]
fn the_report_shows_the_highest_rate_that_held_and_keeps_every_run() {
    let report = search_of(Nanos::from_micros(500));
    let maximum = only(&report);
    assert_eq!(maximum.outcome, MaximumOutcome::Found);
    assert_eq!(maximum.case.as_ref(), Some(&report.cases[0].id));
    assert!(!maximum.search.as_given().contains("rate=") && report.cases[0].id.as_given().contains("rate="));
    assert_eq!(report.cases[0].verdict.outcome, crate::report::Outcome::Pass);
    assert_eq!(maximum.limited_by, ["target.accepted"]);
    assert_eq!(maximum.probes.len() as u64, maximum.runs);
    let repeats: usize = maximum.cases.iter().map(|case| case.repeats.len()).sum();
    assert_eq!(repeats as u64, maximum.runs, "nothing was discarded here");
    assert!(maximum.cases.is_sorted_by_key(|case| case.parameters.rate));
    assert_eq!(maximum.generator_per_s.map(|rate| rate <= CEILING), Some(true));
}

#[test]
fn a_queue_that_outruns_the_generator_has_no_known_maximum() {
    let report = search_of(Nanos::from_micros(20));
    assert_eq!(only(&report).outcome, MaximumOutcome::GeneratorLimited);
    assert_eq!((only(&report).max_per_s, only(&report).high_per_s), (None, None));
    assert_eq!(report.cases[0].verdict.reason_codes, ["generator_is_the_limit"]);
    assert_eq!(report.verdict.exit, ExitOutcome::Invalid);
}

/// Beside the queue, the generator is late above `most` in as many tries of each run as `late`.
fn beside_the_queue(
    most: f64,
    late: usize,
) -> impl FnMut(&PlannedRepeat, &Interrupt) -> Result<Measurement, RepeatError> {
    let mut tries = std::collections::BTreeMap::new();
    move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
        let tried = tries.entry(repeat.repeat).or_insert(0);
        *tried += 1;
        let beyond = repeat.parameters.queue != "noop" && repeat.parameters.offered_per_second() > most;
        if beyond && *tried <= late {
            return Ok(crate::measure::fixture::healthy(1_000).with_unsent_generator(500));
        }
        simulated(repeat, interrupt)
    }
}

/// The second row: one try of three is valid, which makes no answer. A search in which something held never says that
/// nothing does.
#[test]
fn a_generator_that_is_late_beside_the_queue_is_the_limit() {
    for (late, retries) in [(1, 0), (2, 2)] {
        let text = scenario(Nanos::from_micros(500));
        let plan = plan(&text.replace("invalid_retries = 0", &format!("invalid_retries = {retries}")));
        let mut driver = ScriptedDriver::new(beside_the_queue(1_200.0, late));
        let (report, _) = searched(&plan, &mut driver, None, &Interrupt::new());
        let maximum = only(&report);
        assert_eq!(maximum.outcome, MaximumOutcome::GeneratorLimited, "{late}: {:?}", maximum.probes);
        let low = maximum.low_per_s.unwrap();
        assert!((1_100.0..=1_200.0).contains(&low), "{late}: {low}");
        assert_eq!(report.cases[0].verdict.reason_codes, ["generator_is_the_limit"], "{late}");
        assert!(maximum.runs <= 20 && maximum.generator_per_s.is_some_and(|alone| alone > 5_000.0), "{late}");
    }
}

#[test]
fn a_maximum_below_the_targets_throughput_fails() {
    let report = search_of(Nanos::from_millis(20));
    assert_eq!(report.verdict.exit, ExitOutcome::Failed, "{:?}", report.verdict);
    assert_eq!(report.cases[0].verdict.reason_codes[0], "maximum_below_target");
    let report = search_of(Nanos::from_millis(900));
    assert_eq!(only(&report).outcome, MaximumOutcome::NothingHolds);
    assert_eq!(report.cases[0].verdict.reason_codes[0], "nothing_holds");
    assert_eq!(report.verdict.exit, ExitOutcome::Failed);
}

#[test]
fn a_machine_that_is_disturbed_now_and_then_bounds_nothing() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let undisturbed = searched(&plan, &mut ScriptedDriver::new(simulated), None, &Interrupt::new()).0;
    let mut number = 0;
    let mut disturbed = ScriptedDriver::new(move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
        number += 1;
        let mut measurement = simulated(repeat, interrupt)?;
        // Every third run: time is stolen, whatever the rate.
        measurement.machine.steal_share = (number % 3 == 0).then_some(0.2);
        Ok(measurement)
    });
    let (report, _) = searched(&plan, &mut disturbed, None, &Interrupt::new());
    let (found, known) = (only(&report), only(&undisturbed));
    assert_eq!(found.outcome, MaximumOutcome::Found, "{:?}", report.cases[0].verdict.reasons);
    assert_eq!(found.generator_per_s, known.generator_per_s);
    assert!((found.max_per_s.unwrap() / known.max_per_s.unwrap() - 1.0).abs() < 0.03);
    assert!(found.probes.iter().any(|probe| probe.outcome == crate::report::Outcome::Invalid), "some were disturbed");
}

/// Round trips of a cache line in nanoseconds, longer than any machine's: a search waits for near CPUs on the real one.
const NEAR_NS: u64 = 1_000_000;
const FAR_NS: u64 = 8_000_000;

/// A server on a machine whose CPUs are apart in the runs of these numbers; it then takes four times as long for a log.
fn moving(
    is_far: impl Fn(usize) -> bool,
) -> impl FnMut(&PlannedRepeat, &Interrupt) -> Result<Measurement, RepeatError> {
    let mut number = 0;
    move |repeat, interrupt| {
        let mut repeat = repeat.clone();
        let (before_ns, after_ns) = if is_far(number) { (NEAR_NS, FAR_NS) } else { (NEAR_NS, NEAR_NS) };
        repeat.parameters.batch_delay.0 *= if is_far(number) { 4 } else { 1 };
        number += 1;
        let mut measurement = simulated(&repeat, interrupt)?;
        measurement.machine.core_to_core = Some(CoreToCore { before_ns, after_ns });
        Ok(measurement)
    }
}

#[test]
fn runs_with_the_cpus_apart_do_not_count() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let unmoved = searched(&plan, &mut ScriptedDriver::new(simulated), None, &Interrupt::new()).0;
    let known = only(&unmoved).max_per_s.unwrap();
    for (what, is_far, most_apart) in [
        ("now and then", (|number| number % 3 == 0) as fn(usize) -> bool, 6),
        ("for a while", |number| (6..12).contains(&number), 6),
        ("at first, the runs of the generator included", |number| number < 12, 12),
    ] {
        let (report, _) = searched(&plan, &mut ScriptedDriver::new(moving(is_far)), None, &Interrupt::new());
        let maximum = only(&report);
        assert_eq!(maximum.outcome, MaximumOutcome::Found, "{what}: {:?}", report.cases[0].verdict.reasons);
        assert!((maximum.max_per_s.unwrap() / known - 1.0).abs() < 0.03, "{what}: {:?}", maximum.max_per_s);
        assert_eq!(maximum.core_to_core_ns, Some(NEAR_NS), "{what}");
        let aside = || maximum.cases.iter().flat_map(|case| &case.set_aside);
        assert!((1..=most_apart).contains(&aside().count()), "{what}: {} runs", aside().count());
        assert!(aside().all(|aside| aside.reason_codes == ["cpus_apart"]), "{what}");
        let invalid = maximum.probes.iter().filter(|probe| probe.outcome == crate::report::Outcome::Invalid).count();
        assert_eq!(invalid, aside().count(), "{what}");
    }
}

#[test]
fn where_the_cpus_are_always_apart_that_is_the_machine() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let far = searched(&plan, &mut ScriptedDriver::new(moving(|_| true)), None, &Interrupt::new()).0;
    let slow = slowed(&plan, 4.0);
    assert_eq!(only(&far).outcome, MaximumOutcome::Found);
    assert_eq!(only(&far).core_to_core_ns, Some(FAR_NS));
    assert!((only(&far).max_per_s.unwrap() / only(&slow).max_per_s.unwrap() - 1.0).abs() < 0.03);
}

#[test]
fn cpus_that_come_near_during_the_curve_take_nothing_back() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let with_curve = |driver: &mut ScriptedDriver| {
        let interrupt = Interrupt::new();
        let (gauge, journal) = (&mut || None, None);
        let mut stage = Stage { plan: &plan, driver, gauge, observer: &(), journal, interrupt: &interrupt };
        conduct(&plan, &about(), SearchSettings::default(), &mut Live::new(&mut stage), &()).0
    };
    let mut always = ScriptedDriver::new(moving(|_| true));
    let far = with_curve(&mut always);
    let before_the_curve = always.asked().len() - 5;
    let near_at_last = with_curve(&mut ScriptedDriver::new(moving(move |number| number < before_the_curve)));
    for report in [&far, &near_at_last] {
        let maximum = only(report);
        assert_eq!((maximum.outcome, maximum.core_to_core_ns), (MaximumOutcome::Found, Some(FAR_NS)));
        assert_eq!(maximum.max_per_s, only(&far).max_per_s);
        assert!(maximum.cases.iter().all(|case| case.set_aside.is_empty()), "{:?}", maximum.probes);
    }
}

#[test]
fn cpus_that_stay_apart_end_the_search() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let (report, _) = searched(&plan, &mut ScriptedDriver::new(moving(|number| number > 0)), None, &Interrupt::new());
    let maximum = only(&report);
    assert_eq!((maximum.outcome, maximum.max_per_s), (MaximumOutcome::Unknown, None));
    assert_eq!(report.cases[0].verdict.reason_codes[0], "maximum_unknown");
    assert_eq!(report.verdict.exit, ExitOutcome::Invalid);
    assert_eq!(maximum.runs, 21, "as many as may count, and one more");
}

#[test]
fn a_generator_that_is_never_in_time_leaves_nothing_known() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let late =
        |_: &PlannedRepeat, _: &Interrupt| Ok(crate::measure::fixture::healthy(1_000).with_unsent_generator(500));
    let (report, _) = searched(&plan, &mut ScriptedDriver::new(late), None, &Interrupt::new());
    assert_eq!((only(&report).outcome, only(&report).runs), (MaximumOutcome::Unknown, 0));
    assert_eq!(report.verdict.exit, ExitOutcome::Invalid);
}

#[test]
fn a_search_that_was_stopped_goes_on_to_the_same_result() {
    let plan = plan(&scenario(Nanos::from_micros(700)));
    let whole = searched(&plan, &mut ScriptedDriver::new(simulated), None, &Interrupt::new()).0;
    let place = tempfile::tempdir().unwrap();
    for stop in [1_usize, 3, 6] {
        let path = place.path().join(format!("{stop}.journal"));
        let interrupt = Interrupt::new();
        let raised = interrupt.clone();
        let mut left = stop;
        let mut stopping = ScriptedDriver::new(move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
            left -= 1;
            if left == 0 {
                raised.raise();
            }
            simulated(repeat, interrupt)
        });
        let mut journal = Journal::create(&path, "2026-01-02T03:04:05Z", serde_json::Value::Null).unwrap();
        let (partial, ending) = searched(&plan, &mut stopping, Some(&mut journal), &interrupt);
        drop(journal);
        assert!(matches!(ending, Ending::Interrupted) && partial.interrupted, "{stop}");
        assert_eq!(partial.verdict.exit, ExitOutcome::Interrupted);

        // What the journal has is shown as far as it goes.
        let contents = Journal::read(&path).unwrap();
        assert_eq!(contents.records.len(), stop);
        let mut replayed = Replayed::new(contents.records, &contents.gauges);
        let (shown, _) = conduct(&plan, &about(), settings_of(&whole), &mut replayed, &());
        assert_eq!((replayed.left(), shown.maxima[0].runs), (0, partial.maxima[0].runs), "{stop}");

        let (mut journal, _) = Journal::reopen(&path).unwrap();
        journal.go_on("2026-01-03T03:04:05Z").unwrap();
        let mut rest = ScriptedDriver::new(simulated);
        let (resumed, ending) = searched(&plan, &mut rest, Some(&mut journal), &Interrupt::new());
        assert!(matches!(ending, Ending::Complete));
        assert_eq!(result(&resumed), result(&whole), "{stop}");
        assert!(rest.asked().iter().all(|repeat| repeat.repeat as usize >= stop), "nothing was run twice");
    }
}

/// What a search found, without what differs between processes, such as their memory.
fn result(report: &Report) -> String {
    let Maximum { outcome, max_per_s, low_per_s, high_per_s, probes, cases, .. } = only(report);
    let ledgers: Vec<_> = cases.iter().map(|case| case.summary.as_ref().map(|summary| &summary.ledger)).collect();
    format!(
        "{outcome:?} {max_per_s:?} {low_per_s:?} {high_per_s:?} {probes:?} {ledgers:?} {}",
        report.cases[0].id.quoted()
    )
}

fn settings_of(report: &Report) -> SearchSettings {
    assert_eq!(report.maxima[0].precision, 0.03);
    SearchSettings { precision: crate::units::Ratio::from_percent(3), most_runs: 20, curve: false }
}

#[test]
fn cases_that_share_a_load_share_the_generators_ceiling() {
    let text = scenario(Nanos::from_micros(500)).replace("maxsize = 2", "maxsize = [2, 3]");
    let plan = plan(&text);
    let mut driver = ScriptedDriver::new(simulated);
    let (report, _) = searched(&plan, &mut driver, None, &Interrupt::new());
    let of_noop: Vec<usize> =
        driver.asked().iter().filter(|repeat| repeat.parameters.queue == "noop").map(|repeat| repeat.case).collect();
    assert!(!of_noop.is_empty() && of_noop.iter().all(|case| *case == 0), "{of_noop:?}");
    assert_eq!(report.maxima[0].generator_per_s, report.maxima[1].generator_per_s);
}

/// The search of a server that takes a multiple of the time that the plan says.
fn slowed(plan: &Plan, times: f64) -> Report {
    let slow = move |repeat: &PlannedRepeat, interrupt: &Interrupt| {
        let mut repeat = repeat.clone();
        repeat.parameters.batch_delay = Nanos((repeat.parameters.batch_delay.0 as f64 * times) as u64);
        simulated(&repeat, interrupt)
    };
    searched(plan, &mut ScriptedDriver::new(slow), None, &Interrupt::new()).0
}

#[test]
fn a_maximum_that_fell_is_told_by_the_intervals() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let base = slowed(&plan, 1.0);
    for (times, max_fall, outcome, exit) in [
        (1.0, 0.1, GateOutcome::Pass, ExitOutcome::Pass),
        (1.12, 0.1, GateOutcome::Inconclusive, ExitOutcome::Invalid),
        (1.5, 0.1, GateOutcome::Regressed, ExitOutcome::Regressed),
        (1.5, 0.5, GateOutcome::Pass, ExitOutcome::Pass),
        (0.5, 0.1, GateOutcome::Pass, ExitOutcome::Pass),
    ] {
        let mut report = slowed(&plan, times);
        let reference = Reference::Saved { file: "base.json".into(), digest: "digest".into(), report: &base };
        let settings = Settings { min_effect: max_fall, ..Settings::of(&base) };
        let gating = Gating { reference, settings, confirm: 1, judge: &compare::gate };
        judge_search(&mut report, &gating, &Ending::Complete);
        let gate = report.gate.as_ref().unwrap();
        assert_eq!((gate.outcome, gate.rounds.len()), (outcome, 1), "{times} {max_fall}: {:?}", gate.reason);
        assert_eq!(report.verdict.exit, exit, "{times} {max_fall}");
    }
}

#[test]
fn a_baseline_of_a_search_is_checked_before_the_first_run() {
    let plan = plan(&scenario(Nanos::from_micros(500)));
    let settings = SearchSettings::default();
    let check = |report: Report| {
        let baseline = Baseline { path: "base.json".into(), digest: "digest".into(), report };
        let expected = expected(&plan, &about(), settings);
        baseline::check("base.json", &baseline, &expected, &Settings::default()).map_err(|error| error.to_string())
    };
    let base = slowed(&plan, 1.0);
    assert_eq!(check(base.clone()), Ok(()));
    assert!(check(Report { maxima: Vec::new(), ..base.clone() }).unwrap_err().contains("it is of a run"));
    let mut other = base;
    other.cases[0].parameters.maxsize = 77;
    assert!(check(other).is_err(), "another case");
}
