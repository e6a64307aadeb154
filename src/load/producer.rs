//! One logical producer: walks its schedule and separates the queue's delay from the generator's.

use super::schedule::{Cursor, Schedule};

/// How long after the end of the window the generator may still send logs for which it is late, in nanoseconds.
pub const GRACE: u64 = 1_000_000_000;

/// What the queue answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Accepted. `waited`: whether the caller had to wait for room; `None` if that is unknown.
    Enqueued {
        /// Whether the caller had to wait for room.
        waited: Option<bool>,
    },
    /// Refused because the queue was full.
    Dropped,
    /// Refused by the sampling decision.
    SampledOut,
}

impl Reply {
    /// Accepted, and there was room at once.
    pub const ACCEPTED: Reply = Reply::Enqueued { waited: Some(false) };
    /// Accepted as far as the call tells. Whether it waited, or whether the log was dropped after all, is unknown.
    pub const UNKNOWN: Reply = Reply::Enqueued { waited: None };
}

/// One call as observed; times in nanoseconds on the clock of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// When the log was due according to the schedule.
    pub intended: u64,
    /// When a generator without delays of its own would have started the call.
    pub ideal: u64,
    /// When the call started.
    pub start: u64,
    /// When it returned.
    pub end: u64,
    /// What the queue answered.
    pub reply: Reply,
}

impl Call {
    /// Call to return.
    pub fn service(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The generator's own delay.
    pub fn lateness(&self) -> u64 {
        self.start.saturating_sub(self.ideal)
    }

    /// Intended start to return.
    pub fn response(&self) -> u64 {
        self.end.saturating_sub(self.intended)
    }

    /// [`Self::response`] less the generator's own delay.
    pub fn response_ideal(&self) -> u64 {
        (self.ideal + self.service()).saturating_sub(self.intended)
    }
}

/// What a producer must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do before this time.
    Wait(u64),
    /// Send the log with this sequence number now.
    Send {
        /// Position of the log in its task's schedule, from 0.
        sequence: u64,
    },
    /// The schedule is finished, or its remaining logs were given up; see [`Tally`].
    Done,
}

/// The outcome of a task's schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Logs sent.
    pub attempted: u64,
    /// Logs that the queue pushed past the window's end.
    pub unsent: u64,
    /// Logs that the generator was too late for.
    pub unsent_generator: u64,
}

/// The state of one task in one window: a few words, whatever the length of the window.
///
/// The ideal start follows the recursion `ideal[n] = max(intended[n], ideal[n-1] + service[n-1])`: the times at which
/// the calls would have started had the generator woken up exactly on time, given the service times observed. A delay
/// that the queue causes moves `ideal`; a delay of the generator does not.
#[derive(Clone, Debug)]
pub struct Producer {
    cursor: Cursor,
    start: u64,
    end: u64,
    sequence: u64,
    intended: u64,
    ideal: u64,
    busy_until: u64,
    /// When the last call really returned. Time before it in which senders were held is already in `busy_until`.
    returned_at: u64,
    tally: Tally,
}

impl Producer {
    /// A producer for `task`, whose window begins at `start` and spans `span` nanoseconds. `busy_until` is when the
    /// queue lets go of the task's call before that window, on the ideal time line; 0 if there was none.
    pub fn new(schedule: &Schedule, task: u32, start: u64, span: u64, busy_until: u64) -> Self {
        let cursor = schedule.cursor(task);
        Self {
            cursor,
            start,
            end: start + span,
            sequence: 0,
            intended: 0,
            ideal: 0,
            busy_until,
            returned_at: 0,
            tally: Tally::default(),
        }
    }

    /// Ends the window at `end`, if that is earlier: logs that are due later do not belong to it.
    #[inline]
    pub fn end_at(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// What to do at `now`. `held(from, to)` is the part of that span in which the queue kept every sender from
    /// running.
    ///
    /// After [`Step::Send`], the caller must make the call and report it to [`Self::returned`].
    #[inline]
    pub fn step(&mut self, now: u64, held: impl FnOnce(u64, u64) -> u64) -> Step {
        let Some(offset) = self.cursor.peek() else { return Step::Done };
        self.intended = self.start + offset;
        if self.intended >= self.end {
            return Step::Done;
        }
        if now < self.intended {
            return Step::Wait(self.intended);
        }
        self.ideal = self.intended.max(self.busy_until);
        // From the last return on only: time that was held before it is already in `busy_until`, and would count twice.
        let since = self.ideal.max(self.returned_at);
        if now > since {
            // The ideal start is never later than now: lateness cannot be negative.
            self.ideal += held(since, now).min(now - self.ideal);
        }
        // The queue's share is checked first: a log that the queue alone has pushed past the end is `unsent`, even if
        // the generator is late as well. Ideal starts ascend, so all later logs of the task are past the end, too.
        if self.ideal >= self.end {
            self.tally.unsent = self.left();
            return Step::Done;
        }
        if now >= self.end + GRACE {
            self.tally.unsent_generator = self.left();
            return Step::Done;
        }
        Step::Send { sequence: self.sequence }
    }

    /// Reports that the call which [`Self::step`] asked for ran from `start` to `end`.
    #[inline]
    pub fn returned(&mut self, start: u64, end: u64, reply: Reply) -> Call {
        let call = Call { intended: self.intended, ideal: self.ideal.min(start), start, end, reply };
        self.busy_until = call.ideal + call.service();
        self.returned_at = end;
        self.tally.attempted += 1;
        self.sequence += 1;
        self.cursor.advance();
        call
    }

    /// When the queue let go of the last call, on the ideal time line.
    pub fn busy_until(&self) -> u64 {
        self.busy_until
    }

    /// The ideal start of the log that [`Self::step`] last looked at, which is where the queue has pushed it.
    pub fn pushed_to(&self) -> u64 {
        self.ideal
    }

    /// The outcome of the schedule; complete once [`Self::step`] has returned [`Step::Done`].
    pub fn tally(&self) -> Tally {
        self.tally
    }

    fn left(&self) -> u64 {
        self.rest().count() as u64
    }

    /// The due times that are left of the window, as offsets from its start.
    fn rest(&self) -> impl Iterator<Item = u64> + use<> {
        let span = self.end - self.start;
        self.cursor.clone().take_while(move |offset| *offset < span)
    }

    /// The intended times of the logs that the queue pushed past the window's end.
    pub fn unsent(&self) -> impl Iterator<Item = u64> + use<> {
        self.left_where(self.tally.unsent > 0)
    }

    /// The intended times of the logs that the generator was too late for.
    pub fn given_up(&self) -> impl Iterator<Item = u64> + use<> {
        self.left_where(self.tally.unsent_generator > 0)
    }

    fn left_where(&self, any: bool) -> impl Iterator<Item = u64> + use<> {
        let start = self.start;
        let left = if any { usize::MAX } else { 0 };
        self.rest().take(left).map(move |offset| start + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000;
    const MS: u64 = 1_000_000;
    const REPLY: Reply = Reply::Enqueued { waited: None };

    fn producer(rate: &str, span: u64) -> Producer {
        let schedule = Schedule::new(1, rate.parse().unwrap(), crate::units::Nanos(span));
        Producer::new(&schedule, 0, 0, span, 0)
    }

    /// Runs a producer on a clock that only it moves: it wakes `late` after each due time, and a call takes
    /// `service(n)`.
    fn simulate(producer: &mut Producer, late: u64, service: impl Fn(u64) -> u64) -> Vec<Call> {
        let (mut now, mut calls) = (0, Vec::new());
        loop {
            match producer.step(now, |_, _| 0) {
                Step::Wait(until) => now = until + late,
                Step::Send { sequence } => {
                    let start = now;
                    now += service(sequence);
                    calls.push(producer.returned(start, now, REPLY));
                }
                Step::Done => return calls,
            }
        }
    }

    #[test]
    fn on_time_means_no_lateness_and_response_equals_service() {
        let mut producer = producer("1000/s", 10 * MS);
        let calls = simulate(&mut producer, 0, |_| 5 * US);
        assert_eq!(calls.len(), 10);
        assert!(calls.iter().all(|call| call.lateness() == 0 && call.response() == 5 * US));
        assert_eq!(producer.tally(), Tally { attempted: 10, unsent: 0, unsent_generator: 0 });
    }

    #[test]
    fn a_generator_one_millisecond_late_shows_it_although_the_naive_formula_does_not() {
        // Every 100 µs, woken 1 ms late each time it sleeps: it then sends a burst of what has become due.
        let mut producer = producer("10k/s", 100 * MS);
        let calls = simulate(&mut producer, MS, |_| 100);
        let mut lateness: Vec<u64> = calls.iter().map(Call::lateness).collect();
        lateness.sort_unstable();
        assert!(lateness.last().unwrap().abs_diff(MS) < 2 * US, "{:?}", lateness.last());
        let naive: Vec<u64> = calls
            .windows(2)
            .map(|pair| pair[1].start - pair[1].intended.max(pair[0].end))
            .filter(|&late| late > 0)
            .collect();
        assert!(naive.len() < calls.len() / 5, "within a burst the naive formula reads 0");
    }

    #[test]
    fn a_stall_of_the_queue_is_in_the_response_and_not_in_the_lateness() {
        // 500 ms in 10 s: logs due during the stall wait for what is left of it.
        let mut producer = producer("1000/s", 10_000 * MS);
        let calls = simulate(&mut producer, 0, |n| if n == 5_000 { 500 * MS } else { 0 });
        assert_eq!(calls.len(), 10_000);
        assert!(calls.iter().all(|call| call.lateness() == 0));
        let mut responses: Vec<u64> = calls.iter().map(Call::response).collect();
        responses.sort_unstable();
        assert_eq!(responses[9_899], 400 * MS, "p99 of the response");
        let slow = calls.iter().filter(|call| call.service() > 0).count();
        assert_eq!(slow, 1, "the service time alone shows one slow call in ten thousand");
    }

    #[test]
    fn what_the_queue_pushes_past_the_end_is_unsent() {
        let mut producer = producer("1000/s", 100 * MS);
        let calls = simulate(&mut producer, 0, |_| 10 * MS);
        assert_eq!(calls.len(), 10);
        assert_eq!(producer.tally(), Tally { attempted: 10, unsent: 90, unsent_generator: 0 });
        assert_eq!(producer.unsent().next(), Some(10 * MS));
        assert_eq!((producer.unsent().count(), producer.given_up().count()), (90, 0));
    }

    #[test]
    fn a_window_that_ends_early_has_the_logs_that_are_due_until_then() {
        let calls = |end: u64, service: u64| {
            let mut producer = producer("1000/s", 100 * MS);
            producer.end_at(end);
            let calls = simulate(&mut producer, 0, |_| service);
            (calls.len() as u64, producer.tally(), producer.unsent().last())
        };
        assert_eq!(calls(50 * MS, 0), (50, Tally { attempted: 50, unsent: 0, unsent_generator: 0 }, None));
        assert_eq!(calls(50 * MS + 1, 0).0, 51, "the end itself does not belong to it");
        assert_eq!(calls(900 * MS, 0).0, 100, "it does not become longer");
        let held = calls(50 * MS, 10 * MS);
        assert_eq!(held, (5, Tally { attempted: 5, unsent: 45, unsent_generator: 0 }, Some(49 * MS)));
    }

    #[test]
    fn what_a_late_generator_leaves_is_its_own_fault() {
        let mut producer = producer("1000/s", 100 * MS);
        assert_eq!(producer.step(0, |_, _| 0), Step::Send { sequence: 0 });
        producer.returned(0, 10, REPLY);
        // The generator sleeps until its grace period is over.
        assert_eq!(producer.step(100 * MS + GRACE, |_, _| 0), Step::Done);
        assert_eq!(producer.tally(), Tally { attempted: 1, unsent: 0, unsent_generator: 99 });
        assert_eq!((producer.unsent().count(), producer.given_up().count()), (0, 99));
    }

    #[test]
    fn a_late_log_of_the_window_is_still_sent_within_the_grace() {
        let mut producer = producer("1000/s", 2 * MS);
        assert_eq!(producer.step(GRACE, |_, _| 0), Step::Send { sequence: 0 });
        let call = producer.returned(GRACE, GRACE + 10, REPLY);
        assert_eq!((call.lateness(), call.response(), call.response_ideal()), (GRACE, GRACE + 10, 10));
    }

    #[test]
    fn time_in_which_the_queue_held_every_sender_is_the_queues() {
        let mut producer = producer("1000/s", 100 * MS);
        // Due at 0, and runs at 30 ms. For 29 ms of that time every sender was inside a call.
        assert!(matches!(producer.step(30 * MS, |from, to| to - from - MS), Step::Send { .. }));
        let call = producer.returned(30 * MS, 30 * MS, REPLY);
        assert_eq!((call.lateness(), call.ideal - call.intended), (MS, 29 * MS));
    }

    #[test]
    fn time_in_which_the_queue_held_every_sender_is_counted_once() {
        // No sender was free from 1 ms to 29 ms. The log due at 0 runs at 30 ms, the others after it.
        let held = |from: u64, to: u64| to.min(29 * MS).saturating_sub(from.max(MS));
        let mut producer = producer("1000/s", 100 * MS);
        for _ in 0..20 {
            assert!(matches!(producer.step(30 * MS, held), Step::Send { .. }));
            let call = producer.returned(30 * MS, 30 * MS, REPLY);
            assert_eq!(call.lateness(), 2 * MS, "the generator's share is carried over, and not eaten up");
        }
    }

    #[test]
    fn a_call_from_before_the_window_that_still_blocks_is_the_queues_share() {
        let schedule = Schedule::new(1, "1000/s".parse().unwrap(), crate::units::Nanos(10 * MS));
        let mut producer = Producer::new(&schedule, 0, 0, 10 * MS, 5 * MS);
        assert!(matches!(producer.step(5 * MS, |_, _| 0), Step::Send { .. }));
        let call = producer.returned(5 * MS, 5 * MS, REPLY);
        assert_eq!((call.lateness(), call.response()), (0, 5 * MS));
    }
}
