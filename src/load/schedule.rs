//! When each log is due. The schedule is pure arithmetic and known before the load begins.

use super::profile::{PARTS, Profile};
use super::replay::{Replay, Replayed};
use crate::scenario::{Arrival, Parameters, PhaseShift};
use crate::units::{Nanos, Rate};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The schedule of all tasks of a case: open loop.
///
/// Under `uniform` arrival, task `i` of `C` sends its `n`-th log `(n + i / C) / rate` seconds after the start. The
/// phases are spread evenly, so that the tasks do not send at the same time. With `aligned` phases, `i / C` is left
/// out. Under `burst:k`, `k` logs are due at once, every `k` intervals, and the phases are spread over those. Both are
/// exact integer arithmetic and do not drift, however long they run. Under `poisson`, the intervals are exponential.
/// Each task draws them from a random generator of its own (the same one if aligned), so that a seed gives the same
/// schedule everywhere. Due times are offsets from the start in nanoseconds, rounded down.
///
/// In stages, this is the schedule of a load that passes at another speed in each stage: a log that would be due after
/// 1 s is due when the load of 1 s has come, in half a second at twice the rate. That is exact, too: the due time is the
/// last nanosecond by which no more than that load has come.
///
/// A trace is its own schedule: see [`Replay`].
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    tasks: u32,
    /// The interval of the whole load (all tasks), in nanoseconds, as a fraction. In stages: in [`PARTS`] of a
    /// nanosecond, like `span`.
    numerator: u128,
    denominator: u128,
    span: u64,
    arrival: Arrival,
    phase: PhaseShift,
    seed: u64,
    /// How the load passes, in stages; `None`: evenly.
    profile: Option<Arc<Profile>>,
    /// The trace that is replayed instead of all this.
    replay: Option<Replay>,
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl Schedule {
    /// `tasks` tasks of `rate` each, for `span`, with uniform arrival and spread phases. 0 tasks count as 1.
    pub fn new(tasks: u32, rate: Rate, span: Nanos) -> Self {
        Self {
            tasks: tasks.max(1),
            numerator: u128::from(rate.seconds()) * NANOS_PER_SECOND,
            denominator: u128::from(rate.logs()) * u128::from(tasks.max(1)),
            span: span.0,
            arrival: Arrival::Uniform,
            phase: PhaseShift::Spread,
            seed: 0,
            profile: None,
            replay: None,
        }
    }

    /// The schedule of a case's window, in its stages if it has any. `seed` matters only if arrivals are random.
    pub fn of_window(parameters: &Parameters, seed: u64) -> Self {
        let plain = Self::of(parameters, parameters.duration, seed);
        if let Some(trace) = &parameters.trace {
            let replay = Replay::of(trace, parameters.duration, plain.tasks);
            return Self { replay: Some(replay), ..plain };
        }
        let Some(stages) = &parameters.stages else { return plain };
        let profile = Profile::of(stages);
        let (numerator, span) = (plain.numerator * u128::from(PARTS), profile.load());
        Self { numerator, span, profile: Some(Arc::new(profile)), ..plain }
    }

    /// The schedule of a case at its own rate, for `span`. `seed` matters only if arrivals are random.
    pub fn of(parameters: &Parameters, span: Nanos, seed: u64) -> Self {
        let Parameters { concurrency, rate, arrival, phase, .. } = *parameters;
        Self { arrival, phase, seed, ..Self::new(concurrency, rate, span) }
    }

    /// Number of tasks.
    pub fn tasks(&self) -> u32 {
        self.tasks
    }

    /// Rate of the whole load, in logs/s; in stages and in a trace the highest.
    pub fn per_second(&self) -> f64 {
        if let Some(replay) = &self.replay {
            return replay.peak_per_second();
        }
        let factor = self.profile.as_ref().map_or(1.0, |profile| profile.peak() * PARTS as f64);
        NANOS_PER_SECOND as f64 * self.denominator as f64 / self.numerator as f64 * factor
    }

    /// Logs that a task sends at once.
    fn burst(&self) -> u64 {
        match self.arrival {
            Arrival::Uniform | Arrival::Poisson => 1,
            Arrival::Burst(size) => u64::from(size.max(1)),
        }
    }

    /// The due times of one task, in order.
    pub fn cursor(&self, task: u32) -> Cursor {
        if let Some(replay) = &self.replay {
            return Cursor::Replayed(replay.of_task(task));
        }
        let plain = self.plain(task);
        match &self.profile {
            None => plain,
            Some(profile) => Cursor::Staged(Box::new(Staged::new(plain, Arc::clone(profile)))),
        }
    }

    /// The due times of one task before the stages.
    fn plain(&self, task: u32) -> Cursor {
        match self.arrival {
            Arrival::Poisson => Cursor::Random(self.random(task)),
            Arrival::Uniform | Arrival::Burst(_) => Cursor::Regular(self.regular(task)),
        }
    }

    fn regular(&self, task: u32) -> Regular {
        let line = Line { at: self.phases(task), denominator: self.denominator };
        Regular { line, step: self.phases(self.tasks), burst: self.burst(), sent: 0, span: self.span }
    }

    /// The time from the turn of one task to that of the task this number of places after it. Tasks of aligned phases have their
    /// turns at the same time, so that there only a whole round of all tasks takes time.
    fn phases(&self, places: u32) -> Time {
        let places = match self.phase {
            PhaseShift::Aligned if places < self.tasks => 0,
            PhaseShift::Aligned | PhaseShift::Spread => places,
        };
        let time = u128::from(places) * u128::from(self.burst()) * self.numerator;
        // A due time beyond 64 bits lies outside every span, so saturating it ends the schedule as it should.
        Time { ns: u64::try_from(time / self.denominator).unwrap_or(u64::MAX), remainder: time % self.denominator }
    }

    fn random(&self, task: u32) -> Random {
        let stream = if self.phase == PhaseShift::Spread { u64::from(task) } else { 0 };
        let mean = self.numerator as f64 * f64::from(self.tasks) / self.denominator as f64;
        let random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The first log is one interval after the start, not at the start: otherwise every task would send at time 0.
        let mut first = Random { random, due: 0.0, mean, span: self.span };
        first.advance();
        first
    }

    /// The number of logs of `task` that are due within the span. It does not use the walk that sends them, so a log
    /// that the walk forgets shows as a difference in the ledger; only under `poisson` must the schedule be walked to
    /// count.
    pub fn count(&self, task: u32) -> u64 {
        match &self.replay {
            Some(replay) => replay.count(task),
            None => self.count_below(task, self.span),
        }
    }

    /// For each stage: the number of logs of `task` that are due by its end. So it is the sequence number of the first
    /// log after it. Empty if there are no stages.
    pub fn stage_ends(&self, task: u32) -> Vec<u64> {
        let loads = self.profile.as_ref().map_or(&[][..], |profile| profile.loads());
        loads.iter().map(|load| self.count_below(task, *load)).collect()
    }

    /// The number of logs of all tasks that are due in each stage. Empty if there are no stages.
    pub fn counts_by_stage(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for task in 0..self.tasks {
            let ends = self.stage_ends(task);
            counts.resize(ends.len(), 0);
            let begins = std::iter::once(&0).chain(&ends);
            counts.iter_mut().zip(begins.zip(&ends)).for_each(|(sum, (begin, end))| *sum += end - begin);
        }
        counts
    }

    /// The number of logs of `task` whose due time before the stages is below `span`.
    fn count_below(&self, task: u32, span: u64) -> u64 {
        match self.plain(task) {
            Cursor::Regular(cursor) => Regular { span, ..cursor }.left(),
            Cursor::Random(cursor) => Cursor::Random(Random { span, ..cursor }).count() as u64,
            Cursor::Staged(_) | Cursor::Replayed(_) => unreachable!("a plain cursor has no stages and no trace"),
        }
    }

    /// The due times of the tasks `first`, `first + stride`, … merged into one order.
    pub fn merged(&self, first: u32, stride: u32) -> Merged {
        let stride = stride.max(1);
        if let Some(replay) = &self.replay {
            return Merged(Order::Replayed(replay.of_tasks(first, stride)));
        }
        Merged(match (self.arrival, &self.profile) {
            (Arrival::Poisson, _) => Order::Heap(Heap::of((first..self.tasks).step_by(stride as usize), self)),
            (Arrival::Uniform | Arrival::Burst(_), None) => Order::Turns(Turns::of(first, stride, self)),
            (Arrival::Uniform | Arrival::Burst(_), Some(profile)) => {
                let turns = Turns::of(first, stride, self);
                Order::Staged(Box::new(StagedTurns { turns, profile: Arc::clone(profile), piece: 0 }))
            }
        })
    }
}

/// Walks the due times of one task.
#[derive(Clone, Debug)]
pub enum Cursor {
    /// At equal intervals, single logs or bursts; costs one addition for each log.
    Regular(Regular),
    /// At random.
    Random(Random),
    /// One of the two, in stages.
    Staged(Box<Staged>),
    /// As they were recorded.
    Replayed(Replayed),
}

/// See [`Cursor`].
#[derive(Clone, Debug)]
pub struct Staged {
    plain: Cursor,
    profile: Arc<Profile>,
    piece: usize,
    /// When the next log is due: computed once, and asked for several times.
    due: u64,
}

impl Staged {
    fn new(plain: Cursor, profile: Arc<Profile>) -> Self {
        let mut staged = Self { plain, profile, piece: 0, due: 0 };
        staged.find();
        staged
    }

    fn find(&mut self) {
        let (at, denominator) = match &self.plain {
            Cursor::Regular(Regular { line, .. }) => (line.at, line.denominator),
            // The cast saturates: what lies beyond 64 bits lies beyond the window.
            Cursor::Random(cursor) => (Time { ns: cursor.due as u64, remainder: 0 }, 1),
            Cursor::Staged(_) | Cursor::Replayed(_) => unreachable!("a plain cursor has no stages and no trace"),
        };
        self.due = self.profile.due(at, denominator, &mut self.piece);
    }
}

/// See [`Cursor`].
#[derive(Clone, Debug)]
pub struct Regular {
    line: Line,
    step: Time,
    burst: u64,
    /// Logs already sent of the burst that is due.
    sent: u64,
    span: u64,
}

/// A time in nanoseconds and a fraction of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) ns: u64,
    /// In parts of a denominator that is known beside it.
    pub(super) remainder: u128,
}

/// A time that is moved on by exact steps. The fraction is carried along, as in Bresenham's line: a rounded step would
/// drift by up to 1 ns for each log.
#[derive(Clone, Debug)]
struct Line {
    at: Time,
    denominator: u128,
}

impl Line {
    #[inline]
    fn move_on(&mut self, step: Time) {
        self.at.ns = self.at.ns.saturating_add(step.ns);
        self.at.remainder += step.remainder;
        if self.at.remainder >= self.denominator {
            self.at.remainder -= self.denominator;
            self.at.ns = self.at.ns.saturating_add(1);
        }
    }
}

/// See [`Cursor`].
#[derive(Clone, Debug)]
pub struct Random {
    random: Xoshiro256PlusPlus,
    due: f64,
    mean: f64,
    span: u64,
}

impl Cursor {
    /// When the next log is due, in nanoseconds from the start; `None` after the last log of the span.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        let (due, span) = match self {
            Self::Regular(cursor) => (cursor.line.at.ns, cursor.span),
            Self::Random(cursor) => (cursor.due as u64, cursor.span),
            Self::Staged(cursor) => (cursor.due, cursor.profile.span()),
            Self::Replayed(cursor) => return cursor.peek().map(|(due, _)| due),
        };
        (due < span).then_some(due)
    }

    /// Goes on to the next log.
    #[inline]
    pub fn advance(&mut self) {
        match self {
            Self::Regular(cursor) => cursor.advance(),
            Self::Random(cursor) => cursor.advance(),
            Self::Replayed(cursor) => cursor.advance(),
            Self::Staged(cursor) => {
                cursor.plain.advance();
                cursor.find();
            }
        }
    }
}

impl Iterator for Cursor {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let due = self.peek()?;
        self.advance();
        Some(due)
    }
}

impl Regular {
    #[inline]
    fn advance(&mut self) {
        self.sent += 1;
        if self.sent < self.burst {
            return;
        }
        self.sent = 0;
        self.line.move_on(self.step);
    }

    /// The number of logs still to come: those of every burst `m` from here with `due + m * interval` below the span.
    fn left(&self) -> u64 {
        let Line { at, denominator } = self.line;
        if at.ns >= self.span {
            return 0;
        }
        // In units of a nanosecond divided by the denominator. A due time is rounded down and the span is whole, so the
        // due time is below the span exactly if the unrounded time is.
        let whole = |time: Time| u128::from(time.ns) * denominator + time.remainder;
        let bursts = (u128::from(self.span) * denominator - whole(at)).div_ceil(whole(self.step).max(1));
        u64::try_from(bursts * u128::from(self.burst) - u128::from(self.sent)).unwrap_or(u64::MAX)
    }
}

impl Random {
    /// Draws the next interval by inversion: `-ln(1 - u)` times the mean. `u` is below 1, so the logarithm is finite.
    fn advance(&mut self) {
        let u = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        self.due -= self.mean * (1.0 - u).ln();
    }
}

/// The due times of several tasks in one order, as `(offset, task)`.
#[derive(Clone, Debug)]
pub struct Merged(Order);

#[derive(Clone, Debug)]
enum Order {
    Turns(Turns),
    Heap(Heap),
    Staged(Box<StagedTurns>),
    Replayed(Replayed),
}

/// Tasks that have the same interval and ascending phases take turns, one burst each. So their due times are one line
/// with two steps: from a task to the next one, and from the last one back to the first. No state is kept for each task:
/// with a thousand of them, that would be memory which has left the cache when its turn comes.
#[derive(Clone, Debug)]
struct Turns {
    first: u32,
    stride: u32,
    tasks: u32,
    /// Whose turn it is; `tasks` if there is none.
    task: u32,
    /// Logs that the task has already had in this turn.
    taken: u64,
    burst: u64,
    line: Line,
    to_next: Time,
    to_first: Time,
    span: u64,
}

impl Turns {
    fn of(first: u32, stride: u32, schedule: &Schedule) -> Self {
        let tasks = schedule.tasks;
        let last = first + tasks.saturating_sub(first + 1) / stride * stride;
        Self {
            first,
            stride,
            tasks,
            task: first,
            taken: 0,
            burst: schedule.burst(),
            line: Line { at: schedule.phases(first), denominator: schedule.denominator },
            to_next: schedule.phases(stride),
            to_first: match schedule.phase {
                PhaseShift::Spread => schedule.phases(tasks - (last - first).min(tasks)),
                PhaseShift::Aligned => schedule.phases(tasks),
            },
            span: schedule.span,
        }
    }

    fn end_turn(&mut self) {
        self.taken = 0;
        let next = self.task.saturating_add(self.stride);
        if next < self.tasks {
            self.task = next;
            self.line.move_on(self.to_next);
        } else {
            self.task = self.first;
            self.line.move_on(self.to_first);
        }
    }
}

impl Iterator for Turns {
    type Item = (Time, u32);

    #[inline]
    fn next(&mut self) -> Option<(Time, u32)> {
        // The first task without a further log ends the schedule: the tasks after it have later phases, so they have no
        // further log either.
        let due = self.line.at;
        if due.ns >= self.span || self.task >= self.tasks {
            return None;
        }
        let task = self.task;
        self.taken += 1;
        if self.taken == self.burst {
            self.end_turn();
        }
        Some((due, task))
    }
}

/// Turns in stages. They keep their order, since a later load never comes earlier.
#[derive(Clone, Debug)]
struct StagedTurns {
    turns: Turns,
    profile: Arc<Profile>,
    piece: usize,
}

impl Iterator for StagedTurns {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<(u64, u32)> {
        let (at, task) = self.turns.next()?;
        // As the task's own cursor computes it: the pacer wakes it at no other time.
        Some((self.profile.due(at, self.turns.line.denominator, &mut self.piece), task))
    }
}

/// The next due time of each task.
#[derive(Clone, Debug)]
struct Heap {
    tasks: Vec<u32>,
    cursors: Vec<Cursor>,
    next: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Heap {
    fn of(tasks: impl Iterator<Item = u32>, schedule: &Schedule) -> Self {
        let tasks: Vec<u32> = tasks.collect();
        let mut cursors: Vec<Cursor> = tasks.iter().map(|&task| schedule.cursor(task)).collect();
        let heads = cursors.iter_mut().enumerate();
        let next = heads.filter_map(|(index, cursor)| Some(Reverse((cursor.next()?, index)))).collect();
        Self { tasks, cursors, next }
    }
}

impl Iterator for Heap {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<(u64, u32)> {
        let Reverse((due, task)) = self.next.pop()?;
        self.next.extend(self.cursors[task].next().map(|next| Reverse((next, task))));
        Some((due, self.tasks[task]))
    }
}

impl Iterator for Merged {
    type Item = (u64, u32);

    #[inline]
    fn next(&mut self) -> Option<(u64, u32)> {
        match &mut self.0 {
            Order::Turns(turns) => turns.next().map(|(due, task)| (due.ns, task)),
            Order::Heap(heap) => heap.next(),
            Order::Staged(staged) => staged.next(),
            Order::Replayed(replayed) => replayed.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule(tasks: u32, rate: &str, span: &str) -> Schedule {
        Schedule::new(tasks, rate.parse().unwrap(), span.parse().unwrap())
    }

    /// The due time as a formula, which the walk must give.
    fn due(schedule: &Schedule, task: u32, n: u64) -> u128 {
        let burst = u128::from(schedule.burst());
        let turn = u128::from(n) / burst * u128::from(schedule.tasks);
        let shift = if schedule.phase == PhaseShift::Spread { u128::from(task) } else { 0 };
        (turn + shift) * burst * schedule.numerator / schedule.denominator
    }

    #[test]
    fn a_thousand_a_second_is_due_every_millisecond() {
        let dues: Vec<u64> = schedule(1, "1000/s", "4ms").cursor(0).collect();
        assert_eq!(dues, [0, 1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn phases_are_spread_over_the_interval_unless_aligned() {
        let spread = schedule(4, "1000/s", "1s");
        let firsts = |schedule: Schedule| (0..4).map(|task| schedule.cursor(task).next().unwrap()).collect::<Vec<_>>();
        assert_eq!(firsts(spread.clone()), [0, 250_000, 500_000, 750_000]);
        assert_eq!(firsts(Schedule { phase: PhaseShift::Aligned, ..spread }), [0; 4]);
    }

    #[test]
    fn a_burst_comes_at_once_and_keeps_the_rate() {
        let burst = Schedule { arrival: Arrival::Burst(3), ..schedule(2, "1000/s", "7ms") };
        assert_eq!(
            burst.cursor(0).collect::<Vec<_>>(),
            [0, 0, 0, 3_000_000, 3_000_000, 3_000_000, 6_000_000, 6_000_000, 6_000_000]
        );
        assert_eq!(
            burst.cursor(1).collect::<Vec<_>>(),
            [1_500_000, 1_500_000, 1_500_000, 4_500_000, 4_500_000, 4_500_000]
        );
    }

    #[test]
    fn poisson_keeps_the_rate_varies_and_repeats_itself() {
        let poisson = |seed| Schedule { arrival: Arrival::Poisson, seed, ..schedule(2, "1000/s", "100s") };
        let dues: Vec<u64> = poisson(1).cursor(0).collect();
        // 100,000 expected, with a standard deviation of 316.
        assert!(dues.len().abs_diff(100_000) < 1_600, "{}", dues.len());
        let gaps: Vec<f64> = dues.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!(
            (deviation / mean - 1.0).abs() < 0.03,
            "the deviation of an exponential is its mean: {deviation} of {mean}"
        );
        assert_eq!(dues, poisson(1).cursor(0).collect::<Vec<_>>());
        assert_ne!(dues, poisson(2).cursor(0).collect::<Vec<_>>());
        assert_ne!(dues, poisson(1).cursor(1).collect::<Vec<_>>());
        let aligned = Schedule { phase: PhaseShift::Aligned, ..poisson(1) };
        assert_eq!(aligned.cursor(0).collect::<Vec<_>>(), aligned.cursor(1).collect::<Vec<_>>());
    }

    #[test]
    fn the_rate_is_per_task_and_the_count_is_exact() {
        for (tasks, rate, span, total) in [
            (10, "1000/s", "10s", 100_000),
            (1, "10k/s", "2s", 20_000),
            (3, "10000/3s", "10s", 100_000),
            (1_000, "10000/s", "1s", 10_000_000),
            (1, "1/s", "1s", 1),
            (7, "1/s", "100ms", 1),
        ] {
            let schedule = schedule(tasks, rate, span);
            let sum: u64 = (0..tasks).map(|task| schedule.count(task)).sum();
            assert_eq!(sum, total, "{tasks} x {rate} for {span}");
        }
    }

    #[test]
    fn a_day_at_every_bound_ends_where_it_must() {
        let day = "24h".parse::<Nanos>().unwrap().0;
        for (tasks, rate) in [(1, "1000000/s"), (10_000, "1000000/s"), (10_000, "999999/7s"), (10_000, "1/86399s")] {
            let schedule = schedule(tasks, rate, "24h");
            for task in [0, tasks / 2, tasks - 1] {
                let count = schedule.count(task);
                assert!(due(&schedule, task, count) >= u128::from(day), "{tasks} x {rate}: task {task} has one more");
                let last = count.checked_sub(1).map(|last| due(&schedule, task, last));
                assert!(last.is_none_or(|last| last < u128::from(day)), "{tasks} x {rate}: task {task} has one less");
            }
            assert!((0..tasks).map(|task| schedule.count(task)).sum::<u64>() <= 10_000 * 1_000_000 * 86_400);
        }
    }

    #[test]
    fn no_drift_after_a_thousand_million_logs() {
        let schedule = schedule(3, "1000000/7s", "24h");
        let mut cursor = schedule.regular(1);
        // Jump the cursor to within reach of log 10^9 by its own arithmetic, then walk.
        let skipped = 999_999_000_u64;
        let Line { at, denominator } = &mut cursor.line;
        let total = cursor.step.remainder * u128::from(skipped) + at.remainder;
        at.ns += cursor.step.ns * skipped + (total / *denominator) as u64;
        at.remainder = total % *denominator;
        (0..1_000).for_each(|_| cursor.advance());
        assert_eq!(u128::from(cursor.line.at.ns), due(&schedule, 1, 1_000_000_000));
        // 10^9 intervals of 7 µs, and a third of one for the phase.
        assert_eq!(cursor.line.at.ns, 7_000_000_000_000 + 2_333);
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let arrival = prop_oneof![Just(Arrival::Uniform), (1u32..20).prop_map(Arrival::Burst)];
        let phase = prop_oneof![Just(PhaseShift::Spread), Just(PhaseShift::Aligned)];
        (1u32..40, 1u64..100_000, 1u64..9, 1u64..100_000_000, arrival, phase).prop_map(
            |(tasks, logs, seconds, span, arrival, phase)| {
                let rate = Rate::new(logs, seconds).unwrap();
                Schedule { arrival, phase, ..Schedule::new(tasks, rate, Nanos(span)) }
            },
        )
    }

    proptest! {
        #[test]
        fn walking_equals_the_definition(schedule in any_schedule(), task in 0u32..40) {
            let task = task % schedule.tasks;
            let walked: Vec<u128> = schedule.cursor(task).take(500).map(u128::from).collect();
            let defined: Vec<u128> = (0..schedule.count(task).min(500)).map(|n| due(&schedule, task, n)).collect();
            prop_assert_eq!(walked, defined);
        }

        #[test]
        fn count_is_what_is_due_inside_the_span(schedule in any_schedule(), task in 0u32..40) {
            let task = task % schedule.tasks;
            let count = schedule.count(task);
            prop_assert!(due(&schedule, task, count) >= u128::from(schedule.span));
            prop_assert!(count == 0 || due(&schedule, task, count - 1) < u128::from(schedule.span));
        }

        #[test]
        fn merged_order_is_the_sorted_union(schedule in any_schedule(), stride in 1u32..5, poisson in any::<bool>()) {
            let arrival = if poisson { Arrival::Poisson } else { schedule.arrival };
            let schedule = Schedule { arrival, ..schedule };
            let first = (stride - 1).min(schedule.tasks - 1);
            let merged: Vec<(u64, u32)> = schedule.merged(first, stride).collect();
            let tasks = (first..schedule.tasks).step_by(stride as usize);
            let mut union: Vec<(u64, u32)> =
                tasks.flat_map(|task| schedule.cursor(task).map(move |due| (due, task))).collect();
            union.sort_unstable();
            prop_assert_eq!(merged, union);
        }
    }
}
