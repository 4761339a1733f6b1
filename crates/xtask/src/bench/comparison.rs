//! Comparisons of single parts, each a bench or a test of its crate: it is built for release and run, and the
//! table that it prints is the result.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::repository;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What cargo is asked to do.
    cargo: &'static [&'static str],
}

/// All of them, in the order of the report.
pub(crate) const COMPARISONS: [Comparison; 2] = [
    Comparison {
        name: "codec",
        title: "Our FastCGI codec and that of `fastcgi-client` on the same exchange in memory: 17 parameters, no body",
        cargo: &["bench", "-p", "portunus-fastcgi", "--bench", "codec"],
    },
    Comparison {
        name: "parse",
        title: "A configuration of 10,000 lines is read, checked and resolved",
        cargo: &[
            "test",
            "--release",
            "-p",
            "portunus-conf",
            "--test",
            "speed",
            "--",
            "--nocapture",
        ],
    },
];

impl Comparison {
    /// Builds it, runs it, and returns its table.
    ///
    /// # Errors
    /// When it fails or prints none.
    pub(crate) fn run(&self) -> Result<String> {
        let mut cargo = repository::cargo();
        cargo.args(self.cargo).stderr(Stdio::inherit());
        let output = cargo.output().context("cannot run cargo")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("{} failed:\n{said}", self.name);
        }
        let table = table_of(&said);
        if table.is_empty() {
            bail!("{} printed no table:\n{said}", self.name);
        }
        Ok(table)
    }
}

/// The lines of a table among others.
fn table_of(text: &str) -> String {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_among_what_cargo_says() {
        let said = "\nrunning 1 test\n| a | b |\n|---|---|\n| 1 | 2 |\ntest x ... ok\n";
        assert_eq!(table_of(said), "| a | b |\n|---|---|\n| 1 | 2 |\n");
        assert_eq!(table_of("running 0 tests\n"), "");
    }
}
