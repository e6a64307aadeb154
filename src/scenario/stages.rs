//! `[load] stages`: how the rate changes over the window. Stages follow each other, and each one says for how long which
//! multiple of the case's rate is offered: a step, a ramp, or a base load with regular bursts.
//!
//! Their text is part of a case's id and of the protocol: `2s@1x,spike:1s@5x,2s@1x`.

use crate::units::as_text;
use crate::units::{Multiple, Nanos, UnitError, excerpt};
use std::fmt;
use std::str::FromStr;

/// Largest number of stages: the latencies of each are kept apart.
pub const MOST_STAGES: usize = 64;

/// Largest number of pieces with a rate of their own. A stage with bursts has two for each burst.
pub const MOST_PIECES: u64 = 10_000;

/// Longest name of a stage, in bytes.
const LONGEST_NAME: usize = 32;

/// Largest load of all stages: the sum of length (in ns) x rate (in 2,000ths), so that due times can be computed in
/// integers of 128 bits. It is a day at 53 times the rate.
const MOST_LOAD: u128 = 1 << 63;

/// A part of the window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// Its name, if it has one: letters, digits, `-` and `_`.
    pub name: Option<String>,
    /// How long it lasts.
    pub length: Nanos,
    /// The rate in it.
    pub shape: Shape,
}

/// The rate of a stage, as multiples of the case's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The same all the time.
    Step(Multiple),
    /// From one rate to another, in proportion to time.
    Ramp {
        /// At the beginning.
        from: Multiple,
        /// At the end.
        to: Multiple,
    },
    /// A rate with regular bursts of another one. Each period begins with its burst.
    Bursts {
        /// Between the bursts.
        rate: Multiple,
        /// In a burst.
        burst: Multiple,
        /// From the beginning of one burst to that of the next.
        every: Nanos,
        /// Length of a burst.
        lasting: Nanos,
    },
}

impl Shape {
    /// The highest rate.
    pub fn peak(self) -> Multiple {
        match self {
            Self::Step(rate) => rate,
            Self::Ramp { from: a, to: b } | Self::Bursts { rate: a, burst: b, .. } => a.max(b),
        }
    }

    /// The rate at the end; of bursts: between them.
    fn end(self) -> Multiple {
        match self {
            Self::Step(rate) | Self::Bursts { rate, .. } => rate,
            Self::Ramp { to, .. } => to,
        }
    }
}

/// A span in which the rate is constant or changes in proportion to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The stage that it belongs to, from 0.
    pub stage: usize,
    /// Its length, in nanoseconds; not 0.
    pub length: u64,
    /// The rate at its beginning, in thousandths of the case's rate.
    pub from: u32,
    /// The rate at its end.
    pub to: u32,
}

/// A time of higher load, between a lower load before it and a lower load after it. The load to which it is compared is
/// that at the end of the window. Times are from the beginning of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spike {
    /// The first stage whose rate is higher than that at the end of the window, from 0. It is not the first stage.
    pub stage: usize,
    /// The end of the last such stage, which is not the last stage.
    pub end: Nanos,
    /// Time from there to the end of the window.
    pub after: Nanos,
    /// The rate at the end of the window.
    pub rate_after: Multiple,
}

/// The stages of a window: at least one, and within all bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stages {
    list: Vec<Stage>,
}

/// Why stages make no load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StagesError {
    /// A text of another form.
    #[error("`{0}` is no stage; write a length and a multiple of the rate, as in \"2s@1x\"")]
    Form(String),
    /// A quantity in a text.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// None at all.
    #[error("there is no stage; write at least one")]
    None,
    /// More than [`MOST_STAGES`].
    #[error("{0} stages are too many; write at most {most}", most = MOST_STAGES)]
    TooMany(usize),
    /// A name that is empty, too long, or of other characters.
    #[error("`{0}` is no name of a stage; use at most {most} letters, digits, `-` and `_`", most = LONGEST_NAME)]
    Name(String),
    /// A name that two stages have.
    #[error("two stages have the name `{0}`; rename one of them")]
    SameName(String),
    /// A stage of no length.
    #[error("a stage of 0s; leave it out")]
    Empty,
    /// Bursts that do not fit.
    #[error("bursts that last {lasting} every {every} in a stage of {length}; shorten them")]
    Bursts {
        /// Length of a burst.
        lasting: Nanos,
        /// Their period.
        every: Nanos,
        /// Length of the stage.
        length: Nanos,
    },
    /// More than [`MOST_PIECES`].
    #[error("the bursts are too many; write at most {most} in all", most = MOST_PIECES / 2)]
    TooManyBursts,
    /// Every rate is 0.
    #[error("no stage sends a log; give one a rate above 0x")]
    NoLoad,
    /// More than [`MOST_LOAD`].
    #[error("the stages send too much in all; at most 53 times the rate over 24h")]
    TooMuch,
}

impl Stages {
    /// The stages in their order.
    ///
    /// # Errors
    /// Too many stages or bursts; a name twice; a stage of no length; no load at all, or too much.
    pub fn new(list: Vec<Stage>) -> Result<Self, StagesError> {
        if list.is_empty() {
            return Err(StagesError::None);
        }
        if list.len() > MOST_STAGES {
            return Err(StagesError::TooMany(list.len()));
        }
        list.iter().try_for_each(Stage::check)?;
        for (index, stage) in list.iter().enumerate() {
            let same = |other: &&Stage| stage.name.is_some() && other.name == stage.name;
            if let Some(other) = list[..index].iter().find(same) {
                return Err(StagesError::SameName(other.name.clone().unwrap_or_default()));
            }
        }
        // Counted before they are made.
        if list.iter().map(Stage::pieces).fold(0, u64::saturating_add) > MOST_PIECES {
            return Err(StagesError::TooManyBursts);
        }
        let stages = Self { list };
        let load: u128 =
            stages.pieces().iter().map(|piece| u128::from(piece.length) * u128::from(piece.from + piece.to)).sum();
        match load {
            0 => Err(StagesError::NoLoad),
            _ if load > MOST_LOAD => Err(StagesError::TooMuch),
            _ => Ok(stages),
        }
    }

    /// The stages in their order.
    pub fn list(&self) -> &[Stage] {
        &self.list
    }

    /// How long they last together.
    pub fn length(&self) -> Nanos {
        self.list.iter().fold(Nanos::ZERO, |sum, stage| sum.saturating_add(stage.length))
    }

    /// The highest rate of any stage.
    pub fn peak(&self) -> Multiple {
        self.list.iter().map(|stage| stage.shape.peak()).max().unwrap_or(Multiple::ONE)
    }

    /// The same load in pieces, in their order.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (index, stage) in self.list.iter().enumerate() {
            let length = stage.length.0;
            let mut add = |length: u64, from: Multiple, to: Multiple| {
                if length > 0 {
                    pieces.push(Piece { stage: index, length, from: from.thousandths(), to: to.thousandths() });
                }
            };
            match stage.shape {
                Shape::Step(rate) => add(length, rate, rate),
                Shape::Ramp { from, to } => add(length, from, to),
                Shape::Bursts { rate, burst, every, lasting } => {
                    let mut left = length;
                    while left > 0 {
                        let period = every.0.min(left);
                        let in_burst = lasting.0.min(period);
                        add(in_burst, burst, burst);
                        add(period - in_burst, rate, rate);
                        left -= period;
                    }
                }
            }
        }
        pieces
    }

    /// The spike, if there is one: the load falls at its end to what it is until the end of the window, and there is a
    /// stage without more than that before it, too.
    pub fn spike(&self) -> Option<Spike> {
        let last = self.list.last()?.shape.end();
        let is_higher = |stage: &Stage| stage.shape.peak() > last;
        let first = self.list.iter().position(is_higher)?;
        let end = self.list.iter().rposition(is_higher)? + 1;
        let sum = |stages: &[Stage]| stages.iter().fold(Nanos::ZERO, |sum, stage| sum.saturating_add(stage.length));
        let (before, after) = self.list.split_at(end);
        (first > 0 && !after.is_empty()).then(|| Spike {
            stage: first,
            end: sum(before),
            after: sum(after),
            rate_after: last,
        })
    }

    /// The same stages in `to`, a shorter time, in proportion. What would last less than 1 ns lasts that long.
    #[must_use]
    pub fn shortened(&self, to: Nanos) -> Self {
        let whole = u128::from(self.length().0.max(1));
        // The quotient is at most the time itself.
        let scale = |time: Nanos| Nanos((u128::from(time.0) * u128::from(to.0) / whole).max(1) as u64);
        let short = |stage: &Stage| {
            let shape = match stage.shape {
                Shape::Bursts { rate, burst, every, lasting } => {
                    Shape::Bursts { rate, burst, every: scale(every), lasting: scale(lasting) }
                }
                other => other,
            };
            Stage { name: stage.name.clone(), length: scale(stage.length), shape }
        };
        let mut list: Vec<Stage> = self.list.iter().map(short).collect();
        let sum = list.iter().fold(0_u64, |sum, stage| sum.saturating_add(stage.length.0));
        if let Some(last) = list.last_mut() {
            // What was rounded off the others.
            last.length.0 += to.0.saturating_sub(sum);
        }
        Self { list }
    }
}

impl Stage {
    fn check(&self) -> Result<(), StagesError> {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(name) = &self.name
            && (name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_of_name))
        {
            return Err(StagesError::Name(excerpt(name)));
        }
        match self.shape {
            _ if self.length == Nanos::ZERO => Err(StagesError::Empty),
            Shape::Bursts { every, lasting, .. }
                if lasting == Nanos::ZERO || lasting >= every || every > self.length =>
            {
                Err(StagesError::Bursts { lasting, every, length: self.length })
            }
            Shape::Step(_) | Shape::Ramp { .. } | Shape::Bursts { .. } => Ok(()),
        }
    }

    /// Number of pieces, at most.
    fn pieces(&self) -> u64 {
        match self.shape {
            Shape::Step(_) | Shape::Ramp { .. } => 1,
            Shape::Bursts { every, .. } => self.length.0.div_ceil(every.0.max(1)).saturating_mul(2),
        }
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, stage) in self.list.iter().enumerate() {
            write!(f, "{}{stage}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}:")?;
        }
        write!(f, "{}@{}", self.length, self.shape)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(rate) => write!(f, "{rate}"),
            Self::Ramp { from, to } => write!(f, "{from}..{to}"),
            Self::Bursts { rate, burst, every, lasting } => write!(f, "{rate}~{burst}:{lasting}/{every}"),
        }
    }
}

impl FromStr for Stages {
    type Err = StagesError;

    fn from_str(text: &str) -> Result<Self, StagesError> {
        // Counted first: a text from outside may hold any number of them.
        let count = text.split(',').count();
        if count > MOST_STAGES {
            return Err(StagesError::TooMany(count));
        }
        Self::new(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl FromStr for Stage {
    type Err = StagesError;

    fn from_str(text: &str) -> Result<Self, StagesError> {
        let form = || StagesError::Form(excerpt(text));
        let (before, shape) = text.split_once('@').ok_or_else(form)?;
        let (name, length) = match before.split_once(':') {
            Some((name, length)) => (Some(name.to_owned()), length),
            None => (None, before),
        };
        Ok(Self { name, length: length.parse()?, shape: shape.parse()? })
    }
}

impl FromStr for Shape {
    type Err = StagesError;

    fn from_str(text: &str) -> Result<Self, StagesError> {
        if let Some((from, to)) = text.split_once("..") {
            return Ok(Self::Ramp { from: from.parse()?, to: to.parse()? });
        }
        let Some((rate, bursts)) = text.split_once('~') else { return Ok(Self::Step(text.parse()?)) };
        let form = || StagesError::Form(excerpt(text));
        let (burst, times) = bursts.split_once(':').ok_or_else(form)?;
        let (lasting, every) = times.split_once('/').ok_or_else(form)?;
        Ok(Self::Bursts {
            rate: rate.parse()?,
            burst: burst.parse()?,
            every: every.parse()?,
            lasting: lasting.parse()?,
        })
    }
}

as_text!(Stages);

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(text: &str) -> Stages {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn stages_print_what_they_parse() {
        for text in
            ["2s@1x", "2s@1x,spike:1s@5x,2s@1x", "5s@0x..2.5x,1ms@0x", "warm:10s@1x~10x:100ms/1s", "6ns@0x~1x:1ns/3ns"]
        {
            assert_eq!(stages(text).to_string(), text);
            let json = serde_json::to_string(&stages(text)).unwrap();
            assert_eq!(serde_json::from_str::<Stages>(&json).unwrap(), stages(text));
        }
    }

    #[test]
    fn what_makes_no_load_says_why() {
        let many = vec!["1s@1x"; 65].join(",");
        for (text, said) in [
            ("", "`` is no stage"),
            ("2s", "`2s` is no stage"),
            ("2s@1x,", "`` is no stage"),
            ("2s@1", "`1` has no unit (write \"1x\")"),
            ("2@1x", "`2` has no unit (write \"2s\")"),
            ("0s@1x", "a stage of 0s"),
            ("2s@1x~5x", "`1x~5x` is no stage"),
            ("2s@1x~5x:1s", "`1x~5x:1s` is no stage"),
            ("2s@1x~5x:1s/1s", "bursts that last 1s every 1s in a stage of 2s"),
            ("2s@1x~5x:0s/1s", "bursts that last 0s every 1s"),
            ("2s@1x~5x:1s/3s", "bursts that last 1s every 3s in a stage of 2s"),
            ("a b:2s@1x", "`a b` is no name of a stage"),
            (":2s@1x", "`` is no name of a stage"),
            ("a:2s@1x,a:2s@2x", "two stages have the name `a`"),
            ("2s@0x,1s@0x..0x", "no stage sends a log"),
            ("24h@54x", "too much in all"),
            ("24h@1x~2x:1ms/2ms", "the bursts are too many; write at most 5000 in all"),
            (&many, "65 stages are too many; write at most 64"),
        ] {
            let error = text.parse::<Stages>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!("24h@53x".parse::<Stages>().is_ok());
    }

    #[test]
    fn bursts_begin_each_period_and_the_last_one_is_cut_off() {
        let pieces = stages("250ms@1x~10x:20ms/100ms,1s@2x..3x").pieces();
        let shown: Vec<_> =
            pieces.iter().map(|piece| (piece.stage, piece.length / 1_000_000, piece.from, piece.to)).collect();
        let period = [(0, 20, 10_000, 10_000), (0, 80, 1_000, 1_000)];
        let last = [(0, 20, 10_000, 10_000), (0, 30, 1_000, 1_000), (1, 1_000, 2_000, 3_000)];
        assert_eq!(shown, [&period[..], &period, &last].concat());
    }

    #[test]
    fn a_spike_lies_between_lower_loads() {
        let found = |text: &str| {
            stages(text).spike().map(|spike| {
                assert_eq!(spike.end.saturating_add(spike.after), stages(text).length());
                (spike.stage, spike.end.to_string(), spike.rate_after.to_string())
            })
        };
        let at = |stage, end: &str, rate: &str| Some((stage, end.to_owned(), rate.to_owned()));
        for (text, expected) in [
            ("2s@1x,1s@5x,2s@1x", at(1, "3s", "1x")),
            ("2s@1x,1s@5x,1s@3x,2s@1x,1s@0.5x..1x", at(1, "4s", "1x")),
            ("2s@0.5x,1s@5x,2s@1x", at(1, "3s", "1x")),
            // The load falls in a ramp: the spike ends with it.
            ("2s@1x,1s@1x..5x,1s@5x..1x,2s@1x", at(1, "4s", "1x")),
            ("1s@1x,1s@5x,1s@1x,1s@5x,1s@1x", at(1, "4s", "1x")),
            ("1s@1x,1s@1x~9x:10ms/100ms,1s@1x", at(1, "2s", "1x")),
            ("2s@1x", None),
            ("2s@1x,1s@5x", None),
            ("1s@5x,2s@1x", None),
            ("2s@1x,1s@5x,2s@5x..1x", None),
            ("1s@1x,2s@1x~9x:10ms/100ms", None),
            ("5s@1x..3x", None),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn a_short_form_keeps_the_proportions() {
        let short = stages("20s@1x,a:60s@5x~6x:2s/6s,20s@1x..2x").shortened(Nanos::from_secs(10));
        assert_eq!(short.to_string(), "2s@1x,a:6s@5x~6x:200ms/600ms,2s@1x..2x");
        assert_eq!(stages("1s@1x,1ns@5x").shortened(Nanos(100)).to_string(), "99ns@1x,1ns@5x");
    }
}
