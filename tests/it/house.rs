//! The rules of the house that a compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest function, in lines.
const LONGEST_FUNCTION: usize = 60;

/// The files of the crate itself.
fn sources() -> Vec<(PathBuf, String)> {
    files_in(&["src"])
}

/// The files in these folders, tests and benchmarks included.
fn files_in(roots: &[&str]) -> Vec<(PathBuf, String)> {
    let roots = roots.iter().map(|root| Path::new(env!("CARGO_MANIFEST_DIR")).join(root));
    let (mut folders, mut files): (Vec<PathBuf>, _) = (roots.collect(), Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("target")).then_some(path));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

/// The rooms in the order in which `lib.rs` names them.
fn rooms() -> Vec<String> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let rooms = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    rooms.map(str::to_owned).collect()
}

/// The room that a source file belongs to.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// What a file says outside of its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap()
}

#[test]
fn a_room_imports_only_from_rooms_above_it() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "lib.rs names the rooms");
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let Some(own) = rooms.iter().position(|room| *room == room_of(&path)) else { continue };
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap();
            assert!(!code.contains("crate::{"), "{}:{}: one room to a line", path.display(), number + 1);
            for reference in code.split("crate::").skip(1) {
                let room: String = reference.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if rooms.iter().position(|name| *name == room).is_some_and(|other| other > own) {
                    offences.push(format!("{}:{}: `{room}` stands below `{}`", path.display(), number + 1, rooms[own]));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// The rooms within `render`, those that others build on first. A report that has a gate shows its comparison too, so
/// `comparison` and `formats` are on one level.
const RENDER: [&[&str]; 3] = [&["parts"], &["comparison", "formats", "trend"], &["html"]];

#[test]
fn a_room_of_render_imports_only_from_those_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render");
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let Ok(inside) = path.strip_prefix(&root) else { continue };
        let room = inside.iter().next().unwrap().to_str().unwrap();
        let Some(own) = RENDER.iter().position(|level| level.contains(&room)) else { continue };
        if inside.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap();
            for below in RENDER[own + 1..].iter().copied().flatten() {
                if code.contains(&format!("render::{below}")) {
                    offences.push(format!("{}:{}: `{below}` stands below `{room}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn the_built_in_queue_imports_nothing_else_of_ours() {
    for (path, text) in sources() {
        if room_of(&path) == "log_queue" {
            for line in without_tests(&text).lines().map(|line| line.split("//").next().unwrap()) {
                let foreign = line.split("crate::").skip(1).any(|rest| !rest.starts_with("log_queue"));
                assert!(!foreign, "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn functions_fit_on_a_screen() {
    let mut offences = Vec::new();
    for (path, text) in files_in(&["src", "tests", "benches", "examples"]) {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start().split("//").next().unwrap();
            let is_function = code.starts_with("fn ")
                || (code.starts_with("pub") || code.starts_with("async ")) && code.contains(" fn ");
            if !is_function || code.ends_with(';') {
                continue;
            }
            let end = lines[start..].iter().position(|line| line.trim_end() == format!("{}}}", " ".repeat(indent)));
            if let Some(length) = end.filter(|&length| length >= LONGEST_FUNCTION) {
                offences.push(format!("{}:{}: {} lines", path.display(), start + 1, length + 1));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// A file that is there for tests alone says so by its name.
#[test]
fn files_of_tests_have_names_of_tests() {
    let mut found = 0;
    for (path, text) in sources() {
        for rest in text.split("#[cfg(test)]\n").skip(1) {
            let declared = rest.lines().next().unwrap().trim();
            let named = declared.split_once("mod ").and_then(|(_, name)| name.strip_suffix(';'));
            let Some(name) = named else { continue };
            found += 1;
            let says_so = ["tests", "fixture"].iter().any(|end| name == *end || name.ends_with(&format!("_{end}")));
            assert!(says_so, "{}: `{name}` is for tests alone", path.display());
        }
    }
    assert!(found > 20, "{found} files were found");
}

/// Where `unsafe` stands, and how often: each has its reason there. More of it is a decision, to be written down here.
const UNSAFE: [(&str, usize); 13] = [
    ("src/clock.rs", 1),
    // The core of the built-in queue: see docs/QUEUE.md.
    ("src/log_queue/bytes.rs", 1),
    ("src/log_queue/core.rs", 4),
    ("src/log_queue/lane.rs", 3),
    ("src/log_queue/local.rs", 4),
    ("src/log_queue/loom_tests.rs", 1),
    ("src/log_queue/pool.rs", 5),
    ("src/log_queue/producer.rs", 2),
    ("src/log_queue/slot.rs", 31),
    ("src/log_queue/state_tests.rs", 2),
    ("src/log_queue/tests.rs", 2),
    ("src/log_queue/time.rs", 2),
    ("src/log_queue/worker.rs", 2),
];

#[test]
fn unsafe_is_where_it_is_known_to_be_with_its_reason() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"), "denied everywhere else");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (path, text) in sources() {
        let code = text.lines().map(|line| line.split("//").next().unwrap());
        let blocks = code.filter(|line| line.contains("unsafe {") || line.contains("unsafe fn")).count();
        let in_one_line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("expect( ", "expect(");
        let reasons = in_one_line.matches("expect(unsafe_code, reason = ").count();
        assert_eq!(reasons.min(1), blocks.min(1), "{}: no reason is given", path.display());
        assert!(!text.contains("allow(unsafe_code"), "{}: an exception needs its reason", path.display());
        if blocks > 0 {
            found.push((path.strip_prefix(root).unwrap().display().to_string(), blocks));
        }
    }
    found.sort();
    assert_eq!(found, UNSAFE.map(|(path, blocks)| (path.to_owned(), blocks)));
}

#[test]
fn serde_guesses_nothing() {
    for (path, text) in sources() {
        for attribute in text.lines().filter(|line| line.trim_start().starts_with("#[serde(")) {
            let guesses = attribute.contains("untagged") || attribute.contains("flatten");
            assert!(!guesses, "{}: {attribute}", path.display());
        }
    }
}

/// What is read from a report may hold anything, so no text in it is a plain string.
#[test]
fn every_text_of_a_report_is_untrusted() {
    let models = [
        "report/model.rs",
        "report/decision.rs",
        "report/gating.rs",
        "report/maximum.rs",
        "report/surroundings.rs",
        "verdict/model.rs",
    ];
    let mut offences = Vec::new();
    let mut untrusted = 0;
    for (path, text) in sources() {
        if !models.iter().any(|model| path.ends_with(model)) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let field = line.trim_start().strip_prefix("pub ").filter(|field| field.ends_with(','));
            untrusted += usize::from(field.is_some_and(|field| field.contains("Untrusted")));
            if field.is_some_and(|field| field.contains("String") || field.contains("str,")) {
                offences.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(untrusted > 50, "{untrusted} fields were found");
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}
