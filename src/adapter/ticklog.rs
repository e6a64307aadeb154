//! `ticklog`: a ring of bytes for each thread, and one thread that formats and writes.
//!
//! The fastest call of all, and what it does not do:
//!
//! - **It has no bound over all producers.** Each thread that logs has a ring of 1 MB, which cannot be changed. So the
//!   `maxsize` of the case means nothing to it ([`About::keeps_maxsize`]).
//! - **It counts nothing.** `drop`, its default, is silent: neither the call nor a counter tells. So what did not arrive
//!   counts as dropped; that includes what a shutdown leaves behind that runs out of time.
//! - **Its `block` spins** until there is room, and takes the CPU, and the thread of the runtime, meanwhile. Whether a call
//!   had to wait is unknown.
//! - **Its own thread polls without ever sleeping**: it takes a whole CPU from the first moment to the last, idle or not.
//!   The report shows that as the queue's CPU time, and a machine of two CPUs has one left for the load.
//! - The order of records holds within a thread, and not within a task that moves from one thread of the runtime to
//!   another: such records show as reordered.
//! - A record above 64 KiB, and a call inside of a call, are dropped, also under `block`.
//! - It can be set up once in the life of a process. A second repeat in the same process cannot be built; repeats in
//!   processes of their own, which is how a run makes them, never meet that.
//! - Dropping the guard delivers what is left, without a limit of time. The deadline of the case limits it here.
//! - What happens when a ring is full is decided when the program is compiled, by a macro that `configure!` defines. This
//!   program needs both, so it defines that macro itself where it logs, once for each.
//! - The text is fixed when the program is compiled, for up to four fields. A case with more is refused.
//! - A context is a text, made once, which is an argument of each record: the call copies it.

use super::catalogue::TICKLOG;
use super::deadline::within;
use super::{About, Account, Context, Entry, Queue, Reply, Setup, Sink, Stamp, Typed};
use crate::log_queue::Level;
use std::io;
use std::time::Duration;
use ticklog::{Guard, LogSink};

/// `ticklog` under load.
pub struct Ticklog {
    guard: Guard,
    blocks: bool,
    /// The context of each task, as text; empty if there is none.
    context: String,
}

impl Queue for Ticklog {
    const ABOUT: About = TICKLOG;

    #[expect(missing_docs, reason = "`configure!` leaves two macros behind that are not ours to document")]
    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let guard = ticklog::configure! { sink: Lines { sink } }.map_err(|error| error.to_string())?;
        Ok(Self { guard, blocks: setup.blocks(), context: text_of(&setup.context()) })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        match (self.blocks, self.context.as_str()) {
            (true, "") => blocking::log(entry),
            (false, "") => dropping::log(entry),
            (true, context) => blocking::log_in(context, entry),
            (false, context) => dropping::log_in(context, entry),
        }
        Reply::UNKNOWN
    }

    fn shutdown(self, deadline: Duration) -> Account {
        within(deadline, move || drop(self.guard));
        Account::default()
    }
}

/// The pairs of a context, each after a space.
fn text_of(context: &Context) -> String {
    context.fields().iter().map(|(name, value)| format!(" {name}={value}")).collect()
}

/// The highest level that is logged, for the macros of `ticklog`.
macro_rules! __ticklog_max_level {
    () => {
        ticklog::Level::Trace
    };
}

/// The place where a service logs: the same text, for one of the two policies.
macro_rules! place {
    ($name:ident, $policy:ident) => {
        mod $name {
            use super::{Entry, Typed, level};

            macro_rules! __ticklog_backpressure {
                () => {
                    ticklog::Backpressure::$policy
                };
            }

            #[rustfmt::skip]
            pub fn log(entry: &Entry<'_>) {
                let (message, (id, at)) = (entry.message(), entry.stamp.to_words());
                let level = level(entry);
                match entry.typed() {
                    Typed { user_id: Some(user), route: Some(route), duration_ms: Some(ms), cached: Some(cached) } => {
                        ticklog::__ticklog_log!(level, "{} user_id={} route={} duration_ms={} cached={} stamp_id={} stamp_at={}", message, user, route, ms, cached, id, at);
                    }
                    Typed { user_id: Some(user), route: Some(route), duration_ms: Some(ms), .. } => {
                        ticklog::__ticklog_log!(level, "{} user_id={} route={} duration_ms={} stamp_id={} stamp_at={}", message, user, route, ms, id, at);
                    }
                    Typed { user_id: Some(user), route: Some(route), .. } => {
                        ticklog::__ticklog_log!(level, "{} user_id={} route={} stamp_id={} stamp_at={}", message, user, route, id, at);
                    }
                    Typed { user_id: Some(user), .. } => {
                        ticklog::__ticklog_log!(level, "{} user_id={} stamp_id={} stamp_at={}", message, user, id, at);
                    }
                    _ => ticklog::__ticklog_log!(level, "{} stamp_id={} stamp_at={}", message, id, at),
                }
            }

            #[rustfmt::skip]
            pub fn log_in(context: &str, entry: &Entry<'_>) {
                let (message, (id, at)) = (entry.message(), entry.stamp.to_words());
                let level = level(entry);
                match entry.typed() {
                    Typed { user_id: Some(user), route: Some(route), duration_ms: Some(ms), cached: Some(cached) } => {
                        ticklog::__ticklog_log!(level, "{}{} user_id={} route={} duration_ms={} cached={} stamp_id={} stamp_at={}", message, context, user, route, ms, cached, id, at);
                    }
                    Typed { user_id: Some(user), route: Some(route), duration_ms: Some(ms), .. } => {
                        ticklog::__ticklog_log!(level, "{}{} user_id={} route={} duration_ms={} stamp_id={} stamp_at={}", message, context, user, route, ms, id, at);
                    }
                    Typed { user_id: Some(user), route: Some(route), .. } => {
                        ticklog::__ticklog_log!(level, "{}{} user_id={} route={} stamp_id={} stamp_at={}", message, context, user, route, id, at);
                    }
                    Typed { user_id: Some(user), .. } => {
                        ticklog::__ticklog_log!(level, "{}{} user_id={} stamp_id={} stamp_at={}", message, context, user, id, at);
                    }
                    _ => ticklog::__ticklog_log!(level, "{}{} stamp_id={} stamp_at={}", message, context, id, at),
                }
            }
        }
    };
}

place!(dropping, Drop);
place!(blocking, Block);

/// The text is the macro's own; its level, which the public ones fix, is an argument of the one behind them.
fn level(entry: &Entry<'_>) -> ticklog::Level {
    match entry.level() {
        Level::Trace => ticklog::Level::Trace,
        Level::Debug => ticklog::Level::Debug,
        Level::Info => ticklog::Level::Info,
        Level::Warn => ticklog::Level::Warn,
        Level::Error => ticklog::Level::Error,
    }
}

/// The counting sink as a sink of `ticklog`, which hands over each line without its end.
struct Lines {
    sink: Sink,
}

impl LogSink for Lines {
    fn accept(&mut self, line: &[u8], _: ticklog::Level) -> io::Result<()> {
        self.sink.deliver(stamp(line), |out| {
            out.write_all(line)?;
            out.write_all(b"\n")
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// The stamp at the end of a line.
fn stamp(line: &[u8]) -> Option<Stamp> {
    let (rest, at) = str::from_utf8(line).ok()?.rsplit_once(" stamp_at=")?;
    let (_, id) = rest.rsplit_once(" stamp_id=")?;
    Stamp::from_words(id.parse().ok()?, at.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Strategy;
    use crate::adapter::tests::Kept;
    use crate::clock::{LoadClock, ManualClock};
    use crate::load::{Content, Phase, Template};
    use crate::scenario::Parameters;

    /// All in one test: a process can set it up once.
    #[test]
    fn records_of_every_number_of_fields_arrive_and_a_second_one_cannot_be_built() {
        let kept = Kept::default();
        let sink = Sink::new(LoadClock::Manual(ManualClock::at(0)), 1, 0, Some(Box::new(kept.clone())));
        let setup = |strategy| Setup { parameters: Parameters { strategy, ..Parameters::default() }, seed: 1 };
        let mut queue = Ticklog::build(&setup(Strategy::Drop), sink.clone()).unwrap();
        let again = Ticklog::build(&setup(Strategy::Drop), sink.clone());
        assert!(again.err().is_some_and(|why| why.contains("already")), "set up twice");
        let context = Context::of("2x3f+16B".parse().unwrap());
        let content = |sequence: u64| Content { level: Level::ALL[sequence as usize % 5], length: 20 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for sequence in 0..10 {
            queue.blocks = sequence % 2 == 1;
            queue.context = if sequence < 5 { text_of(&context) } else { String::new() };
            let template = Template::new(sequence as u32 / 2, 20);
            let stamp = Stamp { phase: Phase::Window, task: 0, sequence, at: 7 };
            assert_eq!(
                runtime.block_on(queue.log(&Entry::new(&template, stamp).with(content(sequence)))),
                Reply::UNKNOWN
            );
        }
        assert_eq!(queue.shutdown(Duration::from_secs(60)), Account::default());
        let delivered = sink.delivered().unwrap();
        assert_eq!((delivered.arrivals[0].unique, delivered.strangers), (10, 0));
        let text = kept.text();
        let fields = [" user_id=1000000", " route=/api/v1/orders", " duration_ms=12.75", " cached=true"];
        for (sequence, line) in text.lines().enumerate() {
            assert!(line.contains("request served from "), "{line}");
            assert!(line.to_lowercase().contains(Level::ALL[sequence % 5].as_str()), "{line}");
            for (name, value) in context.fields() {
                assert_eq!(line.contains(&format!(" {name}={value} ")), sequence < 5, "{line}");
            }
            for (n, field) in fields.iter().enumerate() {
                assert_eq!(line.contains(field), n < sequence / 2, "{line}");
            }
        }
        assert_eq!(text.lines().count(), 10);
    }

    #[test]
    fn a_line_without_a_stamp_has_none() {
        let stamped = Stamp { phase: Phase::Window, task: 9, sequence: 1 << 40, at: u64::MAX };
        let (id, at) = stamped.to_words();
        assert_eq!(stamp(format!("message stamp_id={id} stamp_at={at}").as_bytes()), Some(stamped));
        for line in ["message", "message stamp_id=1", " stamp_at=1 stamp_id=1", " stamp_id=x stamp_at=1"] {
            assert_eq!(stamp(line.as_bytes()), None, "{line}");
        }
    }
}
