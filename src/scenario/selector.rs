//! Selects cases: by the keys of an exclude, of a check's `where`, or of `--filter`.

use super::axes::{self, Axis, Value};
use super::readers::Raw;
use super::{Catalog, Diagnostic, Diagnostics, Parameters, Problem};
use crate::untrusted::Untrusted;

/// Selects a case if every clause contains the case's value. Without clauses, it selects every case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    clauses: Vec<Clause>,
}

/// One axis and the values that are selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The axis.
    pub axis: &'static Axis,
    /// The selected values.
    pub values: Vec<Value>,
}

impl Selector {
    /// A selector with these clauses, all of which must match.
    pub(super) fn new(clauses: Vec<Clause>) -> Selector {
        Selector { clauses }
    }

    /// Whether the case is selected.
    pub fn matches(&self, parameters: &Parameters) -> bool {
        self.clauses.iter().all(|clause| clause.values.contains(&clause.axis.get(parameters)))
    }

    /// The clauses.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Parses `--filter` texts: `key=value` or `key=value,value`. All keys must match; of a key given twice, either
    /// value may match.
    ///
    /// # Errors
    /// All texts without `=`, with an unknown key, or with a value that the axis does not accept.
    pub fn from_filters(filters: &[String], catalog: &Catalog) -> Result<Selector, Diagnostics> {
        let mut found = Diagnostics::new();
        let mut clauses: Vec<Clause> = Vec::new();
        for filter in filters {
            match read_filter(filter, catalog) {
                Ok(clause) => match clauses.iter_mut().find(|known| known.axis == clause.axis) {
                    Some(known) => known.values.extend(clause.values),
                    None => clauses.push(clause),
                },
                Err(problem) => found.push(Diagnostic::of("command line", "--filter", problem)),
            }
        }
        found.or(Selector { clauses })
    }
}

fn read_filter(filter: &str, catalog: &Catalog) -> Result<Clause, Problem> {
    let Some((key, texts)) = filter.split_once('=') else {
        let message = format!("`{}` is not a filter", crate::units::excerpt(filter));
        return Err(Problem::new(message, "write key=value, such as strategy=drop"));
    };
    let key = key.trim();
    let axis = axes::find(key).ok_or_else(|| Problem::unknown("axis", key, axes::names()))?;
    let values = texts.split(',').map(|text| axis.read(Raw::Word(text.trim()), catalog));
    Ok(Clause { axis, values: values.collect::<Result<_, _>>()? })
}

impl Selector {
    /// As in `strategy=drop|block maxsize=64`; `all cases` without a clause.
    #[must_use]
    pub fn text(&self) -> Untrusted {
        if self.clauses.is_empty() {
            return "all cases".into();
        }
        let clause = |clause: &Clause| {
            let values: Vec<Untrusted> = clause.values.iter().map(Value::text).collect();
            format!("{}={}", clause.axis.name, Untrusted::join(&values, "|").as_given())
        };
        self.clauses.iter().map(clause).collect::<Vec<_>>().join(" ").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{QueueSpec, Strategy};

    fn select(filters: &[&str]) -> Result<Selector, Diagnostics> {
        let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
        Selector::from_filters(&filters, &catalog)
    }

    #[test]
    fn clauses_must_all_hold_and_values_are_alternatives() {
        let selector = select(&["strategy=drop", "strategy=block", "rate=0.1k/s,7"]).unwrap();
        assert_eq!(selector.text(), "strategy=drop|block rate=100/s|7/s");
        let matching = Parameters::default();
        assert!(selector.matches(&matching));
        assert!(!selector.matches(&Parameters { strategy: Strategy::Sample, ..matching.clone() }));
        assert!(!select(&["concurrency=11"]).unwrap().matches(&matching));
        assert!(select(&["total_rate=1k/s"]).unwrap().matches(&matching));
        assert!(select(&[]).unwrap().matches(&matching));
    }

    #[test]
    fn all_bad_filters_are_said() {
        let errors = select(&["strategy", "stategy=drop", "queue=biltin", "maxsize=0"]).unwrap_err();
        assert_eq!(
            errors.to_string(),
            "command line: --filter: `strategy` is not a filter (write key=value, such as strategy=drop)\n\
             command line: --filter: unknown axis `stategy` (did you mean `strategy`?)\n\
             command line: --filter: unknown queue `biltin` (did you mean `builtin`?)\n\
             command line: --filter: 0 is out of range (write a whole number, 1 to 100,000,000)"
        );
    }
}
