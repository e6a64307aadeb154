//! What several formats share: columns, numbers, reasons, headlines.

pub(in crate::render) mod change;
pub(in crate::render) mod columns;
pub(in crate::render) mod curve;
pub(in crate::render) mod exported;
pub(in crate::render) mod facts;
#[cfg(test)]
pub(in crate::render) mod gating_fixture;
pub(in crate::render) mod gating;
pub(in crate::render) mod grid;
pub(in crate::render) mod headline;
pub(in crate::render) mod headline_number;
pub(in crate::render) mod last_line;
pub(in crate::render) mod levels;
pub(in crate::render) mod marker;
pub(in crate::render) mod maxima;
pub(in crate::render) mod numbers;
pub(in crate::render) mod origin;
pub(in crate::render) mod paint;
pub(in crate::render) mod reasons;
pub(in crate::render) mod shift;
pub(in crate::render) mod sparkline;
pub(in crate::render) mod stages;
pub(in crate::render) mod surroundings;
pub(in crate::render) mod text;
pub(in crate::render) mod totals;
