//! Which program serves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that takes nginx's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// Where Debian installs nginx.
    const NGINX: &str = "/usr/sbin/nginx";

    /// Names another nginx to compare with.
    const NGINX_VARIABLE: &str = "PORTUNUS_REFERENCE_NGINX";

    /// A program at a path, for our own binary: `Program::at(env!("CARGO_BIN_EXE_portunus"))`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The reference nginx: Debian's, or what the environment variable `PORTUNUS_REFERENCE_NGINX`
    /// says.
    #[must_use]
    pub fn nginx() -> Self {
        let path = std::env::var_os(Self::NGINX_VARIABLE).unwrap_or(OsString::from(Self::NGINX));
        Self::at(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that serves `nginx.conf` of a folder in the foreground, its error log on stderr.
    pub(super) fn command(&self, folder: &Path, config: &str) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"));
        command.args(["-e", "stderr"]).current_dir(folder);
        if !config.contains("daemon ") {
            command.args(["-g", "daemon off;"]);
        }
        command
    }
}
