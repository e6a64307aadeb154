//! What became of the logs of each level of a case.

use crate::measure::LevelLedger;
use crate::measure::levels::several;
use crate::observed::CountName;
use crate::render::parts::grid::Column;
use crate::render::parts::numbers::{self, NONE};
use crate::report::CaseRecord;

/// Longest name of a level, in characters.
const MAX_NAME: usize = 10;

/// A row for each level that was sent; no columns if there are fewer than two.
pub(in crate::render) fn columns(case: &CaseRecord) -> Vec<Column> {
    let levels = case.summary.as_ref().map(|summary| several(&summary.levels)).unwrap_or_default();
    if levels.is_empty() {
        return Vec::new();
    }
    let number = |header, name, dispensable| Column {
        key: header,
        header,
        right: true,
        dispensable,
        cells: levels.iter().map(|of| of.count(name).map_or(NONE.into(), numbers::count)).collect(),
        ..Column::default()
    };
    let share = |of: &LevelLedger| of.dropped.map_or(NONE.into(), |dropped| numbers::share(dropped, of.attempted));
    let mut columns = vec![
        Column {
            key: "level",
            header: "level",
            cells: levels.iter().map(|of| of.level.terminal(MAX_NAME)).collect(),
            ..Column::default()
        },
        number("sent", CountName::Attempted, None),
        number("accepted", CountName::Enqueued, Some(2)),
        number("dropped", CountName::Dropped, None),
        Column {
            key: "dropped share",
            header: "share\ndropped",
            right: true,
            dispensable: Some(3),
            cells: levels.iter().copied().map(share).collect(),
            ..Column::default()
        },
        number("sampled\nout", CountName::SampledOut, Some(0)),
        number("delivered", CountName::Delivered, Some(1)),
        number("evicted", CountName::Evicted, None),
        number("lost", CountName::Lost, None),
    ];
    columns.retain(|column| {
        !matches!(column.key, "sampled\nout" | "evicted") || column.cells.iter().any(|cell| cell != "0")
    });
    columns
}
