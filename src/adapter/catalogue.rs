//! The queues of other projects that this crate can put under load, including those that are not built in.

use super::{About, OutcomeSource, Strategy, Typed};

/// A queue that a cargo feature builds in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optional {
    /// Its description.
    pub about: About,
    /// The cargo feature of this crate that builds it in.
    pub feature: &'static str,
}

impl Optional {
    /// The commands that build it in.
    pub fn how_to_build(&self) -> String {
        let feature = self.feature;
        format!(
            "build it in with `cargo build --release --features {feature}` or `cargo install … --features {feature}`"
        )
    }
}

const DROP_AND_BLOCK: &[Strategy] = &[Strategy::Drop, Strategy::Block];
const BLOCK: &[Strategy] = &[Strategy::Block];

/// `tracing` with `tracing-appender`'s non-blocking writer.
pub const TRACING_APPENDER: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    outcome_source: OutcomeSource::Counter,
    // The guard waits only one second for the worker.
    shutdown_delivers: false,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("tracing-appender", env!("QUEUE_LOAD_VERSION_TRACING_APPENDER"))
};

/// `slog` with `slog-async`.
pub const SLOG_ASYNC: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("slog-async", env!("QUEUE_LOAD_VERSION_SLOG_ASYNC"))
};

/// `tracing` with OpenTelemetry's batching log processor.
pub const OPENTELEMETRY: About = About {
    outcome_source: OutcomeSource::Delivery,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("opentelemetry", env!("QUEUE_LOAD_VERSION_OPENTELEMETRY_SDK"))
};

/// `spdlog-rs` with its thread pool's sink.
pub const SPDLOG_RS: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("spdlog-rs", env!("QUEUE_LOAD_VERSION_SPDLOG_RS"))
};

/// A bounded `tokio::sync::mpsc` channel.
pub const TOKIO_MPSC: About = About {
    strategies: DROP_AND_BLOCK,
    carries_context: true,
    ..About::new("tokio-mpsc", env!("QUEUE_LOAD_VERSION_TOKIO"))
};

/// A bounded `crossbeam-channel`.
pub const CROSSBEAM: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    carries_context: true,
    ..About::new("crossbeam", env!("QUEUE_LOAD_VERSION_CROSSBEAM_CHANNEL"))
};

/// `ticklog`: a ring for each thread.
pub const TICKLOG: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    outcome_source: OutcomeSource::Delivery,
    keeps_maxsize: false,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("ticklog", env!("QUEUE_LOAD_VERSION_TICKLOG"))
};

/// `ftlog`.
pub const FTLOG: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    outcome_source: OutcomeSource::Delivery,
    carries_context: true,
    ..About::new("ftlog", env!("QUEUE_LOAD_VERSION_FTLOG"))
};

/// `logforth` with its asynchronous appender.
pub const LOGFORTH: About = About {
    strategies: DROP_AND_BLOCK,
    blocks_caller: BLOCK,
    outcome_source: OutcomeSource::Delivery,
    most_fields: Typed::COUNT,
    carries_context: true,
    ..About::new("logforth", env!("QUEUE_LOAD_VERSION_LOGFORTH_APPEND_ASYNC"))
};

/// All of them.
pub const OPTIONAL: [Optional; 9] = [
    Optional { about: TRACING_APPENDER, feature: "tracing-appender" },
    Optional { about: SLOG_ASYNC, feature: "slog-async" },
    Optional { about: OPENTELEMETRY, feature: "opentelemetry" },
    Optional { about: SPDLOG_RS, feature: "spdlog-rs" },
    Optional { about: TOKIO_MPSC, feature: "tokio-mpsc" },
    Optional { about: CROSSBEAM, feature: "crossbeam" },
    Optional { about: TICKLOG, feature: "ticklog" },
    Optional { about: FTLOG, feature: "ftlog" },
    Optional { about: LOGFORTH, feature: "logforth" },
];

/// The feature that builds a queue in; `None` for a queue that is always built in or unknown.
pub fn feature_of(name: &str) -> Option<&'static str> {
    OPTIONAL.iter().find(|optional| optional.about.name == name).map(|optional| optional.feature)
}
