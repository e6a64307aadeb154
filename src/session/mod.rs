//! Makes a report from scenarios, without a terminal: what `queue-load run` does, for the command line, a program or a
//! test.
//!
//! ```no_run
//! use queue_load::session::{Against, Session};
//!
//! # fn main() -> Result<(), queue_load::session::SessionError> {
//! let concluded = Session::builder()
//!     .scenario("scenarios/smoke.toml")
//!     .set("concurrency", "1,10")
//!     .against(Against::Baseline("main".into()))
//!     .run()?;
//! println!("{}", concluded.text());
//! # Ok(())
//! # }
//! ```
//!
//! | file | job |
//! |---|---|
//! | `request` | what the caller wants |
//! | `builder` | builds a request and runs it; [`check`] |
//! | `inputs` | scenarios, overrides and filters to a plan, and the same plan again from a journal |
//! | `external` | the programs of `[queues.NAME]` |
//! | `other_program` | another build of this program |
//! | `workers` | where the repeats of this program's own queues run |
//! | `drivers` | who carries out which repeat |
//! | `baseline` | the baseline, found and checked before anything runs |
//! | `placement` | whether there are the CPUs that a placement needs |
//! | `strength` | whether there are enough repeats to prove anything |
//! | `doubts` | what a plan asks for and cannot get, said beforehand |
//! | `stage` | carries out repeats: the plan's, and those of a confirmation |
//! | `conduct` | the phases: the plan, the decision, its confirmation |
//! | `bisect` | the first of several builds that is worse than a good one |
//! | `find_max` | the searches of `find-max`, in place of the plan's repeats |
//! | `evidence` | on which repeats a confirmation is decided |
//! | `assemble` | makes reports of the results |
//! | `destination` | where the report and the journal go |
//! | `keep` | saves the reports and the baseline |
//! | `resume` | continues a run that was stopped: finds its journal, and checks what has changed |
//! | `recover` | the report of a session that did not finish, from its journal |
//! | `observer` | who is told what happens |
//! | `concluded` | how a session ended |
//! | `error` | why there is no report |

pub(crate) mod assemble;
mod baseline;
mod bisect;
mod builder;
mod concluded;
mod conduct;
mod destination;
mod doubts;
pub(crate) mod drivers;
mod error;
mod evidence;
pub(crate) mod external;
mod find_max;
pub(crate) mod inputs;
mod keep;
#[cfg(test)]
mod merge_tests;
mod observer;
mod other_program;
mod placement;
mod recover;
mod request;
mod resume;
pub(crate) mod stage;
mod strength;
mod workers;

pub use crate::capacity::{DEFAULT_MOST_RUNS, SearchSettings};
pub use crate::compare::Allowances;
pub use crate::matrix::Case;
pub use crate::plan::{Farm, Layout, Part, Partition, PartitionError, PartitionMethod, Plan, PlannedRepeat};
pub use crate::run::{ChildCommand, Event, Fault, Interrupt, RepeatError, RepeatOutcome};
pub use crate::scenario::{Diagnostics, Override, Scenario};
pub use crate::units::{Bytes, Nanos, Ratio};
pub use crate::worker::protocol::Progress as Counts;
pub use bisect::{BisectOutcome, BisectStep, Bisected, Bisection, Judged};
pub use builder::{Builder, check};
pub use concluded::Concluded;
pub(crate) use destination::JOURNAL;
pub use error::{BaselineProblem, SessionError, Unfit};
pub(crate) use external::{command_of, of_plan as programs_of};
pub(crate) use inputs::{Inputs, Prepared, prepare};
pub use observer::{Observer, OnEvent, Progress};
pub use recover::{Recovered, recover};
pub use request::{Against, DEFAULT_CONFIRMATIONS, Place, Request, Resume, Selection};
pub(crate) use stage::Stage;
pub use workers::Workers;

use crate::compare::{self, Settings};
use crate::platform;
use crate::report::{Environment, Report, Sitting};
use crate::run::{Ending, Journal, yardstick};
use crate::scenario::{ExternalQueue, Selector};
use crate::units::human;
use crate::worker::Queues;
use assemble::{About, Gathered, Reports};
use baseline::Baseline;
use conduct::{Conducted, Gating, Reference, conduct};
use destination::Destination;
use drivers::PlanDriver;
use keep::Keep;
use other_program::OtherProgram;
use resume::{Programs, Resumed};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// Sessions of one process take turns: at the same time they would measure each other.
static TURN: Mutex<()> = Mutex::new(());

/// The header of a journal: everything that the report needs besides the repeats.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// What the plan follows from.
    inputs: Inputs,
    /// Where the run took place.
    environment: Environment,
    /// How the plan is laid out.
    #[serde(default)]
    layout: Layout,
    /// The programs that measure; `None` in older journals.
    #[serde(default)]
    programs: Option<Programs>,
    /// The search, if this is one and no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<SearchSettings>,
}

/// A request, and everything that carrying it out needs.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// What the caller wants.
    pub request: &'a Request,
    /// The queues that can be put under load, besides those that scenarios bring.
    pub queues: &'a Queues,
    /// Where repeats of these queues run.
    pub workers: &'a Workers,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// Raising it ends the session. Finished repeats are kept.
    pub interrupt: &'a Interrupt,
}

/// Everything that is known before the first repeat.
struct Ready {
    inputs: Inputs,
    plan: Plan,
    about: About,
    baseline: Option<Baseline>,
    settings: Settings,
    other: Option<OtherProgram>,
    keep: Keep,
    destination: Option<Destination>,
    /// The programs in the journal's header; `None` without a journal.
    programs: Option<Programs>,
    /// The journal of the run that is continued.
    resumed: Option<Journal>,
    /// The search, if this is one and no run.
    search: Option<SearchSettings>,
}

impl Session<'_> {
    /// Builds a session step by step.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Checks everything that can be checked beforehand, runs the plan, decides, confirms, saves.
    ///
    /// # Errors
    /// Why nothing was run. A later error, when there already is a report, is in [`Concluded::failure`].
    pub fn run(&self) -> Result<Concluded, SessionError> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(resume) = &self.request.resume else { return self.run_from(None) };
        let resumed = Resumed::open(resume, self.request)?;
        let request = Request {
            selection: resumed.selection(&self.request.selection),
            against: resumed.against(&self.request.against),
            place: resumed.place(self.request),
            search: resumed.search(),
            ..self.request.clone()
        };
        let default_repeats = resumed.default_repeats(self.request);
        Session { request: &request, ..*self }.run_from(Some((resumed, default_repeats)))
    }

    /// Runs the plan, or the rest of a plan that was stopped.
    fn run_from(&self, resumed: Option<(Resumed, u32)>) -> Result<Concluded, SessionError> {
        let mut ready = self.prepare(resumed)?;
        let mut journal = ready.begin_journal()?;
        let mut driver = PlanDriver::new(&ready.plan, self.queues, self.workers, ready.other.take())?;
        let gating = self.gating(ready.baseline.as_ref(), &ready.settings);
        let mut stage = Stage {
            plan: &ready.plan,
            driver: &mut driver,
            gauge: &mut || Some(yardstick::measure()),
            observer: self.observer,
            journal: journal.as_mut(),
            interrupt: self.interrupt,
        };
        let conducted = match self.request.search {
            Some(search) => self.find_max(&mut stage, &ready.about, search, gating.as_ref()),
            None => conduct(&mut stage, &ready.about, gating.as_ref()),
        };
        Ok(self.conclude(conducted, &ready, journal))
    }

    fn find_max(
        &self,
        stage: &mut Stage<'_>,
        about: &About,
        search: SearchSettings,
        gating: Option<&Gating<'_>>,
    ) -> Conducted {
        let (plan, observer) = (stage.plan, self.observer);
        // Every run is a phase; what it said is told once, by the search.
        stage.observer = &();
        let (mut own, ending) = find_max::conduct(plan, about, search, &mut find_max::Live::new(stage), observer);
        if let Some(gating) = gating {
            conduct::judge_search(&mut own, gating, &ending);
        }
        Conducted { reports: Reports { own, other: None }, ending }
    }

    /// Which repeats ran when, from the journal.
    fn sittings(&self, journal: &Journal, plan: &Plan) -> Vec<Sitting> {
        if !journal.is_resumed() {
            return Vec::new();
        }
        match Journal::read(journal.path()) {
            Ok(contents) => resume::sittings(plan, &contents),
            Err(error) => {
                self.observer.warn(&format!("which repeats ran when is not known: {error}"));
                Vec::new()
            }
        }
    }

    fn prepare(&self, resumed: Option<(Resumed, u32)>) -> Result<Ready, SessionError> {
        let Session { request, queues, observer, interrupt, .. } = *self;
        let mut ask = |queue: &ExternalQueue, scenario: &Scenario| external::ask(queue, scenario, interrupt, observer);
        let repeats = resumed.as_ref().map_or_else(|| request.default_repeats(), |(_, repeats)| *repeats);
        let selection = self.workers.applied_to(&request.selection);
        let Prepared { inputs, plan, notes, filter } =
            inputs::prepare_with(&selection, repeats, &queues.catalog(), Some(&mut ask))?;
        notes.iter().for_each(|note| observer.note(&format!("note: {note}")));
        check_layout(request, &plan)?;
        let plan = match request.search {
            Some(_) if !matches!(request.against, Against::Nothing | Against::Baseline(_)) => {
                return Err(Unfit::SearchAgainst.into());
            }
            Some(_) => match plan.cases.iter().find(|case| case.parameters.trace.is_some()) {
                Some(case) => return Err(Unfit::TraceSearched { case: case.id.quoted() }.into()),
                None => searchable(plan)?,
            },
            None => plan,
        };
        placement::check(&plan, platform::allowed_cpus().ok().flatten().map(|cpus| cpus.len()))?;
        let plan = plan.laid_out(&request.against.layout())?;
        let created_at = resumed.as_ref().map_or_else(jiff::Timestamp::now, |(resumed, _)| resumed.created_at);
        let mut about = About { environment: assemble::environment(), created_at, program: None };
        let (baseline, settings) = baseline_for(request, &plan, &about, filter)?;
        strength::check(request, &plan, baseline.as_ref(), &settings)?;
        let keep = Keep::prepare(request)?;
        let destination = Destination::of(request, &plan, about.created_at)?;
        let other = match &request.against {
            Against::OtherProgram(path) => Some(OtherProgram::greet(path, &plan, interrupt)?),
            _ => None,
        };
        let wanted = destination.is_some() || plan.part.is_some();
        let programs = wanted.then(|| Programs::of(&request.against)).transpose()?;
        about.program = programs.as_ref().map(|programs| programs.own.clone());
        let resumed = match resumed {
            Some((resumed, _)) => Some(self.take_up(resumed, &inputs, &plan, &about, programs.as_ref())?),
            None => None,
        };
        let search = request.search;
        Ok(Ready { inputs, plan, about, baseline, settings, other, keep, destination, programs, resumed, search })
    }

    /// The journal of a run that was stopped, if the run can continue.
    fn take_up(
        &self,
        resumed: Resumed,
        inputs: &Inputs,
        plan: &Plan,
        about: &About,
        programs: Option<&Programs>,
    ) -> Result<Journal, SessionError> {
        resumed.check(inputs, plan, about, programs)?;
        let mut journal = resumed.journal;
        journal.go_on(&jiff::Timestamp::now().to_string())?;
        let done = human::counted(journal.earlier().count() as u64, "repeat");
        self.observer.note(&format!("note: continuing {}, which has {done}", journal.path().display()));
        Ok(journal)
    }

    fn gating<'b>(&self, baseline: Option<&'b Baseline>, settings: &Settings) -> Option<Gating<'b>> {
        let reference = match (baseline, &self.request.against) {
            (Some(Baseline { path, digest, report }), _) => {
                Reference::Saved { file: path.display().to_string().into(), digest: digest.as_str().into(), report }
            }
            (None, Against::OtherProgram(_)) => Reference::OtherProgram,
            (None, _) => return None,
        };
        Some(Gating { reference, settings: settings.clone(), confirm: self.request.confirm, judge: &compare::gate })
    }

    /// Saves the results. The caller gets the report even if it cannot be saved.
    fn conclude(&self, conducted: Conducted, ready: &Ready, journal: Option<Journal>) -> Concluded {
        let Conducted { mut reports, ending } = conducted;
        if let Some(journal) = &journal {
            reports.own.sittings = self.sittings(journal, &ready.plan);
        }
        let saved = match (&ready.destination, journal) {
            (Some(destination), Some(journal)) => {
                keep::save(&mut reports, destination, journal, self.observer).map(Some)
            }
            _ => Ok(None),
        };
        let kept = match &saved {
            Ok(_) => ready.keep.baseline(&reports.own, self.observer),
            Err(_) => Ok(()),
        };
        let stopped = match ending {
            Ending::Stopped(error) => Err(error.into()),
            Ending::Complete | Ending::Interrupted => Ok(()),
        };
        let (path, unsaved) = match saved {
            Ok(path) => (path, None),
            Err(error) => (None, Some(error)),
        };
        let failure = unsaved.or(kept.err()).or(stopped.err());
        Concluded { report: reports.own, other: reports.other, path, failure }
    }
}

impl Ready {
    fn begin_journal(&mut self) -> Result<Option<Journal>, SessionError> {
        if let Some(journal) = self.resumed.take() {
            return Ok(Some(journal));
        }
        let Some(destination) = &self.destination else { return Ok(None) };
        let header = Header {
            inputs: self.inputs.clone(),
            environment: self.about.environment.clone(),
            layout: self.plan.layout.clone(),
            programs: self.programs.clone(),
            search: self.search,
        };
        let encoded = serde_json::to_value(&header).map_err(|error| SessionError::Internal(error.to_string()))?;
        destination.begin_journal(self.about.created_at, &encoded).map(Some)
    }
}

/// The plan without its rates, for a search.
fn searchable(plan: Plan) -> Result<Plan, SessionError> {
    match plan.scenarios.iter().find(|scenario| scenario.run.steady.is_asked()) {
        Some(scenario) => Err(Unfit::SearchUntilSteady { file: scenario.file.quoted() }.into()),
        None => Ok(plan.without_rates()),
    }
}

/// Checks that the plan has the cases that are to be compared.
fn check_layout(request: &Request, plan: &Plan) -> Result<(), SessionError> {
    let is_compared =
        request.against != Against::Nothing || request.save_baseline.is_some() || request.search.is_some();
    if plan.part.is_some() && is_compared {
        return Err(Unfit::PartCompared.into());
    }
    match &request.against {
        Against::Axis(axis) if !plan.has_pairs(axis) => Err(Unfit::NoPairs { axis: axis.clone() }.into()),
        Against::OtherProgram(_) if plan.scenarios.iter().any(|scenario| !scenario.run.isolate) => {
            Err(Unfit::NotIsolated.into())
        }
        _ => Ok(()),
    }
}

/// The checked baseline, and the settings of the decision: those of the baseline's own scenarios.
fn baseline_for(
    request: &Request,
    plan: &Plan,
    about: &About,
    filter: Selector,
) -> Result<(Option<Baseline>, Settings), SessionError> {
    let all: Vec<usize> = (0..plan.own_cases()).collect();
    let expected = match request.search {
        Some(search) => find_max::expected(plan, about, search),
        None => assemble::reports(plan, about, &all, Gathered::default()).own,
    };
    let settings = |base: &Report| {
        let settings = Settings { filter, allowances: request.allowances, ..Settings::of(base) };
        let min_effect = request.max_fall.map_or(settings.min_effect, Ratio::as_f64);
        Settings { min_effect, ..settings }
    };
    let Against::Baseline(given) = &request.against else { return Ok((None, settings(&expected))) };
    let baseline = baseline::open(given, &request.reports_directory)?;
    let settings = settings(&baseline.report);
    baseline::check(given, &baseline, &expected, &settings)?;
    Ok((Some(baseline), settings))
}
