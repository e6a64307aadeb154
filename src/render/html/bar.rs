//! The outcomes of a case's logs as a stacked bar.

use crate::measure::Ledger;
use std::fmt::Write as _;

/// Length of a bar in units.
const LENGTH: u64 = 1_000;
/// Smallest length of a part that is not zero: one lost log in a million must be visible.
const LEAST: u64 = 8;

/// The parts into which the ledger divides the logs that were due.
pub(super) fn parts(ledger: &Ledger) -> [(&'static str, &'static str, u64); 7] {
    [
        ("delivered", "bd", ledger.delivered),
        ("evicted", "be", ledger.evicted),
        ("lost", "bl", ledger.lost()),
        ("dropped", "br", ledger.dropped),
        ("sampled out", "bs", ledger.sampled_out),
        ("unsent", "bu", ledger.unsent),
        ("unsent by the generator", "bg", ledger.unsent_generator),
    ]
}

/// The bar without text. The table beside it has the text.
pub(super) fn bar(ledger: &Ledger) -> String {
    let parts = parts(ledger);
    let lengths = lengths(&parts.map(|(_, _, count)| count));
    let mut out = format!("<svg class=ba viewBox=\"0 0 {LENGTH} 1\" preserveAspectRatio=none>");
    let mut x = 0;
    for ((_, class, _), length) in parts.iter().zip(lengths) {
        if length > 0 {
            write!(out, "<rect class={class} x={x} width={length} height=1 />").expect("in memory");
        }
        x += length;
    }
    out.push_str("</svg>");
    out
}

/// Lengths in proportion to the counts. A part that is not zero gets the smallest length, and the longest part is shortened.
fn lengths(counts: &[u64; 7]) -> [u64; 7] {
    let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if total == 0 {
        return [0; 7];
    }
    let share = |count: u64| u64::try_from(u128::from(count) * u128::from(LENGTH) / total).unwrap_or(LENGTH);
    let mut lengths = counts.map(|count| if count == 0 { 0 } else { share(count).max(LEAST) });
    let longest = (0..counts.len()).max_by_key(|index| counts[*index]).unwrap_or(0);
    let others: u64 = lengths.iter().sum::<u64>() - lengths[longest];
    lengths[longest] = LENGTH - others;
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_lost_log_of_a_million_is_seen() {
        assert_eq!(lengths(&[999_999, 1, 0, 0, 0, 0, 0]), [992, 8, 0, 0, 0, 0, 0]);
        assert_eq!(lengths(&[1_200, 0, 8_800, 0, 0, 0, 0]), [120, 0, 880, 0, 0, 0, 0]);
        assert_eq!(lengths(&[0; 7]), [0; 7]);
    }

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_any_other(counts in prop::array::uniform7(any::<u64>())) {
            let lengths = lengths(&counts);
            prop_assert!(counts == [0; 7] || lengths.iter().sum::<u64>() == LENGTH);
            for (count, length) in counts.iter().zip(lengths) {
                prop_assert_eq!(*count == 0, length == 0);
            }
        }
    }
}
