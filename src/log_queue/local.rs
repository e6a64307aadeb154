//! Finds the producer of a call: the one of its thread.
//!
//! A thread registers with a queue at its first record, and gives its producer up when it ends. The records in it are
//! delivered. The next new thread takes it over and continues its chain.

#![expect(unsafe_code, reason = "a producer is found through a pointer that its queue keeps alive")]

use super::core::Core;
use super::producer::Producer;
use super::sync::lock;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;

/// The producers of a thread.
struct Own {
    /// The producer of the queue that the thread used last, with the queue's id. It stays in `all`, too.
    last: Cell<(u64, *const Producer)>,
    all: RefCell<Vec<(u64, Arc<Producer>)>>,
}

thread_local! {
    static OWN: Own = const { Own { last: Cell::new((0, ptr::null())), all: RefCell::new(Vec::new()) } };
}

impl Own {
    /// The thread's producer for this queue; null if there are too many.
    #[cold]
    fn find(&self, core: &Core) -> *const Producer {
        let mut all = self.all.borrow_mut();
        let known = all.iter().find(|(id, _)| *id == core.id).map(|(_, producer)| Arc::as_ptr(producer));
        let found = known.unwrap_or_else(|| {
            // Drops the producers of queues that are gone.
            all.retain(|(_, producer)| Arc::strong_count(producer) > 1);
            let Some(new) = core.register() else { return ptr::null() };
            all.push((core.id, Arc::clone(&new)));
            Arc::as_ptr(&new)
        });
        if !found.is_null() {
            self.last.set((core.id, found));
        }
        found
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.all.get_mut().iter().for_each(|(_, producer)| producer.abandon());
    }
}

/// The thread's producer for this queue; `None` if the thread is ending or there are too many producers.
#[inline(always)]
pub(super) fn own(core: &Core) -> Option<&Producer> {
    let own = OWN.try_with(|own| {
        let (id, producer) = own.last.get();
        if id == core.id { producer } else { own.find(core) }
    });
    // SAFETY: the core keeps its producers for as long as it lives.
    own.ok().and_then(|own| unsafe { own.as_ref() })
}

/// Calls `act` with the thread's producer; without one, with the shared producer, under its lock. `act` must not log,
/// or it could wait for that lock itself.
pub(super) fn with_producer<R>(core: &Core, act: impl FnOnce(&Producer) -> R) -> R {
    match own(core) {
        Some(producer) => act(producer),
        None => act(&lock(&core.crowd)),
    }
}
