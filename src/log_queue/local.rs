//! Finds the producer of a call: the one of its thread.
//!
//! A thread registers with a queue at its first record, and gives its producer up when it ends. The records in it are
//! delivered. The next new thread takes it over and continues its chain.
//!
//! While a thread logs, its chain is in memory of the thread. Elsewhere it would be one cache line after another: the call
//! would wait for the line that says where the chain is, and then for the chain.

#![expect(unsafe_code, reason = "a chain is in memory of its thread, and a producer is found through a pointer")]

use super::core::Core;
use super::producer::{Chain, Producer};
use super::record::{Fields, Record};
use super::state::State;
use super::sync::{Mutex, lock};
use super::time::ticks;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::{Arc, Weak};

/// Whether chains are moved to their threads: where the memory of a thread stays until its destructors have run. With loom
/// there is no such place: its atomics are not made before they are used.
const MOVES: bool = cfg!(all(target_os = "linux", not(all(test, loom_models))));

/// What a call looks at, in one cache line. It has no destructor, since a look at a variable with one is a look at whether
/// it still is there. The processor fetches lines in pairs, and the worker looks at the chain: nothing else of the thread is in
/// the other one.
#[repr(C, align(128))]
struct Near {
    /// The queue that the thread used last, and its chain there: `place`, or one at home.
    queue: Cell<u64>,
    chain: Cell<*const Chain>,
    #[cfg(not(all(test, loom_models)))]
    place: Chain,
}

/// A queue with which the thread has registered.
struct Registered {
    queue: u64,
    state: Weak<Mutex<State>>,
    producer: Arc<Producer>,
    /// Whether its chain has the thread's place.
    is_near: bool,
}

/// The producers of a thread.
struct Own(RefCell<Vec<Registered>>);

thread_local! {
    static NEAR: Near = const {
        Near {
            queue: Cell::new(0),
            chain: Cell::new(ptr::null()),
            #[cfg(not(all(test, loom_models)))]
            place: Chain::room(),
        }
    };
    static OWN: Own = const { Own(RefCell::new(Vec::new())) };
}

impl Near {
    /// The thread's chain for this queue, null if the thread is ending or there are too many, and the time.
    #[cold]
    #[inline(never)]
    fn find(&self, core: &Core) -> (*const Chain, u64) {
        let Some(producer) = producer(core) else { return (ptr::null(), 0) };
        self.queue.set(core.id);
        self.chain.set(ptr::from_ref::<Chain>(producer));
        (self.chain.get(), ticks())
    }

    #[cfg(not(all(test, loom_models)))]
    fn place(&self) -> &Chain {
        &self.place
    }

    #[cfg(all(test, loom_models))]
    fn place(&self) -> &Chain {
        unreachable!("chains stay at home")
    }
}

impl Own {
    /// Registers with the queue; `None` if there are too many producers.
    #[cold]
    fn register(&self, core: &Core) -> Option<*const Producer> {
        let mut all = self.0.borrow_mut();
        // Drops the producers of queues that are gone. Nobody looks at their chains any more.
        all.retain(|one| one.state.strong_count() > 0);
        let producer = core.register()?;
        let found = Arc::as_ptr(&producer);
        let is_near = MOVES && all.iter().all(|one| !one.is_near);
        if is_near {
            NEAR.with(|near| {
                let _lock = lock(&core.state);
                // SAFETY: the place stays until the thread has ended, and then `Own` was dropped. It is given to another
                // chain only when this one's queue is gone.
                unsafe { producer.move_to(near.place()) };
            });
        }
        all.push(Registered { queue: core.id, state: Arc::downgrade(&core.state), producer, is_near });
        Some(found)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // Whoever logs in a destructor that runs later finds no producer.
        let _ = NEAR.try_with(|near| near.queue.set(0));
        for one in self.0.get_mut() {
            // The state of a queue that is gone is looked at by nobody.
            if let Some(state) = one.state.upgrade() {
                let _lock = lock(&state);
                one.producer.move_home();
            }
            one.producer.abandon();
        }
    }
}

/// Enters a record by the thread's chain, as [`Core::enter_quickly`] does.
///
/// There is no closure on this path: one that is not inlined gets the record through memory, without what the compiler knows
/// of it.
#[inline(always)]
pub(super) fn enter_quickly<F: Fields>(core: &Core, record: &Record<'_, F>, ticks: u64) -> bool {
    let Some((chain, ticks)) = chain(core, ticks) else { return false };
    core.enter_quickly(chain, record, ticks)
}

/// The thread's chain for this queue, for use by this thread; `None` if the thread is ending or there are too many producers.
/// With it the number of the next record: `ticks`, or a later one if the thread has only got the chain now. The thread that
/// had it before may have logged after `ticks` were read, and numbers must rise within a chain.
#[inline(always)]
fn chain(core: &Core, ticks: u64) -> Option<(&Chain, u64)> {
    let found = NEAR.try_with(|near| match near.queue.get() == core.id {
        true => (near.chain.get(), ticks),
        false => near.find(core),
    });
    let (chain, ticks) = found.unwrap_or((ptr::null(), 0));
    // SAFETY: either the place of this thread, which stays until the thread has ended, or at home in a producer, which the core
    // keeps for as long as it lives.
    unsafe { chain.as_ref() }.map(|chain| (chain, ticks))
}

/// The thread's producer for this queue; `None` as of [`chain`].
fn producer(core: &Core) -> Option<&Producer> {
    let found = OWN.try_with(|own| {
        let known = own.0.borrow().iter().find(|one| one.queue == core.id).map(|one| Arc::as_ptr(&one.producer));
        known.or_else(|| own.register(core))
    });
    // SAFETY: the core keeps its producers for as long as it lives.
    found.ok().flatten().map(|producer| unsafe { &*producer })
}

/// Calls `act` with the thread's producer; without one, with the shared producer, under its lock. `act` must not log,
/// or it could wait for that lock itself.
pub(super) fn with_producer<R>(core: &Core, act: impl FnOnce(&Producer) -> R) -> R {
    match producer(core) {
        Some(producer) => act(producer),
        None => act(&lock(&core.crowd)),
    }
}

#[cfg(all(test, not(loom_models)))]
mod tests {
    use super::*;
    use crate::log_queue::time::Ticker;
    use crate::log_queue::{Config, Level, Record};
    use std::thread;

    fn core() -> Core {
        Core::new(Config::default(), Ticker::new(), || ()).expect("a valid config")
    }

    /// Logs once, and says whether the chain is at home.
    fn log(core: &Core) -> bool {
        with_producer(core, |producer| {
            core.offer(producer).expect("room");
            core.enter(producer, &Record::new(Level::Info, "one"), None);
            producer.is_at_home()
        })
    }

    #[test]
    fn a_chain_comes_home_when_its_thread_ends_and_goes_on_in_the_next() {
        let core = core();
        for threads in 1..=3 {
            let at_home = thread::scope(|scope| scope.spawn(|| [log(&core), log(&core)]).join().expect("no panic"));
            assert_eq!(at_home, [!MOVES; 2]);
            let state = lock(&core.state);
            let chains: Vec<_> = state.producers().iter().map(|one| (one.is_at_home(), one.published())).collect();
            assert_eq!(chains, [(true, 0), (true, 2 * threads)], "the shared one, and one more");
        }
    }

    /// A thread reads the time of its first record and is held up before it has a chain. The chain that it then gets was that of
    /// a thread that has logged later, and ended.
    #[test]
    fn numbers_rise_in_a_chain_that_changes_hands() {
        let core = core();
        let early = ticks();
        thread::scope(|scope| scope.spawn(|| [log(&core), log(&core)]).join().expect("no panic"));
        thread::scope(|scope| {
            scope.spawn(|| enter_quickly(&core, &Record::new(Level::Info, "one"), early));
        });
        let (mut runs, mut wakers) = (Vec::new(), Vec::new());
        lock(&core.state).take(&core, u64::MAX, &mut runs, &mut wakers);
        let slots = runs.iter().flat_map(|run| (run.from..run.to).map(|index| core.pool.slot(run.chunk, index)));
        // SAFETY: the records were taken, and nobody else looks at them.
        let numbers: Vec<u64> = slots.map(|slot| unsafe { slot.read() }).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        assert_eq!(numbers.len(), if core.ticker.tells_time() { 3 } else { 2 });
    }

    #[test]
    fn the_first_queue_of_a_thread_has_its_place_until_it_is_gone() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (first, second) = (core(), core());
                assert_eq!([log(&first), log(&second), log(&first)], [!MOVES, true, !MOVES]);
                drop(first);
                let third = core();
                assert_eq!([log(&third), log(&second)], [!MOVES, true]);
                let claimed = |core: &Core| lock(&core.state).claimed();
                assert_eq!([claimed(&second), claimed(&third)], [2, 1]);
            });
        });
    }

    #[test]
    fn what_is_logged_with_a_chain_is_seen_by_the_worker_while_the_thread_lives() {
        let core = core();
        thread::scope(|scope| {
            scope.spawn(|| {
                let (chain, _) = chain(&core, 0).expect("a producer");
                chain.lend(2);
                assert!(chain.claim() && chain.claim());
                assert_eq!(lock(&core.state).claimed(), 2);
                assert_eq!(core.register().expect("another").claimed(), 0, "the chain has its owner still");
            });
        });
        assert_eq!(lock(&core.state).claimed(), 2);
    }
}
