//! Reads the resident memory of this process from time to time, in constant memory.

use crate::measure::MemorySeries;
use crate::platform;
use crate::worker::send::tasks::Span;

/// Shortest time between two readings, in nanoseconds. A reading takes about 10 µs.
const SHORTEST: u64 = 20_000_000;

/// Most readings of a window.
const MOST: u64 = 240;

/// The readings of a window so far.
#[derive(Debug)]
pub struct MemoryWatch<R> {
    start: u64,
    step: u64,
    read: R,
    bytes: Vec<Option<u64>>,
}

/// Reads the resident memory of this process.
pub fn of_this_process() -> Option<u64> {
    platform::resident_bytes(std::process::id())
}

impl<R: FnMut() -> Option<u64>> MemoryWatch<R> {
    /// Nothing is read yet. `read` gives the memory in bytes; `None` if it cannot be read.
    pub fn new(window: Span, read: R) -> Self {
        let step = window.length.div_ceil(MOST).max(SHORTEST);
        // All of it is there from the start: the memory must not grow by being watched.
        Self { start: window.start, step, read, bytes: Vec::with_capacity(MOST as usize) }
    }

    /// Takes a reading if the next one is due. Those that were missed meanwhile stay unknown.
    pub fn look(&mut self, now: u64) {
        let due = now.saturating_sub(self.start) / self.step;
        let next = self.bytes.len() as u64 + 1;
        if due < next || next > MOST {
            return;
        }
        self.bytes.resize(due.min(MOST) as usize - 1, None);
        let bytes = (self.read)();
        self.bytes.push(bytes);
    }

    /// The readings; `None` if none succeeded.
    pub fn finish(self) -> Option<MemorySeries> {
        let any = self.bytes.iter().any(Option::is_some);
        any.then_some(MemorySeries { step_ns: self.step, bytes: self.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn readings_are_at_their_places_and_missed_ones_unknown() {
        let mut value = 0;
        let read = || {
            value += 1;
            Some(value)
        };
        let mut watch = MemoryWatch::new(Span { start: 100 * MS, length: 200 * MS }, read);
        for at in [100, 119, 120, 121, 139, 141, 205, 206, 221] {
            watch.look(at * MS);
        }
        let series = watch.finish().unwrap();
        assert_eq!(series.step_ns, 20 * MS);
        assert_eq!(series.bytes, [Some(1), Some(2), None, None, Some(3), Some(4)]);
    }

    #[test]
    fn a_day_has_no_more_readings_than_a_minute() {
        for seconds in [1, 60, 24 * 3_600] {
            let window = Span { start: 0, length: seconds * 1_000 * MS };
            let mut watch = MemoryWatch::new(window, || Some(7));
            (0..=window.length / (10 * MS)).for_each(|step| watch.look(step * 10 * MS));
            watch.look(u64::MAX);
            let series = watch.finish().unwrap();
            assert!(series.bytes.len() as u64 <= MOST && series.slope() == Some(0.0), "{seconds}: {series:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut watch = MemoryWatch::new(Span { start: 0, length: 1_000 * MS }, || None);
        (0..50).for_each(|step| watch.look(step * 20 * MS));
        assert_eq!(watch.finish(), None);
    }
}
