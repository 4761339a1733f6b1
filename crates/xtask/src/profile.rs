//! `cargo xtask profile`: runs the workloads of the bench on a build that counts, and keeps the counts for release
//! builds, which lay the code out by them.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser};

use crate::bench;
use crate::process::{run, run_quietly};
use crate::{progress, repository};

const USAGE: &str = "\
usage: cargo xtask profile

  Records benches/portunus.rustc-RELEASE.profdata, by which release builds are laid out.
  Needs llvm-profdata: rustup component add llvm-tools.";

/// Runs the command.
pub(crate) fn main(mut arguments: Parser) -> Result<ExitCode> {
    if let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let compiler = Compiler::ask()?;
    let counts = repository::scratch("profile/counts")?;
    std::fs::remove_dir_all(&counts)?;
    let binary = progress::step("build Portunus so that it counts", || {
        repository::build_counting_server(&counts)
    })?;
    bench::exercise(&binary)?;
    let profile = repository::root().join(format!(
        "benches/portunus.rustc-{}.profdata",
        compiler.release
    ));
    let mut merge = Command::new(&compiler.profdata);
    merge
        .args(["merge", "--sparse", "--output"])
        .arg(&profile)
        .arg(&counts);
    run(&mut merge).context("the counts cannot be put together")?;
    println!("{}", profile.display());
    Ok(ExitCode::SUCCESS)
}

/// What is to be known of rustc.
struct Compiler {
    /// Its release, which the names of functions depend on.
    release: String,
    profdata: PathBuf,
}

impl Compiler {
    fn ask() -> Result<Self> {
        let rustc = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let version = run_quietly(rustc().arg("-vV"))?;
        let release = version
            .lines()
            .find_map(|line| line.strip_prefix("release: "));
        let libraries =
            PathBuf::from(run_quietly(rustc().args(["--print", "target-libdir"]))?.trim());
        let profdata = libraries.with_file_name("bin").join("llvm-profdata");
        if !profdata.is_file() {
            bail!(
                "there is no {}: rustup component add llvm-tools",
                profdata.display()
            );
        }
        Ok(Self {
            release: release
                .context("rustc does not tell its release")?
                .to_owned(),
            profdata,
        })
    }
}
