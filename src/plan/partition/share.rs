//! Which part each case belongs to.

use super::Method;
use crate::plan::Plan;
use crate::untrusted::Untrusted;
use sha2::{Digest, Sha256};

/// The part of each case of the plan, from 0 to `count` - 1, in the order of the cases.
pub(super) fn shares(plan: &Plan, method: Method, count: u32) -> Vec<u32> {
    match method {
        Method::Hash => plan.cases.iter().map(|case| by_hash(&case.id, count)).collect(),
        Method::Slice => by_time(&times(plan), count),
    }
}

/// The first 8 bytes of the id's SHA-256 as a big-endian number, modulo `count`.
pub(super) fn by_hash(id: &Untrusted, count: u32) -> u32 {
    let digest = Sha256::digest(id.as_given().as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    (number % u64::from(count.max(1))) as u32
}

/// The planned time of all repeats of each case, in nanoseconds.
fn times(plan: &Plan) -> Vec<u64> {
    let mut times = vec![0_u64; plan.cases.len()];
    for repeat in &plan.repeats {
        if let Some(time) = times.get_mut(repeat.case) {
            *time = time.saturating_add(repeat.estimate().0);
        }
    }
    times
}

/// The longest case first, each to the part that has the least time so far (R. L. Graham, "Bounds on Multiprocessing
/// Timing Anomalies", 1969): the longest part takes at most 4/3 of the shortest possible time. Among equals, the first
/// case and the first part come first.
pub(super) fn by_time(times: &[u64], count: u32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|case| (std::cmp::Reverse(times[*case]), *case));
    let mut loads: std::collections::BTreeSet<(u64, u32)> = (0..count.max(1)).map(|part| (0, part)).collect();
    let mut shares = vec![0; times.len()];
    for case in order {
        let Some((load, part)) = loads.pop_first() else { break };
        shares[case] = part;
        loads.insert((load.saturating_add(times[case]), part));
    }
    shares
}
