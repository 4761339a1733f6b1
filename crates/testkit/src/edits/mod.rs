//! Files that are edited at random while they are asked for: is every answer one that the disk once had?
//!
//! Below the root, `current` is a link to one of two releases, each with the same files. An answer must be one state
//! that the file had at some moment of the exchange, whole: nothing older, nothing mixed. A transfer may be cut only
//! while its file is being written in place. The one who edits asks at once after each edit, and then there is but one
//! right answer.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

mod ask;
mod site;

use ask::{Client, Heard};
use site::{Clock, Site};

/// How much is edited, and under which load.
#[derive(Debug, Clone, Copy)]
pub struct EditPlan {
    /// Edits to be made.
    pub edits: u64,
    /// Files in each release. One in sixteen has 300 KB, the others up to 20 KB.
    pub files: usize,
    /// Clients that ask all the time.
    pub readers: u64,
    /// Other files to ask for after each edit: the time they take lets files rest for long enough to be kept in memory.
    pub looks: usize,
    /// The same seed makes the same edits.
    pub seed: u64,
}

/// What was seen, all of it right.
#[derive(Debug, Default, Clone, Copy)]
pub struct EditReport {
    /// Edits made.
    pub edits: u64,
    /// Answers judged, 404 included.
    pub answers: u64,
    /// Those in a content coding.
    pub encoded: u64,
    /// Those with a part of the file.
    pub partial: u64,
    /// Transfers cut while the file was written in place.
    pub cut: u64,
}

/// An answer that the disk never had, or no answer.
#[derive(Debug, thiserror::Error)]
#[error("edit {edit}, {request}: {reason}")]
pub struct Offence {
    /// How many edits had been made.
    pub edit: u64,
    /// What was asked for.
    pub request: String,
    /// What is wrong.
    pub reason: String,
}

#[derive(Debug, Default)]
struct Tally {
    edits: AtomicU64,
    answers: AtomicU64,
    encoded: AtomicU64,
    partial: AtomicU64,
    cut: AtomicU64,
}

impl Tally {
    fn count(&self, heard: &Heard) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match heard {
            Heard::Cut => {
                add(&self.cut);
            }
            Heard::Whole { encoded: true, .. } => {
                add(&self.answers);
                add(&self.encoded);
            }
            Heard::Part { .. } => {
                add(&self.answers);
                add(&self.partial);
            }
            Heard::Whole { .. } | Heard::Missing | Heard::Beyond { .. } => {
                add(&self.answers);
            }
        }
    }

    fn report(&self) -> EditReport {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EditReport {
            edits: of(&self.edits),
            answers: of(&self.answers),
            encoded: of(&self.encoded),
            partial: of(&self.partial),
            cut: of(&self.cut),
        }
    }
}

/// Edits files below `root` while the server at `address`, whose root is `current` below it, is asked for them.
///
/// # Errors
/// The first answer that is not right.
///
/// # Panics
/// If the files cannot be written.
pub fn edit_under_load(
    address: SocketAddr,
    root: &Path,
    plan: &EditPlan,
) -> Result<EditReport, Offence> {
    let site = Site::make(root, plan.files);
    let (tally, stop) = (Tally::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..plan.readers)
            .map(|number| {
                let (site, tally, stop) = (&site, &tally, &stop);
                scope.spawn(move || {
                    let mut reader = Reader::new(address, site, tally, plan.seed + 1 + number);
                    let mut heard = Ok(());
                    while heard.is_ok() && !stop.load(Ordering::Acquire) {
                        heard = reader.ask_any();
                    }
                    // The one who edits need not go on.
                    stop.store(true, Ordering::Release);
                    heard
                })
            })
            .collect();
        let written = write(address, &site, &tally, plan, &stop);
        stop.store(true, Ordering::Release);
        let heard = readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader does not panic"));
        heard.fold(written, Result::and)
    })?;
    Ok(tally.report())
}

fn write(
    address: SocketAddr,
    site: &Site,
    tally: &Tally,
    plan: &EditPlan,
    stop: &AtomicBool,
) -> Result<(), Offence> {
    let mut dice = Dice::new(plan.seed);
    let mut witness = Reader::new(address, site, tally, plan.seed);
    for number in 1..=plan.edits {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let edited = site.edit(&mut dice, number);
        tally.edits.store(number, Ordering::Relaxed);
        witness.ask(edited)?;
        for _ in 0..plan.looks {
            witness.ask_any()?;
        }
    }
    Ok(())
}

/// Asks for files, and judges what comes.
struct Reader<'s> {
    client: Client,
    site: &'s Site,
    tally: &'s Tally,
    dice: Dice,
}

impl<'s> Reader<'s> {
    fn new(address: SocketAddr, site: &'s Site, tally: &'s Tally, seed: u64) -> Self {
        Self {
            client: Client::new(address),
            site,
            tally,
            dice: Dice::new(seed),
        }
    }

    fn ask_any(&mut self) -> Result<(), Offence> {
        let file = self.dice.index(self.site.files());
        self.ask(file)
    }

    fn ask(&mut self, file: usize) -> Result<(), Offence> {
        let request = self.client.request(&mut self.dice, &Site::path(file));
        let begun = Clock::now();
        let heard = self.client.ask(&request);
        let ended = Clock::now();
        let judged = heard.and_then(|heard| {
            self.site.judge(file, (begun, ended), &heard)?;
            self.tally.count(&heard);
            Ok(())
        });
        judged.map_err(|reason| Offence {
            edit: self.tally.edits.load(Ordering::Relaxed),
            request: request.line(),
            reason,
        })
    }
}

/// A small generator of numbers; tests want the same ones each time.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below.max(1)
    }

    fn index(&mut self, below: usize) -> usize {
        usize::try_from(self.roll(below as u64)).unwrap_or(0)
    }
}

impl Clock {
    fn now() -> Instant {
        Instant::now()
    }
}
