//! Annotations of GitHub Actions: one for the whole, then one for each case that did not pass, the worst first.
//!
//! `fail` and `error` are `::error`s, `invalid` is a `::warning`, and so is a known failure that is allowed. They point at
//! the scenario's file. A step shows ten annotations of each kind and silently leaves the rest out, so no more are written,
//! and the first one says how many cases have none. The first one also has the decision of a gate, and the cases that
//! decided it come last.

use crate::render::parts::headline::{Headline, allows_failures};
use crate::render::{comparison, gate_sentence};
use crate::report::{CaseRecord, Report};
use crate::untrusted::Untrusted;
use crate::verdict::{Outcome, OutcomeCounts};

/// How many annotations of each kind a step shows.
pub(in crate::render) const MOST: usize = 10;
/// Longest message, in characters.
const LONGEST: usize = 1_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// The report as workflow commands, one on each line.
#[must_use]
pub fn github(report: &Report) -> String {
    let mut open: Vec<&CaseRecord> = report.cases.iter().filter(|case| case.verdict.outcome != Outcome::Pass).collect();
    open.sort_by_key(|case| std::cmp::Reverse(case.verdict.outcome));
    let gate = report.gate.as_ref().and_then(|gate| gate.decision());
    let whole = Headline::of(report);
    let gate: Vec<Annotation> =
        gate.iter().flat_map(|decision| comparison::annotations(decision, whole.command())).collect();
    let (mut errors, mut warnings) = room(whole, &gate);
    let allowed = allows_failures(report);
    let mut lines = Vec::new();
    for case in &open {
        let (command, word) = told(case.verdict.outcome, allowed);
        let room = if command == "error" { &mut errors } else { &mut warnings };
        if *room > 0 {
            *room -= 1;
            lines.push(of_case(report, case, command, word));
        }
    }
    let left_out = open.len() - lines.len();
    lines.insert(0, of_whole(report, whole, left_out));
    lines.extend(gate.into_iter().map(|annotation| annotation.line));
    lines.join("\n") + "\n"
}

/// An annotation.
pub(in crate::render) struct Annotation {
    /// The command: `notice`, `warning` or `error`.
    pub(in crate::render) command: &'static str,
    /// The whole line.
    pub(in crate::render) line: String,
}

/// How many annotations of each kind are left for the cases, after the one for the whole run and those of the gate.
fn room(whole: Headline, gate: &[Annotation]) -> (usize, usize) {
    let left = |kind: &str| {
        let taken = gate.iter().filter(|annotation| annotation.command == kind).count();
        MOST.saturating_sub(taken + usize::from(whole.command() == kind))
    };
    (left("error"), left("warning"))
}

/// The command and the words for a case; `allowed`: failures are known ones, which are allowed.
fn told(outcome: Outcome, allowed: bool) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Pass => ("notice", outcome.word()),
        Outcome::Fail if allowed => ("warning", "known failure, allowed"),
        Outcome::Invalid => ("warning", outcome.word()),
        Outcome::Fail | Outcome::Error => ("error", outcome.word()),
    }
}

fn of_whole(report: &Report, whole: Headline, left_out: usize) -> String {
    let OutcomeCounts { pass, fail, invalid, error } = report.verdict.cases;
    let by_themselves = if report.gate.is_some() { "cases by themselves: " } else { "" };
    let mut said = vec![format!("{by_themselves}{pass} pass, {fail} fail, {invalid} invalid, {error} error")];
    said.extend(report.verdict.reasons.iter().map(|reason| reason.terminal(LONGEST)));
    if left_out > 0 {
        said.push(format!("{left_out} more cases that did not pass have no annotation of their own"));
    }
    said.extend(gate_sentence(report));
    line(whole.command(), None, &format!("queue-load: {}", whole.word()), &said.join("; "))
}

fn of_case(report: &Report, case: &CaseRecord, command: &str, word: &str) -> String {
    let scenario = report.scenarios.iter().find(|scenario| scenario.name == case.scenario);
    let title = format!("{word}: {}", case.id.terminal(LONGEST_TITLE));
    let reasons: Vec<String> = case.verdict.reasons.iter().take(6).map(|reason| reason.terminal(LONGEST)).collect();
    let message = if reasons.is_empty() { word.to_owned() } else { reasons.join("\n") };
    line(command, scenario.map(|scenario| &scenario.file), &title, &message)
}

/// One workflow command, encoded.
pub(in crate::render) fn line(command: &str, file: Option<&Untrusted>, title: &str, message: &str) -> String {
    let file = file.map_or(String::new(), |file| format!("file={},", file.github_property(LONGEST)));
    format!("::{command} {file}title={}::{}", property(title), data(message))
}

/// Encodes a message: characters that would end the line, and the one that begins an encoded character.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

impl Untrusted {
    /// Makes a text safe for a property of a workflow command: at most `longest` harmless characters, encoded.
    fn github_property(&self, longest: usize) -> String {
        property(&self.terminal(longest))
    }
}

/// Encodes a property: also the characters that would end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_encoded_as_the_runner_decodes_them() {
        assert_eq!(
            line("error", Some(&"a,b:c.toml".into()), "50% of x: y, z", "1\n2\r3%0A::error::x"),
            "::error file=a%2Cb%3Ac.toml,title=50%25 of x%3A y%2C z::1%0A2%0D3%250A::error::x"
        );
        assert_eq!(line("notice", None, "t", "m"), "::notice title=t::m");
    }
}
