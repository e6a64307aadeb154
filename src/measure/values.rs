//! Reads a latency that a driver sends as plain values. The moments and the histogram are computed here.

use super::encoding::Distribution;
use super::model::{Latency, decimal};
use serde::Deserialize;

/// The form in messages: all fields of a [`Latency`], or only the values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    count: Option<u64>,
    #[serde(default, deserialize_with = "decimal::maybe")]
    sum_ns: Option<u128>,
    sum_squares_ns2: Option<f64>,
    min_ns: Option<u64>,
    max_ns: Option<u64>,
    censored: Option<u64>,
    hdr: Option<String>,
    values_ns: Option<Vec<u64>>,
    censored_ns: Option<Vec<u64>>,
}

impl TryFrom<Wire> for Latency {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let Wire { count, sum_ns, sum_squares_ns2, min_ns, max_ns, censored, hdr, values_ns, censored_ns } = wire;
        let has_values = values_ns.is_some() || censored_ns.is_some();
        match (count, sum_ns, sum_squares_ns2, censored, hdr) {
            (Some(count), Some(sum_ns), Some(sum_squares_ns2), Some(censored), Some(hdr)) if !has_values => {
                Ok(Self { count, sum_ns, sum_squares_ns2, min_ns, max_ns, censored, hdr })
            }
            (None, None, None, None, None) if has_values && min_ns.is_none() && max_ns.is_none() => {
                let mut distribution = Distribution::new();
                values_ns.into_iter().flatten().for_each(|value| distribution.record(value));
                censored_ns.into_iter().flatten().for_each(|value| distribution.record_censored(value));
                Ok(distribution.encode())
            }
            _ => Err("a latency has either values_ns, or all of count, sum_ns, sum_squares_ns2, censored and hdr"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_good_as_their_histogram() {
        let mut distribution = Distribution::new();
        [5, 70, 123_456].into_iter().for_each(|value| distribution.record(value));
        distribution.record_censored(9_999);
        let read = |text: &str| serde_json::from_str::<Latency>(text);
        let given = read(r#"{"values_ns":[5,70,123456],"censored_ns":[9999]}"#).unwrap();
        assert_eq!(given, distribution.encode());
        assert_eq!(read(&serde_json::to_string(&given).unwrap()).unwrap(), given);
        assert_eq!(read(r#"{"values_ns":[]}"#).unwrap(), Distribution::new().encode());
    }

    #[test]
    fn half_of_either_is_refused() {
        let whole = serde_json::to_value(Distribution::new().encode()).unwrap();
        for (name, value) in [("values_ns", serde_json::json!([1])), ("hdr", serde_json::Value::Null)] {
            let mut mixed = whole.clone();
            mixed[name] = value;
            assert!(serde_json::from_value::<Latency>(mixed).is_err(), "{name}");
        }
        for text in [r#"{}"#, r#"{"values_ns":[-1]}"#, r#"{"values_ns":[1],"max_ns":1}"#, r#"{"values":[1]}"#] {
            assert!(serde_json::from_str::<Latency>(text).is_err(), "{text}");
        }
    }
}
