//! Models of the concurrent core. `just loom` runs them with every order of their threads' steps that the memory model
//! allows.
//!
//! In these models, chunks and leases hold two records, and the counter in memory numbers the records.

#![expect(unsafe_code, reason = "what was taken is read as the worker reads it")]

use super::config::{Config, Strategy};
use super::core::Core;
use super::producer::Producer;
use super::queue::Reason;
use super::record::{Level, Record};
use super::slot::RecordRef;
use super::state::{Step, Turn};
use super::sync::{Ordering, lock};
use super::time::{Ticker, Wall};
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    // More preemptions take hours and have found nothing: bugs need few of them (Musuvathi and Qadeer, PLDI 2007).
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(check);
}

fn core(strategy: Strategy, maxsize: usize, batch_timeout: Duration, calls: &Arc<AtomicUsize>) -> Arc<Core> {
    let config = Config { maxsize, strategy, batch_size: 8, batch_timeout, ..Config::default() };
    let calls = Arc::clone(calls);
    let call = move || _ = calls.fetch_add(1, Ordering::SeqCst);
    Arc::new(Core::new(config, Ticker::counting(), call).expect("a valid config"))
}

fn quiet(strategy: Strategy, maxsize: usize) -> Arc<Core> {
    core(strategy, maxsize, Duration::from_secs(1), &Arc::new(AtomicUsize::new(0)))
}

fn log(core: &Core, producer: &Producer, text: &str) -> Result<(), Reason> {
    core.offer(producer)?;
    core.enter(producer, &Record::at(SystemTime::UNIX_EPOCH, Level::Info, text), None);
    Ok(())
}

/// Takes all records that are there, as the worker does.
fn take(core: &Core) -> Vec<String> {
    let (mut runs, mut wakers) = (Vec::new(), Vec::new());
    lock(&core.state).take(core, u64::MAX, &mut runs, &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
    let wall = Wall::fixed(SystemTime::UNIX_EPOCH);
    let mut texts = Vec::new();
    for run in runs {
        for index in run.from..run.to {
            core.pool.witness(run.chunk, index, false);
            // SAFETY: it was taken, and is released by the end of the run.
            texts.push(unsafe { RecordRef::new(core.pool.slot(run.chunk, index), &wall) }.message().to_owned());
        }
        core.pool.done(run.chunk, run.to - run.from);
    }
    texts
}

#[test]
fn a_record_is_read_as_it_was_written_and_chunks_come_back() {
    model(|| {
        let core = quiet(Strategy::Drop, 2);
        let producer = core.register().expect("the first");
        let writer = thread::spawn({
            let core = Arc::clone(&core);
            move || ["a", "b", "c"].into_iter().filter(|text| log(&core, &producer, text).is_ok()).collect::<Vec<_>>()
        });
        let mut read = take(&core);
        let accepted = writer.join().expect("returns");
        read.extend(take(&core));
        assert_eq!(read, accepted);
    });
}

#[test]
fn the_last_place_is_given_once_and_nobody_is_refused_while_there_is_one() {
    model(|| {
        let core = quiet(Strategy::Drop, 1);
        let threads = [(); 2].map(|()| {
            let (core, producer) = (Arc::clone(&core), core.register().expect("few"));
            thread::spawn(move || log(&core, &producer, "x").is_ok())
        });
        let accepted = threads.into_iter().filter(|_| true).map(|thread| thread.join().expect("returns"));
        assert_eq!(accepted.filter(|accepted| *accepted).count(), 1);
        assert_eq!(lock(&core.state).depth(&core), 1);
    });
}

#[test]
fn a_credit_is_used_by_its_owner_or_taken_by_another() {
    model(|| {
        let core = quiet(Strategy::Drop, 8);
        let (owner, other) = (core.register().expect("few"), core.register().expect("few"));
        assert_eq!(log(&core, &owner, "lends"), Ok(()));
        let thread = thread::spawn({
            let (core, owner) = (Arc::clone(&core), Arc::clone(&owner));
            move || u64::from(owner.claim()) + u64::from(core.offer_quickly(&owner))
        });
        let taken = other.reclaim() + owner.reclaim();
        core.ungrant(taken);
        let used = thread.join().expect("returns");
        let depth = lock(&core.state).depth(&core);
        assert_eq!(depth, 1 + used);
        // A place that is neither used nor lent is free.
        assert_eq!(core.room(8), 8 - depth - owner.reclaim());
    });
}

#[test]
fn after_close_nothing_is_accepted() {
    model(|| {
        let core = quiet(Strategy::Drop, 4);
        let producer = core.register().expect("the first");
        let writer = thread::spawn({
            let (core, producer) = (Arc::clone(&core), Arc::clone(&producer));
            move || u64::from(log(&core, &producer, "a").is_ok()) + u64::from(log(&core, &producer, "b").is_ok())
        });
        lock(&core.state).close(&core);
        let accepted = lock(&core.state).depth(&core);
        assert_eq!(writer.join().expect("returns"), accepted, "what was claimed by then, and no more");
        assert_eq!(log(&core, &producer, "c"), Err(Reason::Closed));
        assert_eq!(take(&core).len() as u64, accepted);
        assert_eq!(lock(&core.state).step(&core, Instant::now()), Step::Exit);
    });
}

#[test]
fn what_comes_after_another_is_delivered_after_it() {
    model(|| {
        let core = quiet(Strategy::Drop, 8);
        let (first, second) = (core.register().expect("few"), core.register().expect("few"));
        let thread = thread::spawn({
            let core = Arc::clone(&core);
            move || {
                assert_eq!(log(&core, &first, "1"), Ok(()));
                // The same task with another producer, as if it continued on another thread.
                assert_eq!(log(&core, &second, "2"), Ok(()));
            }
        });
        let mut read = take(&core);
        thread.join().expect("returns");
        read.extend(take(&core));
        assert_eq!(read, ["1", "2"]);
    });
}

#[test]
fn a_worker_that_parks_is_called_for_what_it_did_not_see() {
    model(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let core = core(Strategy::Drop, 8, Duration::ZERO, &calls);
        let producer = core.register().expect("the first");
        let writer = thread::spawn({
            let core = Arc::clone(&core);
            move || assert_eq!(log(&core, &producer, "a"), Ok(()))
        });
        let parks = lock(&core.state).step(&core, Instant::now()) == Step::Park;
        writer.join().expect("returns");
        assert!(!parks || calls.load(Ordering::SeqCst) == 1);
    });
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waiter_is_woken_for_the_place_that_comes_free() {
    model(|| {
        let core = quiet(Strategy::Block, 1);
        let (full, waiting) = (core.register().expect("few"), core.register().expect("few"));
        assert_eq!(log(&core, &full, "a"), Ok(()));
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let worker = thread::spawn({
            let core = Arc::clone(&core);
            move || assert_eq!(take(&core), ["a"])
        });
        let mut ticket = None;
        let waker = Waker::from(Arc::clone(&woken));
        let turn = lock(&core.state).turn(&core, &waiting, &mut ticket, &waker, &mut Vec::new());
        worker.join().expect("returns");
        if matches!(turn, Turn::Wait(_)) {
            assert_eq!(woken.0.load(Ordering::SeqCst), 1);
            let turn = lock(&core.state).turn(&core, &waiting, &mut ticket, &waker, &mut Vec::new());
            assert!(matches!(turn, Turn::Done(Ok(place)) if place.waited));
        }
        core.enter(&waiting, &Record::new(Level::Info, "b"), None);
        assert_eq!(take(&core), ["b"]);
    });
}

#[test]
fn the_worker_and_a_caller_that_needs_room_take_the_oldest_once() {
    model(|| {
        let core = quiet(Strategy::DropOldest, 1);
        let (first, second) = (core.register().expect("few"), core.register().expect("few"));
        assert_eq!(log(&core, &first, "1"), Ok(()));
        let writer = thread::spawn({
            let core = Arc::clone(&core);
            move || assert_eq!(log(&core, &second, "2"), Ok(()))
        });
        let mut read = take(&core);
        writer.join().expect("returns");
        read.extend(take(&core));
        match lock(&core.state).evicted {
            0 => assert_eq!(read, ["1", "2"]),
            evicted => assert_eq!((evicted, &read[..]), (1, &["2".to_owned()][..])),
        }
    });
}

#[test]
fn two_callers_that_need_room_evict_no_record_twice_and_none_unsaid() {
    model(|| {
        let core = quiet(Strategy::DropOldest, 1);
        let (first, second) = (core.register().expect("few"), core.register().expect("few"));
        assert_eq!(log(&core, &first, "1"), Ok(()));
        let writer = thread::spawn({
            let (core, second) = (Arc::clone(&core), Arc::clone(&second));
            move || u64::from(log(&core, &second, "2").is_ok())
        });
        let accepted = 1 + u64::from(log(&core, &first, "3").is_ok()) + writer.join().expect("returns");
        // Refused only where the single place was taken by a record that was just being written.
        assert_eq!(accepted + first.counts.dropped.get() + second.counts.dropped.get(), 3);
        assert_eq!(lock(&core.state).evicted, accepted - 1);
        assert_eq!(take(&core).len(), 1);
    });
}

#[test]
fn a_wait_that_is_cancelled_passes_its_place_to_the_next() {
    model(|| {
        let core = quiet(Strategy::Block, 1);
        let producers = [core.register().expect("few"), core.register().expect("few")];
        assert_eq!(log(&core, &producers[0], "a"), Ok(()));
        let woken = [(); 2].map(|()| Arc::new(Woken(AtomicUsize::new(0))));
        let turn = |waiter: usize, ticket: &mut Option<u64>| {
            let waker = Waker::from(Arc::clone(&woken[waiter]));
            lock(&core.state).turn(&core, &producers[waiter], ticket, &waker, &mut Vec::new())
        };
        let (mut first, mut second) = (None, None);
        assert!(matches!((turn(0, &mut first), turn(1, &mut second)), (Turn::Wait(None), Turn::Wait(None))));
        let worker = thread::spawn({
            let core = Arc::clone(&core);
            move || assert_eq!(take(&core), ["a"])
        });
        let (own, next) = lock(&core.state).cancel(&core, first.expect("it waits"));
        drop(own);
        next.into_iter().for_each(Waker::wake);
        worker.join().expect("returns");
        assert_eq!(woken[1].0.load(Ordering::SeqCst), 1);
        assert!(matches!(turn(1, &mut second), Turn::Done(Ok(place)) if place.waited));
        core.enter(&producers[1], &Record::new(Level::Info, "b"), None);
        assert_eq!(take(&core), ["b"]);
        // Nobody waits any more, so the gate is open.
        assert_eq!(log(&core, &producers[0], "c"), Ok(()));
    });
}
