//! Where the threshold lies between rates that hold and rates that break.
//!
//! A run at a rate either holds or breaks. Near the threshold chance decides, and any run may be wrong. So the search
//! keeps a probability for every position of the threshold, updates it with Bayes' rule after each run, and runs next at
//! the median, where the answer tells most. This is QUEST (Watson and Pelli, "QUEST: a Bayesian adaptive psychometric
//! method", Perception & Psychophysics 33, 1983), which is probabilistic bisection (Horstein 1963) with an error rate that
//! depends on the distance. How sharply answers change at the threshold is not known, so several [`SPREADS`] are kept side
//! by side, as in the psi method (Kontsevich and Tyler, Vision Research 39, 1999): contradictory answers make the wide
//! ones likely, and the interval wide.
//!
//! A queue that is overloaded shows its throughput, and its threshold is probably near that. This is what the prior says
//! in one half; the other half knows nothing, so a misleading throughput costs a few runs and no truth.
//!
//! Each run is a process of its own, and the same queue may be 10 % faster in one process than in another. A few answers can
//! agree by luck all the same. So the throughputs of the overloaded runs have a say: spreads that cannot explain how much
//! they differ become unlikely. Throughputs that are all alike say nothing, since what breaks may be a latency.
//!
//! Where the generator shares its CPUs with the queue, a rate may be offered in one run and not in the next. Such a run answers
//! as one that breaks does: a bound that no later run can move would be wrong as often as a run is. [`Search::limit`] tells in
//! the end whose limit was found.

use std::f64::consts::SQRT_2;

/// What a run at a rate said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Target and checks held.
    Holds,
    /// One of them did not.
    Breaks,
    /// The generator did not offer the rate in time.
    NotOffered,
}

/// Whose limit the threshold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Target and checks do not hold above it.
    Queue,
    /// The generator does not offer more beside the queue.
    Generator,
}

/// The rates between which the threshold is looked for, in logs per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

/// Where the threshold lies, in logs per second. A bound is `None` if it is not within the range.
///
/// The bounds are those of the median of another search like this one, which errs as much again: √2 times as far from the
/// median as those of the threshold itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// With 97.5 % probability the threshold, and the median of another search, are above this.
    pub low: Option<f64>,
    /// The threshold is as likely above this as below it.
    pub median: Option<f64>,
    /// With 97.5 % probability the threshold, and the median of another search, are below this.
    pub high: Option<f64>,
}

/// How a search stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// The interval is still too wide.
    Open {
        /// The rate at which a run tells most, in logs per second.
        next: f64,
    },
    /// The interval is as narrow as was asked for.
    Found,
    /// Even the highest rate of the range holds.
    Above,
    /// Even the lowest rate of the range breaks.
    Below,
}

/// Probability that the threshold lies in the interval, if answers err as the model says.
pub const CONFIDENCE: f64 = 0.95;

/// Share of runs that say the wrong thing at any distance from the threshold: a disturbance that went unnoticed.
const LAPSE: f64 = 0.02;

/// How far from the threshold chance still decides, as a share of the rate, and how likely each is before the first run.
/// At this distance 27 of 100 runs are wrong.
const SPREADS: [(f64, f64); 7] =
    [(0.002, 0.35), (0.005, 0.25), (0.01, 0.2), (0.02, 0.1), (0.05, 0.06), (0.1, 0.03), (0.2, 0.01)];

/// Standard deviation of a logistic distribution with a scale of 1: π / √3.
const DEVIATION: f64 = 1.813_799_364_234_217_8;

/// By how much two runs of the same capacity differ in their throughput, as a share of it: a standard deviation.
const READING: f64 = 0.002;

/// Standard deviation of a normal distribution whose median absolute deviation is 1.
const OF_MEDIAN_DEVIATION: f64 = 1.482_602_218_505_602;

/// Probability, before the first run, that the threshold lies above the range; the same for below.
const OUTSIDE: f64 = 0.05;

/// How much of the prior trusts the throughput of the overloaded queue.
const TRUST: f64 = 0.5;

/// How far from that throughput the threshold may well be, as a share of it: the scale of a Laplace distribution. It is at
/// least this.
const NEARNESS: f64 = 0.02;

/// Positions of the threshold that are told apart within the width that is asked for.
const STEPS: f64 = 8.0;

/// Largest number of positions, for a wide range and a fine width.
const MOST_POSITIONS: usize = 20_000;

/// How far above the interval a run still tells whose limit it is, as a logarithm: a quarter.
const NEAR: f64 = 0.223_143_551_314_209_76;

/// A search for the threshold.
#[derive(Clone, Debug)]
pub struct Search {
    /// Logarithms of the positions of the threshold, ascending. Before the first stands "below the range", after the
    /// last "above".
    positions: Vec<f64>,
    /// For each spread: the likelihood of all answers at each position, first below the range and last above it.
    likelihood: [Vec<f64>; SPREADS.len()],
    /// Largest width of the interval, in logarithms.
    width: f64,
    /// Logarithms of the throughputs that the overloaded queue achieved.
    throughputs: Vec<f64>,
    /// Logarithms of the rates, and what runs said of them.
    answers: Vec<(f64, Answer)>,
    /// Positions from this one on can be told by runs.
    tellable: usize,
}

impl Search {
    /// A search in this range, until the interval's bounds differ by at most the share `precision`. The bounds of the
    /// range must be above 0 and ascending; `precision` above 0.
    #[must_use]
    pub fn new(range: Range, precision: f64) -> Self {
        let (low, high) = (range.low.ln(), range.high.max(range.low).ln());
        let width = precision.max(1e-4).ln_1p();
        let count = (((high - low) / width * STEPS).ceil() as usize).clamp(2, MOST_POSITIONS);
        let step = (high - low) / count as f64;
        let positions: Vec<f64> = (0..count).map(|index| low + (index as f64 + 0.5) * step).collect();
        let likelihood = SPREADS.map(|_| vec![1.0; count + 2]);
        Self { positions, likelihood, width, throughputs: Vec::new(), answers: Vec::new(), tellable: 0 }
    }

    /// A run at `rate` said this.
    pub fn note(&mut self, rate: f64, answer: Answer) {
        let rate = rate.ln();
        self.answers.push((rate, answer));
        for ((spread, _), likelihood) in SPREADS.iter().zip(&mut self.likelihood) {
            let (last, positions) = (likelihood.len() - 1, &self.positions);
            for (index, likelihood) in likelihood.iter_mut().enumerate() {
                let above = match index {
                    0 => f64::NEG_INFINITY,
                    _ if index == last => f64::INFINITY,
                    _ => positions[index - 1] - rate,
                };
                let holds = LAPSE + (1.0 - 2.0 * LAPSE) * logistic(above / spread);
                *likelihood *= if answer == Answer::Holds { holds } else { 1.0 - holds };
            }
        }
        self.keep_in_range();
    }

    /// The overloaded queue achieved this throughput in a run, in logs per second.
    pub fn expect_near(&mut self, throughput: f64) {
        self.throughputs.extend(Some(throughput.ln()).filter(|rate| rate.is_finite()));
    }

    /// Runs at this rate and below cannot tell, unless one of them has.
    pub fn cannot_tell_up_to(&mut self, rate: f64) {
        let up_to = rate.ln() + self.half_a_step();
        if self.answers.iter().all(|(told, _)| *told > up_to) {
            self.tellable = self.tellable.max(self.positions.partition_point(|position| *position <= up_to));
        }
    }

    /// Whose limit was found: that of most of the runs that did not hold, from the interval's lower bound to a little above the
    /// upper one; if there are none, of the one that is nearest above. A rate that held in some run, or a higher one, is not
    /// beyond the generator, whatever kept it from it in another. A draw is the queue's.
    #[must_use]
    pub fn limit(&self) -> Limit {
        let bounds = self.interval();
        let (low, high) = (bounds.low.map_or(f64::NEG_INFINITY, f64::ln), bounds.high.map_or(f64::INFINITY, f64::ln));
        let rates = |of: Answer| self.answers.iter().filter(move |(_, answer)| *answer == of).map(|(rate, _)| *rate);
        let held = rates(Answer::Holds).fold(f64::NEG_INFINITY, f64::max);
        let broken: Vec<f64> = rates(Answer::Breaks).filter(|rate| *rate >= low).collect();
        let beyond: Vec<f64> = rates(Answer::NotOffered).filter(|rate| *rate >= low && *rate > held).collect();
        let nearest = broken.iter().chain(&beyond).copied().fold(f64::INFINITY, f64::min);
        let near = |rates: &[f64]| rates.iter().filter(|rate| **rate <= (high + NEAR).max(nearest)).count();
        if near(&beyond) > near(&broken) { Limit::Generator } else { Limit::Queue }
    }

    /// Whether it is over, and how to go on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (Some(bottom), Some(highest)) = (self.tellable().first(), self.tellable().last()) else {
            return Standing::Above;
        };
        if self.answers.is_empty() {
            // The first run shows whether the generator is the limit, and, if it is not, the queue's throughput.
            return Standing::Open { next: highest.exp() };
        }
        let [low, median, high] = self.quantiles();
        match (low, high) {
            (Place::Above, _) => Standing::Above,
            (_, Place::Below) => Standing::Below,
            (Place::At(low), Place::At(high)) if SQRT_2 * (high - low) <= self.width => Standing::Found,
            _ => Standing::Open {
                next: match median {
                    Place::Below => bottom.exp(),
                    Place::At(median) => median.exp(),
                    Place::Above => highest.exp(),
                },
            },
        }
    }

    /// Where the threshold lies, by all answers so far.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let [low, median, high] = self.quantiles().map(|place| match place {
            Place::At(rate) => Some(rate),
            Place::Below | Place::Above => None,
        });
        let again = |bound: f64| median.map_or(bound, |median| median + SQRT_2 * (bound - median)).exp();
        Interval { low: low.map(again), median: median.map(f64::exp), high: high.map(again) }
    }

    /// Half of the distance between two positions.
    fn half_a_step(&self) -> f64 {
        (self.positions[1] - self.positions[0]) / 2.0
    }

    fn tellable(&self) -> &[f64] {
        &self.positions[self.tellable..]
    }

    /// The lower bound, the median and the upper bound.
    fn quantiles(&self) -> [Place; 3] {
        let posterior = self.posterior();
        let tail = (1.0 - CONFIDENCE) / 2.0;
        [tail, 0.5, 1.0 - tail].map(|share| {
            let mut sum = 0.0;
            let index = posterior.iter().position(|probability| {
                sum += probability;
                sum >= share
            });
            // Rounding may leave the last sum just below 1.
            self.place(index.unwrap_or(posterior.len() - 1))
        })
    }

    fn place(&self, index: usize) -> Place {
        match index.checked_sub(1) {
            Some(position) if position >= self.positions.len() => Place::Above,
            Some(position) if position >= self.tellable => Place::At(self.positions[position]),
            _ => Place::Below,
        }
    }

    /// The probability of each position, first that of "below the range" and last that of "above".
    fn posterior(&self) -> Vec<f64> {
        let (mut posterior, weights) = (self.prior(), self.weights());
        for (index, probability) in posterior.iter_mut().enumerate() {
            let of_spread = weights.iter().zip(&self.likelihood);
            *probability *= of_spread.map(|(weight, likelihood)| weight * likelihood[index]).sum::<f64>();
        }
        let sum: f64 = posterior.iter().sum();
        posterior.iter_mut().for_each(|probability| *probability /= sum);
        posterior
    }

    /// The probability of each spread by the throughputs alone, up to a factor: the likelihood that normal values have the
    /// deviation that was seen, or, for a spread that explains more than that, the likelihood of the best one.
    fn weights(&self) -> [f64; SPREADS.len()] {
        let free = self.throughputs.len().saturating_sub(1) as f64;
        let seen = middle_and_deviation(&self.throughputs).map_or(0.0, |(_, deviation)| deviation);
        let logarithms = SPREADS.map(|(spread, weight)| {
            let explained = READING.hypot(DEVIATION * spread);
            let excess = (seen / explained).max(1.0);
            weight.ln() + free * (excess.ln() - (excess * excess - 1.0) / 2.0)
        });
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logarithms.map(|logarithm| (logarithm - most).exp())
    }

    fn prior(&self) -> Vec<f64> {
        let count = self.positions.len() as f64;
        let near = middle_and_deviation(&self.throughputs).map(|(middle, deviation)| {
            (middle, NEARNESS.max(2.0 * deviation / (self.throughputs.len() as f64).sqrt()))
        });
        let nearness = |position: &f64| near.map_or(0.0, |(middle, scale)| (-(position - middle).abs() / scale).exp());
        let near: Vec<f64> = self.positions.iter().map(nearness).collect();
        let sum: f64 = near.iter().sum();
        // A throughput that is not in the range says nothing.
        let trust = if sum > f64::MIN_POSITIVE { TRUST } else { 0.0 };
        let within = near.iter().map(|near| {
            let flat = (1.0 - 2.0 * OUTSIDE) / count;
            (1.0 - trust) * flat + if trust > 0.0 { trust * near / sum } else { 0.0 }
        });
        let outside = (1.0 - trust) * OUTSIDE;
        std::iter::once(outside).chain(within).chain(std::iter::once(outside)).collect()
    }

    /// Only ratios matter; without this, very many answers would underflow.
    fn keep_in_range(&mut self) {
        let most = self.likelihood.iter().flatten().fold(0.0_f64, |most, value| most.max(*value));
        if most > 0.0 {
            self.likelihood.iter_mut().flatten().for_each(|value| *value /= most);
        }
    }
}

/// A position of the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Below,
    /// The logarithm of a rate.
    At(f64),
    Above,
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The median of some values and their standard deviation, by the median of their distances from it: a single run that was
/// overloaded far more than the others decides nothing. `None` without a value.
fn middle_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    let middle = median(values.to_vec())?;
    let distances = values.iter().map(|value| (value - middle).abs()).collect();
    Some((middle, OF_MEDIAN_DEVIATION * median(distances)?))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { low: 100.0, high: 1_000_000.0 };

    /// Searches for a threshold that answers without error; returns the search and the number of runs.
    fn searched(threshold: f64, throughput: Option<f64>) -> (Search, u32) {
        let mut search = Search::new(RANGE, 0.04);
        let mut runs = 0;
        while let Standing::Open { next } = search.standing() {
            runs += 1;
            assert!(runs < 60, "it must end");
            if next <= threshold {
                search.note(next, Answer::Holds);
            } else {
                search.note(next, Answer::Breaks);
                throughput.into_iter().for_each(|rate| search.expect_near(rate));
            }
        }
        (search, runs)
    }

    #[test]
    fn the_first_run_is_at_the_top() {
        let Standing::Open { next } = Search::new(RANGE, 0.04).standing() else { panic!("nothing is known yet") };
        assert!((0.98..=1.0).contains(&(next / RANGE.high)), "{next}");
    }

    #[test]
    fn a_sharp_threshold_is_found_and_a_good_hint_halves_the_runs() {
        for threshold in [150.0, 3_000.0, 41_234.5, 777_777.0] {
            for (throughput, most) in [(None, 26), (Some(threshold * 0.99), 12), (Some(threshold * 0.6), 28)] {
                let (search, runs) = searched(threshold, throughput);
                let Interval { low: Some(low), median: Some(median), high: Some(high) } = search.interval() else {
                    panic!("{threshold}: {:?}", search.interval())
                };
                assert!(low <= threshold && threshold <= high, "{threshold} in {low} to {high}");
                assert!(high / low <= 1.041, "{low} to {high}");
                assert!((median / threshold - 1.0).abs() < 0.02, "{threshold}: {median}");
                assert!(runs <= most, "{threshold} with {throughput:?}: {runs} runs");
            }
        }
    }

    #[test]
    fn a_threshold_outside_of_the_range_is_said_to_be_there() {
        for (threshold, standing) in [(10.0, Standing::Below), (2e6, Standing::Above)] {
            let (search, runs) = searched(threshold, None);
            assert_eq!(search.standing(), standing);
            assert_eq!(search.interval().median, None);
            assert!(runs <= 8, "{runs}");
        }
    }

    #[test]
    fn contradictions_widen_the_interval() {
        let mut calm = Search::new(RANGE, 0.04);
        for _ in 0..3 {
            calm.note(8_000.0, Answer::Holds);
            calm.note(12_000.0, Answer::Breaks);
        }
        let mut torn = calm.clone();
        for rate in [9_500.0, 9_700.0, 9_900.0] {
            calm.note(rate, Answer::Holds);
            torn.note(rate, Answer::Holds);
        }
        for rate in [10_100.0, 10_300.0, 10_500.0] {
            calm.note(rate, Answer::Breaks);
        }
        for (rate, answer) in [(9_600.0, Answer::Breaks), (10_200.0, Answer::Holds), (10_300.0, Answer::Breaks)] {
            torn.note(rate, answer);
        }
        let width = |search: &Search| {
            let Interval { low: Some(low), high: Some(high), .. } = search.interval() else { panic!("within") };
            high / low - 1.0
        };
        assert!(width(&torn) > 2.0 * width(&calm), "{} {}", width(&torn), width(&calm));
    }

    #[test]
    fn throughputs_that_differ_widen_the_interval_and_those_that_are_alike_change_nothing() {
        let width = |throughputs: &[f64]| {
            let mut search = Search::new(RANGE, 0.04);
            for rate in [9_500.0, 9_700.0, 9_900.0] {
                search.note(rate, Answer::Holds);
            }
            for rate in [10_100.0, 10_300.0, 10_500.0] {
                search.note(rate, Answer::Breaks);
            }
            throughputs.iter().for_each(|rate| search.expect_near(*rate));
            let Interval { low: Some(low), high: Some(high), .. } = search.interval() else { panic!("within") };
            high / low - 1.0
        };
        let alike = width(&[10_000.0, 10_000.0, 10_000.0]);
        assert!((width(&[10_000.0]) / alike - 1.0).abs() < 0.01, "{alike}");
        assert!(width(&[10_000.0, 10_000.0, 2_000.0]) < 1.5 * alike, "one of them alone decides nothing");
        let (some, much) = (width(&[9_500.0, 10_000.0, 10_500.0]), width(&[8_000.0, 10_000.0, 12_000.0]));
        assert!(some > 1.5 * alike && much > 1.5 * some, "{alike} {some} {much}");
        assert!(width(&[1.0, 1e6, 1e9, 1e12]).is_finite(), "nothing underflows");
    }

    #[test]
    fn where_runs_cannot_tell_the_search_does_not_go() {
        let mut search = Search::new(RANGE, 0.04);
        search.cannot_tell_up_to(1_000.0);
        while let Standing::Open { next } = search.standing() {
            assert!(next > 1_000.0, "{next}");
            search.note(next, Answer::Holds);
        }
        assert_eq!(search.standing(), Standing::Above);
        let all = search.interval();
        search.cannot_tell_up_to(2e6);
        assert_eq!(search.interval(), all, "some of them have told");
        let mut silent = Search::new(RANGE, 0.04);
        silent.cannot_tell_up_to(2e6);
        assert_eq!(silent.standing(), Standing::Above, "nothing is left to be told");
    }

    /// A generator that shares its CPUs with the queue offers less than it does alone: `offered`, in most runs.
    fn searched_beside(offered: f64, threshold: f64, every: u32) -> (Search, u32) {
        let (mut search, mut runs) = (Search::new(RANGE, 0.04), 0);
        while let Standing::Open { next } = search.standing() {
            runs += 1;
            assert!(runs <= 40, "{offered} {threshold}");
            let lapse = every > 0 && runs % every == 0;
            if next > offered || lapse {
                search.note(next, Answer::NotOffered);
                search.expect_near(offered.min(threshold));
            } else if next > threshold {
                search.note(next, Answer::Breaks);
                search.expect_near(threshold * 0.99);
            } else {
                search.note(next, Answer::Holds);
            }
        }
        (search, runs)
    }

    #[test]
    fn whose_limit_it_is_is_told() {
        for offered in [900_000.0, 300_000.0, 40_000.0, 3_000.0] {
            for threshold in [2e6, 250_000.0, 30_000.0, 2_900.0] {
                let (search, _) = searched_beside(offered, threshold, 0);
                let limit = if threshold < offered { Limit::Queue } else { Limit::Generator };
                let interval = search.interval();
                assert_eq!(search.limit(), limit, "{offered} {threshold}: {interval:?}");
                let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
                assert!((low..=high).contains(&threshold.min(offered)), "{offered} {threshold}: {interval:?}");
            }
        }
    }

    #[test]
    fn runs_that_were_not_offered_now_and_then_bound_nothing() {
        for every in [4, 5, 7, 10] {
            let (search, runs) = searched_beside(1e6, 41_000.0, every);
            let interval = search.interval();
            let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
            assert!((low..=high).contains(&41_000.0), "{every}: {interval:?} after {runs} runs");
            assert_eq!(search.limit(), Limit::Queue, "{every}");
        }
    }

    #[test]
    fn thousands_of_answers_do_not_underflow() {
        let mut search = Search::new(RANGE, 0.04);
        for _ in 0..3_000 {
            search.note(9_000.0, Answer::Holds);
            search.note(11_000.0, Answer::Breaks);
        }
        let median = search.interval().median.unwrap();
        assert!((9_000.0..11_000.0).contains(&median), "{median}");
    }
}
