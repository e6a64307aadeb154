//! The tables that people see, from fixed reports.

use crate::measure::Measurement;
use crate::measure::fixture::{constant, healthy, of};

use crate::render::parts::text::width_of;
use crate::render::{Format, View, case, render, table};
use crate::report::fixture::{case as case_input, report_of};
use crate::report::{CaseInput, ErrorInput, RepeatInput, Report, SetAsideInput};
use crate::run::Objections;
use crate::scenario::Strategy;
use crate::units::{Nanos, Rate};
use crate::verdict::Outcome;

fn with_tasks(mut input: CaseInput, tasks: u32, rate: u32) -> CaseInput {
    input.parameters.concurrency = tasks;
    input.parameters.rate = Rate::of_whole(rate);
    input.id = format!("concurrency={tasks} {}", input.id.as_given()).into();
    input
}

fn blocked() -> Measurement {
    let mut blocked = healthy(10_000).with_unsent(2_000, 2_100_000_000);
    blocked.latency.enqueue = of((0..8_000).map(|n| if n % 4 == 0 { 9_870_000 } else { 431 }));
    blocked.latency.unblocked = Some(constant(6_000, 431));
    blocked.latency.blocked = Some(constant(2_000, 9_870_000));
    blocked.with_lag(30_000).with_control(88_000)
}

fn sampled() -> Measurement {
    let mut sampled = healthy(10_000).dropping(300).enqueue_taking(42_000);
    sampled.ledger.dropped = 100;
    sampled.ledger.sampled_out = 200;
    sampled
}

/// A report with every outcome in one row or two.
pub(super) fn mixed() -> Report {
    let mut late = with_tasks(case_input(Strategy::Block, Vec::new()), 1, 10_000);
    let measurement = healthy(1_000).with_unsent_generator(50);
    late.set_aside.push(SetAsideInput {
        repeat: RepeatInput { repeat: 0, attempt: 0, measurement },
        why: Objections::uncoded(vec!["the generator was late: 50 of 1,000 logs were not sent, more than 1%".into()]),
    });
    let mut broken = with_tasks(case_input(Strategy::Sample, Vec::new()), 100, 100);
    broken.errors.push(ErrorInput {
        repeat: 0,
        attempt: 0,
        kind: "hung".into(),
        message: "no result within its deadline of 42 s".into(),
        stderr_tail: vec!["line one".into(), "worker: \u{1b}[31mpoisoned lock\u{1b}[0m".into()],
    });
    report_of(vec![
        with_tasks(case_input(Strategy::Drop, vec![healthy(10_000), healthy(10_000)]), 10, 1_000),
        with_tasks(case_input(Strategy::Drop, vec![healthy(10_000).dropping(8_800)]), 100, 100),
        with_tasks(case_input(Strategy::Block, vec![blocked()]), 10, 1_000),
        late,
        with_tasks(case_input(Strategy::Sample, vec![sampled()]), 10, 500),
        broken,
    ])
}

fn fits(text: &str, width: usize) {
    for line in text.lines() {
        assert!(width_of(line) <= width, "{} columns: {line}", width_of(line));
    }
}

#[test]
fn what_was_set_aside_is_named_although_the_case_passes() {
    let mut input = case_input(Strategy::Drop, vec![healthy(1_000), healthy(1_000)]);
    let repeat = RepeatInput { repeat: 1, attempt: 0, measurement: healthy(1_000) };
    input.set_aside.push(SetAsideInput { repeat, why: Objections::uncoded(vec!["the machine was busy".into()]) });
    let report = report_of(vec![input]);
    assert_eq!(report.verdict.outcome, Outcome::Pass);
    let in_full = case(&report, report.cases[0].id.as_given(), View::FILE).unwrap();
    let views = [Format::Table, Format::Markdown, Format::Html].map(|format| {
        let bytes = render(&report, format, View::FILE).unwrap();
        (format!("{format:?}"), String::from_utf8(bytes).unwrap())
    });
    for (name, text) in views.into_iter().chain([("case".to_owned(), in_full)]) {
        assert!(text.contains("note: discarded: 1 of 3 repeats: the machine was busy"), "{name}: {text}");
    }
}

#[test]
fn a_hundred_columns() {
    let shown = table(&mixed(), View::FILE);
    fits(&shown, 100);
    insta::assert_snapshot!(shown, @r#"
    queue-load 0.0.0 · 2026-01-02T03:04:05Z
    example (scenarios/example.toml): mean(enqueue) < 100us at 10k/s, accepted >= 99%
    queue builtin · maxsize 1,000 · duration 30s · batch size 10 · batch timeout 1s · sample rate 10% ·
      sink counting · sink delay 0s · payload 4f+64B

    strategy  tasks   rate  offered  accepted   enqueue  enqueue  response  dropped  lost  verdict
                                                   mean      p99       p99
    ────────────────────────────────────────────────────────────────────────────────────────────────
    drop         10   1k/s  10.0k/s      100%   10.0 µs  10.0 µs   20.0 µs        0     0  pass
    drop        100  100/s  10.0k/s    ✗12.0%   10.0 µs  10.0 µs   20.0 µs    8,800     0  ✗ fail
    block        10   1k/s  10.0k/s    ✗80.0%  ✗2.47 ms  9.87 ms   ≥2.10 s        0     0  ✗ fail
    block         1  10k/s  10.0k/s         –         –        –         –        –     –  ? invalid
    sample       10  500/s  5.00k/s    ✗97.0%   42.0 µs  42.0 µs   52.0 µs      100     0  ✗ fail †
    sample      100  100/s  10.0k/s         –         –        –         –        –     –  ! error

    ✗ breaks a limit
    ? cannot be told: too few samples, or spoiled by the generator or the machine
    ! the run broke, or its numbers contradict each other
    ≥ at least: some logs were never sent, and count with their wait so far
    † below target load: the case offers less than the target's throughput
    – no number: nothing measured, or too few samples
    left out for lack of room: enqueue max, sampled out

    ! error: strategy=sample, tasks=100, rate=100/s
        hung: no result within its deadline of 42 s
        stderr: line one
        stderr: worker: �[31mpoisoned lock�[0m
    ✗ fail: strategy=drop, tasks=100, rate=100/s
        `accepted / offered >= 99%` does not hold: it is 12.0% (1,200 of 10,000)
    ✗ fail: strategy=block, tasks=10, rate=1k/s
        `mean(enqueue) < 100us` does not hold: it is 2.47 ms
        `accepted / offered >= 99%` does not hold: it is 80.0% (8,000 of 10,000)
    ✗ fail: strategy=sample, tasks=10, rate=500/s
        `accepted / offered >= 99%` does not hold: it is 97.0% (9,700 of 10,000)
    ? invalid: strategy=block, tasks=1, rate=10k/s
        no valid repeat: the generator was late: 50 of 1,000 logs were not sent, more than 1%
        note: late without a control: 1 of 1 repeats; a queue that starves its producers could not be
          blamed

    Total logs attempted: 48,000
    Successfully enqueued: 38,900
    Dropped: 8,900
    Sampled out: 200
    Avg enqueue latency: 523 µs

    Verdict: error (1 pass, 3 fail, 1 invalid, 1 error)
    "#);
}

#[test]
fn eighty_columns() {
    let shown = table(&mixed(), View::FILE.wide(80));
    fits(&shown, 80);
    insta::assert_snapshot!(shown, @r#"
    queue-load 0.0.0 · 2026-01-02T03:04:05Z
    example (scenarios/example.toml): mean(enqueue) < 100us at 10k/s, accepted >=
      99%
    queue builtin · maxsize 1,000 · duration 30s · batch size 10 ·
      batch timeout 1s · sample rate 10% · sink counting · sink delay 0s ·
      payload 4f+64B

    strategy  tasks   rate  accepted   enqueue  response  dropped  lost  verdict
                                          mean       p99
    ──────────────────────────────────────────────────────────────────────────────
    drop         10   1k/s      100%   10.0 µs   20.0 µs        0     0  pass
    drop        100  100/s    ✗12.0%   10.0 µs   20.0 µs    8,800     0  ✗ fail
    block        10   1k/s    ✗80.0%  ✗2.47 ms   ≥2.10 s        0     0  ✗ fail
    block         1  10k/s         –         –         –        –     –  ? invalid
    sample       10  500/s    ✗97.0%   42.0 µs   52.0 µs      100     0  ✗ fail †
    sample      100  100/s         –         –         –        –     –  ! error

    ✗ breaks a limit
    ? cannot be told: too few samples, or spoiled by the generator or the machine
    ! the run broke, or its numbers contradict each other
    ≥ at least: some logs were never sent, and count with their wait so far
    † below target load: the case offers less than the target's throughput
    – no number: nothing measured, or too few samples
    left out for lack of room: enqueue max, sampled out, offered, enqueue p99

    ! error: strategy=sample, tasks=100, rate=100/s
        hung: no result within its deadline of 42 s
        stderr: line one
        stderr: worker: �[31mpoisoned lock�[0m
    ✗ fail: strategy=drop, tasks=100, rate=100/s
        `accepted / offered >= 99%` does not hold: it is 12.0% (1,200 of 10,000)
    ✗ fail: strategy=block, tasks=10, rate=1k/s
        `mean(enqueue) < 100us` does not hold: it is 2.47 ms
        `accepted / offered >= 99%` does not hold: it is 80.0% (8,000 of 10,000)
    ✗ fail: strategy=sample, tasks=10, rate=500/s
        `accepted / offered >= 99%` does not hold: it is 97.0% (9,700 of 10,000)
    ? invalid: strategy=block, tasks=1, rate=10k/s
        no valid repeat: the generator was late: 50 of 1,000 logs were not sent,
          more than 1%
        note: late without a control: 1 of 1 repeats; a queue that starves its
          producers could not be blamed

    Total logs attempted: 48,000
    Successfully enqueued: 38,900
    Dropped: 8,900
    Sampled out: 200
    Avg enqueue latency: 523 µs

    Verdict: error (1 pass, 3 fail, 1 invalid, 1 error)
    "#);
}

#[test]
fn sixty_columns() {
    let shown = table(&mixed(), View::FILE.wide(60));
    fits(&shown, 60);
    insta::assert_snapshot!(shown, @r#"
    queue-load 0.0.0 · 2026-01-02T03:04:05Z
    example (scenarios/example.toml): mean(enqueue) < 100us at
      10k/s, accepted >= 99%
    queue builtin · maxsize 1,000 · duration 30s ·
      batch size 10 · batch timeout 1s · sample rate 10% ·
      sink counting · sink delay 0s · payload 4f+64B

    strategy  tasks   rate  accepted   enqueue  lost  verdict
                                          mean
    ───────────────────────────────────────────────────────────
    drop         10   1k/s      100%   10.0 µs     0  pass
    drop        100  100/s    ✗12.0%   10.0 µs     0  ✗ fail
    block        10   1k/s    ✗80.0%  ✗2.47 ms     0  ✗ fail
    block         1  10k/s         –         –     –  ? invalid
    sample       10  500/s    ✗97.0%   42.0 µs     0  ✗ fail †
    sample      100  100/s         –         –     –  ! error

    ✗ breaks a limit
    ? cannot be told: too few samples, or spoiled by the
      generator or the machine
    ! the run broke, or its numbers contradict each other
    † below target load: the case offers less than the target's
      throughput
    – no number: nothing measured, or too few samples
    left out for lack of room: enqueue max, sampled out,
      offered, enqueue p99, dropped, response p99

    ! error: strategy=sample, tasks=100, rate=100/s
        hung: no result within its deadline of 42 s
        stderr: line one
        stderr: worker: �[31mpoisoned lock�[0m
    ✗ fail: strategy=drop, tasks=100, rate=100/s
        `accepted / offered >= 99%` does not hold: it is 12.0%
          (1,200 of 10,000)
    ✗ fail: strategy=block, tasks=10, rate=1k/s
        `mean(enqueue) < 100us` does not hold: it is 2.47 ms
        `accepted / offered >= 99%` does not hold: it is 80.0%
          (8,000 of 10,000)
    ✗ fail: strategy=sample, tasks=10, rate=500/s
        `accepted / offered >= 99%` does not hold: it is 97.0%
          (9,700 of 10,000)
    ? invalid: strategy=block, tasks=1, rate=10k/s
        no valid repeat: the generator was late: 50 of 1,000
          logs were not sent, more than 1%
        note: late without a control: 1 of 1 repeats; a queue
          that starves its producers could not be blamed

    Total logs attempted: 48,000
    Successfully enqueued: 38,900
    Dropped: 8,900
    Sampled out: 200
    Avg enqueue latency: 523 µs

    Verdict: error (1 pass, 3 fail, 1 invalid, 1 error)
    "#);
}

#[test]
fn what_was_evicted_has_a_column_where_there_is_any() {
    let cases = |evicted| vec![case_input(Strategy::DropOldest, vec![healthy(1_000).evicting(evicted)])];
    let shown = table(&report_of(cases(900)), View::FILE);
    assert!(shown.contains("evicted") && shown.contains("Evicted: 900\n") && shown.contains("10.0%"), "{shown}");
    assert!(!table(&report_of(cases(0)), View::FILE).to_lowercase().contains("evicted"));
}

#[test]
fn one_case_that_passes() {
    let shown = table(&report_of(vec![case_input(Strategy::Drop, vec![healthy(1_000)])]), View::FILE);
    insta::assert_snapshot!(shown, @r#"
    queue-load 0.0.0 · 2026-01-02T03:04:05Z
    example (scenarios/example.toml): mean(enqueue) < 100us at 10k/s, accepted >= 99%
    queue builtin · strategy drop · maxsize 1,000 · tasks 10 · rate 1k/s · offered 10.0k/s ·
      duration 30s · batch size 10 · batch timeout 1s · sample rate 10% · sink counting ·
      sink delay 0s · payload 4f+64B

    accepted  enqueue  enqueue  enqueue  response  dropped  lost  verdict
                 mean      p99      max       p99
    ─────────────────────────────────────────────────────────────────────
        100%  10.0 µs  10.0 µs  10.0 µs   20.0 µs        0     0  pass

    Total logs attempted: 1,000
    Successfully enqueued: 1,000
    Dropped: 0
    Avg enqueue latency: 10 µs

    Verdict: pass (1 pass)
    "#);
}

#[test]
fn one_case_in_full() {
    let mut report = mixed();
    report.cases[2].id = "it".into();
    let shown = case(&report, "it", View::FILE.wide(80)).unwrap();
    fits(&shown, 80);
    insta::assert_snapshot!(shown);
    assert_eq!(case(&report, "no such case", View::FILE.wide(80)), None);
}

#[test]
fn many_axes_become_a_number() {
    let mut cases = Vec::new();
    for number in 1..=3_u32 {
        let mut input = with_tasks(case_input(Strategy::Drop, vec![healthy(100)]), number, 10_000);
        let parameters = &mut input.parameters;
        parameters.queue = format!("a-queue-of-that-name-{number}").into();
        parameters.maxsize = 1_000 * u64::from(number);
        parameters.duration = Nanos::from_secs(number.into());
        parameters.batch_size = number.into();
        parameters.sink_delay = Nanos::from_micros(number.into());
        cases.push(input);
    }
    let shown = table(&report_of(cases), View::FILE.wide(60));
    fits(&shown, 60);
    assert!(shown.contains("\n#1: queue=a-queue-of-that-name-1,"), "{shown}");
}

#[test]
fn cases_that_differ_at_the_end_of_a_long_text_are_told_apart() {
    let of = |payload: &str, level: &str| {
        let mut input = case_input(Strategy::Drop, vec![healthy(100)]);
        input.parameters.payload = payload.parse().unwrap();
        input.parameters.level = level.parse().unwrap();
        input.id = format!("level={level} payload={payload}").into();
        input
    };
    let all = "trace:20%+debug:20%+info:20%+warn:20%+error:20%";
    for [first, second] in [
        [("4f+p50:120B+p99:2KiB+max:4KiB", "info"), ("4f+p50:120B+p99:2KiB+max:8KiB", "info")],
        [("4f+64B", "debug:70%+info:25.5%+error:4.5%"), ("4f+64B", "debug:70%+info:25.5%+error:4%+warn:0.5%")],
        [("4f+64B", all), ("4f+64B", "trace:20%+debug:20%+info:20%+warn:20.5%+error:19.5%")],
    ] {
        let report = report_of(vec![of(first.0, first.1), of(second.0, second.1)]);
        for width in [60, 80, 140] {
            let shown = table(&report, View::FILE.wide(width));
            fits(&shown, width);
            let unbroken: String = shown.split_whitespace().collect();
            for (payload, level) in [first, second] {
                let told = report.cases.iter().find(|case| case.id == format!("level={level} payload={payload}"));
                let parameters = &told.unwrap().parameters;
                let texts = [parameters.payload.to_string(), parameters.level.to_string()];
                let differing = if first.0 == second.0 { &texts[1] } else { &texts[0] };
                assert!(unbroken.contains(differing), "{width}, {differing}: {shown}");
            }
        }
    }
}

#[test]
fn hostile_names_are_harmless() {
    let name = format!("\u{1b}[2J\u{202e}::error::<script>{}", "日".repeat(10_000));
    let mut input = case_input(Strategy::Drop, vec![healthy(100).losing(1)]);
    input.id.clone_from(&name.as_str().into());
    input.scenario.clone_from(&name.as_str().into());
    input.parameters.queue.clone_from(&name.as_str().into());
    input.errors.push(ErrorInput {
        repeat: 0,
        attempt: 0,
        kind: name.clone().into(),
        message: format!("{name}\r\n\x07").into(),
        stderr_tail: vec![name.clone().into()],
    });
    let other = case_input(Strategy::Block, vec![healthy(100)]);
    let mut report = report_of(vec![input, other]);
    report.scenarios[0].name.clone_from(&name.as_str().into());
    report.scenarios[0].file.clone_from(&name.as_str().into());
    report.tool.version.clone_from(&name.as_str().into());
    report.created_at.clone_from(&name.as_str().into());
    for width in [0, 60, 100] {
        let shown = table(&report, View::FILE.wide(width)) + &case(&report, &name, View::FILE.wide(width)).unwrap();
        assert!(!shown.chars().any(|c| c == '\u{1b}' || c == '\u{202e}' || (c.is_control() && c != '\n')));
        assert!(shown.len() < 20_000, "{}", shown.len());
        if width >= 60 {
            fits(&shown, width);
        }
    }
}

#[test]
fn nothing_to_show_is_said() {
    let shown = table(&report_of(Vec::new()), View::FILE);
    assert!(shown.contains("no cases\n"));
    assert!(shown.contains("Avg enqueue latency: –\n"));
    assert!(shown.ends_with("no case was run\nVerdict: invalid (no cases)\n"), "{shown}");
}

#[test]
fn a_failure_is_marked_in_its_cell() {
    let slow = healthy(1_000).enqueue_taking(250_000);
    let shown = table(&report_of(vec![case_input(Strategy::Drop, vec![slow.losing(2)])]), View::FILE);
    assert!(shown.contains("✗250 µs") && shown.contains("✗2") && shown.contains("✗ fail"), "{shown}");
    assert!(shown.contains("\n✗ breaks a limit\n"));
}

#[test]
fn a_number_that_covers_refused_calls_says_so() {
    use crate::measure::OutcomeSource;
    let mut counted = healthy(10_000).dropping(4_000);
    counted.outcome_source = OutcomeSource::Counter;
    counted.queue_counters = [("dropped".into(), 4_000)].into();
    counted.latency.enqueue = constant(10_000, 8_000);
    (counted.latency.unblocked, counted.latency.blocked) = (None, None);
    counted.latency.rejected = constant(0, 0);
    let mut silent = healthy(10_000);
    silent.outcome_source = OutcomeSource::Delivery;
    let report = report_of(vec![
        with_tasks(case_input(Strategy::Drop, vec![counted]), 10, 1_000),
        with_tasks(case_input(Strategy::Drop, vec![silent]), 1, 10_000),
    ]);
    let shown = table(&report, View::FILE);
    fits(&shown, 100);
    let row = |tasks: &str| shown.lines().find(|line| line.trim_start().starts_with(tasks)).unwrap();
    assert!(row("10 ").contains("8.00 µs‡"), "{shown}");
    assert!(!row("1 ").contains('‡'), "nothing was refused: {shown}");
    assert!(shown.contains("\n‡ refused calls included"), "{shown}");
}

#[test]
fn what_was_left_out_stands_above_the_table() {
    let mut report = mixed();
    report.scenarios[0].left_out = vec!["queue `x` has no strategy `block`: 2 cases are left out".into()];
    assert!(
        table(&report, View::FILE).contains("\nnot run: queue `x` has no strategy `block`: 2 cases are left out\n")
    );
}

#[test]
fn stages_are_a_table_of_their_own() {
    let staged = |recovered_ns| {
        let mut input = case_input(Strategy::Drop, vec![healthy(1_000).in_stages(&[100, 500, 400], recovered_ns)]);
        input.parameters.stages = "100ms@1x,spike:100ms@5x,2s@1x".parse().ok();
        report_of(vec![input])
    };
    let report = staged(Some(900_000_000));
    let shown = case(&report, "strategy=drop", View::FILE.wide(140)).unwrap();
    fits(&shown, 140);
    assert!(shown.contains("stages 100ms@1x,spike:100ms@5x,2s@1x"), "{shown}");
    assert!(shown.contains("\nrecovery 900 ms (response 900 ms to 21.0 µs, delivery 0 ns to 525 µs)\n"), "{shown}");
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    let spike = rows.iter().find(|row| row.first() == Some(&"spike")).unwrap();
    // due, accepted, dropped, delivered; the times are those of a healthy repeat.
    assert_eq!(spike[1..7], ["100ms", "5x", "500", "500", "0", "500"], "{shown}");
    assert!(rows.iter().any(|row| row.starts_with(&["3", "2s", "1x", "400"])), "one without a name has a number");
    let markdown = String::from_utf8(render(&report, Format::Markdown, View::FILE).unwrap()).unwrap();
    assert!(markdown.contains("<summary>Stages of the window</summary>") && markdown.contains("recovery 900 ms"));
    let never = case(&staged(None), "strategy=drop", View::FILE.wide(140)).unwrap();
    assert!(never.contains("recovery not within 2.00 s (response not within 2.00 s to 21.0 µs"), "{never}");
    let json = String::from_utf8(render(&report, Format::Json, View::FILE).unwrap()).unwrap();
    assert!(json.contains("\"stages\": \"100ms@1x,spike:100ms@5x,2s@1x\"") || json.contains("\"stages\":\"100ms@1x"));
    let plain =
        case(&report_of(vec![case_input(Strategy::Drop, vec![healthy(1_000)])]), "strategy=drop", View::FILE.wide(140))
            .unwrap();
    assert!(!plain.contains("stage") && !plain.contains("recovery"), "{plain}");
}

#[test]
fn stages_are_rows_and_tables_of_files_too() {
    let mut input = case_input(Strategy::Drop, vec![healthy(1_000).in_stages(&[100, 500, 400], Some(900_000_000))]);
    input.parameters.stages = "100ms@1x,spike:100ms@5x,2s@1x".parse().ok();
    let report = report_of(vec![input, case_input(Strategy::Block, vec![healthy(100)])]);
    let file = |format| String::from_utf8(render(&report, format, View::FILE).unwrap()).unwrap();
    let csv = file(Format::Csv);
    let heading: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    // No cell of these columns or before them has a comma.
    let column = |name: &str| heading.iter().position(|column| *column == name).unwrap();
    let counts = ["scheduled_logs", "dropped_logs", "delivered_logs", "enqueue_count", "lateness_count", "drain_ns"];
    let cells = csv.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let first = [cells[column("stage")], cells[column("stage_name")]];
        let from_the_end = |name: &str| cells[cells.len() - (heading.len() - column(name))];
        (first.join(" "), counts.map(from_the_end).join(" "))
    });
    let expected = [
        (" ", "1000 0 1000 1000 1000 1000000"),
        ("1 ", "100 0 100 100  "),
        ("2 spike", "500 0 500 500  "),
        ("3 ", "400 0 400 400  "),
        (" ", "100 0 100 100 100 1000000"),
    ];
    assert_eq!(
        cells.collect::<Vec<_>>(),
        expected.map(|(stage, counts)| (stage.to_owned(), counts.to_owned())),
        "{csv}"
    );
    let page = file(Format::Html);
    assert_eq!(page.matches("<caption>Stages of the window</caption>").count(), 1);
    assert!(page.contains("<th scope=row class=l>spike") && page.contains("recovery 900 ms"), "{page}");
}

#[test]
fn levels_are_a_table_of_their_own_and_rows_of_a_file() {
    let levelled = healthy(1_000).with_levels([0, 700, 250, 0, 50]);
    let report =
        report_of(vec![case_input(Strategy::Drop, vec![levelled]), case_input(Strategy::Block, vec![healthy(100)])]);
    let shown = case(&report, "strategy=drop", View::FILE.wide(140)).unwrap();
    fits(&shown, 140);
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    // Sent, accepted, dropped, share of them, delivered, lost.
    assert!(rows.contains(&vec!["error", "50", "50", "0", "0%", "50", "0"]), "{shown}");
    assert!(!rows.iter().any(|row| row.first() == Some(&"warn")), "a level that was not sent has no row: {shown}");
    let file = |format| String::from_utf8(render(&report, format, View::FILE).unwrap()).unwrap();
    assert_eq!(file(Format::Markdown).matches("<summary>Levels</summary>").count(), 1);
    assert_eq!(file(Format::Html).matches("<caption>Levels</caption>").count(), 1);
    let csv = file(Format::Csv);
    let heading: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let column = |name: &str| heading.iter().position(|column| *column == name).unwrap();
    let cells = csv.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let from_the_end = |name: &str| cells[cells.len() - (heading.len() - column(name))];
        [cells[column("of_level")], from_the_end("attempted_logs"), from_the_end("enqueue_count")].join(" ")
    });
    assert_eq!(cells.collect::<Vec<_>>(), [" 1000 1000", "debug 700 ", "info 250 ", "error 50 ", " 100 100"], "{csv}");
    let one = report_of(vec![case_input(Strategy::Drop, vec![healthy(100).with_levels([0, 0, 0, 0, 100])])]);
    assert!(!case(&one, "strategy=drop", View::FILE.wide(140)).unwrap().contains("level  "), "one level is no table");
}
