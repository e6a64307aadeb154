use super::*;
use crate::history::{Entry, Options, trend as trend_of};
use crate::verdict::Outcome;

/// A case that became slower after ten of twenty runs, and one that did not.
fn example() -> Trend {
    let line = |case: &str, run: usize, value: f64| Entry {
        version: 1,
        run: format!("{run}").into(),
        created_at: format!("2026-01-{:02}T00:00:00Z", run + 1).into(),
        tool: "1".into(),
        commit: Some(format!("c{run}").into()),
        kernel: None,
        machine: "linux x86_64".into(),
        scenario: "s".into(),
        case: case.into(),
        queue_version: None,
        outcome: Outcome::Pass,
        repeats: 3,
        metrics: [("enqueue.mean".into(), value)].into(),
    };
    let noise = |run: usize| (run * 7 % 5) as f64 * 10.0;
    let step = |run: usize| if run < 10 { 1_000.0 } else { 1_250.0 };
    let slower = (0..20).map(|run| line("<b>a\u{1b}", run, step(run) + noise(run)));
    let entries: Vec<Entry> = slower.chain((0..20).map(|run| line("b", run, 2_000.0 + noise(run)))).collect();
    trend_of(&entries, &Options { metric: "enqueue.mean".into(), alpha: 0.01 }).unwrap()
}

fn shown(format: Format) -> String {
    String::from_utf8(trend(&example(), format, View::FILE).unwrap()).unwrap()
}

#[test]
fn the_table_tells_what_changed_and_when() {
    let table = shown(Format::Table);
    for said in [
        "enqueue.mean: the median over the repeats of each run; 2 series, of which at most 1% change",
        "▲ +25% (1.02 µs → 1.27 µs)",
        "from 2026-01-11T00:00:00 on (run 11 of 20)",
        "commit c9 → c10",
        "#2: b",
    ] {
        assert!(table.contains(said), "{said}\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "text of others is harmless");
    assert!(table.lines().all(|line| crate::render::width_of(line) <= 100), "{table}");
}

#[test]
fn the_page_has_a_curve_for_each_case() {
    let page = shown(Format::Html);
    assert_eq!(page.matches("<svg class=ch ").count(), 2, "one for each");
    assert!(page.contains("Trend of enqueue.mean") && page.contains("▲ +25%"));
    assert!(!page.contains("<b>a"), "text of others is escaped");
}

#[test]
fn json_is_the_trend_and_other_formats_are_refused() {
    let json: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
    assert_eq!((&json["unit"], &json["series"][0]["changes"][0]["at"]), (&"ns".into(), &10.into()));
    let refused = trend(&example(), Format::Junit, View::FILE).unwrap_err().to_string();
    assert_eq!(refused, "--format junit: a trend is shown as table, json or html");
}

#[test]
fn an_empty_history_has_no_runs() {
    let empty = trend_of(&[], &Options { metric: "enqueue.mean".into(), alpha: 0.01 }).unwrap();
    let table = String::from_utf8(trend(&empty, Format::Table, View::FILE).unwrap()).unwrap();
    assert!(table.ends_with("no runs\n"), "{table}");
    assert!(trend(&empty, Format::Html, View::FILE).is_ok());
}
