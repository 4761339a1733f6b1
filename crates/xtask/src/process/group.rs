//! Children that live while a command runs, each in a process group of its own, all stopped when the
//! group of children is dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Signal, describe};

/// What is done with what the children print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Every line goes to our output behind the child's name.
    Shown,
    /// Each child has a file `NAME.log` in this folder.
    Logged(PathBuf),
}

/// One watched child.
#[derive(Debug)]
struct Member {
    name: String,
    child: Child,
    stop_with: Signal,
    ended: Option<ExitStatus>,
}

/// Children started together and stopped together, the last started first.
#[derive(Debug)]
pub(crate) struct Group {
    output: Output,
    members: Vec<Member>,
}

impl Group {
    /// A group without children.
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            members: Vec::new(),
        }
    }

    /// Starts a child in its own process group, so that Ctrl-C reaches us alone and we decide the order of
    /// the end.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        command: &mut Command,
        stop_with: Signal,
    ) -> Result<u32> {
        command.stdin(Stdio::null()).process_group(0);
        match &self.output {
            Output::Shown => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
            Output::Logged(folder) => {
                std::fs::create_dir_all(folder)?;
                let log = File::create(log_of(folder, name))?;
                command.stdout(log.try_clone()?).stderr(log)
            }
        };
        let started = command.spawn();
        let mut child = started.with_context(|| format!("cannot start `{}`", describe(command)))?;
        forward(name, child.stdout.take());
        forward(name, child.stderr.take());
        let pid = child.id();
        let name = name.to_owned();
        self.members.push(Member {
            name,
            child,
            stop_with,
            ended: None,
        });
        Ok(pid)
    }

    /// The last lines that a child printed, for an error message; where they have been shown, that is said.
    pub(crate) fn last_words(&self, name: &str) -> String {
        match &self.output {
            Output::Shown => {
                // They may still be on their way through the pipe.
                super::pause(Duration::from_millis(200));
                "its messages are above".into()
            }
            Output::Logged(folder) => {
                let log = std::fs::read(log_of(folder, name)).unwrap_or_default();
                super::last_lines(&String::from_utf8_lossy(&log), 15)
            }
        }
    }

    /// The first child that has ended, with the way it ended.
    pub(crate) fn first_ended(&mut self) -> Option<(String, ExitStatus)> {
        self.members.iter_mut().find_map(|member| {
            let status = member.poll()?;
            Some((member.name.clone(), status))
        })
    }

    /// Asks every child to stop, waits `grace` for all of them, then kills what is left with its whole group.
    pub(crate) fn stop(&mut self, grace: Duration) {
        for member in self.members.iter_mut().rev() {
            if member.poll().is_none() {
                let _ = member.stop_with.send_to_process(member.child.id());
            }
        }
        let all_ended = |members: &mut Vec<Member>| members.iter_mut().all(|m| m.poll().is_some());
        let deadline = std::time::Instant::now() + grace;
        while !all_ended(&mut self.members) && std::time::Instant::now() < deadline {
            super::pause(Duration::from_millis(20));
        }
        for mut member in self.members.drain(..) {
            let _ = Signal::Kill.send_to_group(member.child.id());
            let _ = member.child.wait();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(5));
    }
}

impl Member {
    fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }
}

fn log_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.log", name.replace([' ', '/'], "-")))
}

/// Copies a child's stream to ours, line by line, behind its name.
fn forward(name: &str, stream: Option<impl Read + Send + 'static>) {
    let Some(stream) = stream else { return };
    let name = format!("{name:>9}");
    thread::spawn(move || {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            println!("{name} │ {}", String::from_utf8_lossy(&line));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::wait_until;

    #[test]
    fn a_child_that_ends_is_told_and_the_others_are_stopped() {
        let mut group = Group::new(Output::Shown);
        let mut lasting = Command::new("sleep");
        let pid = group
            .spawn("lasting", lasting.arg("60"), Signal::Term)
            .expect("sleep starts");
        group
            .spawn("brief", &mut Command::new("false"), Signal::Term)
            .expect("false starts");

        let mut ended = None;
        wait_until(Duration::from_secs(10), || {
            ended = group.first_ended();
            ended.is_some()
        });
        let (name, status) = ended.expect("`false` ends by itself");
        assert_eq!((name.as_str(), status.code()), ("brief", Some(1)));

        group.stop(Duration::from_secs(10));
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
