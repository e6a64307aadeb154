//! A repeat's directory for temporary files. A child that is killed cannot tidy up; this does it.

use super::leftovers::Mark;
use crate::platform;
use std::path::{Path, PathBuf};

/// A directory that only this user may enter, removed with all that is in it when this is dropped.
pub(super) struct Scratch(Option<PathBuf>);

impl Scratch {
    /// Makes one below the system's directory for temporary files; where that cannot be written there is none, and a
    /// child that needs one finds out by itself.
    pub(super) fn new(mark: &Mark) -> Self {
        let path = std::env::temp_dir().join(format!("queue-load-{}", mark.as_str()));
        Self(platform::create_private_directory(&path).is_ok().then_some(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed stays for the system to clean: no reason to lose a measurement.
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
