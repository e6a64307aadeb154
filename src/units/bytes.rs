//! Sizes.

use super::decimal::Decimal;
use super::error::{Fault, Sort, UnitError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A size in bytes; text: `64B`, `4KiB`, `1MiB`, and in thousands `4kB`, `1MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Bytes(pub u64);

const SORT: Sort =
    Sort { what: "size", example: "64B", units: "B, KiB, MiB, GiB, kB, MB, GB", finest: "1B", most: "16 EiB" };

/// Units that are read; those of the first [`PRINTED`] are printed, largest first.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];
const PRINTED: usize = 4;

impl FromStr for Bytes {
    type Err = UnitError;

    /// # Errors
    /// No number, a sign, no unit, an unknown unit, part of a byte, more than 64 bits of them.
    fn from_str(text: &str) -> Result<Bytes, UnitError> {
        let fail = |fault| UnitError::new(fault, text, &SORT);
        let (number, unit) = Decimal::split(text, &SORT)?;
        if unit.is_empty() {
            let suggestion = format!("{}B", text.trim());
            return Err(fail(Fault::MissingUnit { suggestion }));
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(fail(Fault::UnknownUnit { unit: unit.to_owned() }));
        };
        number.times(u128::from(*factor)).map(Bytes).map_err(fail)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        let (unit, factor) =
            UNITS[..PRINTED].iter().find(|(_, factor)| self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_texts() {
        for (text, bytes, canonical) in [
            ("64B", 64, "64B"),
            ("4KiB", 4096, "4KiB"),
            ("4kB", 4000, "4000B"),
            ("1.5 KiB", 1536, "1536B"),
            ("0B", 0, "0B"),
        ] {
            let parsed: Bytes = text.parse().unwrap();
            assert_eq!((parsed.0, parsed.to_string().as_str()), (bytes, canonical), "{text}");
        }
    }

    #[test]
    fn bad_texts_say_what_to_write() {
        for (text, error) in [
            ("64", "`64` has no unit (write \"64B\")"),
            ("64 bits", "`64 bits` has the unknown unit `bits` (units are B, KiB, MiB, GiB, kB, MB, GB)"),
            ("0.5B", "`0.5B` is too fine (in steps of 1B)"),
            ("-1B", "`-1B` is negative (write a size such as \"64B\")"),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap_err().to_string(), error);
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(bytes in any::<u64>(), shift in 0u32..40) {
            let value = Bytes(bytes >> shift << shift);
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }
}
