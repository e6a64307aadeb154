//! The bounds on what comes from outside, each at its edge: docs/SECURITY.md lists them.

use crate::support::{Place, expect_code, stderr, stdout};
use queue_load::internals::scenario::{Context, Overrides, parse};
use queue_load::internals::worker::Queues;
use queue_load::report::BaselineName;
use std::io::Write;
use std::process::Stdio;

fn read(text: &str) -> Result<(), String> {
    let (catalog, overrides) = (Queues::with_own().catalog(), Overrides::default());
    let context = Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 };
    parse("edge.toml", text.as_bytes(), context).map(drop).map_err(|found| found.to_string())
}

const MATRIX: &str = "[matrix]\n";

/// What has a bound, the most that is read, words of the refusal, and a text that is as large as that.
type Edge = (&'static str, usize, &'static str, fn(usize) -> String);

fn table(times: usize, one: impl Fn(usize) -> String) -> String {
    (0..times).map(one).collect()
}

fn edges() -> Vec<Edge> {
    vec![
        ("bytes of a scenario", 1 << 20, "too many for a scenario", |n| {
            format!("{MATRIX}{}", "#".repeat(n - MATRIX.len()))
        }),
        ("characters of a name", 100, "name: is too long", |n| format!("name = \"{}\"\n{MATRIX}", "µ".repeat(n))),
        ("bytes of an expression", 200, "the expression is too long", |n| {
            let expression = format!("{:n$}", "dropped == 0");
            format!("{MATRIX}[[check]]\nexpect = \"{expression}\"\n")
        }),
        ("checks", 200, "201 of them are too many", |n| {
            MATRIX.to_owned() + &"[[check]]\nexpect = \"dropped == 0\"\n".repeat(n)
        }),
        ("excludes", 200, "201 of them are too many", |n| {
            let exclude = |n: usize| format!("[[exclude]]\nmaxsize = {}\n", n + 1);
            let values: Vec<String> = (1..=300).map(|n| n.to_string()).collect();
            format!("[matrix]\nmaxsize = [{}]\n{}", values.join(","), table(n, exclude))
        }),
        ("includes", 10_000, "10001 of them are too many", |n| {
            MATRIX.to_owned() + &table(n, |n| format!("[[include]]\nmaxsize = {}\n", n + 1))
        }),
        ("values of a condition", 1_000, "a list of 1001 values is too long", |n| {
            let values: Vec<String> = (1..=n).map(|n| n.to_string()).collect();
            format!("[matrix]\nmaxsize = [1, 2]\n[[exclude]]\nstrategy = \"drop\"\nmaxsize = [{}]\n", values.join(","))
        }),
        ("cases", 100_000, "100,001 cases are too many", |n| {
            let (first, second) = if n == 100_000 { (1_000, 100) } else { (9_091, 11) };
            let list = |n: usize| (1..=n).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
            format!("[matrix]\nmaxsize = [{}]\nbatch_size = [{}]\n", list(first), list(second))
        }),
        ("repeats", 1_000, "1001 is out of range", |n| format!("{MATRIX}[run]\nrepeats = {n}\n")),
        ("retries", 100, "101 is out of range", |n| format!("{MATRIX}[run]\ninvalid_retries = {n}\n")),
        ("tasks", 10_000, "10001 is out of range", |n| format!("[matrix]\nconcurrency = {n}\nrate = 1\n")),
        ("bytes of a number", 100, "matrix.duration: ", |n| {
            format!("[matrix]\nduration = \"{:0>width$}s\"\n", 1, width = n - 1)
        }),
        ("programs", 100, "101 queues are too many", |n| {
            MATRIX.to_owned() + &table(n, |n| format!("[queues.q{n}]\ncommand = [\"x\"]\n"))
        }),
        ("bytes of a queue's name", 64, "is no name for a queue", |n| {
            format!("{MATRIX}[queues.{}]\ncommand = [\"x\"]\n", "q".repeat(n))
        }),
        ("words of a command", 100, "a list of 101 values is too long", |n| {
            format!("{MATRIX}[queues.q]\ncommand = [{}]\n", "\"x\",".repeat(n))
        }),
        ("bytes of a word", 4_096, "at most 4096 bytes", |n| {
            format!("{MATRIX}[queues.q]\ncommand = [\"x\", \"{}\"]\n", "x".repeat(n))
        }),
        ("variables", 100, "101 variables are too many", |n| {
            format!(
                "{MATRIX}[queues.q]\ncommand = [\"x\"]\n[queues.q.env]\n{}",
                table(n, |n| format!("V{n} = \"1\"\n"))
            )
        }),
    ]
}

#[test]
fn as_much_as_is_read_and_no_more() {
    for (what, most, refusal, text) in edges() {
        assert_eq!(read(&text(most)), Ok(()), "{most} {what}");
        let refused = read(&text(most + 1)).expect_err(what);
        assert!(refused.contains(refusal), "{} {what}: {:.300}", most + 1, refused);
    }
}

#[test]
fn as_many_files_as_are_read_and_no_more() {
    let place = Place::new();
    (0..1_000).for_each(|number| drop(place.write(&format!("{number}.toml"), MATRIX)));
    expect_code(&place.run(&["validate", "*.toml"]), 0);
    place.write("1000.toml", MATRIX);
    let output = place.run(&["validate", "*.toml"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("too many scenario files"), "{}", stderr(&output));
}

#[test]
fn more_repeats_than_a_plan_may_have_are_refused() {
    let place = Place::new();
    let values: Vec<String> = (1..=1_001).map(|number| number.to_string()).collect();
    place.write("many.toml", format!("[matrix]\nmaxsize = [{}]\n[run]\nrepeats = 1_000\n", values.join(",")));
    let output = place.run(&["list", "many.toml"]);
    expect_code(&output, 2);
    assert!(stderr(&output).contains("1,001,000 repeats are too many"), "{}", stderr(&output));
}

#[test]
fn a_request_of_any_length_is_read_in_part() {
    let place = Place::new();
    for length in [1 << 20, (1 << 20) + 1, 8 << 20] {
        let mut command = place.command(&["worker"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may have read enough before all is written.
        let _ = stdin.write_all(&vec![b'x'; length]).and_then(|()| stdin.write_all(b"\n"));
        drop(stdin);
        let said = stdout(&child.wait_with_output().unwrap());
        assert!(said.contains("bad_request") && said.len() < 10_000, "{length}: {said}");
    }
}

#[test]
fn no_name_leads_out_of_the_reports_directory() {
    let long = "x".repeat(300);
    for name in ["../../x", "..", "/x", "a/b", "CON", "nul.txt", "a\\b", "C:x", "", ".", &long] {
        assert!(name.parse::<BaselineName>().is_err(), "{name}");
    }
    let place = Place::new();
    place.write("named.toml", "name = \"../../x\"\n[matrix]\nqueue = \"noop\"\nduration = \"1ms\"\n");
    for name in ["../../x", "CON", &long] {
        for option in ["--save-baseline", "--baseline"] {
            let output = place.run(&["run", "named.toml", option, name]);
            assert!(matches!(output.status.code(), Some(2 | 6)), "{option} {name}: {}", stderr(&output));
        }
    }
    assert_eq!(place.files("."), ["named.toml"], "nothing was written anywhere");
    assert!(!place.path().join("../../x").exists() && !place.path().join("../../x.json").exists());
}
