//! Command line of Portunus: nginx's flags and exit codes, so that a symbolic link named `nginx`
//! works; and `serve`, for those who write no configuration, `envsubst`, for those who write templates of one,
//! `explain`, for those who wonder, `healthcheck`, for containers.
#![allow(
    clippy::print_stderr,
    reason = "a command line talks to its terminal; nginx uses stderr"
)]

use std::ffi::OsString;
use std::process::ExitCode;

use portunus_app::Launch;

mod envsubst;
mod explain;
mod flags;
mod healthcheck;
mod serve;
mod version;

use flags::Flags;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    if words.next_if(|word| word == "serve").is_some() {
        return serve::main(words);
    }
    if words.next_if(|word| word == "explain").is_some() {
        return explain::main(words);
    }
    if words.next_if(|word| word == "envsubst").is_some() {
        return envsubst::main(words, as_nginx);
    }
    if words.next_if(|word| word == "healthcheck").is_some() {
        return healthcheck::main(words);
    }
    if let Some(word) = words.next_if(|word| word == "--help" || word == "--version") {
        return as_nginx([if word == "--help" { "-h" } else { "-v" }.into()]);
    }
    as_nginx(words)
}

/// nginx's own command line.
fn as_nginx(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = words.into_iter();
    match Flags::parse(words.map(|word| word.to_string_lossy().into_owned())) {
        Ok(flags) => run(flags),
        Err(error) => {
            eprintln!("nginx: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> ExitCode {
    if flags.version {
        eprint!("{}", version::version());
        if flags.help {
            eprint!("{}", version::usage());
        }
        if flags.configure {
            eprint!("{}", version::configure_arguments());
        }
        if !flags.test {
            return ExitCode::SUCCESS;
        }
    }
    let launch = Launch::new(
        flags.prefix.as_deref(),
        flags.conf.as_deref(),
        flags.error_log.as_deref(),
        flags.globals,
    );
    match (flags.signal, flags.test) {
        (Some(signal), _) => launch.signal(signal),
        (None, true) => launch.check(flags.dump, flags.quiet),
        (None, false) => launch.serve(),
    }
}
