//! A web service that logs every request through the built-in queue, and loses none of it when it is told to end.
//!
//! `axum-service LOG_FILE [json|text]`: it listens on a free port and says which. `RUST_LOG` filters, as usual; without it,
//! `info`.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use queue_load::log_queue::{Config, FileSink, Format, Guard, LogQueue, QueueLayer, Strategy, log_panics};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, instrument, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Longest time that the end of the service waits for its log.
const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: axum-service LOG_FILE [json|text]")?;
    let format = std::env::args().nth(2).map_or(Ok(Format::Json), |name| name.parse())?;
    let config = Config {
        strategy: Strategy::Block,
        maxsize: 8_192,
        batch_size: 512,
        // What an abort loses at most.
        batch_timeout: Duration::from_millis(100),
        ..Config::default()
    };
    let queue = LogQueue::start(config, FileSink::append(path)?.with_format(format))?;
    // Dropped when `main` returns, with an error as well.
    let guard = Guard::new(queue.clone(), DEADLINE);
    log_panics(queue.clone(), DEADLINE);
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env()?;
    tracing_subscriber::registry().with(QueueLayer::new(queue).with_filter(filter)).init();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    info!("started");
    let app = Router::new().route("/orders/{id}", get(order)).route("/panic", get(broken));
    // It waits for the requests in hand, so nothing is logged after it.
    axum::serve(listener, app).with_graceful_shutdown(told_to_end()).await?;
    info!("ended");

    let end = guard.finish();
    println!("{} records delivered, {} abandoned", end.delivered, end.abandoned);
    if end.completed && end.sink_errors == 0 { Ok(()) } else { Err("the log is not complete".into()) }
}

#[instrument(skip_all, fields(id = id))]
async fn order(Path(id): Path<u64>) -> String {
    if id.is_multiple_of(100) {
        warn!("a round number");
    }
    info!("order served");
    format!("order {id}\n")
}

async fn broken() -> String {
    panic!("a handler panics");
}

/// Ends when the process is asked to: by a service manager, or from a terminal.
async fn told_to_end() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => warn!(error = %error, "cannot wait for SIGTERM"),
    }
}
