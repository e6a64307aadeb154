//! What every Unix does.

use rustix::fs::{Access, access};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The environment variables that say where temporary files go.
pub const TEMPORARY: &[&str] = &["TMPDIR"];

/// Takes stdout for the caller alone; what anyone else prints there ends up on stderr from now on.
///
/// # Errors
/// When the system refuses.
pub fn claim_stdout() -> io::Result<File> {
    let ours = rustix::io::dup(io::stdout())?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(ours))
}

/// Whether files can be made in a directory, as far as can be told without doing it.
///
/// # Errors
/// Why not.
pub fn may_write_in(directory: &Path) -> io::Result<()> {
    Ok(access(directory, Access::WRITE_OK)?)
}

/// Whether a file may be run as a program.
pub fn may_run(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Makes the names in a directory last.
///
/// # Errors
/// When the disk refuses.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes a directory that only this user may enter.
///
/// # Errors
/// When it cannot be made, or is there already.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Takes the name from an open file, so that it is gone with the process, however that ends.
///
/// # Errors
/// When it has no such name.
pub fn take_name(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Lets a program find `name` as its own, where that differs from its path.
pub fn call_itself(command: &mut Command, name: &str) {
    command.arg0(name);
}

/// The signal that ended a process; `None` if it ended by itself, or the system knows no signals.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}
