//! How much of a report stays in memory when it is read.

use super::model::{CaseRecord, LatencySummary};
use crate::measure::Series;
use crate::observed::LatencyName;
use std::collections::BTreeMap;

/// What is kept of the cases of a report that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Everything.
    Everything,
    /// What a comparison and its page look at.
    Drawn,
    /// What a comparison looks at.
    Compared,
}

impl Kept {
    /// A case without what is not kept: of one that is compared, curves over time, controls, jitter, stages, the queue's own
    /// counters, and the distributions that are not drawn. They are most of a case. Two repeats that differ in nothing else
    /// then count as the same one.
    pub(super) fn of(self, mut case: CaseRecord) -> CaseRecord {
        if self == Self::Everything {
            fit(&mut case);
            return case;
        }
        let aside = case.set_aside.iter_mut().map(|aside| &mut aside.measured);
        for repeat in case.repeats.iter_mut().chain(aside) {
            repeat.series = Series { points: Vec::new(), ..repeat.series };
            (repeat.memory, repeat.control, repeat.control_after) = (None, None, None);
            repeat.machine.jitter = None;
            repeat.stages = Vec::new();
            repeat.queue_counters = BTreeMap::new();
        }
        fit(&mut case);
        if let Some(summary) = &mut case.summary {
            summary.latency = summary.latency.map(|name, latency| LatencySummary {
                hdr: latency.hdr.clone().filter(|_| self.keeps_distribution(name)),
                ..*latency
            });
        }
        case
    }

    fn keeps_distribution(self, name: LatencyName) -> bool {
        let is_drawn = matches!(name, LatencyName::Enqueue | LatencyName::Response | LatencyName::Delivery);
        self == Self::Everything || (self == Self::Drawn && is_drawn)
    }
}

/// A list has room for up to twice as many as were read: in a large report, a tenth of the memory.
fn fit(case: &mut CaseRecord) {
    case.repeats.shrink_to_fit();
    for repeat in &mut case.repeats {
        repeat.series.points.shrink_to_fit();
        if let Some(memory) = &mut repeat.memory {
            memory.bytes.shrink_to_fit();
        }
        for slow in [&mut repeat.slow_calls, &mut repeat.slow_responses, &mut repeat.slow_deliveries] {
            slow.shrink_to_fit();
        }
    }
}
