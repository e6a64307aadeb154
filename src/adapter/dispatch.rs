//! Installs the subscriber that receives the events of `tracing`.

use tracing::dispatcher::{Dispatch, set_global_default, with_default};

/// The subscriber of a queue under load.
///
/// A service installs one subscriber for the whole process. A process carries out one repeat, so the same happens here.
/// If several repeats share a process (`isolate = false`), the later ones set their subscriber for each call.
#[derive(Debug)]
pub enum Installed {
    /// Installed for the process.
    Global,
    /// Set for each call.
    Scoped(Dispatch),
}

impl Installed {
    /// Installs a subscriber: for the process, if none is installed yet.
    pub fn new(dispatch: Dispatch) -> Self {
        match set_global_default(dispatch.clone()) {
            Ok(()) => Self::Global,
            Err(_) => Self::Scoped(dispatch),
        }
    }

    /// Calls `log` with this subscriber.
    #[inline]
    pub fn with(&self, log: impl FnOnce()) {
        match self {
            Self::Global => log(),
            Self::Scoped(dispatch) => with_default(dispatch, log),
        }
    }
}
