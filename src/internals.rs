//! The rooms that are private, for this crate's own tests and benchmarks. No promise is made about any of it.

pub mod hostile;

/// Re-exports of rooms, each under its own name.
macro_rules! rooms {
    ($($room:ident),*) => {
        $(pub mod $room {
            pub use crate::$room::*;
        })*
    };
}

rooms!(units, clock, observed, scenario, matrix, plan, load, measure, worker, run, verdict, selftest, render);

/// The JSON schemas, as they follow from the model.
pub mod schema {
    pub use crate::report::schema::schema as report;
    pub use crate::scenario::schema::schema as scenario;
}

/// The command line, read and not followed.
pub mod cli {
    pub use crate::cli::understands;
}
