//! How long a start takes.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Figures;
use super::lab::Lab;
use crate::bench::contender::Contender;
use crate::http;
use crate::process::Signal;

/// How often the server is started.
const STARTS: usize = 21;

/// From the start of the process to the end of its first answer.
pub(super) fn first_answer(lab: &Lab, contender: Contender) -> Result<Figures> {
    // The first start fills in the configuration and finds what is wrong with it.
    let server = lab.server(contender, None)?;
    let port = server.running.port;
    drop(server);
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        times.push(one(lab, contender, port)?);
    }
    times.sort();
    let in_ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    Ok(vec![
        ("starts", STARTS.to_string()),
        ("fastest", in_ms(times[0])),
        ("median", in_ms(times[STARTS / 2])),
        ("slowest", in_ms(times[STARTS - 1])),
    ])
}

fn one(lab: &Lab, contender: Contender, port: u16) -> Result<Duration> {
    let prefix = contender.prefix(&lab.folder);
    let program = contender.kind.program(&lab.binary)?;
    let mut command = Command::new(program);
    (contender.kind).arguments(&mut command, &prefix, &prefix.join("server.conf"));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().context("cannot start the server")?;
    let answered = loop {
        if http::answers(port, "/1k.txt") {
            break Some(begun.elapsed());
        }
        if begun.elapsed() > Duration::from_secs(10) || child.try_wait()?.is_some() {
            break None;
        }
    };
    Signal::Quit.send_to_process(child.id())?;
    child.wait()?;
    match answered {
        Some(time) => Ok(time),
        None => bail!("{} does not answer", contender.label),
    }
}
