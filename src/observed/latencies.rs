//! The latencies, and one value for each of them.

use super::names;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// Declares the names of the latencies, and the struct that holds one value for each. `always` is there in every
/// measurement, `maybe` is `None` where the queue's interface cannot tell.
macro_rules! latencies {
    ($($(#[$doc:meta])* $field:ident: $type:ty, $variant:ident $name:literal $kind:ident;)+) => {
        names! {
            /// Names of the latencies, in the order in which they are shown.
            LatencyName { $($(#[$doc])* $variant = $name,)+ }
        }

        /// One value for each latency: what travels, a distribution, a summary.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "internals", derive(schemars::JsonSchema), schemars(rename = "ByLatency"))]
        pub struct ByLatency<T> { $($(#[$doc])* pub $field: $type,)+ }

        impl<T> ByLatency<T> {
            /// The value of a latency; `None` where it could not be observed.
            #[must_use]
            pub fn get(&self, name: LatencyName) -> Option<&T> {
                match name { $(LatencyName::$variant => latencies!(@get $kind self.$field),)+ }
            }

            /// Another value for each.
            ///
            /// # Errors
            /// The first that `of` refuses.
            pub fn try_map<U, E>(
                &self,
                mut of: impl FnMut(LatencyName, &T) -> Result<U, E>,
            ) -> Result<ByLatency<U>, E> {
                Ok(ByLatency { $($field: latencies!(@map $kind LatencyName::$variant, self.$field, of),)+ })
            }

            /// Merges another set into this one, value by value. What one of them lacks, the result lacks.
            ///
            /// # Errors
            /// The first that `merge` refuses.
            pub fn try_merge<E>(
                &mut self,
                other: &Self,
                mut merge: impl FnMut(&mut T, &T) -> Result<(), E>,
            ) -> Result<(), E> {
                $(latencies!(@merge $kind self.$field, other.$field, merge);)+
                Ok(())
            }

            /// The values by name.
            ///
            /// # Errors
            /// A latency without which there is no measurement is missing.
            fn collect<E: Error>(mut of: impl FnMut(LatencyName) -> Option<T>) -> Result<Self, E> {
                Ok(Self { $($field: latencies!(@need $kind of(LatencyName::$variant), $name),)+ })
            }
        }
    };
    (@get always $set:ident.$field:ident) => { Some(&$set.$field) };
    (@get maybe $set:ident.$field:ident) => { $set.$field.as_ref() };
    (@map always $name:expr, $set:ident.$field:ident, $of:ident) => { $of($name, &$set.$field)? };
    (@map maybe $name:expr, $set:ident.$field:ident, $of:ident) => {
        $set.$field.as_ref().map(|value| $of($name, value)).transpose()?
    };
    (@merge always $set:ident.$field:ident, $other:ident.$of:ident, $merge:ident) => {
        $merge(&mut $set.$field, &$other.$of)?
    };
    (@merge maybe $set:ident.$field:ident, $other:ident.$of:ident, $merge:ident) => {
        match (&mut $set.$field, &$other.$of) {
            (Some(sum), Some(other)) => $merge(sum, other)?,
            (sum, _) => *sum = None,
        }
    };
    (@need always $value:expr, $name:literal) => { $value.ok_or_else(|| E::missing_field($name))? };
    (@need maybe $value:expr, $name:literal) => { $value };
}

latencies! {
    /// Call to return, accepted logs (all calls where `outcome_source` is not `call`).
    enqueue: T, Enqueue "enqueue" always;
    /// Of `enqueue`: found room at once.
    unblocked: Option<T>, Unblocked "unblocked" maybe;
    /// Of `enqueue`: had to wait.
    blocked: Option<T>, Blocked "blocked" maybe;
    /// Call to return, refused logs: dropped or sampled out.
    rejected: T, Rejected "rejected" always;
    /// Intended start to return.
    response: T, Response "response" always;
    /// Ideal start + service - intended start: `response` less the generator's own lateness.
    response_ideal: T, ResponseIdeal "response_ideal" always;
    /// Call to sink.
    delivery: T, Delivery "delivery" always;
    /// Start less ideal start: the generator's own.
    lateness: T, Lateness "lateness" always;
    /// Wake-up lag of a task on the producers' own runtime, woken every millisecond from outside, while the queue idles;
    /// `None` where there is no runtime.
    lag_before: Option<T>, LagBefore "lag_before" maybe;
    /// The same during the window.
    lag: Option<T>, Lag "lag" maybe;
    /// Overshoot of the runtime's own timer while the queue idles; `None` where there is no runtime.
    timer_lag_before: Option<T>, TimerLagBefore "timer_lag_before" maybe;
    /// The same during the window.
    timer_lag: Option<T>, TimerLag "timer_lag" maybe;
}

impl<T> ByLatency<T> {
    /// Another value for each.
    pub fn map<U>(&self, mut of: impl FnMut(LatencyName, &T) -> U) -> ByLatency<U> {
        let mapped: Result<_, std::convert::Infallible> = self.try_map(|name, value| Ok(of(name, value)));
        match mapped {
            Ok(mapped) => mapped,
            Err(never) => match never {},
        }
    }

    /// Those that could be observed, with their names.
    pub fn observed(&self) -> impl Iterator<Item = (LatencyName, &T)> {
        LatencyName::ALL.iter().filter_map(|name| Some((*name, self.get(*name)?)))
    }
}

/// Latencies that a later version adds are passed over.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByLatency<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader { unknown: Unknown::Ignored, values: PhantomData })
    }
}

/// For what a program says: a latency that is not known is an error, since it may be one that is misspelt.
///
/// # Errors
/// That, and a latency that is missing, given twice or malformed.
pub fn strict<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<ByLatency<T>, D::Error> {
    deserializer.deserialize_map(Reader { unknown: Unknown::Refused, values: PhantomData })
}

#[derive(Clone, Copy)]
enum Unknown {
    Ignored,
    Refused,
}

struct Reader<T> {
    unknown: Unknown,
    values: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = ByLatency<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("latencies by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values: Vec<(LatencyName, Option<T>)> = Vec::with_capacity(LatencyName::ALL.len());
        while let Some(key) = map.next_key::<String>()? {
            match (LatencyName::find(&key), self.unknown) {
                (Some(name), _) if values.iter().any(|(known, _)| *known == name) => {
                    return Err(A::Error::duplicate_field(name.name()));
                }
                // An `always` latency that is null is then missing.
                (Some(name), _) => values.push((name, map.next_value()?)),
                (None, Unknown::Ignored) => drop(map.next_value::<IgnoredAny>()?),
                (None, Unknown::Refused) => return Err(A::Error::custom(format!("unknown latency `{key}`"))),
            }
        }
        let mut take = |name| values.iter_mut().find(|(known, _)| *known == name).and_then(|(_, value)| value.take());
        ByLatency::collect(&mut take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered() -> ByLatency<u32> {
        let mut next = 0;
        let mut count = |_: LatencyName| {
            next += 1;
            Some(next)
        };
        ByLatency::collect::<serde_json::Error>(&mut count).unwrap()
    }

    #[test]
    fn every_name_leads_to_a_value_of_its_own() {
        let set = numbered();
        let all = set.observed().map(|(name, value)| (name, *value));
        assert!(all.eq(LatencyName::ALL.iter().copied().zip(1..)));
    }

    #[test]
    fn json_has_the_names_in_order_and_reads_back() {
        let mut set = numbered();
        set.unblocked = None;
        let text = serde_json::to_string(&set).unwrap();
        let places: Vec<usize> =
            LatencyName::ALL.iter().map(|name| text.find(&format!("\"{name}\":")).unwrap()).collect();
        assert!(places.is_sorted());
        assert_eq!(serde_json::from_str::<ByLatency<u32>>(&text).unwrap(), set);
    }

    #[test]
    fn what_is_unknown_missing_or_twice() {
        let text = serde_json::to_string(&numbered()).unwrap();
        let lenient = |text: &str| serde_json::from_str::<ByLatency<u32>>(text).map_err(|error| error.to_string());
        let exact = |text: &str| {
            strict::<_, u32>(&mut serde_json::Deserializer::from_str(text)).map_err(|error| error.to_string())
        };
        let more = text.replacen('{', "{\"lagg\":1,", 1);
        assert_eq!(lenient(&more), Ok(numbered()));
        assert!(exact(&more).unwrap_err().contains("unknown latency `lagg`"));
        for (from, to, said) in [
            ("\"enqueue\":1,", "", "missing field `enqueue`"),
            ("\"enqueue\":1,", "\"enqueue\":null,", "missing field `enqueue`"),
            ("\"enqueue\":1,", "\"enqueue\":1,\"enqueue\":1,", "duplicate field `enqueue`"),
        ] {
            let text = text.replacen(from, to, 1);
            for error in [lenient(&text).unwrap_err(), exact(&text).unwrap_err()] {
                assert!(error.contains(said), "{error}");
            }
        }
        let without = text.replacen(",\"timer_lag\":12", "", 1);
        assert_eq!(exact(&without).unwrap().timer_lag, None);
    }

    #[test]
    fn what_one_lacks_the_merged_lack() {
        let (mut one, mut other) = (numbered(), numbered());
        (one.blocked, other.lag) = (None, None);
        let merged = one.try_merge(&other, |sum, value| {
            *sum += value;
            Ok::<(), ()>(())
        });
        assert_eq!(merged, Ok(()));
        assert_eq!((one.enqueue, one.unblocked, one.blocked, one.lag), (2, Some(4), None, None));
    }
}
