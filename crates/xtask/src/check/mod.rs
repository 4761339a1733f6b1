//! `cargo xtask test`: installs what the tests need, runs every step, and ends with one plain line.

mod browser;
mod steps;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::progress::{coloured, seconds};
use steps::{STEPS, Step};
use tally::Tally;

const USAGE: &str = "\
usage: cargo xtask test [OPTIONS]

  --list         list the steps
  --only STEP    run this step alone; may be repeated
  --skip STEP    leave this step out; may be repeated
  --binary PATH  the server that the browser step uses (default: portunus, built now)";

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    only: Vec<&'static str>,
    skip: Vec<&'static str>,
    /// The server under the browser.
    pub(crate) binary: Option<PathBuf>,
}

/// What became of one step.
struct Verdict {
    step: &'static Step,
    tally: Tally,
    time: Duration,
}

/// Runs the command; fails when any step failed.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let chosen = STEPS.iter().filter(|step| options.wants(step.name));
    let verdicts: Vec<Verdict> = chosen.map(|step| run_step(step, &options)).collect();
    Ok(report(&verdicts))
}

impl Options {
    /// Reads the options; none where they only asked for text.
    fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("only") => options.only.push(find_step(&arguments.value()?.string()?)?),
                Arg::Long("skip") => options.skip.push(find_step(&arguments.value()?.string()?)?),
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("list") => {
                    STEPS
                        .iter()
                        .for_each(|step| println!("{:<10} {}", step.name, step.what));
                    return Ok(None);
                }
                Arg::Long("help") | Arg::Short('h') => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(Some(options))
    }

    fn wants(&self, step: &str) -> bool {
        (self.only.is_empty() || self.only.contains(&step)) && !self.skip.contains(&step)
    }
}

fn find_step(name: &str) -> Result<&'static str> {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step `{name}`; there are: {}", names.join(", "));
    };
    Ok(step.name)
}

fn run_step(step: &'static Step, options: &Options) -> Verdict {
    println!("── {}: {}", step.name, step.what);
    let start = Instant::now();
    let tally = (step.run)(options).unwrap_or_else(|error| {
        println!("{error:#}");
        Tally::one_failed()
    });
    let time = start.elapsed();
    println!("{} {} ({})", mark(tally), step.name, seconds(time));
    Verdict { step, tally, time }
}

/// Prints the table, the failed steps and the line that machines read.
fn report(verdicts: &[Verdict]) -> ExitCode {
    println!(
        "\n  {:<10} {:>12} {:>8} {:>8}",
        "step", "time", "passed", "failed"
    );
    let mut total = Tally::default();
    for Verdict { step, tally, time } in verdicts {
        let (passed, failed) = (tally.passed, tally.failed);
        println!(
            "{} {:<10} {:>12} {passed:>8} {failed:>8}",
            mark(*tally),
            step.name,
            seconds(*time)
        );
        total += *tally;
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.tally.is_clean());
    let failed: Vec<&str> = failed.map(|verdict| verdict.step.name).collect();
    if !failed.is_empty() {
        println!("failed steps: {}", failed.join(", "));
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn mark(tally: Tally) -> String {
    coloured(if tally.is_clean() { '✓' } else { '✗' })
}
