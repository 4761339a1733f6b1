//! A PHP-FPM of our own: generated configuration, in the foreground, on 127.0.0.1.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::machine;
use crate::process::{Group, Signal, wait_until};

/// How the pool looks.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) children: usize,
    /// Environment of the scripts.
    pub(crate) environment: Vec<(String, String)>,
    /// Lines of php.ini, `name = value`.
    pub(crate) settings: Vec<String>,
}

/// Where PHP-FPM is, Debian's versioned names included.
///
/// # Errors
/// When there is none; the message says what to install.
pub(crate) fn find_fpm() -> Result<PathBuf> {
    let names = ["php-fpm8.2", "php-fpm", "php-fpm8.4", "php-fpm8.3"];
    let found = names.iter().find_map(|name| machine::find_program(name));
    found.context("there is no PHP-FPM (Debian: php8.2-fpm)")
}

/// Starts PHP-FPM in `folder` and waits until it listens.
pub(crate) fn start_fpm(group: &mut Group, folder: &Path, pool: &Pool, port: u16) -> Result<u32> {
    let program = find_fpm()?;
    std::fs::create_dir_all(folder)?;
    let configuration = folder.join("php-fpm.conf");
    std::fs::write(&configuration, pool.render(folder, port)?)?;
    let mut command = Command::new(program);
    command
        .args(["--nodaemonize", "--force-stderr", "--fpm-config"])
        .arg(&configuration);
    if machine::is_root() {
        // The developer's folders may be closed to every other user.
        command.arg("--allow-to-run-as-root");
    }
    let pid = group.spawn("php-fpm", &mut command, Signal::Quit)?;
    let listens = wait_until(Duration::from_secs(10), || {
        listens_on(port) || group.first_ended().is_some()
    });
    if !listens || group.first_ended().is_some() {
        let words = group.last_words("php-fpm");
        bail!("PHP-FPM does not listen on port {port}:\n{words}");
    }
    Ok(pid)
}

fn listens_on(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

impl Pool {
    /// A pool for scripts that need nothing.
    pub(crate) fn plain(children: usize) -> Self {
        Self {
            children,
            environment: Vec::new(),
            settings: Vec::new(),
        }
    }

    fn render(&self, folder: &Path, port: u16) -> Result<String> {
        let folder = folder.to_str().context("the folder's name is not UTF-8")?;
        let mut text = format!(
            "[global]\ndaemonize = no\nerror_log = {folder}/php-fpm.log\npid = {folder}/php-fpm.pid\n\n\
             [www]\nlisten = 127.0.0.1:{}\nlisten.backlog = 511\npm = static\npm.max_children = {}\n\
             pm.status_path = /fpm-status\nping.path = /fpm-ping\ncatch_workers_output = yes\n\
             decorate_workers_output = no\nclear_env = no\n",
            port, self.children
        );
        if machine::is_root() {
            text.push_str("user = root\ngroup = root\n");
        }
        for (name, value) in &self.environment {
            text.push_str(&format!("env[{name}] = \"{value}\"\n"));
        }
        for setting in &self.settings {
            let (name, value) = setting.split_once('=').context("a setting without `=`")?;
            text.push_str(&format!(
                "php_admin_value[{}] = {}\n",
                name.trim(),
                value.trim()
            ));
        }
        Ok(text)
    }
}
