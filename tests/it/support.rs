//! What several tests need.

use queue_load::adapter::About;
use queue_load::internals::measure::Measurement;
use queue_load::internals::plan::PlannedRepeat;
use queue_load::internals::scenario::{Parameters, Target};
use queue_load::internals::units::{Nanos, Rate};
use queue_load::internals::verdict::{CaseEvidence, CaseVerdict, Pooled, judge_case};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{PoisonError, RwLock};

/// The machine: tests that measure in processes of their own share it; one that takes all of it, or carries out a repeat
/// in this process (where a queue's panic is kept once for all), has it alone.
static MACHINE: RwLock<()> = RwLock::new(());

/// Keeps those away that take the whole machine.
pub fn share_the_machine() -> impl Drop {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody measures, and keeps everyone from it.
pub fn take_the_machine() -> impl Drop {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a queue of the tests says of itself: it can `drop`, and its calls tell their outcome.
pub const fn about(name: &'static str) -> About {
    About::new(name, "1")
}

/// A short repeat: 10 tasks offer 500 logs in 250 ms.
pub fn repeat_of(queue: &str) -> PlannedRepeat {
    let parameters = Parameters {
        queue: queue.into(),
        concurrency: 10,
        rate: Rate::of_whole(200),
        duration: Nanos::from_millis(250),
        ..Parameters::default()
    };
    PlannedRepeat {
        case: 0,
        repeat: 0,
        attempt: 0,
        case_id: queue.into(),
        parameters,
        warmup: Nanos::from_millis(50),
        control: queue_load::internals::plan::CONTROL,
        drain_timeout: Nanos::from_secs(10),
        deadline: Nanos::from_secs(60),
        memory_limit: None,
        steady: None,
        seed: 42,
    }
}

/// Judges one measurement of [`repeat_of`] by the usual promise.
pub fn judge(measurement: &Measurement) -> CaseVerdict {
    let mut pooled = Pooled::default();
    pooled.add(measurement);
    judge_case(&CaseEvidence {
        parameters: &repeat_of("").parameters,
        target: &Target::default(),
        checks: &[],
        pooled: &pooled,
        set_aside: &[],
        uncontrolled: 0,
        errors: &[],
    })
}

/// A directory for one test, with the program's working directory in it.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program, to be run here.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_queue-load"));
        command.args(args).current_dir(self.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOAD_TEST_")) {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program here.
    pub fn run(&self, args: &[&str]) -> Output {
        let _shared = share_the_machine();
        self.command(args).output().unwrap()
    }

    /// The names of the files in a directory here.
    pub fn files(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path().join(directory)).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What a program wrote to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a program wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fails with everything that the program said, unless it ended with `code`.
#[track_caller]
pub fn expect_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
}

/// A run that must end with `code`. A machine from which time is stolen just then may make it `invalid`, which is no fault
/// of what is tested: such a run is tried again, and `None` after some tries.
#[track_caller]
pub fn measured(place: &Place, args: &[&str], code: i32) -> Option<Output> {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let output = place.run(args);
        if output.status.code() != Some(5) || !stdout(&output).contains("the machine was busy") {
            expect_code(&output, code);
            return Some(output);
        }
    }
    eprintln!("cannot tell: this machine is too busy");
    None
}
