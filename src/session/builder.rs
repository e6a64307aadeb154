//! A session, step by step.

use super::concluded::Concluded;
use super::error::SessionError;
use super::observer::Observer;
use super::request::{Against, Place, Request, Resume};
use super::workers::Workers;
use super::{Interrupt, Session};
use crate::capacity::SearchSettings;
use crate::scenario::Override;
use crate::worker::Queues;
use std::path::PathBuf;

/// Runs a scenario and saves nothing. It is meant for tests: `queue_load::check("scenarios/smoke.toml")?.assert()`.
///
/// In a test, each repeat starts the test binary again for that test alone; see [`Workers::of_this_test`].
///
/// # Errors
/// Why nothing was run.
pub fn check(scenario: impl Into<String>) -> Result<Concluded, SessionError> {
    Session::builder().scenario(scenario).run()
}

/// Builds a session step by step; see [`Session::builder`].
pub struct Builder {
    request: Request,
    queues: Queues,
    workers: Option<Workers>,
    observer: Box<dyn Observer>,
    interrupt: Interrupt,
}

impl Default for Builder {
    /// The queues of this crate. The session compares nothing, saves nothing and tells nobody.
    fn default() -> Self {
        Self {
            request: Request::default(),
            queues: Queues::with_own(),
            workers: None,
            observer: Box::new(()),
            interrupt: Interrupt::new(),
        }
    }
}

impl Builder {
    /// Adds a scenario file, or a glob of them.
    #[must_use]
    pub fn scenario(mut self, file: impl Into<String>) -> Self {
        self.request.selection.scenarios.push(file.into());
        self
    }

    /// Keeps only the cases whose axis has one of these values, as in `strategy=drop,block`.
    #[must_use]
    pub fn filter(mut self, condition: impl Into<String>) -> Self {
        self.request.selection.filters.push(condition.into());
        self
    }

    /// Replaces an axis (values with commas between) or a setting of `[run]`: `set("repeats", "10")`.
    #[must_use]
    pub fn set(mut self, key: &str, values: impl Into<String>) -> Self {
        self.request.selection.overrides.push(Override::from_command_line(key, values));
        self
    }

    /// Compares the results with a baseline, another program, each other or themselves.
    #[must_use]
    pub fn against(mut self, against: Against) -> Self {
        self.request.against = against;
        self
    }

    /// Saves the report, and a journal while the session runs.
    #[must_use]
    pub fn save(mut self, place: Place) -> Self {
        self.request.place = place;
        self
    }

    /// Goes on with a run that was stopped.
    #[must_use]
    pub fn resume(mut self, resume: Resume) -> Self {
        self.request.resume = Some(resume);
        self
    }

    /// Searches for the highest rate at which each case holds, instead of running the rates of the scenarios.
    #[must_use]
    pub fn find_max(mut self, search: SearchSettings) -> Self {
        self.request.search = Some(search);
        self
    }

    /// The directory of baselines, and of reports without a file of their own; `reports` by default.
    #[must_use]
    pub fn reports_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.request.reports_directory = directory.into();
        self
    }

    /// Changes the request in any other way.
    #[must_use]
    pub fn request(mut self, change: impl FnOnce(&mut Request)) -> Self {
        change(&mut self.request);
        self
    }

    /// Adds queues of your own, as for [`crate::main_with`].
    #[must_use]
    pub fn queues(mut self, register: impl FnOnce(&mut Queues)) -> Self {
        register(&mut self.queues);
        self
    }

    /// Where the repeats of these queues run; [`Workers::of_this_test`] by default. A program that was built with
    /// [`crate::main_with`] sets [`Workers::of_this_program`].
    #[must_use]
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets who is told what happens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Raising this interrupt ends the session. Finished repeats are kept.
    #[must_use]
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Runs the session.
    ///
    /// # Errors
    /// Why nothing was run.
    pub fn run(self) -> Result<Concluded, SessionError> {
        let workers = self.workers.unwrap_or_else(|| {
            Workers::serve_if_asked(&self.queues);
            Workers::of_this_test()
        });
        Session {
            request: &self.request,
            queues: &self.queues,
            workers: &workers,
            observer: &*self.observer,
            interrupt: &self.interrupt,
        }
        .run()
    }
}
