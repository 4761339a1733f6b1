//! The oracle: every case is a configuration and a script of raw requests. The reference nginx and
//! Portunus are started with the same configuration, get the same bytes, and must give the same
//! answers; wanted differences are written in the case and checked. `README.md` tells the format.
//!
//! ```text
//! cargo test --test conformance                    all cases
//! cargo test --test conformance -- static/ php     cases whose name contains one of the words
//! cargo test --test conformance -- --self-check    the reference against itself
//! cargo test --test conformance -- --binary PATH   another program in place of ours
//! ```

#![allow(clippy::print_stdout, reason = "a test runner talks to the terminal")]

mod arguments;
mod case;
mod compare;
mod fixtures;
mod replay;
mod run;
mod script;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use arguments::Arguments;
use case::Case;

fn main() -> ExitCode {
    let arguments = Arguments::parse(std::env::args().skip(1));
    let cases = match case::load_all(&folder().join("cases")) {
        Ok(cases) => cases,
        Err(error) => {
            println!("FAIL {error}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.list {
        list(&cases, arguments.only_ignored);
        return ExitCode::SUCCESS;
    }

    let (chosen, left_out): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| arguments.wants(case));
    let start = Instant::now();
    let program = if arguments.self_check {
        "the reference"
    } else {
        "Portunus"
    };
    println!("{} cases, {program} against the reference", chosen.len());
    let tally = run::run_all(&chosen, &arguments);
    let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\n{} requests, {} wanted differences\ntest result: {verdict}. {} passed; {} failed; \
         0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        tally.requests,
        tally.notes,
        tally.passed,
        tally.failed,
        left_out.len(),
        start.elapsed().as_secs_f64(),
    );
    if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Lists the groups as tests, for runners that run each test in a process of its own: a group
/// shares its PHP-FPM.
fn list(cases: &[Case], only_ignored: bool) {
    let groups: BTreeSet<&str> = cases.iter().map(Case::group).collect();
    for group in groups.iter().filter(|_| !only_ignored) {
        println!("{group}: test");
    }
}

/// The folder of this test.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}
