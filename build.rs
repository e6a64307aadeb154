//! Records what built the program, for the environment that stands in every report.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
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
