//! Who is told what a session does. Nothing in a session depends on it.

use crate::plan::Plan;
use crate::run::Event;

/// Receives the events of one phase of a session.
pub trait Progress {
    /// Called for every event.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Ignores every event.
impl Progress for () {
    fn on_event(&mut self, _: &Event<'_>) {}
}

/// Watches a session. Every method has a default that does nothing.
pub trait Observer {
    /// Called when a phase begins: the plan, or the cases that are run again as a confirmation. Returns the receiver of
    /// the phase's events, which is dropped when the phase is over.
    fn phase<'p>(&'p self, _plan: &'p Plan) -> Box<dyn Progress + 'p> {
        Box::new(())
    }

    /// Something that the user may want to know.
    fn note(&self, _text: &str) {}

    /// Something that the user should not overlook.
    fn warn(&self, _text: &str) {}
}

/// Watches nothing.
impl Observer for () {}

/// Calls a function for every event of every phase.
#[derive(Debug)]
pub struct OnEvent<F>(F);

impl<F: Fn(&Event<'_>)> OnEvent<F> {
    /// Calls `function` for each event.
    pub fn new(function: F) -> Self {
        Self(function)
    }
}

impl<F: Fn(&Event<'_>)> Observer for OnEvent<F> {
    fn phase<'p>(&'p self, _: &'p Plan) -> Box<dyn Progress + 'p> {
        struct Calls<'f, F>(&'f F);

        impl<F: Fn(&Event<'_>)> Progress for Calls<'_, F> {
            fn on_event(&mut self, event: &Event<'_>) {
                (self.0)(event);
            }
        }

        Box::new(Calls(&self.0))
    }
}
