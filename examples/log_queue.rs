//! A small service that logs its requests through the built-in queue, as lines on standard output: JSON, or text.
//!
//! `cargo run --example log_queue > requests.jsonl`, `cargo run --example log_queue text`

use queue_load::log_queue::{Config, Format, Level, LogQueue, Record, StdoutSink, Strategy};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const CLIENTS: u64 = 8;
const REQUESTS: u64 = 25;

/// Serves one request and logs it; waits for room if the log cannot keep up.
async fn serve(log: &LogQueue, client: u64, request: u64) {
    let start = Instant::now();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let record = Record::new(Level::Info, "request served")
        .with("client", client)
        .with("request", request)
        .with("cached", request.is_multiple_of(3))
        .with("seconds", start.elapsed().as_secs_f64());
    if let Err(refused) = log.log(record).await {
        eprintln!("not logged: {refused}");
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let format = match std::env::args().nth(1).map_or(Ok(Format::Json), |name| name.parse()) {
        Ok(format) => format,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let config = Config {
        strategy: Strategy::Block,
        batch_size: 64,
        batch_timeout: Duration::from_millis(100),
        ..Config::default()
    };
    let log = match LogQueue::start(config, StdoutSink::new().with_format(format)) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };

    let clients = (0..CLIENTS).map(|client| {
        let log = log.clone();
        tokio::spawn(async move {
            for request in 0..REQUESTS {
                serve(&log, client, request).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        if let Err(error) = client.await {
            eprintln!("a client failed: {error}");
        }
    }

    // Nothing else is left to do on this runtime, so it may block.
    let end = log.shutdown(Duration::from_secs(5));
    eprintln!("{end:?}, high-water mark {}", log.counters().depth_high_water);
    if end.completed && end.sink_errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
