//! Sending: bodies are the file, the whole file, and nothing but the file; or they fail.

#![allow(missing_docs, clippy::panic, reason = "tests")]

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use portunus_static_files::{
    ByteRange, Config, Entry, Multipart, OpenFileCache, OpenOptions, Opened, StaticBody,
};

const SIZE: usize = 300_000;

fn content() -> Vec<u8> {
    (0..SIZE)
        .map(|at| u8::try_from(at * 7 / 3 % 251).expect("small"))
        .collect()
}

fn open(path: &Path) -> Rc<Entry> {
    open_settled(path, Duration::ZERO)
}

fn open_settled(path: &Path, settle: Duration) -> Rc<Entry> {
    let cache = OpenFileCache::new(Config {
        settle,
        ..Config::default()
    });
    match cache.open(path.as_os_str().as_bytes(), &OpenOptions::default()) {
        Ok(Opened::File(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

fn next(body: &mut StaticBody) -> Option<io::Result<Bytes>> {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Ready(frame) => {
            frame.map(|frame| frame.map(|frame| frame.into_data().expect("data")))
        }
        Poll::Pending => panic!("the page cache has it"),
    }
}

fn append(path: &Path) {
    let file = fs::File::options().append(true).open(path).expect("ours");
    file.write_at(b"more", SIZE as u64).map(drop).expect("room");
}

fn rest(mut body: StaticBody) -> io::Result<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(chunk) = next(&mut body) {
        sent.extend_from_slice(&chunk?);
    }
    Ok(sent)
}

/// Sends the first chunk, lets `edit` loose on the file, then sends the rest.
fn edited(edit: impl FnOnce(&Path)) -> io::Result<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let mut body = StaticBody::whole(&open(&path));
    let mut sent = next(&mut body).expect("a chunk")?.to_vec();
    edit(&path);
    sent.extend_from_slice(&rest(body)?);
    Ok(sent)
}

#[test]
fn changes_under_way_cut_the_transfer() {
    assert_eq!(edited(|_| ()).expect("untouched"), content());
    let shrunk = edited(|path| {
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(100_000))
            .expect("ours");
    });
    assert_eq!(
        shrunk.expect_err("too short").kind(),
        io::ErrorKind::UnexpectedEof
    );
    let rewritten = edited(|path| fs::write(path, vec![9; SIZE * 2]).expect("room"));
    assert_eq!(
        rewritten.expect_err("mixed").kind(),
        io::ErrorKind::UnexpectedEof
    );
    let emptied = edited(|path| fs::write(path, "").expect("room"));
    assert!(emptied.is_err());
}

#[test]
fn changes_that_do_not_matter_do_not_cut() {
    let appended = edited(append);
    assert_eq!(appended.expect("a log goes on"), content());
    let replaced = edited(|path| {
        let new = path.with_extension("new");
        fs::write(&new, "new")
            .and_then(|()| fs::rename(&new, path))
            .expect("room");
    });
    assert_eq!(replaced.expect("the old file is still whole"), content());
    let removed = edited(|path| fs::remove_file(path).expect("there"));
    assert_eq!(removed.expect("the old file is still whole"), content());
}

#[test]
fn a_log_goes_on_before_anything_was_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let hour = Duration::from_secs(3_600);
    let entry = open_settled(&path, hour);
    append(&path);
    let sent = rest(StaticBody::whole(&entry)).expect("it has only grown");
    assert!(sent == content());
    let range = |start, end| ByteRange { start, end };
    let sent = rest(StaticBody::range(&entry, range(100, 200))).expect("it has only grown");
    assert_eq!(sent, &content()[100..200]);

    let entry = open_settled(&path, hour);
    fs::write(&path, vec![9; SIZE * 2]).expect("room");
    let rewritten = rest(StaticBody::whole(&entry));
    assert!(rewritten.is_err());
}

#[test]
fn a_log_goes_on_between_two_ranges() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let range = |start, end| ByteRange { start, end };
    let ranges = [range(0, 10), range(200_000, 200_010)];
    let multipart = Multipart::new(&ranges, SIZE as u64, None);
    let length = multipart.length();
    let mut body = StaticBody::multipart(&open(&path), multipart);
    let mut sent = 0;
    // The head of a part, and the part.
    for _ in 0..2 {
        let part = next(&mut body).expect("more to come").expect("untouched");
        sent += part.len() as u64;
    }
    append(&path);
    sent += rest(body).expect("it has only grown").len() as u64;
    assert_eq!(sent, length);
}

#[test]
fn ranges_are_cut_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    for size in [1_000, SIZE] {
        let path = folder.path().join(size.to_string());
        let whole = &content()[..size];
        fs::write(&path, whole).expect("room");
        let entry = open(&path);
        for (start, end) in [(0, 1), (1, size), (size - 1, size), (500, 700), (0, size)] {
            let range = ByteRange {
                start: start as u64,
                end: end as u64,
            };
            let mut body = StaticBody::range(&entry, range);
            assert_eq!(body.size_hint().exact(), Some(range.len()));
            let mut sent = Vec::new();
            while let Some(chunk) = next(&mut body) {
                sent.extend_from_slice(&chunk.expect("untouched"));
            }
            assert_eq!(sent, whole[start..end]);
            assert!(body.is_end_stream());
        }
    }
}

#[tokio::test]
async fn several_ranges_of_a_large_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let entry = open(&path);
    let ranges = [
        ByteRange {
            start: 10,
            end: 100_010,
        },
        ByteRange {
            start: 200_000,
            end: 200_001,
        },
    ];
    let multipart = Multipart::new(&ranges, entry.size(), None);
    let length = multipart.length();
    let body = StaticBody::multipart(&entry, multipart);
    let sent = body.collect().await.expect("untouched").to_bytes();
    assert_eq!(sent.len() as u64, length);
    let whole = content();
    for part in [
        &whole[10..100_010],
        b"Content-Range: bytes 200000-200000/300000\r\n\r\n",
    ] {
        assert!(sent.windows(part.len()).any(|window| window == part));
    }
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_slow_reader_holds_one_chunk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let mut body = StaticBody::whole(&open(&path)).one_chunk_at_a_time();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut cx = Context::from_waker(&waker);
    let mut sent = 0;
    while sent < SIZE {
        let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx) else {
            panic!("a chunk was due");
        };
        let chunk = frame.into_data().expect("data");
        assert!(chunk.len() <= 64 << 10);
        sent += chunk.len();
        if sent < SIZE {
            // Not yet written: the body waits, and is woken when it is.
            assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
            let before = count.0.load(Ordering::Relaxed);
            drop(chunk);
            assert_eq!(count.0.load(Ordering::Relaxed), before + 1);
        }
    }
}

#[tokio::test]
async fn a_cold_file_is_read_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content()).expect("room");
    let file = fs::File::open(&path).expect("just made");
    file.sync_all().expect("a disk");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advice");
    let StaticBody::File(mut body) = StaticBody::whole(&open(&path)) else {
        panic!("a large file");
    };
    let mut sent = Vec::new();
    loop {
        if let Some(segment) = body.next_segment().expect("untouched") {
            let mut bytes = vec![0; usize::try_from(segment.len).expect("a file of this test")];
            let file = &segment.file;
            file.read_exact_at(&mut bytes, segment.offset)
                .expect("untouched");
            sent.extend(bytes);
            continue;
        }
        let Some(frame) = body.frame().await else {
            break;
        };
        sent.extend_from_slice(&frame.expect("untouched").into_data().expect("data"));
    }
    assert_eq!(sent, content());
}

#[test]
fn the_kernel_sends_settled_files_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, vec![5; 5 << 20]).expect("room");
    let StaticBody::File(mut body) = StaticBody::whole(&open(&path)) else {
        panic!("a large file");
    };
    let mut position = 0;
    while let Some(segment) = body.next_segment().expect("untouched") {
        assert_eq!(segment.offset, position);
        position += segment.len;
    }
    assert_eq!(position, 5 << 20);
    assert!(next(&mut StaticBody::File(body)).is_none());

    let young = OpenFileCache::new(Config::default());
    let Ok(Opened::File(entry)) = young.open(path.as_os_str().as_bytes(), &OpenOptions::default())
    else {
        panic!("a file");
    };
    let StaticBody::File(mut body) = StaticBody::whole(&entry) else {
        panic!("a large file");
    };
    assert!(body.next_segment().expect("untouched").is_none());
}
