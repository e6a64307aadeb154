//! Checks before anything runs that the machine has the CPUs that a placement needs.

use super::error::{SessionError, Unfit};
use crate::plan::Plan;
use crate::scenario::Placement;

/// Refuses a plan that needs more CPUs than this process may use. `cpus` is `None` if their number is not known.
///
/// # Errors
/// A case needs its queue and its producers on different CPUs, but there is only one.
pub fn check(plan: &Plan, cpus: Option<usize>) -> Result<(), SessionError> {
    let splits = |case: &&crate::matrix::Case| case.parameters.placement == Placement::Split;
    match (cpus, plan.cases.iter().find(splits)) {
        (Some(cpus), Some(case)) if cpus < 2 => Err(Unfit::OneCpu { case: case.id.quoted() }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Catalog, Context, Overrides, QueueSpec, Selector, Strategy, parse};

    #[test]
    fn a_split_needs_two_cpus() {
        let catalog = Catalog::new([QueueSpec::new("builtin", Strategy::ALL.to_vec())]);
        let context = Context { catalog: &catalog, overrides: &Overrides::none(), default_repeats: 1 };
        let plan = |placement: &str| {
            let text = format!("[matrix]\nplacement = {placement}\n");
            let scenario = parse("s.toml", text.as_bytes(), context).unwrap();
            Plan::new(vec![scenario], &catalog, &Selector::default()).unwrap()
        };
        for (placement, cpus, refused) in [
            ("[\"none\", \"split\"]", Some(1), true),
            ("\"split\"", Some(2), false),
            ("\"split\"", None, false),
            ("[\"none\", \"same\"]", Some(1), false),
        ] {
            assert_eq!(check(&plan(placement), cpus).is_err(), refused, "{placement} {cpus:?}");
        }
        let error = check(&plan("\"split\""), Some(1)).unwrap_err().to_string();
        assert!(error.contains("needs two CPUs") && error.contains("placement=split"), "{error}");
    }
}
