//! Where a report comes from, in a list.

use crate::render::sanitise;
use crate::report::Report;
use crate::units::human;

/// What is known of the tool, the machine and the build; what is not known is left out.
pub(in crate::render) fn facts(report: &Report) -> Vec<String> {
    let environment = &report.environment;
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let versions = environment.queue_versions.iter().map(|(queue, version)| format!("queue {queue} {version}"));
    let dirty = if environment.git_dirty == Some(true) { " (dirty)" } else { "" };
    let known = [
        Some(format!("{} {}", report.tool.name, report.tool.version)),
        Some(report.created_at.clone()),
        Some(environment.platform.clone()),
        environment.cpu_model.clone(),
        environment.cores.map(|cores| human::counted(cores, "core")),
        environment.memory_bytes.map(|bytes| format!("memory {:.1} GiB", bytes as f64 / f64::from(1_u32 << 30))),
        environment.kernel.as_ref().map(|kernel| format!("kernel {kernel}")),
        environment.virtualised.map(|virtualised| format!("virtual machine: {}", yes_no(virtualised))),
        environment.governor.as_ref().map(|governor| format!("governor {governor}")),
        environment.rustc.clone(),
        environment.profile.as_ref().map(|profile| format!("profile {profile}")),
        environment.clock_source.as_ref().map(|clock| format!("clock {clock}")),
        environment.instrument_floor_ns.map(|floor| format!("instrument floor {}", human::latency(floor))),
        environment.git_commit.as_ref().map(|commit| format!("commit {commit}{dirty}")),
    ];
    known.into_iter().flatten().chain(versions).map(|fact| sanitise(&fact, 120)).collect()
}
