//! Time: the order in which records were logged, and the time of each.

use super::sync::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Numbers records: if one record was logged before another, in the sense of happens-before, it has the smaller number.
///
/// If the processor has an invariant TSC, the TSC is the number: all cores have the same one, and reading it writes to
/// no shared memory. Otherwise the number comes from a counter in memory that all callers write to.
#[derive(Debug)]
pub(super) struct Ticker {
    tsc: Option<quanta::Clock>,
    next: AtomicU64,
}

impl Ticker {
    pub(super) fn new() -> Self {
        let tsc = has_invariant_tsc().then(quanta::Clock::new);
        Self { tsc, next: AtomicU64::new(1) }
    }

    /// A ticker that counts in memory, as without an invariant TSC.
    #[cfg(test)]
    pub(super) fn counting() -> Self {
        Self { tsc: None, next: AtomicU64::new(1) }
    }

    /// Whether [`Wall`] can tell the time of a number.
    #[inline]
    pub(super) fn tells_time(&self) -> bool {
        self.tsc.is_some()
    }

    /// The number of a record that is logged now.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        match &self.tsc {
            Some(_) => ticks(),
            None => self.next.fetch_add(1, Ordering::AcqRel),
        }
    }

    /// A number with this property: every record with a smaller number, and every record logged before it, is visible
    /// from now on.
    pub(super) fn cut(&self) -> u64 {
        match &self.tsc {
            Some(_) => {
                let ticks = ticks();
                load_fence();
                ticks
            }
            None => self.next.load(Ordering::Acquire),
        }
    }
}

/// As in `clock`, of which this module knows nothing: the condition under which `quanta` reads the TSC: bit 8 of CPUID 8000_0007h EDX (invariant TSC) and bit 27 of
/// 8000_0001h EDX (RDTSCP).
#[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom_models))))]
fn has_invariant_tsc() -> bool {
    use core::arch::x86_64::__cpuid;
    __cpuid(0x8000_0000).eax >= 0x8000_0007
        && __cpuid(0x8000_0007).edx & (1 << 8) != 0
        && __cpuid(0x8000_0001).edx & (1 << 27) != 0
}

#[cfg(not(all(target_arch = "x86_64", not(miri), not(all(test, loom_models)))))]
fn has_invariant_tsc() -> bool {
    false
}

/// The number of a record that is logged now, of a [`Ticker`] that tells the time; of no use otherwise.
///
/// It reads the TSC itself: a call of `quanta` is code elsewhere, which may not be in the cache.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
#[expect(unsafe_code, reason = "RDTSC has no safe form")]
pub(super) fn ticks() -> u64 {
    // Otherwise the processor may read its counter before the load that brought the news of an earlier record.
    load_fence();
    // SAFETY: every x86-64 processor that Linux, macOS or Windows runs on lets programs read it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// There is none here, and no [`Ticker`] tells the time.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(super) fn ticks() -> u64 {
    0
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "LFENCE has no safe form; no atomic fence orders RDTSC on every processor")]
fn load_fence() {
    // SAFETY: LFENCE needs SSE2, which every x86-64 processor has, and touches no memory.
    unsafe { core::arch::x86_64::_mm_lfence() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn load_fence() {
    super::sync::fence(Ordering::SeqCst);
}

/// A point in time, before or after the beginning of 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) seconds: i64,
    /// The nanoseconds after `seconds`, below a thousand million.
    pub(super) nanoseconds: u32,
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self { seconds: after.as_secs() as i64, nanoseconds: after.subsec_nanos() },
            Err(error) => {
                let before = error.duration();
                match before.subsec_nanos() {
                    0 => Self { seconds: (before.as_secs() as i64).wrapping_neg(), nanoseconds: 0 },
                    part => Self { seconds: -1 - before.as_secs() as i64, nanoseconds: 1_000_000_000 - part },
                }
            }
        }
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        let part = Duration::from_nanos(moment.nanoseconds.into());
        let whole = Duration::from_secs(moment.seconds.unsigned_abs());
        if moment.seconds < 0 { Self::UNIX_EPOCH - whole + part } else { Self::UNIX_EPOCH + whole + part }
    }
}

/// Tells the time at which a [`Ticker`] gave a number. Only the worker has one. It sets it by the system's clock from
/// time to time.
#[derive(Debug)]
pub(super) struct Wall {
    clock: Option<quanta::Clock>,
    ticks: u64,
    /// Nanoseconds since the epoch at those ticks. 64 bits are enough until the year 2262.
    nanoseconds: i64,
}

impl Wall {
    pub(super) fn new(ticker: &Ticker) -> Self {
        let mut wall = Self { clock: ticker.tsc.clone(), ticks: 0, nanoseconds: 0 };
        wall.set();
        wall
    }

    /// A wall clock that always shows the same time.
    pub(super) fn fixed(time: SystemTime) -> Self {
        Self { clock: None, ticks: 0, nanoseconds: since_epoch(time) }
    }

    /// Sets it by the system's clock.
    pub(super) fn set(&mut self) {
        if let Some(clock) = &self.clock {
            self.ticks = clock.raw();
            self.nanoseconds = since_epoch(SystemTime::now());
        }
    }

    /// The time at which a number was given.
    #[inline]
    pub(super) fn at(&self, ticks: u64) -> Moment {
        let nanoseconds = self.nanoseconds.saturating_add(self.since_set(ticks));
        Moment {
            seconds: nanoseconds.div_euclid(1_000_000_000),
            nanoseconds: nanoseconds.rem_euclid(1_000_000_000) as u32,
        }
    }

    /// Nanoseconds from the time at which it was set; negative for earlier numbers.
    #[inline]
    fn since_set(&self, ticks: u64) -> i64 {
        let Some(clock) = &self.clock else { return 0 };
        match ticks.checked_sub(self.ticks) {
            Some(after) => clock.delta_as_nanos(0, after) as i64,
            None => -(clock.delta_as_nanos(0, self.ticks - ticks) as i64),
        }
    }
}

fn since_epoch(time: SystemTime) -> i64 {
    let moment = Moment::from(time);
    moment.seconds.saturating_mul(1_000_000_000).saturating_add(moment.nanoseconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn moments_of_any_time_come_back() {
        for nanoseconds in [0, 1, 999_999_999, 1_000_000_000, 1_500_000_000, 1 << 60] {
            let span = Duration::from_nanos(nanoseconds);
            for time in [SystemTime::UNIX_EPOCH + span, SystemTime::UNIX_EPOCH - span] {
                assert_eq!(SystemTime::from(Moment::from(time)), time, "{time:?}");
            }
        }
        let before = Moment::from(SystemTime::UNIX_EPOCH - Duration::from_nanos(1));
        assert_eq!(before, Moment { seconds: -1, nanoseconds: 999_999_999 });
    }

    #[test]
    fn what_was_logged_before_has_the_smaller_number() {
        for ticker in [Ticker::new(), Ticker::counting()] {
            let (send, receive) = sync_channel(0);
            std::thread::scope(|scope| {
                scope.spawn(|| (0..1_000).for_each(|_| send.send(ticker.number()).expect("received")));
                for _ in 0..1_000 {
                    let earlier = receive.recv().expect("sent");
                    assert!(earlier < ticker.cut() && earlier < ticker.number());
                }
            });
        }
    }

    #[test]
    fn a_number_has_the_time_at_which_it_was_given() {
        let ticker = Ticker::new();
        let mut wall = Wall::new(&ticker);
        let early = ticker.number();
        wall.set();
        for number in [early, ticker.number()] {
            let told = SystemTime::from(wall.at(number));
            let now = SystemTime::now();
            let apart = now.duration_since(told).unwrap_or_else(|error| error.duration());
            assert!(!ticker.tells_time() || apart < Duration::from_secs(1), "{told:?} {now:?}");
        }
    }
}
