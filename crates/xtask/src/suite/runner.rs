//! Running test files, a few at a time, each bounded in time.

use std::collections::VecDeque;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::sandbox::Sandbox;
use super::tap::Outcome;
use crate::process::{Signal, interrupted, wait_until};

/// What became of one file.
#[derive(Debug)]
pub(crate) struct FileRun {
    pub(crate) file: String,
    pub(crate) outcome: Outcome,
    pub(crate) time: Duration,
    /// It was ended because it took too long.
    pub(crate) timed_out: bool,
    /// What it wrote to standard error.
    pub(crate) diagnostics: String,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Files at a time.
    pub(crate) jobs: usize,
    /// Time limit of one file.
    pub(crate) limit: Duration,
}

/// Runs the files and hands each result to `done` as it comes; stops early on Ctrl-C.
pub(crate) fn run_all(
    sandbox: &Sandbox,
    files: Vec<String>,
    pace: Pace,
    mut done: impl FnMut(FileRun),
) {
    let queue = Mutex::new(VecDeque::from(files));
    // These files want the same fixed ports and skip checks when they meet.
    let listeners = Mutex::new(());
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..pace.jobs.max(1) {
            let (queue, listeners, sender) = (&queue, &listeners, sender.clone());
            scope.spawn(move || {
                while let Some(file) = next(queue) {
                    let _alone = file.starts_with("http_listen").then(|| listeners.lock());
                    let _ = sender.send(run_file(sandbox, file, pace.limit));
                }
            });
        }
        drop(sender);
        for result in results {
            match result {
                Ok(run) => done(run),
                Err(error) => println!("{error:#}"),
            }
        }
    });
}

fn next(queue: &Mutex<VecDeque<String>>) -> Option<String> {
    if interrupted() {
        return None;
    }
    queue.lock().ok()?.pop_front()
}

fn run_file(sandbox: &Sandbox, file: String, limit: Duration) -> Result<FileRun> {
    let start = Instant::now();
    let mut command = sandbox.perl(&file);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // A group of its own, so that nothing of it outlives us.
    let spawned = command.process_group(0).spawn();
    let mut child = spawned.with_context(|| format!("cannot run {file}"))?;
    let output = gather(child.stdout.take());
    let errors = gather(child.stderr.take());
    let timed_out = !wait_until(limit, || matches!(child.try_wait(), Ok(Some(_))));
    end_group(&mut child);
    Ok(FileRun {
        outcome: Outcome::parse(&output.join().unwrap_or_default()),
        diagnostics: errors.join().unwrap_or_default(),
        time: start.elapsed(),
        timed_out,
        file,
    })
}

/// Ends whatever is left of a file's processes: servers and daemons that it started.
fn end_group(child: &mut Child) {
    let _ = Signal::Kill.send_to_group(child.id());
    let _ = child.wait();
}

fn gather(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What came before an error still counts.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
