//! The mark of a change.

use crate::report::Change;

/// The mark before the word of a change.
pub(in crate::render) fn mark(change: Change) -> char {
    match change {
        Change::Regressed => '✗',
        Change::Improved => '✓',
        Change::Inconclusive => '?',
        Change::Incomparable => '≠',
        Change::Added => '+',
        Change::Removed => '−',
        Change::Unchanged => '~',
    }
}
