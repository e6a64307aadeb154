//! The seam to whatever carries out a repeat.

use super::errors::RepeatError;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::worker::protocol::Progress;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Carries out whole repeats.
pub trait Driver {
    /// Carries out one repeat and returns when nothing of it is left running.
    ///
    /// `on_progress` is called now and then meanwhile; it should return at once, since nobody listens to the repeat while
    /// it runs.
    ///
    /// # Errors
    /// Why there is no measurement. [`Fault::Interrupted`](super::Fault::Interrupted), within about 100 ms, once
    /// `interrupt` is raised.
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Measurement, RepeatError>;
}

/// A request to end the run, shared between whoever raises it and the loop that obeys. It cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the run. Safe to call in a signal handler.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
