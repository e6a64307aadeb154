//! Your own queue under load: a channel of the standard library, and a program with every verb.
//!
//! `cargo run --release --example own_queue -- run scenarios/smoke.toml --queue mine --strategy drop`

use queue_load::adapter::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

struct Mine(SyncSender<(Stamp, String)>, JoinHandle<()>);

impl Queue for Mine {
    // It supports `drop`, and its calls return their outcome. `About` has further properties.
    const ABOUT: About = About::new("mine", "1.0.0");
    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let (sender, records) = sync_channel::<(Stamp, String)>(setup.maxsize());
        // Every record ends in the sink, with its stamp. The text is made only if the sink writes it somewhere.
        let write = move |(stamp, text)| drop(sink.deliver(Some(stamp), |out| writeln!(out, "{text}")));
        Ok(Self(sender, spawn(move || records.into_iter().for_each(write))))
    }
    async fn log(&self, entry: &Entry<'_>) -> Reply {
        // Everything that happens here is timed.
        let sent = self.0.try_send((entry.stamp, format!("{} {:?}", entry.message(), entry.fields())));
        sent.map_or(Reply::Dropped, |()| Reply::ACCEPTED)
    }
    fn shutdown(self, _deadline: Duration) -> Account {
        drop(self.0);
        self.1.join().map_or_else(|panic| std::panic::resume_unwind(panic), |()| Account::default())
    }
}

fn main() -> ExitCode {
    queue_load::main_with(|queues| queues.add::<Mine>())
}
