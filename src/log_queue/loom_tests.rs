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
    // Far more than a bug needs (Musuvathi and Qadeer, PLDI 2007), and all of it takes half a minute.
    builder.preemption_bound = builder.preemption_bound.or(Some(100));
    builder.check(check);
}

/// Runs both at once, each in a thread of its own: where one of them is the model's first thread, loom tries far fewer orders,
/// and has missed a worker that reads no cut.
fn at_once<A: 'static, B: 'static>(one: impl FnOnce() -> A + 'static, other: impl FnOnce() -> B + 'static) -> (A, B) {
    let (one, other) = (thread::spawn(one), thread::spawn(other));
    (one.join().expect("returns"), other.join().expect("returns"))
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
        let (writer, worker) = (Arc::clone(&core), Arc::clone(&core));
        let (accepted, mut read) = at_once(
            move || {
                let accepted = |text: &&str| log(&writer, &producer, text).is_ok();
                ["a", "b", "c"].into_iter().filter(accepted).collect::<Vec<_>>()
            },
            move || take(&worker),
        );
        read.extend(take(&core));
        assert_eq!(read, accepted);
    });
}

#[test]
fn the_last_place_is_given_once_and_nobody_is_refused_while_there_is_one() {
    model(|| {
        let core = quiet(Strategy::Drop, 1);
        let [one, other] = [(); 2].map(|()| {
            let (core, producer) = (Arc::clone(&core), core.register().expect("few"));
            move || u64::from(log(&core, &producer, "x").is_ok())
        });
        let accepted = at_once(one, other);
        assert_eq!(accepted.0 + accepted.1, 1);
        assert_eq!(lock(&core.state).depth(&core), 1);
    });
}

#[test]
fn a_credit_is_used_by_its_owner_or_taken_by_another() {
    model(|| {
        let core = quiet(Strategy::Drop, 8);
        let (owner, other) = (core.register().expect("few"), core.register().expect("few"));
        assert_eq!(log(&core, &owner, "lends"), Ok(()));
        let [(logs, its), (takes, from)] = [(); 2].map(|()| (Arc::clone(&core), Arc::clone(&owner)));
        let (used, ()) = at_once(
            move || u64::from(its.claim()) + u64::from(logs.offer_quickly(&its)),
            move || takes.ungrant(other.reclaim() + from.reclaim()),
        );
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
        let (writer, own, closer) = (Arc::clone(&core), Arc::clone(&producer), Arc::clone(&core));
        let (logged, accepted) = at_once(
            move || u64::from(log(&writer, &own, "a").is_ok()) + u64::from(log(&writer, &own, "b").is_ok()),
            move || {
                lock(&closer.state).close(&closer);
                lock(&closer.state).depth(&closer)
            },
        );
        assert_eq!(logged, accepted, "what was claimed by then, and no more");
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
        let (writer, worker) = (Arc::clone(&core), Arc::clone(&core));
        let ((), mut read) = at_once(
            move || {
                assert_eq!(log(&writer, &first, "1"), Ok(()));
                // The same task with another producer, as if it continued on another thread.
                assert_eq!(log(&writer, &second, "2"), Ok(()));
            },
            move || take(&worker),
        );
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
        let worker = Arc::clone(&core);
        let ((), parks) = at_once(
            move || assert_eq!(log(&core, &producer, "a"), Ok(())),
            move || lock(&worker.state).step(&worker, Instant::now()) == Step::Park,
        );
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
        let (worker, caller, its) = (Arc::clone(&core), Arc::clone(&core), Arc::clone(&waiting));
        let waker = Waker::from(Arc::clone(&woken));
        let own = waker.clone();
        let ((), (turn, mut ticket)) = at_once(
            move || assert_eq!(take(&worker), ["a"]),
            move || {
                let mut ticket = None;
                (lock(&caller.state).turn(&caller, &its, &mut ticket, &mut Some(own), &mut Vec::new()), ticket)
            },
        );
        if matches!(turn, Turn::Wait(_)) {
            assert_eq!(woken.0.load(Ordering::SeqCst), 1);
            let turn = lock(&core.state).turn(&core, &waiting, &mut ticket, &mut Some(waker), &mut Vec::new());
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
        let (writer, worker) = (Arc::clone(&core), Arc::clone(&core));
        let ((), mut read) = at_once(move || assert_eq!(log(&writer, &second, "2"), Ok(())), move || take(&worker));
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
        let [one, other] = [(&first, "3"), (&second, "2")].map(|(producer, text)| {
            let (core, producer) = (Arc::clone(&core), Arc::clone(producer));
            move || u64::from(log(&core, &producer, text).is_ok())
        });
        let entered = at_once(one, other);
        let accepted = 1 + entered.0 + entered.1;
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
            let mut waker = Some(Waker::from(Arc::clone(&woken[waiter])));
            lock(&core.state).turn(&core, &producers[waiter], ticket, &mut waker, &mut Vec::new())
        };
        let (mut first, mut second) = (None, None);
        assert!(matches!((turn(0, &mut first), turn(1, &mut second)), (Turn::Wait(None), Turn::Wait(None))));
        let (worker, caller, ticket) = (Arc::clone(&core), Arc::clone(&core), first.expect("it waits"));
        at_once(
            move || assert_eq!(take(&worker), ["a"]),
            move || {
                let (own, next) = lock(&caller.state).cancel(&caller, ticket);
                drop(own);
                next.into_iter().for_each(Waker::wake);
            },
        );
        assert_eq!(woken[1].0.load(Ordering::SeqCst), 1);
        assert!(matches!(turn(1, &mut second), Turn::Done(Ok(place)) if place.waited));
        core.enter(&producers[1], &Record::new(Level::Info, "b"), None);
        assert_eq!(take(&core), ["b"]);
        // Nobody waits any more, so the gate is open.
        assert_eq!(log(&core, &producers[0], "c"), Ok(()));
    });
}
