//! A part of a page that is written by a command, between two marks.

/// Where the section of that name begins.
pub fn begin(name: &str) -> String {
    format!("<!-- {name}:begin -->")
}

/// Where it ends.
pub fn end(name: &str) -> String {
    format!("<!-- {name}:end -->")
}

/// The page with another text in the section of that name.
///
/// # Errors
/// The page has not each mark once, or has them the wrong way round.
pub fn replace(page: &str, name: &str, text: &str) -> Result<String, String> {
    let only = |mark: &str| match page.match_indices(mark).collect::<Vec<_>>()[..] {
        [(place, _)] => Ok(place),
        ref found => Err(format!("`{mark}` stands there {} times; once is needed", found.len())),
    };
    let (first, last) = (begin(name), end(name));
    let (begins, ends) = (only(&first)?, only(&last)?);
    if ends < begins {
        return Err(format!("`{last}` stands before `{first}`"));
    }
    let (before, after) = (&page[..begins + first.len()], &page[ends..]);
    Ok(format!("{before}\n{}\n{after}", text.trim()))
}

/// Replaces the section of that name in the page's file.
///
/// # Errors
/// The file cannot be read or written, or does not have the section.
pub fn write(path: &std::path::Path, name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let page = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let page = replace(&page, name, text).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(std::fs::write(path, page)?)
}
