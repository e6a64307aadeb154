//! The highest rate that the generator itself can offer: found with a queue that does nothing, before any real queue is
//! asked. A rough value is enough, since it only bounds the search and is named where it is the limit.

/// The two bounds differ by at most this factor when the ceiling is known.
const CLOSE: f64 = 1.5;

/// The next rate is this many times as high, as long as nothing has failed.
const STRIDE: f64 = 4.0;

/// Share of what an overloaded generator sent that it can probably send in time.
const SAFE: f64 = 0.8;

/// Most runs.
const MOST_RUNS: u32 = 8;

/// A search for the generator's ceiling, in logs per second.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    next: f64,
    most: f64,
    /// The highest rate that was offered in time.
    reached: Option<f64>,
    /// The lowest rate that was not.
    missed: Option<f64>,
    runs: u32,
}

impl Ceiling {
    /// Begins at `start`, and goes up to `most`.
    #[must_use]
    pub fn new(start: f64, most: f64) -> Self {
        Self { next: start.min(most), most, reached: None, missed: None, runs: 0 }
    }

    /// The rate to try next; `None` if the ceiling is known well enough, or as well as it will be.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        let is_close = match (self.reached, self.missed) {
            (Some(reached), Some(missed)) => missed / reached <= CLOSE,
            (Some(reached), None) => reached >= self.most,
            (None, _) => false,
        };
        (!is_close && self.runs < MOST_RUNS).then_some(self.next)
    }

    /// A run at `rate` was in time.
    pub fn reached(&mut self, rate: f64) {
        self.runs += 1;
        self.reached = Some(self.reached.map_or(rate, |before| before.max(rate)));
        self.next = match self.missed {
            Some(missed) => (rate * missed).sqrt(),
            None => (rate * STRIDE).min(self.most),
        };
    }

    /// A run at `rate` was not; `sent`: how many logs it sent in a second all the same, if that is known.
    pub fn missed(&mut self, rate: f64, sent: Option<f64>) {
        self.runs += 1;
        self.missed = Some(self.missed.map_or(rate, |before| before.min(rate)));
        let floor = self.reached.unwrap_or(0.0);
        let guess = sent.map(|sent| sent * SAFE).filter(|guess| *guess > floor && *guess < rate / 1.05);
        self.next = guess.unwrap_or_else(|| match self.reached {
            Some(reached) => (reached * rate).sqrt(),
            None => rate / STRIDE,
        });
    }

    /// A run could not tell, for reasons that have nothing to do with the rate: it is tried again.
    pub fn untold(&mut self) {
        self.runs += 1;
    }

    /// The highest rate that was offered in time; `None` if there was none.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.reached
    }

    /// Number of runs so far.
    #[must_use]
    pub fn runs(&self) -> u32 {
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ceiling of a generator that manages `limit`, and the runs that it took.
    fn found(limit: f64, tells: bool) -> (Option<f64>, u32) {
        let mut ceiling = Ceiling::new(40_000.0, 1e7);
        while let Some(rate) = ceiling.next() {
            match rate <= limit {
                true => ceiling.reached(rate),
                false => ceiling.missed(rate, tells.then_some(limit)),
            }
        }
        (ceiling.value(), ceiling.runs())
    }

    #[test]
    fn a_ceiling_is_close_to_what_the_generator_manages() {
        for limit in [900.0, 39_000.0, 41_000.0, 350_000.0, 2_100_000.0] {
            for (tells, most) in [(true, 6), (false, 8)] {
                let (value, runs) = found(limit, tells);
                let value = value.unwrap_or_else(|| panic!("{limit} {tells}"));
                assert!(value <= limit && limit / value < 1.6, "{limit}: {value}");
                assert!(runs <= most, "{limit}: {runs}");
            }
        }
        assert_eq!(found(1e9, true).0, Some(1e7), "no more is asked for than may be");
    }

    #[test]
    fn a_generator_that_manages_nothing_has_no_ceiling() {
        assert_eq!(found(0.001, false), (None, MOST_RUNS));
    }
}
