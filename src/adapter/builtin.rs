//! Our own queue, as a service would use it.

use super::{About, Account, Queue, Setup, Sink};
use crate::clock::Clock;
use crate::load::pacing::sleep_until;
use crate::load::payload::Value;
use crate::load::{Entry, Reply, Stamp};
use crate::log_queue::{self, Config, Level, LogQueue, Reason, Record};
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
}

impl Builtin {
    /// The same queue before a sink of one's own, which hands each record on to the load's sink; [`stamp_of`] reads the
    /// record's stamp.
    ///
    /// # Errors
    /// Why it cannot be built, in words.
    pub fn before(setup: &Setup, sink: impl log_queue::Sink + 'static) -> Result<Self, String> {
        let queue = LogQueue::start(config(&setup.parameters, setup.seed)?, sink);
        queue.map(|queue| Self { queue }).map_err(|error| error.to_string())
    }
}

impl Queue for Builtin {
    const ABOUT: About = About {
        strategies: &[Strategy::Drop, Strategy::Block, Strategy::Sample],
        ..About::new("builtin", env!("CARGO_PKG_VERSION"))
    };

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        Self::before(setup, Counted { sink, batch_delay: setup.parameters.batch_delay.0 })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        match self.queue.log(record(entry)).await {
            Ok(accepted) => Reply::Enqueued { waited: Some(accepted.waited) },
            Err(refused) => match refused.reason {
                Reason::SampledOut => Reply::SampledOut,
                Reason::Full | Reason::Closed => Reply::Dropped,
            },
        }
    }

    fn shutdown(self, deadline: Duration) -> Account {
        let end = self.queue.shutdown(deadline);
        let counters = self.queue.counters();
        let named = [
            ("enqueued", counters.enqueued),
            ("dropped", counters.dropped),
            ("sampled_out", counters.sampled_out),
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
        },
        batch_size: whole("batch_size", parameters.batch_size)?,
        batch_timeout: Duration::from_nanos(parameters.batch_timeout.0),
        sample_rate: parameters.sample_rate.as_f64(),
        seed,
    })
}

/// The record that a service would build at the place where it logs.
fn record(entry: &Entry<'_>) -> Record {
    let (id, at) = entry.stamp.to_words();
    let record = Record::new(Level::Info, entry.message().to_owned());
    let record = entry.fields().iter().fold(record, |record, &(name, value)| match value {
        Value::U64(value) => record.with(name, value),
        Value::Str(value) => record.with(name, value),
        Value::F64(value) => record.with(name, value),
        Value::Bool(value) => record.with(name, value),
    });
    record.with(STAMP_ID, id).with(STAMP_AT, at)
}

/// The stamp of a record that [`Builtin`] made; `None` of any other record.
#[must_use]
pub fn stamp_of(record: &Record) -> Option<Stamp> {
    let word = |name| match record.field(name) {
        Some(&log_queue::Value::U64(word)) => Some(word),
        _ => None,
    };
    Stamp::from_words(word(STAMP_ID)?, word(STAMP_AT)?)
}

/// The counting sink as a sink of the queue.
struct Counted {
    sink: Sink,
    /// Time that it takes after each batch, in nanoseconds: what a commit costs, however many records are in it.
    batch_delay: u64,
}

impl log_queue::Sink for Counted {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        self.sink.deliver(stamp_of(record), |out| record.write_json(out))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()?;
        if self.batch_delay > 0 {
            let clock = self.sink.clock();
            // Nothing cuts it short: a queue that gives up at its deadline leaves its thread behind, as in a service.
            sleep_until(clock, clock.now() + self.batch_delay, Pacing::Hybrid, &AtomicBool::new(false));
        }
        Ok(())
    }

    fn buffers(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{LoadClock, ManualClock};
    use crate::load::{Phase, Template};
    use crate::log_queue::Sink as _;

    #[test]
    fn the_stamp_survives_the_record_whatever_the_payload() {
        for fields in [0, 4, 64] {
            let template = Template::new(fields, 64);
            let stamped = Stamp { phase: Phase::Window, task: 9, sequence: 1 << 40, at: u64::MAX };
            let record = record(&Entry::new(&template, stamped));
            assert_eq!(stamp_of(&record), Some(stamped));
            assert_eq!(record.fields().len(), fields as usize + 2);
        }
        assert_eq!(stamp_of(&Record::new(Level::Info, "not ours")), None);
    }

    #[test]
    fn a_batch_takes_its_delay_however_many_records_it_has() {
        for (batch_delay, records, taken) in [(0, 3, 0), (5_000, 3, 5_000), (5_000, 1, 5_000)] {
            let clock = ManualClock::at(0);
            let mut sink = Counted { sink: Sink::new(LoadClock::Manual(clock.clone()), 1, 0, None), batch_delay };
            (0..records).for_each(|_| sink.write(&Record::new(Level::Info, "one")).unwrap());
            sink.flush().unwrap();
            assert_eq!(clock.now(), taken, "{batch_delay} ns, {records} records");
        }
    }
}
