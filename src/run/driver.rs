//! The interface between the main loop and what carries out a repeat.

use super::errors::RepeatError;
use crate::measure::Measurement;
use crate::plan::PlannedRepeat;
use crate::worker::protocol::Progress;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Carries out whole repeats.
pub trait Driver {
    /// Carries out one repeat, and returns when no process or thread of it is left running.
    ///
    /// `on_progress` is called a few times a second during the repeat. It should return at once: while it runs, nobody
    /// reads the output of the repeat.
    ///
    /// # Errors
    /// The reason why there is no measurement. After `interrupt` is raised, that is
    /// [`Fault::Interrupted`](super::Fault::Interrupted), within about 100 ms.
    fn run(
        &mut self,
        repeat: &PlannedRepeat,
        interrupt: &Interrupt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Measurement, RepeatError>;
}

/// A request to end the run. Its clones share one flag, which cannot be lowered again.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A new flag, not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to end. May be called in a signal handler.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run should end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
