//! What helps at the start: `init`, completions, manual pages, and the list of what is saved.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use queue_load::internals::schema;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path().join(name)).unwrap()
}

#[test]
fn init_writes_a_scenario_that_validates_and_keeps_to_its_schema() {
    let place = Place::new();
    let written = place.run(&["init"]);
    expect_code(&written, 0);
    assert_eq!(stdout(&written), "scenario.toml\nscenario.schema.json\n");
    let text = read(&place, "scenario.toml");
    assert_eq!(text.lines().next(), Some("#:schema ./scenario.schema.json"));
    let schema: Value = serde_json::from_str(&read(&place, "scenario.schema.json")).unwrap();
    assert_eq!(schema, schema::scenario());
    let table: toml::Table = text.parse().unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::to_value(table).unwrap()));
    let valid = place.run(&["validate", "scenario.toml"]);
    expect_code(&valid, 0);
    assert_eq!((stdout(&valid), stderr(&valid)), ("scenario.toml: ok, 2 cases\n".to_owned(), String::new()));
    assert_eq!(stdout(&place.run(&["init", "-"])), text);
    // What it offers in comments is right, too.
    let uncommented: Vec<&str> =
        text.lines().map(|line| line.strip_prefix("# ").filter(|rest| is_toml(rest)).unwrap_or(line)).collect();
    place.write("all.toml", uncommented.join("\n"));
    let all = place.run(&["validate", "all.toml"]);
    assert!(stderr(&all).contains("no case matches") || all.status.success(), "{}", stderr(&all));
}

/// Whether a line of a comment is meant to be taken out of it.
fn is_toml(line: &str) -> bool {
    line.starts_with('[') || (line.contains(" = ") && !line.starts_with(' '))
}

#[test]
fn init_replaces_nothing_unless_it_is_told_to() {
    let place = Place::new();
    place.write("mine.toml", "mine");
    let refused = |args: &[&str], said: &str| {
        let output = place.run(args);
        expect_code(&output, 2);
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    };
    refused(&["init", "mine.toml"], "mine.toml: is there already; --force replaces it");
    assert_eq!((read(&place, "mine.toml").as_str(), place.files(".")), ("mine", vec!["mine.toml".to_owned()]));
    refused(&["init", "no/mine.toml"], "`no` is no directory");
    refused(&["init", "mine.json"], "ends in .toml");
    refused(&["init", "mine"], "ends in .toml");
    place.write("scenario.schema.json", "{}");
    refused(&["init", "new.toml"], "scenario.schema.json: is there already");
    assert!(!place.path().join("new.toml").exists(), "neither is written");
    expect_code(&place.run(&["init", "mine.toml", "--force"]), 0);
    assert!(read(&place, "mine.toml").starts_with("#:schema "));
    // The schema that is there is the right one: no reason to refuse.
    expect_code(&place.run(&["init", "new.toml"]), 0);
}

#[test]
fn what_init_writes_can_be_run() {
    let place = Place::new();
    expect_code(&place.run(&["init"]), 0);
    let short = ["--repeats", "1", "--duration", "200ms", "--total-rate", "1k/s", "--invalid-retries", "0"];
    let ran = place.run(&[&["run", "scenario.toml", "--format", "json"][..], &short].concat());
    // Too short for the target's throughput: nothing is proven, and a busy machine may spoil it.
    expect_code(&ran, 5);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        assert!(matches!(case["verdict"]["outcome"].as_str(), Some("pass" | "invalid")), "{case:.2000}");
    }
}

/// A shell, if it is installed.
fn shell(name: &str, args: &[&str], place: &Place) -> Option<Output> {
    let _shared = share_the_machine();
    Command::new(name).args(args).current_dir(place.path()).output().ok()
}

#[test]
fn shells_complete_verbs_options_and_the_names_of_formats() {
    let place = Place::new();
    for name in ["bash", "zsh", "fish"] {
        let output = place.run(&["completions", name]);
        expect_code(&output, 0);
        let script = stdout(&output);
        for word in ["find-max", "reports-dir", "markdown", "total-rate"] {
            assert!(script.contains(word), "{name} does not complete {word}");
        }
        place.write(name, script);
        if let Some(checked) = shell(name, &["-n", name], &place) {
            assert!(checked.status.success(), "{name}: {}", stderr(&checked));
        }
    }
    let asked = "source ./bash; COMP_WORDS=(queue-load show --format ''); COMP_CWORD=3; _queue__load queue-load '' --format; echo ${COMPREPLY[@]}";
    if let Some(offered) = shell("bash", &["-c", asked], &place) {
        assert!(stdout(&offered).starts_with("table json markdown csv html junit github hdr"), "{}", stdout(&offered));
    }
    expect_code(&place.run(&["completions", "tcsh"]), 2);
}

#[test]
fn every_verb_has_a_manual_page() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("man1")).unwrap();
    expect_code(&place.run(&["man", "--dir", "man1"]), 0);
    let help = stdout(&place.run(&["--help"]));
    // A verb stands behind two spaces; a line that goes on, behind more.
    let indented = help.lines().filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '-'])));
    let verbs: Vec<&str> = indented
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.starts_with(char::is_alphabetic) && *word != "help")
        .collect();
    assert!(verbs.contains(&"find-max") && verbs.contains(&"man"), "{verbs:?}");
    assert_eq!(place.files("man1").len(), verbs.len() + 1, "{:?}", place.files("man1"));
    for verb in verbs {
        let page = read(&place, &format!("man1/queue-load-{verb}.1"));
        assert!(page.contains(&format!(".TH queue-load-{verb} 1")), "{verb}: {page:.200}");
        assert_eq!(page, stdout(&place.run(&["man", verb])), "{verb}");
    }
    assert!(read(&place, "man1/queue-load.1").contains("130  interrupted"), "the exit codes are on the page");
    let output = place.run(&["man", "fnd-max"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("did you mean `find-max`?"), "{}", stderr(&output));
}

/// A reports directory with something of everything.
fn reports() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("reports/baselines")).unwrap();
    let golden = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json")).unwrap();
    place.write("reports/a.json", &golden);
    place.write("reports/later.json", golden.replacen("\"created_at\": \"20", "\"created_at\": \"21", 1));
    place.write("reports/baselines/main.json", &golden);
    place.write("reports/cut.json", &golden[..golden.len() / 2]);
    place.write("reports/other.json", "{\"a\": \"\\u001b[31m\"}");
    place.write("reports/bytes.json", b"\xff\xfe");
    place.write("reports/newer.json", "{\"schema_version\": 99}");
    place.write("reports/stopped.journal", "");
    place.write("reports/note.txt", "not ours");
    std::fs::create_dir(place.path().join("reports/d.json")).unwrap();
    place
}

#[test]
fn reports_lists_what_is_saved_whatever_state_it_is_in() {
    let place = reports();
    let output = place.run(&["reports", "--format", "json"]);
    expect_code(&output, 0);
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| listed.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(listed.len(), 9, "{listed:?}");
    assert_eq!(listed[0]["name"], "later.json", "the newest first");
    for name in ["a.json", "baselines/main.json"] {
        assert_eq!((&of(name)["verdict"], &of(name)["altered"]), (&"error".into(), &false.into()), "{name}");
        assert!(of(name)["mean_enqueue_ns"].as_f64().unwrap() > 0.0);
        assert_eq!(of(name)["cases"], 6);
    }
    assert_eq!(of("later.json")["altered"], true);
    assert_eq!(of("stopped.journal")["verdict"], "unfinished");
    for (name, said) in [
        ("cut.json", "truncated at line"),
        ("other.json", "not a report"),
        ("bytes.json", "not UTF-8"),
        ("newer.json", "schema_version 99 is newer"),
        ("d.json", "is no file"),
    ] {
        assert_eq!((&of(name)["verdict"], &of(name)["mean_enqueue_ns"]), (&"damaged".into(), &Value::Null), "{name}");
        assert!(of(name)["problem"].as_str().unwrap().contains(said), "{name}: {}", of(name)["problem"]);
    }
    let table = stdout(&place.run(&["reports"]));
    let line =
        |name: &str| table.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name} in {table}"));
    assert!(line("later.json").contains("███") && line("later.json").contains("altered"), "{table}");
    assert!(line(" a.json").contains('█') && line("cut.json").ends_with("damaged"), "{table}");
    assert!(table.contains("\ncut.json: truncated at line") && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn reports_reads_only_so_many_and_says_so() {
    let place = reports();
    let output = place.run(&["reports", "--last", "3", "--format", "json"]);
    expect_code(&output, 0);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&output.stdout).unwrap().len(), 3);
    assert!(stderr(&output).contains("6 older files are left out"), "{}", stderr(&output));
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let empty = place.run(&["reports", "--reports-dir", "empty"]);
    expect_code(&empty, 0);
    assert_eq!((stdout(&empty).as_str(), stderr(&empty).as_str()), ("", "note: no reports in empty\n"));
    let missing = place.run(&["reports", "--reports-dir", "nowhere"]);
    expect_code(&missing, 2);
    assert!(stderr(&missing).contains("--reports-dir"), "{}", stderr(&missing));
}
