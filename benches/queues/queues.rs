//! Two queues that only this bench has.

use queue_load::adapter::builtin::Builtin;
use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Strategy};
use queue_load::log_queue::FileSink;
use std::hint::black_box;
use std::time::Duration;

/// Does nothing with a record: what the loop around the calls costs.
pub struct Nothing;

impl Queue for Nothing {
    const ABOUT: About = About::new("nothing", "1");

    fn build(_: &Setup, _: Sink) -> Result<Self, String> {
        Ok(Self)
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        black_box(entry);
        Reply::ACCEPTED
    }
}

/// The built-in queue before its own file sink, as a service has it, in place of the counting sink.
pub struct OwnSink(Builtin);

impl Queue for OwnSink {
    const ABOUT: About = About {
        strategies: &[Strategy::Drop, Strategy::Block],
        ..About::new("builtin-file", env!("CARGO_PKG_VERSION"))
    };

    fn build(setup: &Setup, _: Sink) -> Result<Self, String> {
        let file = FileSink::append("/dev/null").map_err(|error| error.to_string())?;
        Builtin::before(setup, file).map(Self)
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.0.log(entry).await
    }

    fn shutdown(self, deadline: Duration) -> Account {
        self.0.shutdown(deadline)
    }
}
