//! Continues a run that was stopped: finds its journal, and checks everything that must not have changed.

use super::Header;
use super::assemble::About;
use super::destination::JOURNAL;
use super::error::SessionError;
use super::inputs::Inputs;
use super::request::{Against, Place, Request, Resume, Selection};
use crate::capacity::SearchSettings;
use crate::plan::{Layout, Partition, Plan, Program};
use crate::report::{Environment, RepeatName, Sitting};
use crate::run::{Journal, JournalContents};
use crate::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The programs that measure. Another build of one of them would give other numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programs {
    /// SHA-256 of this program's file.
    pub own: String,
    /// SHA-256 of the program of `--ab-exec`.
    pub other: Option<String>,
}

impl Programs {
    /// The programs of a request.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn of(against: &Against) -> Result<Self, SessionError> {
        let own = std::env::current_exe().and_then(|path| digest(&path));
        let own = own.map_err(|error| SessionError::Internal(format!("cannot read this program: {error}")))?;
        let Against::OtherProgram(path) = against else { return Ok(Self { own, other: None }) };
        let unreadable = |error: io::Error| {
            let problem = format!("cannot find it: {error}");
            SessionError::OtherProgram { path: path.clone(), problem }
        };
        Ok(Self { own, other: Some(digest(path).map_err(unreadable)?) })
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hash.update(&chunk[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A run that was stopped.
pub struct Resumed {
    /// Its journal, open.
    pub journal: Journal,
    /// When it began.
    pub created_at: jiff::Timestamp,
    header: Header,
}

impl Resumed {
    /// Finds and opens the journal.
    ///
    /// # Errors
    /// There is no journal, it is damaged, or its run has not stopped.
    pub fn open(resume: &Resume, request: &Request) -> Result<Self, SessionError> {
        let path = find(resume, request)?;
        let no_report = |problem: String| SessionError::NoReport { path: path.clone(), problem };
        let (journal, contents) = Journal::reopen(&path)?;
        let header: Header =
            serde_json::from_value(contents.header).map_err(|error| no_report(format!("its header: {error}")))?;
        let created_at = contents.created_at.parse().map_err(|error| no_report(format!("its time: {error}")))?;
        match (header.search, request.search) {
            (Some(_), None) => return Err(no_report("is of a search; write `find-max --resume`".to_owned())),
            (None, Some(_)) => return Err(no_report("is of a run; write `run --resume`".to_owned())),
            _ => {}
        }
        Ok(Self { journal, created_at, header })
    }

    /// The selection of the request; without scenarios, the whole selection of the journal.
    pub fn selection(&self, asked: &Selection) -> Selection {
        if !asked.scenarios.is_empty() {
            return asked.clone();
        }
        let Inputs { sources, overrides, filters, partition, .. } = &self.header.inputs;
        Selection {
            scenarios: sources.iter().map(|(file, _)| file.as_given().to_owned()).collect(),
            filters: if asked.filters.is_empty() { filters.clone() } else { asked.filters.clone() },
            overrides: if asked.overrides.is_empty() { overrides.clone() } else { asked.overrides.clone() },
            partition: asked.partition.or(*partition),
        }
    }

    /// What the results are compared with: as in the request; if that says nothing, as in the journal, as far as the
    /// journal knows.
    pub fn against(&self, asked: &Against) -> Against {
        match (&self.header.layout, asked) {
            (Layout::Twice, Against::Nothing) => Against::Itself,
            (Layout::Across { axis }, Against::Nothing) => Against::Axis(axis.clone()),
            _ => asked.clone(),
        }
    }

    /// The search that was stopped, with its precision and its number of runs; `None`: it was a run.
    pub fn search(&self) -> Option<SearchSettings> {
        self.header.search
    }

    /// Repeats of a case, if nothing sets their number: as in the journal, if the scenarios come from it.
    pub fn default_repeats(&self, asked: &Request) -> u32 {
        if asked.selection.scenarios.is_empty() { self.header.inputs.default_repeats } else { asked.default_repeats() }
    }

    /// Where the report goes, if the request does not say: beside the journal.
    pub fn place(&self, asked: &Request) -> Place {
        let beside = self.journal.path().parent().unwrap_or(Path::new(""));
        match &asked.place {
            Place::File(_) => asked.place.clone(),
            Place::ReportsDirectory if beside == asked.reports_directory => Place::ReportsDirectory,
            Place::ReportsDirectory | Place::Nowhere => Place::File(report_of(self.journal.path())),
        }
    }

    /// Checks that the planned run is the one that was stopped.
    ///
    /// # Errors
    /// Everything that has changed.
    pub fn check(
        &self,
        inputs: &Inputs,
        plan: &Plan,
        about: &About,
        programs: Option<&Programs>,
    ) -> Result<(), SessionError> {
        let mut changed = changed_inputs(&self.header.inputs, inputs);
        if self.header.layout != plan.layout {
            changed.push("the kind of comparison (--ab, --ab-exec, --calibrate)".to_owned());
        }
        changed.extend(changed_programs(self.header.programs.as_ref(), programs));
        changed.extend(changed_machine(&self.header.environment, &about.environment));
        // The repeats of a search follow from its results, not from the plan alone.
        let strange = |repeat: &crate::plan::PlannedRepeat| self.header.search.is_none() && !plan.has(repeat);
        if changed.is_empty() && self.journal.earlier().any(strange) {
            changed.push("the journal, which has repeats that are not in its plan".to_owned());
        }
        if changed.is_empty() {
            return Ok(());
        }
        let problem = format!(
            "this run cannot continue, since these have changed: {}; `queue-load show` shows its results",
            changed.join("; ")
        );
        Err(SessionError::NoReport { path: self.journal.path().to_owned(), problem })
    }
}

/// Finds the journal.
fn find(resume: &Resume, request: &Request) -> Result<PathBuf, SessionError> {
    let Resume::From(path) = resume else { return newest(request) };
    let no_report = |problem: &str| SessionError::NoReport { path: path.clone(), problem: problem.to_owned() };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(JOURNAL) if path.exists() => Ok(path.clone()),
        Some(JOURNAL) => Err(no_report("there is no such journal")),
        Some("json") => {
            let missing = "has no journal beside it: its run is complete, or the journal was removed";
            newest_of(journals_beside(path)).ok_or_else(|| no_report(missing))
        }
        Some("toml") => Err(no_report("is a scenario; write `run SCENARIO --resume`")),
        _ => Err(no_report("is neither a journal (.journal) nor a report (.json) that has one beside it")),
    }
}

/// The newest journal in the place of the report.
fn newest(request: &Request) -> Result<PathBuf, SessionError> {
    let (place, journals) = match &request.place {
        Place::File(path) => (path.clone(), journals_beside(path)),
        Place::ReportsDirectory | Place::Nowhere => {
            (request.reports_directory.clone(), journals_in(&request.reports_directory))
        }
    };
    newest_of(journals).ok_or_else(|| {
        let problem = "there is no journal of a run that was stopped; name one: --resume FILE.journal";
        SessionError::NoReport { path: place, problem: problem.to_owned() }
    })
}

fn journals_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == JOURNAL)).collect()
}

/// `r.journal`, `r.2.journal`, … of `r.json`.
fn journals_beside(report: &Path) -> Vec<PathBuf> {
    let directory = report.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = |journal: &PathBuf| report_of(journal).file_name() == report.file_name();
    journals_in(directory).into_iter().filter(own).collect()
}

/// The report that belongs to a journal.
fn report_of(journal: &Path) -> PathBuf {
    let stem = journal.with_extension("");
    let number = stem.extension().and_then(|ending| ending.to_str()).filter(|ending| ending.parse::<u32>().is_ok());
    let stem = if number.is_some() { stem.with_extension("") } else { stem };
    let mut name = stem.into_os_string();
    name.push(".json");
    name.into()
}

fn newest_of(journals: Vec<PathBuf>) -> Option<PathBuf> {
    let dated = journals.into_iter().filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)));
    dated.max().map(|(_, path)| path)
}

/// The inputs of the plan that have changed.
fn changed_inputs(old: &Inputs, new: &Inputs) -> Vec<String> {
    let mut changed = Vec::new();
    let text_of = |inputs: &Inputs| -> BTreeMap<String, String> {
        inputs.sources.iter().map(|(file, text)| (file.quoted(), text.clone())).collect()
    };
    let (before, now) = (text_of(old), text_of(new));
    let files: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for file in files {
        match (before.get(file), now.get(file)) {
            (Some(_), None) => changed.push(format!("scenario {file}, which this run does not have")),
            (None, Some(_)) => changed.push(format!("scenario {file}, which the stopped run did not have")),
            (before, now) if before != now => changed.push(format!("scenario {file}")),
            _ => {}
        }
    }
    let given = |inputs: &Inputs| -> BTreeMap<String, String> {
        inputs.overrides.iter().map(|given| (given.key.quoted(), given.text.quoted())).collect()
    };
    let (before, now) = (given(old), given(new));
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    changed.extend(keys.into_iter().filter(|key| before.get(*key) != now.get(*key)).map(|key| {
        let said = |value: Option<&String>| value.map_or("not given".to_owned(), |text| format!("`{text}`"));
        format!("override {key}, which was {} and is {}", said(before.get(key)), said(now.get(key)))
    }));
    for (what, is_same) in [
        ("--filter", old.filters == new.filters),
        ("--partition", same_part(old.partition.as_ref(), new.partition.as_ref())),
        ("the number of repeats (--baseline and --save-baseline raise it)", old.default_repeats == new.default_repeats),
        ("what the programs of [queues] can do", old.capabilities == new.capabilities),
    ] {
        changed.extend((!is_same).then(|| what.to_owned()));
    }
    changed
}

/// Whether both are the same part of a plan, whoever numbered it.
fn same_part(old: Option<&Partition>, new: Option<&Partition>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.is_same_part(new),
        (old, new) => old == new,
    }
}

/// The programs that have changed. A journal of an older build has no programs; then the run cannot continue, since
/// nobody knows.
fn changed_programs(old: Option<&Programs>, new: Option<&Programs>) -> Vec<String> {
    let (Some(old), Some(new)) = (old, new) else {
        return vec!["this program, which is newer than the journal".to_owned()];
    };
    let own = (old.own != new.own).then(|| "this program, which is another build".to_owned());
    let other = (old.other != new.other).then(|| "the program of --ab-exec".to_owned());
    own.into_iter().chain(other).collect()
}

/// The properties of the machine that have changed.
fn changed_machine(old: &Environment, new: &Environment) -> Vec<String> {
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let quoted = |text: &Option<Untrusted>| text.as_ref().map(Untrusted::quoted);
    // After a restart, a kernel may keep a little more or less memory for itself.
    let memory = match (old.memory_bytes, new.memory_bytes) {
        (Some(before), Some(now)) if before.abs_diff(now) < before / 20 => Some(before),
        (_, now) => now,
    };
    let properties = [
        ("platform", Some(old.platform.quoted()), Some(new.platform.quoted())),
        ("CPU model", quoted(&old.cpu_model), quoted(&new.cpu_model)),
        ("number of CPUs", text(old.cores), text(new.cores)),
        ("memory", text(old.memory_bytes), text(memory)),
        ("kernel", quoted(&old.kernel), quoted(&new.kernel)),
        ("governor", quoted(&old.governor), quoted(&new.governor)),
    ];
    let said = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let differ = properties.into_iter().filter(|(_, old, new)| old != new);
    differ.map(|(what, old, new)| format!("{what}, which was {} and is {}", said(old), said(new))).collect()
}

/// Which repeats ran when, from the journal of a run that was stopped; empty if it never was.
pub fn sittings(plan: &Plan, contents: &JournalContents) -> Vec<Sitting> {
    if contents.sittings.is_empty() {
        return Vec::new();
    }
    let first = (contents.created_at.clone(), 0);
    let later = contents.sittings.iter().map(|(sitting, records)| (sitting.began_at.clone(), *records));
    let begins: Vec<(String, usize)> = std::iter::once(first).chain(later).collect();
    let ends = begins.iter().skip(1).map(|(_, records)| *records).chain([contents.records.len()]);
    let of = |((began_at, from), to): (&(String, usize), usize)| {
        let own =
            contents.records[*from..to].iter().filter(|record| plan.slot_of(&record.repeat).program == Program::Own);
        let repeats = own.map(|record| RepeatName {
            case: record.repeat.case_id.clone(),
            repeat: record.repeat.repeat,
            attempt: record.repeat.attempt,
        });
        Sitting { began_at: began_at.as_str().into(), repeats: repeats.collect() }
    };
    begins.iter().zip(ends).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Override;

    fn inputs() -> Inputs {
        Inputs {
            sources: vec![("a.toml".into(), "[matrix]".into())],
            overrides: vec![Override::from_command_line("rate", "1")],
            filters: Vec::new(),
            default_repeats: 3,
            capabilities: BTreeMap::new(),
            partition: None,
        }
    }

    #[test]
    fn the_inputs_of_the_plan_must_not_have_changed() {
        let changed = |change: fn(&mut Inputs)| {
            let mut new = inputs();
            change(&mut new);
            changed_inputs(&inputs(), &new).join("; ")
        };
        assert_eq!(changed(|_| {}), "");
        for (change, said) in [
            ((|new| new.sources[0].1.push('#')) as fn(&mut Inputs), "scenario a.toml"),
            (
                |new| new.sources[0].0 = "b.toml".into(),
                "scenario a.toml, which this run does not have; scenario b.toml, which the stopped run did not have",
            ),
            (|new| new.overrides.clear(), "override rate, which was `1` and is not given"),
            (|new| new.overrides[0].text = "2".into(), "override rate, which was `1` and is `2`"),
            (
                |new| new.overrides.push(Override::from_command_line("maxsize", "5")),
                "override maxsize, which was not given and is `5`",
            ),
            (|new| new.filters.push("rate=1".into()), "--filter"),
            (|new| new.partition = Partition::read("2/5", &|_| None).ok(), "--partition"),
            (|new| new.default_repeats = 10, "the number of repeats (--baseline and --save-baseline raise it)"),
        ] {
            assert_eq!(changed(change), said);
        }
    }

    #[test]
    fn program_and_machine_must_be_the_same() {
        let machine = Environment { kernel: Some("6.1".into()), cores: Some(2), ..Environment::default() };
        let other = Environment { kernel: Some("6.2".into()), cores: None, ..machine.clone() };
        assert_eq!(changed_machine(&machine, &machine), [""; 0]);
        assert_eq!(
            changed_machine(&machine, &other),
            ["number of CPUs, which was 2 and is unknown", "kernel, which was 6.1 and is 6.2"]
        );
        let with_memory = |bytes| Environment { memory_bytes: Some(bytes), ..machine.clone() };
        assert_eq!(changed_machine(&with_memory(1_000), &with_memory(990)), [""; 0]);
        assert_eq!(changed_machine(&with_memory(1_000), &with_memory(500)), ["memory, which was 1000 and is 500"]);
        let elsewhere = Environment { git_commit: Some("abc".into()), ..machine.clone() };
        assert_eq!(changed_machine(&machine, &elsewhere), [""; 0], "the working directory is not what measures");
        let program = |own: &str, other: Option<&str>| Programs { own: own.into(), other: other.map(str::to_owned) };
        let said = |old: Option<&Programs>, new: &Programs| changed_programs(old, Some(new)).join("; ");
        let old = program("a", Some("x"));
        assert_eq!(said(Some(&old), &old), "");
        assert_eq!(said(Some(&old), &program("b", Some("x"))), "this program, which is another build");
        assert_eq!(said(Some(&old), &program("a", None)), "the program of --ab-exec");
        assert!(said(None, &old).contains("newer than the journal"));
    }

    #[test]
    fn a_program_is_known_by_what_is_in_its_file() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("old");
        std::fs::write(&file, "one").unwrap();
        let first = Programs::of(&Against::OtherProgram(file.clone())).unwrap();
        assert_eq!(Programs::of(&Against::OtherProgram(file.clone())).unwrap(), first);
        assert_eq!(Programs::of(&Against::Nothing).unwrap().own, first.own);
        std::fs::write(&file, "two").unwrap();
        assert_ne!(Programs::of(&Against::OtherProgram(file.clone())).unwrap().other, first.other);
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(Programs::of(&Against::OtherProgram(file)), Err(SessionError::OtherProgram { .. })));
    }

    #[test]
    fn the_journal_that_is_meant_is_found() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name);
        let find = |name: &str| find(&Resume::From(file(name)), &Request::default()).map_err(|error| error.to_string());
        std::fs::write(file("r.2.journal"), "").unwrap();
        std::fs::write(file("other.journal"), "").unwrap();
        assert_eq!(find("r.2.journal"), Ok(file("r.2.journal")));
        assert_eq!(find("r.json"), Ok(file("r.2.journal")));
        for (name, said) in [
            ("r.journal", "no such journal"),
            ("x.json", "no journal beside it"),
            ("a.toml", "is a scenario; write `run SCENARIO --resume`"),
            ("r.txt", "neither a journal"),
        ] {
            assert!(find(name).is_err_and(|error| error.contains(said)), "{name}");
        }
        let newest = |place: Place, reports: &Path| {
            newest(&Request { place, reports_directory: reports.to_owned(), ..Request::default() }).ok()
        };
        assert_eq!(newest(Place::File(file("r.json")), Path::new("no")), Some(file("r.2.journal")));
        assert_eq!(newest(Place::File(file("x.json")), place.path()), None);
        assert!(newest(Place::ReportsDirectory, place.path()).is_some());
        assert_eq!(newest(Place::ReportsDirectory, Path::new("no")), None);
    }

    #[test]
    fn a_journal_belongs_to_the_report_of_its_name() {
        for (journal, report) in [
            ("a/r.journal", "a/r.json"),
            ("r.2.journal", "r.json"),
            ("r.x.journal", "r.x.json"),
            ("2026-01.journal", "2026-01.json"),
        ] {
            assert_eq!(report_of(Path::new(journal)), Path::new(report), "{journal}");
        }
    }
}
