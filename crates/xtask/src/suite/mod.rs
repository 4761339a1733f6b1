//! `cargo xtask nginx-suite`: nginx's own test suite as the judge of our binary. The suite itself is
//! never part of the repository; the developer gives a checkout.

mod report;
mod runner;
mod sandbox;
mod table;
mod tap;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::process::watch_for_interrupts;
use crate::repository::{self, Profile};
use report::Report;
use runner::{FileRun, Pace, run_all};
use sandbox::Sandbox;
use table::Row;

const USAGE: &str = "\
usage: cargo xtask nginx-suite DIR [OPTIONS] [FILE.t…]

  DIR             a checkout of https://github.com/nginx/nginx-tests
  --tier N        the files of tier 1 (default) or 2, or `all`
  --group NAME    the files of this group alone
  --binary PATH   the server to judge (default: portunus, built now)
  --limit SECONDS time limit of one file (default 60)
  -j N            files at a time (default 2)
  --update        write the numbers of passed checks into tests/nginx-suite.tsv
  -v              show what failing files wrote to standard error";

/// What the command line asks for.
struct Options {
    suite: PathBuf,
    tier: Option<String>,
    group: Option<String>,
    files: Vec<String>,
    binary: Option<PathBuf>,
    pace: Pace,
    update: bool,
    verbose: bool,
}

/// Where the table lies.
fn table_path() -> PathBuf {
    repository::root().join("tests/nginx-suite.tsv")
}

/// Runs the command; fails when a check is lost that the table has as passed.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let mut rows = table::load(&table_path())?;
    let binary = match &options.binary {
        Some(path) => path.clone(),
        None => repository::build_server(Profile::Dev)?,
    };
    let sandbox = Sandbox::prepare(&options.suite, &binary)?;
    let files = options.choose(&rows, &sandbox)?;
    watch_for_interrupts();
    let report = judge(&sandbox, &options, &rows, files);
    report.print(&rows);
    if options.update {
        report.update(&mut rows);
        table::save(&table_path(), &rows)?;
    }
    Ok(if report.lost(&rows) == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the files; those that fall behind the table get a second chance, alone: many of them measure time.
fn judge(sandbox: &Sandbox, options: &Options, rows: &[Row], files: Vec<String>) -> Report {
    let mut report = Report::default();
    let (total, mut count) = (files.len(), 0);
    run_all(sandbox, files, options.pace, |run| {
        count += 1;
        print!("[{count}/{total}] ");
        show(&run, rows, options.verbose);
        report.take(run);
    });
    let alone = Pace {
        jobs: 1,
        ..options.pace
    };
    run_all(sandbox, report.behind(rows), alone, |run| {
        print!("again: ");
        show(&run, rows, options.verbose);
        report.take(run);
    });
    report
}

fn show(run: &FileRun, rows: &[Row], verbose: bool) {
    println!("{}", report::line(run, rows));
    if verbose && !run.diagnostics.is_empty() && !report::is_clean(run) {
        println!("{}", run.diagnostics.trim_end());
    }
}

impl Options {
    fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let pace = Pace {
            jobs: 2,
            limit: Duration::from_secs(60),
        };
        let (suite, files) = (PathBuf::new(), Vec::new());
        let (tier, group, binary) = (None, None, None);
        let mut options = Self {
            suite,
            tier,
            group,
            files,
            binary,
            pace,
            update: false,
            verbose: false,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("tier") => options.tier = Some(arguments.value()?.string()?),
                Arg::Long("group") => options.group = Some(arguments.value()?.string()?),
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("limit") => {
                    options.pace.limit = Duration::from_secs(arguments.value()?.parse()?);
                }
                Arg::Short('j') => options.pace.jobs = arguments.value()?.parse()?,
                Arg::Long("update") => options.update = true,
                Arg::Short('v') => options.verbose = true,
                Arg::Value(dir) if options.suite.as_os_str().is_empty() => {
                    options.suite = dir.into();
                }
                Arg::Value(file) => options.files.push(file.string()?),
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok((!options.suite.as_os_str().is_empty()).then_some(options))
    }

    /// The files to run: those named, else those of the tier and group that the checkout has.
    fn choose(&self, rows: &[Row], sandbox: &Sandbox) -> Result<Vec<String>> {
        if !self.files.is_empty() {
            let unknown = self.files.iter().find(|file| !sandbox.has(file));
            return match unknown {
                Some(file) => bail!("the checkout has no {file}"),
                None => Ok(self.files.clone()),
            };
        }
        let tier = format!("T{}", self.tier.as_deref().unwrap_or("1"));
        let chosen = rows.iter().filter(|row| {
            let in_tier = tier == "Tall" || row.tier == tier;
            in_tier && self.group.as_ref().is_none_or(|group| *group == row.group)
        });
        let (present, absent): (Vec<_>, Vec<_>) = chosen
            .map(|row| row.file.clone())
            .partition(|file| sandbox.has(file));
        if !absent.is_empty() {
            println!("not in this checkout: {}", absent.join(" "));
        }
        if present.is_empty() {
            return Err(anyhow::anyhow!("nothing to run"))
                .context("no file of that tier and group");
        }
        Ok(present)
    }
}
