//! The files, and what each of them was when.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::Dice;
use super::ask::Heard;

const RELEASES: [&str; 2] = ["a", "b"];

/// A release is switched once in so many edits.
const SWITCH: u64 = 50;

/// States further back than this are forgotten: no exchange takes so long.
const MEMORY: Duration = Duration::from_secs(30);

/// The clock of edits and answers.
pub(super) struct Clock;

/// What a path shows from some moment on.
#[derive(Debug, Clone, Copy)]
struct Shown {
    state: State,
    /// Before this the edit had not begun.
    from: Instant,
    /// After this the next edit was over.
    until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Generation(u64),
    Missing,
    /// Being written in place: cut transfers and beginnings of the new content are right, too.
    Writing(u64),
}

#[derive(Debug)]
pub(super) struct Site {
    root: PathBuf,
    files: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Which release is current.
    current: usize,
    /// What each file of each release is.
    on_disk: [Vec<State>; 2],
    /// What each path has shown.
    history: Vec<Vec<Shown>>,
}

/// How a file is edited.
enum Way {
    Replace,
    Rewrite,
    Overwrite,
    Delete,
    Chmod,
}

impl Site {
    pub(super) fn make(root: &Path, files: usize) -> Self {
        let site = Self {
            root: root.to_owned(),
            files,
            inner: Mutex::new(Inner {
                current: 0,
                on_disk: [
                    vec![State::Generation(0); files],
                    vec![State::Generation(0); files],
                ],
                history: Vec::new(),
            }),
        };
        for release in RELEASES {
            let folder = root.join(release);
            fs::create_dir_all(&folder).expect("a folder can be made");
            for file in 0..files {
                fs::write(folder.join(name(file)), content(file, 0)).expect("there is room");
            }
        }
        site.point_at(0);
        let first = Shown {
            state: State::Generation(0),
            from: Instant::now(),
            until: None,
        };
        site.lock().history = vec![vec![first]; files];
        site
    }

    pub(super) fn files(&self) -> usize {
        self.files
    }

    pub(super) fn path(file: usize) -> String {
        format!("/{}", name(file))
    }

    /// One random edit; the file it concerns.
    pub(super) fn edit(&self, dice: &mut Dice, number: u64) -> usize {
        if dice.roll(SWITCH) == 0 {
            self.switch();
            return dice.index(self.files);
        }
        let file = dice.index(self.files);
        // Kept until the edit is in the history: an answer may show it before that, and is judged after.
        let mut inner = self.lock();
        let release = inner.current;
        let before = inner.on_disk[release][file];
        let path = self.root.join(RELEASES[release]).join(name(file));
        let large = content_length(file, number) > 64 << 10;
        let way = match dice.roll(6) {
            0 if before != State::Missing => Way::Delete,
            1 if before != State::Missing => Way::Chmod,
            // A write of one page is seen whole or not at all; a longer one is seen half done by any server.
            2 if same_size(file) && !large && before != State::Missing => Way::Overwrite,
            3 => Way::Rewrite,
            _ => Way::Replace,
        };
        let begun = Instant::now();
        let during = match way {
            Way::Rewrite | Way::Overwrite => Some(State::Writing(number)),
            _ => None,
        };
        if let Some(during) = during {
            inner.show_too(file, during, begun);
        }
        let after = apply(&way, &path, file, before, number, dice);
        inner.on_disk[release][file] = after;
        inner.show(file, after, begun, Instant::now());
        file
    }

    /// Makes the other release the current one.
    fn switch(&self) {
        let mut inner = self.lock();
        let next = 1 - inner.current;
        let begun = Instant::now();
        self.point_at(next);
        let ended = Instant::now();
        inner.current = next;
        for file in 0..self.files {
            let state = inner.on_disk[next][file];
            inner.show(file, state, begun, ended);
        }
    }

    fn point_at(&self, release: usize) {
        let next = self.root.join("next");
        symlink(RELEASES[release], &next).expect("a link can be made");
        fs::rename(&next, self.root.join("current")).expect("it is the same folder");
    }

    /// Whether an answer is a state that its path has shown between two moments.
    pub(super) fn judge(
        &self,
        file: usize,
        (begun, ended): (Instant, Instant),
        heard: &Heard,
    ) -> Result<(), String> {
        let inner = self.lock();
        let shown: Vec<State> = inner.history[file]
            .iter()
            .filter(|shown| shown.from <= ended && shown.until.is_none_or(|until| until >= begun))
            .map(|shown| shown.state)
            .collect();
        drop(inner);
        if shown.iter().any(|state| agrees(file, *state, heard)) {
            return Ok(());
        }
        Err(format!("{} is none of {shown:?}", heard.summary()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A path may show a state from `begun` on, or still what it showed before.
    fn show_too(&mut self, file: usize, state: State, begun: Instant) {
        self.history[file].push(Shown {
            state,
            from: begun,
            until: None,
        });
    }

    /// A path shows a state from `begun` on; what it showed before may be seen until `ended`.
    fn show(&mut self, file: usize, state: State, begun: Instant, ended: Instant) {
        let history = &mut self.history[file];
        for shown in history.iter_mut().filter(|shown| shown.until.is_none()) {
            // What is being written shows something else at once, but when is not known.
            shown.until = Some(ended);
        }
        history.retain(|shown| {
            shown
                .until
                .is_none_or(|until| begun - until.min(begun) < MEMORY)
        });
        history.push(Shown {
            state,
            from: begun,
            until: None,
        });
    }
}

fn apply(
    way: &Way,
    path: &Path,
    file: usize,
    before: State,
    number: u64,
    dice: &mut Dice,
) -> State {
    let bytes = content(file, number);
    match way {
        Way::Replace => {
            let new = path.with_extension("new");
            fs::write(&new, bytes).expect("there is room");
            set_back(&new, file);
            fs::rename(&new, path).expect("it is the same folder");
        }
        Way::Rewrite => {
            let mut open = File::create(path).expect("it can be opened");
            open.write_all(&bytes).expect("there is room");
            drop(open);
            set_back(path, file);
        }
        Way::Overwrite => {
            let open = File::options().write(true).open(path);
            let open = open.expect("it can be opened");
            open.write_all_at(&bytes, 0).expect("there is room");
            drop(open);
            set_back(path, file);
        }
        Way::Delete => {
            fs::remove_file(path).expect("it was there");
            return State::Missing;
        }
        Way::Chmod => {
            let mode = if dice.roll(2) == 0 { 0o640 } else { 0o644 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
            return before;
        }
    }
    State::Generation(number)
}

/// Some files never show in size or modification time that they were edited.
fn set_back(path: &Path, file: usize) {
    if file.is_multiple_of(4) {
        let moment = SystemTime::UNIX_EPOCH + crate::TempTree::MODIFIED;
        let open = File::options().append(true).open(path);
        let set = open.and_then(|open| open.set_modified(moment));
        set.expect("the time of our own file can be set");
    }
}

fn name(file: usize) -> String {
    format!("{file}.txt")
}

fn same_size(file: usize) -> bool {
    file.is_multiple_of(2)
}

fn content_length(file: usize, generation: u64) -> usize {
    let large = if file % 16 == 3 { 300 << 10 } else { 0 };
    let more = if same_size(file) { 0 } else { generation % 800 };
    large + 160 + file % 64 * 300 + usize::try_from(more).unwrap_or(0) * 16
}

/// Lines that each tell the file and the generation.
pub(super) fn content(file: usize, generation: u64) -> Vec<u8> {
    let line = format!("{file:06} {generation:08}\n");
    let length = content_length(file, generation);
    line.bytes().cycle().take(length).collect()
}

fn agrees(file: usize, state: State, heard: &Heard) -> bool {
    let (generation, writing) = match state {
        State::Missing => return matches!(heard, Heard::Missing),
        State::Generation(generation) => (generation, false),
        State::Writing(generation) => (generation, true),
    };
    match heard {
        Heard::Missing => false,
        Heard::Cut => writing,
        Heard::Beyond { total } => is_length(file, generation, writing, *total),
        Heard::Whole { body, .. } => {
            let expected = content(file, generation);
            *body == expected || (writing && expected.starts_with(body))
        }
        Heard::Part { start, total, body } => {
            let expected = content(file, generation);
            let end = start + body.len();
            // A large file that is written in place between the look at it and the sending, which the kernel does:
            // the head tells the old length, in nginx, too.
            let sent_by_kernel = writing && *total > 256 << 10;
            (sent_by_kernel || is_length(file, generation, writing, *total))
                && expected.get(*start..end) == Some(body)
        }
    }
}

fn is_length(file: usize, generation: u64, writing: bool, length: usize) -> bool {
    let expected = content_length(file, generation);
    length == expected || (writing && length < expected)
}
