//! A repeat's directory for temporary files. A child that is killed cannot remove its files, so the runner does; what a
//! runner left that was killed itself, the next one does.

use super::leftovers::Mark;
use crate::platform;
use std::fs::{DirEntry, File};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// What the name of such a directory begins with; the rest is the mark of its repeat.
const PREFIX: &str = "queue-load-";

/// Most entries among the system's temporary files that are looked through for directories that were left.
const MOST_ENTRIES: usize = 100_000;

/// A directory that only this user may enter. Dropping this removes it with everything in it.
pub(super) struct Scratch {
    path: Option<PathBuf>,
    /// Locked for as long as the directory is in use. The system takes the lock from a runner that is killed.
    _in_use: Option<File>,
}

impl Scratch {
    /// Creates one below the system's directory for temporary files. If that fails there is none, and a child that
    /// needs one will report an error of its own. The first one in a process removes what earlier runs left.
    pub(super) fn new(mark: &Mark) -> Self {
        static ONCE: Once = Once::new();
        let root = std::env::temp_dir();
        ONCE.call_once(|| sweep(&root));
        Self::below(&root, mark)
    }

    fn below(root: &Path, mark: &Mark) -> Self {
        let path = root.join(format!("{PREFIX}{}", mark.as_str()));
        let path = platform::create_private_directory(&path).is_ok().then_some(path);
        let in_use = path.as_deref().and_then(locked);
        Self { path, _in_use: in_use }
    }

    /// Its path; `None` if it could not be created.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Files that cannot be removed are left for the system to clean up: that is no reason to lose a
            // measurement.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Opens and locks a directory; `None` if another process holds the lock, or if there are no locks here.
fn locked(path: &Path) -> Option<File> {
    File::open(path).ok().filter(|directory| directory.try_lock().is_ok())
}

/// Removes the directories of runs that were killed.
fn sweep(root: &Path) {
    let entries = std::fs::read_dir(root).into_iter().flatten();
    for entry in entries.take(MOST_ENTRIES).flatten() {
        if let Some(_in_use) = abandoned(&entry) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The lock of a directory that is surely of a run of this user that is no more: it has such a name, only this user may
/// enter it, its process is gone, and nobody holds its lock. The number of a process says nothing in another container, a
/// lock does; a run of an older build has no lock, but a number.
fn abandoned(entry: &DirEntry) -> Option<File> {
    let name = entry.file_name();
    let runner = Mark::runner_of(name.to_str()?.strip_prefix(PREFIX)?)?;
    let is_ours = platform::is_private_directory(&entry.metadata().ok()?);
    if is_ours && platform::is_gone(runner) { locked(&entry.path()) } else { None }
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

    /// The number of a process that has ended.
    #[cfg(unix)]
    fn gone() -> u32 {
        let mut child = std::process::Command::new("true").spawn().expect("there is true");
        child.wait().expect("ended");
        child.id()
    }

    #[test]
    #[cfg(unix)]
    fn only_what_is_surely_of_a_run_that_is_no_more_is_removed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let root = tempfile::tempdir().expect("a directory");
        let (gone, own) = (gone(), std::process::id());
        let private = |name: String| {
            let path = root.path().join(name);
            platform::create_private_directory(&path).expect("created");
            std::fs::write(path.join("log"), "text").expect("writable");
            path
        };
        let left = private(format!("queue-load-{gone}-0-1700000000000000000"));
        let in_use = private(format!("queue-load-{gone}-1-1700000000000000000"));
        let lock = locked(&in_use).expect("nobody else's");
        let kept = [
            private(format!("queue-load-{own}-0-1700000000000000000")),
            private(format!("queue-load-{gone}-0")),
            private(format!("queue-load-{gone}-0-1-2")),
            private(format!("queue-load-{gone}-x-1")),
            private(format!("queue-load--{gone}-0-1")),
            private(format!("other-{gone}-0-1700000000000000000")),
        ];
        let open = private(format!("queue-load-{gone}-2-1700000000000000000"));
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("set");
        let elsewhere = tempfile::tempdir().expect("a directory");
        let link = root.path().join(format!("queue-load-{gone}-3-1700000000000000000"));
        symlink(elsewhere.path(), &link).expect("linked");
        let file = root.path().join(format!("queue-load-{gone}-4-1700000000000000000"));
        std::fs::write(&file, "text").expect("writable");
        let running = Scratch::below(root.path(), &Mark::new());
        sweep(root.path());
        assert!(!left.exists());
        for path in kept.iter().chain([&open, &in_use]) {
            assert!(path.join("log").exists(), "{}", path.display());
        }
        assert!(link.exists() && file.exists() && running.path().expect("created").exists());
        drop(lock);
        sweep(root.path());
        assert!(!in_use.exists());
    }
}
