//! The functions of Unix, for other systems, as far as possible.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// The environment variables that say where temporary files go.
pub const TEMPORARY: &[&str] = &["TMP", "TEMP"];

/// A second handle of stdout. Text that other code prints to stdout still mixes with the caller's output, and the
/// runner then reports that it is not a message.
///
/// # Errors
/// The system refuses.
pub fn claim_stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Always succeeds: whether files can be created in a directory is only known after trying.
///
/// # Errors
/// Never.
pub fn may_write_in(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a file exists. Whether it is a program is only known after trying.
pub fn may_run(path: &Path) -> bool {
    path.is_file()
}

/// Does nothing: the file system itself writes directory entries to disk.
///
/// # Errors
/// Never.
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a directory. The user's own place for temporary files keeps other users out.
///
/// # Errors
/// It cannot be created, or exists already.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().create(path)
}

/// Never: whose a directory is cannot be told here.
pub fn is_private_directory(_metadata: &Metadata) -> bool {
    false
}

/// Never: it cannot be told here.
pub fn is_gone(_pid: u32) -> bool {
    false
}

/// Gives a file the rights of another one: here they come with the directory.
///
/// # Errors
/// None.
pub fn resemble(_file: &File, _other: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Takes the name from an open file: that cannot be done here, so it goes with the directory that it lies in.
///
/// # Errors
/// Never.
pub fn take_name(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Does nothing: a program cannot be given another name here.
pub fn call_itself(_command: &mut Command, _name: &str) {}

/// Calls a function at each Ctrl-C, and when the console closes, on a thread of its own.
///
/// # Errors
/// When the system refuses.
pub fn on_termination(handler: impl FnMut() + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(handler).map_err(io::Error::other)
}

/// The signal that ended a process: there are none here.
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}
