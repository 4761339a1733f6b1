//! Closed-loop load with `wrk`; a script inside it looks at every answer's status and length.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Expected, Load, Measured};
use crate::process::run_quietly;

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
pub(super) fn write_script(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("check.lua");
    std::fs::write(&path, SCRIPT).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Runs `wrk` once.
pub(super) fn run(script: &Path, load: &Load) -> Result<Measured> {
    let mut command = load.command(Path::new("wrk"));
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
        ..
    } = load.expected;
    command
        .arg("--script")
        .arg(script)
        .arg(format!("http://127.0.0.1:{}{}", load.port, load.target))
        .arg("--");
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
