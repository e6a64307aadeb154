//! Installs the subscriber that receives the events of `tracing`, and makes the spans in which they happen.

use super::{Context, Setup};
use crate::load::context::named_spans;
use tracing::dispatcher::{Dispatch, get_default, set_global_default, with_default};
use tracing::span::Span;

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
    pub fn with<R>(&self, log: impl FnOnce() -> R) -> R {
        match self {
            Self::Global => log(),
            Self::Scoped(dispatch) => with_default(dispatch, log),
        }
    }
}

/// The spans of the tasks.
#[derive(Debug)]
pub struct Spans {
    /// The innermost span of each task, which holds those around it. Empty if there is no context.
    innermost: Vec<Span>,
    /// The subscriber that knows them.
    dispatch: Dispatch,
}

impl Spans {
    /// Makes the spans of all tasks. A service makes them for each request; here they last for the whole load.
    pub fn new(setup: &Setup, installed: &Installed) -> Self {
        let context = setup.context();
        let tasks = if context.fields().is_empty() { 0 } else { setup.parameters.concurrency };
        installed.with(|| Self {
            innermost: (0..tasks).map(|_| nested(&context)).collect(),
            dispatch: get_default(Dispatch::clone),
        })
    }

    /// Does `work` inside the spans of the task, as an instrumented future is polled.
    #[inline]
    pub fn within<R>(&self, task: u32, work: impl FnOnce() -> R) -> R {
        match self.innermost.get(task as usize) {
            Some(span) => span.in_scope(work),
            None => work(),
        }
    }
}

impl Drop for Spans {
    /// A span that ends lets go of the one around it at the subscriber of its thread, whichever that is
    /// (`tracing-subscriber` 0.3). So it must be the one that knows it.
    fn drop(&mut self) {
        with_default(&self.dispatch, || self.innermost.clear());
    }
}

/// A span for each of the context, one inside the other.
fn nested(context: &Context) -> Span {
    let spans = context.spans().enumerate();
    spans.fold(Span::none(), |outer, (place, (_, fields))| {
        let mut values = fields.iter().map(|(_, value)| *value);
        // Names are fixed where the macro stands. A field without a value is not recorded.
        macro_rules! span {
            ($($number:literal $name:literal: $($field:ident)*;)*) => {
                match place {
                    $($number => tracing::info_span!(parent: outer.id(), $name, $($field = values.next()),*),)*
                    _ => outer,
                }
            };
        }
        named_spans!(span)
    })
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
