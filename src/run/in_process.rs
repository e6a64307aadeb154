//! Runs repeats in this process, for debugging. A repeat may then disturb the next one, and a hung repeat cannot be
//! ended.

use super::driver::{Driver, Interrupt};
use super::errors::{Fault, RepeatError};
use super::verify::Verify;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::worker::protocol::Progress;
use crate::worker::{Queues, carry_out};

/// Carries out repeats in this process. It reports no progress, ignores the deadline, and notices an interrupt only
/// between two repeats.
pub struct InProcessDriver<'a> {
    queues: &'a Queues,
    verify: Verify,
}

impl<'a> InProcessDriver<'a> {
    /// Runs repeats of these queues. If `verify` finds something untrue in a result, the repeat is an error.
    #[must_use]
    pub fn new(queues: &'a Queues, verify: Verify) -> Self {
        Self { queues, verify }
    }
}

impl Driver for InProcessDriver<'_> {
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        _: &Interrupt,
        _: &mut dyn FnMut(Progress),
    ) -> Result<Measurement, RepeatError> {
        let measurement =
            carry_out(self.queues, repeat.clone(), Box::new(|_| {})).map_err(|failure| Fault::from(failure).alone())?;
        match self.verify.problem(repeat, &measurement) {
            None => Ok(measurement),
            Some(untrue) => Err(Fault::protocol(untrue).alone()),
        }
    }
}
