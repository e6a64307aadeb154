//! Limits the time of shutdowns that have no limit of their own.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs `end` in a new thread and waits for it, for at most `deadline`. Returns whether it finished in time; if not,
/// the thread keeps running.
pub fn within(deadline: Duration, end: impl FnOnce() + Send + 'static) -> bool {
    let (send, ended) = mpsc::channel();
    let run = move || {
        end();
        let _ = send.send(());
    };
    let started = thread::Builder::new().name("ql-end".into()).spawn(run);
    started.is_ok() && ended.recv_timeout(deadline).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_back_is_left_behind() {
        assert!(within(Duration::from_secs(60), || ()));
        let (hold, held) = mpsc::channel::<()>();
        assert!(!within(Duration::ZERO, move || assert!(held.recv().is_err())));
        drop(hold);
    }
}
