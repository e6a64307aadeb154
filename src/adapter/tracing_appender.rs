//! `tracing` with the `fmt` layer and `tracing-appender`'s non-blocking writer. The caller formats the text.
//!
//! - `drop` is its lossy mode: a line for which there is no room is dropped. The call does not report that; the
//!   writer's error counter counts it.
//! - `block` is its other mode. It is unknown whether a call had to wait.
//! - At the shutdown the guard waits one second for the worker, whatever the deadline. Lines that remain after that are
//!   lost and not counted anywhere.
//! - The fields of `tracing`'s macros are fixed when the program is compiled: there are four, as its users write them.
//!   A case with fewer fields leaves the others out; a case with more is refused.
//! - A context is spans, in which a task runs. Their text is made once, and copied into each line.

use super::catalogue::TRACING_APPENDER;
use super::dispatch::{Installed, Spans, event};
use super::lines::Lines;
use super::{About, Account, Entry, Queue, Reply, Setup, Sink};
use std::time::Duration;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

/// `tracing-appender` under load.
#[derive(Debug)]
pub struct TracingAppender {
    installed: Installed,
    spans: Spans,
    errors: ErrorCounter,
    guard: WorkerGuard,
}

impl Queue for TracingAppender {
    const ABOUT: About = TRACING_APPENDER;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(!setup.blocks())
            .buffered_lines_limit(setup.maxsize())
            .finish(Lines { sink });
        let errors = writer.error_counter();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_max_level(LevelFilter::TRACE).with_writer(writer).finish();
        let installed = Installed::new(subscriber.into());
        Ok(Self { spans: Spans::new(setup, &installed), installed, errors, guard })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let typed = entry.typed();
        self.installed.with(|| {
            event!(
                entry.level(),
                user_id = typed.user_id,
                route = typed.route,
                duration_ms = typed.duration_ms,
                cached = typed.cached,
                stamp = %entry.stamp,
                "{}",
                entry.message()
            );
        });
        Reply::UNKNOWN
    }

    fn within<R>(&self, task: u32, work: impl FnOnce() -> R) -> R {
        self.spans.within(task, work)
    }

    fn shutdown(self, _: Duration) -> Account {
        drop(self.guard);
        let dropped = self.errors.dropped_lines() as u64;
        Account { counters: [("dropped".to_owned(), dropped)].into(), ..Account::default() }
    }
}
