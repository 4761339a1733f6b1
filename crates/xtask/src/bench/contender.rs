//! The servers that are compared: how each is started on a filled-in configuration.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::fill::Values;
use crate::php::{self, Pool};
use crate::process::{Group, Signal, last_lines, wait_until};
use crate::{http, machine, repository};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Portunus,
    Lighttpd,
    H2o,
}

/// A server with a configuration of `benches/conf`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// As it stands in the table.
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) conf: &'static str,
}

impl Contender {
    pub(crate) const fn new(label: &'static str, kind: Kind, conf: &'static str) -> Self {
        Self { label, kind, conf }
    }

    /// The folder of its own below `folder`.
    pub(crate) fn prefix(&self, folder: &Path) -> PathBuf {
        folder.join(self.label.replace([' ', '/'], "-"))
    }
}

/// What all contenders of a workload share.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// The binary of Portunus, or a stand-in.
    pub(crate) binary: PathBuf,
    /// Where each contender gets a folder.
    pub(crate) folder: PathBuf,
    /// Values for the configuration beyond those that every contender gets.
    pub(crate) values: Values,
    /// `worker_processes`; a number, or `auto`.
    pub(crate) workers: String,
    /// The cores the server may use, as `taskset` wants them.
    pub(crate) cores: Option<String>,
    /// A target that answers 200 when all is well.
    pub(crate) probe: String,
    /// The pool of PHP-FPM that each contender gets for itself: kept connections of one would lock out the others.
    pub(crate) fpm: Option<Pool>,
}

/// A contender that listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) port: u16,
}

/// Starts a contender and waits for its first good answer.
pub(crate) fn start(group: &mut Group, contender: Contender, stage: &Stage) -> Result<Running> {
    let port = machine::free_port()?;
    let prefix = contender.prefix(&stage.folder);
    std::fs::create_dir_all(&prefix)?;
    let conf = prefix.join("server.conf");
    let templates = repository::root().join("benches/conf");
    // The reference nginx may be too old for the directive.
    let http2 = match contender.kind {
        Kind::Portunus => "http2 on;",
        _ => "",
    };
    let mut values = stage.values_for(port, &prefix).with("HTTP2", http2);
    if let Some(pool) = &stage.fpm {
        let fpm = machine::free_port()?;
        php::start_fpm(group, &prefix.join("fpm"), pool, fpm)?;
        values = values.with("FPM", format!("127.0.0.1:{fpm}"));
    }
    values.fill_file(&templates.join(contender.conf), &conf)?;
    for include in ["head.inc", "http.inc"] {
        values.fill_file(&templates.join(include), &prefix.join(include))?;
    }
    let program = contender.kind.program(&stage.binary)?;
    let mut command = stage.pinned(&program);
    contender.kind.arguments(&mut command, &prefix, &conf);
    let pid = group.spawn(contender.label, &mut command, contender.kind.stop_signal())?;
    let ready = wait_until(Duration::from_secs(10), || {
        http::answers(port, &stage.probe) || group.first_ended().is_some()
    });
    if !ready || group.first_ended().is_some() {
        let log = std::fs::read_to_string(prefix.join("error.log")).unwrap_or_default();
        let words = [last_lines(&log, 10), group.last_words(contender.label)].join("\n");
        bail!(
            "{} does not answer {}:\n{words}",
            contender.label,
            stage.probe
        );
    }
    Ok(Running { pid, port })
}

impl Stage {
    fn values_for(&self, port: u16, prefix: &Path) -> Values {
        let number = match self.workers.as_str() {
            "auto" => machine::cores().to_string(),
            number => number.to_owned(),
        };
        let (user, h2o_user) = match machine::is_root() {
            true => ("user root;", "user: root"),
            false => ("", ""),
        };
        let config = repository::root().join("config");
        let config = if config.is_dir() {
            config
        } else {
            PathBuf::from("/etc/nginx")
        };
        self.values
            .clone()
            .with("PORT", port.to_string())
            .with("PREFIX", prefix.display().to_string())
            .with("WORKERS", &self.workers)
            .with("WORKERS_NUMBER", number)
            .with("USER", user)
            .with("H2O_USER", h2o_user)
            .with("CONFIG", config.display().to_string())
    }

    fn pinned(&self, program: &Path) -> Command {
        let Some(cores) = &self.cores else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", cores]).arg(program);
        command
    }
}

impl Kind {
    /// Where the program is.
    ///
    /// # Errors
    /// When it is not installed.
    pub(crate) fn program(self, portunus: &Path) -> Result<PathBuf> {
        let name = match self {
            Self::Portunus => return Ok(portunus.to_owned()),
            Self::Nginx => "nginx",
            Self::Lighttpd => "lighttpd",
            Self::H2o => "h2o",
        };
        machine::find_program(name).with_context(|| format!("there is no {name}"))
    }

    /// Tells it where it lives and what it reads.
    pub(crate) fn arguments(self, command: &mut Command, prefix: &Path, conf: &Path) {
        match self {
            Self::Portunus | Self::Nginx => {
                command
                    .arg("-p")
                    .arg(prefix)
                    .arg("-c")
                    .arg(conf)
                    .args(["-e", "error.log"]);
            }
            Self::Lighttpd => {
                command.arg("-D").arg("-f").arg(conf);
            }
            Self::H2o => {
                command.arg("-c").arg(conf);
            }
        }
    }

    fn stop_signal(self) -> Signal {
        match self {
            Self::Portunus | Self::Nginx => Signal::Quit,
            Self::Lighttpd | Self::H2o => Signal::Term,
        }
    }
}
