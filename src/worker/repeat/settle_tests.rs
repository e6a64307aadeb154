//! Windows and warm-ups that end when their load is steady, on a manual clock.

#[cfg(test)]
mod tests {
    use crate::adapter::{About, Account, Queue, Setup, Sink};
    use crate::clock::Clock;
    use crate::load::{Entry, Reply};
    use crate::measure::steady::{FEWEST_BLOCKS, IN_A_ROW};
    use crate::measure::{Measurement, Settled};
    use crate::plan::{PlannedRepeat, fixture};
    use crate::scenario::{Arrival, Parameters, SteadySettings};
    use crate::units::{Nanos, Rate};
    use crate::verdict::{self, Validity, judge_repeat};
    use crate::worker::repeat::simulate::simulate;
    use std::marker::PhantomData;
    use std::time::Duration;

    /// How long a call takes at a time since the start of the repeat, both in nanoseconds.
    trait Course: Send + Sync + 'static {
        fn at(now: u64) -> u64;
    }

    /// 20 µs at all times.
    struct Constant;
    impl Course for Constant {
        fn at(_: u64) -> u64 {
            20_000
        }
    }

    /// 80 µs at first; what exceeds 20 µs halves every second.
    struct Settles;
    impl Course for Settles {
        fn at(now: u64) -> u64 {
            20_000 + (60_000.0 * 0.5_f64.powf(now as f64 / 1e9)) as u64
        }
    }

    /// 1 µs more every half second.
    struct Grows;
    impl Course for Grows {
        fn at(now: u64) -> u64 {
            20_000 + now / 500_000
        }
    }

    /// Longer than the time between two logs: the queue cannot keep up.
    struct TooSlow;
    impl Course for TooSlow {
        fn at(_: u64) -> u64 {
            110_000
        }
    }

    /// A queue whose calls take as long as its course says and deliver at once.
    struct Timed<C> {
        sink: Sink,
        course: PhantomData<C>,
    }

    impl<C: Course> Queue for Timed<C> {
        const ABOUT: About = About::new("timed", "1");

        fn build(_: &Setup, sink: Sink) -> Result<Self, String> {
            Ok(Self { sink, course: PhantomData })
        }

        async fn log(&self, entry: &Entry<'_>) -> Reply {
            let clock = self.sink.clock();
            clock.pass(C::at(clock.now()));
            self.sink.deliver(Some(entry.stamp), |_| Ok(())).unwrap();
            Reply::ACCEPTED
        }

        fn shutdown(self, _: Duration) -> Account {
            Account::default()
        }
    }

    /// 10,000 logs/s for at most 24 s, in blocks of 120 ms. Memory has no bound: none is read on a manual clock.
    fn planned(window: bool, warmup: bool) -> PlannedRepeat {
        let parameters = Parameters {
            concurrency: 10,
            rate: Rate::of_whole(1_000),
            duration: Nanos::from_secs(24),
            ..Parameters::default()
        };
        let longest_warmup = Nanos::from_secs(24);
        let steady = SteadySettings { window, warmup, longest_warmup, memory: None, ..SteadySettings::default() };
        PlannedRepeat { warmup: Nanos::from_millis(100), steady: Some(steady), ..fixture::repeat(parameters) }
    }

    const BLOCK: u64 = 120_000_000;

    /// The least length of a window: the block after the decision is over when it is made, and that in which it is made is the
    /// last one.
    const LEAST: u64 = (FEWEST_BLOCKS + IN_A_ROW as u64 - 1 + 2) * BLOCK;

    fn window_of(measurement: &Measurement) -> Settled {
        measurement.steadiness.and_then(|steadiness| steadiness.window).unwrap()
    }

    /// What holds of every window, whatever was decided.
    fn closes(repeat: &PlannedRepeat, measurement: &Measurement) {
        let window = window_of(measurement);
        let (ledger, logs) = (&measurement.ledger, window.length_ns / 100_000);
        assert_eq!((ledger.scheduled, window.length_ns % BLOCK), (logs, 0), "the logs that were due until then");
        assert_eq!(verdict::faults(measurement), []);
        assert_eq!(verdict::faults_for(repeat, measurement), []);
        assert_eq!(measurement.rates.offered_per_s, 10_000.0);
        let last = measurement.series.points.len() as u64 * measurement.series.bin_ns;
        assert!(last >= window.length_ns && last < window.length_ns + measurement.series.bin_ns);
    }

    #[test]
    fn a_window_ends_when_its_load_is_steady() {
        let repeat = planned(true, false);
        let constant = simulate::<Timed<Constant>>(&repeat).unwrap();
        closes(&repeat, &constant);
        let window = window_of(&constant);
        assert_eq!((window.length_ns, window.settled, window.trend.mean), (LEAST, true, Some(0.0)));
        assert_eq!((constant.latency.response.max_ns, judge_repeat(&constant)), (Some(20_000), Validity::Valid));
        assert_eq!((constant.ledger.unsent, constant.ledger.delivered), (0, constant.ledger.scheduled));

        let settles = simulate::<Timed<Settles>>(&repeat).unwrap();
        closes(&repeat, &settles);
        let window = window_of(&settles);
        assert!(window.settled && window.length_ns > 2 * LEAST && window.length_ns < 24_000_000_000, "{window:?}");
        // All of the window is reported, not the part that looked good.
        assert!(settles.latency.response.max_ns.is_some_and(|max| max > 70_000));
    }

    #[test]
    fn a_window_whose_load_never_settles_is_invalid_with_its_trend() {
        type Simulated = fn(&PlannedRepeat) -> Measurement;
        let grows: Simulated = |repeat| simulate::<Timed<Grows>>(repeat).unwrap();
        let too_slow: Simulated = |repeat| simulate::<Timed<TooSlow>>(repeat).unwrap();
        let repeat = planned(true, false);
        for (name, measured) in [("grows", grows(&repeat)), ("too slow", too_slow(&repeat))] {
            closes(&repeat, &measured);
            let window = window_of(&measured);
            assert_eq!((window.settled, window.length_ns), (false, 24_000_000_000), "{name}");
            assert!(window.trend.mean.is_some_and(|moved| moved > 0.2), "{name}: {window:?}");
            let Validity::Invalid { reasons } = judge_repeat(&measured) else { panic!("{name} is valid") };
            let codes = verdict::codes(&reasons);
            assert!(codes.iter().any(|code| code == "not_steady"), "{name}: {codes:?}");
        }
    }

    #[test]
    fn a_warm_up_ends_when_its_load_is_steady_and_leaves_the_window_alone() {
        let repeat = planned(false, true);
        let short = PlannedRepeat {
            parameters: Parameters { duration: Nanos::from_secs(2), ..repeat.parameters.clone() },
            ..repeat
        };
        let settles = simulate::<Timed<Settles>>(&short).unwrap();
        let steadiness = settles.steadiness.unwrap();
        let warm_up = steadiness.warmup.unwrap();
        assert!(warm_up.settled && warm_up.length_ns < 24_000_000_000 && steadiness.window.is_none(), "{warm_up:?}");
        assert_eq!((settles.ledger.scheduled, settles.ledger.phantom), (20_000, 0));
        assert_eq!(verdict::faults_for(&short, &settles), []);
        assert!(settles.latency.response.max_ns.is_some_and(|max| max < 25_000), "the slow start is not in the window");
        let grows = simulate::<Timed<Grows>>(&short).unwrap();
        let Validity::Invalid { reasons } = judge_repeat(&grows) else { panic!("it is valid") };
        assert_eq!(verdict::codes(&reasons), ["not_steady"]);
    }

    #[test]
    fn random_arrivals_end_at_a_block_too() {
        let mut repeat = planned(true, false);
        repeat.parameters.arrival = Arrival::Poisson;
        let measured = simulate::<Timed<Constant>>(&repeat).unwrap();
        assert_eq!(window_of(&measured).length_ns % BLOCK, 0);
        assert_eq!(verdict::faults(&measured), []);
        assert_eq!(verdict::faults_for(&repeat, &measured), []);
    }

    #[test]
    fn what_was_decided_without_being_asked_for_is_a_fault_and_so_is_what_was_not_decided() {
        let repeat = planned(true, false);
        let measured = simulate::<Timed<Constant>>(&repeat).unwrap();
        let untold = Measurement { steadiness: None, ..measured.clone() };
        for (repeat, measured) in [(PlannedRepeat { steady: None, ..repeat.clone() }, measured), (repeat, untold)] {
            let faults = verdict::faults_for(&repeat, &measured);
            assert!(faults.iter().any(|fault| fault.to_string().starts_with("the window: whether")), "{faults:?}");
        }
    }
}
