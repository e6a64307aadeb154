use super::*;
use crate::log_queue::Level;
use crate::measure::levels::Open;
use crate::measure::{CpuShares, Recovery, Trend};
use crate::run::Fault;
use crate::scenario::{CountName, Counted, LatencyName, Statistic, Strategy};
use crate::units::Quantile;
use crate::untrusted::Untrusted;
use std::collections::BTreeSet;

const DOCS: &str = include_str!("../../../docs/REASONS.md");
const SCRIPT: &str = include_str!("../../../.ci/blames_machine.py");

const LATE: Late = Late::Sent { lateness: JudgedLateness { statistic: "p99", ns: 20_000_000 }, most_ns: 10_000_000 };
const UNSENT: Late = Late::Unsent { unsent: 11, scheduled: 1_000, most_ppm: 10_000 };
const QUIET: MachineState = MachineState {
    is_of_allowed: false,
    stolen_share: Some(0.0),
    others_share: None,
    process_share: None,
    pauses: None,
    switches: None,
    waited_ns: None,
};

/// A reason, the word of its code, and its sentence.
type Row = (Reason, &'static str, &'static str);

/// Reasons of a repeat that was late.
fn of_lateness() -> Vec<Row> {
    let control = Late::Sent { lateness: JudgedLateness { statistic: "largest", ns: 2_600_000 }, most_ns: 2_500_000 };
    let unsent = Late::Unsent { unsent: 1_234, scheduled: 10_000, most_ppm: 2_500 };
    vec![
        (
            Reason::GeneratorLate(UNSENT),
            "generator_late",
            "the generator was late: 11 of 1,000 logs were not sent, more than 1%",
        ),
        (
            Reason::GeneratorLate(LATE),
            "generator_late",
            "the generator was late: its p99 lateness is 20.0 ms, more than 10 ms",
        ),
        (
            Unmeasured::Unreadable(EncodingError::NotBase64).into(),
            "lateness_unreadable",
            "the generator's lateness cannot be read: histogram is not base64",
        ),
        (Unmeasured::Empty.into(), "lateness_not_measured", "the generator's lateness was not measured"),
        (
            Reason::NoControl,
            "no_control",
            "the generator had no control, so that nothing tells its lateness from the queue's",
        ),
        (
            Reason::ControlTooShort,
            "control_too_short",
            "no control was as long as the window, so that nothing tells its lateness from the queue's",
        ),
        (
            Reason::ControlEmpty { when: When::After },
            "control_empty",
            "the generator sent nothing in its control after it",
        ),
        (
            Reason::ControlLate { when: When::Before, late: vec![unsent, control] },
            "control_late",
            "the generator was late in the control before it too, without the queue: 1,234 of 10,000 logs were not sent, \
             more than 0.25%, its largest lateness is 2.60 ms, more than 2.5 ms",
        ),
    ]
}

/// Other reasons of a repeat.
fn of_repeats() -> Vec<Row> {
    vec![
        (Reason::NoSamples, "no_samples", "no samples: no log was sent"),
        (
            Reason::StolenCpu { share: 0.08 },
            "stolen_cpu",
            "the machine was busy: 8.00% of its CPU time was stolen, more than 5%",
        ),
        (
            Reason::Paused { ns: 3_000_000_000 },
            "paused",
            "the runner, or the repeat, was stopped for 3.00 s and went on",
        ),
        (
            Reason::NotSteady(Unsettled {
                warmup: false,
                length_ns: 10_000_000_000,
                trend: Trend { mean: Some(0.5), p99: Some(-0.25), memory: None },
            }),
            "not_steady",
            "not steady: in the later half of the window, 10.0 s in all, the mean response rose by 50.0%, the p99 response \
             fell by 25.0%, the memory is unknown",
        ),
        (Reason::Recorded { code: ReasonCode::Recorded, text: "steal 7 %".into() }, "recorded", "steal 7 %"),
        (Reason::Recorded { code: ReasonCode::Paused, text: "it stood still".into() }, "paused", "it stood still"),
    ]
}

fn of_machines() -> Vec<Row> {
    let all = MachineState {
        is_of_allowed: true,
        stolen_share: Some(0.08),
        others_share: Some(0.6),
        process_share: Some(0.3),
        pauses: Some(Pauses { lost_ns: 40_000_000, longest_ns: 20_000_000 }),
        switches: Some(Switches::OfAll(1_345)),
        waited_ns: Some(5_000_000),
    };
    vec![
        (
            Reason::MachineBusy(all),
            "machine_busy",
            "the machine was busy during the window: 8.00% of the CPU time that this process may use was stolen, 60.0% went \
             to other processes, 30.0% to this one, a thread that only watches the clock lost 40.0 ms and woke up to 20.0 ms \
             late, its threads were switched out 1,345 times, the load's threads waited for a CPU for 5.00 ms in all",
        ),
        (
            Reason::MachineMayExplain(MachineState::default()),
            "machine_may_explain",
            "the machine was busy during the window, and that may be all there is to it: nothing is known of it",
        ),
        (
            Reason::MachineBusyInDrain(MachineState { others_share: Some(0.5), ..MachineState::default() }),
            "machine_busy_in_drain",
            "the machine was busy during the drain, which ended before all logs had arrived: 50.0% went to other processes",
        ),
        (
            Reason::MachineBusyInControl { when: When::After, machine: QUIET },
            "machine_busy_in_control",
            "the machine was busy during the control after it: 0% of its CPU time was stolen",
        ),
    ]
}

fn of_cases() -> Vec<Row> {
    let first = Starvation {
        unsent: None,
        lateness: JudgedLateness { statistic: "p99", ns: 20_000_000 },
        controls: vec![(When::Before, JudgedLateness { statistic: "p90", ns: 80_000 })],
        machine: QUIET,
    };
    let second = Starvation { unsent: Some(UNSENT), ..first.clone() };
    let starves = |first, repeats| Reason::StarvesProducers { first: Box::new(first), repeats };
    vec![
        (
            Reason::QueueReplaced { queue: "q".into(), versions: vec![("1".into(), 2), ("2".into(), 1)] },
            "queue_replaced",
            "replaced: the queue `q` was of version 1 in 2 repeats, of version 2 in 1 repeat",
        ),
        (
            Reason::NoValidRepeat { why: Box::new(Reason::NoSamples) },
            "no_valid_repeat",
            "no valid repeat: no samples: no log was sent",
        ),
        (Reason::NothingRun, "nothing_run", "no valid repeat: none was run"),
        (
            starves(first, 1),
            "starves_producers",
            "starves its producers: the p99 lateness is 20.0 ms; without the queue (control) before it, the p90 lateness is \
             80.0 µs; the machine: 0% of its CPU time was stolen",
        ),
        (
            starves(second, 3),
            "starves_producers",
            "starves its producers: 11 of 1,000 logs were not sent, more than 1%; the p99 lateness is 20.0 ms; without the \
             queue (control) before it, the p90 lateness is 80.0 µs; the machine: 0% of its CPU time was stolen; the same in \
             3 repeats in all",
        ),
        (
            Reason::Outnumbered { invalid: 4, repeats: 1_007 },
            "outnumbered",
            "4 of 1,007 repeats were invalid: the few others are a selection",
        ),
        (Reason::NoCase, "no_case", "no case was run"),
        (Reason::EmptyPartition, "empty_partition", "empty: this partition has no case"),
        (Reason::Partial { missing: 3, cases: 1_200 }, "partial", "partial: 3 of 1,200 cases of the plan are missing"),
        (
            Reason::TargetNotExercised { scenario: "one".into() },
            "target_not_exercised",
            "target not exercised: no case of one offers the target's throughput",
        ),
        (Reason::Interrupted(Unfinished::Plan), "interrupted", "interrupted: the plan was not finished"),
        (
            Reason::Interrupted(Unfinished::Confirmation),
            "interrupted",
            "interrupted: the run ended before what looked regressed was confirmed",
        ),
    ]
}

const ACCEPTED: Observed = Observed::Accepted { accepted: 120, offered: 1_000 };

fn of_failed_checks() -> Vec<Row> {
    let rows = [
        (Observed::Latency(20_000.0), "`x` does not hold: it is 20.0 µs"),
        (Observed::Count(1_234), "`x` does not hold: it is 1,234"),
        (Observed::Share(0.5), "`x` does not hold: it is 50.0%"),
        (Observed::Rate(10_000.0), "`x` does not hold: it is 10.0k/s"),
        (ACCEPTED, "`x` does not hold: it is 12.0% (120 of 1,000)"),
    ];
    let failed = |observed| Reason::CheckFailed { expression: "x".into(), why: Shortfall::Is(observed) };
    rows.into_iter().map(|(observed, sentence)| (failed(observed), "check_failed", sentence)).collect()
}

fn of_undecided_checks() -> Vec<Row> {
    let p99 = Statistic::Quantile(Quantile::P99);
    let open = |why| Reason::CheckUndecided { expression: "x".into(), why };
    let ms = Observed::AtLeast(1e6);
    let rows = [
        (open(Shortfall::NoValidRepeat), "`x` cannot be told: no valid repeat"),
        (open(Shortfall::NothingOffered), "`x` cannot be told: nothing was offered"),
        (open(Shortfall::NotObserved(LatencyName::Blocked)), "`x` cannot be told: blocked could not be observed"),
        (
            open(Shortfall::TooFewSamples { count: 1_999, statistic: p99 }),
            "`x` cannot be told: too few samples: 1,999 (p99 needs 10 above it)",
        ),
        (
            open(Shortfall::TooFewSamples { count: 9, statistic: Statistic::Max }),
            "`x` cannot be told: too few samples: 9 (10 are needed)",
        ),
        (
            open(Shortfall::RecoveryUnknown),
            "`x` cannot be told: the recovery could not be observed: fewer than 20 logs before the spike",
        ),
        (
            open(Shortfall::NotRecovered { observed: ms }),
            "`x` cannot be told: it is at least 1.00 ms, when the window ended",
        ),
        (
            open(Shortfall::ShareOfNothing(CountName::SampledOut.into())),
            "`x` cannot be told: sampled_out is 0: nothing to take a share of",
        ),
        (open(Shortfall::NothingOfLevel(Level::Error)), "`x` cannot be told: no log of level error was sent"),
        (
            open(Shortfall::UnknownByLevel(Counted { name: CountName::Dropped, level: Some(Level::Warn) })),
            "`x` cannot be told: dropped(warn) is not known: some logs were dropped and some lost, and nobody knows which",
        ),
        (
            open(Shortfall::Censored { observed: ms, censored: 1_000 }),
            "`x` cannot be told: it is at least 1.00 ms, and 1,000 logs that were never sent leave it undecided",
        ),
        (
            open(Shortfall::GeneratorsLateness { observed: Observed::Latency(1e6), ideal_ns: Some(1e3) }),
            "`x` cannot be told: it is 1.00 ms, but 1.00 µs without the generator's own lateness",
        ),
        (
            open(Shortfall::GeneratorsLateness { observed: ms, ideal_ns: None }),
            "`x` cannot be told: it is at least 1.00 ms, but unknown without the generator's own lateness",
        ),
        (
            open(Shortfall::Unsent { observed: ACCEPTED, unsent: 1_006 }),
            "`x` cannot be told: it is 12.0% (120 of 1,000), and the generator did not send 1,006",
        ),
    ];
    rows.into_iter().map(|(reason, sentence)| (reason, "check_undecided", sentence)).collect()
}

fn contradictions<const N: usize>(rows: [(Contradiction, &'static str, &'static str); N]) -> Vec<Row> {
    rows.into_iter().map(|(fault, code, sentence)| (Reason::Contradiction(fault), code, sentence)).collect()
}

fn of_ledgers() -> Vec<Row> {
    use Contradiction as C;
    let unequal = C::Unequal { what: "enqueued".into(), value: 1_000, other: "delivered + lost", expected: 1_001 };
    let rows = [
        (
            C::Uncountable { name: "dropped", value: u64::MAX },
            "ledger_open",
            "the ledger does not close: dropped = 18446744073709551615 is more than can be counted",
        ),
        (unequal, "ledger_open", "the ledger does not close: enqueued = 1000, delivered + lost = 1001"),
        (
            C::Exceeds { part: "enqueued_in_window", value: 101, whole: "enqueued", bound: 100 },
            "ledger_open",
            "the ledger does not close: enqueued_in_window = 101 is more than enqueued = 100",
        ),
        (
            C::Deliveries { timed: 97, delivered: 100, deliveries: 105 },
            "ledger_open",
            "the ledger does not close: count(delivery) = 97, delivered = 100 of 105 deliveries",
        ),
        (
            C::ControlParts { name: "control", scheduled: 7, parts: [1, 2, 3] },
            "control_open",
            "the control does not close: scheduled = 7, attempted + unsent + unsent_generator = [1, 2, 3]",
        ),
        (
            C::ControlTimes { name: "control_after", timed: 7, attempted: 8 },
            "control_open",
            "the control_after does not close: count(lateness) = 7, attempted = 8",
        ),
        (
            C::AnotherLoad { scheduled: 100, due: 1_000 },
            "ledger_open",
            "the ledger does not close: scheduled = 100, 1000 logs were asked for",
        ),
        (
            C::SampledOut { count: 5, strategy: Strategy::Block },
            "ledger_open",
            "sampled_out = 5 under `block`, which samples nothing",
        ),
        (
            C::Evicted { count: 5, strategy: Strategy::Drop },
            "ledger_open",
            "evicted = 5 under `drop`, which evicts nothing",
        ),
        (
            C::AnotherRate { name: "offered_per_s", rate: 7.5, count: 10, seconds: 2.0, expected: 5.0 },
            "ledger_open",
            "offered_per_s = 7.5, but 10 logs in 2 s are 5",
        ),
    ];
    contradictions(rows)
}

fn of_stages() -> Vec<Row> {
    use Contradiction as C;
    let rows = [
        (
            C::StageOpen { stage: 2, what: "scheduled", value: 7, other: "attempted", expected: 8 },
            "ledger_open",
            "stage 2 does not close: scheduled = 7, attempted = 8",
        ),
        (
            C::TooManyStages { stages: 65, most: 64 },
            "number_impossible",
            "65 stages were measured; at most 64 are allowed",
        ),
        (
            C::ImpossibleRecovery {
                recovery: Recovery {
                    recovered_ns: None,
                    watched_ns: 1,
                    response_ns: Some(2),
                    delivery_ns: Some(3),
                    response_bound_ns: 4,
                    delivery_bound_ns: 5,
                },
            },
            "number_impossible",
            "recovery = Recovery { recovered_ns: None, watched_ns: 1, response_ns: Some(2), delivery_ns: Some(3), \
             response_bound_ns: 4, delivery_bound_ns: 5 } is impossible",
        ),
        (C::AnotherStages { measured: 1, asked: 3 }, "ledger_open", "1 stages were measured, 3 were asked for"),
        (C::AnotherLevels { asked: true }, "ledger_open", "the ledger of each level is missing"),
        (C::AnotherLevels { asked: false }, "ledger_open", "levels were told apart, and there are none"),
        (C::LevelsOpen(Open::Unlike), "ledger_open", "the levels are not trace, debug, info, warn, error"),
        (
            C::LevelsOpen(Open::Level {
                level: Level::Warn,
                what: "attempted",
                value: 7,
                other: "enqueued + dropped + sampled_out",
                expected: 8,
            }),
            "ledger_open",
            "level warn does not close: attempted = 7, enqueued + dropped + sampled_out = 8",
        ),
        (
            C::LevelsOpen(Open::Sum { what: CountName::Dropped, value: 7, expected: 8 }),
            "ledger_open",
            "dropped of all levels = 7, that of the window = 8",
        ),
        (
            C::LevelsOpen(Open::Missing { level: Level::Warn }),
            "ledger_open",
            "level warn: enqueued and dropped are null only together, and lost with them",
        ),
        (C::AnotherTrace { asked: true }, "ledger_open", "the trace that was asked for was not replayed"),
        (C::AnotherTrace { asked: false }, "ledger_open", "a trace was replayed, and none was asked for"),
    ];
    contradictions(rows)
}

fn of_calls() -> Vec<Row> {
    use Contradiction as C;
    let rows = [
        (
            C::DroppedUncounted { dropped: 40, counted: Some(39) },
            "drops_uncounted",
            "by its counter, dropped = 40 is more than queue_counters.dropped = 39",
        ),
        (
            C::DroppedUncounted { dropped: 40, counted: None },
            "drops_uncounted",
            "by its counter, dropped = 40 is more than queue_counters.dropped = null",
        ),
        (
            C::DroppedOrLost { dropped: 30, silent: 10 },
            "drops_uncounted",
            "by delivery, nothing tells dropped = 30 from lost.silent = 10",
        ),
        (
            C::EvictedUncounted { evicted: 40, counted: None },
            "drops_uncounted",
            "by its counter, evicted = 40 is more than queue_counters.evicted = null",
        ),
        (
            C::EvictedOrLost { evicted: 30, silent: 10 },
            "drops_uncounted",
            "by delivery, nothing tells evicted = 30 from lost.silent = 10",
        ),
        (
            C::SumTooShort { name: "response", sum_ns: 9, service_ns: 10 },
            "waits_too_short",
            "sum(response) = 9 is below the time that the calls took, 10",
        ),
        (
            C::TooFewLong { name: "response_ideal", ns: 9_000 },
            "waits_too_short",
            "response_ideal is below enqueue: more calls than logs took 9000 ns or longer",
        ),
        (
            C::SeriesTooLong { points: 1_001, most: 1_000 },
            "series_too_long",
            "series has 1001 points; at most 1000 are allowed",
        ),
    ];
    contradictions(rows)
}

fn of_searches() -> Vec<Row> {
    use SearchReason as S;
    let bounds = MaximumBounds { low: 9_000.0, high: 9_400.0, target: 10_000.0 };
    vec![
        (
            Reason::Search(S::GeneratorIsTheLimit { per_second: 1.2e6 }),
            "generator_is_the_limit",
            "the generator is the limit: all holds up to 1.20M/s, and it cannot offer more in time",
        ),
        (
            Reason::Search(S::MaximumBelowTarget(bounds)),
            "maximum_below_target",
            "the highest rate that holds is between 9.00k/s and 9.40k/s, and the target asks for 10.0k/s",
        ),
        (
            Reason::Search(S::MaximumUndecided(MaximumBounds { high: 11_000.0, ..bounds })),
            "maximum_undecided",
            "whether the target's throughput holds cannot be told: the highest rate that holds is between 9.00k/s and 11.0k/s, \
             and the target asks for 10.0k/s",
        ),
        (
            Reason::Search(S::NothingHolds { per_second: 10.0 }),
            "nothing_holds",
            "nothing holds: not even 10.0/s, the lowest rate that was tried",
        ),
        (
            Reason::Search(S::MaximumUnknown { runs: 7, untold: 5 }),
            "maximum_unknown",
            "the highest rate that holds was not found: 5 of 7 runs could not tell",
        ),
        (
            Reason::Search(S::CpusApart { ns: 390, nearest_ns: 47 }),
            "cpus_apart",
            "the CPUs were farther apart than in other runs: a cache line took 390 ns to another CPU and back instead of 47.0 ns",
        ),
    ]
}

fn of_surroundings() -> Vec<Row> {
    use Contradiction as C;
    let allowed = CpuShares { cpus: 0, steal_share: 0.0, process_share: 0.5, others_share: 0.5 };
    let whose = || "control.".to_owned();
    let rows = [
        (
            C::Unreadable { name: "delivery".into(), error: EncodingError::TooLong(7) },
            "histogram_unreadable",
            "delivery: histogram text is 7 bytes long; at most ",
        ),
        (
            C::Impossible { name: "control.steal_share".into(), value: 1.5 },
            "number_impossible",
            "control.steal_share = 1.5 is impossible",
        ),
        (
            C::ImpossibleShares { whose: whose(), allowed },
            "number_impossible",
            "control.allowed = CpuShares { cpus: 0, steal_share: 0.0, process_share: 0.5, others_share: 0.5 } is impossible",
        ),
        (C::ImpossibleTasks { tasks: 1 }, "number_impossible", "fairness.tasks = 1 is impossible"),
        (
            C::ImpossibleJain { jain: 0.2, tasks: 4 },
            "number_impossible",
            "fairness.jain = 0.2 is impossible for 4 tasks",
        ),
        (
            C::ImpossibleLeastShare { least: 1.5, most: 0.8 },
            "number_impossible",
            "fairness.least_share = 1.5 is impossible where 0.8 of all logs were accepted",
        ),
        (
            C::StolenUnseen { whose: String::new(), sum_ns: 60 },
            "number_impossible",
            "stolen_ns is more than the sum of jitter, 60 ns",
        ),
        (
            C::NoWhole { name: "queue_cpus" },
            "number_impossible",
            "threads.queue_cpus: shares of a whole are expected, by CPU, ascending",
        ),
        (
            C::OneMissing { whose: whose(), one: "jitter", other: "stolen_ns" },
            "incomplete",
            "control.jitter and stolen_ns are null only together",
        ),
        (C::NoFirstControl, "incomplete", "control_after follows from a control, and there is none"),
        (C::NotPooled(EncodingError::TooMany), "not_pooled", "the repeats cannot be pooled: more than "),
    ];
    contradictions(rows)
}

/// Every way in which a repeat can break, and the code for it.
fn of_failures() -> Vec<(Fault, &'static str)> {
    let message = || Untrusted::from("boom");
    vec![
        (Fault::NotBuilt { message: message() }, "queue_not_built"),
        (Fault::Panicked { message: message() }, "queue_panicked"),
        (Fault::Hung { message: message() }, "queue_hung"),
        (Fault::SinkFailed { message: message() }, "sink_failed"),
        (Fault::BadRequest { message: message() }, "request_refused"),
        (Fault::Internal { message: message() }, "driver_failed"),
        (Fault::TimedOut { deadline_ns: 5 }, "timed_out"),
        (Fault::MemoryExceeded { limit_bytes: 1 << 30, seen_bytes: (1 << 30) + 4_096 }, "memory_exceeded"),
        (Fault::Exited { code: Some(3), signal: None, after_result: false }, "child_exited"),
        (Fault::Protocol { problem: message(), excerpt: "".into() }, "protocol_broken"),
        (Fault::LeftBehind { what: message() }, "left_behind"),
        (Fault::Spawn { message: message() }, "not_started"),
        // An interrupt ends the run, and its repeat gets into no report.
        (Fault::Interrupted, "repeat_failed"),
    ]
}

fn failed(fault: &Fault) -> Reason {
    Reason::RepeatFailed { kind: fault.kind().into(), message: fault.sentence() }
}

#[test]
fn every_reason_has_its_sentence_and_its_code() {
    let all = [
        of_lateness(),
        of_repeats(),
        of_machines(),
        of_cases(),
        of_failed_checks(),
        of_undecided_checks(),
        of_ledgers(),
        of_stages(),
        of_calls(),
        of_surroundings(),
        of_searches(),
    ];
    let mut given = BTreeSet::new();
    for (reason, code, sentence) in all.into_iter().flatten() {
        let said = reason.sentence();
        // A row that ends in a space leaves out the rest of the sentence, which depends on the histograms' limits.
        assert!(
            if sentence.ends_with(' ') { said.as_given().starts_with(sentence) } else { said == sentence },
            "{said:?}"
        );
        assert_eq!(reason.code().word(), code, "{said:?}");
        given.insert(reason.code());
    }
    for (fault, code) in of_failures() {
        let reason = failed(&fault);
        assert_eq!(reason.code().word(), code, "{fault:?}");
        assert_eq!(reason.sentence(), format!("{}: {}", fault.kind(), fault.sentence().as_given()));
        given.insert(reason.code());
    }
    let missing: Vec<_> = ReasonCode::ALL.iter().filter(|code| !given.contains(code)).collect();
    assert!(missing.is_empty(), "no reason has the code: {missing:?}");
}

#[test]
fn every_code_is_a_word_of_its_own() {
    let words: BTreeSet<&str> = ReasonCode::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(words.len(), ReasonCode::ALL.len());
    for word in words {
        let is_plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_plain && !word.is_empty() && !word.starts_with('_') && !word.ends_with('_'), "{word}");
    }
}

/// The first cell of each table row that begins with a code span. The codes of a gate are tested where they are.
fn documented() -> Vec<&'static str> {
    let (own, _) = DOCS.split_once("\n## Of a gate\n").unwrap();
    own.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code)).collect()
}

#[test]
fn the_codes_that_are_documented_are_those_that_there_are() {
    let known: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(documented(), known);
}

/// The script that decides in CI whether the machine was at fault reads codes, too.
#[test]
fn the_codes_that_ci_reads_are_codes() {
    let quoted: Vec<&str> = SCRIPT
        .lines()
        .filter_map(|line| line.strip_prefix("    \"")?.strip_suffix("\","))
        .chain(["no_valid_repeat", "outnumbered"])
        .collect();
    assert_eq!(quoted.len(), 13, "{quoted:?}");
    for word in quoted {
        assert!(SCRIPT.contains(&format!("\"{word}\"")), "{word}");
        assert!(ReasonCode::ALL.iter().any(|code| code.word() == word), "{word}");
    }
}
