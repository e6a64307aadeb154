//! `tracing` with OpenTelemetry's bridge, its logs SDK and its batching log processor.
//!
//! - `drop` is its only strategy. Neither the call nor a counter reports which records were dropped, so records that
//!   did not arrive count as dropped. That includes records which a shutdown leaves behind when it runs out of time.
//! - `batch_size` and `batch_timeout` of the case set its export batch size and its scheduled delay.
//! - The fields of `tracing`'s macros are fixed when the program is compiled: there are four. A case with fewer fields
//!   leaves the others out; a case with more is refused.
//! - A context is spans, in which a task runs, and the bridge copies their fields to the attributes of each record. It does
//!   that only if told to (`with_tracing_span_attributes`), so it is told in a case that has a context.

use super::catalogue::OPENTELEMETRY;
use super::dispatch::{Installed, Spans, event};
use super::{About, Account, Entry, Queue, Reply, Setup, Sink, Stamp};
use opentelemetry::logs::AnyValue;
use opentelemetry_appender_tracing::layer::{OpenTelemetryTracingBridge, TracingSpanAttributes};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogRecord, SdkLoggerProvider,
};
use std::io::Write;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// OpenTelemetry's logs SDK under load.
#[derive(Debug)]
pub struct OpenTelemetry {
    installed: Installed,
    spans: Spans,
    provider: SdkLoggerProvider,
}

impl Queue for OpenTelemetry {
    const ABOUT: About = OPENTELEMETRY;

    fn build(setup: &Setup, sink: Sink) -> Result<Self, String> {
        let parameters = &setup.parameters;
        let batch = usize::try_from(parameters.batch_size).map_err(|_| "batch_size is too large")?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(setup.maxsize())
            .with_max_export_batch_size(batch)
            .with_scheduled_delay(Duration::from_nanos(parameters.batch_timeout.0))
            .build();
        let processor = BatchLogProcessor::builder(Exporter { sink }).with_batch_config(config).build();
        let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
        let bridge = OpenTelemetryTracingBridge::builder(&provider);
        let bridge = match parameters.context.is_none() {
            true => bridge,
            false => bridge.with_tracing_span_attributes(TracingSpanAttributes::all()),
        };
        let installed = Installed::new(tracing_subscriber::registry().with(bridge.build()).into());
        Ok(Self { spans: Spans::new(setup, &installed), installed, provider })
    }

    async fn log(&self, entry: &Entry<'_>) -> Reply {
        let typed = entry.typed();
        let (stamp_id, stamp_at) = entry.stamp.to_words();
        self.installed.with(|| {
            event!(
                entry.level(),
                user_id = typed.user_id,
                route = typed.route,
                duration_ms = typed.duration_ms,
                cached = typed.cached,
                stamp_id,
                stamp_at,
                "{}",
                entry.message()
            );
        });
        Reply::UNKNOWN
    }

    fn within<R>(&self, task: u32, work: impl FnOnce() -> R) -> R {
        self.spans.within(task, work)
    }

    fn shutdown(self, deadline: Duration) -> Account {
        // The result is not needed: records that were too late did not arrive.
        let _ = self.provider.shutdown_with_timeout(deadline);
        Account::default()
    }
}

/// The counting sink as an exporter.
#[derive(Debug)]
struct Exporter {
    sink: Sink,
}

impl LogExporter for Exporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        // A record that the sink refuses is not counted as delivered; the processor drops the batch in either case.
        if self.sink.takes_time() {
            batch.iter().for_each(|(record, _)| _ = self.sink.deliver(stamp(record), |out| write_line(record, out)));
        } else {
            let stamps: Vec<Option<Stamp>> = batch.iter().map(|(record, _)| stamp(record)).collect();
            let write = |out: &mut dyn Write| batch.iter().try_for_each(|(record, _)| write_line(record, out));
            let _ = self.sink.deliver_batch(&stamps, write);
        }
        Ok(())
    }
}

fn stamp(record: &SdkLogRecord) -> Option<Stamp> {
    let word = |name| {
        let (_, value) = record.attributes_iter().find(|(key, _)| key.as_str() == name)?;
        if let AnyValue::Int(word) = value { u64::try_from(*word).ok() } else { None }
    };
    Stamp::from_words(word("stamp_id")?, word("stamp_at")?)
}

fn write_line(record: &SdkLogRecord, out: &mut dyn Write) -> std::io::Result<()> {
    if let Some(level) = record.severity_text() {
        write!(out, "{level} ")?;
    }
    if let Some(AnyValue::String(message)) = record.body() {
        write!(out, "{message}")?;
    }
    for (key, value) in record.attributes_iter() {
        match value {
            AnyValue::Int(value) => write!(out, " {key}={value}")?,
            AnyValue::Double(value) => write!(out, " {key}={value}")?,
            AnyValue::Boolean(value) => write!(out, " {key}={value}")?,
            AnyValue::String(value) => write!(out, " {key}={value}")?,
            other => write!(out, " {key}={other:?}")?,
        }
    }
    writeln!(out)
}
