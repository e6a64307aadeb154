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

/// Logs an event: `tracing` fixes the level where the macro stands, so there is one for each.
macro_rules! event {
    ($level:expr, $($event:tt)*) => {
        match $level {
            $crate::log_queue::Level::Trace => tracing::trace!($($event)*),
            $crate::log_queue::Level::Debug => tracing::debug!($($event)*),
            $crate::log_queue::Level::Info => tracing::info!($($event)*),
            $crate::log_queue::Level::Warn => tracing::warn!($($event)*),
            $crate::log_queue::Level::Error => tracing::error!($($event)*),
        }
    };
}

pub(super) use event;
