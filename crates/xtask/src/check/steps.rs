//! The steps of `cargo xtask test`, in their order.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

use super::tally::Tally;
use super::{Options, browser};
use crate::machine;
use crate::packages;
use crate::process::describe;
use crate::repository::cargo;

/// One step: its name for `--only`, what it does in a few words, and the work.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Options) -> Result<Tally>,
}

/// All steps. A failed one does not keep the later ones from running.
pub(crate) static STEPS: [Step; 7] = [
    Step {
        name: "packages",
        what: "install what the tests need",
        run: install_packages,
    },
    Step {
        name: "fmt",
        what: "cargo fmt --check",
        run: check_format,
    },
    Step {
        name: "clippy",
        what: "cargo clippy, warnings denied",
        run: check_lints,
    },
    Step {
        name: "build",
        what: "cargo build",
        run: build,
    },
    Step {
        name: "tests",
        what: "unit, property, integration and conformance tests",
        run: run_tests,
    },
    Step {
        name: "doctests",
        what: "examples in the documentation",
        run: run_doc_tests,
    },
    Step {
        name: "browser",
        what: "the demo in a real browser",
        run: browser::run,
    },
];

/// What the tests need beside the application's own list: the reference server, libraries for
/// FastCGI and TLS for its suite, a client of many protocols, certificates and passwords for tests, and a browser.
const PACKAGES: [&str; 7] = [
    "nginx",
    "libfcgi-perl",
    "libio-socket-ssl-perl",
    "curl",
    "openssl",
    "chromium",
    "fonts-dejavu-core",
];

fn install_packages(_: &Options) -> Result<Tally> {
    let mut wanted = PACKAGES.map(String::from).to_vec();
    wanted.extend(packages::of_application()?);
    println!("{}", packages::ensure(&wanted)?);
    Ok(Tally::one_passed())
}

fn check_format(_: &Options) -> Result<Tally> {
    succeed(cargo().args(["fmt", "--all", "--check"]))
}

fn check_lints(_: &Options) -> Result<Tally> {
    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]);
    succeed(&mut clippy)
}

fn build(_: &Options) -> Result<Tally> {
    succeed(cargo().args(["build", "--workspace"]))
}

fn run_tests(_: &Options) -> Result<Tally> {
    let mut command = cargo();
    if machine::find_program("cargo-nextest").is_some() {
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--no-tests",
            "pass",
        ]);
    } else {
        command.args([
            "test",
            "--workspace",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ]);
    }
    count(&mut command)
}

fn run_doc_tests(_: &Options) -> Result<Tally> {
    count(cargo().args(["test", "--workspace", "--doc", "--no-fail-fast"]))
}

/// A command that counts as one test.
fn succeed(command: &mut Command) -> Result<Tally> {
    let line = describe(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    Ok(if status.success() {
        Tally::one_passed()
    } else {
        Tally::one_failed()
    })
}

/// Runs a test runner, shows what it prints and counts its tests.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn count(command: &mut Command) -> Result<Tally> {
    let line = describe(command);
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run `{line}`"))?;
    let stderr = child.stderr.take().expect("stderr was piped");
    let stdout = child.stdout.take().expect("stdout was piped");
    let errors = thread::spawn(move || echo_and_count(stderr));
    let mut tally = echo_and_count(stdout);
    tally += errors.join().unwrap_or_default();
    let status = child.wait()?;
    // A runner that fails without a failed test could not build, or broke.
    if !status.success() && tally.is_clean() {
        println!("`{line}` ended with {status}");
        tally.failed += 1;
    }
    Ok(tally)
}

fn echo_and_count(stream: impl Read) -> Tally {
    let mut tally = Tally::default();
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Some(Ok(line)) = lines.next() {
        let mut out = std::io::stdout().lock();
        // Our own output may be closed; the count goes on.
        let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        tally.count_line(&without_colours(&String::from_utf8_lossy(&line)));
    }
    tally
}

/// A line without the escape sequences that colour it.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.find('m').map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_do_not_hide_a_summary() {
        let line = "\x1b[32;1m     Summary\x1b[0m [   0.1s] \x1b[1m2\x1b[0m tests run: \x1b[1m2\x1b[0m \x1b[32;1mpassed\x1b[0m";
        let mut tally = Tally::default();
        tally.count_line(&without_colours(line));
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 0
            }
        );
    }

    #[test]
    fn a_runner_that_breaks_counts_as_a_failure() {
        let tally = count(Command::new("sh").args(["-c", "echo ok 1; exit 3"])).expect("sh runs");
        assert_eq!(
            tally,
            Tally {
                passed: 1,
                failed: 1
            }
        );
    }
}
