//! A line of bars, one for each number.

/// From an eighth to full.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Stands for a number that does not exist.
const NONE: char = '·';

/// The numbers as bars that begin at zero, so that heights are in the ratio of the numbers. `highest` fills a bar; a
/// number that does not exist, is negative or is not finite is a dot.
pub fn sparkline(numbers: &[Option<f64>], highest: f64) -> String {
    numbers.iter().map(|number| number.map_or(NONE, |number| bar(number, highest))).collect()
}

fn bar(number: f64, highest: f64) -> char {
    if !number.is_finite() || number < 0.0 {
        return NONE;
    }
    let eighths = if highest > 0.0 { (number / highest * 8.0).ceil().clamp(1.0, 8.0) } else { 1.0 };
    BARS[eighths as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bars_begin_at_zero() {
        for (numbers, highest, line) in [
            (&[Some(1.0), Some(2.0), Some(4.0), Some(8.0)][..], 8.0, "▁▂▄█"),
            (&[Some(100.0), Some(101.0)], 101.0, "██"),
            (&[Some(0.0), None, Some(f64::NAN), Some(-1.0)], 1.0, "▁···"),
            (&[Some(0.0)], 0.0, "▁"),
            (&[Some(3.0)], f64::NAN, "▁"),
            (&[], 1.0, ""),
        ] {
            assert_eq!(sparkline(numbers, highest), line, "{numbers:?} of {highest}");
        }
    }

    proptest! {
        #[test]
        fn a_larger_number_has_no_lower_bar(one in 0.0..1e12, other in 0.0..1e12, highest in 1e-3..1e12) {
            let (small, large): (f64, f64) = if one < other { (one, other) } else { (other, one) };
            let line = sparkline(&[Some(small), Some(large)], highest);
            let height = |place: usize| BARS.iter().position(|bar| Some(*bar) == line.chars().nth(place)).unwrap();
            prop_assert!(height(0) <= height(1));
        }
    }
}
