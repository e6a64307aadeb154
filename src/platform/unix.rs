//! Functions that need a Unix system.

use rustix::fs::{Access, access};
use rustix::process::{Pid, geteuid, test_kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
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

/// Whether this is a directory of this user that nobody else may enter, and no link to one.
pub fn is_private_directory(metadata: &Metadata) -> bool {
    metadata.is_dir() && metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o777 == 0o700
}

/// Whether there is surely no process of that number.
pub fn is_gone(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Gives a file the rights of another one, and its owner and group if this user may give files away.
///
/// # Errors
/// When the rights cannot be set.
pub fn resemble(file: &File, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        // The group alone may be one of this user's.
        let _ = fchown(file, Some(other.uid()), Some(other.gid())).or_else(|_| fchown(file, None, Some(other.gid())));
    }
    file.set_permissions(other.permissions())
}

/// Takes the name from an open file, so that it is gone with the process, however that ends.
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

/// Calls a function at each SIGINT, SIGTERM and SIGHUP, on a thread of its own. A signal that whoever started this process
/// had it ignore stays ignored: `nohup` means it.
///
/// # Errors
/// When the system refuses.
pub fn on_termination(mut handler: impl FnMut() + Send + 'static) -> io::Result<()> {
    let ignored = super::ignored_signals();
    let is_ignored = |signal: &i32| ignored & (1_u64 << (signal - 1)) != 0;
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(signal));
    let mut signals = Signals::new(wanted)?;
    let watch = move || signals.forever().for_each(|_| handler());
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map(drop)
}

/// The signal that ended a process; `None` if it ended by itself, or the system knows no signals.
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}
