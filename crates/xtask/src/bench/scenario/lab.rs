//! What scenarios are made of: a server before a PHP-FPM of its own, loads that run beside each other.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::bench::contender::{self, Contender, Running, Stage};
use crate::bench::load::number;
use crate::fill::Values;
use crate::machine;
use crate::php::{self, Pool};
use crate::process::{Group, Output, interrupted, pause};

/// Where scenarios are played.
#[derive(Debug)]
pub(crate) struct Lab {
    /// The binary of Portunus, or a stand-in.
    pub(crate) binary: PathBuf,
    /// The binary of the load generator.
    pub(crate) generator: PathBuf,
    /// For everything generated.
    pub(crate) folder: PathBuf,
    /// The document root.
    pub(crate) root: PathBuf,
}

/// A PHP-FPM that can be stopped and started on the same port.
#[derive(Debug)]
pub(super) struct Fpm {
    pub(super) port: u16,
    pub(super) pid: u32,
    pool: Pool,
    folder: PathBuf,
    group: Group,
}

/// A server; it is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) running: Running,
    _group: Group,
}

/// A load that runs beside others.
#[derive(Debug)]
pub(super) struct Background {
    child: Child,
}

/// What a load reported.
#[derive(Debug)]
pub(super) struct LoadReport(String);

impl Lab {
    fn group(&self) -> Group {
        Group::new(Output::Logged(self.folder.join("logs")))
    }

    /// Starts PHP-FPM with plain scripts.
    pub(super) fn fpm(&self, children: usize) -> Result<Fpm> {
        let (port, pool) = (machine::free_port()?, Pool::plain(children));
        let (folder, mut group) = (self.folder.join("fpm"), self.group());
        let pid = php::start_fpm(&mut group, &folder, &pool, port)?;
        Ok(Fpm {
            port,
            pid,
            pool,
            folder,
            group,
        })
    }

    /// Starts a contender before a PHP-FPM, if there is one.
    pub(super) fn server(&self, contender: Contender, fpm: Option<&Fpm>) -> Result<Server> {
        self.server_below(contender, fpm, &self.root)
    }

    /// The same with a document root of its own, which has a `1k.txt`.
    pub(super) fn server_below(
        &self,
        contender: Contender,
        fpm: Option<&Fpm>,
        root: &Path,
    ) -> Result<Server> {
        let port = fpm.map_or(9, |fpm| fpm.port);
        let values = Values::default()
            .with("ROOT", root.display().to_string())
            .with("FPM", format!("127.0.0.1:{port}"));
        let stage = Stage {
            binary: self.binary.clone(),
            folder: self.folder.clone(),
            values,
            workers: "auto".into(),
            cores: None,
            probe: "/1k.txt".into(),
            fpm: None,
        };
        let mut group = self.group();
        let running = contender::start(&mut group, contender, &stage)?;
        Ok(Server {
            running,
            _group: group,
        })
    }

    /// Begins a load; the options are those of `portunus-loadgen`.
    pub(super) fn load(&self, server: &Server, target: &str, options: &str) -> Result<Background> {
        if interrupted() {
            bail!("interrupted");
        }
        let mut command = Command::new(&self.generator);
        command
            .arg(format!("127.0.0.1:{}", server.running.port))
            .arg(target);
        command.args(options.split_whitespace());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let child = command.spawn().context("cannot run the load generator")?;
        Ok(Background { child })
    }

    /// Runs a load to its end.
    pub(super) fn run(&self, server: &Server, target: &str, options: &str) -> Result<LoadReport> {
        self.load(server, target, options)?.finish()
    }
}

impl Background {
    /// Waits for the load's end; loads are bounded in time.
    pub(super) fn finish(self) -> Result<LoadReport> {
        let output = self.child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if number(&text, "begun").is_none() {
            bail!("the load generator reported nothing");
        }
        Ok(LoadReport(text))
    }
}

impl LoadReport {
    /// A number of the report; an outcome that never came is 0.
    pub(super) fn number(&self, name: &str) -> f64 {
        number(&self.0, name).unwrap_or(0.0)
    }

    /// A time in milliseconds, as text.
    pub(super) fn time(&self, name: &str) -> String {
        format!("{:.0} ms", self.number(name))
    }

    /// A count, as text.
    pub(super) fn count(&self, name: &str) -> String {
        format!("{:.0}", self.number(name))
    }
}

impl Fpm {
    /// Stops PHP-FPM, lets some time pass, and starts it on the same port.
    pub(super) fn restart(&mut self, away: Duration) -> Result<()> {
        self.group.stop(Duration::from_secs(5));
        pause(away);
        self.pid = php::start_fpm(&mut self.group, &self.folder, &self.pool, self.port)?;
        Ok(())
    }
}
