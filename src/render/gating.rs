//! What came of holding a run against something: the calibration, the gate.

use super::grid::{Column, draw};
use super::{sanitise, text};
use crate::report::{Calibration, Report};
use crate::units::human;

/// The calibration as a small table; nothing where no case was calibrated.
pub(super) fn calibration(report: &Report, labels: &[String], width: usize) -> String {
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
        Column { key, header, right: true, dispensable: None, cells }
    };
    let cases = calibrated.iter().map(|(label, _)| (*label).clone()).collect();
    let columns = [
        Column { key: "case", header: "the same code twice", right: false, dispensable: None, cells: cases },
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

/// The gate: what was decided, why, and what confirmed it.
pub(super) fn gate(report: &Report, width: usize) -> String {
    let Some(gate) = &report.gate else { return String::new() };
    let what = format!("gate against {}: {}: ", sanitise(&gate.baseline, 200), gate.outcome.word());
    let mut out = text::wrap(&format!("{what}{}", sanitise(&gate.reason, 1_000)), width, 2) + "\n";
    if gate.rounds.len() > 1 {
        for round in &gate.rounds {
            let which = match round.round {
                0 => "at first".to_owned(),
                number => format!("confirmation {number}"),
            };
            let line = format!("  {which}: {}: ", round.decision.outcome.word());
            out.push_str(&text::wrap(&format!("{line}{}", sanitise(&round.decision.reason, 1_000)), width, 4));
            out.push('\n');
        }
    }
    out
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::GateOutcome;
    use crate::report::fixture;

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
        let labels: Vec<String> = report.cases.iter().map(|case| case.id.clone()).collect();
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
        assert_eq!(gate(&fixture::report(), 100), "");
        let mut report = fixture::filled_with(&[1.0; 8], &[1; 8], "\u{1b}[31mmean +30 %");
        insta::assert_snapshot!(gate(&report, 100), @"gate against �[31mmean +30 %: regressed: �[31mmean +30 %");
        let record = report.gate.as_mut().unwrap();
        let mut second = record.rounds[0].clone();
        second.round = 1;
        second.decision.outcome = GateOutcome::Pass;
        record.rounds.push(second);
        record.outcome = GateOutcome::Pass;
        record.reason = "1 case was run again, and none of them regressed then".into();
        insta::assert_snapshot!(gate(&report, 100), @r"
        gate against �[31mmean +30 %: pass: 1 case was run again, and none of them regressed then
          at first: regressed: �[31mmean +30 %
          confirmation 1: pass: �[31mmean +30 %
        ");
    }
}
