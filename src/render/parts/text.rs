//! Lines of text that fit a width.

use unicode_width::UnicodeWidthChar as _;

/// Breaks text at spaces so that no line is wider; further lines begin with `indent` spaces. A word that is wider than a
/// line is broken where the line ends.
pub(in crate::render) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let width = width.max(indent + 10);
    let mut lines: Vec<String> = vec![String::new()];
    let mut used = 0;
    for (index, word) in text.split(' ').enumerate() {
        let needed = width_of(word);
        if index > 0 && used + 1 + needed > width && used > indent {
            lines.push(" ".repeat(indent));
            used = indent;
        } else if index > 0 {
            lines.last_mut().expect("there is a line").push(' ');
            used += 1;
        }
        for character in word.chars() {
            let wide = width_of_char(character);
            if used + wide > width {
                lines.push(" ".repeat(indent));
                used = indent;
            }
            lines.last_mut().expect("there is a line").push(character);
            used += wide;
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| no_command(line.trim_end())).collect();
    lines.join("\n")
}

/// A word that was broken in the middle may begin a line with `::`, a command to GitHub's runner. This prevents it.
fn no_command(line: &str) -> String {
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("{}:\u{fffd}{rest}", " ".repeat(line.len() - line.trim_start().len())),
        None => line.to_owned(),
    }
}

/// Joins parts by spaces, and breaks lines only between the parts.
pub(in crate::render) fn wrap_parts(parts: &[String], width: usize, indent: usize) -> String {
    const GLUE: &str = "\u{a0}";
    let glued: Vec<String> = parts.iter().map(|part| part.replace(' ', GLUE)).collect();
    wrap(&glued.join(" "), width, indent).replace(GLUE, " ")
}

/// Joins items to a list, and breaks lines only between the items.
pub(in crate::render) fn wrap_items(items: &[String], width: usize, indent: usize) -> String {
    const GLUE: &str = "\u{a0}";
    let glued: Vec<String> = items.iter().map(|item| item.replace(' ', GLUE)).collect();
    wrap(&glued.join(&format!("{GLUE}· ")), width, indent).replace(GLUE, " ")
}

/// Columns that a text takes, character by character.
#[must_use]
pub fn width_of(text: &str) -> usize {
    text.chars().map(width_of_char).sum()
}

/// The first `width` columns of a text, and the rest; all of it if it is not wider.
pub(in crate::render) fn split_at_width(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += width_of_char(*character);
        used > width
    });
    text.split_at(end.map_or(text.len(), |(place, _)| place))
}

fn width_of_char(character: char) -> usize {
    character.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_breaks_at_spaces() {
        assert_eq!(wrap("one two three four", 14, 2), "one two three\n  four");
        assert_eq!(wrap("short", 80, 4), "short");
        assert_eq!(wrap("abcdefghijklmnopqrstuvwxyz", 12, 2), "abcdefghijkl\n  mnopqrstuv\n  wxyz");
    }

    #[test]
    fn a_text_is_split_where_a_column_ends() {
        for (text, width, expected) in [
            ("abc", 2, ("ab", "c")),
            ("abc", 3, ("abc", "")),
            ("abc", 9, ("abc", "")),
            ("abc", 0, ("", "abc")),
            ("日本", 3, ("日", "本")),
            ("e\u{301}f", 1, ("e\u{301}", "f")),
        ] {
            assert_eq!(split_at_width(text, width), expected);
        }
    }

    #[test]
    fn parts_stay_whole() {
        let parts = ["1.16 µs →", "1.56 µs", "+400 ns (+34%)"].map(str::to_owned);
        assert_eq!(wrap_parts(&parts, 20, 4), "1.16 µs → 1.56 µs\n    +400 ns (+34%)");
        assert_eq!(wrap_parts(&parts, 80, 4), "1.16 µs → 1.56 µs +400 ns (+34%)");
    }

    #[test]
    fn a_broken_word_commands_nothing() {
        assert_eq!(wrap("xxxxxxxxxxxxxxxxxxxx::error::y", 20, 0), "xxxxxxxxxxxxxxxxxxxx\n:\u{fffd}error::y");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide(text in "[a-z日 ]{0,200}", width in 20_usize..60) {
            prop_assert!(wrap(&text, width, 4).lines().all(|line| width_of(line) <= width));
        }
    }
}
