//! The hidden line by which a comment on a pull request is found again, to be replaced by the next one.

use crate::untrusted::Untrusted;

/// Longest name in the line, in characters.
const LONGEST: usize = 100;

/// `<!-- queue-load: NAME -->` for the scenarios of a report. Nothing in a name can end the comment: whatever is no
/// letter of ASCII, digit, dot or underscore becomes a hyphen, and hyphens never follow each other.
pub(in crate::render) fn marker<'a>(scenarios: impl Iterator<Item = &'a Untrusted>) -> String {
    let names: Vec<String> = scenarios.map(|name| plain(name.as_given())).collect();
    let name: String = names.join(" ").chars().take(LONGEST).collect();
    format!("<!-- queue-load: {name} -->\n")
}

fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars() {
        let is_kept = character.is_ascii_alphanumeric() || matches!(character, '.' | '_');
        match (is_kept, plain.ends_with('-')) {
            (true, _) => plain.push(character),
            (false, false) => plain.push('-'),
            (false, true) => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_comment() {
        for (names, expected) in [
            (&["smoke"][..], "<!-- queue-load: smoke -->\n"),
            (&["a", "b 2.5_x"], "<!-- queue-load: a b-2.5_x -->\n"),
            (&["x --> <b>\u{1b}é\n"], "<!-- queue-load: x-b- -->\n"),
            (&[], "<!-- queue-load:  -->\n"),
        ] {
            let names: Vec<Untrusted> = names.iter().map(|name| (*name).into()).collect();
            assert_eq!(marker(names.iter()), expected);
        }
        let long = Untrusted::from("a".repeat(1_000));
        assert!(marker([&long].into_iter()).len() < 130);
    }
}
