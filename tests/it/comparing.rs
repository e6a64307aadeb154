//! `compare` and `gate` as their user meets them: exit codes, one line on stdout, what is refused and why.

use crate::support::Place;
use queue_load::report::{self, Outcome, Report};
use std::path::Path;

/// A report of one case that passes, with this number of repeats.
fn report_with(repeats: u32) -> Report {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report.json");
    let mut report = report::read(&stored).unwrap().report;
    let one = report.cases[0].repeats[0].clone();
    report.cases[0].repeats = (0..repeats)
        .map(|repeat| {
            let mut copy = one.clone();
            copy.repeat = repeat;
            let mean = copy.latency.enqueue.trimmed_mean_ns.unwrap();
            copy.latency.enqueue.trimmed_mean_ns = Some(mean * (1.0 + 0.001 * f64::from(repeat)));
            copy
        })
        .collect();
    report
}

fn slower(mut report: Report, factor: f64) -> Report {
    for repeat in &mut report.cases[0].repeats {
        let mean = &mut repeat.latency.enqueue.trimmed_mean_ns;
        *mean = mean.map(|mean| mean * factor);
    }
    report
}

#[test]
fn a_gate_ends_as_it_decides_and_says_why_in_one_line() {
    let place = Place::new();
    let save = |report: &Report, name: &str| report::write(report, &place.path().join(name)).unwrap();
    save(&report_with(10), "base.json");
    save(&slower(report_with(10), 1.01), "same.json");
    save(&slower(report_with(10), 1.5), "slow.json");
    save(&slower(report_with(2), 1.5), "few.json");
    let mut lost = report_with(2);
    lost.cases[0].repeats[0].ledger.lost.silent = 1;
    save(&lost, "lost.json");
    let mut elsewhere = report_with(10);
    elsewhere.environment.platform = "linux aarch64".into();
    save(&elsewhere, "elsewhere.json");
    save(&Report { cases: Vec::new(), ..report_with(10) }, "empty.json");
    let mut partial = report_with(10);
    partial.verdict.outcome = Outcome::Invalid;
    partial.verdict.reasons = vec!["partial: 1 of 2 cases of the plan is missing".into()];
    save(&partial, "partial.json");
    for (new, code, said) in [
        ("base.json", 0, "pass: no case regressed: 1 unchanged"),
        ("same.json", 0, "pass: no case regressed: 1 unchanged; a rise of enqueue from "),
        ("slow.json", 4, "regressed: 1 of 1 case regressed: "),
        ("few.json", 5, "inconclusive: 1 of 1 case cannot be told: "),
        ("lost.json", 4, "regressed: 1 of 1 case regressed: "),
        ("elsewhere.json", 6, "incomparable: not the same machine or build: platform linux x86_64 → linux aarch64"),
        ("empty.json", 6, "incomparable: the two reports have no case in common"),
        (
            "partial.json",
            5,
            "inconclusive: the new report is invalid as a whole: partial: 1 of 2 cases of the plan is missing",
        ),
    ] {
        let output = place.run(&["gate", "base.json", new]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{new}: {stdout}");
        assert!(stdout.starts_with(said) && stdout.lines().count() == 1, "{new}: {stdout}");
        assert_eq!(place.run(&["compare", "base.json", new]).status.code(), Some(0), "{new}: comparing only informs");
    }
    let allowed = place.run(&["gate", "base.json", "elsewhere.json", "--allow-cross-machine"]);
    assert_eq!(allowed.status.code(), Some(0));
    assert_eq!(place.run(&["gate", "base.json", "slow.json", "--min-effect", "60%"]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_read_or_is_not_there_is_refused_with_its_reason() {
    let place = Place::new();
    report::write(&report_with(10), &place.path().join("good.json")).unwrap();
    let text = std::fs::read_to_string(place.path().join("good.json")).unwrap();
    let put = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    put("cut.json", &text[..text.len() / 2]);
    put("altered.json", &text.replacen("\"dropped\":0", "\"dropped\":1", 1));
    put("newer.json", &text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1));
    for (args, code, said) in [
        (&["gate", "none.json", "good.json"][..], 6, "none.json: no such baseline"),
        (&["gate", "good.json", "none.json"], 2, "none.json: cannot open the report"),
        (&["gate", "good.json", "cut.json"], 2, "cut.json: truncated"),
        (&["gate", "cut.json", "good.json"], 2, "cut.json: truncated"),
        (&["gate", "good.json", "altered.json"], 2, "digest does not match"),
        (&["gate", "good.json", "newer.json"], 2, "schema_version 2 is newer than 1"),
        (&["gate", "good.json", "good.json", "--alpha", "0%"], 2, "--alpha: 0% is out of range"),
        (&["gate", "good.json", "good.json", "--format", "hdrh"], 2, "--format"),
        (&["gate", "good.json"], 2, "NEW"),
        (&["compare", "good.json"], 2, "--across"),
        (&["compare", "good.json", "no*.json"], 2, "no file matches"),
        (&["compare", "good.json", "good.json", "--ignore", "pace"], 2, "unknown axis `pace`"),
        (&["compare", "good.json", "--across", "que"], 2, "unknown axis `que`"),
        (&["compare", "good.json", "good.json", "--metric", "enqueue.p98"], 2, "unknown metric `enqueue.p98`"),
        (&["compare", "good.json", "good.json", "--filter", "strategy=x"], 2, "--filter"),
    ] {
        let output = place.run(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(code), true), "{args:?}: {stderr}");
        assert!(stderr.contains(said), "{args:?}: {stderr}");
    }
}

#[test]
fn a_comparison_takes_labels_globs_and_files_to_write() {
    let place = Place::new();
    for (name, factor) in [("base.json", 1.0), ("night1.json", 1.5), ("night2.json", 0.5)] {
        report::write(&slower(report_with(10), factor), &place.path().join(name)).unwrap();
    }
    let output = place.run(&["compare", "main=base.json", "night*.json", "--output", "c.md", "--output", "c.json"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for said in ["base: main (", "new: night1.json (", "new: night2.json (", "✗ regressed", "✓ improved"] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(place.path().join("c.json")).unwrap()).unwrap();
    assert_eq!(json["comparisons"][1]["cases"][0]["change"], "improved");
    let markdown = std::fs::read_to_string(place.path().join("c.md")).unwrap();
    assert!(
        markdown.starts_with("<!-- queue-load: ") && markdown.contains("\n## queue-load: 1 regressed"),
        "{markdown}"
    );
    let page = place.run(&["compare", "base.json", "night1.json", "--format", "html", "--output", "c.html"]);
    assert_eq!((page.status.code(), page.stdout.is_empty()), (Some(0), true), "the page is in the file alone");
    assert!(std::fs::read_to_string(place.path().join("c.html")).unwrap().starts_with("<!doctype html>"));
}
