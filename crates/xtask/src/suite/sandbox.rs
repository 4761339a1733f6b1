//! Where the suite runs: a copy of suite and binary in a temporary folder of an ordinary user, since the
//! suite fails as root and that user may not reach the developer's own folders.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::machine;
use crate::process::run_quietly;

/// `nobody` and `nogroup` of Debian.
const NOBODY: u32 = 65_534;

/// Checks of these files run only where `TEST_NGINX_UNSAFE` is set: they listen on the wildcard address, or
/// once overflowed a buffer of nginx. They harm nobody and count in tier 1.
const ASK_FOR_UNSAFE: [&str; 2] = ["http_header_buffers.t", "http_listen_wildcard.t"];

/// These look for nginx's name in answers, which a directive of ours puts there.
const ASK_FOR_THE_NAME: [&str; 2] = ["h2_server_tokens.t", "server_tokens.t"];

/// A temporary folder with what a run needs, removed at the end.
#[derive(Debug)]
pub(crate) struct Sandbox {
    folder: PathBuf,
    /// Whether we run as root and so must become somebody else.
    drop_privileges: bool,
    /// Whether the binary is Portunus, and knows its directives.
    is_ours: bool,
}

impl Sandbox {
    /// Copies the suite (without its history) and the binary.
    ///
    /// # Errors
    /// When `suite` is no checkout of the suite, or something cannot be copied.
    pub(crate) fn prepare(suite: &Path, binary: &Path) -> Result<Self> {
        if !suite.join("lib/Test/Nginx.pm").is_file() {
            bail!(
                "{} holds no lib/Test/Nginx.pm: give a checkout of nginx-tests",
                suite.display()
            );
        }
        let folder = std::env::temp_dir().join(format!("portunus-suite-{}", std::process::id()));
        let sandbox = Self {
            folder,
            drop_privileges: machine::is_root(),
            is_ours: is_ours(binary),
        };
        std::fs::create_dir_all(sandbox.temporary())
            .with_context(|| format!("cannot make {}", sandbox.folder.display()))?;
        sandbox.copy_suite(suite)?;
        std::fs::copy(binary, sandbox.binary())
            .with_context(|| format!("cannot copy {}", binary.display()))?;
        sandbox.open_to_user()?;
        Ok(sandbox)
    }

    fn copy_suite(&self, suite: &Path) -> Result<()> {
        let mut copy = Command::new("cp");
        copy.arg("-R")
            .arg(suite.join("lib"))
            .arg(self.folder.join("lib"));
        run_quietly(&mut copy)?;
        for entry in std::fs::read_dir(suite)? {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                std::fs::copy(&path, self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn open_to_user(&self) -> Result<()> {
        use std::fs::{Permissions, set_permissions};
        set_permissions(self.binary(), Permissions::from_mode(0o755))?;
        set_permissions(&self.folder, Permissions::from_mode(0o755))?;
        run_quietly(Command::new("chmod").args(["-R", "a+rX"]).arg(&self.folder))?;
        if self.drop_privileges {
            chown(self.temporary(), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }

    /// Whether the suite has this file.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.folder.join(file).is_file()
    }

    /// The command that runs one test file as an ordinary user.
    pub(crate) fn perl(&self, file: &str) -> Command {
        let mut command = if self.drop_privileges {
            let mut setpriv = Command::new("setpriv");
            let id = NOBODY.to_string();
            setpriv.args(["--reuid", &id, "--regid", &id, "--clear-groups", "perl"]);
            setpriv
        } else {
            Command::new("perl")
        };
        command.arg(file).current_dir(&self.folder);
        command.env("TEST_NGINX_BINARY", self.binary());
        command
            .env("TMPDIR", self.temporary())
            .env("HOME", self.temporary());
        if ASK_FOR_UNSAFE.contains(&file) {
            command.env("TEST_NGINX_UNSAFE", "1");
        }
        if self.is_ours && ASK_FOR_THE_NAME.contains(&file) {
            command.env("TEST_NGINX_GLOBALS_HTTP", "server_product nginx;");
        }
        command
    }

    /// Any name will do for the binary; this one shows well in a list of processes.
    fn binary(&self) -> PathBuf {
        self.folder.join("server-under-test")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }
}

/// Asks a binary who it is.
fn is_ours(binary: &Path) -> bool {
    let output = Command::new(binary).arg("-v").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stderr).contains("portunus"))
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
