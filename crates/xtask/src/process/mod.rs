//! Child processes: run one to its end, watch one, end one by its id. Never by name.

mod group;
mod signals;

use std::ffi::OsStr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

pub(crate) use group::{Group, Output};
pub(crate) use signals::{Signal, interrupted, watch_for_interrupts};

/// Runs a command to its end with our own input and output.
///
/// # Errors
/// When it cannot be started or does not end with success; the message holds the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed, both streams.
///
/// # Errors
/// When it cannot be started or fails; the message ends with its last lines.
pub(crate) fn run_quietly(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output = command
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!(
            "`{line}` ended with {}:\n{}",
            output.status,
            last_lines(&text, 15)
        );
    }
    Ok(text)
}

/// The last `count` lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Asks `ready` every 20 ms until it says yes; says no when `limit` has passed or Ctrl-C was pressed.
pub(crate) fn wait_until(limit: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if ready() {
            return true;
        }
        if Instant::now() >= deadline || interrupted() {
            return false;
        }
        pause(Duration::from_millis(20));
    }
}

/// Lets time pass.
#[allow(
    clippy::disallowed_methods,
    reason = "no runtime here whose thread could be blocked"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
