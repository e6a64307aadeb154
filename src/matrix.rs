//! Expands a scenario into cases: the product of all lists, less the excludes, plus the includes.

use crate::scenario::{
    AXES, Axis, AxisValues, Catalog, Diagnostic, Diagnostics, MOST_CASES, Origin, Parameters, Position, Problem,
    Producers, SIZES, STAGES, STEADY, Scenario, Selector, Stages, Strategy, TRACE, Trace, axes,
};
use crate::untrusted::Untrusted;
use std::collections::HashSet;

/// Largest number of tasks that get their own lane, if calls block their thread.
const MOST_OWN_LANES: u32 = 16;

/// The axes that say when logs are due.
const TOLD_BY_A_TRACE: [&str; 3] = ["rate", "arrival", "phase"];

/// One cell of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is, as `key=value` pairs in the order of the alphabet; see [`id`].
    pub id: Untrusted,
    /// Index into the plan's scenarios.
    pub scenario: usize,
    /// The value of every axis.
    pub parameters: Parameters,
}

/// The cases of one scenario, and notes for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The product in the order of [`AXES`], the last axis fastest; then the includes.
    pub cases: Vec<Case>,
    /// Notes on removed duplicates and on cases that were left out, each with its file.
    pub notes: Vec<String>,
    /// What was left out since its queue cannot do it, and why.
    pub left_out: Vec<Untrusted>,
}

/// The id of a case: its queue, strategy, maxsize, concurrency, rate and duration, its stages or its trace if it has any,
/// and every other axis that differs from its default, as `key=value` pairs with one space between, sorted by key.
///
/// Two cases have the same id only if all their parameters are the same. (Of the digest of a trace, the id has the first 12
/// digits.)
pub fn id(parameters: &Parameters) -> Untrusted {
    id_of(parameters, |_| true)
}

/// The id without the rate, for a search over all rates.
pub fn id_without_rate(parameters: &Parameters) -> Untrusted {
    id_of(parameters, |axis| !axis.is_rate())
}

fn id_of(parameters: &Parameters, is_named: impl Fn(&Axis) -> bool) -> Untrusted {
    let defaults = Parameters::default();
    let named = AXES.iter().filter(|axis| is_named(axis)).filter_map(|axis| {
        let value = axis.get(parameters);
        (axis.always_in_id || value != axis.get(&defaults))
            .then(|| format!("{}={}", axis.name, value.text().as_given()))
    });
    let stages = parameters.stages.iter().map(|stages| format!("{STAGES}={stages}"));
    let trace = parameters.trace.iter().map(|trace| format!("{TRACE}={trace}"));
    let mut pairs: Vec<String> = named.chain(stages).chain(trace).collect();
    pairs.sort_unstable();
    pairs.join(" ").into()
}

/// The checks that apply to the case, as indices into the scenario's checks.
pub fn checks_of(scenario: &Scenario, parameters: &Parameters) -> Vec<usize> {
    let about = |index: &usize| scenario.checks[*index].selector.matches(parameters);
    (0..scenario.checks.len()).filter(about).collect()
}

/// Makes the cases of a scenario. `scenario_index` is its index in the plan.
///
/// # Errors
/// Excludes and checks that match no case; cases that their queue does not support; no case at all; too many cases.
pub fn expand(scenario: &Scenario, scenario_index: usize, catalog: &Catalog) -> Result<Expansion, Diagnostics> {
    let cases = scenario.matrix.product().saturating_add(scenario.includes.len() as u128);
    if cases > MOST_CASES as u128 {
        let problem = Problem::new(format!("{cases} cases are too many"), format!("at most {MOST_CASES}"));
        return Err(Diagnostic::of(scenario.file.quoted(), "matrix", problem).into());
    }
    let catalog = &scenario.catalog(catalog);
    let mut builder = Builder {
        scenario,
        scenario_index,
        catalog,
        seen: HashSet::new(),
        unsupported: Vec::new(),
        left_out: Vec::new(),
        misfits: HashSet::new(),
        expansion: Expansion::default(),
        found: Diagnostics::new(),
    };
    builder.product();
    builder.includes();
    builder.say_unsupported();
    builder.check_checks();
    if builder.found.is_empty() && builder.expansion.cases.is_empty() {
        let problem = Problem::new("no case is left", "exclude less, or widen [matrix]");
        builder.found.push(Diagnostic::of(scenario.file.quoted(), "matrix", problem));
    }
    builder.found.or(builder.expansion)
}

/// Keeps the cases that the filter selects.
///
/// # Errors
/// It selects no case.
pub fn select(cases: Vec<Case>, filter: &Selector) -> Result<Vec<Case>, Diagnostics> {
    let selected: Vec<Case> = cases.into_iter().filter(|case| filter.matches(&case.parameters)).collect();
    if selected.is_empty() {
        let message = format!("no case matches {}", filter.text().quoted());
        let problem = Problem::new(message, "see the cases with `queue-load list`");
        return Err(Diagnostic::of("command line", "--filter", problem).into());
    }
    Ok(selected)
}

struct Builder<'a> {
    scenario: &'a Scenario,
    scenario_index: usize,
    catalog: &'a Catalog,
    seen: HashSet<Parameters>,
    /// Each combination that is not supported, once.
    unsupported: Vec<Unsupported>,
    /// Cases that `skip_unsupported` left out. They are kept because a check may apply to them.
    left_out: Vec<Parameters>,
    /// How the stages or the trace do not fit a case, each once.
    misfits: HashSet<String>,
    expansion: Expansion,
    found: Diagnostics,
}

/// Something that a queue does not support, and the position of the first case that asks for it.
struct Unsupported {
    lack: Lack,
    queue: Untrusted,
    strategy: Strategy,
    key: String,
    position: Option<Position>,
}

impl Unsupported {
    /// Whether the case lacks the same thing.
    fn is_of(&self, parameters: &Parameters, lack: Lack) -> bool {
        let same_strategy = self.strategy == parameters.strategy || !lack.depends_on_strategy();
        self.lack == lack && self.queue == parameters.queue && same_strategy
    }
}

/// What a driver must declare besides its axes: what the others cannot do, and what to do instead.
const DECLARED: [(&str, &str, &str); 4] = [
    (STAGES, "change its rate in stages", "leave out [load]"),
    (TRACE, "replay a trace", "leave out [load]"),
    (SIZES, "draw the lengths of messages", "write one length"),
    (STEADY, "tell when a load is steady", "give the window and the warm-up a length"),
];

/// Why a queue cannot be put under load with a case's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// The queue is unknown or not available.
    Queue,
    /// It does not support the strategy.
    Strategy,
    /// Its records cannot have that many fields.
    Fields,
    /// Its records do not carry the context of a task.
    Context,
    /// Under this strategy a call blocks its thread, and so all other tasks on the same lane.
    Lanes,
    /// Its program does not support the value of this axis.
    Axis(&'static str),
}

impl Lack {
    fn of(parameters: &Parameters, catalog: &Catalog, steady: bool) -> Option<Lack> {
        let Some(queue) = catalog.find(parameters.queue.as_given()).filter(|queue| queue.missing.is_none()) else {
            return Some(Lack::Queue);
        };
        let blocks = queue.blocks_caller.contains(&parameters.strategy);
        let shared = parameters.producers == Producers::Lanes && parameters.concurrency > MOST_OWN_LANES;
        let lacking_axis = queue.capabilities.as_ref().and_then(|can| can.lacking_axis(parameters, steady));
        [
            (Lack::Strategy, !queue.strategies.contains(&parameters.strategy)),
            (Lack::Fields, parameters.payload.fields > queue.most_fields),
            (Lack::Context, !parameters.context.is_none() && !queue.carries_context),
            (Lack::Lanes, blocks && shared),
        ]
        .into_iter()
        .find_map(|(lack, holds)| holds.then_some(lack))
        .or(lacking_axis.map(Lack::Axis))
    }

    fn depends_on_strategy(self) -> bool {
        matches!(self, Lack::Strategy | Lack::Lanes)
    }

    /// Whether it is about `[load]`, which is no axis of the matrix.
    fn is_of_load(self) -> bool {
        matches!(self, Lack::Axis(STAGES | TRACE))
    }

    /// The axis that the message names.
    fn axis(self) -> &'static str {
        match self {
            Lack::Queue => "queue",
            Lack::Fields | Lack::Axis(SIZES) => "payload",
            Lack::Context => "context",
            Lack::Strategy | Lack::Lanes => "strategy",
            Lack::Axis(axis) => axis,
        }
    }

    /// What is wrong, and what to do about it; `asked` is the value of [`axis`](Self::axis) that was asked for.
    fn say(self, queue: &Untrusted, strategy: Strategy, asked: &Untrusted, catalog: &Catalog) -> (String, String) {
        let known = catalog.find(queue.as_given());
        let (queue, asked) = (queue.quoted(), asked.quoted());
        match self {
            Lack::Queue => {
                let missing = known.and_then(|queue| queue.missing.clone());
                let why = missing.as_ref().map_or("is not known", |missing| missing.why.as_str());
                (format!("queue `{queue}` {why}"), missing.map_or(String::new(), |missing| missing.fix))
            }
            Lack::Strategy => {
                let known: Vec<&str> =
                    known.into_iter().flat_map(|queue| &queue.strategies).map(|s| s.name()).collect();
                let message = format!("queue `{queue}` has no strategy `{strategy}`");
                (message, format!("it has {}; exclude the others", known.join(", ")))
            }
            Lack::Axis("context") => {
                let fix = "write context = \"none\", or a driver that can declares `context` among its axes";
                (format!("queue `{queue}` does not carry the context of a task"), fix.to_owned())
            }
            Lack::Axis(axis) => match DECLARED.iter().find(|(name, ..)| *name == axis) {
                Some((_, cannot, fix)) => {
                    let fix = format!("{fix}, or a driver that can declares `{axis}` among its axes");
                    (format!("queue `{queue}` cannot {cannot}"), fix)
                }
                None => {
                    let can = known.and_then(|queue| queue.capabilities.as_ref());
                    let has = can.map_or_else(String::new, |can| can.described(axis));
                    (format!("queue `{queue}` has no {axis} = {asked}"), format!("it has {has}; name that in [matrix]"))
                }
            },
            Lack::Fields => {
                let most = known.map_or(0, |queue| queue.most_fields);
                let message =
                    format!("queue `{queue}` takes at most {most} fields, which its macros fix in the program");
                (message, format!("use a payload of {most} fields or fewer"))
            }
            Lack::Context => {
                let message = format!("queue `{queue}` does not carry the context of a task");
                (
                    message,
                    "write context = \"none\", or let it pass on `Entry::context` and say `carries_context`".to_owned(),
                )
            }
            Lack::Lanes => {
                let message = format!("under `{strategy}` queue `{queue}` blocks its caller, and with it a whole lane");
                (message, format!("use producers = \"tasks\", or a concurrency of {MOST_OWN_LANES} at most"))
            }
        }
    }
}

impl Builder<'_> {
    /// Adds the product, less the excludes.
    fn product(&mut self) {
        let scenario = self.scenario;
        let mut matched = vec![false; scenario.excludes.len()];
        for parameters in Product::of(&scenario.matrix.axes) {
            let mut is_excluded = false;
            for (exclude, matched) in scenario.excludes.iter().zip(&mut matched) {
                if exclude.selector.matches(&parameters) {
                    is_excluded = true;
                    *matched = true;
                }
            }
            if !is_excluded {
                self.add(parameters, None);
            }
        }
        for (exclude, matched) in scenario.excludes.iter().zip(matched) {
            if !matched {
                self.say_unmatched("exclude", &exclude.selector, exclude.position);
            }
        }
    }

    fn includes(&mut self) {
        for include in &self.scenario.includes {
            if !self.add(include.parameters.clone(), Some(include.position)) {
                let message = format!("{} is a case already and runs once", id(&include.parameters).quoted());
                self.note("include", message, Some(include.position));
            }
        }
    }

    /// Adds a case, unless it is there already or its queue does not support it. `include` is the position of the
    /// include; `None` for a case of the product. Returns whether the case was new.
    fn add(&mut self, parameters: Parameters, include: Option<Position>) -> bool {
        let (parameters, misfit) = match &self.scenario.trace {
            Some(trace) => replayed(trace, parameters),
            None => staged(self.scenario.stages.as_ref(), parameters),
        };
        if let Some((axis, problem)) = misfit {
            self.say_misfit(axis, problem, include);
        }
        if !self.seen.insert(parameters.clone()) {
            return false;
        }
        let Some(lack) = self.lack_of(&parameters) else {
            let id = id(&parameters);
            self.expansion.cases.push(Case { id, scenario: self.scenario_index, parameters });
            return true;
        };
        if !self.unsupported.iter().any(|unsupported| unsupported.is_of(&parameters, lack)) {
            let (queue, strategy) = (parameters.queue.clone(), parameters.strategy);
            let (key, position) = match include {
                _ if lack == Lack::Axis(STEADY) => (self.key_of_steady().to_owned(), None),
                Some(position) => ("include".to_owned(), Some(position)),
                None if lack.is_of_load() => (format!("load.{}", lack.axis()), None),
                None => (format!("matrix.{}", lack.axis()), self.position_of(lack.axis())),
            };
            self.unsupported.push(Unsupported { lack, queue, strategy, key, position });
        }
        self.left_out.push(parameters);
        true
    }

    fn lack_of(&self, parameters: &Parameters) -> Option<Lack> {
        Lack::of(parameters, self.catalog, self.scenario.run.steady.is_asked())
    }

    /// The key by which the scenario asks for a steady load.
    fn key_of_steady(&self) -> &'static str {
        if self.scenario.run.steady.window { "run.until" } else { "run.warmup" }
    }

    /// Reports stages that do not fill the window, or at whose peak a task would send too much; or a trace that does not fit.
    fn say_misfit(&mut self, axis: &str, problem: Problem, include: Option<Position>) {
        if !self.misfits.insert(problem.message.clone()) {
            return;
        }
        let (key, position) = match include {
            Some(position) => ("include".to_owned(), Some(position)),
            None => (format!("matrix.{axis}"), self.position_of(axis)),
        };
        let diagnostic = Diagnostic::of(self.scenario.file.quoted(), &key, problem);
        self.found.push(diagnostic.at(position));
    }

    /// The position of the axis in the file; `None` if the file does not have it.
    fn position_of(&self, name: &str) -> Option<Position> {
        let axis = self.scenario.matrix.axes.iter().find(|axis| axis.axis.name == name)?;
        match axis.origin {
            Origin::File(position) => Some(position),
            _ => None,
        }
    }

    fn say_unsupported(&mut self) {
        for unsupported in std::mem::take(&mut self.unsupported) {
            let lacks = |p: &&Parameters| self.lack_of(p).is_some_and(|lack| unsupported.is_of(p, lack));
            let count = self.left_out.iter().filter(lacks).count();
            let axis = AXES.iter().find(|axis| axis.name == unsupported.lack.axis());
            let first = self.left_out.iter().find(lacks);
            let asked = axis.zip(first).map(|(axis, first)| axis.get(first).text()).unwrap_or_default();
            let Unsupported { lack, queue, strategy, key, position } = unsupported;
            let (message, fix) = lack.say(&queue, strategy, &asked, self.catalog);
            if self.scenario.run.skip_unsupported {
                let cases = if count == 1 { "case is" } else { "cases are" };
                // A queue that is not built in can be built in, so the note says how.
                let how = if lack == Lack::Queue { format!("; {fix}") } else { String::new() };
                let message = format!("{message}: {count} {cases} left out");
                self.note(&key, format!("{message}{how}"), position);
                self.expansion.left_out.push(message.into());
                continue;
            }
            let fix = format!("{fix}, or set skip_unsupported = true in [run]");
            let problem = Problem::new(message, fix);
            let diagnostic = Diagnostic::of(self.scenario.file.quoted(), &key, problem);
            self.found.push(diagnostic.at(position));
        }
    }

    fn check_checks(&mut self) {
        for check in &self.scenario.checks {
            let cases = self.expansion.cases.iter().map(|case| &case.parameters);
            if !cases.chain(&self.left_out).any(|p| check.selector.matches(p)) {
                self.say_unmatched("check", &check.selector, check.position);
            }
        }
    }

    /// Adds an error; but only a note if an override removed the values that the selector names.
    fn say_unmatched(&mut self, key: &str, selector: &Selector, position: Position) {
        let message = format!("no case matches {}", selector.text().quoted());
        if self.is_overridden(selector) {
            self.note(key, format!("{message}, because of an override"), Some(position));
            return;
        }
        let problem = Problem::new(message, "take it out, or name values that the matrix has");
        self.found.push(Diagnostic::of(self.scenario.file.quoted(), key, problem).at(Some(position)));
    }

    fn is_overridden(&self, selector: &Selector) -> bool {
        let overridden: Vec<&str> = self
            .scenario
            .matrix
            .axes
            .iter()
            .filter(|axis| axis.origin == Origin::Override)
            .map(|axis| axis.axis.slot())
            .collect();
        selector.clauses().iter().any(|clause| {
            let axis = clause.axis;
            // A total rate is rate x concurrency, so both rates also depend on an override of the concurrency.
            overridden.contains(&axis.slot()) || (axis.is_rate() && overridden.contains(&"concurrency"))
        })
    }

    fn note(&mut self, key: &str, message: String, position: Option<Position>) {
        let note = Diagnostic::of(self.scenario.file.quoted(), key, Problem::new(message, ""));
        self.expansion.notes.push(note.at(position).to_string());
    }
}

/// How the load does not fit the other parameters of a case, and the axis that it is about.
type Misfit = Option<(&'static str, Problem)>;

/// A case of a scenario that replays a trace.
fn replayed(trace: &Trace, parameters: Parameters) -> (Parameters, Misfit) {
    let usual = Parameters::default();
    let differs = |name: &&str| axes::find(name).is_some_and(|axis| axis.get(&parameters) != axis.get(&usual));
    if let Some(name) = TOLD_BY_A_TRACE.into_iter().find(differs) {
        let problem = Problem::new("stands beside [load] trace, which says when logs are due", "leave it out");
        return (parameters, Some((name, problem)));
    }
    if parameters.level != usual.level && trace.arrivals().is_some_and(|arrivals| arrivals.has_levels()) {
        let problem = Problem::new("stands beside [load] trace, which says the levels", "leave it out");
        return (parameters, Some(("level", problem)));
    }
    let (duration, length) = (parameters.duration, trace.length());
    if duration > length {
        let message = format!("{duration} is longer than [load] trace, {length}");
        let problem = Problem::new(message, "leave it out, or write less to cut the trace");
        return (parameters, Some(("duration", problem)));
    }
    let trace = trace.within(duration);
    let rate = trace.mean_rate(duration, parameters.concurrency);
    let too_fast = (rate > axes::MOST_RATE).then(|| {
        let message = format!("the trace has {rate} per task, more than 1,000,000/s");
        ("concurrency", Problem::new(message, "raise it, or lower trace_scale"))
    });
    (Parameters { rate, trace: Some(trace), ..parameters }, too_fast)
}

/// A case of a scenario that may have stages.
fn staged(stages: Option<&Stages>, parameters: Parameters) -> (Parameters, Misfit) {
    let parameters = Parameters { stages: stages.cloned(), ..parameters };
    let misfit = misfit(&parameters);
    (parameters, misfit)
}

/// How the stages do not fit.
fn misfit(parameters: &Parameters) -> Misfit {
    let stages = parameters.stages.as_ref()?;
    let (duration, length) = (parameters.duration, stages.length());
    if duration != length {
        let message = format!("{duration} is not the sum of [load] stages, {length}");
        return Some(("duration", Problem::new(message, "leave it out, or let the stages fill it")));
    }
    let (rate, peak, most) = (parameters.rate, stages.peak(), axes::MOST_RATE);
    // Both sides in thousandths, times the seconds of both.
    let highest = u128::from(rate.logs()) * u128::from(peak.thousandths()) * u128::from(most.seconds());
    if highest > u128::from(most.logs()) * 1_000 * u128::from(rate.seconds()) {
        let message = format!("{peak} of {rate} is more than 1,000,000/s per task");
        return Some(("rate", Problem::new(message, "lower the rate or the stage, or raise concurrency")));
    }
    None
}

/// Iterates over all combinations of the axes' values, the last axis fastest.
struct Product<'a> {
    axes: &'a [AxisValues],
    /// Index of the next value of each axis; `None` at the end.
    next: Option<Vec<usize>>,
}

impl<'a> Product<'a> {
    fn of(axes: &'a [AxisValues]) -> Product<'a> {
        let is_empty = axes.iter().any(|axis| axis.values.is_empty());
        Product { axes, next: (!is_empty).then(|| vec![0; axes.len()]) }
    }

    fn advance(&mut self) {
        let Some(next) = &mut self.next else { return };
        for (index, axis) in next.iter_mut().zip(self.axes).rev() {
            *index += 1;
            if *index < axis.values.len() {
                return;
            }
            *index = 0;
        }
        self.next = None;
    }
}

impl Iterator for Product<'_> {
    type Item = Parameters;

    fn next(&mut self) -> Option<Parameters> {
        loop {
            let indices = self.next.as_ref()?;
            let mut parameters = Parameters::default();
            let set = self
                .axes
                .iter()
                .zip(indices)
                .try_for_each(|(axis, index)| axis.axis.set(&mut parameters, &axis.values[*index]));
            self.advance();
            // A total rate that gives a task a rate out of range was refused when the scenario was read.
            if set.is_ok() {
                return Some(parameters);
            }
        }
    }
}

#[cfg(test)]
mod tests;
