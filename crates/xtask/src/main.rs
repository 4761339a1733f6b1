//! `cargo xtask`: the developer's commands. Each is idempotent, shows what it does, and names what it
//! lacks where it cannot install it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command talks to the terminal"
)]

mod application;
mod bench;
mod check;
mod compare;
mod demo;
mod fill;
mod fuzz;
mod http;
mod machine;
mod packages;
mod php;
mod process;
mod profile;
mod progress;
mod repository;
mod suite;

use std::process::ExitCode;

use anyhow::Result;
use lexopt::{Arg, Parser};

const USAGE: &str = "\
usage: cargo xtask COMMAND [OPTIONS]

  demo          the application behind Portunus, in the browser
  test          install what the tests need, then run everything
  nginx-suite   run a checkout of nginx's own test suite against the binary
  bench         measure nginx and Portunus side by side
  profile       record by what load release builds are laid out
  compare       answer generated requests beside nginx and find differences
  fuzz          run every fuzz target for some seconds

`cargo xtask COMMAND --help` tells the options.";

fn main() -> ExitCode {
    match dispatch() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<ExitCode> {
    let mut arguments = Parser::from_env();
    let command = match arguments.next()? {
        Some(Arg::Value(word)) => word.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    match command.as_str() {
        "demo" => demo::main(arguments),
        "test" => check::main(arguments),
        "nginx-suite" => suite::main(arguments),
        "bench" => bench::main(arguments),
        "profile" => profile::main(arguments),
        "compare" => compare::main(arguments),
        "fuzz" => fuzz::main(arguments),
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}
