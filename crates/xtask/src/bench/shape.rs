//! The machine's shape and the versions of everything, for the head of the report.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::contender::Kind;
use crate::{machine, php};

/// The head of the report.
pub(crate) fn head(portunus: &Path) -> String {
    let versions = versions(portunus).join("; ");
    format!(
        "# Results\n\n\
         Written by `cargo xtask bench`, which starts all servers of a workload, probes their answers, and runs \
         the load on each in turn, several times round, another one first in each, each time after the machine has come to rest; the figures \
         are medians of the rounds. Where it is said, each round has servers of its own. `wrk` (one thread, closed loop) looks at the status and the length of every answer; large bodies are compared byte by byte by \
         `portunus-loadgen`. CPU µs/request is user and system time of \
         all processes of the server, from `/proc/PID/task/*/schedstat`. Static workloads give the server the \
         first core and the load the others; PHP shares all cores with the rest. RSS is the sum over the \
         processes after the last run. Ratios are against the first row, in the same round, and the medians of those.\n\n\
         Machine: {}, {} cores, {:.0} GiB, Linux {}, TCP with {}.\n\
         Versions: {versions}.\n",
        cpu_model(),
        machine::cores(),
        memory_gib(),
        first_line("/proc/sys/kernel/osrelease"),
        congestion_control(),
    )
}

/// The system's congestion control, and what we make of it: it decides the figures of large files.
fn congestion_control() -> String {
    let name = first_line("/proc/sys/net/ipv4/tcp_congestion_control");
    if name.starts_with("bbr") {
        return format!(
            "{name} (Portunus answers with reno on loopback addresses, which `{name}` would pace by timers; with cubic for \
             all servers 100 KB took 0.77 of nginx's CPU time, and 10 MB as much as nginx's)"
        );
    }
    name
}

/// The line under a section's heading: when, from which commit, how long.
pub(crate) fn provenance() -> String {
    let date = output_of(Command::new("date").args(["--utc", "+%Y-%m-%d %H:%M UTC"]));
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"])
        .current_dir(crate::repository::root());
    format!("{date}, commit {}", output_of(&mut git))
}

fn versions(portunus: &Path) -> Vec<String> {
    let mut versions = Vec::new();
    let mut add = |program: &Path, flag: &str| {
        let line = output_of(Command::new(program).arg(flag));
        if !line.is_empty() {
            versions.push(line);
        }
    };
    add(portunus, "-v");
    for kind in [Kind::Nginx, Kind::Lighttpd, Kind::H2o] {
        if let Ok(program) = kind.program(portunus) {
            add(&program, "-v");
        }
    }
    if let Ok(fpm) = php::find_fpm() {
        add(&fpm, "--version");
    }
    if let Some(wrk) = machine::find_program("wrk") {
        add(&wrk, "-v");
    }
    versions
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    model.unwrap_or("unknown processor").trim().to_owned()
}

fn memory_gib() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) / (1024.0 * 1024.0)
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The first line that a command prints on either stream; empty when it cannot be run.
fn output_of(command: &mut Command) -> String {
    let Ok(output) = command.output() else {
        return String::new();
    };
    let streams = [output.stdout, output.stderr];
    let text = streams
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    text.lines().next().unwrap_or_default().trim().to_owned()
}
