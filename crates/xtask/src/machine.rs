//! What this machine is and can: Debian or not, root or not, which programs it has, its shape for reports.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::process;

/// Whether we run as root: who owns our own `/proc` entry.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// Whether `apt-get` and `dpkg-query` can be used at all.
pub(crate) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && find_program("apt-get").is_some()
}

/// Looks a program up as a shell would; Debian's `sbin` folders count also where `PATH` lacks them.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether something can listen on this port of 127.0.0.1 now.
pub(crate) fn port_is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(socket.local_addr()?.port())
}

/// How many cores we may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Waits until the machine has next to nothing to do, for as long as `limit` at most: what the run before this one left
/// behind, as requests that PHP still answers for nobody, must not be paid for by the next.
pub(crate) fn settle(limit: Duration) {
    const LOOK: Duration = Duration::from_millis(100);
    // Hundredths of a second that all cores together may be busy in one look.
    let little = 2 * cores() as u64;
    let mut before = busy();
    process::wait_until(limit, || {
        process::pause(LOOK);
        let now = busy();
        now - std::mem::replace(&mut before, now) <= little
    });
}

/// Hundredths of a second that the cores have been at work since the start of the machine (proc(5), `/proc/stat`).
fn busy() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let figures = stat.lines().next().unwrap_or_default().split_whitespace();
    let figures: Vec<u64> = figures
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    // user, nice, system; idle and iowait; irq, softirq.
    [0, 1, 2, 5, 6]
        .iter()
        .filter_map(|&at| figures.get(at))
        .sum()
}
