//! A report as a page by itself: one file, no network, readable without its script.
//!
//! Charts are drawn by plotters on a [`canvas`] of ours; the page is a template that escapes what is put into it, and
//! what comes from outside is sanitised before. `|safe` in the template stands at our own SVG, style and script only.

mod axis;
mod bar;
mod canvas;
mod cases;
mod chart;
mod charts;
mod comparison;
mod curve;
mod facts;
mod listing;
mod matrix;
mod page;
mod series;
#[cfg(test)]
mod tests;

use crate::compare::Comparison;
use crate::report::Report;
use askama::Template as _;

/// The report as HTML.
#[must_use]
pub fn html(report: &Report) -> String {
    page::Page::of(report).render().expect("writing into memory does not fail")
}

/// A baseline and the reports that were held against it, laid over each other; each with what was found.
#[must_use]
pub fn html_comparison(base: &Report, others: &[(&Report, &Comparison)]) -> String {
    comparison::Page::of(base, others).render().expect("writing into memory does not fail")
}
