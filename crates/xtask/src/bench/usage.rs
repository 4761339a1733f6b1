//! What a server uses: processor time and memory of all its processes, read from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// Clock ticks per second in `/proc/PID/stat`; fixed on Linux for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// A reading of the processor time of a process tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct CpuReading {
    /// Nanoseconds on the processor by process and thread, from `schedstat`.
    threads: HashMap<(u32, u32), u64>,
    /// Seconds by process, from `stat`: coarse, but it counts threads that have ended.
    processes: HashMap<u32, f64>,
}

impl CpuReading {
    /// Reads the whole tree below a process now.
    pub(crate) fn take(root: u32) -> Self {
        let mut reading = Self::default();
        for pid in process_tree(root) {
            if let Some(seconds) = process_seconds(pid) {
                reading.processes.insert(pid, seconds);
            }
            for thread in numbers_in(&format!("/proc/{pid}/task")) {
                if let Some(nanoseconds) = thread_nanoseconds(pid, thread) {
                    reading.threads.insert((pid, thread), nanoseconds);
                }
            }
        }
        reading
    }

    /// Seconds of processor time (user and system) between an earlier reading and this one.
    ///
    /// `schedstat` has nanoseconds but forgets threads that end, `stat` has 10 ms steps and forgets none: so
    /// the exact figure counts unless the coarse one is larger by more than its own error.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        let exact: u64 = self
            .threads
            .iter()
            .map(|(key, now)| now.saturating_sub(earlier.threads.get(key).copied().unwrap_or(0)))
            .sum();
        let exact = exact as f64 / 1e9;
        let coarse: f64 = self
            .processes
            .iter()
            .map(|(pid, now)| now - earlier.processes.get(pid).copied().unwrap_or(0.0))
            .sum();
        let tolerance = 2.0 * self.processes.len() as f64 / TICKS_PER_SECOND;
        if coarse > exact + tolerance {
            coarse
        } else {
            exact
        }
    }
}

/// Resident memory of the whole tree in bytes; pages shared by processes count in each.
pub(crate) fn resident_bytes(root: u32) -> u64 {
    process_tree(root)
        .into_iter()
        .filter_map(process_resident)
        .sum()
}

fn process_resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// A process and all its descendants.
pub(crate) fn process_tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = numbers_in("/proc")
        .into_iter()
        .filter_map(|pid| Some((pid, stat_fields(pid)?.get(1)?.parse().ok()?)))
        .collect();
    let mut tree = vec![root];
    let mut at = 0;
    while at < tree.len() {
        let parent = tree[at];
        tree.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        at += 1;
    }
    tree
}

fn process_seconds(pid: u32) -> Option<f64> {
    let fields = stat_fields(pid)?;
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything: state, parent, …
fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn thread_nanoseconds(pid: u32, thread: u32) -> Option<u64> {
    let path = PathBuf::from(format!("/proc/{pid}/task/{thread}/schedstat"));
    fs::read_to_string(path)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn numbers_in(folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(threads: &[(u32, u64)], seconds: f64) -> CpuReading {
        CpuReading {
            threads: threads
                .iter()
                .map(|&(thread, ns)| ((1, thread), ns))
                .collect(),
            processes: HashMap::from([(1, seconds)]),
        }
    }

    #[test]
    fn the_exact_figure_counts_unless_a_thread_has_ended() {
        let before = reading(&[(1, 1_000_000_000), (2, 500_000_000)], 1.5);
        let exact = reading(&[(1, 1_250_000_000), (2, 600_000_000)], 1.85);
        assert!((exact.since(&before) - 0.35).abs() < 1e-9);
        let one_ended = reading(&[(1, 1_250_000_000)], 1.85);
        assert!((one_ended.since(&before) - 0.35).abs() < 1e-9);
    }

    #[test]
    fn our_own_process_is_seen() {
        let own = std::process::id();
        assert!(process_tree(own).contains(&own));
        assert!(resident_bytes(own) > 0);
        assert!(!CpuReading::take(own).threads.is_empty());
    }
}
