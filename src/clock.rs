//! The one clock: TSC-backed where the TSC is invariant, the operating system's monotonic clock elsewhere.
//! A manual clock stands in for it wherever time has to be told, not taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of time: nanoseconds since a zero of its own, never decreasing within a thread.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The time now, in nanoseconds.
    fn now(&self) -> u64;

    /// The time now, read after everything before it in this thread has happened.
    ///
    /// For times that are subtracted from another thread's: without the fence the processor may read its counter before
    /// the load that brought the other thread's time, and the difference comes out negative.
    fn now_fenced(&self) -> u64 {
        self.now()
    }

    /// Lets `span` nanoseconds pass, without giving up the thread: the machine's clock is polled, a manual one moved.
    fn pass(&self, span: u64);

    /// The manual clock behind this one, if that is what it is: whoever would wait for a time moves it there instead.
    fn manual(&self) -> Option<&ManualClock> {
        None
    }
}

/// The clock of the machine. Clones share their zero.
#[derive(Clone, Debug)]
pub struct SystemClock {
    inner: quanta::Clock,
    zero: u64,
    /// Nanoseconds a tick in units of 2^-64, so that a conversion is one multiplication; 0 where a tick is a nanosecond or
    /// longer, and `inner` converts.
    scale: u64,
}

impl SystemClock {
    /// A clock whose zero has just passed. The first one in a process calibrates the TSC, for up to 200 ms.
    pub fn new() -> Self {
        let inner = quanta::Clock::new();
        // What 2^62 ticks are, times 4.
        let quarter = inner.delta_as_nanos(0, 1 << 62);
        let scale = if quarter < 1 << 62 { quarter << 2 } else { 0 };
        // Another core's counter may be a little behind this one's: the zero lies far enough back for that.
        let zero = inner.raw().wrapping_sub(1 << 20);
        Self { inner, zero, scale }
    }

    /// What the clock reads: `tsc`, or `os` where the TSC is not invariant or there is none.
    pub fn source() -> &'static str {
        if has_invariant_tsc() { "tsc" } else { "os" }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> u64 {
        let ticks = self.inner.raw().wrapping_sub(self.zero);
        if self.scale == 0 {
            return self.inner.delta_as_nanos(0, ticks);
        }
        ((u128::from(ticks) * u128::from(self.scale)) >> 64) as u64
    }

    #[inline]
    fn now_fenced(&self) -> u64 {
        load_fence();
        self.now()
    }

    fn pass(&self, span: u64) {
        let until = self.now() + span;
        while self.now() < until {
            std::hint::spin_loop();
        }
    }
}

/// The condition under which `quanta` reads the TSC: bit 8 of CPUID 8000_0007h EDX (invariant TSC) and bit 27 of
/// 8000_0001h EDX (RDTSCP).
#[cfg(target_arch = "x86_64")]
fn has_invariant_tsc() -> bool {
    use core::arch::x86_64::__cpuid;
    __cpuid(0x8000_0000).eax >= 0x8000_0007
        && __cpuid(0x8000_0007).edx & (1 << 8) != 0
        && __cpuid(0x8000_0001).edx & (1 << 27) != 0
}

#[cfg(not(target_arch = "x86_64"))]
fn has_invariant_tsc() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "LFENCE has no safe form; no atomic fence orders RDTSC on every processor")]
fn load_fence() {
    // SAFETY: LFENCE needs SSE2, which every x86-64 processor has, and touches no memory.
    unsafe { core::arch::x86_64::_mm_lfence() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn load_fence() {
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// A clock that stands still until it is moved. Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    time: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `time` nanoseconds.
    pub fn at(time: u64) -> Self {
        Self { time: Arc::new(AtomicU64::new(time)) }
    }

    /// Moves the time on by `span` nanoseconds.
    pub fn advance(&self, span: u64) {
        self.time.fetch_add(span, Ordering::SeqCst);
    }

    /// Moves the time on to `time`; never back.
    pub fn advance_to(&self, time: u64) {
        self.time.fetch_max(time, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    fn pass(&self, span: u64) {
        self.advance(span);
    }

    fn manual(&self) -> Option<&ManualClock> {
        Some(self)
    }
}

/// The clock that a load runs on: the machine's, or a manual one where the load is simulated.
#[derive(Clone, Debug)]
pub enum LoadClock {
    /// Time is taken.
    System(SystemClock),
    /// Time is told.
    Manual(ManualClock),
}

impl Clock for LoadClock {
    #[inline]
    fn now(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now(),
            Self::Manual(clock) => clock.now(),
        }
    }

    #[inline]
    fn now_fenced(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now_fenced(),
            Self::Manual(clock) => clock.now(),
        }
    }

    fn pass(&self, span: u64) {
        match self {
            Self::System(clock) => clock.pass(span),
            Self::Manual(clock) => clock.pass(span),
        }
    }

    fn manual(&self) -> Option<&ManualClock> {
        match self {
            Self::System(_) => None,
            Self::Manual(clock) => Some(clock),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_clock_agrees_with_the_operating_system() {
        // It takes 20 ms of real time.
        if std::env::var_os("QUEUE_LOAD_SLOW_TESTS").is_none() {
            return;
        }
        let clock = SystemClock::new();
        let (ours, theirs) = (clock.now(), std::time::Instant::now());
        while theirs.elapsed().as_millis() < 20 {}
        let (ours, theirs) = (clock.now() - ours, theirs.elapsed().as_nanos() as u64);
        // Ours is read first, so an interruption between the two readings only widens `theirs`.
        assert!(ours.abs_diff(theirs) < theirs / 10, "{ours} against {theirs}");
    }

    #[test]
    fn times_of_two_threads_are_in_order() {
        let clock = SystemClock::new();
        let (send, receive) = std::sync::mpsc::sync_channel(0);
        let sender = std::thread::spawn({
            let clock = clock.clone();
            move || (0..1_000).for_each(|_| send.send(clock.now()).unwrap())
        });
        for sent in receive {
            assert!(clock.now_fenced() >= sent);
        }
        sender.join().unwrap();
    }

    #[test]
    fn manual_clock_moves_only_forward() {
        let clock = ManualClock::at(5);
        clock.advance(10);
        clock.advance_to(12);
        assert_eq!(clock.now(), 15);
        clock.advance_to(20);
        assert_eq!(clock.clone().now_fenced(), 20);
    }
}
