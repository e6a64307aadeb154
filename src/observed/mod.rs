//! What is observed of a repeat, by name: the latencies, the counts, the rates. Each list stands here once; reports, tables,
//! checks, CSV and tests go through it.

mod latencies;

pub use latencies::{ByLatency, LatencyName, strict};

use serde::{Deserialize, Serialize};
use std::fmt;

/// Declares an enum of names with `ALL`, `name` and `Display`, so that a name is written once.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$variant_doc])* $variant,)+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$variant,)+];

            /// As in a check and in the report.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)+ }
            }

            /// The one of that name.
            pub fn find(name: &str) -> Option<$type> {
                Self::ALL.iter().copied().find(|known| known.name() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

use names;

names! {
    /// Names of the counts that a check may speak of; they are the ledger's.
    CountName {
        /// Logs whose intended time lies in the window.
        Scheduled = "scheduled",
        /// Calls made.
        Attempted = "attempted",
        /// Not sent: the queue's share.
        Unsent = "unsent",
        /// Not sent: the generator's share.
        UnsentGenerator = "unsent_generator",
        /// Accepted by the queue.
        Enqueued = "enqueued",
        /// Refused because the queue was full.
        Dropped = "dropped",
        /// Refused by the sampling decision.
        SampledOut = "sampled_out",
        /// Distinct accepted logs that reached the sink.
        Delivered = "delivered",
        /// Accepted, and later removed to make room for a newer log.
        Evicted = "evicted",
        /// Accepted logs that never reached the sink and were not evicted.
        Lost = "lost",
        /// Deliveries of a log that had been delivered before.
        Duplicated = "duplicated",
        /// Deliveries that overtook an earlier log of their task.
        Reordered = "reordered",
        /// Deliveries that could not be told to be new or a repetition.
        Undecidable = "undecidable",
    }
}

impl CountName {
    /// The counts that are kept by level.
    pub const BY_LEVEL: [Self; 7] =
        [Self::Attempted, Self::Enqueued, Self::Dropped, Self::SampledOut, Self::Delivered, Self::Evicted, Self::Lost];
}

names! {
    /// Names of the rates that a check may speak of.
    RateName {
        /// What the scenario asked for.
        Offered = "offered",
        /// Calls made.
        Attempted = "attempted",
        /// Accepted within the window.
        Accepted = "accepted",
        /// Delivered within the window.
        Delivered = "delivered",
    }
}
