//! How the numbers of a case developed from run to run.
//!
//! | file | job |
//! |---|---|
//! | `entry` | one case of one run: a line of the store |
//! | `store` | the file: appends whole lines, reads them back |
//! | `changes` | the change points of a series |
//! | `trend` | from lines to a series for each case and kind of machine, with its change points |

mod changes;
mod entry;
mod store;
mod trend;

#[cfg(test)]
pub(crate) use entry::Entry;
pub use entry::entries;
pub use store::{HistoryError, append, prepare, read};
pub use trend::{Change, Options, Series, Trend, trend};
