//! The application of `docker/pixel-positions` with a writable folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::php::Pool;
use crate::process::run_quietly;
use crate::{machine, repository};

/// A prepared application: database, demo data, key, document root.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    state: PathBuf,
}

impl Application {
    /// Prepares the application with everything writable in `state`; doing it again changes nothing.
    ///
    /// With `cached` the configuration and the routes are cached, as in production.
    ///
    /// # Errors
    /// When PHP or Laravel is missing, or `bin/prepare` fails; the message holds its last lines.
    pub(crate) fn prepare(state: &Path, cached: bool) -> Result<Self> {
        let application = Self {
            state: state.to_owned(),
        };
        let mut command = Command::new(source().join("bin/prepare"));
        if cached {
            command.arg("--cache");
        }
        application.set_environment(&mut command)?;
        run_quietly(&mut command).context("cannot prepare the application")?;
        Ok(application)
    }

    /// The document root.
    pub(crate) fn public(&self) -> PathBuf {
        self.state.join("public")
    }

    /// Files that only the application gives out, through `X-Accel-Redirect` to `/protected/`.
    pub(crate) fn private(&self) -> PathBuf {
        self.state.join("storage/app/private")
    }

    /// The worker that sends queued notifications.
    pub(crate) fn queue_worker(&self) -> Result<Command> {
        let mut command = Command::new(find_php()?);
        command
            .arg(source().join("artisan"))
            .args(["queue:work", "--sleep=1", "--tries=3"]);
        self.set_environment(&mut command)?;
        Ok(command)
    }

    /// The pool of PHP-FPM that runs it.
    pub(crate) fn pool(&self, children: usize) -> Pool {
        let settings = ["upload_max_filesize = 8M", "post_max_size = 16M"];
        let state = self.state.display().to_string();
        Pool {
            children,
            environment: vec![("PIXEL_STATE".into(), state)],
            settings: settings.map(String::from).to_vec(),
        }
    }

    fn set_environment(&self, command: &mut Command) -> Result<()> {
        command
            .env("PIXEL_STATE", &self.state)
            .env("PHP", find_php()?);
        Ok(())
    }
}

fn source() -> PathBuf {
    repository::root().join("docker/pixel-positions")
}

fn find_php() -> Result<PathBuf> {
    let found = ["php8.2", "php"]
        .iter()
        .find_map(|name| machine::find_program(name));
    found.context("there is no PHP (Debian: php8.2-cli)")
}
