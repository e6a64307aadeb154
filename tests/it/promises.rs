//! docs/RELIABILITY.md and docs/SECURITY.md say which test shows a promise. These tests and recipes exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The files of a module as `cargo test` names it, and the files of its tests.
fn files(module: &[&str]) -> Vec<PathBuf> {
    let (folder, path) = match module {
        ["it", rest @ ..] => ("tests/it", rest.join("/")),
        _ => ("src", module.join("/")),
    };
    let endings = [".rs", "/mod.rs", "/tests.rs", "_tests.rs"];
    let files = endings.map(|ending| root().join(folder).join(format!("{path}{ending}")));
    files.into_iter().filter(|file| file.is_file()).collect()
}

/// Whether a file has a function that is named so, with `…` for any part of its name.
fn has_function(file: &Path, pattern: &str) -> bool {
    let names = fs::read_to_string(file).unwrap();
    let names = names.split("fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap());
    let pieces: Vec<&str> = pattern.split('…').collect();
    let fits = |name: &str| {
        let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
        let mut rest = name;
        let in_order = pieces.iter().all(|piece| match rest.find(piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        });
        in_order && name.starts_with(first) && name.ends_with(last)
    };
    names.into_iter().any(fits)
}

/// What stands in code spans of each table's last column, if that is headed `test`.
fn tests_named(document: &str) -> Vec<String> {
    let (mut names, mut is_of_tests) = (Vec::new(), false);
    for (line, next) in document.lines().zip(document.lines().skip(1)) {
        let Some(cell) = line.strip_suffix('|').and_then(|row| row.rsplit('|').next()) else { continue };
        if next.starts_with("|-") {
            is_of_tests = cell.trim() == "test";
        } else if is_of_tests {
            names.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    names
}

/// Why a name leads to no test; `module` is that of the name before, which `…` stands for.
fn problem(name: &str, module: &mut Vec<String>) -> Option<String> {
    if let Some(recipe) = name.strip_prefix("just ") {
        let recipe = recipe.split(' ').next().unwrap_or_default();
        let is_there = read("Justfile").lines().any(|line| line.split([' ', ':']).next() == Some(recipe));
        return (!is_there).then(|| format!("no recipe `{recipe}`"));
    }
    let given: Vec<&str> = name.split("::").filter(|segment| *segment != "tests").collect();
    if let [single] = given[..]
        && !single.starts_with('…')
    {
        return files(&[single]).is_empty().then(|| format!("no module `{single}`"));
    }
    if !given[0].starts_with('…') && !files(&given).is_empty() {
        *module = given.into_iter().map(str::to_owned).collect();
        return None;
    }
    let (function, of) = given.split_last()?;
    if !of.is_empty() && of[0] != "…" {
        *module = of.iter().map(|segment| (*segment).to_owned()).collect();
    }
    let of: Vec<&str> = module.iter().map(String::as_str).collect();
    let found = files(&of).iter().any(|file| has_function(file, function));
    (!found).then(|| format!("no `{function}` in `{}`", of.join("::")))
}

#[test]
fn every_test_that_is_named_exists() {
    let mut problems = Vec::new();
    let mut names = 0;
    for document in ["docs/RELIABILITY.md", "docs/SECURITY.md"] {
        let mut module = Vec::new();
        for name in tests_named(&read(document)) {
            names += 1;
            problems.extend(problem(&name, &mut module).map(|problem| format!("{document}: `{name}`: {problem}")));
        }
    }
    assert!(names > 80, "{names} names were found");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_name_that_leads_nowhere_is_found() {
    let mut module = Vec::new();
    for (name, is_there) in [
        ("it::promises::a_name_that_leads_nowhere_is_found", true),
        ("it::promises", true),
        ("…every_test_…", true),
        ("…_nowhere_is_found", true),
        ("…nowhere_is_lost", false),
        ("it::promises::a_name_that_leads_somewhere", false),
        ("it::promised", false),
        ("report::write::tests::what_is_killed_…", true),
        ("just fuzz 60", true),
        ("just fuss", false),
    ] {
        let problem = problem(name, &mut module);
        assert_eq!(problem.is_none(), is_there, "{name}: {problem:?}");
    }
}
