//! A report as a self-contained page: one file that needs no network and is readable without its script.
//!
//! Plotters draws the charts on a [`canvas`] of ours. The page is a template that escapes every value. [`Untrusted`]
//! text passes through [`Untrusted::html`] before. Only our own SVG, style and script are marked `|safe`.

mod axis;
mod bar;
mod brief;
mod canvas;
mod cases;
mod chart;
mod charts;
mod comparison;
mod curve;
mod facts;
mod listing;
mod matrix;
mod maxima;
mod page;
mod series;
mod trend;
#[cfg(test)]
mod tests;

pub use brief::Extent;

use crate::compare::Comparison;
use crate::history::Trend;
use crate::report::Report;
use crate::untrusted::Untrusted;
use askama::Template as _;

impl Untrusted {
    /// Makes a text safe for a page: at most `longest` harmless characters on one line. The template escapes them.
    pub(in crate::render) fn html(&self, longest: usize) -> String {
        self.terminal(longest)
    }
}

/// The report as HTML.
#[must_use]
pub fn html(report: &Report) -> String {
    page::Page::of(report).render().expect("writing into memory does not fail")
}

/// A baseline and the reports that were compared with it, in the same charts, each with its comparison.
#[must_use]
pub fn html_comparison(base: &Report, others: &[(&Report, &Comparison)], extent: Extent) -> String {
    comparison::Page::of(base, others, extent).render().expect("writing into memory does not fail")
}

/// A trend as HTML: a curve for each case.
#[must_use]
pub fn html_trend(trend: &Trend) -> String {
    trend::Page::of(trend).render().expect("writing into memory does not fail")
}
