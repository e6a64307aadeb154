//! The language of checks: one comparison. On the left is `STATISTIC(LATENCY)`, a count, a rate, one count divided by
//! another, `recovery`, or a figure such as `max(memory)`; on the right is a limit.
//!
//! `p99(response) < 1ms` · `dropped == 0` · `dropped / attempted < 1%` · `accepted >= 9.9k/s` · `recovery < 500ms`
//! `slope(memory) < 10KiB/s` · `drain < 500ms` · `dropped(error) == 0`

use super::expectation::{Comparison, Counted, Expectation, RECOVERY};
use super::{Figure, Problem, Statistic};
use crate::log_queue::Level;
use crate::observed::{CountName, LatencyName, RateName};
use crate::units::{Decimal, Nanos, Rate, Ratio, excerpt};

/// A problem, and its byte offset in the expression.
pub(super) type PlacedProblem = (usize, Problem);

/// Longest expression, in bytes.
const LONGEST: usize = 200;

/// Reads a check's expression.
pub(super) fn parse(text: &str) -> Result<Expectation, PlacedProblem> {
    if text.len() > LONGEST {
        return Err((0, Problem::new("the expression is too long", format!("at most {LONGEST} bytes"))));
    }
    let (left, comparison, right) = split(text)?;
    if left.text.is_empty() {
        let example = "write what is observed first, such as dropped == 0";
        return Err((left.at, Problem::new("nothing stands before the comparison", example)));
    }
    if right.text.is_empty() {
        let problem = Problem::new("no limit stands after the comparison", "write one, such as dropped == 0");
        return Err((right.at, problem));
    }
    if let Some(of) = Figure::find(left.text) {
        let limit = of.limit(right.text).or_else(|problem| right.error(problem))?;
        return Ok(Expectation::Figure { of, comparison, limit });
    }
    if let Some(slash) = left.text.find('/') {
        return share(left, slash, comparison, right);
    }
    if let Some(open) = left.text.find('(') {
        if CountName::find(left.text[..open].trim_end()).is_some() {
            return count(counted(left)?, comparison, right);
        }
        return latency(left, open, comparison, right);
    }
    if left.text == RECOVERY {
        return time(right).map(|limit| Expectation::Recovery { comparison, limit });
    }
    count_or_rate(left, comparison, right)
}

/// A trimmed part of the expression, and its byte offset.
#[derive(Clone, Copy)]
struct Part<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Part<'t> {
    fn trimmed(text: &'t str, at: usize) -> Part<'t> {
        let start = text.len() - text.trim_start().len();
        Part { text: text.trim(), at: at + start }
    }

    fn error<T>(self, problem: Problem) -> Result<T, PlacedProblem> {
        Err((self.at, problem))
    }
}

fn split(text: &str) -> Result<(Part<'_>, Comparison, Part<'_>), PlacedProblem> {
    let Some(at) = text.find(['<', '>', '=', '!']) else {
        let fix = "write one comparison, such as p99(response) < 1ms";
        return Err((0, Problem::new("nothing is compared", fix)));
    };
    let rest = &text[at..];
    let Some((symbol, comparison)) = Comparison::ALL.iter().find(|(s, _)| rest.starts_with(s)) else {
        let message = format!("`{}` is no comparison", &rest[..1]);
        return Err((at, Problem::new(message, "write <, <=, >, >=, == or !=")));
    };
    let after = at + symbol.len();
    // `0 < dropped < 9` would be two checks; without this, the second limit would be read as a part of the first.
    if let Some(second) = text[after..].find(['<', '>', '=', '!']) {
        let problem = Problem::new("a second comparison", "write one [[check]] for each");
        return Err((after + second, problem));
    }
    Ok((Part::trimmed(&text[..at], 0), *comparison, Part::trimmed(&text[after..], after)))
}

fn latency(left: Part<'_>, open: usize, comparison: Comparison, right: Part<'_>) -> Result<Expectation, PlacedProblem> {
    let name = Part::trimmed(&left.text[..open], left.at);
    let Some(inside) = left.text[open + 1..].strip_suffix(')') else {
        return left.error(Problem::new("the bracket is not closed at its end", "write p99(response) < 1ms"));
    };
    let inside = Part::trimmed(inside, left.at + open + 1);
    let heads = Figure::beginning_with(name.text);
    let statistic = match name.text.parse::<Statistic>() {
        Ok(statistic) => statistic,
        Err(_) if !heads.is_empty() => return left.error(Problem::unknown("figure", left.text, heads)),
        Err(error) => return name.error(Problem::new(error.to_string(), "")),
    };
    let Some(of) = LatencyName::find(inside.text) else {
        return inside.error(no_latency(inside.text, &heads));
    };
    time(right).map(|limit| Expectation::Latency { statistic, of, comparison, limit })
}

/// What stands in the brackets is no latency. `heads` are the figures that begin with the same word.
fn no_latency(inside: &str, heads: &[&'static str]) -> Problem {
    let figures: Vec<&str> = Figure::about(inside).collect();
    if !figures.is_empty() {
        return Problem::new(format!("`{inside}` has no such statistic"), format!("known: {}", figures.join(", ")));
    }
    let of_heads = heads.iter().filter_map(|name| name.split_once('(')?.1.strip_suffix(')'));
    let known = LatencyName::ALL.iter().map(|known| known.name()).chain(of_heads);
    Problem::unknown("latency", inside, known)
}

fn time(right: Part<'_>) -> Result<Nanos, PlacedProblem> {
    match right.text.parse::<Nanos>() {
        Ok(limit) => Ok(limit),
        // A time without a unit is hardly one in seconds.
        Err(_) if Decimal::from_plain(right.text).is_ok() => {
            let message = format!("`{}` has no unit", excerpt(right.text));
            right.error(Problem::new(message, format!("write {}us", right.text)))
        }
        Err(error) => right.error(error.into()),
    }
}

fn share(left: Part<'_>, slash: usize, comparison: Comparison, right: Part<'_>) -> Result<Expectation, PlacedProblem> {
    let of = counted(Part::trimmed(&left.text[..slash], left.at))?;
    let to = counted(Part::trimmed(&left.text[slash + 1..], left.at + slash + 1))?;
    let limit = if right.text.ends_with('%') {
        right.text.parse::<Ratio>().map(Ratio::as_f64).map_err(Problem::from)
    } else {
        let plain = Decimal::from_plain(right.text).map(Decimal::to_f64);
        plain.map_err(|error| Problem::new(error.problem(), "write a share such as 1% or 0.01"))
    };
    match limit {
        Ok(limit) => Ok(Expectation::Share { of, to, comparison, limit }),
        Err(problem) => right.error(problem),
    }
}

/// A count, of all logs or of those of a level.
fn counted(part: Part<'_>) -> Result<Counted, PlacedProblem> {
    let Some(open) = part.text.find('(') else {
        return count_name(part).map(Counted::from);
    };
    let name = count_name(Part::trimmed(&part.text[..open], part.at))?;
    let Some(inside) = part.text[open + 1..].strip_suffix(')') else {
        return part.error(Problem::new("the bracket is not closed at its end", "write dropped(error) == 0"));
    };
    let inside = Part::trimmed(inside, part.at + open + 1);
    let Some(level) = Level::ALL.into_iter().find(|level| level.as_str() == inside.text) else {
        return inside.error(Problem::unknown("level", inside.text, Level::ALL.map(Level::as_str)));
    };
    if !CountName::BY_LEVEL.contains(&name) {
        let known = CountName::BY_LEVEL.map(CountName::name).join(", ");
        let problem = Problem::new(format!("`{name}` is not counted by level"), format!("known: {known}"));
        return part.error(problem);
    }
    Ok(Counted { name, level: Some(level) })
}

fn count_name(part: Part<'_>) -> Result<CountName, PlacedProblem> {
    if let Some(count) = CountName::find(part.text) {
        return Ok(count);
    }
    if RateName::find(part.text).is_some() {
        let message = format!("`{}` is a rate", part.text);
        let fix = "divide counts, such as enqueued / scheduled";
        return part.error(Problem::new(message, fix));
    }
    let known = CountName::ALL.iter().map(|known| known.name());
    part.error(Problem::unknown("count", part.text, known))
}

fn count(of: Counted, comparison: Comparison, right: Part<'_>) -> Result<Expectation, PlacedProblem> {
    let Some(limit) = Decimal::from_plain(right.text).ok().and_then(Decimal::to_u64) else {
        let message = format!("`{}` is not a whole number", excerpt(right.text));
        return right.error(Problem::new(message, format!("write one, such as {of} == 0")));
    };
    Ok(Expectation::Count { of, comparison, limit })
}

/// Parses a comparison of a count or a rate. `attempted` and `delivered` are names of both: the unit of the limit
/// decides.
fn count_or_rate(left: Part<'_>, comparison: Comparison, right: Part<'_>) -> Result<Expectation, PlacedProblem> {
    if right.text.ends_with('%') && (CountName::find(left.text).is_some() || RateName::find(left.text).is_some()) {
        let count = CountName::find(left.text).map_or("enqueued", |count| count.name());
        let message = format!("`{}` is a share of something", excerpt(right.text));
        let fix = format!("divide by what it is a share of: {count} / scheduled {comparison} {}", right.text);
        return right.error(Problem::new(message, fix));
    }
    let has_unit = right.text.contains('/');
    match (CountName::find(left.text), RateName::find(left.text)) {
        (Some(of), rate) if !has_unit || rate.is_none() => count(of.into(), comparison, right),
        (_, Some(of)) => {
            if !has_unit {
                let message = format!("`{}` has no unit", excerpt(right.text));
                let fix = match right.text.parse::<Rate>() {
                    Ok(rate) => format!("write {rate}"),
                    Err(_) => "write a rate such as 10k/s".to_owned(),
                };
                return right.error(Problem::new(message, fix));
            }
            match right.text.parse::<Rate>() {
                Ok(limit) => Ok(Expectation::Rate { of, comparison, limit }),
                Err(error) => right.error(error.into()),
            }
        }
        _ if LatencyName::find(left.text).is_some() => {
            let message = format!("`{}` is a latency", left.text);
            left.error(Problem::new(message, format!("name its statistic: p99({})", left.text)))
        }
        _ if Figure::about(left.text).next().is_some() => {
            let figures: Vec<&str> = Figure::about(left.text).collect();
            let message = format!("`{}` is no number by itself", left.text);
            left.error(Problem::new(message, format!("known: {}", figures.join(", "))))
        }
        _ => {
            let counts = CountName::ALL.iter().map(|known| known.name());
            let rates = RateName::ALL.iter().map(|known| known.name());
            let figures = Figure::ALL.iter().map(|known| known.name());
            let known = counts.chain(rates).chain([RECOVERY]).chain(figures);
            left.error(Problem::unknown("count, rate or figure", left.text, known))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Quantile;
    use proptest::prelude::*;

    fn good(text: &str) -> Expectation {
        parse(text).unwrap_or_else(|(at, problem)| panic!("{text}: {at}: {problem:?}"))
    }

    #[test]
    fn latencies() {
        let statistic = Statistic::Quantile(Quantile::P99);
        let (of, comparison) = (LatencyName::Response, Comparison::Less);
        let limit = Nanos::from_millis(1);
        let expected = Expectation::Latency { statistic, of, comparison, limit };
        assert_eq!(good("p99(response) < 1ms"), expected);
        let (statistic, of) = (Statistic::Max, LatencyName::Lateness);
        let comparison = Comparison::LessEqual;
        let expected = Expectation::Latency { statistic, of, comparison, limit };
        assert_eq!(good(" max ( lateness )<=1ms "), expected);
    }

    #[test]
    fn counts_and_shares() {
        let (of, comparison, limit) = (CountName::Dropped.into(), Comparison::Equal, 0);
        assert_eq!(good("dropped == 0"), Expectation::Count { of, comparison, limit });
        let (of, comparison, limit) = (CountName::Attempted.into(), Comparison::GreaterEqual, 1000);
        assert_eq!(good("attempted>=1_000"), Expectation::Count { of, comparison, limit });
        let (of, to) = (CountName::Dropped.into(), CountName::Attempted.into());
        let (comparison, limit) = (Comparison::Less, 0.01);
        let expected = Expectation::Share { of, to, comparison, limit };
        assert_eq!(good("dropped / attempted < 1%"), expected);
        let (of, to) = (CountName::Delivered.into(), CountName::Enqueued.into());
        let (comparison, limit) = (Comparison::NotEqual, 0.5);
        let expected = Expectation::Share { of, to, comparison, limit };
        assert_eq!(good("delivered/enqueued != 0.5"), expected);
    }

    #[test]
    fn counts_may_be_of_a_level() {
        let of = |name, level| Counted { name, level: Some(level) };
        let dropped = of(CountName::Dropped, Level::Error);
        let (comparison, limit) = (Comparison::Equal, 0);
        assert_eq!(good("dropped ( error )==0"), Expectation::Count { of: dropped, comparison, limit });
        let expected = Expectation::Share {
            of: dropped,
            to: of(CountName::Attempted, Level::Error),
            comparison: Comparison::Less,
            limit: 0.01,
        };
        assert_eq!(good("dropped(error) / attempted(error) < 1%"), expected);
        for name in CountName::BY_LEVEL {
            assert!(matches!(good(&format!("{name}(trace) > 5")), Expectation::Count { .. }));
        }
    }

    #[test]
    fn rates() {
        let (of, comparison) = (RateName::Accepted, Comparison::GreaterEqual);
        let limit = Rate::of_whole(9_900);
        assert_eq!(good("accepted >= 9.9k/s"), Expectation::Rate { of, comparison, limit });
        let (of, comparison) = (RateName::Attempted, Comparison::Greater);
        let limit = Rate::of_whole(1_000);
        assert_eq!(good("attempted > 1k/s"), Expectation::Rate { of, comparison, limit });
    }

    #[test]
    fn figures_have_limits_in_their_own_units() {
        let (of, comparison, limit) = (Figure::MemorySlope, Comparison::Less, 10_240.0);
        assert_eq!(good("slope( memory ) < 10KiB/s"), Expectation::Figure { of, comparison, limit });
        let (of, comparison, limit) = (Figure::Jain, Comparison::GreaterEqual, 0.95);
        assert_eq!(good("jain>=0.95"), Expectation::Figure { of, comparison, limit });
        assert!(matches!(good("p99(lag) < 1ms"), Expectation::Latency { of: LatencyName::Lag, .. }));
    }

    #[test]
    fn recovery_is_a_time() {
        let (comparison, limit) = (Comparison::LessEqual, Nanos::from_millis(500));
        assert_eq!(good("recovery <= 500ms"), Expectation::Recovery { comparison, limit });
    }

    /// Each row: the text, the byte offset of the error, the message.
    const BAD: &[(&str, usize, &str)] = &[
        ("", 0, "nothing is compared (write one comparison, such as p99(response) < 1ms)"),
        ("dropped", 0, "nothing is compared (write one comparison, such as p99(response) < 1ms)"),
        ("dropped = 0", 8, "`=` is no comparison (write <, <=, >, >=, == or !=)"),
        ("== 0", 0, "nothing stands before the comparison (write what is observed first, such as dropped == 0)"),
        ("dropped ==", 10, "no limit stands after the comparison (write one, such as dropped == 0)"),
        ("0 < dropped < 9", 12, "a second comparison (write one [[check]] for each)"),
        ("droped == 0", 0, "unknown count, rate or figure `droped` (did you mean `dropped`?)"),
        ("dropped == 1.5", 11, "`1.5` is not a whole number (write one, such as dropped == 0)"),
        (
            "dropped == 1%",
            11,
            "`1%` is a share of something (divide by what it is a share of: dropped / scheduled == 1%)",
        ),
        (
            "accepted >= 99%",
            12,
            "`99%` is a share of something (divide by what it is a share of: enqueued / scheduled >= 99%)",
        ),
        ("accepted >= 9900", 12, "`9900` has no unit (write 9900/s)"),
        ("response < 1ms", 0, "`response` is a latency (name its statistic: p99(response))"),
        ("p99(respons) < 1ms", 4, "unknown latency `respons` (did you mean `response`?)"),
        ("p99(response < 1ms", 0, "the bracket is not closed at its end (write p99(response) < 1ms)"),
        ("p99(response) < 1", 16, "`1` has no unit (write 1us)"),
        ("recovery < 1", 11, "`1` has no unit (write 1us)"),
        ("recovry < 1s", 0, "unknown count, rate or figure `recovry` (did you mean `recovery`?)"),
        ("slope(memry) < 1KiB/s", 0, "unknown figure `slope(memry)` (did you mean `slope(memory)`?)"),
        (
            "cpu_per_million(everything) < 1s",
            0,
            "unknown figure `cpu_per_million(everything)` (known: cpu_per_million(queue), cpu_per_million(process))",
        ),
        ("p99(memory) < 1MiB", 4, "`memory` has no such statistic (known: max(memory), slope(memory))"),
        ("max(dpth) < 9", 4, "unknown latency `dpth` (did you mean `depth`?)"),
        ("memory < 1MiB", 0, "`memory` is no number by itself (known: max(memory), slope(memory))"),
        ("max(memory) < 64", 14, "`64` has no unit (write \"64B\")"),
        ("slope(memory) < 64", 16, "`64` has no unit (write \"64KiB/s\")"),
        ("drain < 5", 8, "`5` has no unit (write a time, such as 500ms)"),
        ("jain > 95", 7, "`95` is not an index from 0 to 1 (write one, such as 0.95)"),
        ("jan > 0.9", 0, "unknown count, rate or figure `jan` (did you mean `jain`?)"),
        ("p101(response) < 1s", 0, "`p101` is too large (at most p99.9999; for the largest value write \"max\")"),
        ("dropped(eror) == 0", 8, "unknown level `eror` (did you mean `error`?)"),
        ("dropped(error == 0", 0, "the bracket is not closed at its end (write dropped(error) == 0)"),
        ("dropped(error) == few", 18, "`few` is not a whole number (write one, such as dropped(error) == 0)"),
        (
            "unsent(error) == 0",
            0,
            "`unsent` is not counted by level (known: attempted, enqueued, dropped, sampled_out, delivered, evicted, lost)",
        ),
        ("dropped(error) / sent(error) < 1%", 17, "unknown count `sent` (did you mean `unsent`?)"),
        ("dropped / atempted < 1%", 10, "unknown count `atempted` (did you mean `attempted`?)"),
        ("accepted / offered > 9%", 0, "`accepted` is a rate (divide counts, such as enqueued / scheduled)"),
        ("dropped / attempted < x", 22, "`x` is not a number (write a share such as 1% or 0.01)"),
    ];

    #[test]
    fn bad_expressions_say_where_and_what_to_write() {
        for &(text, at, error) in BAD {
            let (place, problem) = parse(text).unwrap_err();
            let fix = if problem.fix.is_empty() { String::new() } else { format!(" ({})", problem.fix) };
            assert_eq!((place, format!("{}{fix}", problem.message).as_str()), (at, error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,80}") {
            if let Err((at, _)) = parse(&text) {
                prop_assert!(at <= text.len());
            }
        }

        #[test]
        fn nearly_good_texts_are_survived(text in "(p99|max|dropped|µ)? ?[(/]? ?(response|sent)?[)]? ?[<>=!]{0,3} ?[0-9.]{0,4}(%|ms|/s)?") {
            let _ = parse(&text);
        }
    }
}
