//! Colour, which follows what is said and never says more.
//!
//! Whoever makes a text from a decision, an outcome or an ending knows its [`Tone`]. No text is searched for what it says.

use super::headline::Headline;
use crate::compare::Change;
use crate::render::View;
use crate::report::MaximumOutcome;
use crate::verdict::Outcome;

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

    /// The text of a cell in this colour, but not the spaces around it.
    pub(in crate::render) fn paint_within(self, cell: &str) -> String {
        let text = cell.trim();
        let before = cell.len() - cell.trim_start().len();
        format!("{}{}{}", &cell[..before], self.paint(text), &cell[before + text.len()..])
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

    /// Of a case or a check.
    pub(in crate::render) const fn of_outcome(outcome: Outcome) -> Self {
        Self::of(Headline::of_case(outcome))
    }

    /// Of a change; `None` if it is neither good nor bad.
    pub(in crate::render) const fn of_change(change: Change) -> Option<Self> {
        match change {
            Change::Regressed => Some(Self::Bad),
            Change::Inconclusive | Change::Incomparable => Some(Self::Doubtful),
            Change::Improved => Some(Self::Good),
            Change::Added | Change::Removed | Change::Unchanged => None,
        }
    }

    /// Of a search's end; `None` if it found what it was to find.
    pub(in crate::render) const fn of_search(outcome: MaximumOutcome) -> Option<Self> {
        match outcome {
            MaximumOutcome::Found | MaximumOutcome::Wide => None,
            MaximumOutcome::GeneratorLimited | MaximumOutcome::Unknown => Some(Self::Doubtful),
            MaximumOutcome::NothingHolds | MaximumOutcome::Unfinished => Some(Self::Bad),
        }
    }
}

impl View {
    /// Every line of a text in a colour, if this view has colours.
    pub(in crate::render) fn paint(self, tone: Option<Tone>, text: &str) -> String {
        match tone.filter(|_| self.colour) {
            Some(tone) => text.split('\n').map(|line| tone.paint_within(line)).collect::<Vec<_>>().join("\n"),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_painted_without_its_indent() {
        let view = View { width: 80, colour: true };
        let text = "✗ fail: a=1\n    b=2";
        assert_eq!(view.paint(Some(Tone::Bad), text), "\x1b[31m✗ fail: a=1\x1b[0m\n    \x1b[31mb=2\x1b[0m");
        assert_eq!(view.paint(None, text), text);
        assert_eq!(View::FILE.paint(Some(Tone::Bad), text), text);
    }
}
