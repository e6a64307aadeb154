//! The headline of a report, in every format: one word for the whole, never better than the exit code.

use crate::render::parts::paint::Tone;
use crate::report::{GateOutcome, Report};
use crate::verdict::{ExitOutcome, Outcome};

/// The text before the word in a terminal.
pub(in crate::render) const VERDICT: &str = "Verdict: ";

/// The word for the whole of a report; the order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::render) enum Headline {
    /// Everything holds.
    Pass,
    /// Something cannot be trusted.
    Invalid,
    /// Compared with a baseline, the repeats are inconclusive.
    Inconclusive,
    /// It cannot be compared with its baseline.
    Incomparable,
    /// Some case is worse than in the baseline.
    Regressed,
    /// Some case fails.
    Fail,
    /// Some case broke.
    Error,
    /// Ended before the plan was finished.
    Interrupted,
}

/// One word for a whole report: the worst of its cases, its gate and its exit code.
#[must_use]
pub fn headline(report: &Report) -> &'static str {
    Headline::of(report).word()
}

/// What the colour of that word says.
#[must_use]
pub fn headline_tone(report: &Report) -> Tone {
    Tone::of(Headline::of(report))
}

impl Headline {
    /// The headline of a report.
    pub(in crate::render) fn of(report: &Report) -> Self {
        let verdict = &report.verdict;
        Self::worst_of(verdict.outcome, report.gate.as_ref().map(|gate| gate.outcome), verdict.exit)
    }

    /// The worst of three: the outcome of the cases alone, the decision of the gate, and the exit code. Failures over which
    /// a gate and the whole pass are known ones, which are allowed.
    fn worst_of(cases: Outcome, gate: Option<GateOutcome>, exit: ExitOutcome) -> Self {
        if are_allowed(cases, gate, exit) {
            return Self::Pass;
        }
        let of_exit = match exit {
            ExitOutcome::Pass => Self::Pass,
            ExitOutcome::Failed => Self::Fail,
            ExitOutcome::Regressed => Self::Regressed,
            ExitOutcome::Invalid => Self::Invalid,
            ExitOutcome::Incomparable => Self::Incomparable,
            ExitOutcome::Interrupted => Self::Interrupted,
        };
        Self::of_case(cases).max(of_exit).max(gate.map_or(Self::Pass, Self::of_gate))
    }

    /// The headline of a case, or of all cases by themselves.
    pub(in crate::render) const fn of_case(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Invalid => Self::Invalid,
            Outcome::Fail => Self::Fail,
            Outcome::Error => Self::Error,
        }
    }

    /// The headline of a gate alone.
    pub(in crate::render) const fn of_gate(gate: GateOutcome) -> Self {
        match gate {
            GateOutcome::Pass => Self::Pass,
            GateOutcome::Failed => Self::Fail,
            GateOutcome::Regressed => Self::Regressed,
            GateOutcome::Inconclusive => Self::Inconclusive,
            GateOutcome::Incomparable => Self::Incomparable,
        }
    }

    /// The word.
    pub(in crate::render) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Invalid => "invalid",
            Self::Inconclusive => "inconclusive",
            Self::Incomparable => "incomparable",
            Self::Regressed => "regressed",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
        }
    }

    /// The mark before the word where emoji are not used; nothing before a pass.
    pub(in crate::render) const fn mark(self) -> &'static str {
        match self {
            Self::Pass => "",
            Self::Invalid | Self::Inconclusive => "?",
            Self::Incomparable => "≠",
            Self::Regressed => "▲",
            Self::Fail => "✗",
            Self::Error | Self::Interrupted => "!",
        }
    }

    /// The emoji before the word on a pull request.
    pub(in crate::render) const fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✅",
            Self::Invalid | Self::Inconclusive => "⚠️",
            Self::Incomparable => "🚫",
            Self::Regressed | Self::Fail => "❌",
            Self::Error => "💥",
            Self::Interrupted => "⏹️",
        }
    }

    /// The command of GitHub's runner for it.
    pub(in crate::render) const fn command(self) -> &'static str {
        match self {
            Self::Pass => "notice",
            Self::Invalid | Self::Inconclusive | Self::Incomparable | Self::Interrupted => "warning",
            Self::Regressed | Self::Fail | Self::Error => "error",
        }
    }
}

fn are_allowed(cases: Outcome, gate: Option<GateOutcome>, exit: ExitOutcome) -> bool {
    (cases, gate, exit) == (Outcome::Fail, Some(GateOutcome::Pass), ExitOutcome::Pass)
}

/// Whether the cases of this report that fail are known failures, which are allowed.
pub(in crate::render) fn allows_failures(report: &Report) -> bool {
    are_allowed(report.verdict.outcome, report.gate.as_ref().map(|gate| gate.outcome), report.verdict.exit)
}

/// The word for a gate in a report with that headline: if the run does not pass, the gate is not called `pass` either.
pub(in crate::render) fn gate_word(gate: GateOutcome, whole: Headline) -> &'static str {
    match gate {
        GateOutcome::Pass if whole != Headline::Pass => "no regression",
        other => other.word(),
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{Format, View, render};
    use crate::report::{GateOutcome, GateRecord, Report, fixture};
    use crate::verdict::{ExitOutcome, Outcome};

    const OUTCOMES: [Outcome; 4] = [Outcome::Pass, Outcome::Invalid, Outcome::Fail, Outcome::Error];
    const GATES: [Option<GateOutcome>; 6] = [
        None,
        Some(GateOutcome::Pass),
        Some(GateOutcome::Failed),
        Some(GateOutcome::Regressed),
        Some(GateOutcome::Inconclusive),
        Some(GateOutcome::Incomparable),
    ];
    const EXITS: [ExitOutcome; 6] = [
        ExitOutcome::Pass,
        ExitOutcome::Failed,
        ExitOutcome::Regressed,
        ExitOutcome::Invalid,
        ExitOutcome::Incomparable,
        ExitOutcome::Interrupted,
    ];

    /// The word that such a report must have: the first that applies.
    fn expected(outcome: Outcome, gate: Option<GateOutcome>, exit: ExitOutcome) -> &'static str {
        let rules = [
            (exit == ExitOutcome::Interrupted, "interrupted"),
            (outcome == Outcome::Error, "error"),
            (outcome == Outcome::Fail && gate == Some(GateOutcome::Pass) && exit == ExitOutcome::Pass, "pass"),
            (outcome == Outcome::Fail || exit == ExitOutcome::Failed || gate == Some(GateOutcome::Failed), "fail"),
            (gate == Some(GateOutcome::Regressed) || exit == ExitOutcome::Regressed, "regressed"),
            (gate == Some(GateOutcome::Incomparable) || exit == ExitOutcome::Incomparable, "incomparable"),
            (gate == Some(GateOutcome::Inconclusive), "inconclusive"),
            (outcome == Outcome::Invalid || exit == ExitOutcome::Invalid, "invalid"),
        ];
        rules.iter().find(|(applies, _)| *applies).map_or("pass", |(_, word)| word)
    }

    fn report(outcome: Outcome, gate: Option<GateOutcome>, exit: ExitOutcome) -> Report {
        let mut report = fixture::report_of(Vec::new());
        (report.verdict.outcome, report.verdict.exit) = (outcome, exit);
        report.verdict.reasons.clear();
        report.verdict.reason_codes.clear();
        report.gate = gate.map(|outcome| GateRecord {
            baseline: "base.json".into(),
            digest: "".into(),
            outcome,
            reason: "for a reason".into(),
            reason_code: None,
            rounds: Vec::new(),
        });
        report
    }

    fn between<'t>(text: &'t str, start: &str, ends: &[char]) -> &'t str {
        let rest = &text[text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len()..];
        &rest[..rest.find(ends).unwrap()]
    }

    /// The words that a format has for the whole report.
    fn headlines(report: &Report, format: Format) -> Vec<String> {
        let text = String::from_utf8(render(report, format, View::FILE).unwrap()).unwrap();
        let after = |start: &str, ends: &[char]| between(&text, start, ends).to_owned();
        match format {
            Format::Table => vec![after("\nVerdict: ", &[' ', '\n'])],
            Format::Markdown => {
                let (_hidden, shown) = text.split_once('\n').unwrap();
                vec![between(shown, "queue-load: ", &[' ', '\n']).to_owned()]
            }
            Format::Html => vec![after("<title>example: ", &['<']), after("<span class=\"badge ", &['"'])],
            Format::Junit => vec![after("name=\"outcome\" value=\"", &['"'])],
            Format::Github => vec![after("title=queue-load%3A ", &[':'])],
            Format::Json
            | Format::Csv
            | Format::Hdr
            | Format::Bencher
            | Format::CustomSmallerIsBetter
            | Format::Openmetrics
            | Format::OtavaCsv => Vec::new(),
        }
    }

    #[test]
    fn no_format_says_pass_over_an_exit_code_that_is_not_0() {
        for outcome in OUTCOMES {
            for gate in GATES {
                for exit in EXITS {
                    let word = expected(outcome, gate, exit);
                    assert!(word != "pass" || exit == ExitOutcome::Pass);
                    for format in Format::ALL {
                        for said in headlines(&report(outcome, gate, exit), format) {
                            assert_eq!(said, word, "{format}: {outcome:?}, {gate:?}, {exit:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_last_line_of_a_gated_table_says_pass_only_over_exit_0() {
        for outcome in OUTCOMES {
            for gate in GATES.iter().flatten() {
                for exit in EXITS {
                    let text = render(&report(outcome, Some(*gate), exit), Format::Table, View::FILE).unwrap();
                    let text = String::from_utf8(text).unwrap();
                    let last = text[text.rfind("gate against").expect("the gate is told")..].replace('\n', " ");
                    assert!(last.contains("for a reason"), "{last}");
                    let all_is_well = expected(outcome, Some(*gate), exit) == "pass";
                    assert_eq!(last.contains("base.json: pass: "), all_is_well, "{gate:?}, {exit:?}: {last}");
                }
            }
        }
    }
}
