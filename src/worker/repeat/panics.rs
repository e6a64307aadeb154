//! Keeps the message of the first panic of any thread, so that a repeat can report why it failed.

use crate::worker::observe::machine::PRODUCER;
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
