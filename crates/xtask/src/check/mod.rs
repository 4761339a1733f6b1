//! `cargo xtask test`: installs what the tests need, runs every step, and ends with one plain line.

mod browser;
mod steps;
mod tally;

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
  --skip STEP    leave this step out; may be repeated";

/// What became of one step.
struct Verdict {
    step: &'static Step,
    tally: Tally,
    time: Duration,
}

/// Runs the command; fails when any step failed.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(chosen) = parse_steps(arguments)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let verdicts: Vec<Verdict> = chosen.into_iter().map(run_step).collect();
    Ok(report(&verdicts))
}

/// The steps to run, or none where the options only asked for text.
fn parse_steps(mut arguments: Parser) -> Result<Option<Vec<&'static Step>>> {
    let (mut only, mut skip) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("only") => only.push(find_step(&arguments.value()?.string()?)?),
            Arg::Long("skip") => skip.push(find_step(&arguments.value()?.string()?)?),
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
    let wanted = |step: &&'static Step| {
        let named = |names: &[&'static str]| names.contains(&step.name);
        (only.is_empty() || named(&only)) && !named(&skip)
    };
    Ok(Some(STEPS.iter().filter(wanted).collect()))
}

fn find_step(name: &str) -> Result<&'static str> {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step `{name}`; there are: {}", names.join(", "));
    };
    Ok(step.name)
}

fn run_step(step: &'static Step) -> Verdict {
    println!("── {}: {}", step.name, step.what);
    let start = Instant::now();
    let tally = (step.run)().unwrap_or_else(|error| {
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
