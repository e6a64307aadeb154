//! Records what built the program, for the environment that stands in every report.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    say_versions();
    let compiler = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    if let Ok(output) = Command::new(compiler).arg("--version").output()
        && output.status.success()
    {
        println!("cargo:rustc-env=QUEUE_LOAD_RUSTC={}", String::from_utf8_lossy(&output.stdout).trim());
    }
    // `PROFILE` names only what a profile inherits from; the folder above `build/` is the profile's own.
    let out = env::var("OUT_DIR").unwrap_or_default();
    let folders: Vec<_> = Path::new(&out).iter().filter_map(|part| part.to_str()).collect();
    if let Some(build) = folders.iter().rposition(|&part| part == "build").filter(|&index| index > 0) {
        println!("cargo:rustc-env=QUEUE_LOAD_PROFILE={}", folders[build - 1]);
    }
}

/// The crates whose versions stand in reports, as queues under load.
const QUEUES: [&str; 9] = [
    "crossbeam-channel",
    "ftlog",
    "logforth-append-async",
    "opentelemetry_sdk",
    "slog-async",
    "spdlog-rs",
    "ticklog",
    "tokio",
    "tracing-appender",
];

/// Hands over the versions of [`QUEUES`] that cargo has chosen; `unknown` where no lock file says.
fn say_versions() {
    let lock = lock_file();
    if let Some((path, _)) = &lock {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    for queue in QUEUES {
        let version = lock.as_ref().and_then(|(_, text)| version_in(text, queue)).unwrap_or("unknown");
        let variable = queue.to_uppercase().replace('-', "_");
        println!("cargo:rustc-env=QUEUE_LOAD_VERSION_{variable}={version}");
    }
}

/// The lock file that this build follows: where this is a dependency, that of the workspace above the target directory;
/// else our own.
fn lock_file() -> Option<(PathBuf, String)> {
    let target = PathBuf::from(env::var_os("OUT_DIR")?);
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let places = target.ancestors().chain([own.as_path()]).map(|folder| folder.join("Cargo.lock"));
    let read = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
    let ours = format!("name = \"{}\"", env::var("CARGO_PKG_NAME").ok()?);
    places.filter_map(read).find(|(_, text)| text.lines().any(|line| line == ours))
}

/// The version of `dependency` of ours in a lock file. Where there are several, our entry says which.
fn version_in<'a>(lock: &'a str, dependency: &str) -> Option<&'a str> {
    let field = |package: &'a str, name: &str| {
        package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    let packages = || lock.split("[[package]]");
    let ours = packages().find(|package| field(package, "name") == env::var("CARGO_PKG_NAME").ok().as_deref())?;
    let listed = ours.lines().map(|line| line.trim().trim_matches([',', '"']));
    let mut words = listed.map(|line| line.split(' ')).find(|words| words.clone().next() == Some(dependency))?.skip(1);
    let found = || packages().find(|package| field(package, "name") == Some(dependency));
    words.next().or_else(|| field(found()?, "version"))
}
