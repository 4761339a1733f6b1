//! `cargo xtask bench`: nginx and Portunus in turn, on the same configuration and machine, in one go.

mod comparison;
mod contender;
mod content;
mod load;
mod measure;
mod options;
mod results;
mod scenario;
mod shape;
mod usage;
mod workloads;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::Parser;

use crate::application::Application;
use crate::fill::Values;
use crate::php::Pool;
use crate::process::{interrupted, watch_for_interrupts};
use crate::repository::{self, Profile};
use crate::{machine, packages, progress};
use comparison::Comparison;
use contender::{Kind, Stage};
use load::Tools;
use measure::Effort;
use options::{Item, Options};
use results::Section;
use scenario::{Lab, Scenario};
use workloads::{Backend, Workload};

/// Everything that is ready before the first measurement.
struct Bench {
    options: Options,
    tools: Tools,
    lab: Lab,
}

/// The text of a section, and whether every answer was as it must be.
struct Measured {
    text: String,
    all_good: bool,
}

/// Runs the command; fails when an answer was wrong or something could not be run.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let bench = Bench::prepare(options)?;
    watch_for_interrupts();
    let (mut sections, mut failed) = (Vec::new(), Vec::new());
    for item in &bench.options.items {
        println!("{}: {}", item.name(), item.title());
        let all_good = match bench.measure(*item) {
            Ok(Measured { text, all_good }) => {
                println!("{text}");
                sections.push(Section {
                    name: item.name().to_owned(),
                    text,
                });
                all_good
            }
            Err(error) => {
                println!("{error:#}");
                false
            }
        };
        if !all_good {
            failed.push(item.name());
        }
        if interrupted() {
            break;
        }
    }
    if bench.options.write && !sections.is_empty() {
        let order: Vec<&str> = Item::all().into_iter().map(Item::name).collect();
        let path = repository::root().join("benches/RESULTS.md");
        results::write(&path, &shape::head(&bench.lab.binary), &sections, &order)?;
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Runs all workloads on `binary` alone, and shows what comes of it.
///
/// # Errors
/// When one of them cannot be run, or has a wrong answer.
pub(crate) fn exercise(binary: &Path) -> Result<()> {
    let bench = Bench::prepare(Options::exercise(binary))?;
    watch_for_interrupts();
    for item in &bench.options.items {
        let Measured { text, all_good } = bench.measure(*item)?;
        println!("{}: {text}", item.name());
        if !all_good {
            bail!("wrong answers: {}", item.name());
        }
    }
    Ok(())
}

impl Bench {
    /// Installs, builds, and makes what is served.
    fn prepare(options: Options) -> Result<Self> {
        progress::step_saying("packages", || packages::ensure(&options.packages()?))?;
        let binary = match &options.binary {
            Some(path) => std::path::absolute(path)?,
            None => progress::step("build Portunus for release", || {
                repository::build_server(Profile::Release)
            })?,
        };
        let build = repository::build_load_generator;
        let generator = progress::step("build the load generator", build)?;
        let folder = repository::scratch("bench")?;
        let root = folder.join("www");
        content::make(&root)?;
        let tools = Tools::prepare(&folder, generator.clone())?;
        Ok(Self {
            options,
            tools,
            lab: Lab {
                binary,
                generator,
                folder,
                root,
            },
        })
    }

    fn measure(&self, item: Item) -> Result<Measured> {
        match item {
            Item::Workload(workload) => self.run_workload(workload),
            Item::Scenario(scenario) => self.play_scenario(scenario),
            Item::Comparison(comparison) => compare(comparison),
        }
    }

    fn run_workload(&self, workload: &Workload) -> Result<Measured> {
        let (root, fpm) = self.backend(workload.backend)?;
        let pinned = workload.pinned && machine::cores() > 1;
        let values = Values::default().with("SERVERS", content::many_servers());
        let stage = Stage {
            binary: self.lab.binary.clone(),
            folder: self.lab.folder.clone(),
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
        if self.options.peers {
            contenders.extend(workload.peers);
        }
        if self.options.alone {
            contenders.retain(|contender| contender.kind == Kind::Portunus);
        }
        let effort = self.options.effort;
        let rows = measure::run(workload, &contenders, &stage, &root, &self.tools, effort)?;
        let Effort { runs, seconds } = effort;
        let anew = match workload.started_anew {
            true => ", the servers started anew for each",
            false => "",
        };
        let text = format!(
            "{}; {} {}, {} connections.\n\n{}\n{}, median of {runs} rounds of {seconds} s{anew}.\n",
            workload.title,
            workload.sends.map_or("GET", |_| "POST"),
            workload.target,
            workload.connections,
            results::render_rows(&rows),
            shape::provenance(),
        );
        Ok(Measured {
            text,
            all_good: rows.iter().all(|row| row.errors == 0),
        })
    }

    /// What a contender makes of a scenario is a figure, good or bad, not an error.
    fn play_scenario(&self, scenario: &Scenario) -> Result<Measured> {
        let table = scenario.run(&self.lab)?;
        let text = format!("{}.\n\n{table}\n{}.\n", scenario.title, shape::provenance());
        Ok(Measured {
            text,
            all_good: true,
        })
    }

    /// The document root, and the PHP pool where there is one.
    fn backend(&self, backend: Backend) -> Result<(PathBuf, Option<Pool>)> {
        Ok(match backend {
            Backend::None => (self.lab.root.clone(), None),
            Backend::Hello => (self.lab.root.clone(), Some(Pool::plain(8))),
            Backend::Application => {
                let application = Application::prepare(&self.lab.folder.join("state"), true)?;
                (application.public(), Some(application.pool(8)))
            }
        })
    }
}

fn compare(comparison: &Comparison) -> Result<Measured> {
    let table = comparison.run()?;
    let text = format!(
        "{}.\n\n{table}\n{}.\n",
        comparison.title,
        shape::provenance()
    );
    Ok(Measured {
        text,
        all_good: true,
    })
}
