//! A bounded `tokio::sync::mpsc` channel and a thread that writes, as people build it. A call that waits for room does
//! not block its thread.

use super::catalogue::TOKIO_MPSC;
use super::channel::{Owned, Writer};
use super::{About, Account, Entry, Queue, Reply, Setup, Sink};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Sender};

/// The channel under load.
#[derive(Debug)]
pub struct TokioMpsc {
    sender: Sender<Owned>,
    blocks: bool,
    writer: Writer,
}

impl Queue for TokioMpsc {
    const ABOUT: About = TOKIO_MPSC;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (sender, mut records) = mpsc::channel(setup.maxsize());
        let writer = Writer::start(sink, move || records.blocking_recv())?;
        Ok(Self { sender, blocks: setup.blocks(), writer })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        match self.sender.try_send(Owned::of(entry)) {
            Ok(()) => Reply::ACCEPTED,
            Err(TrySendError::Full(record)) if self.blocks => match self.sender.send(record).await {
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
