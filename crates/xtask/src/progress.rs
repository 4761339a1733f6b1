//! What the developer sees: one line per step, with a mark and the time it took.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs one step and prints `… name` while it runs, `✓ name (1.2 s)` or `✗ name` after it.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    announce(name);
    let start = Instant::now();
    let result = work();
    let mark = if result.is_ok() { '✓' } else { '✗' };
    conclude(mark, name, &seconds(start.elapsed()));
    result
}

/// Like [`step`], for work that tells in a few words what it found.
pub(crate) fn step_saying(name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    announce(name);
    let start = Instant::now();
    match work() {
        Ok(found) => {
            conclude('✓', name, &format!("{found}, {}", seconds(start.elapsed())));
            Ok(())
        }
        Err(error) => {
            conclude('✗', name, &seconds(start.elapsed()));
            Err(error)
        }
    }
}

/// `12.3 s`, or `2 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole >= 60 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

fn announce(name: &str) {
    println!("… {name}");
    // Nothing is lost when the terminal has gone.
    let _ = std::io::stdout().flush();
}

fn conclude(mark: char, name: &str, note: &str) {
    println!("{} {name} ({note})", coloured(mark));
    let _ = std::io::stdout().flush();
}

/// The mark in green or red on a terminal.
pub(crate) fn coloured(mark: char) -> String {
    if !std::io::stdout().is_terminal() {
        return mark.to_string();
    }
    let colour = if mark == '✓' { 32 } else { 31 };
    format!("\x1b[{colour}m{mark}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
