//! Waiting for room: as a future, and as a thread.

use super::queue::{Accepted, Refused};
use super::record::Record;
use super::shared::Shared;
use super::state::Turn;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Enters a record when there is room. If it is dropped before it is done, it has entered nothing, and a place that was
/// promised to it passes to the next waiter.
pub(super) struct Entry<'a> {
    shared: &'a Shared,
    record: Option<Record>,
    ticket: Option<u64>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(shared: &'a Shared, record: Record) -> Self {
        Self { shared, record: Some(record), ticket: None }
    }
}

impl Future for Entry<'_> {
    type Output = Result<Accepted, Refused>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let record = this.record.take().expect("an entry is not polled after it is done");
        match this.shared.turn(&mut this.ticket, record, context.waker()) {
            Turn::Done(result) => Poll::Ready(result),
            // The replaced waker is dropped here, without the queue's lock.
            Turn::Wait(record, _stale) => {
                this.record = Some(record);
                Poll::Pending
            }
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.cancel(ticket);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks this thread until the entry is done. Only an entry that has to wait allocates a waker.
pub(super) fn block_on(entry: Entry<'_>) -> Result<Accepted, Refused> {
    let mut entry = pin!(entry);
    if let Poll::Ready(result) = entry.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return result;
    }
    // A place that is promised before the next poll wakes the no-op waker, and nobody. That poll finds the place all
    // the same.
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(result) = entry.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        // An `unpark` that comes before this is kept, so no wake-up is lost. A spurious return only polls once more.
        thread::park();
    }
}
