//! Closed-loop load with `wrk`; a script inside it looks at every answer's status and length.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::run_quietly;

/// What every answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
}

/// One run of load.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) url: String,
    pub(crate) connections: usize,
    pub(crate) seconds: u32,
    pub(crate) headers: Vec<String>,
    pub(crate) expected: Expected,
    /// The cores `wrk` may use, as `taskset` wants them.
    pub(crate) cores: Option<String>,
}

/// What `wrk` measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Answers that were not as expected, and failures of sockets.
    pub(crate) errors: u64,
}

const SCRIPT: &str = r#"
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  bad = 0
  status, shortest, longest = tonumber(arguments[1]), tonumber(arguments[2]), tonumber(arguments[3])
end

function response(got, headers, body)
  if got ~= status or #body < shortest or #body > longest then
    bad = bad + 1
  end
end

function done(summary, latency, requests)
  local wrong = 0
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("bad")
  end
  local e = summary.errors
  io.write(string.format("measured requests=%d us=%d p50=%d p99=%d errors=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    wrong + e.connect + e.read + e.write + e.timeout))
end
"#;

/// Writes the script for `wrk` into a folder.
pub(crate) fn write_script(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("check.lua");
    std::fs::write(&path, SCRIPT).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Runs `wrk` once.
pub(crate) fn run(script: &Path, load: &Load) -> Result<Measured> {
    let mut command = match &load.cores {
        Some(cores) => {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", cores, "wrk"]);
            command
        }
        None => Command::new("wrk"),
    };
    command.args([
        "--threads",
        "1",
        "--connections",
        &load.connections.to_string(),
    ]);
    command.args([
        "--duration",
        &format!("{}s", load.seconds),
        "--timeout",
        "10s",
    ]);
    for header in &load.headers {
        command.args(["--header", header]);
    }
    let Expected {
        status,
        shortest,
        longest,
    } = load.expected;
    command.arg("--script").arg(script).arg(&load.url).arg("--");
    command.args([
        status.to_string(),
        shortest.to_string(),
        longest.to_string(),
    ]);
    let text = run_quietly(&mut command)?;
    parse(&text).with_context(|| format!("wrk told no figures:\n{text}"))
}

fn parse(text: &str) -> Option<Measured> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("measured "))?;
    let value = |name: &str| -> Option<f64> {
        line.split(' ')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    Some(Measured {
        requests: value("requests")? as u64,
        seconds: value("us")? / 1e6,
        p50_ms: value("p50")? / 1e3,
        p99_ms: value("p99")? / 1e3,
        errors: value("errors")? as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_s_line_is_understood() {
        let text =
            "Running 1s test\nmeasured requests=1000 us=2000000 p50=1500 p99=9000 errors=2\n";
        let expected = Measured {
            requests: 1000,
            seconds: 2.0,
            p50_ms: 1.5,
            p99_ms: 9.0,
            errors: 2,
        };
        assert_eq!(parse(text), Some(expected));
    }
}
