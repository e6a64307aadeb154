//! Our own queue, as a service would use it.

use super::{About, Account, Queue, Setup, Sink};
use crate::clock::Clock;
use crate::load::pacing::sleep_until;
use crate::load::payload::{self, Typed};
use crate::load::{Entry, Reply, Stamp};
use crate::log_queue::{self, Accepted, Config, Field, LogQueue, Reason, Record, RecordRef, Value};
use crate::scenario::{Pacing, Parameters, Strategy};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The fields that carry the stamp.
const STAMP_ID: &str = "stamp_id";
const STAMP_AT: &str = "stamp_at";

/// [`LogQueue`] under load.
#[derive(Debug)]
pub struct Builtin {
    queue: LogQueue,
    /// The context of each task, made once, as a service makes it for each request.
    context: Box<[Field<'static>]>,
}

impl Builtin {
    /// The same queue before a sink of one's own, which hands each record on to the load's sink; [`stamp_of`] reads the
    /// record's stamp.
    ///
    /// # Errors
    /// Why it cannot be built, in words.
    pub fn before(setup: &Setup, sink: impl log_queue::Sink + 'static) -> Result<Self, String> {
        let queue = LogQueue::start(config(&setup.parameters, setup.seed)?, sink);
        let context = setup.context().fields().iter().map(|&(name, value)| Field::new(name, value)).collect();
        queue.map(|queue| Self { queue, context }).map_err(|error| error.to_string())
    }
}

impl Queue for Builtin {
    const ABOUT: About =
        About { strategies: &Strategy::ALL, carries_context: true, ..About::new("builtin", env!("CARGO_PKG_VERSION")) };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        Self::before(setup, Counted::new(sink, setup.parameters.batch_delay.0))
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        if self.context.is_empty() {
            return reply(log(&self.queue, entry).await);
        }
        reply(log_in_context(&self.queue, &self.context, entry).await)
    }

    fn shutdown(self, deadline: Duration) -> Account {
        let end = self.queue.shutdown(deadline);
        let counters = self.queue.counters();
        let named = [
            ("enqueued", counters.enqueued),
            ("dropped", counters.dropped),
            ("sampled_out", counters.sampled_out),
            ("evicted", counters.evicted),
            ("delivered", counters.delivered),
            ("sink_errors", counters.sink_errors),
            ("abandoned", counters.abandoned),
        ];
        Account {
            counters: BTreeMap::from(named.map(|(name, count)| (name.to_owned(), count))),
            admitted: end.abandoned + end.sink_errors,
            depth_high_water: Some(counters.depth_high_water),
        }
    }
}

fn config(parameters: &Parameters, seed: u64) -> Result<Config, String> {
    let whole = |name: &str, value: u64| usize::try_from(value).map_err(|_| format!("{name} {value} is too large"));
    Ok(Config {
        maxsize: whole("maxsize", parameters.maxsize)?,
        strategy: match parameters.strategy {
            Strategy::Drop => log_queue::Strategy::Drop,
            Strategy::Block => log_queue::Strategy::Block,
            Strategy::Sample => log_queue::Strategy::Sample,
            Strategy::DropOldest => log_queue::Strategy::DropOldest,
        },
        batch_size: whole("batch_size", parameters.batch_size)?,
        batch_timeout: Duration::from_nanos(parameters.batch_timeout.0),
        sample_rate: parameters.sample_rate.as_f64(),
        seed,
        ..Config::default()
    })
}

/// The call that a service would make at the place where it logs. There the fields are known when it is compiled; that is
/// so here for the four that a log has by default.
#[inline]
async fn log(queue: &LogQueue, entry: &Entry<'_>) -> Result<Accepted, Reason> {
    match entry.typed() {
        Typed { user_id: Some(user_id), route: Some(route), duration_ms: Some(duration_ms), cached: Some(cached) }
            if entry.fields().len() == Typed::COUNT as usize =>
        {
            let (id, at) = entry.stamp.to_words();
            let record = Record::new(entry.level(), entry.message())
                .with("user_id", user_id)
                .with("route", route)
                .with("duration_ms", duration_ms)
                .with("cached", cached);
            queue.log(record.with(STAMP_ID, id).with(STAMP_AT, at)).await.map_err(|refused| refused.reason)
        }
        _ => log_many(queue, entry).await,
    }
}

/// The same with a context, whose fields a service adds from a slice.
async fn log_in_context(queue: &LogQueue, context: &[Field<'_>], entry: &Entry<'_>) -> Result<Accepted, Reason> {
    match entry.typed() {
        Typed { user_id: Some(user_id), route: Some(route), duration_ms: Some(duration_ms), cached: Some(cached) }
            if entry.fields().len() == Typed::COUNT as usize =>
        {
            let (id, at) = entry.stamp.to_words();
            let record = Record::new(entry.level(), entry.message())
                .fields(context)
                .with("user_id", user_id)
                .with("route", route)
                .with("duration_ms", duration_ms)
                .with("cached", cached);
            queue.log(record.with(STAMP_ID, id).with(STAMP_AT, at)).await.map_err(|refused| refused.reason)
        }
        _ => {
            let (id, at) = entry.stamp.to_words();
            let fields = fields(entry);
            let record = Record::new(entry.level(), entry.message()).fields(context).fields(&fields);
            queue.log(record.with(STAMP_ID, id).with(STAMP_AT, at)).await.map_err(|refused| refused.reason)
        }
    }
}

/// The same with as many fields as a case asks for.
async fn log_many(queue: &LogQueue, entry: &Entry<'_>) -> Result<Accepted, Reason> {
    let (id, at) = entry.stamp.to_words();
    let fields = fields(entry);
    let record = Record::new(entry.level(), entry.message()).fields(&fields);
    queue.log(record.with(STAMP_ID, id).with(STAMP_AT, at)).await.map_err(|refused| refused.reason)
}

/// The fields of a log, made for the call. An array with room for the most would lie in the future of each call, whether it
/// is used or not, and be moved with it.
#[inline]
fn fields(entry: &Entry<'_>) -> Vec<Field<'static>> {
    entry.fields().iter().map(to_field).collect()
}

fn to_field(&(name, value): &(&'static str, payload::Value)) -> Field<'static> {
    match value {
        payload::Value::U64(value) => Field::new(name, value),
        payload::Value::Str(value) => Field::new(name, value),
        payload::Value::F64(value) => Field::new(name, value),
        payload::Value::Bool(value) => Field::new(name, value),
    }
}

fn reply(outcome: Result<Accepted, Reason>) -> Reply {
    match outcome {
        Ok(accepted) => Reply::Enqueued { waited: Some(accepted.waited) },
        Err(Reason::SampledOut) => Reply::SampledOut,
        Err(Reason::Full | Reason::Closed) => Reply::Dropped,
    }
}

/// The stamp of a record that [`Builtin`] made; `None` of any other record.
#[must_use]
pub fn stamp_of(record: &RecordRef<'_>) -> Option<Stamp> {
    // One walk over the fields: each record passes here on its way to the sink.
    let (mut id, mut at) = (None, None);
    for (name, value) in record.fields() {
        match (name, value) {
            (STAMP_ID, Value::U64(word)) => id = Some(word),
            (STAMP_AT, Value::U64(word)) => at = Some(word),
            _ => {}
        }
    }
    Stamp::from_words(id?, at?)
}

/// The counting sink as a sink of the queue. Like the queue's own sinks, it keeps the lines of a batch and delivers them
/// together, unless the case's sink takes its time for each record.
struct Counted {
    sink: Sink,
    /// Time that it takes after each batch, in nanoseconds: what a commit costs, however many records are in it.
    batch_delay: u64,
    one_by_one: bool,
    wants_text: bool,
    /// The records since the last flush, and their lines. Both keep their memory.
    stamps: Vec<Option<Stamp>>,
    lines: Vec<u8>,
}

impl Counted {
    fn new(sink: Sink, batch_delay: u64) -> Self {
        let (one_by_one, wants_text) = (sink.takes_time(), sink.wants_text());
        Self { sink, batch_delay, one_by_one, wants_text, stamps: Vec::new(), lines: Vec::new() }
    }
}

impl log_queue::Sink for Counted {
    fn write(&mut self, record: &RecordRef<'_>) -> io::Result<()> {
        let stamp = stamp_of(record);
        if self.wants_text {
            record.push_json(&mut self.lines);
        }
        if !self.one_by_one {
            self.stamps.push(stamp);
            return Ok(());
        }
        let delivered = self.sink.deliver(stamp, |out| out.write_all(&self.lines));
        self.lines.clear();
        delivered
    }

    fn flush(&mut self) -> io::Result<()> {
        let delivered = self.sink.deliver_batch(&self.stamps, |out| out.write_all(&self.lines));
        self.stamps.clear();
        self.lines.clear();
        delivered?;
        if self.batch_delay > 0 {
            let clock = self.sink.clock();
            // Nothing cuts it short: a queue that gives up at its deadline leaves its thread behind, as in a service.
            sleep_until(clock, clock.now() + self.batch_delay, Pacing::Hybrid, &AtomicBool::new(false));
        }
        Ok(())
    }

    fn buffers(&self) -> bool {
        !self.one_by_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{LoadClock, ManualClock};
    use crate::load::{Phase, Template};
    use crate::log_queue::Sink as _;
    use std::pin::pin;
    use std::sync::mpsc::channel;
    use std::task::{Context, Waker};

    #[test]
    fn the_stamp_survives_the_record_whatever_the_payload() {
        for fields in [0, 3, 4, 64] {
            let template = Template::new(fields, 64);
            let stamped = Stamp { phase: Phase::Window, task: 9, sequence: 1 << 40, at: u64::MAX };
            let (send, arrived) = channel();
            let sink = move |record: &RecordRef<'_>| {
                let names: Vec<String> = record.fields().map(|(name, _)| name.to_owned()).collect();
                let _ = send.send((stamp_of(record), record.message().len(), names));
                Ok(())
            };
            let queue = LogQueue::start(Config::default(), sink).unwrap();
            let entry = Entry::new(&template, stamped);
            let mut call = pin!(log(&queue, &entry));
            assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
            assert!(queue.shutdown(Duration::MAX).completed);
            let (stamp, message, names) = arrived.recv().unwrap();
            let own = entry.fields().iter().map(|(name, _)| *name).chain([STAMP_ID, STAMP_AT]);
            assert_eq!((stamp, message, names), (Some(stamped), 64, own.map(str::to_owned).collect()));
        }
        assert_eq!(Record::new(log_queue::Level::Info, "not ours").read(stamp_of), None);
    }

    #[test]
    fn records_arrive_with_their_batch_unless_each_takes_its_time() {
        let template = Template::new(4, 64);
        for (sink_delay, arrived) in [(0, [0, 0, 2]), (1, [1, 2, 2])] {
            let counting = Sink::new(LoadClock::Manual(ManualClock::at(0)), 1, sink_delay, None);
            counting.stop_serving();
            let mut sink = Counted::new(counting.clone(), 0);
            assert_eq!(sink.buffers(), sink_delay == 0);
            let mut counts = Vec::new();
            for sequence in 0..2 {
                let stamp = Stamp { phase: Phase::Window, task: 0, sequence, at: 0 };
                let (id, at) = Entry::new(&template, stamp).stamp.to_words();
                let record = Record::new(log_queue::Level::Info, "one").with(STAMP_ID, id).with(STAMP_AT, at);
                record.read(|record| sink.write(record)).unwrap();
                counts.push(counting.so_far());
            }
            sink.flush().unwrap();
            counts.push(counting.so_far());
            assert_eq!(counts, arrived);
        }
    }

    #[test]
    fn a_batch_takes_its_delay_however_many_records_it_has() {
        for (batch_delay, records, taken) in [(0, 3, 0), (5_000, 3, 5_000), (5_000, 1, 5_000)] {
            let clock = ManualClock::at(0);
            let mut sink = Counted::new(Sink::new(LoadClock::Manual(clock.clone()), 1, 0, None), batch_delay);
            (0..records)
                .for_each(|_| Record::new(log_queue::Level::Info, "one").read(|record| sink.write(record)).unwrap());
            sink.flush().unwrap();
            assert_eq!(clock.now(), taken, "{batch_delay} ns, {records} records");
        }
    }
}
