//! A logging queue and how it is put under load.

use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// A bounded channel and a thread that writes.
pub struct Mine(SyncSender<(Stamp, String)>, JoinHandle<()>);

impl Queue for Mine {
    const ABOUT: About = About::new("mine", "1.0.0");

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (sender, records) = sync_channel::<(Stamp, String)>(setup.maxsize());
        let write = move |(stamp, text)| drop(sink.deliver(Some(stamp), |out| writeln!(out, "{text}")));
        Ok(Self(sender, spawn(move || records.into_iter().for_each(write))))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let sent = self.0.try_send((entry.stamp, entry.message().to_string()));
        sent.map_or(Reply::Dropped, |()| Reply::ACCEPTED)
    }

    fn shutdown(self, _deadline: Duration) -> Account {
        drop(self.0);
        self.1.join().map_or_else(|panic| std::panic::resume_unwind(panic), |()| Account::default())
    }
}
