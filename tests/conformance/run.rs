//! Runs cases, two at a time.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::{Program, Server, TempTree, comparable_log};

use crate::arguments::Arguments;
use crate::case::Case;
use crate::compare::compare;
use crate::fixtures::Fixtures;
use crate::folder;
use crate::replay::replay;

/// How many cases run at the same time; each runs two servers.
const AT_A_TIME: usize = 2;

/// After so long without a change a file is remembered: its time stamps would betray the next one.
const SETTLED: Duration = Duration::from_millis(1_100);

/// How much of our log is shown with a failure.
const LOG_SHOWN: usize = 1500;

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) requests: usize,
    pub(crate) notes: usize,
}

/// Runs all cases and prints each as it ends.
pub(crate) fn run_all(cases: &[Case], arguments: &Arguments) -> Tally {
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let runner = Runner {
        arguments,
        fixtures: Fixtures::default(),
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = runner.run(case);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.add(case, &result);
                }
            });
        }
    });
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    fn add(&mut self, case: &Case, result: &Result<(), String>) {
        self.requests += case.exchanges.len();
        self.notes += case
            .exchanges
            .iter()
            .map(|one| one.options.differs.len())
            .sum::<usize>();
        match result {
            Ok(()) => {
                self.passed += 1;
                println!("PASS {} ({})", case.name, case.exchanges.len());
            }
            Err(why) => {
                self.failed += 1;
                println!("FAIL {}\n{}", case.name, indent(why));
            }
        }
    }
}

struct Runner<'a> {
    arguments: &'a Arguments,
    fixtures: Fixtures,
}

impl Runner<'_> {
    /// Runs one case; the error is what is to be printed.
    fn run(&self, case: &Case) -> Result<(), String> {
        let root = case.root.clone().unwrap_or_else(|| folder().join("root"));
        let tree = TempTree::new().and_then(|tree| tree.copy_from(&root));
        let tree = tree.map_err(|error| error.to_string())?;
        let for_theirs = self.fixtures.provide(case, Program::nginx(), tree.path())?;
        let for_ours = self
            .fixtures
            .provide(case, self.our_program(), tree.path())?;
        let mut theirs = for_theirs
            .launch
            .start()
            .map_err(|error| error.to_string())?;
        let mut ours = for_ours.launch.start().map_err(|error| error.to_string())?;

        let mut wrong = self.play(case, &theirs, &ours)?;
        if case.is_about_files() && wrong.is_empty() {
            // What is remembered of a file, and what is made of it, comes with the second and the third look, and only
            // once it has been left alone for a while.
            let_files_settle();
            for _ in 0..3 {
                wrong.extend(self.play(case, &theirs, &ours)?);
            }
        }
        wrong.extend(compare_logs(case, &mut theirs, &mut ours)?);
        if wrong.is_empty() {
            return Ok(());
        }
        let log = ours.log();
        let tail = log.get(log.floor_char_boundary(log.len().saturating_sub(LOG_SHOWN))..);
        Err(format!(
            "{}\nour log:\n{}",
            wrong.join("\n"),
            indent(tail.unwrap_or_default())
        ))
    }

    /// Plays all exchanges once; what differs.
    fn play(&self, case: &Case, theirs: &Server, ours: &Server) -> Result<Vec<String>, String> {
        let exchanges = &case.exchanges;
        let (their_outcomes, our_outcomes) = thread::scope(|scope| {
            let replaying = scope.spawn(|| replay(exchanges, theirs));
            (replaying.join(), replay(exchanges, ours))
        });
        let their_outcomes = their_outcomes.map_err(|_| "the replay broke".to_owned())?;
        let mut wrong = Vec::new();
        for ((exchange, one), other) in exchanges.iter().zip(&their_outcomes).zip(&our_outcomes) {
            for what in compare(exchange, one, other, self.arguments.self_check) {
                wrong.push(format!("{}: {what}", exchange.title));
            }
        }
        Ok(wrong)
    }

    fn our_program(&self) -> Program {
        match &self.arguments.binary {
            Some(binary) => Program::at(binary),
            None if self.arguments.self_check => Program::nginx(),
            None => Program::at(env!("CARGO_BIN_EXE_portunus")),
        }
    }
}

/// The clock of the file system moves by itself.
fn let_files_settle() {
    let since = Instant::now();
    while let Some(left) = SETTLED.checked_sub(since.elapsed()) {
        thread::park_timeout(left);
    }
}

/// Stops the servers and compares the files that the case names, times left out.
fn compare_logs(
    case: &Case,
    theirs: &mut Server,
    ours: &mut Server,
) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for log in &case.logs {
        let name = &log.name;
        let mut texts = Vec::new();
        for server in [&mut *theirs, &mut *ours] {
            server.stop().map_err(|error| error.to_string())?;
            let text = fs::read(server.folder().join(name));
            let text = text.map_err(|error| format!("{name}: {error}"))?;
            let text = comparable_log(&String::from_utf8_lossy(&text), server.values());
            let mut lines: Vec<_> = text.lines().collect();
            if log.in_any_order {
                lines.sort_unstable();
            }
            texts.push(lines.join("\n"));
        }
        if let [theirs, ours] = texts.as_slice()
            && theirs != ours
        {
            wrong.push(format!(
                "{name} differs\n  reference:\n{theirs}\n  ours:\n{ours}"
            ));
        }
    }
    Ok(wrong)
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
