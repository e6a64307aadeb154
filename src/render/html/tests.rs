//! The pages of fixed reports. `.ci/html_check.py` checks how a browser shows them.

use super::{Extent, html, html_comparison};
use crate::compare::{Options, compare};
use crate::measure::fixture::{healthy, of};
use crate::measure::{Measurement, Point, PointTimes, Series};
use crate::render::parts::gating_fixture as gated;
use crate::render::tests::mixed;
use crate::report::fixture::{case, filled_with, report_of};
use crate::report::{CaseRecord, Report};
use crate::scenario::Strategy;
use crate::units::Nanos;

/// Everything but the style and the script, which are files of their own.
fn body(page: &str) -> &str {
    let start = page.find("<body>").unwrap();
    &page[start..page.find("<script>").unwrap()]
}

/// A repeat with a spread, a series and a lag, like a real one.
fn lively(seed: u64) -> Measurement {
    let values = |least: u64, most: u64| {
        let steps = move |n: u64| (n * 7_919 + seed * 104_729) % 10_000;
        of((0..10_000).map(move |n| least + (most - least) * steps(n).pow(2) / 100_000_000))
    };
    let mut measurement = healthy(10_000).with_lag(31_000).with_control(88_000);
    measurement.latency.enqueue = values(400, 900_000);
    measurement.latency.response = values(2_000, 40_000_000);
    measurement.latency.response_ideal = values(1_000, 1_000_000);
    measurement.latency.delivery = values(90_000, 7_000_000);
    let point = |n: u64| Point {
        enqueued: 90 + (n * seed) % 20,
        rejected: n % 3,
        times: Some(PointTimes {
            p50_ns: 3_000 + n * 37 % 700,
            p99_ns: 40_000 + n * 61 % 9_000,
            max_ns: 100_000 + n * 977 % 800_000,
        }),
    };
    measurement.series = Series { bin_ns: 10_000_000, points: (0..100).map(point).collect() };
    measurement
}

/// A thousand cases, every fifth of which fails, over four axes.
fn thousand() -> Report {
    let inputs = (1..=5).map(|seed| {
        let measurement = if seed == 5 { lively(seed).dropping(4_000) } else { lively(seed) };
        let mut input = case(Strategy::Drop, vec![measurement.clone(), measurement]);
        input.parameters.duration = Nanos::from_millis(1_000);
        input.parameters.concurrency = u32::try_from(seed).unwrap();
        input
    });
    let mut report = report_of(inputs.collect());
    let few = report.cases.clone();
    let strategies = [Strategy::Drop, Strategy::Block, Strategy::Sample];
    let vary = |number: usize| {
        let mut case: CaseRecord = few[number % 5].clone();
        case.parameters.strategy = strategies[number / 5 % 3];
        case.parameters.maxsize = 100 << (number / 15 % 8);
        case.parameters.sink_delay = Nanos::from_micros(10 * (number / 120) as u64);
        case.id = crate::matrix::id(&case.parameters);
        case
    };
    report.cases = (0..1_000).map(vary).collect();
    report
}

#[test]
fn golden_html() {
    insta::assert_snapshot!(body(&html(&mixed())));
}

#[test]
fn every_case_has_its_marks() {
    let mut report = mixed();
    report.cases.truncate(3);
    let page = html(&report);
    let each = &body(&page)[body(&page).find("id=\"each\"").unwrap()..];
    let drawn = &each[each.find("</defs>").unwrap()..];
    // `enqueue`, and in the first two of the reports the single point over time.
    assert_eq!(drawn.matches("<path class=c1 ").count(), 3 + 1, "enqueue of each, lag of one");
    assert_eq!(drawn.matches("<path class=tg ").count(), 3);
    assert_eq!(body(&page).matches("<tr data-o=").count(), 3);
    assert_eq!(drawn.matches("<details class=\"case\"").count(), 3);
    let bars = body(&page).matches("<svg class=ba ").count();
    assert_eq!(bars, 2 * 3, "in the table and in the case");
}

/// The numbers of the cases that are open at first.
fn open_cases(page: &str) -> Vec<&str> {
    let cases = page.split("<details class=\"case\" data-n=").skip(1);
    cases.filter_map(|case| case.split('>').next().unwrap().strip_suffix(" open")).collect()
}

#[test]
fn the_worst_case_is_open() {
    use crate::report::{Change, GateOutcome};
    let gate = |outcome, cases: &[(&str, Change)]| {
        let cases = cases.iter().map(|(id, change)| gated::case(id, *change, Vec::new())).collect();
        Some(gated::record(gated::decision(outcome, cases)))
    };
    let passing = |count| {
        let strategies = [Strategy::Block, Strategy::Drop, Strategy::Sample];
        report_of(strategies.into_iter().take(count).map(|one| case(one, vec![healthy(10_000)])).collect())
    };
    let gated = |outcome, cases: &[(&str, Change)]| Report { gate: gate(outcome, cases), ..passing(3) };
    for (report, open) in [
        (mixed(), &["6"][..]),
        (passing(1), &["1"]),
        (passing(3), &[]),
        (gated(GateOutcome::Pass, &[("strategy=drop", Change::Improved)]), &[]),
        (gated(GateOutcome::Regressed, &[("strategy=drop", Change::Regressed)]), &["2"]),
        (
            gated(
                GateOutcome::Regressed,
                &[("strategy=drop", Change::Inconclusive), ("strategy=sample", Change::Regressed)],
            ),
            &["3"],
        ),
        (gated(GateOutcome::Regressed, &[("gone", Change::Removed)]), &[]),
    ] {
        let page = html(&report);
        assert_eq!(open_cases(&page), open);
        let is_gone = report.gate.iter().any(|gate| gate.decision().unwrap().cases[0].change == Change::Removed);
        assert_eq!(page.contains("removed: gone"), is_gone, "what is gone is listed as wrong");
    }
}

#[test]
fn the_worst_case_of_a_comparison_is_open() {
    use crate::report::Change::{Improved, Incomparable, Inconclusive, Regressed, Removed, Unchanged};
    let base = report_of(vec![case(Strategy::Block, vec![healthy(100)]), case(Strategy::Drop, vec![healthy(100)])]);
    for (changes, open) in [
        ([Unchanged, Unchanged], None),
        ([Improved, Unchanged], None),
        ([Unchanged, Inconclusive], Some(Inconclusive)),
        ([Inconclusive, Incomparable], Some(Incomparable)),
        ([Inconclusive, Removed], Some(Removed)),
        ([Removed, Regressed], Some(Regressed)),
    ] {
        let mut comparison = compare(&base, &base, &Options::default());
        comparison.cases.iter_mut().zip(changes).for_each(|(case, change)| case.change = change);
        let page = html_comparison(&base, &[(&base, &comparison)], Extent::Brief);
        let numbers = open_cases(&page);
        assert_eq!(numbers.len(), usize::from(open.is_some()), "{changes:?}");
        for (number, change) in numbers.iter().zip(open) {
            let opened = &page[page.find(&format!("data-n={number} open")).unwrap()..];
            assert!(opened.split("</summary>").next().unwrap().contains(change.word()), "{changes:?}");
        }
    }
}

#[test]
fn a_heat_map_names_its_axes_and_a_time_is_short() {
    let page = html(&report_of(vec![
        case(Strategy::Block, vec![healthy(10_000)]),
        case(Strategy::Drop, vec![healthy(10_000)]),
    ]));
    assert!(page.contains("<caption>enqueue mean, by strategy</caption>"));
    for (given, shown) in [
        ("2026-11-27T12:24:51.008409217Z", "2026-11-27T12:24:51Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("no time. at all", "no time. at all"),
    ] {
        assert_eq!(super::page::moment(&given.into()), shown);
    }
}

#[test]
fn a_thousand_cases_stay_below_five_megabytes() {
    let page = html(&thousand());
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<tr data-o=").count(), 1_000);
    assert!(page.contains("only 50 are shown in full"));
}

/// A comparison reads less of a report than there is: all of that must be what it never shows.
#[test]
fn a_comparison_needs_nothing_that_is_not_kept_for_it() {
    use crate::report::{Kept, read_kept, write};
    let directory = tempfile::tempdir().unwrap();
    let report = |seed, strategy| {
        // Repeats that differed by their curves alone would be those of one run.
        let measured = |seed: u64| {
            let mut measured = lively(seed);
            measured.latency.enqueue = of((0..10_000).map(|n| 400 + 50 * seed + n));
            measured
        };
        let mut input = case(strategy, vec![measured(seed), measured(seed + 1)]);
        input.parameters.duration = Nanos::from_millis(1_000);
        input
    };
    let saved = |name: &str, seed: u64| {
        let path = directory.path().join(name);
        write(&report_of(vec![report(seed, Strategy::Drop), report(seed + 2, Strategy::Block)]), &path).unwrap();
        [Kept::Everything, Kept::Drawn, Kept::Compared].map(|kept| read_kept(&path, kept).unwrap().report)
    };
    let (base, new) = (saved("base.json", 1), saved("new.json", 5));
    assert!(base[0] != base[1] && base[1] != base[2], "each has less than the one before");
    let [whole, drawn, compared] = [0, 1, 2].map(|kept| {
        let comparison = compare(&base[kept], &new[kept], &Options::default());
        let page = html_comparison(&base[kept], &[(&new[kept], &comparison)], Extent::Full);
        // As text: a number that is none is not equal to itself.
        (serde_json::to_string(&comparison).unwrap(), page)
    });
    assert!(whole.1.contains("<path class=c1 "), "curves are drawn");
    assert_eq!([&drawn.0, &compared.0], [&whole.0; 2]);
    assert!(whole.1 == drawn.1, "the same page");
}

/// Of a thousand cases, 60 are said to have changed.
#[test]
fn a_comparison_of_many_cases_has_a_brief_form_that_says_what_it_leaves_out() {
    use crate::report::Change::{Improved, Regressed, Unchanged};
    let base = thousand();
    let mut comparison = compare(&base, &base, &Options::default());
    let change = |index: usize| {
        if index == 999 {
            Regressed
        } else if index < 59 {
            Improved
        } else {
            Unchanged
        }
    };
    comparison.cases.iter_mut().enumerate().for_each(|(index, case)| case.change = change(index));
    let page = html_comparison(&base, &[(&base, &comparison)], Extent::Brief);
    assert!(page.len() < 500_000, "{} bytes", page.len());
    assert_eq!(page.matches("<tr data-o=").count(), 60);
    assert_eq!(page.matches("<details class=\"case\"").count(), 50);
    assert_eq!(page.matches("<tr data-o=improved><th scope=row><a href=#c").count(), 49, "the others lead nowhere");
    let lines = &page[page.find("<details class=\"folded\"").unwrap()..];
    assert_eq!(lines.split("</details>").next().unwrap().matches("<li>").count(), 940);
    assert!(page.contains("Unchanged: 940 cases"));
    assert!(page.contains("Of 1,000 cases, 940 did not change") && page.contains("<code>--full</code>"));
    assert!(!page.contains("value=\"unchanged\""), "no row could be filtered by it");
    assert_eq!(open_cases(&page).len(), 1);

    let full = html_comparison(&base, &[(&base, &comparison)], Extent::Full);
    assert_eq!(full.matches("<tr data-o=").count(), 1_000);
    assert_eq!(full.matches("<details class=\"case\"").count(), 1_000);
    assert_eq!(full.matches("<pre class=scroll>").count(), 950);
    assert!(!full.contains("<code>--full</code>") && !full.contains("class=\"folded\""));
    assert!(full.len() < 8_000_000, "{} bytes", full.len());

    comparison.cases.iter_mut().for_each(|case| case.change = Unchanged);
    let same = html_comparison(&base, &[(&base, &comparison)], Extent::Brief);
    assert!(same.contains("No case has changed.") && !same.contains("id=\"list\"") && !same.contains("id=\"each\""));
}

#[test]
fn nothing_is_asked_of_the_network() {
    for page in [
        html(&mixed()),
        html_comparison(&mixed(), &[(&mixed(), &compare(&mixed(), &mixed(), &Options::default()))], Extent::Brief),
    ] {
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
        for (at, _) in page.match_indices("href=").chain(page.match_indices("src=")) {
            let target = page[at..].split_once('=').unwrap().1.trim_start_matches(['"', '\'']);
            assert!(target.starts_with('#') || target.starts_with("data:,"), "{}", &target[..40]);
        }
        for word in ["url(", "@import", "http:", "https:", "fetch(", "style=\""] {
            assert!(!page.contains(word), "{word}");
        }
    }
}

/// The names of all elements of a page, without closing tags.
fn elements(page: &str) -> std::collections::BTreeSet<&str> {
    let tags = page.split('<').skip(1);
    tags.map(|tag| tag.split([' ', '>', '/', '\n']).next().unwrap()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn hostile_names_come_out_harmless() {
    let long = "x".repeat(10_000);
    let hostile = [
        "<script>alert(1)</script>",
        "</script><!--<script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "\u{1b}[31mred\u{1b}[0m",
        "::error::x",
        "=cmd()|' /C calc'!A0",
        "a\u{202e}dcba\u{2066}\u{200f}\u{2028}",
        "{{ 7 * 7 }}`",
        &long,
    ];
    let clean = elements(&html(&filled_with(&[1.0; 8], &[5; 8], "plain"))).len();
    for text in hostile {
        let mut report = filled_with(&[1.0; 8], &[5; 8], text);
        report.scenarios[0].name = text.into();
        report.scenarios[0].file = text.into();
        report.environment.cpu_model = Some(text.into());
        report.environment.queue_versions.insert(text.into(), text.into());
        report.cases.iter_mut().for_each(|case| {
            case.scenario = text.into();
            case.parameters.queue = text.into();
            case.verdict.reasons.push(text.into());
        });
        let broken = report.cases.last_mut().unwrap();
        broken.errors[0].message = text.into();
        broken.errors[0].kind = text.into();
        broken.errors[0].stderr_tail = vec![text.into()];
        let comparison =
            compare(&report, &report, &Options { labels: (text.into(), text.into()), ..Options::default() });
        for page in [html(&report), html_comparison(&report, &[(&report, &comparison)], Extent::Full)] {
            assert_eq!(page.matches("<script>").count(), 1, "{text}");
            assert_eq!(page.matches("</script>").count(), 1, "{text}");
            assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains("onmouseover='"), "{text}");
            assert!(!page.contains(&"x".repeat(500)));
            let dangerous = |c: char| (c.is_control() && c != '\n') || ('\u{2028}'..='\u{202e}').contains(&c);
            assert!(!page.contains(dangerous), "{text}");
        }
        assert!(elements(&html(&report)).len() <= clean + 2, "{text}");
    }
}

#[test]
fn a_broken_histogram_leaves_a_gap_and_no_more() {
    let mut report = mixed();
    for case in &mut report.cases {
        if let Some(summary) = &mut case.summary {
            summary.latency.enqueue.hdr = Some("AAAA".into());
        }
    }
    assert!(html(&report).contains("Latency by percentile"));
    report.cases.clear();
    assert!(html(&report).contains("id=\"list\""));
}

#[test]
fn new_reports_lie_over_the_baseline() {
    let report = |seed, strategy| {
        let mut input = case(strategy, vec![lively(seed), lively(seed)]);
        input.parameters.duration = Nanos::from_millis(1_000);
        input
    };
    let base = report_of(vec![report(1, Strategy::Drop), report(2, Strategy::Block)]);
    let new = report_of(vec![report(3, Strategy::Drop), report(4, Strategy::Sample)]);
    let options = Options::default();
    let one = compare(&base, &new, &options);
    let page = html_comparison(&base, &[(&new, &one)], Extent::Brief);
    assert_eq!(page.matches("<tr data-o=").count(), 3, "one on both sides, one added, one removed");
    let drawn = &page[page.find("</defs>").unwrap()..];
    assert_eq!(drawn.matches("<path class=c3 ").count(), 2 * 3, "two of the baseline, three latencies each");
    assert_eq!(drawn.matches("<path class=c1 ").count(), 2 * 3);

    let same = compare(&base, &base, &options);
    let page = html_comparison(&base, &[(&new, &one), (&base, &same)], Extent::Brief);
    assert_eq!(page.matches("<tr data-o=").count(), 3 + 2);
    assert_eq!(page.matches("<details class=\"case\"").count(), 3, "a case of the baseline stands once");
    let many = [(&base, &same), (&base, &same), (&base, &same), (&base, &same), (&base, &same)];
    assert!(html_comparison(&base, &many, Extent::Brief).contains("2 further reports are left out"));
}
