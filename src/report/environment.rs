//! Where the run takes place, as far as the system tells.

use super::model::Environment;
use crate::untrusted::Untrusted;
use std::path::Path;
use std::process::{Command, Stdio};

/// What only the build knows; null where it was not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildFacts<'a> {
    /// `rustc --version` of the compiler.
    pub rustc: Option<&'a str>,
    /// Name of the profile.
    pub profile: Option<&'a str>,
}

/// Reads the environment; `directory` is the one whose git commit is meant. Runs `git` where there is one.
#[must_use]
pub fn collect_environment(build: BuildFacts<'_>, directory: &Path) -> Environment {
    let cpuinfo = read("/proc/cpuinfo");
    let git_commit = git(directory, &["rev-parse", "--verify", "HEAD"]);
    let git_dirty = git_commit
        .is_some()
        .then(|| git(directory, &["status", "--porcelain"]))
        .flatten()
        .map(|changes| !changes.is_empty());
    Environment {
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH).into(),
        cpu_model: cpuinfo.as_deref().and_then(cpu_model),
        cores: std::thread::available_parallelism().ok().and_then(|cores| u64::try_from(cores.get()).ok()),
        memory_bytes: read("/proc/meminfo").as_deref().and_then(memory_bytes),
        kernel: line("/proc/sys/kernel/osrelease"),
        rustc: build.rustc.map(Into::into),
        profile: build.profile.map(Into::into),
        governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        virtualised: cpuinfo.as_deref().and_then(virtualised),
        git_commit,
        git_dirty,
        ..Environment::default()
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn line(path: &str) -> Option<Untrusted> {
    read(path).map(|text| text.trim().into()).filter(|text: &Untrusted| !text.is_empty())
}

/// The value of the first `key : value` line with that key.
fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn cpu_model(cpuinfo: &str) -> Option<Untrusted> {
    value_of(cpuinfo, "model name").filter(|model| !model.is_empty()).map(Into::into)
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = value_of(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Whether the CPU says that it runs under a hypervisor; a CPU without flags (not x86) says nothing.
fn virtualised(cpuinfo: &str) -> Option<bool> {
    let flags = value_of(cpuinfo, "flags")?;
    Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

fn git(directory: &Path, arguments: &[&str]) -> Option<Untrusted> {
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.5GHz\nflags\t\t: fpu hypervisor sse\n";
        assert_eq!(cpu_model(cpuinfo).unwrap(), "Some CPU @ 2.5GHz");
        assert_eq!(virtualised(cpuinfo), Some(true));
        assert_eq!(virtualised("flags : fpu sse\n"), Some(false));
        assert_eq!(memory_bytes("MemFree: 1 kB\nMemTotal:       8000 kB\n"), Some(8_192_000));
    }

    #[test]
    fn what_it_does_not_say_is_null() {
        assert_eq!(cpu_model("processor : 0\n"), None);
        assert_eq!(virtualised("Features : fp asimd\n"), None);
        assert_eq!(memory_bytes("MemTotal: lots\n"), None);
        assert_eq!(line("/no/such/file"), None);
    }

    #[test]
    fn a_directory_without_a_commit_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let environment = collect_environment(BuildFacts::default(), directory.path());
        assert_eq!((environment.git_commit, environment.git_dirty, environment.rustc), (None, None, None));
        assert!(environment.cores.is_some_and(|cores| cores > 0));
    }
}
