//! The clock: it reads the TSC if that is invariant, otherwise the operating system's monotonic clock. A manual clock
//! replaces it in tests and simulations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of time: nanoseconds since an arbitrary zero, never decreasing within a thread.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The time now, in nanoseconds.
    fn now(&self) -> u64;

    /// The time now, read after everything before it in this thread has happened.
    ///
    /// Use it for times from which another thread's time is subtracted. Without the fence, the processor may read its
    /// counter before the load that brings the other thread's time, and the difference can be negative.
    fn now_fenced(&self) -> u64 {
        self.now()
    }

    /// Lets `span` nanoseconds pass without giving up the thread: it polls the machine's clock, or advances a manual
    /// one.
    fn pass(&self, span: u64);

    /// The manual clock behind this one; `None` for the machine's clock. Code that would wait advances the manual clock
    /// instead.
    fn manual(&self) -> Option<&ManualClock> {
        None
    }
}

/// The clock of the machine. Clones share the same zero.
#[derive(Clone, Debug)]
pub struct SystemClock {
    inner: quanta::Clock,
    zero: u64,
    /// Nanoseconds per tick in units of 2^-64, so that a conversion is one multiplication. 0 if a tick is one
    /// nanosecond or longer; then `inner` converts.
    scale: u64,
}

impl SystemClock {
    /// A clock whose zero is just before now. The first one in a process calibrates the TSC, which takes up to 200 ms.
    pub fn new() -> Self {
        let inner = quanta::Clock::new();
        // The nanoseconds of 2^62 ticks; times 4 they are the scale.
        let quarter = inner.delta_as_nanos(0, 1 << 62);
        let scale = if quarter < 1 << 62 { quarter << 2 } else { 0 };
        // Another core's counter may be slightly behind this one's. The zero lies far enough back that no time is
        // negative.
        let zero = inner.raw().wrapping_sub(1 << 20);
        Self { inner, zero, scale }
    }

    /// The source that the clock reads: `tsc`, or `os` if there is no invariant TSC.
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

/// A clock that stands still until it is advanced. Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    time: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `time` nanoseconds.
    pub fn at(time: u64) -> Self {
        Self { time: Arc::new(AtomicU64::new(time)) }
    }

    /// Advances the time by `span` nanoseconds.
    pub fn advance(&self, span: u64) {
        self.time.fetch_add(span, Ordering::SeqCst);
    }

    /// Advances the time to `time`; never moves it back.
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

/// The clock of a load: the machine's, or a manual one if the load is simulated.
#[derive(Clone, Debug)]
pub enum LoadClock {
    /// The machine's clock.
    System(SystemClock),
    /// A manual clock.
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
    #[ignore = "takes real time"]
    fn system_clock_agrees_with_the_operating_system() {
        let clock = SystemClock::new();
        let (ours, theirs) = (clock.now(), std::time::Instant::now());
        while theirs.elapsed().as_millis() < 20 {}
        let (ours, theirs) = (clock.now() - ours, theirs.elapsed().as_nanos() as u64);
        // Our clock is read first, so an interruption between the two readings only makes `theirs` longer.
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
