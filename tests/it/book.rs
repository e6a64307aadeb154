//! What the README and the pages of docs/ tell their reader to do: every command is run, or at least parsed by the program's
//! own parser; every link leads somewhere.

use crate::support::{Place, stderr, stdout};
use queue_load::internals::cli::understands;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Verbs that are run here; they need no queue and no time. The others are parsed.
const RUN: [&str; 12] = [
    "list",
    "validate",
    "show",
    "compare",
    "gate",
    "queues",
    "schema",
    "init",
    "reports",
    "completions",
    "man",
    "--version",
];

/// Commands of `RUN` that are only parsed, by how they begin, with the reason.
const PARSED: [(&str, &str); 1] =
    [("queue-load show reports/NAME.journal", "a journal is there only after a run that was stopped")];

/// Commands that are neither run nor parsed, by how they begin, with the reason.
const OTHERS: [(&str, &str); 9] = [
    ("cargo test", "this is that command"),
    ("cargo install --path . --locked", "`.ci/run` runs it, with a faster profile"),
    ("drivers/python/setup", "`.ci/run` runs it, as `just python-drivers`"),
    ("marker=$(head -n 1 comment.md)", COMMENT),
    ("id=$(gh api ", COMMENT),
    ("if [ -n \"$id\" ]; then", COMMENT),
    ("gh api --method P", COMMENT),
    ("else", COMMENT),
    ("fi", COMMENT),
];

const COMMENT: &str = "it writes to a pull request on GitHub";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages: (path below the root, text).
fn pages() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "drivers/python/README.md"].map(PathBuf::from).into();
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    paths.extend(
        docs.map(|name| Path::new("docs").join(name))
            .filter(|path| path.extension().is_some_and(|ending| ending == "md")),
    );
    paths
        .into_iter()
        .map(|path| (path.display().to_string(), std::fs::read_to_string(root().join(&path)).unwrap()))
        .collect()
}

/// The commands of a page's blocks of shell, without comments, each on one line.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.replace("\\\n", " ").lines() {
        if line.starts_with("```") {
            inside = ["```sh", "```console"].contains(&line);
        } else if inside {
            let line = line.strip_prefix("$ ").unwrap_or(line).split(" #").next().unwrap().trim();
            found.extend((!line.is_empty() && !line.starts_with('#')).then(|| line.to_owned()));
        }
    }
    found
}

/// The words of a command up to a redirection or a pipe, without quotation marks.
fn words(command: &str) -> Vec<String> {
    let command = command.strip_prefix("source <(").map_or(command, |inner| inner.trim_end_matches(')'));
    let until = command.split([' ']).take_while(|word| !word.starts_with('|') && !word.starts_with('>'));
    until.filter(|word| !word.is_empty()).map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
}

/// The arguments of the program in a command, with its name before them; `None` if it is another program.
fn of_ours(words: &[String]) -> Option<Vec<String>> {
    let ours = match words[0].as_str() {
        "queue-load" => words[1..].to_vec(),
        "cargo" if words[1] == "run" => words[words.iter().position(|word| word == "--")? + 1..].to_vec(),
        _ => return None,
    };
    Some(std::iter::once("queue-load".to_owned()).chain(ours).collect())
}

/// A place with the files that the pages speak of.
fn place() -> Place {
    let place = Place::new();
    let golden = std::fs::read(root().join("tests/data/report.json")).unwrap();
    for directory in ["reports", "nightly", "home/.zfunc", "home/.local/share/man/man1", "scenarios"] {
        std::fs::create_dir_all(place.path().join(directory)).unwrap();
    }
    for name in ["base", "new", "old", "run", "report", "all", "reports/NAME", "nightly/a"] {
        place.write(&format!("{name}.json"), &golden);
    }
    for entry in std::fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, place.path().join("scenarios").join(path.file_name().unwrap())).unwrap();
    }
    place
}

/// A word with what it stands for.
fn meant(word: &str) -> String {
    match word {
        "FILE" | "SCENARIO" => "scenarios/smoke.toml".to_owned(),
        "REPORT" => "report.json".to_owned(),
        "ID" => "concurrency=10 strategy=block".to_owned(),
        other => other.replace("~/", "home/"),
    }
}

/// Follows a command of ours. Returns what is wrong.
fn follow(place: &Place, command: &str, args: &[String]) -> Option<String> {
    let args: Vec<String> = args.iter().map(|word| meant(word)).collect();
    if let Err(error) = understands(&args) {
        return Some(error);
    }
    let missing =
        args.iter().find(|arg| arg.starts_with("scenarios/") && !arg.contains('*') && !root().join(arg).exists());
    if let Some(missing) = missing {
        return Some(format!("there is no {missing}"));
    }
    if !RUN.contains(&args[1].as_str()) || PARSED.iter().any(|(begin, _)| command.starts_with(begin)) {
        return None;
    }
    let words: Vec<&str> = args[1..].iter().map(String::as_str).collect();
    let output = place.run(&words);
    let code = output.status.code();
    let right = match words[0] {
        "gate" => matches!(code, Some(0 | 3 | 4 | 5 | 6)),
        _ => code == Some(0),
    };
    (!right).then(|| format!("exit {code:?}: {}{}", stdout(&output), stderr(&output)))
}

#[test]
fn every_command_of_every_page_is_run_or_parsed() {
    let place = place();
    let justfile = std::fs::read_to_string(root().join("Justfile")).unwrap();
    let recipes: BTreeSet<&str> = justfile
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(':') && !line.contains(":="))
        .filter_map(|line| line.split([' ', ':']).next())
        .collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (page, text) in pages() {
        for command in commands(&text) {
            seen += 1;
            let words = words(&command);
            let problem = match of_ours(&words) {
                Some(args) => follow(&place, &command, &args),
                None if words[0] == "just" => {
                    (!recipes.contains(words[1].as_str())).then(|| "no such recipe".to_owned())
                }
                None if OTHERS.iter().any(|(begin, _)| command.starts_with(begin)) => None,
                None => Some("is neither run nor parsed; OTHERS lists what is not, with its reason".to_owned()),
            };
            wrong.extend(problem.map(|problem| format!("{page}: {command}\n    {problem:.600}")));
        }
    }
    assert!(seen > 50, "{seen} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recipe_that_a_text_names_exists() {
    let justfile = std::fs::read_to_string(root().join("Justfile")).unwrap();
    for (page, text) in pages() {
        for named in text.split("`just ").skip(1) {
            let recipe = named.split([' ', '`', '\n']).next().unwrap();
            let exists = justfile
                .lines()
                .any(|line| line.starts_with(&format!("{recipe}:")) || line.starts_with(&format!("{recipe} ")));
            assert!(exists, "{page}: no recipe `{recipe}`");
        }
    }
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut inside = false;
    let headings = text.lines().filter(|line| {
        inside ^= line.starts_with("```");
        !inside && line.starts_with('#')
    });
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of the links of a page, without those of code.
fn links(text: &str) -> Vec<String> {
    let without_blocks: String = text.split("```").step_by(2).collect();
    without_blocks.split("](").skip(1).filter_map(|rest| Some(rest.split(')').next()?.to_owned())).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for link in links(&text).into_iter().filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => root().join(&page),
                file => root().join(&page).parent().unwrap().join(file),
            };
            let found = target.exists()
                && (heading.is_empty() || anchors(&std::fs::read_to_string(&target).unwrap()).contains(heading));
            wrong.extend((!found).then(|| format!("{page}: {link}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_book_has_every_page() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    let there: BTreeSet<String> = pages()
        .into_iter()
        .filter_map(|(page, _)| page.strip_prefix("docs/").map(str::to_owned))
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(listed, there, "docs/SUMMARY.md, and docs/");
}
