//! `[[check]]`

use super::selectors::{MOST_SELECTORS, selector};
use crate::scenario::check_expr;
use crate::scenario::document::{Document, Placed, kind};
use crate::scenario::{Catalog, Check, Problem, Selector};
use toml::de::{DeTable, DeValue};

pub(super) fn read(document: &mut Document<'_>, table: &DeTable<'_>, catalog: &Catalog) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for (section, span) in document.tables(table, "check", MOST_SELECTORS) {
        document.check_keys(section, "check", &["expect", "where"]);
        let selector = match document.table(section, "check", "where") {
            Some(table) => selector(document, table, "check.where", catalog),
            None => Selector::default(),
        };
        let Some(value) = section.get("expect") else {
            let problem = Problem::new("is missing", "add expect = \"dropped == 0\"");
            document.error(span, "check.expect", problem);
            continue;
        };
        let Some(check) = check(document, value, selector) else {
            continue;
        };
        let same = |known: &Check| known.expectation == check.expectation && known.selector == check.selector;
        if checks.iter().any(same) {
            document.note(value.span(), "check.expect", "stands twice and counts once");
        } else {
            checks.push(check);
        }
    }
    checks
}

fn check(document: &mut Document<'_>, value: &Placed<'_>, selector: Selector) -> Option<Check> {
    let span = value.span();
    let DeValue::String(expression) = value.get_ref() else {
        let message = format!("is a string, not {}", kind(value.get_ref()));
        let problem = Problem::new(message, "write expect = \"dropped == 0\"");
        document.error(span, "check.expect", problem);
        return None;
    };
    match check_expr::parse(expression) {
        Ok(expectation) => {
            let position = document.position(span.start);
            Some(Check { expression: expression.trim().into(), expectation, selector, position })
        }
        Err((offset, problem)) => {
            // If the string has no escapes, its text is in the file as it is, after the quote.
            let inside = document.slice(span.clone()).find(&**expression);
            let at = inside.map_or(span.start, |quote| span.start + quote + offset);
            document.error(at..at, "check.expect", problem);
            None
        }
    }
}
