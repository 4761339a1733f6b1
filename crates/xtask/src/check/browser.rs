//! The browser step: the demo on a fresh database, used by a headless browser. The flows themselves are
//! in `tests/browser`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Options;
use super::steps::count;
use super::tally::Tally;
use crate::demo::{self, Site};
use crate::process::{Group, Output, run_quietly, watch_for_interrupts};
use crate::repository::{self, Profile};
use crate::{machine, php};

/// Runs the flows and counts them.
pub(crate) fn run(options: &Options) -> Result<Tally> {
    install_playwright()?;
    watch_for_interrupts();
    let folder = repository::scratch("browser")?;
    let state = folder.join("state");
    if state.exists() {
        std::fs::remove_dir_all(&state).context("cannot remove the last run's database")?;
    }
    php::find_fpm()?;
    let binary = match &options.binary {
        Some(path) => std::path::absolute(path)?,
        None => repository::build_server(Profile::Dev)?,
    };
    let port = machine::free_port()?;
    let shots = folder.join("screenshots");
    let mut group = Group::new(Output::Logged(folder.join("logs")));
    let site = Site {
        folder,
        binary,
        port,
        children: 8,
    };
    demo::start(&mut group, &site)?;
    let mut flows = Command::new("node");
    flows.arg("run.mjs").current_dir(tests_folder());
    flows
        .env("PIXEL_URL", format!("http://127.0.0.1:{port}"))
        .env("PIXEL_SHOTS", &shots);
    let tally = count(&mut flows)?;
    println!("screenshots: {}", shots.display());
    Ok(tally)
}

/// Installs the library that drives the browser, as the lock file has it.
fn install_playwright() -> Result<()> {
    if tests_folder()
        .join("node_modules/.package-lock.json")
        .is_file()
    {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(tests_folder());
    run_quietly(&mut npm)
        .context("Node and npm are needed for the browser tests")
        .map(drop)
}

fn tests_folder() -> PathBuf {
    repository::root().join("tests/browser")
}
