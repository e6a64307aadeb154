//! Replaces the section of a page that the trial writes.

/// The line at which the section begins.
pub const BEGIN: &str = "<!-- gate-trial:begin -->";

/// The line at which the section ends.
pub const END: &str = "<!-- gate-trial:end -->";

/// The page with a new text between the two marks.
///
/// # Errors
/// The page does not have each mark exactly once, or has them in the wrong order.
pub fn replace(page: &str, text: &str) -> Result<String, String> {
    let only = |mark: &str| match page.match_indices(mark).collect::<Vec<_>>()[..] {
        [(place, _)] => Ok(place),
        ref found => Err(format!("`{mark}` stands there {} times; once is needed", found.len())),
    };
    let (begin, end) = (only(BEGIN)?, only(END)?);
    if end < begin {
        return Err(format!("`{END}` stands before `{BEGIN}`"));
    }
    let (before, after) = (&page[..begin + BEGIN.len()], &page[end..]);
    Ok(format!("{before}\n{}\n{after}", text.trim()))
}
