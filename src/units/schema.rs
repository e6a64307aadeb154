//! How quantities are written, as patterns of a JSON schema. A pattern says what a text looks like; whether the number is
//! within its bounds, only the parser can tell.

use super::{Multiple, Quantile, Rate, Ratio};

/// Digits, which `_` may group, and a fraction.
const NUMBER: &str = r"[0-9]+(_[0-9]+)*(\.[0-9]+(_[0-9]+)*)?";
const TIME_UNIT: &str = "(ns|us|µs|μs|ms|s|min|m|h)";
const SIZE_UNIT: &str = "(B|KiB|MiB|GiB|kB|MB|GB)";

/// A time: `5s`, `1.5ms`, `1h30m`.
pub fn time() -> String {
    format!(r"^\s*({NUMBER}\s*{TIME_UNIT}\s*)+$")
}

/// A rate: `10k/s`, `10k/3s`, `1000`.
pub fn rate() -> String {
    format!(r"^\s*{NUMBER}\s*[kM]?\s*(/\s*({NUMBER}\s*)?{TIME_UNIT})?\s*$")
}

/// A share: `10%`.
pub fn share() -> String {
    format!(r"^\s*{}\s*$", share_part())
}

/// The same without the line's ends, as a part of a longer text.
pub fn share_part() -> String {
    format!(r"{NUMBER}\s*%")
}

/// A multiple of a rate: `5x`.
pub fn multiple() -> String {
    format!(r"^\s*{NUMBER}\s*x\s*$")
}

/// A quantile: `p99.9`.
pub fn quantile() -> String {
    format!(r"^\s*p\s*{NUMBER}\s*$")
}

/// A size: `64B`; without the line's ends, as a part of a longer text.
pub fn size_part() -> String {
    format!(r"{NUMBER}\s*{SIZE_UNIT}")
}

/// The schema of a type that is a text in JSON, by the text's pattern.
macro_rules! text {
    ($type:ty, $name:literal, $pattern:expr, $description:literal) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern, "description": $description})
            }
        }
    };
}

pub(crate) use text;

text!(Rate, "Rate", rate(), "Logs per second, or per several seconds: `1000/s`, `10k/3s`.");
text!(Ratio, "Ratio", share(), "A share of a whole, in percent: `99.95%`.");
text!(Multiple, "Multiple", multiple(), "A multiple of a rate: `5x`.");
text!(Quantile, "Quantile", quantile(), "A quantile: `p99.9`.");
