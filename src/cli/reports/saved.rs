//! The files of a reports directory, and what is in them. How much is read of each is bounded, and so is their number.

use crate::render;
use crate::report::{self, Report};
use crate::session::JOURNAL;
use crate::untrusted::Untrusted;
use jiff::Timestamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many names of a directory are looked at.
const MOST_NAMES: usize = 100_000;
/// Largest file that is read for a list.
const MOST_BYTES: u64 = 256 << 20;
/// Where baselines are, below the reports.
const BASELINES: &str = "baselines";

/// A file.
#[derive(Debug)]
pub struct Saved {
    /// Its path below the reports directory.
    pub name: Untrusted,
    /// When its run began; of a file that says nothing, when it was written.
    pub when: Timestamp,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug)]
pub enum Content {
    /// A report.
    Report(Box<Listed>),
    /// The journal of a run that did not finish.
    Unfinished,
    /// It cannot be read, for this reason.
    Damaged(Untrusted),
}

/// What a list says of a report.
#[derive(Debug)]
pub struct Listed {
    /// The names of its scenarios.
    pub scenario: Untrusted,
    /// The ids of its cases: only reports with the same scenarios and cases have comparable numbers.
    pub cases: Vec<Untrusted>,
    /// One word for the whole report.
    pub verdict: &'static str,
    /// What the colour of that word says.
    pub tone: render::Tone,
    /// Whether its digest or its seal says that it was altered.
    pub altered: bool,
    /// The number that stands for the whole.
    pub number: Option<render::HeadlineNumber>,
}

/// The files that were written last, at most `most`, and how many older ones there are.
///
/// # Errors
/// The directory cannot be read.
pub fn files(directory: &Path, most: usize) -> io::Result<(Vec<Saved>, usize)> {
    let mut found = paths(directory)?;
    found.extend(paths(&directory.join(BASELINES)).unwrap_or_default());
    found.sort_unstable();
    let older = found.len().saturating_sub(most);
    let newest = found.into_iter().skip(older);
    let mut saved: Vec<Saved> = newest.map(|(written, path)| look_into(directory, &path, written)).collect();
    saved.sort_by_key(|saved| saved.when);
    Ok((saved, older))
}

/// Reports and journals of a directory, by the time at which they were written.
fn paths(directory: &Path) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let entries = fs::read_dir(directory)?.take(MOST_NAMES).flatten();
    let ours = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json" || ending == JOURNAL);
    let dated = |path: PathBuf| {
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        (written.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default(), path)
    };
    Ok(entries.map(|entry| entry.path()).filter(ours).map(dated).collect())
}

fn look_into(directory: &Path, path: &Path, written: Timestamp) -> Saved {
    let name = path.strip_prefix(directory).unwrap_or(path).display().to_string().into();
    let damaged = |problem: String| Saved {
        name: Untrusted::clone(&name),
        when: written,
        content: Content::Damaged(problem.into()),
    };
    match fs::metadata(path) {
        Err(error) => return damaged(format!("cannot be read: {error}")),
        Ok(metadata) if !metadata.is_file() => return damaged("is no file".to_owned()),
        Ok(metadata) if metadata.len() > MOST_BYTES => {
            return damaged(format!("{} bytes are too many for a list; `queue-load show` reads it", metadata.len()));
        }
        Ok(_) => {}
    }
    if path.extension().is_some_and(|ending| ending == JOURNAL) {
        return Saved { name, when: written, content: Content::Unfinished };
    }
    match report::read(path) {
        Ok(read) => {
            let when = read.report.created_at.as_given().parse().unwrap_or(written);
            Saved { name, when, content: Content::Report(Box::new(listed(&read.report, !read.digest_matches))) }
        }
        Err(error) => {
            // The list has the path already.
            let said = error.to_string();
            damaged(said.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&said).to_owned())
        }
    }
}

fn listed(report: &Report, altered: bool) -> Listed {
    Listed {
        scenario: Untrusted::join(report.scenarios.iter().map(|scenario| &scenario.name), ", "),
        cases: report.cases.iter().map(|case| case.id.clone()).collect(),
        verdict: render::headline(report),
        tone: render::headline_tone(report),
        altered,
        number: render::headline_number(report),
    }
}
