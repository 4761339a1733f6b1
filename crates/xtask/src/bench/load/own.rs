//! Load by `portunus-loadgen`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Load, Measured};

/// Runs the generator once.
pub(super) fn run(program: &Path, load: &Load) -> Result<Measured> {
    let mut command = load.command(program);
    command
        .arg(format!("127.0.0.1:{}", load.port))
        .arg(&load.target);
    command.args(["--clients", &load.connections.to_string(), "--grace", "0"]);
    command.args(["--seconds", &load.seconds.to_string()]);
    command.args(["--status", &load.expected.status.to_string()]);
    if let Some(file) = &load.expected.file {
        command.arg("--body").arg(file);
    } else if load.expected.shortest == load.expected.longest {
        command.args(["--length", &load.expected.longest.to_string()]);
    }
    for header in &load.headers {
        command.args(["--header", header]);
    }
    if let Some(length) = load.sends {
        command.args(["--method", "POST", "--body-bytes", &length.to_string()]);
    }
    let text = report_of(&mut command)?;
    parse(&text).with_context(|| format!("the load generator told no figures: {text}"))
}

/// What the generator prints; that requests failed is a figure, not an error of ours.
fn report_of(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run the load generator")?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn parse(text: &str) -> Option<Measured> {
    let failed = number(text, "failed")?;
    Some(Measured {
        requests: number(text, "good").unwrap_or(0.0) as u64,
        seconds: number(text, "seconds")?,
        p50_ms: number(text, "p50")?,
        p99_ms: number(text, "p99")?,
        errors: failed as u64,
    })
}

/// The number behind `"name":`.
pub(crate) fn number(json: &str, name: &str) -> Option<f64> {
    let key = format!("\"{name}\":");
    let rest = &json[json.find(&key)? + key.len()..];
    rest.split([',', '}']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_understood() {
        let text = "{\"seconds\":2.000,\"begun\":10,\"failed\":1,\"good_per_second\":4.50,\"body_bytes\":0,\
                    \"outcomes\":{\"good\":9,\"reset\":1},\"statuses\":{\"200\":9},\
                    \"latency_ms\":{\"p50\":0.500,\"p90\":1.000,\"p99\":7.250,\"p999\":8.000,\"max\":9.000}}";
        let expected = Measured {
            requests: 9,
            seconds: 2.0,
            p50_ms: 0.5,
            p99_ms: 7.25,
            errors: 1,
        };
        assert_eq!(parse(text), Some(expected));
    }
}
