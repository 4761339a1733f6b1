//! Opening: what a path names, under which directives, and at what cost in memory.

#![allow(missing_docs, clippy::panic, reason = "tests")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use portunus_static_files::cache::{entity_tag, symlinks_from};
use portunus_static_files::encoding::{Coding, compressed};
use portunus_static_files::{
    Config, DisableSymlinks, Entry, Kind, OpenError, OpenFileCache, OpenOptions, Opened, Revalidate,
};

fn cache() -> OpenFileCache {
    OpenFileCache::new(Config {
        settle: Duration::ZERO,
        ..Config::default()
    })
}

fn open(cache: &OpenFileCache, path: &Path, options: &OpenOptions) -> Result<Opened, OpenError> {
    cache.open(path.as_os_str().as_bytes(), options)
}

fn file(cache: &OpenFileCache, path: &Path, options: &OpenOptions) -> Rc<Entry> {
    match open(cache, path, options) {
        Ok(Opened::File(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_of_path_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = cache();
    let options = OpenOptions::default();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("f"), "text").expect("room");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("fifo"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .expect("a FIFO");
    symlink("loop", at("loop")).expect("a link");

    assert!(matches!(
        open(&cache, folder.path(), &options),
        Ok(Opened::Directory)
    ));
    assert!(matches!(
        open(&cache, &at("none"), &options),
        Err(OpenError::NotFound { .. })
    ));
    assert!(matches!(
        open(&cache, &at("f/x"), &options),
        Err(OpenError::NotADirectory { .. })
    ));
    assert!(matches!(
        open(&cache, &at("fifo"), &options),
        Err(OpenError::NotRegular)
    ));
    assert!(matches!(
        open(&cache, &at("loop"), &options),
        Err(OpenError::TooManySymlinks { .. })
    ));
    let long = at(&"x".repeat(300));
    assert!(matches!(
        open(&cache, &long, &options),
        Err(OpenError::NameTooLong { .. })
    ));

    let probe = |name: &str| cache.probe(at(name).as_os_str().as_bytes(), &options);
    assert!(matches!(probe("f"), Kind::File(probed) if probed.size() == 4));
    assert!(matches!(probe("fifo"), Kind::Other));
    assert!(matches!(probe(""), Kind::Directory(_)));
    assert!(matches!(probe("none"), Kind::Missing(error) if error.is_missing()));
}

#[test]
fn a_known_file_is_the_same_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, "text").expect("room");
    let (cache, options) = (cache(), OpenOptions::default());
    let first = file(&cache, &path, &options);
    assert!(Rc::ptr_eq(&first, &file(&cache, &path, &options)));
    assert_eq!(first.in_memory().expect("small"), "text");
    fs::write(&path, "other").expect("room");
    assert_eq!(
        file(&cache, &path, &options).in_memory().expect("small"),
        "other"
    );
}

#[test]
fn large_files_are_open_for_the_request_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large");
    fs::write(&path, vec![1; 1_000_000]).expect("room");
    let (cache, options) = (cache(), OpenOptions::default());
    for _ in 0..2 {
        let entry = file(&cache, &path, &options);
        assert!(entry.in_memory().is_none());
        assert_eq!(std::sync::Arc::strong_count(entry.file().expect("open")), 1);
    }
}

#[test]
fn files_for_sendfile_stay_open_until_they_change_or_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, options) = (cache(), OpenOptions::default());
    let kept = |entry: &Entry| entry.file().is_some();
    let write = |name: &str, byte| {
        let path = folder.path().join(name);
        fs::write(&path, vec![byte; 100_000]).expect("room");
        path
    };
    let path = write("f", 1);
    let first = file(&cache, &path, &options);
    assert!(first.in_memory().is_some() && kept(&first));
    assert!(Rc::ptr_eq(&first, &file(&cache, &path, &options)));

    // Another file under the name: the descriptor is the new one's.
    fs::rename(write("new", 2), &path).expect("a file");
    let second = file(&cache, &path, &options);
    let mut byte = [0];
    let opened = std::sync::Arc::clone(second.file().expect("open"));
    opened.read_at(&mut byte, 99_999).expect("open");
    assert_eq!(byte, [2]);
    let inode = fs::metadata(&path).expect("a file").ino();
    assert_eq!(opened.metadata().expect("open").ino(), inode);

    // It is sent from as long as it is what is in memory.
    let part = second.to_send().expect("unchanged");
    assert_eq!((part.offset, part.len), (0, 100_000));
    let in_place = fs::File::options().write(true).open(&path);
    in_place
        .and_then(|file| file.set_len(90_000))
        .expect("room");
    assert!(second.to_send().is_none());

    // A look at a file that is gone closes it.
    drop((first, second, part));
    fs::remove_file(&path).expect("a file");
    let name = path.as_os_str().as_bytes();
    assert!(matches!(cache.probe(name, &options), Kind::Missing(_)));
    assert_eq!(std::sync::Arc::strong_count(&opened), 1);

    // There is a limit; what is above it is known without its descriptor.
    let mut open = 0;
    for n in 0..100 {
        let path = write(&n.to_string(), 3);
        file(&cache, &path, &options);
        open += usize::from(kept(&file(&cache, &path, &options)));
    }
    assert_eq!(open, 64);
}

#[test]
fn links_are_followed_only_as_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("real")).expect("a folder");
    fs::write(at("real/f"), "text").expect("room");
    symlink("real", at("dir-link")).expect("a link");
    symlink("real/f", at("link")).expect("a link");
    let cache = cache();
    let with = |name: &str, mode, from: &str| {
        let path = at(name);
        let from = if from.is_empty() {
            Path::new("").into()
        } else {
            at(from)
        };
        let bytes = path.as_os_str().as_bytes();
        let (symlinks, from) = symlinks_from(mode, from.as_os_str().as_bytes(), bytes);
        cache.open(
            bytes,
            &OpenOptions {
                symlinks,
                from,
                ..Default::default()
            },
        )
    };
    let (off, on, owner) = (
        DisableSymlinks::Off,
        DisableSymlinks::On,
        DisableSymlinks::IfNotOwner,
    );
    for _ in 0..2 {
        assert!(with("link", off, "").is_ok());
        assert!(with("real/f", on, "").is_ok());
        let refused = with("link", on, "").expect_err("a link");
        assert_eq!(refused.status(), 403);
        assert!(
            refused
                .describe(b"/x")
                .starts_with("openat() \"/x\" failed (40: ")
        );
        // Linux says ENOTDIR to O_DIRECTORY with O_NOFOLLOW on a link to a directory.
        assert!(with("dir-link/f", on, "").is_err());
        assert!(with("link", owner, "").is_ok());
        assert!(with("dir-link/f", owner, "").is_ok());
        assert!(with("dir-link/f", on, "dir-link").is_ok());
        assert!(with("link", on, "link").is_ok());
        assert!(matches!(with("real/", on, ""), Ok(Opened::Directory)));
        assert!(matches!(with("real", on, ""), Ok(Opened::Directory)));
    }
    // A file that was known as itself and has become a link is refused.
    fs::write(at("was-file"), "text").expect("room");
    assert!(with("was-file", on, "").is_ok());
    fs::remove_file(at("was-file")).expect("there");
    symlink("real/f", at("was-file")).expect("a link");
    assert!(with("was-file", on, "").is_err());
}

#[test]
fn the_tag_of_a_file_from_before_1970_has_a_sign() {
    assert_eq!(entity_tag(0x65bd_bb72, 12), "\"65bdbb72-c\"");
    assert_eq!(entity_tag(0, 0), "\"0-0\"");
    assert_eq!(entity_tag(-5, 3), "\"-5-3\"");
}

#[test]
fn open_file_cache_believes_for_as_long_as_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let hour = Duration::from_secs(3_600);
    let every = |valid, min_uses, errors| OpenOptions {
        revalidate: Revalidate::Every {
            valid,
            min_uses,
            errors,
        },
        ..OpenOptions::default()
    };
    let text = |cache: &OpenFileCache, name: &str, options: &OpenOptions| {
        file(cache, &at(name), options)
            .in_memory()
            .expect("small")
            .clone()
    };
    let replace = |name: &str, text: &str| {
        fs::write(at("new"), text).expect("room");
        fs::rename(at("new"), at(name)).expect("the same folder");
    };

    for (valid, min_uses, seen) in [
        (hour, 1, "old"),
        (Duration::ZERO, 1, "new"),
        (hour, 5, "new"),
    ] {
        let cache = cache();
        replace("f", "old");
        assert_eq!(text(&cache, "f", &every(valid, min_uses, false)), "old");
        replace("f", "new");
        assert_eq!(
            text(&cache, "f", &every(valid, min_uses, false)),
            seen,
            "{valid:?} {min_uses}"
        );
    }
    // The number of uses is of files that are kept open; an error is remembered at once.
    for (errors, min_uses, found) in [
        (true, 1, false),
        (true, 5, false),
        (false, 1, true),
        (false, 5, true),
    ] {
        let cache = cache();
        let _ = fs::remove_file(at("e"));
        assert!(open(&cache, &at("e"), &every(hour, min_uses, errors)).is_err());
        fs::write(at("e"), "text").expect("room");
        assert_eq!(
            open(&cache, &at("e"), &every(hour, min_uses, errors)).is_ok(),
            found,
            "{errors} {min_uses}"
        );
    }
}

/// As where one location has it and the other has not.
#[test]
fn open_file_cache_believes_only_looks_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    let century = Duration::from_secs(100 * 365 * 86_400);
    let options = OpenOptions {
        revalidate: Revalidate::Every {
            valid: century,
            min_uses: 1,
            errors: false,
        },
        ..OpenOptions::default()
    };
    let cache = cache();
    fs::write(&path, "old").expect("room");
    assert_eq!(file(&cache, &path, &OpenOptions::default()).size(), 3);
    fs::write(&path, "newer").expect("room");
    assert_eq!(file(&cache, &path, &options).size(), 5);
    fs::write(&path, "newest").expect("room");
    assert_eq!(file(&cache, &path, &options).size(), 5);
}

#[test]
fn open_file_cache_lets_go_of_a_large_file_that_is_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let options = OpenOptions {
        revalidate: Revalidate::Every {
            valid: Duration::from_secs(3_600),
            min_uses: 1,
            errors: false,
        },
        ..OpenOptions::default()
    };
    let cache = cache();
    let large = vec![b'a'; 300_000];
    fs::write(&path, &large).expect("room");
    let size = || file(&cache, &path, &options).size();
    assert_eq!([size(), size()], [300_000; 2]);
    fs::write(&path, [&large[..], b"more"].concat()).expect("room");
    assert_eq!([size(), size()], [300_004; 2]);
    // Another file of that name shows later.
    fs::write(folder.path().join("new"), "new").expect("room");
    fs::rename(folder.path().join("new"), &path).expect("the same folder");
    assert_eq!(size(), 300_004);
}

#[tokio::test(start_paused = true)]
async fn memory_stays_within_the_budget() {
    const BUDGET: usize = 1 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        settle: Duration::ZERO,
        budget: BUDGET,
        inactive: Some(Duration::from_secs(60)),
        ..Config::default()
    };
    let cache = OpenFileCache::new(config);
    for number in 0..1_000 {
        let path = folder.path().join(number.to_string());
        fs::write(&path, vec![1; 10 << 10]).expect("room");
        let entry = file(&cache, &path, &OpenOptions::default());
        assert_eq!(entry.in_memory().expect("small").len(), 10 << 10);
    }
    let stats = cache.stats();
    assert!(stats.used <= BUDGET && stats.used > BUDGET / 2, "{stats:?}");
    let two_rounds = Duration::from_secs(121);
    let forgetting = cache.clone().forget_idle();
    assert!(tokio::time::timeout(two_rounds, forgetting).await.is_err());
    assert_eq!(cache.stats().used, 0);
}

#[test]
fn a_worker_that_came_late_gets_its_share() {
    const BUDGET: usize = 1 << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        settle: Duration::ZERO,
        budget: BUDGET,
        workers: 2,
        ..Config::default()
    };
    let cache = OpenFileCache::new(config);
    let paths: Vec<_> = (0..200)
        .map(|n| folder.path().join(n.to_string()))
        .collect();
    for path in &paths {
        fs::write(path, vec![1; 10 << 10]).expect("room");
        file(&cache, path, &OpenOptions::default());
    }
    let ours = cache.stats().entries;
    let ask = |path: &Path| drop(file(&cache, path, &OpenOptions::default()));
    // The late worker finds no room, and says so.
    std::thread::scope(|scope| drop(scope.spawn(|| ask(&paths[0])).join()));
    ask(&paths[199]);
    assert!(
        cache.stats().entries < ours * 2 / 3,
        "{} of {ours}",
        cache.stats().entries
    );
    let theirs = std::thread::scope(|scope| {
        let late = scope.spawn(|| {
            paths.iter().for_each(|path| ask(path));
            cache.stats().entries
        });
        late.join().expect("no panic")
    });
    assert!(theirs > ours / 4, "{theirs} of {ours}");
}

#[test]
fn compressed_forms_are_made_once_for_all_workers() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = cache();
    for size in [10_000, 400_000] {
        let path = folder.path().join(format!("{size}.css"));
        fs::write(&path, "body { margin: 0 } ".repeat(size / 19)).expect("room");
        let entry = file(&cache, &path, &OpenOptions::default());
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            while compressed(&cache, &entry, coding).is_none() {
                std::thread::yield_now();
            }
            let variant = compressed(&cache, &entry, coding).expect("just seen");
            assert!(variant.body().len() < size / 10, "{coding:?}");
            assert_eq!(
                *variant.content_length(),
                variant.body().len().to_string().as_str()
            );
            assert_eq!(
                variant.etag().as_bytes(),
                [b"W/", entry.etag().as_bytes()].concat()
            );
            let body = variant.body().as_ptr().addr();
            let seen = std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    let entry = file(&cache, &path, &OpenOptions::default());
                    compressed(&cache, &entry, coding).map(|variant| variant.body().as_ptr().addr())
                });
                other.join().expect("no panic")
            });
            assert_eq!(seen, Some(body));
        }
    }
}
