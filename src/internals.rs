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

/// How reports are made.
pub mod report {
    pub use crate::report::build::*;
    pub use crate::report::environment::{BuildFacts, collect_environment};
    pub use crate::report::name::{file_name, write_new};
    pub use crate::report::slow_calls::{bound_from, calls_over};
}

/// How sessions are carried out.
pub mod session {
    pub use crate::session::assemble::{environment, input};
    pub use crate::session::drivers::verify;
    pub use crate::session::external::{command_of, of_plan as programs_of};
    pub use crate::session::inputs::{Inputs, Prepared, prepare};
    pub use crate::session::stage::Stage;
}

/// How a gate comes to its last word.
pub mod compare {
    pub use crate::compare::calibrate::calibrate;
    pub use crate::compare::family::{fewest_repeats, most_tests};
    pub use crate::compare::settle::{Settled, settle, suspects, undecided};
}

/// The queues of other projects, built in or not.
pub mod adapter {
    pub mod catalogue {
        pub use crate::adapter::catalogue::*;
    }

    /// The queues of the catalogue that are not built in.
    pub fn not_built(queues: &crate::Queues) -> impl Iterator<Item = &'static catalogue::Optional> {
        queues.not_built()
    }
}

/// The JSON schemas, as they follow from the model.
pub mod schema {
    pub use crate::report::schema::schema as report;
    pub use crate::scenario::schema::schema as scenario;
}

/// The command line, read and not followed.
pub mod cli {
    pub use crate::cli::understands;
}
