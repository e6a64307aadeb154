//! Computes how evenly producers were served.

use super::Fairness;

/// Sums up the share of each task's logs that was accepted in time, in constant memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    tasks: u64,
    sum: f64,
    squares: f64,
    least: f64,
}

impl Shares {
    /// Adds a task of whose `whole` logs `part` were accepted. A task without logs is ignored.
    pub fn enter(&mut self, part: u64, whole: u64) {
        if whole == 0 {
            return;
        }
        let share = part.min(whole) as f64 / whole as f64;
        self.least = if self.tasks == 0 { share } else { self.least.min(share) };
        self.tasks += 1;
        self.sum += share;
        self.squares += share * share;
    }

    /// The fairness; `None` with fewer than two tasks, since a single task cannot be served unevenly. The index is
    /// clamped: rounding must not carry it out of the bounds that every measurement is checked for.
    #[must_use]
    pub fn fairness(&self) -> Option<Fairness> {
        let tasks = self.tasks as f64;
        // If no log of any task was accepted, all shares are equal. The formula would give 0 / 0.
        let jain = if self.squares > 0.0 { self.sum * self.sum / (tasks * self.squares) } else { 1.0 };
        let fairness = || Fairness { tasks: self.tasks, jain: jain.clamp(1.0 / tasks, 1.0), least_share: self.least };
        (self.tasks >= 2).then(fairness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_shares_are_fair_and_uneven_ones_are_not() {
        // name; accepted and scheduled logs of each task; expected: tasks, index, least share
        type Row<'a> = (&'a str, &'a [(u64, u64)], Option<(u64, f64, f64)>);
        let rows: [Row; 9] = [
            ("all of it", &[(10, 10), (10, 10)], Some((2, 1.0, 1.0))),
            ("half of it each", &[(5, 10), (50, 100), (1, 2)], Some((3, 1.0, 0.5))),
            ("one has everything", &[(10, 10), (0, 10), (0, 10), (0, 10)], Some((4, 0.25, 0.0))),
            ("one has half as much", &[(10, 10), (5, 10)], Some((2, 0.9, 0.5))),
            ("nobody has anything", &[(0, 10), (0, 10)], Some((2, 1.0, 0.0))),
            ("the least comes last", &[(8, 10), (4, 10)], Some((2, 0.9, 0.4))),
            ("one had nothing to send", &[(10, 10), (0, 0), (10, 10)], Some((2, 1.0, 1.0))),
            ("a single task", &[(3, 10)], None),
            ("no task", &[], None),
        ];
        for (name, tasks, expected) in rows {
            let mut shares = Shares::default();
            tasks.iter().for_each(|&(part, whole)| shares.enter(part, whole));
            let found = shares.fairness().map(|found| (found.tasks, found.jain, found.least_share));
            assert_eq!(found.is_some(), expected.is_some(), "{name}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert_eq!(found.0, expected.0, "{name}");
                assert!(
                    (found.1 - expected.1).abs() < 1e-12 && (found.2 - expected.2).abs() < 1e-12,
                    "{name}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn rounding_does_not_carry_the_index_out_of_its_bounds() {
        for tasks in [2u64, 3, 7, 100, 9_999] {
            let mut even = Shares::default();
            (0..tasks).for_each(|_| even.enter(1, 3));
            let jain = even.fairness().unwrap().jain;
            assert!(jain <= 1.0 && jain > 1.0 - 1e-9, "{tasks}: {jain}");
            let mut one = Shares::default();
            (0..tasks).for_each(|task| one.enter(u64::from(task == 0), 3));
            let jain = one.fairness().unwrap().jain;
            assert!(jain >= 1.0 / tasks as f64 && jain < 1.0 / tasks as f64 + 1e-9, "{tasks}: {jain}");
        }
    }
}
