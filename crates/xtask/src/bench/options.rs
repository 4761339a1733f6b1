//! The command line of `cargo xtask bench`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use super::comparison::{COMPARISONS, Comparison};
use super::measure::Effort;
use super::scenario::{SCENARIOS, Scenario};
use super::workloads::{Backend, WORKLOADS, Workload};
use crate::packages;

const USAGE: &str = "\
usage: cargo xtask bench [OPTIONS] [NAME…]

  NAME           a workload, a scenario or a comparison; without any, all workloads alone
  --list         list them
  --all          all of them
  --peers        also lighttpd and H2O, where a workload knows them
  --runs N       rounds, of which the median is taken (default 5)
  --seconds N    length of one run (default 3)
  --binary PATH  the server to measure (default: portunus, built for release now)
  --no-write     print only; else the sections measured are renewed in benches/RESULTS.md";

/// One thing to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item {
    Workload(&'static Workload),
    Scenario(&'static Scenario),
    Comparison(&'static Comparison),
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) items: Vec<Item>,
    pub(crate) peers: bool,
    /// Portunus is not compared with anybody.
    pub(crate) alone: bool,
    pub(crate) effort: Effort,
    pub(crate) binary: Option<PathBuf>,
    pub(crate) write: bool,
}

impl Item {
    /// Everything there is, in the order of the report.
    pub(crate) fn all() -> Vec<Self> {
        let workloads = WORKLOADS.iter().map(Self::Workload);
        let scenarios = SCENARIOS.iter().map(Self::Scenario);
        let comparisons = COMPARISONS.iter().map(Self::Comparison);
        workloads.chain(scenarios).chain(comparisons).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Workload(workload) => workload.name,
            Self::Scenario(scenario) => scenario.name,
            Self::Comparison(comparison) => comparison.name,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Workload(workload) => workload.title,
            Self::Scenario(scenario) => scenario.title,
            Self::Comparison(comparison) => comparison.title,
        }
    }

    fn find(name: &str) -> Result<Self> {
        match Self::all().into_iter().find(|item| item.name() == name) {
            Some(item) => Ok(item),
            None => bail!("nothing by the name `{name}`; --list lists them"),
        }
    }

    fn needs_php(self) -> bool {
        !matches!(
            self,
            Self::Comparison(_)
                | Self::Workload(Workload {
                    backend: Backend::None,
                    ..
                })
        )
    }

    fn needs_application(self) -> bool {
        matches!(
            self,
            Self::Workload(Workload {
                backend: Backend::Application,
                ..
            })
        )
    }
}

impl Options {
    /// All workloads for some seconds each, on a server that was built already.
    pub(crate) fn exercise(binary: &Path) -> Self {
        Self {
            items: WORKLOADS.iter().map(Item::Workload).collect(),
            peers: false,
            alone: true,
            effort: Effort {
                runs: 1,
                seconds: 4,
            },
            binary: Some(binary.to_owned()),
            write: false,
        }
    }

    /// Reads the options; none where they only asked for text.
    pub(crate) fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let effort = Effort {
            runs: 5,
            seconds: 3,
        };
        let items = Vec::new();
        let mut options = Self {
            items,
            peers: false,
            alone: false,
            effort,
            binary: None,
            write: true,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("all") => options.items = Item::all(),
                Arg::Long("peers") => options.peers = true,
                Arg::Long("runs") => options.effort.runs = arguments.value()?.parse()?,
                Arg::Long("seconds") => options.effort.seconds = arguments.value()?.parse()?,
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("no-write") => options.write = false,
                Arg::Long("list") => {
                    let items = Item::all();
                    items
                        .iter()
                        .for_each(|item| println!("{:<14} {}", item.name(), item.title()));
                    return Ok(None);
                }
                Arg::Long("help") | Arg::Short('h') => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                Arg::Value(name) => options.items.push(Item::find(&name.string()?)?),
                _ => return Err(argument.unexpected().into()),
            }
        }
        if options.items.is_empty() {
            options.items = WORKLOADS.iter().map(Item::Workload).collect();
        }
        Ok(Some(options))
    }

    /// What must be installed for it.
    pub(crate) fn packages(&self) -> Result<Vec<String>> {
        let mut wanted = vec!["nginx".to_owned(), "wrk".to_owned()];
        if self.peers {
            wanted.extend(["lighttpd", "h2o"].map(String::from));
        }
        if self.items.iter().any(|item| item.needs_php()) {
            wanted.push("php8.2-fpm".into());
        }
        if self.items.iter().any(|item| item.needs_application()) {
            wanted.extend(packages::of_application()?);
        }
        Ok(wanted)
    }
}
