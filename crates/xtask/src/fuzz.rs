//! `cargo xtask fuzz SECONDS`: every fuzz target of every crate, where nightly and cargo-fuzz are present.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::process::run_quietly;
use crate::progress;
use crate::repository;

const USAGE: &str = "\
usage: cargo xtask fuzz SECONDS [TARGET…]

  Runs each fuzz target below crates/*/fuzz for SECONDS, or those named.
  Needs a nightly toolchain and cargo-fuzz.";

/// Runs the command; fails when a target found something.
pub(crate) fn main(mut arguments: Parser) -> Result<ExitCode> {
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(word) => words.push(word.string()?),
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let Some((seconds, wanted)) = words.split_first() else {
        bail!("{USAGE}")
    };
    let seconds: u32 = seconds
        .parse()
        .with_context(|| format!("`{seconds}` is no number"))?;
    if let Some(lack) = what_is_lacking() {
        println!("nothing was fuzzed: {lack}");
        println!("the same targets run from their seeds as tests instead");
        return run_as_tests();
    }
    run_targets(seconds, wanted)
}

fn run_targets(seconds: u32, wanted: &[String]) -> Result<ExitCode> {
    let (mut passed, mut failed) = (0, Vec::new());
    for folder in fuzz_folders()? {
        for target in targets_of(&folder)? {
            if !wanted.is_empty() && !wanted.contains(&target) {
                continue;
            }
            let name = format!("fuzz {} {target}", crate_of(&folder));
            match progress::step(&name, || fuzz_one(&folder, &target, seconds)) {
                Ok(()) => passed += 1,
                Err(error) => {
                    println!("{error:#}");
                    failed.push(name);
                }
            }
        }
    }
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    println!("{passed} passed, {} failed", failed.len());
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The targets as bounded property tests, on the stable toolchain.
fn run_as_tests() -> Result<ExitCode> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--test", "fuzz"])
        .current_dir(repository::root());
    let passed = command.status().context("cannot run cargo")?.success();
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why fuzzing is not possible here, if it is not.
fn what_is_lacking() -> Option<&'static str> {
    let works = |command: &mut Command| command.output().is_ok_and(|o| o.status.success());
    if !works(Command::new("cargo").args(["+nightly", "--version"])) {
        return Some("there is no nightly toolchain (rustup toolchain install nightly)");
    }
    if !works(Command::new("cargo").args(["+nightly", "fuzz", "--version"])) {
        return Some("there is no cargo-fuzz (cargo install cargo-fuzz)");
    }
    None
}

/// The `fuzz` folders of our crates, in order.
fn fuzz_folders() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(repository::root().join("crates"))? {
        let folder = entry?.path().join("fuzz");
        if folder.join("Cargo.toml").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

fn targets_of(folder: &Path) -> Result<Vec<String>> {
    let mut list = nightly_fuzz(folder, "list");
    Ok(run_quietly(&mut list)?.lines().map(str::to_owned).collect())
}

/// The crate that a fuzz folder belongs to.
fn crate_of(folder: &Path) -> String {
    let name = folder
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Fuzzes one target; what libFuzzer says is shown when it has found something.
fn fuzz_one(folder: &Path, target: &str, seconds: u32) -> Result<()> {
    let mut command = nightly_fuzz(folder, "run");
    // One folder for all, so that what they share is built once.
    command
        .arg("--target-dir")
        .arg(repository::target_dir().join("fuzz"));
    let corpus = corpus(folder, target)?;
    command.arg(target).arg(corpus).args([
        "--",
        &format!("-max_total_time={seconds}"),
        "-timeout=10",
    ]);
    run_quietly(&mut command).map(drop)
}

/// The folder where what a target has found interesting is kept, with the seeds in it.
fn corpus(folder: &Path, target: &str) -> Result<PathBuf> {
    let corpus = repository::target_dir()
        .join("fuzz/corpus")
        .join(crate_of(folder))
        .join(target);
    std::fs::create_dir_all(&corpus)?;
    let of_crate = folder.parent().unwrap_or(folder);
    for (number, seed) in portunus_testkit::seeds(of_crate, target).iter().enumerate() {
        std::fs::write(corpus.join(format!("seed-{number}")), seed)?;
    }
    Ok(corpus)
}

/// `cargo +nightly fuzz …`, found anew: the `CARGO` of our own run is the stable one.
fn nightly_fuzz(folder: &Path, verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", verb]);
    command.current_dir(folder.parent().unwrap_or(folder));
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}
