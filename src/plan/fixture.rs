//! A made-up repeat, for the tests of all rooms.

use super::PlannedRepeat;
use crate::scenario::Parameters;
use crate::units::Nanos;

/// The first repeat of a case with these parameters: a window and nothing around it, with a deadline of a minute.
pub(crate) fn repeat(parameters: Parameters) -> PlannedRepeat {
    PlannedRepeat {
        case: 0,
        repeat: 0,
        attempt: 0,
        case_id: "".into(),
        parameters,
        warmup: Nanos::ZERO,
        control: Nanos::ZERO,
        drain_timeout: Nanos::ZERO,
        deadline: Nanos::from_secs(60),
        memory_limit: None,
        steady: None,
        seed: 42,
    }
}
