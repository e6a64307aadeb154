//! Reports in every format, as programs in other languages read them. The report is the golden one of `render`.

use crate::support::{Place, expect_code, share_the_machine, stderr, stdout};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names an interpreter that has `hdrhistogram`, `prometheus_client` and `apache-otava` installed.
const PARSERS: &str = "QUEUE_LOAD_PARSERS_PYTHON";

/// Every format that goes to stdout.
const FORMATS: [&str; 12] = [
    "table",
    "json",
    "markdown",
    "csv",
    "html",
    "junit",
    "github",
    "hdr",
    "bencher",
    "custom-smaller-is-better",
    "openmetrics",
    "otava-csv",
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json")
}

fn golden_json() -> Value {
    serde_json::from_slice(&std::fs::read(golden()).unwrap()).unwrap()
}

/// What `show` prints of the golden report.
fn shown(format: &str) -> Vec<u8> {
    let output = Place::new().run(&["show", golden().to_str().unwrap(), "--format", format]);
    expect_code(&output, 0);
    assert_eq!(stderr(&output), "");
    output.stdout
}

/// Hands a file to a Python program and returns the JSON that it prints.
fn python(interpreter: &str, program: &str, file: &Path) -> Value {
    let output = Command::new(interpreter).args(["-c", program]).arg(file).output().expect("Python is there");
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// (codes of the case, codes of the discarded repeat, whether CI may blame the machine)
#[test]
fn ci_blames_the_machine_by_codes_and_by_nothing_else() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/blames_machine.py");
    let mut report = golden_json();
    let late = report["cases"][3].clone();
    assert_eq!(late["verdict"]["outcome"], "invalid");
    for (of_case, of_repeat, expected) in [
        (&["no_valid_repeat"][..], Some(&["generator_late", "machine_busy"][..]), true),
        (&["no_valid_repeat"], Some(&["generator_late", "control_too_short"]), false),
        (&["no_valid_repeat"], Some(&["recorded"]), false),
        (&["no_valid_repeat"], Some(&[]), false),
        (&["no_valid_repeat"], None, false),
        (&["outnumbered", "stolen_cpu"], Some(&["stolen_cpu"]), true),
        (&["check_undecided"], Some(&["stolen_cpu"]), false),
        (&[], Some(&["stolen_cpu"]), false),
    ] {
        let mut case = late.clone();
        // The sentences are none that the program would say.
        let reasons = |codes: &[&str]| serde_json::json!(vec!["for a reason"; codes.len().max(1)]);
        case["verdict"]["reasons"] = reasons(of_case);
        case["verdict"]["reason_codes"] = serde_json::json!(of_case);
        let aside = case["set_aside"][0].as_object_mut().unwrap();
        aside.remove("reason_codes");
        aside.insert("reasons".into(), reasons(of_repeat.unwrap_or_default()));
        aside.extend(of_repeat.map(|codes| ("reason_codes".to_owned(), serde_json::json!(codes))));
        report["cases"] = serde_json::json!([case]);
        let file = std::fs::File::open(place.write("r.json", report.to_string())).unwrap();
        let output = Command::new("python3").arg(&script).stdin(file).output().expect("Python is there");
        assert_eq!(output.status.success(), expected, "{of_case:?} {of_repeat:?}: {}", stdout(&output));
    }
}

#[test]
fn csv_is_what_pythons_csv_reads() {
    let place = Place::new();
    let file = place.write("r.csv", shown("csv"));
    let program = "import csv, json, sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))))";
    let rows = python("python3", program, &file);
    let rows = rows.as_array().unwrap();
    let report = golden_json();
    let status: Vec<&str> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["valid", "valid", "valid", "valid", "set aside", "valid", "error"]);
    let (row, repeat) = (&rows[3], &report["cases"][2]["repeats"][0]);
    assert_eq!(row["case"], report["cases"][2]["id"]);
    for (column, number) in [
        ("concurrency", &report["cases"][2]["parameters"]["concurrency"]),
        ("duration_ns", &report["cases"][2]["parameters"]["duration_ns"]),
        ("unsent_logs", &repeat["ledger"]["unsent"]),
        ("enqueue_p99_ns", &repeat["latency"]["enqueue"]["p99_ns"]),
        ("response_censored_count", &repeat["latency"]["response"]["censored"]),
    ] {
        assert_eq!(row[column].as_str().unwrap(), number.to_string(), "{column}");
    }
    let mean = repeat["latency"]["enqueue"]["mean_ns"].as_f64().unwrap();
    assert_eq!(row["enqueue_mean_ns"].as_str().unwrap().parse::<f64>().unwrap(), mean, "to the last bit");
    assert_eq!(row["enqueue_p99_99_ns"], "", "too few samples");
    let columns = rows[0].as_object().unwrap().len();
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == columns), "no row is longer or shorter");
    for axis in report["cases"][0]["parameters"].as_object().unwrap().keys() {
        let known =
            |name: &String| name == axis || axis == "rate" || (axis == "sample_rate" && name == "sample_rate_share");
        assert!(rows[0].as_object().unwrap().keys().any(known), "no column for {axis}");
    }
}

#[test]
fn junit_is_what_pythons_etree_reads() {
    let place = Place::new();
    let file = place.write("r.xml", shown("junit"));
    let program = "\
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(json.dumps({
    'root': [root.tag, dict(root.attrib)],
    'cases': [[suite.get('name'), case.get('name'), [[child.tag, child.get('type'), child.get('message')] for child in case]]
              for suite in root.iter('testsuite') for case in suite.iter('testcase')],
}))";
    let read = python("python3", program, &file);
    let report = golden_json();
    let cases = read["cases"].as_array().unwrap();
    assert_eq!(read["root"][0], "testsuites");
    assert_eq!(read["root"][1]["tests"], cases.len().to_string());
    let ended = |tag: &str| {
        let children = cases.iter().flat_map(|case| case[2].as_array().unwrap());
        children.filter(|child| child[0] == tag).count()
    };
    let checks = |outcome: &str| {
        let cases = report["cases"].as_array().unwrap().iter();
        let checks = cases.flat_map(|case| case["verdict"]["checks"].as_array().unwrap());
        checks.filter(|check| check["outcome"] == outcome).count()
    };
    assert_eq!(ended("failure"), checks("fail"));
    // What cannot be told of checks, the run that broke, and the one without a valid repeat.
    assert_eq!(ended("error"), checks("invalid") + checks("error") + 2);
    assert_eq!(ended("skipped"), 0, "nothing that did not pass looks as if it had");
    let broken = cases.iter().find(|case| case[2][0][1] == "hung").unwrap();
    assert_eq!(broken[2][0][2], "hung: no result within its deadline of 42 s");
}

#[test]
fn hdr_is_what_the_python_port_of_hdrhistogram_reads() {
    let Some(interpreter) = std::env::var_os(PARSERS) else {
        eprintln!("skipped: set {PARSERS} to a Python that has `hdrhistogram` to run it");
        return;
    };
    let place = Place::new();
    let file = place.write("r.hlog", shown("hdr"));
    let program = "\
import json, sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
reference = HdrHistogram(1, 100_000_000_000_000, 3)
reader, read = HistogramLogReader(sys.argv[1], reference), []
while (histogram := reader.get_next_interval_histogram()) is not None:
    read.append([histogram.get_tag(), histogram.get_total_count(), histogram.get_value_at_percentile(50),
                 histogram.get_max_value(), histogram.get_start_time_stamp(), histogram.get_end_time_stamp()])
print(json.dumps(read))";
    let read = python(interpreter.to_str().unwrap(), program, &file);
    let report = golden_json();
    let mut expected = 0;
    for case in report["cases"].as_array().unwrap() {
        let Some(latencies) = case["summary"]["latency"].as_object() else { continue };
        for (name, latency) in latencies.iter().filter(|(_, latency)| latency["count"].as_u64() > Some(0)) {
            expected += 1;
            let tag = format!("{}.{name}", case["id"].as_str().unwrap().replace(' ', ";"));
            let found = read.as_array().unwrap().iter().find(|line| line[0] == tag.as_str());
            let found = found.unwrap_or_else(|| panic!("no {tag} in {read}"));
            assert_eq!(found[1], latency["count"], "{tag}");
            for (index, statistic) in [(2, "p50_ns"), (3, "max_ns")] {
                let (theirs, ours) = (found[index].as_f64().unwrap(), latency[statistic].as_f64().unwrap());
                assert!((theirs - ours).abs() <= ours / 1e3, "{tag}: {statistic}: {theirs} and {ours}");
            }
        }
    }
    assert_eq!(read.as_array().unwrap().len(), expected);
}

/// The golden report with a name put wherever a text from outside can stand.
fn hostile(name: &str) -> Vec<u8> {
    let mut report = golden_json();
    for key in ["/tool/name", "/tool/version", "/created_at", "/scenarios/0/name", "/scenarios/0/file"] {
        *report.pointer_mut(key).unwrap() = name.into();
    }
    report["scenarios"][0]["description"] = name.into();
    report["verdict"]["reasons"] = serde_json::json!([name]);
    for key in ["platform", "cpu_model", "kernel", "rustc", "profile", "git_commit"] {
        report["environment"][key] = name.into();
    }
    for (index, case) in report["cases"].as_array_mut().unwrap().iter_mut().enumerate() {
        // Ids stay different from each other.
        case["id"] = format!("{name}{index}").into();
        case["scenario"] = name.into();
        case["parameters"]["queue"] = format!("{name}{index}").into();
        case["verdict"]["reasons"] = serde_json::json!([name, name]);
        for check in case["verdict"]["checks"].as_array_mut().unwrap() {
            for key in ["name", "subject", "expression", "reason"] {
                check[key] = name.into();
            }
        }
        for error in case["errors"].as_array_mut().unwrap() {
            error["kind"] = name.into();
            error["message"] = name.into();
            error["stderr_tail"] = serde_json::json!([name, name]);
        }
        for aside in case["set_aside"].as_array_mut().unwrap() {
            aside["reasons"] = serde_json::json!([name]);
        }
        for repeat in case["repeats"].as_array_mut().unwrap() {
            repeat["queue_version"] = name.into();
        }
    }
    serde_json::to_vec(&report).unwrap()
}

/// Names that have done harm somewhere.
fn names() -> Vec<String> {
    vec![
        "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>".into(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31mred".into(),
        "::error::pwned".into(),
        "x\n::error file=a::pwned\r\n::set-output name=a::b".into(),
        "##[error]pwned".into(),
        "=cmd|'/C calc'!A0".into(),
        "\t=HYPERLINK(\"http://x\")".into(),
        "+1-1@x".into(),
        "\u{202e}\u{2066}txet\u{200f}\u{200b}\u{2069}\u{feff}".into(),
        "a\0b".into(),
        "a,b;\"c\"\r\nd|e".into(),
        "`x` ``` @user [a](http://b) ![i](j) <!-- | & ]]> <![CDATA[".into(),
        "%0A%0D::x,file=y".into(),
        "\u{fffe}\u{ffff}\u{10ffff}".into(),
        format!("{}::error::{}", "x".repeat(79), "日".repeat(10_000)),
        String::new(),
    ]
}

#[test]
fn hostile_names_come_out_harmless_in_every_format() {
    let place = Place::new();
    for name in names() {
        place.write("r.json", hostile(&name));
        for format in FORMATS {
            let output = place.run(&["show", "r.json", "--format", format]);
            expect_code(&output, 0);
            let text = stdout(&output);
            let said = format!("{format} of {:.100}:\n{text:.5000}", format!("{name:?}"));
            harmless(&text, format, &said);
            harmless(&stderr(&output), "table", &said);
            assert!(format == "json" || text.len() < 1_000_000, "{format}: {} bytes", text.len());
        }
    }
}

/// What must hold of a text in a terminal and in the log of a job, whatever the format.
fn harmless(text: &str, format: &str, said: &str) {
    let dangerous = |c: char| {
        let allowed = c == '\n' || (c == '\r' && format == "csv");
        (c.is_control() && !allowed)
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
    };
    assert!(!text.chars().any(dangerous), "{said}");
    if format == "github" {
        let commands = ["::error ", "::warning ", "::notice "];
        assert!(text.lines().all(|line| commands.iter().any(|command| line.starts_with(command))), "{said}");
    } else if format != "json" {
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{said}");
        assert!(!text.contains("##["), "{said}");
    }
    if format == "html" {
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "{said}");
    }
    if format == "junit" {
        assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<!"), "{said}");
    }
}

#[test]
fn hostile_names_leave_csv_and_xml_readable() {
    let place = Place::new();
    let csv = "\
import csv, json, sys
rows = list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
formulas = [cell for row in rows[1:] for cell in row if cell and cell[0] in '=+-@\\t\\r' and not cell.lstrip('-').replace('.', '').isdigit()]
print(json.dumps([len(rows), len({len(row) for row in rows}), formulas]))";
    let xml = "\
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(json.dumps([len(list(root.iter('testcase'))), sorted({element.tag for element in root.iter()})]))";
    let tags = ["error", "failure", "properties", "property", "system-err", "testcase", "testsuite", "testsuites"];
    for name in names() {
        place.write("r.json", hostile(&name));
        for (format, program, expected) in
            [("csv", csv, serde_json::json!([8, 1, []])), ("junit", xml, serde_json::json!([57, tags]))]
        {
            let output = place.run(&["show", "r.json", "--format", format]);
            let file = place.write("out", &output.stdout);
            assert_eq!(python("python3", program, &file), expected, "{format} of {name:?}");
        }
    }
}

#[test]
fn show_writes_files_instead_of_stdout_each_as_its_ending_says() {
    let place = Place::new();
    let report = golden();
    let names = ["r.json", "r.md", "r.csv", "r.html", "r.xml", "r.hlog", "r.txt"];
    let outputs: Vec<&str> = names.iter().flat_map(|name| ["--output", name]).collect();
    let output = place.run(&[&["show", report.to_str().unwrap()][..], &outputs].concat());
    expect_code(&output, 0);
    assert_eq!(stdout(&output), "");
    for (name, format) in names.iter().zip(["json", "markdown", "csv", "html", "junit", "hdr", "table"]) {
        assert!(std::fs::read(place.path().join(name)).unwrap() == shown(format), "{name}");
    }
    assert_eq!(place.files(".").len(), names.len(), "nothing else is left");
    for (args, said) in [
        (&["--output", "r.yaml"][..], ".json, .html, .md"),
        (&["--output", "r.md", "--format", "csv"], "means markdown"),
        (&["--output", "r.md", "--output", "r.md"], "twice"),
    ] {
        let output = place.run(&[&["show", report.to_str().unwrap()][..], args].concat());
        expect_code(&output, 2);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

/// Runs a program whose stderr is a terminal; its stdout is passed on, and so is its exit code.
const WITH_A_TERMINAL: &str = "\
import os, pty, subprocess, sys, threading
master, slave = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
os.close(slave)
seen = bytearray()
def drain():
    try:
        while data := os.read(master, 65536):
            seen.extend(data)
    except OSError:
        pass
reader = threading.Thread(target=drain)
reader.start()
result = program.stdout.read()
code = program.wait()
reader.join()
assert b'\\x1b[J' in seen, 'no progress was shown'
sys.stdout.buffer.write(result)
sys.stdout.flush()
sys.exit(code)";

#[test]
#[ignore = "takes real time"]
fn stdout_is_the_result_alone_while_progress_is_shown() {
    let place = Place::new();
    let scenario = "[target]\nthroughput = \"2k/s\"\n[matrix]\nqueue = \"noop\"\nconcurrency = 2\nrate = \"1k/s\"\nduration = \"100ms\"\n[run]\nwarmup = \"0s\"\nrepeats = 1\n";
    place.write("quick.toml", scenario);
    for format in FORMATS {
        let saved = format!("{format}.json");
        let _shared = share_the_machine();
        let output = Command::new("python3")
            .args([
                "-c",
                WITH_A_TERMINAL,
                env!("CARGO_BIN_EXE_queue-load"),
                "run",
                "quick.toml",
                "--invalid-retries",
                "0",
            ])
            .args(["--format", format, "--output", &saved])
            .current_dir(place.path())
            .env("TERM", "xterm-256color")
            .output()
            .unwrap();
        // A busy machine may spoil the measurement; that is not what this is about.
        assert!(matches!(output.status.code(), Some(0 | 5)), "{format}: {}", stderr(&output));
        let shown = place.command(&["show", &saved, "--format", format]).output().unwrap();
        assert!(output.stdout == shown.stdout, "{format}: {:.2000}", stdout(&output));
    }
}

#[test]
fn one_case_is_found_by_its_id_or_by_what_tells_it_apart() {
    let place = Place::new();
    let report = golden();
    let show =
        |id: &str, more: &[&str]| place.run(&[&["show", report.to_str().unwrap(), "--case", id][..], more].concat());
    let whole = show("concurrency=10 strategy=block", &[]);
    expect_code(&whole, 0);
    let text = stdout(&whole);
    for part in
        ["by percentile", "scheduled 10,000", "target.latency", "Verdict: fail", "environment: queue-load 0.0.0"]
    {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_eq!(show("strategy=block concurrency=10", &[]).stdout, whole.stdout, "the pairs in another order");
    assert_eq!(stdout(&show("strategy=block,concurrency=10", &["--format", "csv"])).lines().count(), 2);
    for (id, said) in [
        ("concurrency=10 strategy=blok", "did you mean `concurrency=10 strategy=block`"),
        ("concurrency=100", "may be any of: concurrency=100 strategy=drop; concurrency=100 strategy=sample"),
        ("nothing like it", "its cases: concurrency=10 strategy=drop;"),
        ("", "has no case"),
    ] {
        let output = show(id, &[]);
        expect_code(&output, 2);
        assert!(stderr(&output).contains(said), "{id}: {}", stderr(&output));
    }
}

#[test]
fn latest_is_the_newest_report_and_a_missing_file_is_asked_about() {
    let place = Place::new();
    let output = place.run(&["show", "latest"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("--reports-dir"), "{}", stderr(&output));
    std::fs::create_dir(place.path().join("reports")).unwrap();
    let written = |name: &str, content: &[u8], seconds: u64| {
        let path = place.write(&format!("reports/{name}"), content);
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
    };
    let golden = std::fs::read(golden()).unwrap();
    written("old.json", &golden, 1_000);
    written("new.json", &golden, 2_000);
    written("package.json", b"{\"name\": \"no report\"}", 3_000);
    let output = place.run(&["show", "latest"]);
    expect_code(&output, 0);
    assert_eq!(stderr(&output), "note: reports/new.json\n");
    written("cut.journal", b"", 2_500);
    let output = place.run(&["show", "latest", "--format", "csv"]);
    assert!(stderr(&output).contains("queue-load show reports/cut.journal"), "{}", stderr(&output));
    let output = place.run(&["show", "nwe.json"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("did you mean `reports/new.json`"), "{}", stderr(&output));
}

#[test]
fn colour_comes_where_it_is_wanted_and_nowhere_else() {
    let place = Place::new();
    let report = golden();
    let show = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = place.command(&[&["show", report.to_str().unwrap()][..], args].concat());
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        expect_code(&output, 0);
        stdout(&output)
    };
    let plain = show(&[], &[]);
    assert!(!plain.contains('\u{1b}'));
    let coloured = show(&["--color", "always"], &[("NO_COLOR", "1")]);
    assert!(coloured.contains("\u{1b}[31m✗12.0%\u{1b}[0m") && coloured.contains("\u{1b}[33m? invalid\u{1b}[0m"));
    let stripped = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"]
        .iter()
        .fold(coloured.clone(), |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain, "colour moves nothing");
    assert_eq!(show(&[], &[("CLICOLOR_FORCE", "1")]), coloured);
    assert_eq!(show(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
    for format in FORMATS.into_iter().filter(|format| !matches!(*format, "table" | "html")) {
        assert!(!show(&["--color", "always", "--format", format], &[]).contains('\u{1b}'), "{format}");
    }
}

#[test]
fn columns_are_explained_to_people_alone() {
    let place = Place::new();
    let report = golden();
    let output = place.run(&["show", report.to_str().unwrap(), "--explain"]);
    expect_code(&output, 0);
    for column in [
        "accepted",
        "enqueue mean",
        "enqueue p99",
        "enqueue max",
        "response p99",
        "dropped",
        "sampled out",
        "lost",
        "verdict",
    ] {
        assert!(stdout(&output).contains(&format!("\n{column}: ")), "{column}");
    }
    let output = place.run(&["show", report.to_str().unwrap(), "--explain", "--format", "csv"]);
    expect_code(&output, 2);
    assert_eq!(stdout(&output), "");
}
