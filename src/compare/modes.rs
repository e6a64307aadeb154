//! Decides whether the repeats of a case form two groups, and finds what divides them.
//!
//! The logarithms of the repeats' trimmed means are cut in two where that leaves the smallest spread inside the parts.
//! This is 2-means, which is exact in one dimension (Fisher 1958). Ashman's D (Ashman, Bird and Zepf 1994) measures how
//! far apart the parts are: the distance of their means divided by the spread inside them. Even the best cut of a
//! single hump has a D of 2.7, and more if there are few repeats. So the limit depends on their number (Engelman and
//! Hartigan 1969). It is chosen such that fewer than 2 of 100 cases are wrongly split if their repeats are normal,
//! log-normal, or have an outlier. At 10 repeats, that limit finds two groups of 1.0 and 1.9 µs, each with a spread of
//! 10 %, in only two of three cases. So a smaller distance is enough if a recorded property divides the repeats exactly
//! as their means do. Then more than 95 of 100 are found.

use super::rank::median;
use crate::report::RepeatRecord;
use crate::units::human;
use std::collections::BTreeMap;

/// With fewer repeats, no groups are reported: the spread inside the parts would be too uncertain.
const FEWEST_REPEATS: usize = 6;
/// Groups that differ by less than this, as a logarithm of the ratio, do not matter to a gate: 10 %.
const LEAST_DISTANCE: f64 = 0.095;
/// Smallest assumed spread inside groups. Values that are equal by chance would otherwise make D infinite.
const LEAST_SPREAD: f64 = 0.01;
/// Smallest gap between the groups, in spreads inside them. A skewed hump or an outlier has no such gap.
const LEAST_GAP: f64 = 1.6;
/// The gap and Ashman's D that are enough if a recorded property divides the groups, too. That property is evidence of
/// its own.
const DIVIDED: (f64, f64) = (1.3, 3.8);
/// A property is named if chance divides the groups as well with at most this probability.
const NAMED: f64 = 0.05;
/// A property is evidence for the groups if chance divides them as well with at most this probability: without a
/// misplaced repeat, and with one. Stricter than [`NAMED`], since several properties are tried.
const EVIDENT: [f64; 2] = [0.025, 0.01];

/// Two groups of repeats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Modes {
    /// The faster ones.
    pub(super) low: Group,
    /// The slower ones.
    pub(super) high: Group,
    /// What divides them, if that was recorded.
    pub(super) dividing: Option<Dividing>,
}

/// A group of repeats with similar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    /// Number of repeats.
    pub(super) repeats: usize,
    /// Median of their trimmed means of `enqueue`, in nanoseconds.
    pub(super) middle_ns: f64,
}

/// A property that has one value in the faster repeats and another in the slower ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dividing {
    /// The property.
    pub(super) property: Property,
    /// Its median in the faster repeats.
    pub(super) low: f64,
    /// Its median in the slower repeats.
    pub(super) high: f64,
    /// Number of repeats that it puts into the wrong group.
    pub(super) misplaced: usize,
    /// Probability that chance divides the groups as well: Fisher's exact test.
    pub(super) chance: f64,
}

/// A recorded property of a repeat's threads, or of their CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    /// How far apart the CPUs were: the round trip of a cache line, in nanoseconds.
    CoreToCore,
    /// How much of their time producers and queue spent on one CPU.
    SharedCpu,
    /// How often the queue's threads went to sleep, for each log.
    Sleeps,
    /// On which of two CPUs the queue ran: the share of the faster repeats' CPU minus the share of the slower ones'.
    QueueCpu { low: u32, high: u32 },
    /// On which of two CPUs the producers ran.
    ProducerCpu { low: u32, high: u32 },
}

/// The two groups that the repeats form; `None` if they form one group, or if there are too few repeats.
pub(super) fn modes(repeats: &[&RepeatRecord]) -> Option<Modes> {
    let mean = |repeat: &RepeatRecord| repeat.latency.enqueue.trimmed_mean_ns.filter(|ns| ns.is_finite() && *ns > 0.0);
    let mut known: Vec<(f64, &RepeatRecord)> =
        repeats.iter().filter_map(|repeat| Some((mean(repeat)?, *repeat))).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let logs: Vec<f64> = known.iter().map(|(ns, _)| ns.ln()).collect();
    let cut = Cut::best(&logs).filter(|cut| cut.distance >= LEAST_DISTANCE)?;
    let (low, high) = known.split_at(cut.at);
    let dividing = dividing(low, high);
    let evident = cut.is_likely() && dividing.is_some_and(|found| found.is_evident());
    (cut.is_certain() || evident).then(|| Modes { low: Group::of(low), high: Group::of(high), dividing })
}

/// Values in ascending order, cut in two.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// How many values there are.
    values: usize,
    /// How many of them are in the lower part.
    at: usize,
    /// Between the means of the parts.
    distance: f64,
    /// Between the parts.
    gap: f64,
    /// The standard deviation inside the parts, pooled.
    spread: f64,
}

impl Cut {
    /// The cut that leaves the smallest spread. Each part has at least two values and a tenth of all: otherwise a
    /// single outlier, which has no spread, would be a group.
    fn best(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < FEWEST_REPEATS {
            return None;
        }
        let least = 2.max(count.div_ceil(10));
        let cuts = (least..=count - least).map(|at| {
            let (low, high) = values.split_at(at);
            let (within, distance) = (squares(low) + squares(high), mean(high) - mean(low));
            let spread = (within / (count - 2) as f64).sqrt().max(LEAST_SPREAD);
            (within, Self { values: count, at, distance, gap: high[0] - low[at - 1], spread })
        });
        cuts.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, cut)| cut)
    }

    /// Ashman's D of two groups with one spread.
    fn ashman(&self) -> f64 {
        self.distance / self.spread
    }

    /// Whether the parts are farther apart than the best cut of a single hump hardly ever is. The limit is fitted to
    /// simulations.
    fn is_certain(&self) -> bool {
        let least = 3.4 + 19.0 / (self.values - 3) as f64;
        self.gap >= LEAST_GAP * self.spread && self.ashman() >= least
    }

    /// Whether the parts are far enough apart to be groups if a recorded property divides them, too.
    fn is_likely(&self) -> bool {
        let (gap, least) = DIVIDED;
        self.gap >= gap * self.spread && self.ashman() >= least
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Sum of the squared distances from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// Repeats with their trimmed means.
type Known<'a> = [(f64, &'a RepeatRecord)];

/// The property that divides best; the first one in the order of [`Property`] if several are equal.
fn dividing(low: &Known<'_>, high: &Known<'_>) -> Option<Dividing> {
    let cpus = |of: fn(&RepeatRecord) -> Shares| Some((main_cpu(low, of)?, main_cpu(high, of)?));
    let properties = [
        Some(Property::CoreToCore),
        Some(Property::SharedCpu),
        Some(Property::Sleeps),
        cpus(queue_cpus).map(|(low, high)| Property::QueueCpu { low, high }),
        cpus(producer_cpus).map(|(low, high)| Property::ProducerCpu { low, high }),
    ];
    let found = properties.into_iter().flatten().filter_map(|property| Dividing::by(property, low, high));
    found.filter(|found| found.chance <= NAMED).min_by_key(|found| found.misplaced)
}

type Shares = BTreeMap<u32, f64>;

fn queue_cpus(repeat: &RepeatRecord) -> Shares {
    repeat.threads.iter().flat_map(|threads| &threads.queue_cpus).map(|cpu| (cpu.cpu, cpu.share)).collect()
}

fn producer_cpus(repeat: &RepeatRecord) -> Shares {
    repeat.threads.iter().flat_map(|threads| &threads.producer_cpus).map(|cpu| (cpu.cpu, cpu.share)).collect()
}

/// The CPU on which a group's repeats spent most of their time.
fn main_cpu(group: &Known<'_>, of: fn(&RepeatRecord) -> Shares) -> Option<u32> {
    let mut sums = Shares::new();
    for (cpu, share) in group.iter().flat_map(|(_, repeat)| of(repeat)) {
        *sums.entry(cpu).or_default() += share;
    }
    sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(cpu, _)| cpu)
}

impl Property {
    fn of(self, repeat: &RepeatRecord) -> Option<f64> {
        let threads = || repeat.threads.as_ref();
        let value = match self {
            Self::CoreToCore => repeat.machine.core_to_core?.worst_ns() as f64,
            Self::SharedCpu => threads()?.shared_cpu_share?,
            Self::Sleeps => threads()?.queue_switches_per_log?,
            Self::QueueCpu { low, high } => more_on(&queue_cpus(repeat), low, high)?,
            Self::ProducerCpu { low, high } => more_on(&producer_cpus(repeat), low, high)?,
        };
        value.is_finite().then_some(value)
    }

    /// Whether the difference is large enough to be a plausible cause.
    fn differs(self, a: f64, b: f64) -> bool {
        let difference = (a - b).abs();
        match self {
            Self::CoreToCore => a.max(b) >= 1.5 * a.min(b),
            Self::SharedCpu => difference >= 0.25,
            // A worker that takes ten logs at a time sleeps 0.1 times per log, so small differences can matter.
            Self::Sleeps => difference >= 0.02 && a.max(b) >= 2.0 * a.min(b),
            Self::QueueCpu { low, high } | Self::ProducerCpu { low, high } => low != high && difference >= 0.5,
        }
    }
}

fn more_on(shares: &Shares, cpu: u32, other: u32) -> Option<f64> {
    let on = |cpu| shares.get(&cpu).copied().unwrap_or(0.0);
    (!shares.is_empty()).then(|| on(cpu) - on(other))
}

impl Dividing {
    /// How well a property divides the groups if it is cut half-way between the medians of both groups. `None` if it is
    /// not known for all repeats, does not differ enough, or misplaces more than one repeat.
    fn by(property: Property, low: &Known<'_>, high: &Known<'_>) -> Option<Self> {
        let values =
            |group: &Known<'_>| group.iter().map(|(_, repeat)| property.of(repeat)).collect::<Option<Vec<_>>>();
        let (of_low, of_high) = (values(low)?, values(high)?);
        let (usual, other) = (middle(&of_low)?, middle(&of_high)?);
        if !property.differs(usual, other) {
            return None;
        }
        let half_way = f64::midpoint(usual, other);
        let astray = |group: &[f64], usual: f64| {
            group.iter().filter(|&&value| (value - half_way) * (usual - half_way) <= 0.0).count()
        };
        let wrong = [astray(&of_low, usual), astray(&of_high, other)];
        let misplaced = wrong[0] + wrong[1];
        let chance = || fisher([low.len() - wrong[0], wrong[0]], [wrong[1], high.len() - wrong[1]]);
        (misplaced <= 1).then(|| Self { property, low: usual, high: other, misplaced, chance: chance() })
    }

    /// Whether it counts as evidence that there are two groups.
    fn is_evident(&self) -> bool {
        EVIDENT.get(self.misplaced).is_some_and(|most| self.chance <= *most)
    }

    /// A description, and what keeps the property constant.
    fn text(&self) -> String {
        let (low, high) = (self.low, self.high);
        match self.property {
            Property::CoreToCore => format!(
                "they differ in how far apart the CPUs were ({low:.0} and {high:.0} ns for a cache line to another CPU and back); \
                 a hypervisor moves CPUs, and only fixed ones or real hardware keep that constant"
            ),
            Property::SharedCpu => format!(
                "they differ in whether producers and queue shared a CPU ({} and {} of the time); \
                 placement = \"same\" or \"split\" keeps that constant",
                human::share(low),
                human::share(high)
            ),
            Property::Sleeps => format!(
                "they differ in how often the queue's threads slept and were woken ({low:.2} and {high:.2} times a log); \
                 no axis keeps that constant, a fixed placement may"
            ),
            Property::QueueCpu { low, high } => format!(
                "they differ in the CPU that the queue ran on ({low} and {high}); \
                 placement = \"same\" or \"split\" keeps that constant"
            ),
            Property::ProducerCpu { low, high } => format!(
                "they differ in the CPU that the producers ran on ({low} and {high}); \
                 placement = \"same\" keeps that constant"
            ),
        }
    }
}

impl Group {
    fn of(repeats: &Known<'_>) -> Self {
        let means: Vec<f64> = repeats.iter().map(|(ns, _)| *ns).collect();
        Self { repeats: repeats.len(), middle_ns: middle(&means).unwrap_or_default() }
    }
}

impl Modes {
    /// A sentence about the groups; the larger group comes first.
    pub(super) fn text(&self) -> String {
        let (more, fewer) =
            if self.low.repeats >= self.high.repeats { (self.low, self.high) } else { (self.high, self.low) };
        let why = self.dividing.map_or("nothing that was recorded divides them".to_owned(), |found| found.text());
        format!(
            "the repeats form two groups, {} around {} and {} around {}; {why}",
            more.repeats,
            human::latency(more.middle_ns),
            fewer.repeats,
            human::latency(fewer.middle_ns),
        )
    }
}

fn middle(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    median(&sorted)
}

/// Fisher's exact test of a 2 x 2 table, two-sided: the probability of a table that is at most as likely as this one.
fn fisher([a, b]: [usize; 2], [c, d]: [usize; 2]) -> f64 {
    let (row, column, all) = (a + b, a + c, a + b + c + d);
    let likely = |a: usize| (ways(column, a) + ways(all - column, row - a) - ways(all, row)).exp();
    // Rounding must not exclude tables that are exactly as likely as the observed one.
    let seen = likely(a) * (1.0 + 1e-9);
    (row.saturating_sub(all - column)..=row.min(column)).map(likely).filter(|likely| *likely <= seen).sum()
}

/// Logarithm of the number of ways to choose `some` of `all`.
fn ways(all: usize, some: usize) -> f64 {
    (0..some).map(|n| ((all - n) as f64 / (n + 1) as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::case;
    use super::super::normal;
    use super::*;
    use crate::measure::{CpuShare, Threads};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    /// Repeats with these means, in microseconds, and these threads.
    fn repeats(means: &[f64], threads: impl Fn(usize) -> Threads) -> Vec<RepeatRecord> {
        let mut repeats = case(&means.iter().map(|mean| mean * 1e3).collect::<Vec<_>>()).repeats;
        repeats.iter_mut().enumerate().for_each(|(n, repeat)| repeat.threads = Some(threads(n)));
        repeats
    }

    fn found(repeats: &[RepeatRecord]) -> Option<Modes> {
        modes(&repeats.iter().collect::<Vec<_>>())
    }

    fn on(cpu: u32) -> Vec<CpuShare> {
        vec![CpuShare { cpu, share: 1.0 }]
    }

    const TWO: [f64; 10] = [1.0, 1.91, 1.02, 0.97, 1.87, 1.0, 1.92, 1.03, 1.9, 0.99];

    fn is_slow(n: usize) -> bool {
        TWO[n] > 1.5
    }

    const NOTHING: &str = "nothing that was recorded divides them";

    /// Each row: where the threads of each repeat ran, and what is said of the two groups.
    fn say(rows: &[(&dyn Fn(usize) -> Threads, &str)]) {
        for (threads, expected) in rows {
            let found = found(&repeats(&TWO, threads)).unwrap();
            let groups = "the repeats form two groups, 6 around 1.00 µs and 4 around 1.91 µs; ";
            assert_eq!(found.text(), format!("{groups}{expected}"));
            assert_eq!((found.low.repeats, found.high.repeats), (6, 4));
        }
    }

    #[test]
    fn one_repeat_in_the_wrong_place_is_forgiven() {
        const SHARED: &str = "they differ in whether producers and queue shared a CPU (90.0% and 4.00% of the time); \
                              placement = \"same\" or \"split\" keeps that constant";
        let shared = |share: Option<f64>| Threads { shared_cpu_share: share, ..Threads::default() };
        let or = |low: bool| Some(if low { 0.04 } else { 0.9 });
        say(&[
            (&|_| Threads::default(), NOTHING),
            (&|n| shared(or(is_slow(n))), SHARED),
            (&|n| shared(or(is_slow(n) || n == 0)), SHARED),
            (&|n| shared(or(is_slow(n) || n == 0 || n == 2)), NOTHING),
            // It divides exactly, but differs too little to be a cause.
            (&|n| shared(Some(if is_slow(n) { 0.51 } else { 0.5 })), NOTHING),
            // It is not known for one of them.
            (&|n| shared(or(is_slow(n)).filter(|_| n != 3)), NOTHING),
        ]);
    }

    #[test]
    fn the_dividing_property_is_named_with_what_keeps_it_constant() {
        say(&[
            (
                &|n| Threads {
                    queue_switches_per_log: Some(if is_slow(n) { 0.95 } else { 0.2 }),
                    ..Threads::default()
                },
                "they differ in how often the queue's threads slept and were woken (0.20 and 0.95 times a log); \
                 no axis keeps that constant, a fixed placement may",
            ),
            (
                &|n| Threads {
                    queue_cpus: on(if is_slow(n) { 3 } else { 0 }),
                    producer_cpus: on(1),
                    ..Threads::default()
                },
                "they differ in the CPU that the queue ran on (0 and 3); placement = \"same\" or \"split\" keeps that constant",
            ),
            (
                &|n| Threads { producer_cpus: on(u32::from(is_slow(n))), queue_cpus: on(1), ..Threads::default() },
                "they differ in the CPU that the producers ran on (0 and 1); placement = \"same\" keeps that constant",
            ),
        ]);
    }

    #[test]
    fn the_larger_group_comes_first() {
        let slow = TWO.map(|mean| 3.0 - mean);
        let text = found(&repeats(&slow, |_| Threads::default())).unwrap().text();
        assert!(text.starts_with("the repeats form two groups, 6 around 2.00 µs and 4 around 1.09 µs"), "{text}");
    }

    #[test]
    fn one_group_is_one_group() {
        let rows: [(&str, &[f64]); 9] = [
            ("none", &[]),
            ("too few", &[1.0, 1.0, 1.0, 1.9, 1.9]),
            ("all the same", &[1.0; 10]),
            ("two, next to each other", &[1.0, 1.0, 1.0, 1.0, 1.0, 1.05, 1.05, 1.05, 1.05, 1.05]),
            ("one outlier", &[1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 1.01, 0.99, 1.0, 5.0]),
            ("a step of three", &[1.0, 1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 2.0, 2.0, 2.0]),
            ("evenly spread", &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]),
            ("a long tail", &[1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.9, 2.8]),
            ("not numbers", &[f64::NAN, f64::INFINITY, 0.0, -1.0, 1.0, 1.0, 1.9, 1.9]),
        ];
        for (name, means) in rows {
            assert_eq!(found(&repeats(means, |_| Threads::default())), None, "{name}");
        }
    }

    #[test]
    fn fishers_test_is_the_one_of_the_textbook() {
        for (rows, expected) in [
            ([[5, 0], [0, 5]], 2.0 / 252.0),
            ([[6, 0], [0, 4]], 1.0 / 210.0),
            ([[8, 0], [0, 2]], 1.0 / 45.0),
            ([[3, 1], [1, 3]], 0.485_714_285),
            ([[1, 9], [11, 3]], 0.002_759_456),
            ([[4, 0], [4, 0]], 1.0),
        ] {
            assert!((fisher(rows[0], rows[1]) - expected).abs() < 1e-8, "{rows:?}: {}", fisher(rows[0], rows[1]));
        }
    }

    /// Draws repeats.
    struct Lab(Xoshiro256PlusPlus);

    impl Lab {
        fn uniform(&mut self) -> f64 {
            ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            normal::quantile(self.uniform())
        }

        /// The share of draws whose repeats form two groups. The recorded properties of their threads are noise, except
        /// for the shared CPU if `draw` sets it.
        fn share_of_groups(&mut self, count: usize, draw: impl Fn(&mut Self, usize) -> (f64, Option<f64>)) -> f64 {
            const DRAWS: usize = 2_000;
            let mut repeats = repeats(&vec![1.0; count], |_| Threads::default());
            let mut groups = 0;
            for _ in 0..DRAWS {
                for (n, repeat) in repeats.iter_mut().enumerate() {
                    let (mean, shared) = draw(self, n);
                    repeat.latency.enqueue.trimmed_mean_ns = Some(mean);
                    repeat.threads = Some(Threads {
                        producer_cpus: on(u32::from(self.uniform() < 0.5)),
                        queue_cpus: on(u32::from(self.uniform() < 0.5)),
                        shared_cpu_share: Some(shared.unwrap_or(self.uniform())),
                        queue_switches_per_log: Some(self.uniform()),
                    });
                }
                groups += usize::from(found(&repeats).is_some());
            }
            groups as f64 / DRAWS as f64
        }
    }

    #[test]
    fn a_single_hump_is_rarely_taken_for_two() {
        type Hump = (&'static str, fn(&mut Lab, usize) -> f64);
        let humps: [Hump; 6] = [
            ("normal, 5 %", |lab, _| 1e3 * (1.0 + 0.05 * lab.normal())),
            ("normal, 15 %", |lab, _| 1e3 * (1.0 + 0.15 * lab.normal())),
            ("log-normal, 20 %", |lab, _| 1e3 * (0.2 * lab.normal()).exp()),
            ("log-normal, 50 %", |lab, _| 1e3 * (0.5 * lab.normal()).exp()),
            ("an outlier of 2", |lab, n| 1e3 * if n == 0 { 2.0 } else { 1.0 + 0.1 * lab.normal() }),
            ("an outlier of 5", |lab, n| 1e3 * if n == 0 { 5.0 } else { 1.0 + 0.1 * lab.normal() }),
        ];
        let mut lab = Lab(Xoshiro256PlusPlus::seed_from_u64(11));
        for count in [6, 10, 20, 40] {
            for (name, hump) in humps {
                let alarms = lab.share_of_groups(count, |lab, n| (hump(lab, n), None));
                assert!(alarms < 0.02, "{name}, {count} repeats: {alarms}");
            }
        }
    }

    #[test]
    fn two_humps_are_found() {
        let mut lab = Lab(Xoshiro256PlusPlus::seed_from_u64(12));
        // (repeats, how many of them are slow, whether the cause was recorded, share of draws that must be found)
        for (count, slow, recorded, least) in [
            (10, 5, true, 0.95),
            (10, 4, true, 0.95),
            (10, 2, true, 0.95),
            (20, 10, true, 0.95),
            (20, 5, true, 0.95),
            (20, 10, false, 0.95),
            (20, 5, false, 0.95),
            // A rule that is right about a single hump cannot find many more: see the top of this file.
            (10, 4, false, 0.55),
        ] {
            let found = lab.share_of_groups(count, |lab, n| {
                let mean = if n < slow { 1_900.0 } else { 1_000.0 };
                let shared = recorded.then(|| if n < slow { 0.1 } else { 0.9 } + 0.05 * lab.normal());
                (mean * (1.0 + 0.1 * lab.normal()), shared)
            });
            assert!(found > least, "{slow} of {count} are slow, recorded: {recorded}: {found}");
        }
    }
}
