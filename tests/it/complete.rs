//! What CONTRIBUTING.md says has to be added to in several places was added everywhere.

use crate::support::{Place, repeat_of, stdout};
use queue_load::adapter::noop::Noop;
use queue_load::internals::adapter::{catalogue, not_built};
use queue_load::internals::render::Format;
use queue_load::internals::scenario::{AXES, Figure, LatencyName};
use queue_load::internals::verdict::Pooled;
use queue_load::internals::worker::{Queues, simulate};
use std::path::Path;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn every_queue_is_built_by_its_feature_and_shown() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let all: Vec<&str> =
        manifest["features"]["all-queues"].as_array().unwrap().iter().flat_map(|f| f.as_str()).collect();
    let known: Vec<&str> = catalogue::OPTIONAL.iter().map(|optional| optional.feature).collect();
    assert_eq!(all, known, "`all-queues` in Cargo.toml, and the catalogue");
    let (readme, peers) = (read("README.md"), read("scenarios/peers.toml"));
    for optional in &catalogue::OPTIONAL {
        let name = optional.about.name;
        assert!(readme.contains(&format!("\n| `{name}` | ")), "README.md has no row for {name}");
        assert!(peers.contains(&format!("\"{name}\"")), "peers.toml does not have {name}");
    }
    if cfg!(feature = "all-queues") {
        let missing: Vec<&str> = not_built(&Queues::with_own()).map(|optional| optional.about.name).collect();
        assert_eq!(missing, [""; 0], "not in the registry");
    }
}

#[test]
fn every_axis_is_explained_to_users() {
    let readme = read("README.md");
    for axis in &AXES {
        let said = [format!("`{}`", axis.name), format!("\n{} ", axis.name)].iter().any(|name| readme.contains(name));
        assert!(said, "README.md does not say what {} is", axis.name);
    }
}

#[test]
fn every_figure_is_explained_to_users() {
    for file in ["README.md", "docs/METHODOLOGY.md"] {
        let text = read(file);
        for figure in Figure::ALL {
            assert!(text.contains(&format!("`{figure}")), "{file} does not say what {figure} is");
        }
    }
}

#[test]
fn every_format_is_offered_and_explained() {
    let readme = read("README.md");
    // Each row of the table begins with the name; so does that of a queue or an axis, which are no formats.
    let table = readme.split("| format | ending | for |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<&str> = table.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    let all: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(sorted(rows), sorted(all.clone()), "README.md, and Format::ALL");
    for verb in ["run", "show"] {
        let help = stdout(&Place::new().run(&[verb, "--help"]));
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in &all {
            let offered = [format!(" {name},"), format!(" {name} "), format!(" {name}]")];
            assert!(offered.iter().any(|name| help.contains(name)), "`{verb} --help` does not offer {name}: {help}");
        }
        for row in table.lines().filter_map(|row| row.split('|').nth(2)) {
            let ending = row.trim().trim_matches('`');
            assert!(!ending.starts_with('.') || help.contains(ending), "`{verb} --help` does not offer {ending}");
        }
    }
}

#[test]
fn every_latency_is_named_everywhere() {
    let report: serde_json::Value = serde_json::from_str(&read("tests/data/report.json")).unwrap();
    let latencies = &report["cases"][0]["repeats"][0]["latency"];
    let mut saved: Vec<&str> = latencies.as_object().unwrap().keys().map(String::as_str).collect();
    let mut known: Vec<&str> = LatencyName::ALL.iter().map(|name| name.name()).collect();
    saved.sort_unstable();
    known.sort_unstable();
    assert_eq!(saved, known, "what a report has, and what a check may speak of");
    let shown = stdout(&Place::new().run(&["show", golden().to_str().unwrap(), "--format", "csv"]));
    let heading = shown.lines().next().unwrap();
    for name in known {
        for file in ["docs/PROTOCOL.md", "docs/METHODOLOGY.md"] {
            assert!(read(file).contains(&format!("`{name}`")), "{file} does not say what {name} is");
        }
        assert!(heading.contains(&format!(",{name}_mean_ns,")), "CSV has no {name}");
    }
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json")
}

#[test]
fn every_latency_is_pooled() {
    let mut measurement = simulate::<Noop>(&repeat_of("noop")).unwrap();
    let latency = &mut measurement.latency;
    let some = Some(latency.lateness.clone());
    for seen in [&mut latency.lag_before, &mut latency.lag, &mut latency.timer_lag_before, &mut latency.timer_lag] {
        seen.clone_from(&some);
    }
    let (mut one, mut two) = (Pooled::default(), Pooled::default());
    one.add(&measurement);
    two.add(&measurement);
    two.add(&measurement);
    assert_eq!((one.faults(), two.faults()), (&[][..], &[][..]));
    for name in LatencyName::ALL {
        let count = |pooled: &Pooled| pooled.distributions().unwrap().get(*name).unwrap().count();
        assert_eq!(count(&two), 2 * count(&one), "{name}");
    }
}
