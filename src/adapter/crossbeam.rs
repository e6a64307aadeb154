//! A bounded `crossbeam-channel` and a thread that writes, as people build it. A call that waits for room blocks its
//! thread.

use super::catalogue::CROSSBEAM;
use super::channel::{Owned, Writer};
use super::{About, Account, Entry, Queue, Reply, Setup, Sink};
use crossbeam_channel::{Sender, TrySendError};
use std::time::Duration;

/// The channel under load.
#[derive(Debug)]
pub struct Crossbeam {
    sender: Sender<Owned>,
    blocks: bool,
    writer: Writer,
}

impl Queue for Crossbeam {
    const ABOUT: About = CROSSBEAM;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (sender, records) = crossbeam_channel::bounded(setup.maxsize());
        let writer = Writer::start(sink, move || records.recv().ok())?;
        Ok(Self { sender, blocks: setup.blocks(), writer })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        match self.sender.try_send(Owned::of(entry)) {
            Ok(()) => Reply::ACCEPTED,
            Err(TrySendError::Full(record)) if self.blocks => match self.sender.send(record) {
                Ok(()) => Reply::Enqueued { waited: Some(true) },
                Err(_) => Reply::Dropped,
            },
            Err(_) => Reply::Dropped,
        }
    }

    fn shutdown(self, deadline: Duration) -> Account {
        drop(self.sender);
        self.writer.finish(deadline)
    }
}
