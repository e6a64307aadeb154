//! Keeps the message of the first panic of any thread, so that a repeat can report why it failed.

use crate::worker::observe::machine::PRODUCER;
use crate::worker::protocol::{Failure, FailureKind};
use std::panic;
use std::sync::{Mutex, Once, PoisonError};

static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Starts to watch, and forgets an earlier panic. Panics are still printed as before.
pub fn watch() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let of = thread.name().filter(|name| *name != PRODUCER).map(|name| format!(" in thread {name}"));
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
            let what = info.payload_as_str().unwrap_or("a panic without words");
            FIRST
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(format!("{what}{}{place}", of.unwrap_or_default()));
            print(info);
        }));
    });
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// The message and place of the first panic since [`watch`]; `None` if there was none.
pub fn first() -> Option<String> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Why something did not come back: a panic, if there was one, since whoever waits for the thread that it ended waits
/// forever; otherwise the queue hangs.
pub fn or_hung(what: String) -> Failure {
    match first() {
        Some(words) => Failure::new(FailureKind::Panicked, format!("{words}; {what}")),
        None => Failure::new(FailureKind::Hung, what),
    }
}
