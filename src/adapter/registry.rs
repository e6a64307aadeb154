//! The queues that this program knows, by name.

use super::{About, Queue, catalogue};
use crate::scenario::{Catalog, Missing, QueueSpec};

/// An action that works with any queue: the worker's repeat. It is generic, so that calls to the queue are not virtual.
pub trait Host {
    /// Its result.
    type Output;

    /// Does it with the queue `Q`.
    fn host<Q: Queue>(self) -> Self::Output;
}

/// The queues that this program knows.
pub struct Registry<H: Host> {
    known: Vec<Known<H>>,
    families: Vec<Known<H>>,
}

struct Known<H: Host> {
    about: About,
    host: fn(H) -> H::Output,
}

impl<H: Host> Registry<H> {
    /// The queues of this crate that are built in.
    pub fn with_own() -> Self {
        let mut registry = Self { known: Vec::new(), families: Vec::new() };
        registry.add::<super::builtin::Builtin>();
        registry.add::<super::noop::Noop>();
        #[cfg(feature = "tracing-appender")]
        registry.add::<super::tracing_appender::TracingAppender>();
        #[cfg(feature = "slog-async")]
        registry.add::<super::slog_async::SlogAsync>();
        #[cfg(feature = "opentelemetry")]
        registry.add::<super::opentelemetry::OpenTelemetry>();
        #[cfg(feature = "spdlog-rs")]
        registry.add::<super::spdlog_rs::Spdlog>();
        #[cfg(feature = "tokio-mpsc")]
        registry.add::<super::tokio_mpsc::TokioMpsc>();
        #[cfg(feature = "crossbeam")]
        registry.add::<super::crossbeam::Crossbeam>();
        #[cfg(feature = "ticklog")]
        registry.add::<super::ticklog::Ticklog>();
        #[cfg(feature = "ftlog")]
        registry.add::<super::ftlog::Ftlog>();
        #[cfg(feature = "logforth")]
        registry.add::<super::logforth::Logforth>();
        registry
    }

    /// Adds a queue. A queue with the same name is replaced.
    pub fn add<Q: Queue>(&mut self) {
        self.known.retain(|known| known.about.name != Q::ABOUT.name);
        self.known.push(Known { about: Q::ABOUT, host: |host| host.host::<Q>() });
    }

    /// Adds a family of queues for the program's own use. `Q` is built for every name that begins with the family's
    /// name, and finds the full name in its setup. A family is not listed, and no scenario can name a member of it.
    pub fn add_family<Q: Queue>(&mut self) {
        self.families.push(Known { about: Q::ABOUT, host: |host| host.host::<Q>() });
    }

    /// The descriptions of the queues, in the order in which they were added.
    pub fn abouts(&self) -> impl Iterator<Item = &About> {
        self.known.iter().map(|known| &known.about)
    }

    /// The queues of the catalogue that are not built into this program.
    pub(crate) fn not_built(&self) -> impl Iterator<Item = &'static catalogue::Optional> {
        let is_built = |name| self.abouts().any(|about| about.name == name);
        catalogue::OPTIONAL.iter().filter(move |optional| !is_built(optional.about.name))
    }

    /// The queues that a scenario may name. Queues that are not built in are included, with a hint how to build them
    /// in.
    pub fn catalog(&self) -> Catalog {
        let spec = |about: &About| QueueSpec {
            name: about.name.to_owned(),
            strategies: about.strategies.to_vec(),
            blocks_caller: about.blocks_caller.to_vec(),
            capabilities: None,
            most_fields: about.most_fields,
            carries_context: about.carries_context,
            missing: None,
        };
        let missing = |optional: &catalogue::Optional| QueueSpec {
            missing: Some(Missing { why: "is not built into this program".to_owned(), fix: optional.how_to_build() }),
            ..spec(&optional.about)
        };
        Catalog::new(self.abouts().map(spec).chain(self.not_built().map(missing)))
    }

    /// Lets `host` work on the queue called `name`; `None` if there is no such queue.
    pub fn host(&self, name: &str, host: H) -> Option<H::Output> {
        let single = self.known.iter().find(|known| known.about.name == name);
        let found = single.or_else(|| self.families.iter().find(|family| name.starts_with(family.about.name)));
        found.map(|known| (known.host)(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NameOf;
    impl Host for NameOf {
        type Output = &'static str;
        fn host<Q: Queue>(self) -> &'static str {
            Q::ABOUT.name
        }
    }

    #[test]
    fn a_queue_is_found_by_its_name_only() {
        let registry = Registry::<NameOf>::with_own();
        assert_eq!(registry.host("noop", NameOf), Some("noop"));
        assert_eq!(registry.host("builtin", NameOf), Some("builtin"));
        assert_eq!(registry.host("nope", NameOf), None);
    }

    #[test]
    fn a_family_answers_to_its_members_and_is_not_listed() {
        let mut registry = Registry::<NameOf>::with_own();
        let listed = registry.catalog();
        registry.add_family::<crate::adapter::noop::Noop>();
        assert_eq!(registry.host("noop:second", NameOf), Some("noop"));
        assert_eq!(registry.host("second:noop", NameOf), None);
        assert_eq!(registry.catalog(), listed);
    }

    #[test]
    fn adding_a_name_again_replaces_it() {
        let mut registry = Registry::<NameOf>::with_own();
        let before = registry.abouts().count();
        registry.add::<crate::adapter::noop::Noop>();
        assert_eq!(registry.abouts().count(), before);
    }
}
