//! Ten thousand random edits, and not one answer that is old or mixed.
//!
//! A file's content is one number, the generation, over and over; its length follows from the number. So an answer
//! tells of itself whether it is whole, and from when it is.

#![allow(missing_docs, clippy::panic, reason = "tests")]

use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use portunus_static_files::{
    Config, Kind, OpenError, OpenFileCache, OpenOptions, Opened, StaticBody,
};

const EDITS: u64 = 10_000;
const FILES: usize = 2_000;

fn content(generation: u64) -> Vec<u8> {
    let words = 1 + usize::try_from(generation * 31 % 1_500).expect("small");
    generation.to_ne_bytes().repeat(words)
}

/// The generation of an answer that is whole, or a beginning of one that is just being written.
fn generation(body: &[u8]) -> Option<u64> {
    let first = u64::from_ne_bytes(*body.first_chunk()?);
    assert!(
        content(first).starts_with(body),
        "mixed: begins with {first}, {} bytes",
        body.len()
    );
    Some(first)
}

/// A small generator of numbers; tests want the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Present(u64),
    Missing,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

/// The body; none if it had to be cut.
fn fetch(cache: &OpenFileCache, path: &Path) -> Result<Option<Bytes>, OpenError> {
    let options = OpenOptions::default();
    let path = path.as_os_str().as_bytes();
    let entry = match cache.probe(path, &options) {
        Kind::File(probed) => match cache.open_probed(path, probed, &options)? {
            Opened::File(entry) => entry,
            Opened::Directory => panic!("a directory"),
        },
        Kind::Missing(error) => return Err(error),
        other => panic!("{other:?}"),
    };
    let body = match entry.in_memory() {
        Some(body) => body.clone(),
        // The page cache did not have it at once: a blocking thread reads it, and fails if the file changes meanwhile.
        None => match runtime().block_on(StaticBody::whole(&entry).collect()) {
            Ok(body) => body.to_bytes(),
            Err(_) => return Ok(None),
        },
    };
    assert_eq!(entry.size(), body.len() as u64);
    assert_eq!(*entry.content_length(), body.len().to_string().as_str());
    let etag = format!("\"{:x}-{:x}\"", entry.modified(), entry.size());
    assert_eq!(*entry.etag(), etag.as_str());
    Ok(Some(body))
}

/// One random edit of one file; the state after it.
fn edit(dice: &mut Dice, path: &Path, before: State, generation: u64) -> State {
    let bytes = content(generation);
    match (dice.roll(5), before) {
        (0, _) => {
            let new = path.with_extension("new");
            fs::write(&new, bytes).expect("room");
            fs::rename(&new, path).expect("the same folder");
            State::Present(generation)
        }
        (1, _) => {
            // Truncates, then writes.
            fs::write(path, bytes).expect("room");
            State::Present(generation)
        }
        (2, State::Present(_)) => {
            fs::remove_file(path).expect("it was there");
            State::Missing
        }
        (3, State::Present(_)) => {
            let mode = if dice.roll(2) == 0 { 0o600 } else { 0o644 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
            before
        }
        _ => {
            let mut file = fs::File::create(path).expect("room");
            file.write_all(&bytes).expect("room");
            State::Present(generation)
        }
    }
}

#[test]
fn edits_show_at_the_next_request() {
    // In memory if possible: a disk would flush each of these files, one by one.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("a folder");
    let config = Config {
        settle: Duration::from_millis(50),
        workers: 3,
        ..Config::default()
    };
    let cache = OpenFileCache::new(config);
    let paths: Vec<PathBuf> = (0..FILES)
        .map(|n| folder.path().join(format!("{n}")))
        .collect();
    for path in &paths {
        fs::write(path, content(1)).expect("room");
    }
    // For each file the last generation whose edit is over; readers may see no older one.
    let done: Vec<AtomicU64> = (0..FILES).map(|_| AtomicU64::new(1)).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in [3, 5] {
            let (cache, paths, done, stop) = (cache.clone(), &paths, &done, &stop);
            scope.spawn(move || read_on(&cache, paths, done, stop, seed));
        }
        let readers_end = OnDrop(&stop);
        let known = write_on(&cache, &paths, &done);
        drop(readers_end);
        assert!(known > 500, "hardly anything came from the cache: {known}");
    });
}

/// Lets the readers go, also if the writer fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn read_on(
    cache: &OpenFileCache,
    paths: &[PathBuf],
    done: &[AtomicU64],
    stop: &AtomicBool,
    seed: u64,
) {
    let mut dice = Dice(seed);
    while !stop.load(Ordering::Acquire) {
        let at = usize::try_from(dice.roll(FILES as u64)).expect("an index");
        let oldest = done[at].load(Ordering::Acquire);
        if let Ok(Some(body)) = fetch(cache, &paths[at])
            && let Some(seen) = generation(&body)
        {
            assert!(seen >= oldest, "stale: {seen} after {oldest}");
        }
    }
}

/// Edits, and looks after each edit. How often an answer came from the cache.
fn write_on(cache: &OpenFileCache, paths: &[PathBuf], done: &[AtomicU64]) -> u64 {
    let mut dice = Dice(7);
    let mut states = vec![State::Present(1); FILES];
    let mut known = 0;
    for number in 2..EDITS + 2 {
        let at = usize::try_from(dice.roll(FILES as u64)).expect("an index");
        states[at] = edit(&mut dice, &paths[at], states[at], number);
        if let State::Present(now) = states[at] {
            done[at].store(now, Ordering::Release);
        }
        // The file just edited, and one that was perhaps left alone for a while.
        let other = usize::try_from(dice.roll(FILES as u64)).expect("an index");
        for at in [at, other] {
            let path = paths[at].as_os_str().as_bytes();
            if let Kind::File(probed) = cache.probe(path, &OpenOptions::default()) {
                known += u64::from(probed.entry().is_some());
            }
            match (fetch(cache, &paths[at]), states[at]) {
                (Ok(body), State::Present(wanted)) => {
                    // Compared so that a failure does not print two files.
                    assert!(
                        body.expect("nobody edits it now") == content(wanted),
                        "{number}"
                    );
                }
                (Err(error), State::Missing) => assert!(error.is_missing()),
                (Ok(_), State::Missing) => panic!("{number}: deleted, yet served"),
                (Err(error), State::Present(_)) => panic!("{number}: {error}"),
            }
        }
    }
    known
}

#[test]
fn writes_within_one_tick_of_the_clock_are_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("same-size");
    let cache = OpenFileCache::new(Config::default());
    fs::write(&path, 0_u64.to_ne_bytes()).expect("room");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("just made");
    for number in 1_u64..2_000 {
        file.write_all_at(&number.to_ne_bytes(), 0).expect("room");
        let body = fetch(&cache, &path)
            .expect("there")
            .expect("nobody edits it now");
        assert_eq!(body, number.to_ne_bytes().to_vec());
    }
}

#[test]
fn a_switched_release_shows_at_the_next_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let current = folder.path().join("current");
    for release in ["a", "b"] {
        let public = folder.path().join(release).join("public");
        fs::create_dir_all(&public).expect("a folder");
        fs::write(public.join("app.css"), release).expect("room");
    }
    let cache = OpenFileCache::new(Config {
        settle: Duration::ZERO,
        ..Config::default()
    });
    for number in 0..500 {
        let release = if number % 2 == 0 { "a" } else { "b" };
        let next = folder.path().join("next");
        symlink(release, &next).expect("a link");
        fs::rename(&next, &current).expect("the same folder");
        let seen = fetch(&cache, &current.join("public/app.css")).expect("there");
        assert_eq!(seen.expect("nobody edits it now"), release);
    }
}
