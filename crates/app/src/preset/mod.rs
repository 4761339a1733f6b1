//! `portunus serve`: a Laravel application for those who write no configuration.
//!
//! There is no second path: the options become the text of a configuration, which is read, checked and built like any
//! other. `--print` shows it, and nginx takes it as it is but for the lines that say that they are Portunus' own.
//!
//! The one thing that a file on disk decides beside it is which assets never change: those that the build manifest
//! lists. [`ManifestWatch`] has the configuration made anew when a deployment brings another manifest.

use std::path::{Path, PathBuf};

use portunus_static_files::BuildManifest;

use crate::build::PRIVATE;

mod text;
mod watch;

pub(crate) use watch::ManifestWatch;

/// Where the build manifest is, below the public directory (Laravel's Vite plugin).
const MANIFEST: &str = "build/manifest.json";

/// What the operator says about an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// The application's public directory, absolute. A link in it may be switched at any time.
    pub public: PathBuf,
    /// Where to listen, as `listen` takes it.
    pub listen: Vec<String>,
    /// Where PHP-FPM listens, as `fastcgi_pass` takes it.
    pub fpm: String,
    /// Addresses and networks of proxies whose `X-Forwarded-For`, `-Proto` and `-Port` are believed.
    pub trusted: Vec<String>,
    /// The largest request body, as `client_max_body_size` takes it.
    pub max_body: String,
    /// The file that holds the process id.
    pub pid: PathBuf,
}

impl Preset {
    /// Whom to trust if nothing is said: the networks in which a proxy is beside us.
    #[must_use]
    pub fn private_networks() -> Vec<String> {
        PRIVATE.iter().map(|&network| network.to_owned()).collect()
    }

    /// Where to listen if nothing is said.
    pub const LISTEN: &str = "80";
    /// Where PHP-FPM is if nothing is said: beside us in the container.
    pub const FPM: &str = "127.0.0.1:9000";
    /// The largest request body if nothing is said.
    pub const MAX_BODY: &str = "32m";

    /// Finds the public directory: what is given, else `public` below `here`, else `here` itself.
    ///
    /// # Errors
    /// If there is none, or if it is an application's own directory, where `.env` lies.
    pub fn find_public(given: Option<&str>, here: &Path) -> Result<PathBuf, PublicError> {
        let public = match given {
            Some(dir) => here.join(dir),
            None if here.join("public").is_dir() => here.join("public"),
            None => here.to_owned(),
        };
        if !public.is_dir() {
            return Err(PublicError::Missing(public));
        }
        if public.join("artisan").exists() {
            return Err(PublicError::Application(public));
        }
        Ok(public)
    }

    /// The configuration.
    ///
    /// # Errors
    /// If the build manifest is there and is not one: which files are immutable cannot be told then.
    pub fn text(&self) -> Result<String, String> {
        let path = self.manifest_path();
        let manifest = match std::fs::read(&path) {
            Ok(json) => BuildManifest::parse(&json)
                .map_err(|error| format!("{}: {error}", path.display()))?,
            // Nothing has been built, or nobody may read it: then nothing is immutable.
            Err(_) => BuildManifest::default(),
        };
        Ok(text::write(self, &manifest))
    }

    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.public.join(MANIFEST)
    }
}

/// A directory that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PublicError {
    /// The operator names something else than a directory.
    #[error("{} is not a directory", .0.display())]
    Missing(PathBuf),
    /// The operator names the whole application.
    #[error("{} is the application, secrets and all; say its public directory", .0.display())]
    Application(PathBuf),
}
