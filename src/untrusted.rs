//! Text that others wrote: drivers, report files, scenario files, the operating system.
//!
//! A name in a report may hold escape sequences of a terminal, HTML, or a command to the runner of a CI job. [`Untrusted`]
//! cannot be printed as it is, so that nobody forgets to make it harmless. Each format has a method of its own, beside the
//! code of that format.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;

/// What stands for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// Text that others wrote. It is compared, saved and read like a string, but it has no `Display`, so it cannot be formatted:
///
/// ```compile_fail,E0277
/// let name = queue_load::report::Untrusted::from("\u{1b}[31mqueue");
/// println!("{name}");
/// ```
///
/// Nor does it turn into a `&str` unnoticed:
///
/// ```compile_fail,E0308
/// let name = queue_load::report::Untrusted::from("\u{1b}[31mqueue");
/// let text: &str = &name;
/// ```
///
/// What is shown has to be made harmless first. What is only looked up or compared is taken as it was given:
///
/// ```
/// let name = queue_load::report::Untrusted::from("\u{1b}[31mqueue");
/// println!("{}", name.terminal(40));
/// assert_eq!(name.terminal(40), "\u{fffd}[31mqueue");
/// assert_eq!(name.as_given(), "\u{1b}[31mqueue");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "internals", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it was given: to compare it, to look something up, or to make a longer [`Untrusted`] of it. Never to show
    /// it.
    #[must_use]
    pub fn as_given(&self) -> &str {
        &self.0
    }

    /// Whether it has no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a terminal: at most `longest` characters on one line. White space becomes a space. A character that moves the
    /// cursor, starts an escape sequence, changes the direction of writing or is invisible becomes `\u{fffd}`. So does a
    /// character that would make a line of a job's log a command to GitHub's runner (`::` before a word, `##[`). `…` stands
    /// for what is cut off.
    ///
    /// Every other format begins with this, and then encodes it by its own rules.
    #[must_use]
    pub fn terminal(&self, longest: usize) -> String {
        let mut shown = String::new();
        let mut before = [' ', ' '];
        for character in self.0.chars().take(longest.saturating_add(1)).map(harmless) {
            let commands = (before[0] == ' ' && before[1] == ':' && character == ':')
                || (before == ['#', '#'] && character == '[');
            let shown_as = if commands { REPLACEMENT } else { character };
            shown.push(shown_as);
            before = [before[1], shown_as];
        }
        if shown.chars().count() > longest {
            shown = shown.chars().take(longest.saturating_sub(1)).collect();
            shown.push('…');
        }
        shown
    }

    /// For the message of an error or a note, which may go to a terminal: at most 2,000 harmless characters.
    #[must_use]
    pub fn quoted(&self) -> String {
        const LONGEST: usize = 2_000;
        self.terminal(LONGEST)
    }

    /// Several texts as one, with `separator` between them.
    #[must_use]
    pub fn join<'t>(texts: impl IntoIterator<Item = &'t Self>, separator: &str) -> Self {
        let texts: Vec<&str> = texts.into_iter().map(Self::as_given).collect();
        Self(texts.join(separator))
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The text in quotes with escapes, as for a string: for tests and for the developer alone.
impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// To look it up in a map by a `&str`.
impl Borrow<str> for Untrusted {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Untrusted {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Untrusted {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

fn harmless(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{a0}' | '\u{2028}' | '\u{2029}' => ' ',
        _ if character.is_control() || is_invisible(character) => REPLACEMENT,
        _ => character,
    }
}

/// Format characters: direction marks, joiners, fillers, tags, variation selectors.
fn is_invisible(character: char) -> bool {
    let code = u32::from(character);
    // The last two code points of every plane are not characters, and XML does not allow them.
    (code & 0xfffe) == 0xfffe
        || matches!(
            code,
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
                | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3
                | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, longest: usize) -> String {
        Untrusted::from(text).terminal(longest)
    }

    #[test]
    fn hostile_text_comes_out_harmless() {
        for (text, harmless) in [
            ("builtin", "builtin"),
            ("größe 日本 µs", "größe 日本 µs"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{fffd}[31mred\u{fffd}[0m"),
            ("a\r\nb\tc", "a  b c"),
            ("abc\u{202e}dcba\u{200f}", "abc\u{fffd}dcba\u{fffd}"),
            ("::error::x", ":\u{fffd}error::x"),
            ("a ::error::x std::io", "a :\u{fffd}error::x std::io"),
            ("x##[error]", "x##\u{fffd}error]"),
            ("\u{9b}2J\u{7f}\0", "\u{fffd}2J\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(shown(text, 100), harmless);
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown(&"x".repeat(10_000), 5), "xxxx…");
        assert_eq!((shown("12345", 5), shown("123456", 5)), ("12345".into(), "1234…".into()));
    }

    #[test]
    fn it_is_saved_as_a_string() {
        let text = Untrusted::from("a\u{1b}\"b");
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(json, serde_json::to_string("a\u{1b}\"b").unwrap());
        assert_eq!(serde_json::from_str::<Untrusted>(&json).unwrap(), text);
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>(), longest in 0_usize..50) {
            let shown = shown(&text, longest);
            prop_assert!(shown.chars().count() <= longest.max(1));
            let dangerous = shown.chars().any(|c| c.is_control() || is_invisible(c) || c == '\u{2028}');
            prop_assert!(!dangerous);
        }
    }
}
