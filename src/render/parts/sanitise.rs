//! Text from outside, made harmless for a terminal.

/// What stands for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// At most `longest` characters of the text on one line: white space becomes a space; whatever moves the cursor, starts an
/// escape sequence, turns the direction of writing or is invisible becomes `\u{fffd}`, and so does what would make a line
/// of a job's log a command to GitHub's runner (`::` in front of a word, `##[`); what is cut off becomes `…`.
#[must_use]
pub fn sanitise(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    let mut before = [' ', ' '];
    for character in text.chars().take(longest.saturating_add(1)).map(harmless) {
        let commands =
            (before[0] == ' ' && before[1] == ':' && character == ':') || (before == ['#', '#'] && character == '[');
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
    // The last two of every plane are no characters; XML has no place for them.
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

    #[test]
    fn hostile_text_comes_out_harmless() {
        for (text, shown) in [
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
            assert_eq!(sanitise(text, 100), shown);
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(sanitise(&"x".repeat(10_000), 5), "xxxx…");
        assert_eq!((sanitise("12345", 5), sanitise("123456", 5)), ("12345".into(), "1234…".into()));
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>(), longest in 0_usize..50) {
            let shown = sanitise(&text, longest);
            prop_assert!(shown.chars().count() <= longest.max(1));
            let dangerous = shown.chars().any(|c| c.is_control() || is_invisible(c) || c == '\u{2028}');
            prop_assert!(!dangerous);
        }
    }
}
