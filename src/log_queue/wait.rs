//! Waiting for room: as a future, and as a thread.

use super::queue::{Accepted, Refused};
use super::record::{Fields, Record};
use super::shared::Shared;
use super::state::Turn;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::SystemTime;

/// A call that logs: done at once, or waiting for room.
///
/// It is moved into the task that awaits it, and most calls are done before that. So what only a waiting call needs lies
/// elsewhere: a whole record here would be copied by each call, and each task would have room for it.
pub(super) enum Logging<'q, 'a, F> {
    Done,
    Waiting(Box<Entry<'q, 'a, F>>),
}

impl<'a, F: Fields> Future for Logging<'_, 'a, F> {
    type Output = Result<Accepted, Refused<'a, F>>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done => Poll::Ready(Ok(Accepted { waited: false })),
            Self::Waiting(entry) => Pin::new(&mut **entry).poll(context),
        }
    }
}

/// Enters a record when there is room. If it is dropped before it is done, it has entered nothing, and a place that was
/// promised to it passes to the next waiter.
pub(super) struct Entry<'q, 'a, F> {
    shared: &'q Shared,
    record: Option<Record<'a, F>>,
    ticket: Option<u64>,
    /// When it began to wait. The record gets this time: the time of the call, not of its turn.
    called: Option<SystemTime>,
}

impl<'q, 'a, F> Entry<'q, 'a, F> {
    pub(super) fn new(shared: &'q Shared, record: Record<'a, F>) -> Self {
        Self { shared, record: Some(record), ticket: None, called: None }
    }
}

/// No part of it refers to itself.
impl<F> Unpin for Entry<'_, '_, F> {}

impl<'a, F: Fields> Future for Entry<'_, 'a, F> {
    type Output = Result<Accepted, Refused<'a, F>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let record = this.record.as_ref().expect("an entry is not polled after it is done");
        match this.shared.turn(&mut this.ticket, record, this.called, context.waker()) {
            Turn::Done(Ok(place)) => {
                this.record = None;
                Poll::Ready(Ok(Accepted { waited: place.waited }))
            }
            Turn::Done(Err(reason)) => {
                let record = this.record.take().expect("it is there");
                Poll::Ready(Err(Refused { reason, record }))
            }
            // The replaced waker is dropped here, without the queue's lock.
            Turn::Wait(_stale) => {
                this.called.get_or_insert_with(SystemTime::now);
                Poll::Pending
            }
        }
    }
}

impl<F> Drop for Entry<'_, '_, F> {
    #[inline]
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
pub(super) fn block_on<'a, F: Fields>(entry: Entry<'_, 'a, F>) -> Result<Accepted, Refused<'a, F>> {
    let mut entry = pin!(entry);
    if let Poll::Ready(result) = entry.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return result;
    }
    // A promise before the next poll wakes only the no-op waker, which does nothing. But that poll finds the place.
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(result) = entry.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        // An `unpark` that comes before this is kept, so no wake-up is lost. A spurious return only polls once more.
        thread::park();
    }
}
