//! Adds colour to finished text. It follows the marks and the headlines, which say the same without colour.

use super::headline::{Headline, VERDICT};
use crate::report::GateOutcome;

const RED: &str = "31";
const YELLOW: &str = "33";
const GREEN: &str = "32";

/// A line with colour: from a mark to the end of its cell (two spaces, or the end of the line), and a lone `pass`.
#[must_use]
pub fn paint(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    for (index, cell) in line.split("  ").enumerate() {
        if index > 0 {
            out.push_str("  ");
        }
        out.push_str(&painted(cell));
    }
    out
}

/// Every line of a text with colour.
#[must_use]
pub fn paint_lines(text: &str) -> String {
    text.split('\n').map(paint).collect::<Vec<_>>().join("\n")
}

/// The line of a gate with colour: its first word is the decision.
#[must_use]
pub fn paint_decision(line: &str, outcome: GateOutcome) -> String {
    let colour = of_headline(Headline::of_gate(outcome));
    match line.split_once(':') {
        Some((word, rest)) => format!("\x1b[{colour}m{word}\x1b[0m:{rest}"),
        None => line.to_owned(),
    }
}

fn painted(cell: &str) -> String {
    let text = cell.trim_start();
    let (is_headline, rest) = match text.strip_prefix(VERDICT) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let colour = match rest.split([' ', '(']).next().and_then(Headline::find) {
        Some(headline) if is_headline || headline == Headline::Pass => Some(of_headline(headline)),
        _ => of_mark(text),
    };
    match colour {
        Some(colour) => format!("{}\x1b[{colour}m{text}\x1b[0m", &cell[..cell.len() - text.len()]),
        None => cell.to_owned(),
    }
}

const fn of_headline(headline: Headline) -> &'static str {
    match headline {
        Headline::Pass => GREEN,
        Headline::Invalid | Headline::Inconclusive | Headline::Incomparable | Headline::Interrupted => YELLOW,
        Headline::Regressed | Headline::Fail | Headline::Error => RED,
    }
}

fn of_mark(text: &str) -> Option<&'static str> {
    // A progress line begins with the number of the repeat.
    let text = match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest,
        None => text,
    };
    match text.chars().next()? {
        '✗' | '!' => Some(RED),
        '?' => Some(YELLOW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_coloured_by_what_it_is() {
        assert_eq!(paint_decision("pass: 3 cases: fine\n", GateOutcome::Pass), "\x1b[32mpass\x1b[0m: 3 cases: fine\n");
        assert!(paint_decision("regressed: x", GateOutcome::Regressed).starts_with("\x1b[31mregressed"));
        assert_eq!(paint_decision("", GateOutcome::Failed), "");
    }

    #[test]
    fn colour_follows_the_marks() {
        for (line, painted) in [
            ("drop    ✗12.0%   10 µs  ✗ fail †", "drop    \x1b[31m✗12.0%\x1b[0m   10 µs  \x1b[31m✗ fail †\x1b[0m"),
            ("block  –  ? invalid", "block  –  \x1b[33m? invalid\x1b[0m"),
            ("drop  10 µs  pass", "drop  10 µs  \x1b[32mpass\x1b[0m"),
            ("[1/2] ✗ a=b: mean", "\x1b[31m[1/2] ✗ a=b: mean\x1b[0m"),
            ("[1/2] a=b: mean", "[1/2] a=b: mean"),
            ("Verdict: fail (1 fail)", "\x1b[31mVerdict: fail (1 fail)\x1b[0m"),
            ("Verdict: interrupted (1 pass)", "\x1b[33mVerdict: interrupted (1 pass)\x1b[0m"),
            ("Verdict: pass", "\x1b[32mVerdict: pass\x1b[0m"),
            ("fail: a=b", "fail: a=b"),
            ("interrupted", "interrupted"),
            ("", ""),
        ] {
            assert_eq!(paint(line), painted);
        }
    }
}
