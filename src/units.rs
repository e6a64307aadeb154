//! Quantities with units: parsed from and printed as text, exact integers inside.
//!
//! `Display` prints the canonical text, which parses back to the same value; [`human`] prints for people.

mod bytes;
mod decimal;
mod error;
pub mod human;
mod multiple;
mod nanos;
mod quantile;
mod rate;
mod ratio;
mod slope;
#[cfg(feature = "internals")]
pub mod schema;
mod text;

pub use bytes::Bytes;
pub use decimal::Decimal;
pub use error::{UnitError, excerpt};
pub use multiple::Multiple;
pub use nanos::Nanos;
pub use quantile::Quantile;
pub use rate::Rate;
pub use ratio::Ratio;
pub use slope::{bytes_per_second, nanos_per_second};
pub(crate) use text::as_text;
