//! The stages of a case's window: what became of the logs of each, and how long the queue took to recover.

use crate::measure::Recovery;
use crate::render::parts::columns::AT_LEAST;
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::{self, NONE};
use crate::report::{CaseRecord, LatencySummary, StageRecord};
use crate::scenario::Stage;

/// A row for each stage; no columns if the case has none.
pub(in crate::render) fn columns(case: &CaseRecord) -> Vec<Column> {
    let Some(summary) = case.summary.as_ref().filter(|summary| !summary.stages.is_empty()) else {
        return Vec::new();
    };
    let stages = &summary.stages;
    // A report may have fewer of the one than of the other.
    let asked = case.parameters.stages.as_ref().map_or(&[][..], |stages| stages.list());
    let text = |key, dispensable, value: fn(&Stage) -> String| Column {
        key,
        header: key,
        dispensable,
        cells: (0..stages.len()).map(|index| asked.get(index).map_or(NONE.into(), value)).collect(),
        ..Column::default()
    };
    let number = |key, header, dispensable, value: fn(&StageRecord) -> String| Column {
        key,
        header,
        right: true,
        dispensable,
        cells: stages.iter().map(value).collect(),
        ..Column::default()
    };
    let names = (1..=stages.len()).map(|number| {
        let name = asked.get(number - 1).and_then(|stage| stage.name.clone());
        name.unwrap_or_else(|| number.to_string())
    });
    let mut columns = vec![
        Column { key: "stage", header: "stage", cells: names.collect(), ..Column::default() },
        text("for", Some(4), |stage| stage.length.to_string()),
        text("rate", None, |stage| stage.shape.to_string()),
        number("due", "due", Some(5), |stage| numbers::count(stage.scheduled)),
        number("accepted", "accepted", None, |stage| maybe(stage.enqueued)),
        number("dropped", "dropped", None, |stage| maybe(stage.dropped)),
        number("sampled", "sampled\nout", Some(0), |stage| numbers::count(stage.sampled_out)),
        number("unsent", "unsent", Some(3), |stage| {
            numbers::count(stage.unsent.saturating_add(stage.unsent_generator))
        }),
        number("delivered", "delivered", Some(2), |stage| numbers::count(stage.delivered)),
        number("enqueue mean", "enqueue\nmean", Some(7), |stage| numbers::mean(stage.enqueue.mean_ns)),
        number("enqueue p99", "enqueue\np99", Some(6), |stage| numbers::time(stage.enqueue.p99_ns)),
        number("response p50", "response\np50", Some(1), |stage| waited(&stage.response, stage.response.p50_ns)),
        number("response p99", "response\np99", None, |stage| waited(&stage.response, stage.response.p99_ns)),
        number("delivery p99", "delivery\np99", Some(8), |stage| numbers::time(stage.delivery.p99_ns)),
    ];
    let is_idle = |column: &Column| column.cells.iter().all(|cell| cell == "0");
    columns.retain(|column| !matches!(column.key, "sampled" | "unsent") || !is_idle(column));
    columns
}

fn maybe(count: Option<u64>) -> String {
    count.map_or(NONE.into(), numbers::count)
}

fn waited(latency: &LatencySummary, ns: Option<u64>) -> String {
    let text = numbers::time(ns);
    if latency.censored > 0 && text != NONE { format!("{AT_LEAST}{text}") } else { text }
}

/// The longest recovery of the repeats, in words; `None` if there was none to see.
pub(in crate::render) fn recovery(case: &CaseRecord) -> Option<String> {
    let recovery = case.summary.as_ref()?.recovery.as_ref()?;
    let of = |ns: Option<u64>| match ns {
        Some(ns) => numbers::time(Some(ns)),
        None => format!("not within {}", numbers::time(Some(recovery.watched_ns))),
    };
    let Recovery { recovered_ns, response_ns, delivery_ns, response_bound_ns, delivery_bound_ns, .. } = *recovery;
    let [response_bound, delivery_bound] = [response_bound_ns, delivery_bound_ns].map(|ns| numbers::time(Some(ns)));
    Some(format!(
        "recovery {} (response {} to {response_bound}, delivery {} to {delivery_bound})",
        of(recovered_ns),
        of(response_ns),
        of(delivery_ns)
    ))
}
