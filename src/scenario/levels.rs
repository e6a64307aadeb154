//! The axis `level`: which levels the logs have, and in which shares.

use crate::log_queue::Level;
use crate::units::as_text;
use crate::units::{Ratio, UnitError, excerpt};
use std::fmt;
use std::str::FromStr;

/// A whole, in parts per million.
const WHOLE: u32 = 1_000_000;

/// The shares of the levels. Text: `info`, or `info:90%+error:10%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Levels {
    /// For each of [`Level::ALL`]: its share, in parts per million. Together they are a whole.
    shares: [u32; Level::ALL.len()],
}

impl Levels {
    /// The share of each of [`Level::ALL`], in parts per million.
    pub fn shares(&self) -> [u32; Level::ALL.len()] {
        self.shares
    }
}

impl Default for Levels {
    /// All logs have the level `info`.
    fn default() -> Self {
        Self { shares: Level::ALL.map(|level| if level == Level::Info { WHOLE } else { 0 }) }
    }
}

/// Why a text does not say the levels of the logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// Not a level, or not levels with shares.
    #[error("`{0}` is no share of a level; write \"info\", or \"info:90%+error:10%\"")]
    Shape(String),
    /// A level stands twice.
    #[error("`{0}` stands twice")]
    Twice(String),
    /// A share that cannot be read.
    #[error(transparent)]
    Share(#[from] UnitError),
    /// The shares are not a whole.
    #[error(transparent)]
    Sum(#[from] NoWhole),
}

/// Shares that are not a whole together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWhole {
    /// They are less.
    #[error("the shares are {0} together; write 100%")]
    Less(Ratio),
    /// They are more.
    #[error("the shares are more than 100% together")]
    More,
}

/// Checks that shares in parts per million are a whole.
pub(super) fn whole(shares: impl IntoIterator<Item = u32>) -> Result<(), NoWhole> {
    let sum: u64 = shares.into_iter().map(u64::from).sum();
    match u32::try_from(sum).map(Ratio::from_ppm) {
        Ok(Ok(whole)) if whole.ppm() == WHOLE => Ok(()),
        Ok(Ok(less)) => Err(NoWhole::Less(less)),
        _ => Err(NoWhole::More),
    }
}

impl FromStr for Levels {
    type Err = LevelsError;

    /// # Errors
    /// An unknown level, one that stands twice, shares that are not a whole.
    fn from_str(text: &str) -> Result<Self, LevelsError> {
        let level = |name: &str| Level::ALL.iter().position(|level| level.as_str() == name.trim());
        let mut shares = [0; Level::ALL.len()];
        if let Some(only) = level(text) {
            shares[only] = WHOLE;
            return Ok(Self { shares });
        }
        let mut named = [false; Level::ALL.len()];
        for part in text.split('+') {
            let unknown = || LevelsError::Shape(excerpt(part));
            let (name, share) = part.split_once(':').ok_or_else(unknown)?;
            let place = level(name).ok_or_else(unknown)?;
            if std::mem::replace(&mut named[place], true) {
                return Err(LevelsError::Twice(excerpt(name.trim())));
            }
            shares[place] = share.parse::<Ratio>()?.ppm();
        }
        whole(shares)?;
        Ok(Self { shares })
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = Level::ALL.into_iter().zip(self.shares).filter(|(_, share)| *share > 0);
        for (place, (level, share)) in some.enumerate() {
            let share = Ratio::from_ppm(share).map_err(|_| fmt::Error)?;
            match (share.ppm() == WHOLE, place) {
                (true, _) => write!(f, "{level}")?,
                (false, 0) => write!(f, "{level}:{share}")?,
                (false, _) => write!(f, "+{level}:{share}")?,
            }
        }
        Ok(())
    }
}

as_text!(Levels);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_and_written() {
        for (text, canonical) in [
            ("info", "info"),
            (" error:10% + info:90%", "info:90%+error:10%"),
            ("debug:100%", "debug"),
            ("info:100%+warn:0%", "info"),
            ("trace:0.5%+warn:99.5%", "trace:0.5%+warn:99.5%"),
        ] {
            assert_eq!(text.parse::<Levels>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn wrong_texts_say_why() {
        for (text, error) in [
            ("loud", "`loud` is no share of a level; write \"info\", or \"info:90%+error:10%\""),
            ("", "`` is no share of a level; write \"info\", or \"info:90%+error:10%\""),
            ("info:50%", "the shares are 50% together; write 100%"),
            ("info:60%+error:60%", "the shares are more than 100% together"),
            ("info:50%+info:50%", "`info` stands twice"),
            ("info:0%+info:100%", "`info` stands twice"),
        ] {
            assert_eq!(text.parse::<Levels>().unwrap_err().to_string(), error, "{text}");
        }
        assert!(matches!("info:0.9+error:0.1".parse::<Levels>(), Err(LevelsError::Share(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "(trace|debug|info|warn|error|x)?(:[0-9]{1,3}%)?[+]?(info|warn)?(:[0-9.]{1,4}%)?") {
            if let Ok(levels) = text.parse::<Levels>() {
                prop_assert_eq!(levels.to_string().parse::<Levels>(), Ok(levels));
            }
        }
    }
}
