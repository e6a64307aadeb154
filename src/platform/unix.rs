//! Functions that need a Unix system.

use rustix::fs::{Access, access};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The environment variables that say where temporary files go.
pub const TEMPORARY: &[&str] = &["TMPDIR"];

/// Reserves stdout for the caller. Everything else that is printed to stdout goes to stderr from now on.
///
/// # Errors
/// The system refuses.
pub fn claim_stdout() -> io::Result<File> {
    let ours = rustix::io::dup(io::stdout())?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(ours))
}

/// Checks whether files can be created in a directory, as far as that is known without trying.
///
/// # Errors
/// They cannot, with the reason.
pub fn may_write_in(directory: &Path) -> io::Result<()> {
    Ok(access(directory, Access::WRITE_OK)?)
}

/// Whether a file may be run as a program.
pub fn may_run(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Writes the entries of a directory to disk, so that new files in it survive a crash.
///
/// # Errors
/// The directory cannot be opened or written.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Creates a directory that only this user may enter.
///
/// # Errors
/// It cannot be created, or exists already.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Removes the name of an open file, so that the file is gone when the process ends, in whatever way.
///
/// # Errors
/// The file has no such name.
pub fn take_name(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Sets `name` as the program's `argv[0]`, instead of its path.
pub fn call_itself(command: &mut Command, name: &str) {
    command.arg0(name);
}

/// The signal that ended a process; `None` if it exited by itself.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}
