//! Where the events of `tracing` go.

use tracing::dispatcher::{Dispatch, set_global_default, with_default};

/// The subscriber of a queue under load.
///
/// A service installs one for the whole process, and a process carries out one repeat, so that is what happens here. Only
/// where several repeats share a process (`isolate = false`) the later ones enter theirs for each call.
#[derive(Debug)]
pub enum Installed {
    /// For the process.
    Global,
    /// For each call.
    Scoped(Dispatch),
}

impl Installed {
    /// Installs a subscriber.
    pub fn new(dispatch: Dispatch) -> Self {
        match set_global_default(dispatch.clone()) {
            Ok(()) => Self::Global,
            Err(_) => Self::Scoped(dispatch),
        }
    }

    /// Logs with it.
    #[inline]
    pub fn with(&self, log: impl FnOnce()) {
        match self {
            Self::Global => log(),
            Self::Scoped(dispatch) => with_default(dispatch, log),
        }
    }
}
