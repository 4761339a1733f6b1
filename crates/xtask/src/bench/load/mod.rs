//! Closed-loop load by one of two tools, and what it measured.

mod own;
mod wrk;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

pub(crate) use own::number;

/// Who makes the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `wrk`, which everybody knows; its script looks at status and length of every answer.
    Wrk,
    /// Our own generator, which compares every byte: `wrk` takes longer to look at a large body than a server
    /// to send it.
    Own,
}

/// What every answer must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
    /// The file that the body must be; only [`Tool::Own`] looks.
    pub(crate) file: Option<PathBuf>,
}

/// One run of load.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) tool: Tool,
    pub(crate) port: u16,
    pub(crate) target: String,
    pub(crate) connections: usize,
    pub(crate) seconds: u32,
    pub(crate) headers: Vec<String>,
    /// Bytes of the body that is sent with a POST; a GET without any. Our own tool alone knows it.
    pub(crate) sends: Option<usize>,
    pub(crate) expected: Expected,
    /// The cores the tool may use, as `taskset` wants them.
    pub(crate) cores: Option<String>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Answers that were not as expected, and failures of sockets.
    pub(crate) errors: u64,
}

/// Both tools, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    script: PathBuf,
    own: PathBuf,
}

impl Tools {
    /// Writes `wrk`'s script into a folder; `own` is the binary of our generator.
    pub(crate) fn prepare(folder: &Path, own: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            script: wrk::write_script(folder)?,
            own,
        })
    }

    /// Runs a load once.
    pub(crate) fn run(&self, load: &Load) -> Result<Measured> {
        match load.tool {
            Tool::Wrk => wrk::run(&self.script, load),
            Tool::Own => own::run(&self.own, load),
        }
    }
}

impl Load {
    /// A command that runs on the load's cores alone.
    fn command(&self, program: &Path) -> Command {
        let Some(cores) = &self.cores else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", cores]).arg(program);
        command
    }
}
