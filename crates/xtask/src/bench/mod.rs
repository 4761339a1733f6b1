//! `cargo xtask bench`: nginx and Portunus in turn, on the same configuration and machine, in one go.

mod contender;
mod content;
mod load;
mod measure;
mod results;
mod shape;
mod usage;
mod workloads;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::application::Application;
use crate::fill::Values;
use crate::php::Pool;
use crate::process::watch_for_interrupts;
use crate::repository::{self, Profile};
use crate::{machine, packages, progress};
use contender::Stage;
use load::Tools;
use measure::{Effort, Row};
use results::Section;
use workloads::{Backend, WORKLOADS, Workload};

const USAGE: &str = "\
usage: cargo xtask bench [OPTIONS] [WORKLOAD…]

  --list         list the workloads
  --peers        also lighttpd and H2O, where a workload knows them
  --runs N       rounds, of which the median is taken (default 5)
  --seconds N    length of one run (default 3)
  --binary PATH  the server to measure (default: portunus, built for release now)
  --no-write     print only; else the sections measured are renewed in benches/RESULTS.md";

/// What the command line asks for.
struct Options {
    workloads: Vec<Workload>,
    peers: bool,
    effort: Effort,
    binary: Option<PathBuf>,
    write: bool,
}

/// Runs the command; fails when an answer was wrong or a workload could not be run.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        return Ok(ExitCode::SUCCESS);
    };
    progress::step_saying("packages", || packages::ensure(&options.packages()?))?;
    let binary = match &options.binary {
        Some(path) => std::path::absolute(path)?,
        None => progress::step("build Portunus for release", || {
            repository::build_server(Profile::Release)
        })?,
    };
    let own = progress::step("build the load generator", repository::build_load_generator)?;
    let tools = Tools::prepare(&repository::scratch("bench")?, own)?;
    watch_for_interrupts();
    let (mut sections, mut failed) = (Vec::new(), Vec::new());
    for workload in &options.workloads {
        println!("{}: {}", workload.name, workload.title);
        match options.measure(workload, &binary, &tools) {
            Ok(rows) => {
                let table = results::render_rows(&rows);
                println!("{table}");
                if rows.iter().any(|row| row.errors > 0) {
                    failed.push(workload.name);
                }
                sections.push(options.section(workload, &table));
            }
            Err(error) => {
                println!("{error:#}");
                failed.push(workload.name);
            }
        }
    }
    if options.write && !sections.is_empty() {
        let order: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
        let path = repository::root().join("benches/RESULTS.md");
        results::write(&path, &shape::head(&binary), &sections, &order)?;
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

impl Options {
    fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let effort = Effort {
            runs: 5,
            seconds: 3,
        };
        let workloads = Vec::new();
        let mut options = Self {
            workloads,
            peers: false,
            effort,
            binary: None,
            write: true,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("peers") => options.peers = true,
                Arg::Long("runs") => options.effort.runs = arguments.value()?.parse()?,
                Arg::Long("seconds") => options.effort.seconds = arguments.value()?.parse()?,
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("no-write") => options.write = false,
                Arg::Long("list") => {
                    WORKLOADS
                        .iter()
                        .for_each(|w| println!("{:<14} {}", w.name, w.title));
                    return Ok(None);
                }
                Arg::Long("help") | Arg::Short('h') => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                Arg::Value(name) => options.workloads.push(find_workload(&name.string()?)?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        if options.workloads.is_empty() {
            options.workloads = WORKLOADS.to_vec();
        }
        Ok(Some(options))
    }

    fn packages(&self) -> Result<Vec<String>> {
        let mut wanted = vec!["nginx".to_owned(), "wrk".to_owned()];
        if self.peers {
            wanted.extend(["lighttpd", "h2o"].map(String::from));
        }
        if self
            .workloads
            .iter()
            .any(|workload| workload.backend != Backend::None)
        {
            wanted.push("php8.2-fpm".into());
        }
        if self
            .workloads
            .iter()
            .any(|workload| workload.backend == Backend::Application)
        {
            wanted.extend(packages::of_application()?);
        }
        Ok(wanted)
    }

    fn measure(&self, workload: &Workload, binary: &Path, tools: &Tools) -> Result<Vec<Row>> {
        let folder = repository::scratch("bench")?;
        let (root, fpm) = prepare_content(workload.backend, &folder)?;
        let pinned = workload.pinned && machine::cores() > 1;
        let values = Values::default().with("SERVERS", content::many_servers());
        let stage = Stage {
            binary: binary.to_owned(),
            folder,
            values: values.with("ROOT", root.display().to_string()),
            workers: if workload.pinned {
                "1".into()
            } else {
                "auto".into()
            },
            cores: pinned.then(|| "0".into()),
            probe: workload.target.to_owned(),
            fpm,
        };
        let mut contenders = workload.contenders.to_vec();
        if self.peers {
            contenders.extend(workload.peers);
        }
        measure::run(workload, &contenders, &stage, &root, tools, self.effort)
    }

    fn section(&self, workload: &Workload, table: &str) -> Section {
        let Effort { runs, seconds } = self.effort;
        let text = format!(
            "{}; GET {}, {} connections.\n\n{table}\n{}, median of {runs} rounds of {seconds} s.\n",
            workload.title,
            workload.target,
            workload.connections,
            shape::provenance(),
        );
        Section {
            name: workload.name.to_owned(),
            text,
        }
    }
}

/// The document root, and the PHP pool where there is one.
fn prepare_content(backend: Backend, folder: &Path) -> Result<(PathBuf, Option<Pool>)> {
    let root = folder.join("www");
    content::make(&root)?;
    Ok(match backend {
        Backend::None => (root, None),
        Backend::Hello => (root, Some(Pool::plain(8))),
        Backend::Application => {
            let application = Application::prepare(&folder.join("state"), true)?;
            (application.public(), Some(application.pool(8)))
        }
    })
}

fn find_workload(name: &str) -> Result<Workload> {
    match WORKLOADS.iter().find(|workload| workload.name == name) {
        Some(workload) => Ok(*workload),
        None => bail!("no workload `{name}`; --list lists them"),
    }
}
