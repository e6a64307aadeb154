//! How much of each case the page of a comparison shows: a browser does not open everything about a thousand at once.

use super::cases::MOST_IN_FULL;
use crate::compare::Change;
use crate::units::human;

/// How much the page of a comparison shows of many cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// From 51 cases on, those that did not change have a line each, and the worst 50 of the others are shown in full.
    Brief,
    /// Everything about every case; from 51 cases on, the numbers of all but the worst 50 are text instead of tables, and
    /// their curves have fewer points.
    Full,
}

/// What is shown of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// A row of the table, the charts and all numbers in tables.
    Full,
    /// The same, with the numbers as text, which costs a browser far less, and fewer points.
    Plain,
    /// A row of the table.
    Row,
    /// A line in a list that is closed at first.
    Line,
}

/// Those to look at first before the others.
const WORST_FIRST: [Change; 7] = [
    Change::Regressed,
    Change::Removed,
    Change::Incomparable,
    Change::Inconclusive,
    Change::Improved,
    Change::Added,
    Change::Unchanged,
];

/// The first case that regressed; else the first that was removed, is incomparable or is inconclusive. `changes` has the
/// changes of each case, one for each new report.
pub(super) fn worst(changes: &[Vec<Change>]) -> Option<usize> {
    let bad = &WORST_FIRST[..4];
    bad.iter().find_map(|change| changes.iter().position(|of_case| of_case.contains(change)))
}

/// What is shown of each case.
pub(super) fn shares(changes: &[Vec<Change>], extent: Extent) -> Vec<Share> {
    let rank = |index: usize| WORST_FIRST.iter().position(|change| changes[index].contains(change));
    let has_full = |index: usize| {
        let is_changed = changes[index].iter().any(|change| *change != Change::Unchanged);
        is_changed || extent == Extent::Full || changes.len() <= MOST_IN_FULL
    };
    let mut candidates: Vec<usize> = (0..changes.len()).filter(|index| has_full(*index)).collect();
    let mut shares = vec![Share::Line; changes.len()];
    let lesser = if extent == Extent::Full { Share::Plain } else { Share::Row };
    candidates.iter().for_each(|index| shares[*index] = lesser);
    candidates.sort_by_key(|index| rank(*index));
    candidates.iter().take(MOST_IN_FULL).for_each(|index| shares[*index] = Share::Full);
    shares
}

/// What the page leaves out and why; `None` if it is nothing.
pub(super) fn left_out(shares: &[Share]) -> Option<String> {
    let count = |share| shares.iter().filter(|one| **one == share).count();
    let (full, rows, lines) = (count(Share::Full), count(Share::Row), count(Share::Line));
    let [all, has_row, has_line] = [shares.len(), rows, lines].map(|count| human::count(count as u64));
    let said = match (full, rows, lines) {
        (_, 0, 0) => return None,
        (0, ..) => format!("None of the {all} cases changed: they have a line each, no row and no charts"),
        (_, 0, _) => format!("Of {all} cases, {has_line} did not change: they have a line each, no row and no charts"),
        (_, _, 0) => format!("Of {all} cases, the worst {full} are shown in full; the other {has_row} have a row"),
        _ => format!(
            "Of {all} cases, {has_line} did not change: they have a line each. Of the others the worst {full} are shown in \
             full, and {has_row} have a row"
        ),
    };
    Some(format!("{said}, since a browser does not open everything at once."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Added, Improved, Inconclusive, Regressed, Unchanged};

    fn counts(shares: &[Share]) -> [usize; 4] {
        [Share::Full, Share::Plain, Share::Row, Share::Line]
            .map(|share| shares.iter().filter(|one| **one == share).count())
    }

    #[test]
    fn up_to_fifty_cases_or_when_asked_nothing_is_left_out() {
        for (cases, extent, expected) in [
            (0, Extent::Brief, [0, 0, 0, 0]),
            (50, Extent::Brief, [50, 0, 0, 0]),
            (50, Extent::Full, [50, 0, 0, 0]),
            (1_000, Extent::Full, [50, 950, 0, 0]),
        ] {
            let mut changes = vec![vec![Unchanged]; cases];
            changes.iter_mut().rev().take(1).for_each(|last| last[0] = Regressed);
            let shares = shares(&changes, extent);
            assert_eq!(counts(&shares), expected, "{cases} {extent:?}");
            assert!(shares.last().is_none_or(|last| *last == Share::Full), "the worst has tables");
            assert_eq!(left_out(&shares), None);
        }
    }

    #[test]
    fn of_many_the_unchanged_have_a_line_and_the_worst_are_shown_in_full() {
        let of = |counts: &[(Change, usize)]| -> Vec<Vec<Change>> {
            counts.iter().flat_map(|(change, count)| vec![vec![*change]; *count]).collect()
        };
        for (changes, expected, said) in [
            (of(&[(Unchanged, 51)]), [0, 0, 0, 51], "None of the 51 cases changed"),
            (of(&[(Regressed, 3), (Unchanged, 997)]), [3, 0, 0, 997], "Of 1,000 cases, 997 did not change"),
            (of(&[(Improved, 80), (Added, 20)]), [50, 0, 50, 0], "Of 100 cases, the worst 50"),
            (of(&[(Improved, 60), (Inconclusive, 9), (Unchanged, 2)]), [50, 0, 19, 2], "in full, and 19 have a row"),
        ] {
            let shares = shares(&changes, Extent::Brief);
            assert_eq!(counts(&shares), expected);
            let of_worst = worst(&changes).map(|index| shares[index]);
            assert!(of_worst.is_none_or(|share| share == Share::Full), "the worst is shown in full");
            let left_out = left_out(&shares).unwrap();
            assert!(left_out.contains(said), "{left_out}");
        }
        // Changed in one of two reports is changed.
        let mut two = vec![vec![Unchanged, Unchanged]; 60];
        two[59][1] = Improved;
        assert_eq!(shares(&two, Extent::Brief)[58..], [Share::Line, Share::Full]);
    }
}
