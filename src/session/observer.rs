//! Who is told what a session does. Nothing in a session depends on it.

use crate::plan::Plan;
use crate::run::Event;

/// Is told what happens in one phase of a session.
pub trait Progress {
    /// Something has happened.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Is told nothing.
impl Progress for () {
    fn on_event(&mut self, _: &Event<'_>) {}
}

/// Watches a session. Every method has a default that does nothing.
pub trait Observer {
    /// A phase begins: the plan, or the cases of it that are run again to confirm a suspicion. Returns who is told of its
    /// events; that is dropped when the phase is over.
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

/// A function that is told of every event of every phase.
#[derive(Debug)]
pub struct OnEvent<F>(F);

impl<F: Fn(&Event<'_>)> OnEvent<F> {
    /// Calls `function` at each event.
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
