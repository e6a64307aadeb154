//! What a system does that is no Unix, as far as it goes.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The environment variables that say where temporary files go.
pub const TEMPORARY: &[&str] = &["TMP", "TEMP"];

/// A second way to stdout. What anyone else prints there stays among what the caller writes, and the runner says that it
/// is no message.
///
/// # Errors
/// When the system refuses.
pub fn claim_stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Whether files can be made in a directory: that shows only when it is done.
///
/// # Errors
/// None.
pub fn may_write_in(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a file may be run as a program: that shows only when it is done.
pub fn may_run(path: &Path) -> bool {
    path.is_file()
}

/// Makes the names in a directory last: the file system sees to that itself.
///
/// # Errors
/// None.
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a directory; the user's own place for temporary files keeps others out.
///
/// # Errors
/// When it cannot be made, or is there already.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().create(path)
}

/// Takes the name from an open file: that cannot be done here, so it goes with the directory that it lies in.
///
/// # Errors
/// None.
pub fn take_name(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Lets a program find a name as its own that differs from its path: there is no such thing here.
pub fn call_itself(_command: &mut Command, _name: &str) {}

/// The signal that ended a process: there are none here.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}
