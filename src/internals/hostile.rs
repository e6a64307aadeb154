//! What must hold of bytes from outside, whatever they are: one function for each format that is read.
//!
//! Each takes any bytes and panics only if something does not hold that must. `fuzz/` feeds them; `tests/it/hostile.rs`
//! replays the seeds and what follows from them.

use crate::compare;
use crate::measure::Latency;
use crate::measure::encoding::{Distribution, histogram_buckets};
use crate::plan::Plan;
use crate::render::{Format, View, render};
use crate::report;
use crate::run::{Limits, hear_all};
use crate::scenario::{self, Context, Overrides, Selector};
use crate::session;
use crate::verdict::{Pooled, faults, judge_repeat};
use crate::worker::Queues;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A format: its name, and what must hold of it.
pub type Target = (&'static str, fn(&[u8]));

/// Every format; `fuzz/` has a target and seeds for each.
pub const TARGETS: [Target; 6] = [
    ("scenario", scenario),
    ("check", check),
    ("report", report),
    ("journal", journal),
    ("protocol", protocol),
    ("histogram", histogram),
];

/// Most errors that a scenario's text is answered with: a hundred, and how many more there are.
const MOST_ERRORS: usize = 101;
/// Plans of more cases are counted, not made: it would be the size that takes the time.
const LARGEST_PLAN: usize = 1_000;

static QUEUES: LazyLock<Queues> = LazyLock::new(Queues::with_own);

fn read(text: &[u8]) -> Result<scenario::Scenario, scenario::Diagnostics> {
    let (catalog, overrides) = (QUEUES.catalog(), Overrides::default());
    scenario::parse("hostile.toml", text, Context { catalog: &catalog, overrides: &overrides, default_repeats: 3 })
}

/// A scenario's text is read the same twice or refused in a bounded number of words, and a repeat of its plan is the same
/// after its way over the wire.
pub fn scenario(bytes: &[u8]) {
    let scenario = match read(bytes) {
        Ok(scenario) => scenario,
        Err(found) => {
            assert!((1..=MOST_ERRORS).contains(&found.len()), "{} errors", found.len());
            assert!(!found.to_string().is_empty());
            return;
        }
    };
    assert_eq!(read(bytes).as_ref(), Ok(&scenario), "read twice");
    let lists = scenario.matrix.axes.iter().map(|axis| axis.values.len());
    let cases: usize = lists.product::<usize>() + scenario.includes.len();
    if cases.saturating_mul(scenario.run.repeats as usize) > LARGEST_PLAN {
        return;
    }
    let Ok(plan) = Plan::new(vec![scenario], &QUEUES.catalog(), &Selector::default()) else { return };
    for repeat in &plan.repeats {
        let wire = serde_json::to_string(repeat).expect("a repeat can be sent");
        assert_eq!(serde_json::from_str::<crate::plan::PlannedRepeat>(&wire).as_ref().ok(), Some(repeat), "{wire}");
    }
}

/// A check's expression means the same when it is printed and read again.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expectation = |expression: &str| {
        let quoted = toml::Value::String(expression.to_owned());
        let scenario = read(format!("[matrix]\n[[check]]\nexpect = {quoted}\n").as_bytes());
        scenario.map(|scenario| {
            (scenario.checks[0].expression.as_given().to_owned(), scenario.checks[0].expectation.clone())
        })
    };
    if let Ok((printed, meant)) = expectation(text) {
        assert_eq!(expectation(&printed).map(|(_, again)| again).as_ref(), Ok(&meant), "{printed}");
    }
}

/// A report is refused, or can be shown in every format, compared with itself without getting worse, and saved again.
pub fn report(bytes: &[u8]) {
    let file = File::with(bytes);
    let Ok(read) = report::read(&file.0) else { return };
    assert_eq!(report::read_verified(&file.0).is_ok(), read.digest_matches, "what was altered is not trusted");
    let report = read.report;
    for format in Format::ALL {
        let _ = render(&report, format, View::FILE);
    }
    let settings = compare::Settings::of(&report);
    let decision = compare::gate(&report, &report, &settings);
    assert_ne!(decision.outcome, compare::GateOutcome::Regressed, "it is no worse than itself: {:?}", decision.reason);
    let _ = compare::compare(&report, &report, &compare::Options::default());
    let Ok(saved) = report.to_bytes() else { return };
    let again = report::read_verified(&File::with(&saved).0).expect("what was saved is read");
    assert_eq!(again, report);
}

/// A journal is refused, or gives a report that can be saved.
pub fn journal(bytes: &[u8]) {
    let file = File::with(bytes);
    let Ok(recovered) = session::recover(&file.0, &QUEUES) else { return };
    let saved = recovered.report.to_bytes().expect("a report that can be saved");
    report::read_verified(&File::with(&saved).0).expect("what was saved is read");
}

/// What a driver says is refused, or is a measurement that can be judged.
pub fn protocol(bytes: &[u8]) {
    let Ok(Some(measurement)) = hear_all(bytes, Limits::default()) else { return };
    let _ = faults(&measurement);
    let _ = judge_repeat(&measurement);
    let mut pooled = Pooled::default();
    pooled.add(&measurement);
    pooled.add(&measurement);
}

/// A histogram of which the count stands in the first line, or a latency as in the protocol, is refused, or holds as many
/// values as it says and is the same after it was written and read again.
pub fn histogram(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some((Ok(count), text)) = text.split_once('\n').map(|(count, text)| (count.parse::<u64>(), text))
        && let Ok(buckets) = histogram_buckets(text.trim_end(), count)
    {
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), count);
    }
    let Ok(latency) = serde_json::from_str::<Latency>(text) else { return };
    let Ok(distribution) = Distribution::decode(&latency) else { return };
    assert_eq!(distribution.count(), latency.count);
    let encoded = distribution.encode();
    assert_eq!(Distribution::decode(&encoded).map(|again| again.encode()).as_ref(), Ok(&encoded));
}

/// A file that is gone when this is dropped: these formats are read from one.
struct File(PathBuf);

impl File {
    fn with(bytes: &[u8]) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("queue-load-hostile-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).expect("temporary files can be made");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
