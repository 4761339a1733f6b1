//! Child processes: started in the foreground, output kept, ended by their pid.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::Error;

/// How often something is looked at that cannot tell by itself that it happened.
const INTERVAL: Duration = Duration::from_millis(4);

/// A running program, in a process group of its own. Dropping it kills the whole group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Process {
    /// Starts a program with nothing on its standard input; what it prints, on either output, is
    /// kept.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Result<Self, Error> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |source| Error::Start {
            program: name.clone(),
            source,
        };
        let (mut reader, writer) = io::pipe().map_err(failed)?;
        let second = writer.try_clone().map_err(failed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(second)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        // The command holds our ends of the pipe.
        drop(command);

        let output = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&output);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                let printed = buffer.get(..read).unwrap_or_default();
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(printed);
            }
        });
        Ok(Self {
            name,
            child,
            output,
            reader,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&output).into_owned()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// If the program ends before, or the time is over.
    pub fn wait_until(
        &mut self,
        time: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                self.wait_for_last_words();
                let (program, output) = (self.name.clone(), self.output());
                return Err(Error::Ended {
                    program,
                    status,
                    output,
                });
            }
            if ready() {
                return Ok(());
            }
            if start.elapsed() > time {
                return Err(self.slow("was not ready", time));
            }
            thread::park_timeout(INTERVAL);
        }
    }

    /// Waits until it has printed a text.
    ///
    /// # Errors
    /// If the program ends before, or the time is over.
    pub fn wait_for_output(&mut self, text: &str, time: Duration) -> Result<(), Error> {
        let output = Arc::clone(&self.output);
        self.wait_until(time, || {
            let output = output.lock().unwrap_or_else(PoisonError::into_inner);
            text.is_empty()
                || output
                    .windows(text.len().max(1))
                    .any(|window| window == text.as_bytes())
        })
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If it is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        let signalled = self.group().map_or(Ok(()), |pid| kill_process(pid, signal));
        let what = format!("signalling {}", self.name);
        signalled.map_err(|errno| Error::io(what)(errno.into()))
    }

    /// Sends a signal and waits for the end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn stop(&mut self, signal: Signal, time: Duration) -> Result<ExitStatus, Error> {
        if self.status()?.is_none() {
            self.signal(signal)?;
        }
        self.wait_for_end(time)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn wait_for_end(&mut self, time: Duration) -> Result<ExitStatus, Error> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                self.wait_for_last_words();
                return Ok(status);
            }
            if start.elapsed() > time {
                return Err(self.slow("did not end", time));
            }
            thread::park_timeout(INTERVAL);
        }
    }

    /// Lets the output arrive that was printed before the end; children may keep the pipe open.
    fn wait_for_last_words(&self) {
        let start = Instant::now();
        while !self.reader.is_finished() && start.elapsed() < Duration::from_secs(1) {
            thread::park_timeout(INTERVAL);
        }
    }

    fn status(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child
            .try_wait()
            .map_err(Error::io("waiting for a child"))
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn slow(&self, what: &'static str, after: Duration) -> Error {
        Error::Slow {
            program: self.name.clone(),
            what,
            after,
            output: self.output(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once the child is reaped its number may be somebody else's.
        if let (Ok(None), Some(group)) = (self.child.try_wait(), self.group()) {
            let _ = kill_process_group(group, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Process::start(command).unwrap()
    }

    #[test]
    fn a_program_is_waited_for_and_stopped() {
        let mut process =
            shell("trap 'kill $!; echo bye; exit 3' TERM; sleep 60 & echo hi >&2; wait");
        process
            .wait_for_output("hi\n", Duration::from_secs(10))
            .unwrap();
        let status = process.stop(Signal::TERM, Duration::from_secs(10)).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(process.output(), "hi\nbye\n");
    }

    #[test]
    fn a_program_that_ends_early_tells_why() {
        let mut process = shell("echo no good; exit 1");
        let error = process
            .wait_until(Duration::from_secs(10), || false)
            .unwrap_err();
        assert!(matches!(error, Error::Ended { .. }), "{error}");
    }
}
