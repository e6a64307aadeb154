//! Tests what every built-in queue must do with a record, without a load.

use super::{About, Account, Context, Host, Queue, Registry, Reply, Setup, Sink, Stamp, Strategy, Typed};
use crate::clock::{LoadClock, ManualClock};
use crate::load::{Content, Entry, Phase, Template};
use crate::log_queue::Level;
use crate::scenario::{ContextFields, Parameters};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Can be built once in a process, so its tests are its own.
const ONCE: [&str; 1] = ["ticklog"];

/// Longer than any queue takes for a few records.
const DEADLINE: Duration = Duration::from_secs(60);

/// A sink that keeps everything written to it.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Only the first has the whole message. The others end inside of its second word.
fn length_of(sequence: u64) -> u32 {
    if sequence == 0 { 20 } else { 14 - sequence as u32 }
}

/// Logs five records with `fields` fields each, in a context.
struct LogsFive {
    fields: u32,
    strategy: Strategy,
    context: ContextFields,
}

struct Logged {
    name: &'static str,
    replies: Vec<Reply>,
    account: Account,
    arrived: u64,
    strangers: u64,
    text: String,
    /// Size of the future of a call, in bytes.
    future: usize,
}

impl Host for LogsFive {
    type Output = Logged;

    fn host<Q: Queue>(self) -> Logged {
        let kept = Kept::default();
        let sink = Sink::new(LoadClock::Manual(ManualClock::at(0)), 1, 0, Some(Box::new(kept.clone())));
        let parameters = Parameters { strategy: self.strategy, context: self.context, ..Parameters::default() };
        let queue = Q::build(&Setup { parameters, seed: 1 }, sink.clone()).unwrap();
        let template = Template::new(self.fields, 20).within(Context::of(self.context));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let log = |sequence| {
            let stamp = Stamp { phase: Phase::Window, task: 0, sequence, at: 7 };
            let content = Content { level: Level::ALL[sequence as usize], length: length_of(sequence) };
            queue.within(0, || runtime.block_on(queue.log(&Entry::new(&template, stamp).with(content))))
        };
        let stamp = Stamp { phase: Phase::Window, task: 0, sequence: 0, at: 7 };
        let future = size_of_val(&queue.log(&Entry::new(&template, stamp)));
        let replies = (0..5).map(log).collect();
        let account = queue.shutdown(DEADLINE);
        sink.flush().unwrap();
        let delivered = sink.delivered().unwrap();
        let text = kept.text();
        let arrived = delivered.arrivals[0].unique;
        Logged { name: Q::ABOUT.name, replies, account, arrived, strangers: delivered.strangers, text, future }
    }
}

fn with_each(fields: u32, test: impl Fn(Logged)) {
    in_each(fields, ContextFields::default(), test);
}

fn in_each(fields: u32, context: ContextFields, test: impl Fn(Logged)) {
    let registry = Registry::<LogsFive>::with_own();
    let abouts: Vec<_> = registry.abouts().copied().collect();
    for about in abouts.into_iter().filter(|about| !ONCE.contains(&about.name)) {
        for &strategy in about.strategies {
            test(registry.host(about.name, LogsFive { fields, strategy, context }).unwrap());
        }
    }
}

/// It is moved before it is polled, within the time that a call is measured to take, and each task has room for it.
#[test]
fn the_future_of_a_call_is_small() {
    with_each(Typed::COUNT, |Logged { name, future, .. }| assert!(future <= 512, "{name}: {future} bytes"));
}

/// Keeps its records until it is dropped, and has no shutdown of its own.
struct Late(Sink, Mutex<Vec<Stamp>>);

impl Queue for Late {
    const ABOUT: About = About::new("late", "1");

    fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
        Ok(Self(sink, Mutex::default()))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        self.1.lock().unwrap().push(entry.stamp);
        Reply::ACCEPTED
    }
}

impl Drop for Late {
    fn drop(&mut self) {
        self.1.lock().unwrap().drain(..).for_each(|stamp| self.0.deliver(Some(stamp), |_| Ok(())).unwrap());
    }
}

#[test]
fn a_queue_without_a_shutdown_delivers_when_it_is_dropped() {
    let logged = LogsFive { fields: 0, strategy: Strategy::Drop, context: ContextFields::default() }.host::<Late>();
    assert_eq!((logged.arrived, logged.account), (5, Account::default()));
}

#[test]
fn every_record_arrives_with_its_stamp() {
    with_each(Typed::COUNT, |logged| {
        let Logged { name, replies, account, arrived, strangers, .. } = logged;
        assert!(replies.iter().all(|reply| matches!(reply, Reply::Enqueued { .. })), "{name}: {replies:?}");
        assert_eq!((arrived, strangers, account.admitted), (5, 0, 0), "{name}");
    });
}

#[test]
fn the_text_has_the_message_and_every_field() {
    for fields in 0..=Typed::COUNT {
        with_each(fields, |Logged { name, text, .. }| {
            assert_eq!(text.lines().count(), 5, "{name}: {text}");
            let first = text.lines().next().unwrap();
            assert!(first.contains("request served from "), "{name}: {first}");
            let pairs =
                [("user_id", "1000000"), ("route", "/api/v1/orders"), ("duration_ms", "12.75"), ("cached", "true")];
            // The name must come before the value: a value alone may also be part of the time.
            let holds = |(name, value): &(&str, &str)| {
                let after = first.split(name).nth(1).map(|rest| rest.trim_start_matches(['=', ':', '"', ' ']));
                after.is_some_and(|rest| rest.starts_with(value))
            };
            // The control writes no fields.
            for (n, pair) in pairs.iter().enumerate().filter(|_| name != "noop") {
                assert_eq!(holds(pair), n < fields as usize, "{name}, {fields} fields: {first}");
            }
        });
    }
}

/// What a queue writes of the stamp and of the usual fields is the business of the tests above.
#[test]
fn every_record_carries_the_context_of_its_task() {
    for (text, fields) in [("none", 4), ("1f+1B", 4), ("2x3f+16B", 2), ("4x16f+256B", 4)] {
        let asked: ContextFields = text.parse().unwrap();
        let context = Context::of(asked);
        in_each(fields, asked, |Logged { name, text, arrived, strangers, .. }| {
            assert_eq!((arrived, strangers, text.lines().count()), (5, 0, 5), "{name}: {text}");
            for line in text.lines() {
                for (field, value) in context.fields() {
                    let after: Vec<&str> = line.split(field).skip(1).collect();
                    assert_eq!(after.len(), 1, "{name}: {field} stands once: {line}");
                    let found = after[0].trim_start_matches(['=', ':', '"']).split([' ', '"', ',', '}']).next();
                    assert_eq!(found, Some(*value), "{name}: {field}: {line}");
                }
                let others = ["request_", "handler_", "query_", "attempt_"].map(|span| line.matches(span).count());
                assert_eq!(others.iter().sum::<usize>(), context.fields().len(), "{name}: {line}");
            }
        });
    }
}

#[test]
fn every_queue_of_this_program_carries_a_context() {
    assert!(Registry::<LogsFive>::with_own().abouts().all(|about| about.carries_context));
    assert!(!About::new("yours", "1").carries_context, "one that does not say so does not");
}

#[test]
fn every_level_and_every_length_reaches_the_sink() {
    with_each(Typed::COUNT, |Logged { name, text, .. }| {
        let message = "request served from the pool";
        for (sequence, (line, level)) in text.lines().zip(Level::ALL).enumerate() {
            let level = if name == "slog-async" && level == Level::Warn { "WARN" } else { level.as_str() };
            assert!(line.to_lowercase().contains(&level.to_lowercase()), "{name}, {level}: {line}");
            let length = length_of(sequence as u64) as usize;
            assert!(line.contains(&message[..length]), "{name}: {line}");
            assert!(!line.contains(&message[..length + 1]), "{name}: {line}");
        }
    });
}
