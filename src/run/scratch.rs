//! A repeat's directory for temporary files. A child that is killed cannot remove its files, so the runner does.

use super::leftovers::Mark;
use crate::platform;
use std::path::{Path, PathBuf};

/// A directory that only this user may enter. Dropping this removes it with everything in it.
pub(super) struct Scratch(Option<PathBuf>);

impl Scratch {
    /// Creates one below the system's directory for temporary files. If that fails there is none, and a child that
    /// needs one will report an error of its own.
    pub(super) fn new(mark: &Mark) -> Self {
        let path = std::env::temp_dir().join(format!("queue-load-{}", mark.as_str()));
        Self(platform::create_private_directory(&path).is_ok().then_some(path))
    }

    /// Its path; `None` if it could not be created.
    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Files that cannot be removed are left for the system to clean up: that is no reason to lose a
            // measurement.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_away_with_what_is_in_it() {
        let scratch = Scratch::new(&Mark::new());
        let path = scratch.path().expect("temporary files can be made here").to_owned();
        std::fs::write(path.join("log"), "text").expect("writable");
        drop(scratch);
        assert!(!path.exists());
    }
}
