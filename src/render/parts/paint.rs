//! Colour, which follows what is said and never says more.
//!
//! Whoever makes a text from a decision, an outcome or an ending knows its [`Tone`]. Only finished tables are coloured by the
//! marks and headlines in them: their cells are laid out as plain text, whose width counts.

use super::headline::{Headline, VERDICT};

/// What the colour of a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is as it should be: green.
    Good,
    /// It cannot be told, or not be trusted: yellow.
    Doubtful,
    /// It is not as it should be: red.
    Bad,
}

impl Tone {
    /// A text in this colour.
    #[must_use]
    pub fn paint(self, text: &str) -> String {
        let colour = match self {
            Self::Good => "32",
            Self::Doubtful => "33",
            Self::Bad => "31",
        };
        format!("\x1b[{colour}m{text}\x1b[0m")
    }

    pub(in crate::render) const fn of(headline: Headline) -> Self {
        match headline {
            Headline::Pass => Self::Good,
            Headline::Invalid | Headline::Inconclusive | Headline::Incomparable | Headline::Interrupted => {
                Self::Doubtful
            }
            Headline::Regressed | Headline::Fail | Headline::Error => Self::Bad,
        }
    }
}

/// A line with colour: from a mark to the end of its cell (two spaces, or the end of the line), and a lone `pass`.
fn paint(line: &str) -> String {
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

fn painted(cell: &str) -> String {
    let text = cell.trim_start();
    let (is_headline, rest) = match text.strip_prefix(VERDICT) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let tone = match rest.split([' ', '(']).next().and_then(Headline::find) {
        Some(headline) if is_headline || headline == Headline::Pass => Some(Tone::of(headline)),
        _ => text.chars().next().and_then(of_mark),
    };
    match tone {
        Some(tone) => format!("{}{}", &cell[..cell.len() - text.len()], tone.paint(text)),
        None => cell.to_owned(),
    }
}

const fn of_mark(mark: char) -> Option<Tone> {
    match mark {
        '✗' | '!' => Some(Tone::Bad),
        '?' => Some(Tone::Doubtful),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_marks() {
        for (line, painted) in [
            ("drop    ✗12.0%   10 µs  ✗ fail †", "drop    \x1b[31m✗12.0%\x1b[0m   10 µs  \x1b[31m✗ fail †\x1b[0m"),
            ("block  –  ? invalid", "block  –  \x1b[33m? invalid\x1b[0m"),
            ("drop  10 µs  pass", "drop  10 µs  \x1b[32mpass\x1b[0m"),
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
