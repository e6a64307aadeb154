//! The origin of a report, as a list.

use crate::render::parts::origin;
use crate::report::Report;
use crate::units::human;
use crate::untrusted::Untrusted;

/// Longest untrusted text, in characters.
const LONGEST: usize = 120;

/// The tool, the machine and the build. Unknown values are left out.
pub(in crate::render) fn facts(report: &Report) -> Vec<String> {
    let environment = &report.environment;
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let named = |name: &str, text: &Untrusted| format!("{name}{}", text.terminal(LONGEST));
    let plain = |text: &Untrusted| named("", text);
    let dirty = if environment.git_dirty == Some(true) { " (dirty)" } else { "" };
    let known = [
        Some(format!("{} {}", plain(&report.tool.name), plain(&report.tool.version))),
        Some(plain(&report.created_at)),
        Some(plain(&environment.platform)),
        environment.cpu_model.as_ref().map(plain),
        environment.cores.map(|cores| human::counted(cores, "core")),
        environment.memory_bytes.map(|bytes| format!("memory {:.1} GiB", bytes as f64 / f64::from(1_u32 << 30))),
        environment.kernel.as_ref().map(|kernel| named("kernel ", kernel)),
        environment.virtualised.map(|virtualised| format!("virtual machine: {}", yes_no(virtualised))),
        environment.governor.as_ref().map(|governor| named("governor ", governor)),
        environment.rustc.as_ref().map(plain),
        environment.profile.as_ref().map(|profile| named("profile ", profile)),
        environment.clock_source.as_ref().map(|clock| named("clock ", clock)),
        environment.instrument_floor_ns.map(|floor| format!("instrument floor {}", human::latency(floor))),
        environment.git_commit.as_ref().map(|commit| named("commit ", commit) + dirty),
    ];
    let versions = environment.queue_versions.iter();
    let versions = versions.map(|(queue, version)| format!("queue {} {}", plain(queue), plain(version)));
    known.into_iter().flatten().chain(versions).chain(origin::lines(report)).collect()
}
