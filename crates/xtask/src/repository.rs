//! Where things lie: the repository, its target folder, the binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::run;

/// The root of the repository. The manifest's place is fixed at compile time, and `cargo xtask` builds before it runs.
pub(crate) fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("crates/xtask lies two levels below the root")
}

/// Cargo's target folder, honouring `CARGO_TARGET_DIR`.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A folder below `target/` for what one command generates, made when it is missing.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let dir = target_dir().join(name);
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// How the server is built when it is us who build it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `cargo build`: quick to make.
    Dev,
    /// `cargo build --release`: what users run.
    Release,
}

/// Builds `portunus` so that it counts what runs, in a target folder of its own; its counts go to `counts`.
///
/// All else must be as in a release build: functions have other names where the settings of the Cargo profile are
/// others, and counts of names that do not occur count for nothing.
///
/// # Errors
/// As [`build_server`].
pub(crate) fn build_counting_server(counts: &Path) -> Result<PathBuf> {
    let target = scratch("profile")?;
    let mut cargo = cargo();
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env(
            "RUSTFLAGS",
            format!("-Cprofile-generate={}", counts.display()),
        )
        .args(["build", "--package", "portunus", "--release"]);
    run(&mut cargo).context("building portunus failed")?;
    Ok(target.join("release/portunus"))
}

/// Builds `portunus` and says where the binary is.
///
/// # Errors
/// When cargo fails; its own output has been shown by then.
pub(crate) fn build_server(profile: Profile) -> Result<PathBuf> {
    build("portunus", profile)
}

/// Builds the load generator, always for release, and says where it is.
pub(crate) fn build_load_generator() -> Result<PathBuf> {
    build("portunus-loadgen", Profile::Release)
}

/// Builds the package and returns its binary, which has the same name.
fn build(package: &str, profile: Profile) -> Result<PathBuf> {
    let mut cargo = cargo();
    cargo.args(["build", "--package", package]);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            cargo.arg("--release");
            "release"
        }
    };
    run(&mut cargo).with_context(|| format!("building {package} failed"))?;
    let binary = target_dir().join(folder).join(package);
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }
    Ok(binary)
}

/// A `cargo` command in the repository's root, the same cargo that runs us.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
