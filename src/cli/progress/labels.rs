//! Short names of a plan's cases.

use super::LONGEST;
use crate::plan::Plan;
use crate::untrusted::Untrusted;

/// A name for each case: the pairs of its id that are not the same in every case. A lone case has its whole id.
pub fn labels(plan: &Plan) -> Vec<String> {
    let ids: Vec<&str> = plan.cases.iter().map(|case| case.id.as_given()).collect();
    of_ids(&ids)
}

fn of_ids(ids: &[&str]) -> Vec<String> {
    let everywhere = |pair: &str| ids.iter().all(|id| id.split(' ').any(|other| other == pair));
    let common: Vec<&str> =
        ids.first().map_or(Vec::new(), |id| id.split(' ').filter(|pair| everywhere(pair)).collect());
    let label = |id: &&str| {
        let told: Vec<&str> = id.split(' ').filter(|pair| !common.contains(pair)).collect();
        Untrusted::from(if told.is_empty() { (*id).to_owned() } else { told.join(" ") }).terminal(LONGEST)
    };
    ids.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_vary_are_left_out() {
        let ids = ["maxsize=10 queue=builtin strategy=drop", "maxsize=10 queue=builtin strategy=block"];
        assert_eq!(of_ids(&ids), ["strategy=drop", "strategy=block"]);
        assert_eq!(of_ids(&ids[..1]), ids[..1]);
        assert_eq!(of_ids(&["a=1", "a=1 b=2"]), ["a=1", "b=2"]);
    }
}
