//! The comparison of a run with something else: the calibration and the gate.

use crate::render::View;
use crate::render::parts::grid::{Column, draw};
use crate::render::parts::paint::Tone;
use crate::render::parts::{change, last_line, shift, text};
use crate::report::{Calibration, CaseDecision, Change, GateDecision, GateRecord, Report};
use crate::units::human;

/// The calibration as a small table; empty if no case was calibrated.
pub(in crate::render) fn calibration(report: &Report, labels: &[String], width: usize) -> String {
    let calibrated: Vec<(&String, &Calibration)> = labels
        .iter()
        .zip(&report.cases)
        .filter_map(|(label, case)| Some((label, case.calibration.as_ref()?)))
        .collect();
    if calibrated.is_empty() {
        return String::new();
    }
    let column = |key, header, cell: &dyn Fn(&Calibration) -> Option<String>| {
        let cells = calibrated.iter().map(|(_, case)| cell(case).unwrap_or_else(|| "–".into())).collect();
        Column { key, header, right: true, cells, ..Column::default() }
    };
    let cases = calibrated.iter().map(|(label, _)| (*label).clone()).collect();
    let columns = [
        Column { key: "case", header: "the same code twice", cells: cases, ..Column::default() },
        column("repeats", "repeats\na side", &|case| Some(human::count(case.repeats))),
        column("spread", "spread of\nrepeats", &|case| case.spread.map(percent)),
        column("difference", "seeming\ndifference", &|case| case.difference.map(percent)),
        column("smallest", "smallest slow-down\nfound 9 times in 10", &|case| case.smallest_effect.map(percent)),
        column("proposed", "repeats to\nfind 20 %", &|case| case.proposed_repeats.map(human::count)),
    ];
    let most = calibrated.iter().map(|(_, case)| case.proposed_repeats).collect::<Option<Vec<u64>>>();
    let advice = match most.and_then(|all| all.into_iter().max()) {
        Some(most) => format!("A gate that is to find a slow-down of 20 % needs --repeats {most}."),
        None if calibrated.iter().any(|(_, case)| case.spread.is_none()) => {
            "A case has too few valid repeats to tell its spread.".to_owned()
        }
        None => "No number of repeats finds a slow-down of 20 % in every case.".to_owned(),
    };
    format!("{}\n{}\n", draw(&columns).trim_end(), text::wrap(&advice, width, 2))
}

/// Largest number of cases of a gate that are listed one by one.
const MOST_CASES: usize = 20;

/// The evidence of a gate: the numbers of each case that decided it, and the confirmations.
pub(in crate::render) fn evidence(report: &Report, view: View) -> String {
    let Some(gate) = &report.gate else { return String::new() };
    let mut lines = gate.decision().map(|decision| cases(&decision, view)).unwrap_or_default();
    lines.extend(rounds(gate).iter().map(|line| text::wrap(line, view.width, 4)));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The decision, the reason, and what to do.
pub(in crate::render) fn last_line(report: &Report, width: usize) -> String {
    last_line::gate_sentence(report).map_or_else(String::new, |line| text::wrap(&line, width, 2) + "\n")
}

/// A line for each metric that regressed or is inconclusive, and one for a case without such a metric.
fn cases(decision: &GateDecision, view: View) -> Vec<String> {
    let is_open = |case: &&CaseDecision| !matches!(case.change, Change::Unchanged | Change::Improved | Change::Added);
    let mut lines = Vec::new();
    let open: Vec<&CaseDecision> = decision.cases.iter().filter(is_open).collect();
    for case in open.iter().take(MOST_CASES) {
        let name = case.id.terminal(200);
        let mark = |of: Change| format!("{} {}: {name}", change::mark(of), of.word());
        let shifts = shift::open(case);
        if shifts.is_empty() {
            let line = format!("{}: {}", mark(case.change), case.reason.terminal(1_000));
            lines.push(view.paint(Tone::of_change(case.change), &text::wrap(&line, view.width, 4)));
        }
        lines.extend(shifts.iter().map(|one| {
            let words = format!("{}:", mark(one.change));
            let parts: Vec<String> = words.split(' ').map(str::to_owned).chain(one.parts()).collect();
            view.paint(Tone::of_change(one.change), &text::wrap_parts(&parts, view.width, 4))
        }));
    }
    if open.len() > MOST_CASES {
        lines.push(format!("and {} more cases", open.len() - MOST_CASES));
    }
    lines
}

/// The decision on the run and those on its confirmations, if there are any.
fn rounds(gate: &GateRecord) -> Vec<String> {
    let which = |round: u32| if round == 0 { "at first".to_owned() } else { format!("confirmation {round}") };
    let all = gate.rounds.iter().filter(|_| gate.rounds.len() > 1);
    all.map(|round| {
        let decision = &round.decision;
        format!("{}: {}: {}", which(round.round), decision.outcome.word(), decision.reason.terminal(1_000))
    })
    .collect()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::parts::gating_fixture::{case, decision, record, test};
    use crate::report::{GateOutcome, fixture};

    #[test]
    fn a_calibration_is_a_small_table() {
        let mut report = fixture::report();
        report.cases[0].calibration = Some(Calibration {
            repeats: 10,
            spread: Some(0.0456),
            difference: Some(0.012),
            smallest_effect: Some(0.0789),
            proposed_repeats: Some(12),
        });
        report.cases[1].calibration = Some(Calibration { repeats: 1, ..Calibration::default() });
        let labels: Vec<String> = report.cases.iter().map(|case| case.id.as_given().to_owned()).collect();
        insta::assert_snapshot!(calibration(&report, &labels, 100), @r"
        the same code twice  repeats  spread of     seeming   smallest slow-down  repeats to
                              a side    repeats  difference  found 9 times in 10   find 20 %
        ────────────────────────────────────────────────────────────────────────────────────
        strategy=block            10      4.6 %       1.2 %                7.9 %          12
        strategy=drop              1          –           –                    –           –
        A case has too few valid repeats to tell its spread.
        ");
        report.cases[1].calibration = None;
        assert!(calibration(&report, &labels, 100).contains("needs --repeats 12"));
        assert_eq!(calibration(&fixture::report(), &labels, 100), "");
    }

    #[test]
    fn a_gate_says_what_was_decided_and_what_confirmed_it() {
        assert_eq!(evidence(&fixture::report(), View::FILE) + &last_line(&fixture::report(), 100), "");
        let mut report = fixture::filled_with(&[1.0; 8], &[1; 8], "\u{1b}[31mmean +30 %");
        insta::assert_snapshot!(evidence(&report, View::FILE) + &last_line(&report, 100), @r"
        ✗ regressed: �[31mmean +30 %: �[31mmean +30 %
        gate against �[31mmean +30 %: regressed: �[31mmean +30 %; look: queue-load compare �[31mmean +30 %
          NEW; accept: run it without --baseline and with --save-baseline NAME
        ");
        let record = report.gate.as_mut().unwrap();
        let mut second = record.rounds[0].clone();
        second.round = 1;
        second.decision.outcome = GateOutcome::Pass;
        second.decision.cases[0].change = Change::Unchanged;
        record.rounds.push(second);
        record.outcome = GateOutcome::Pass;
        record.reason = "1 case was run again, and none of them regressed then".into();
        insta::assert_snapshot!(evidence(&report, View::FILE) + &last_line(&report, 100), @r"
        at first: regressed: �[31mmean +30 %
        confirmation 1: pass: �[31mmean +30 %
        gate against �[31mmean +30 %: no regression: 1 case was run again, and none of them regressed then
        ");
    }

    #[test]
    fn the_numbers_of_each_case_that_decided_are_told() {
        use Change::{Inconclusive, Regressed, Removed, Unchanged};
        let mut report = fixture::report();
        let both = vec![test("enqueue.trimmed_mean", 1e3, 3e3, Regressed), test("cpu", 1e3, 2e3, Inconclusive)];
        report.gate = Some(record(decision(
            GateOutcome::Regressed,
            vec![
                case("strategy=block", Regressed, both),
                case("strategy=drop", Removed, Vec::new()),
                case("strategy=sample", Unchanged, vec![test("cpu", 1e3, 1e3, Unchanged)]),
            ],
        )));
        insta::assert_snapshot!(evidence(&report, View::FILE), @r"
        ✗ regressed: strategy=block: enqueue.trimmed_mean 1.00 µs → 3.00 µs  +2.00 µs (+200%) [+1.91 µs,
            +2.12 µs], margin 1 µs
        ? inconclusive: strategy=block: cpu 1.00 µs → 2.00 µs  +1.00 µs (+100%) [+910 ns, +1.12 µs],
            margin 1 µs
        − removed: strategy=drop: removed for a reason
        ");
        assert!(evidence(&report, View::FILE.wide(60)).lines().all(|line| text::width_of(line) <= 60));
        let many = (0..30).map(|number| case(&format!("a={number}"), Regressed, Vec::new())).collect();
        report.gate = Some(record(decision(GateOutcome::Regressed, many)));
        assert!(evidence(&report, View::FILE).ends_with("\nand 10 more cases\n"));
    }
}
