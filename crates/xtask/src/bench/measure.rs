//! One workload from start to end: servers up, answers probed, runs interleaved, medians taken.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::contender::{self, Contender, Running, Stage};
use super::load::{Expected, Load, Measured, Tools};
use super::usage::{CpuReading, resident_bytes};
use super::workloads::{Body, Workload};
use crate::http::{self, Answer};
use crate::machine;
use crate::process::{Group, Output, interrupted};

/// How often and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) runs: usize,
    pub(crate) seconds: u32,
}

/// The medians of one contender.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) requests_per_second: f64,
    pub(crate) cpu_microseconds: f64,
    /// Against the first contender, round by round: a machine that changes its pace changes both.
    pub(crate) rate_ratio: f64,
    pub(crate) cpu_ratio: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) resident_mib: f64,
    pub(crate) errors: u64,
}

/// One run of one contender.
#[derive(Clone, Copy, Debug)]
struct Sample {
    measured: Measured,
    cpu_seconds: f64,
    /// Afterwards.
    resident_bytes: u64,
}

/// How long a run may wait for what the run before it left behind.
const LONGEST_REST: Duration = Duration::from_secs(3);

/// Runs a workload on its stage.
///
/// # Errors
/// When a server does not start or its answer is not what it must be; the message says which.
pub(crate) fn run(
    workload: &Workload,
    contenders: &[Contender],
    stage: &Stage,
    root: &Path,
    tools: &Tools,
    effort: Effort,
) -> Result<Vec<Row>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    let (starts, rounds) = match workload.started_anew {
        true => (effort.runs, 1),
        false => (1, effort.runs),
    };
    let mut places: Vec<usize> = (0..contenders.len()).collect();
    for _ in 0..starts {
        let mut group = Group::new(Output::Logged(stage.folder.join("logs")));
        let mut entrants = Vec::new();
        for contender in contenders {
            let running = contender::start(&mut group, *contender, stage)?;
            let load = prepare_load(workload, running, stage, root, effort)
                .with_context(|| format!("{} on {}", contender.label, workload.name))?;
            tools.run(&Load {
                seconds: 1,
                ..load.clone()
            })?;
            entrants.push((running, load));
        }
        for _ in 0..rounds {
            for &place in &places {
                if interrupted() {
                    bail!("interrupted");
                }
                machine::settle(LONGEST_REST);
                let (running, load) = &entrants[place];
                samples[place].push(measure(*running, load, tools)?);
            }
            // Who comes last may meet another machine than who came first: each is that in turn.
            places.rotate_left(1);
            print!(".");
            let _ = std::io::stdout().flush();
        }
    }
    println!();
    let base = samples.first().map_or(&[][..], Vec::as_slice);
    let rows = contenders.iter().zip(&samples);
    Ok(rows
        .map(|(contender, samples)| summarise(contender.label, samples, base))
        .collect())
}

fn measure(running: Running, load: &Load, tools: &Tools) -> Result<Sample> {
    let before = CpuReading::take(running.pid);
    let measured = tools.run(load)?;
    Ok(Sample {
        measured,
        cpu_seconds: CpuReading::take(running.pid).since(&before),
        resident_bytes: resident_bytes(running.pid),
    })
}

fn prepare_load(
    workload: &Workload,
    running: Running,
    stage: &Stage,
    root: &Path,
    effort: Effort,
) -> Result<Load> {
    let expected = probe(workload, running.port, root)?;
    Ok(Load {
        tool: workload.tool,
        port: running.port,
        target: workload.target.to_owned(),
        connections: workload.connections,
        seconds: effort.seconds,
        sends: workload.sends,
        headers: workload
            .headers
            .iter()
            .map(|&header| header.to_owned())
            .collect(),
        expected,
        cores: stage.cores.as_ref().map(|_| load_cores()),
    })
}

/// The cores that are left for the load when the server has the first.
fn load_cores() -> String {
    match crate::machine::cores() {
        0..=2 => "1".into(),
        cores => format!("1-{}", cores - 1),
    }
}

/// Asks once and says what every later answer must be.
fn probe(workload: &Workload, port: u16, root: &Path) -> Result<Expected> {
    let answer = http::request(port, workload.target, workload.headers)?;
    if answer.status != 200 {
        bail!("GET {} is answered with {}", workload.target, answer.status);
    }
    let got = answer.body.len();
    let exactly = |length: usize| Expected {
        status: 200,
        shortest: length,
        longest: length,
        file: None,
    };
    let expected = match workload.body {
        Body::Length(length) => exactly(length),
        Body::File => {
            let length = file_of(workload, root)?.len();
            Expected {
                file: Some(path_of(workload, root)),
                ..exactly(length)
            }
        }
        Body::GzipOfFile => {
            if gunzip(&answer)? != file_of(workload, root)? {
                bail!("the compressed body is not the file");
            }
            // A server that keeps what it has compressed may find a shorter form than its first.
            Expected {
                shortest: got / 2,
                longest: got,
                ..exactly(got)
            }
        }
        Body::AboutAsProbed => Expected {
            shortest: got - got / 50,
            longest: got + got / 50,
            ..exactly(got)
        },
    };
    if !(expected.shortest..=expected.longest).contains(&got) {
        bail!(
            "GET {} is answered with {got} bytes, not {}",
            workload.target,
            expected.shortest
        );
    }
    Ok(expected)
}

fn path_of(workload: &Workload, root: &Path) -> PathBuf {
    root.join(workload.target.trim_start_matches('/'))
}

fn file_of(workload: &Workload, root: &Path) -> Result<Vec<u8>> {
    let path = path_of(workload, root);
    std::fs::read(&path).with_context(|| path.display().to_string())
}

fn gunzip(answer: &Answer) -> Result<Vec<u8>> {
    if answer.field("content-encoding") != Some("gzip") {
        bail!("the answer is not compressed");
    }
    let mut gzip = Command::new("gzip");
    gzip.args(["--decompress", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = gzip.spawn().context("cannot run gzip")?;
    let mut input = child.stdin.take().expect("stdin was piped");
    let body = answer.body.clone();
    let writer = std::thread::spawn(move || input.write_all(&body));
    let output = child.wait_with_output()?;
    let written = writer.join().is_ok_and(|result| result.is_ok());
    if !written || !output.status.success() {
        bail!("gzip cannot read the body");
    }
    Ok(output.stdout)
}

impl Sample {
    fn requests_per_second(&self) -> f64 {
        self.measured.requests as f64 / self.measured.seconds
    }

    fn cpu_microseconds(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.measured.requests.max(1) as f64
    }
}

/// `base` has what the first contender did in the same rounds.
fn summarise(label: &str, samples: &[Sample], base: &[Sample]) -> Row {
    let median_of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
    let ratio_of = |value: fn(&Sample) -> f64| {
        let rounds = samples.iter().zip(base);
        median(rounds.map(|(own, base)| value(own) / value(base)).collect())
    };
    Row {
        label: label.to_owned(),
        requests_per_second: median_of(Sample::requests_per_second),
        cpu_microseconds: median_of(Sample::cpu_microseconds),
        rate_ratio: ratio_of(Sample::requests_per_second),
        cpu_ratio: ratio_of(Sample::cpu_microseconds),
        p50_ms: median_of(|s| s.measured.p50_ms),
        p99_ms: median_of(|s| s.measured.p99_ms),
        resident_mib: samples.last().map_or(0, |s| s.resident_bytes) as f64 / (1024.0 * 1024.0),
        errors: samples.iter().map(|s| s.measured.errors).sum(),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_same_round() {
        let sample = |microseconds: f64| Sample {
            measured: Measured {
                requests: 1_000_000,
                seconds: 1.0,
                ..Measured::default()
            },
            cpu_seconds: microseconds,
            resident_bytes: 0,
        };
        // The machine goes at half its pace in the second round, and at a third of it in the third.
        let base = [10.0, 20.0, 30.0].map(sample);
        let row = summarise("Portunus", &[5.0, 12.0, 12.0].map(sample), &base);
        assert_eq!((row.cpu_microseconds, row.cpu_ratio), (12.0, 0.5));
        assert_eq!(row.rate_ratio, 1.0);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }
}
