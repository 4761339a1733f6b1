//! `cargo xtask demo`: the application behind Portunus, from nothing to a page in the browser.

mod conf;
mod probe;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::application::Application;
use crate::php;
use crate::process::{Group, Output, Signal, interrupted, pause, wait_until, watch_for_interrupts};
use crate::progress::step;
use crate::repository::{self, Profile};
use crate::{http, machine, packages, progress};

const USAGE: &str = "\
usage: cargo xtask demo [OPTIONS]

  --port N        listen on 127.0.0.1:N (default 8080)
  --children N    workers of PHP-FPM (default 8)
  --check         start, ask for a few pages, stop; the exit code tells
  --dev           build without optimisation, which is quicker
  --binary PATH   the server to use (default: portunus, built now)
  --quiet         do not show what the servers log";

/// PHP-FPM's usual port, which is used when nobody else has it.
const FPM_PORT: u16 = 9000;

/// What the command line asks for.
struct Options {
    port: u16,
    children: usize,
    check: bool,
    profile: Profile,
    binary: Option<PathBuf>,
    quiet: bool,
}

/// What is started, and where.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Everything that is generated or written lies here.
    pub(crate) folder: PathBuf,
    /// The server.
    pub(crate) binary: PathBuf,
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// Workers of PHP-FPM.
    pub(crate) children: usize,
}

/// Runs the command; lasts until Ctrl-C, or until the probes are done with `--check`.
pub(crate) fn main(arguments: Parser) -> Result<ExitCode> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    if !machine::port_is_free(options.port) {
        let port = options.port;
        bail!("port {port} of 127.0.0.1 is taken; choose another with --port N");
    }
    progress::step_saying(
        "packages",
        || packages::ensure(&packages::of_application()?),
    )?;
    let binary = match &options.binary {
        Some(path) => std::path::absolute(path)?,
        None => step("build Portunus", || {
            repository::build_server(options.profile)
        })?,
    };
    watch_for_interrupts();
    let Options { port, children, .. } = options;
    let folder = repository::scratch("demo")?;
    let logs = folder.join("logs");
    let mut group = Group::new(if options.quiet {
        Output::Logged(logs)
    } else {
        Output::Shown
    });
    start(
        &mut group,
        &Site {
            folder,
            binary,
            port,
            children,
        },
    )?;
    if options.check {
        return probe::run(options.port);
    }
    print_welcome(options.port);
    watch(&mut group)
}

/// Starts everything, each part once the one below it answers.
///
/// # Errors
/// When a part cannot be started or ends at once; the message names it.
pub(crate) fn start(group: &mut Group, site: &Site) -> Result<()> {
    let Site { folder, port, .. } = site;
    let application = step("prepare the application", || {
        Application::prepare(&folder.join("state"), false)
    })?;
    let fpm = if machine::port_is_free(FPM_PORT) {
        FPM_PORT
    } else {
        machine::free_port()?
    };
    step(&format!("start PHP-FPM on 127.0.0.1:{fpm}"), || {
        let pool = application.pool(site.children);
        php::start_fpm(group, &folder.join("fpm"), &pool, fpm)
    })?;
    step("start the queue worker", || {
        group.spawn("queue", &mut application.queue_worker()?, Signal::Term)
    })?;
    step(&format!("start Portunus on 127.0.0.1:{port}"), || {
        let conf = conf::write(folder, &application, *port, fpm)?;
        let mut portunus = Command::new(&site.binary);
        portunus
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(conf)
            .args(["-e", "stderr"]);
        group.spawn("portunus", &mut portunus, Signal::Quit)?;
        wait_for_first_page(group, *port)
    })
}

fn wait_for_first_page(group: &mut Group, port: u16) -> Result<()> {
    let ready = wait_until(Duration::from_secs(30), || {
        http::answers(port, "/up") || group.first_ended().is_some()
    });
    if let Some((name, status)) = group.first_ended() {
        bail!("{name} ended with {status}:\n{}", group.last_words(&name));
    }
    if !ready {
        let last = http::request(port, "/up", &[]).map(|answer| answer.status);
        bail!("/up does not answer with 200: {last:?}");
    }
    Ok(())
}

/// Waits for Ctrl-C, or for the first child that ends by itself.
fn watch(group: &mut Group) -> Result<ExitCode> {
    let mut ended = None;
    while !interrupted() && ended.is_none() {
        pause(Duration::from_millis(100));
        ended = group.first_ended();
    }
    if let Some((name, status)) = &ended
        && !interrupted()
    {
        println!("\n{name} ended by itself with {status}: stopping the rest");
    } else {
        println!("\nstopping");
    }
    group.stop(Duration::from_secs(10));
    println!("stopped");
    Ok(if interrupted() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_welcome(port: u16) {
    let lines = [
        "Pixel Positions, served by Portunus".to_owned(),
        String::new(),
        format!("  http://127.0.0.1:{port}"),
        String::new(),
        "  log in as  demo@pixel.test".to_owned(),
        "  password   password".to_owned(),
        String::new(),
        "Ctrl-C stops everything.".to_owned(),
    ];
    let width = lines.iter().map(String::len).max().unwrap_or(0);
    println!("╭─{}─╮", "─".repeat(width));
    for line in lines {
        println!("│ {line:<width$} │");
    }
    println!("╰─{}─╯", "─".repeat(width));
}

impl Options {
    fn parse(mut arguments: Parser) -> Result<Option<Self>> {
        let (port, children, check) = (8080, 8, false);
        let (profile, quiet) = (Profile::Release, false);
        let mut options = Self {
            port,
            children,
            check,
            profile,
            binary: None,
            quiet,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("port") => options.port = arguments.value()?.parse()?,
                Arg::Long("children") => options.children = arguments.value()?.parse()?,
                Arg::Long("check") => options.check = true,
                Arg::Long("dev") => options.profile = Profile::Dev,
                Arg::Long("binary") => options.binary = Some(arguments.value()?.into()),
                Arg::Long("quiet") => options.quiet = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        if options.port == 0 {
            options.port = machine::free_port().context("--port 0")?;
        }
        Ok(Some(options))
    }
}
