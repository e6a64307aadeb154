//! The part of a page that is written by the trial.

/// Where it begins.
pub const BEGIN: &str = "<!-- gate-trial:begin -->";

/// Where it ends.
pub const END: &str = "<!-- gate-trial:end -->";

/// The page with another text between the two marks.
///
/// # Errors
/// The page has not each mark once, or has them the wrong way round.
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
