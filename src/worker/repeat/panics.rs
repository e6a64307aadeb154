//! Keeps the first panic of any thread, so that a repeat can say what broke it.

use std::panic;
use std::sync::{Mutex, Once, PoisonError};

static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Begins to watch; forgets what was kept before. Panics still print as they did.
pub fn watch() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
            let what = info.payload_as_str().unwrap_or("a panic without words");
            FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(format!("{what}{place}"));
            print(info);
        }));
    });
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// What the first panic since [`watch`] said, and where.
pub fn first() -> Option<String> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
