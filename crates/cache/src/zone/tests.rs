//! The store against a real directory. Without [`Zone::start`] all work on files is done at once.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use tempfile::TempDir;

use super::*;
use crate::config::ZoneConfig;
use crate::record::{Head, Meta};

const T: i64 = 1_700_000_000;

struct Bench {
    directory: TempDir,
    zone: Arc<Zone>,
    began: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ZoneConfig)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = ZoneConfig::new(b"one", directory.path().into(), 1 << 20);
        config.levels = vec![1, 2];
        change(&mut config);
        let zone = Arc::new(Zone::new(config));
        zone.shared.index().cold = false;
        let began = Instant::now();
        Self {
            directory,
            zone,
            began,
        }
    }

    /// The same directory, in another process.
    fn restarted(&self) -> Arc<Zone> {
        let zone = Arc::new(Zone::new(self.zone.config()));
        let mut loader = super::load::Loader::new(&zone.shared.layout);
        while !loader.step(&zone.shared, T) {}
        zone.shared.index().cold = false;
        zone
    }

    fn at(&self, seconds: i64) -> Moment {
        Moment {
            wall: T + seconds,
            now: self.began + Duration::from_secs(seconds.cast_unsigned()),
        }
    }

    fn ask<'f>(&self, key: &str, fields: &'f HeaderMap, seconds: i64) -> Ask<'f> {
        Ask {
            key: Bytes::copy_from_slice(key.as_bytes()),
            min_uses: 1,
            lock: None,
            patient: true,
            again: false,
            fields,
            now: self.at(seconds),
        }
    }

    fn open(&self, key: &str, seconds: i64) -> Opened {
        let fields = HeaderMap::new();
        self.zone.open(&self.ask(key, &fields, seconds))
    }

    fn ticket(&self, key: &str, seconds: i64) -> Ticket {
        match self.open(key, seconds) {
            Opened::Fill(ticket) => ticket,
            other => unreachable!("{other:?}"),
        }
    }

    fn store(&self, key: &str, body: &str) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let ticket = self.ticket(key, 0);
        ticket.store(fresh(60), head(), &HeaderMap::new(), body);
    }

    fn hit(&self, key: &str, seconds: i64) -> Vec<u8> {
        hit(self.open(key, seconds))
    }

    fn path(&self, key: &str) -> std::path::PathBuf {
        self.zone.file(&Key::of(key.as_bytes()))
    }

    /// Names of all files.
    fn files(&self) -> Vec<String> {
        fn walk(path: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(path).unwrap().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.directory.path(), &mut found);
        found
    }
}

fn hit(opened: Opened) -> Vec<u8> {
    match opened {
        Opened::Hit(entry) => read(&entry),
        other => unreachable!("{other:?}"),
    }
}

fn read(entry: &Entry) -> Vec<u8> {
    use std::os::unix::fs::FileExt as _;
    match entry.body() {
        Body::Memory(bytes) => bytes.to_vec(),
        Body::File { file, start, len } => {
            let mut bytes = vec![0; usize::try_from(*len).unwrap()];
            file.read_exact_at(&mut bytes, *start).unwrap();
            bytes
        }
    }
}

fn fresh(seconds: i64) -> Meta {
    Meta {
        valid: T + seconds,
        date: T,
        ..Meta::default()
    }
}

fn head() -> Head {
    Head {
        reason: Bytes::new(),
        status: 200,
        fields: vec![(Bytes::from_static(b"X-Test"), Bytes::from_static(b"1"))],
    }
}

#[test]
fn what_is_stored_is_found() {
    let bench = Bench::new();
    bench.store("/a", "body");
    assert_eq!(bench.hit("/a", 0), b"body");
    assert_eq!(bench.hit("/a", 60), b"body");
    assert!(matches!(bench.open("/a", 61), Opened::Stale(_)));
    assert!(matches!(bench.open("/b", 0), Opened::Fill(_)));
}

#[test]
fn an_entry_whose_file_was_removed_is_gone() {
    let bench = Bench::new();
    bench.store("/a", "body");
    fs::remove_file(bench.path("/a")).unwrap();
    drop(bench.ticket("/a", 0));
    assert_eq!(bench.zone.usage(), (0, 0, 0));
    bench.store("/a", "again");
    fs::remove_dir_all(bench.directory.path()).unwrap();
    drop(bench.ticket("/a", 0));
    bench.store("/a", "third");
    assert_eq!(bench.hit("/a", 0), b"third");
}

#[test]
fn another_process_finds_it() {
    let bench = Bench::new();
    bench.store("/a", "body");
    let zone = bench.restarted();
    assert_eq!(zone.usage().0, 1);
    let fields = HeaderMap::new();
    let opened = zone.open(&bench.ask("/a", &fields, 0));
    assert!(matches!(&opened, Opened::Hit(entry) if *entry.head() == head()));
    assert_eq!(hit(opened), b"body");
    let expired = zone.open(&bench.ask("/a", &fields, 61));
    assert!(matches!(expired, Opened::Stale(_)));
}

#[test]
fn it_is_found_before_all_files_are_known() {
    let bench = Bench::new();
    bench.store("/a", "body");
    let zone = Arc::new(Zone::new(bench.zone.config()));
    let fields = HeaderMap::new();
    assert_eq!(hit(zone.open(&bench.ask("/a", &fields, 0))), b"body");
    let rare = Ask {
        min_uses: 3,
        ..bench.ask("/b", &fields, 0)
    };
    assert!(matches!(zone.open(&rare), Opened::Scarce));
}

#[test]
fn files_that_are_no_entries_are_left_alone() {
    let bench = Bench::new();
    for key in ["/cut", "/empty", "/strange", "/whole"] {
        bench.store(key, "body of an answer");
    }
    let whole = fs::read(bench.path("/whole")).unwrap();
    fs::write(bench.path("/cut"), &whole[..whole.len() - 1]).unwrap();
    fs::write(bench.path("/empty"), "").unwrap();
    // The file of another key, as after a collision of names.
    fs::write(bench.path("/strange"), &whole).unwrap();
    let stray = bench.directory.path().join("README");
    fs::write(&stray, "not yours").unwrap();
    let temporary = bench.path("/whole").with_extension("0000000001");
    fs::write(&temporary, "being written").unwrap();
    for zone in [Arc::clone(&bench.zone), bench.restarted()] {
        let fields = HeaderMap::new();
        for key in ["/cut", "/empty", "/strange"] {
            let opened = zone.open(&bench.ask(key, &fields, 0));
            assert!(matches!(opened, Opened::Fill(_)), "{key}");
        }
        let opened = zone.open(&bench.ask("/whole", &fields, 0));
        assert_eq!(hit(opened), b"body of an answer");
    }
    assert!(stray.exists() && temporary.exists());
}

#[tokio::test]
async fn a_long_answer_goes_to_a_file() {
    let bench = Bench::new();
    let piece = Bytes::from(vec![b'x'; 100_000]);
    let mut fill = bench
        .ticket("/a", 0)
        .begin(fresh(60), head(), &HeaderMap::new());
    for _ in 0..7 {
        fill.push(piece.clone()).await.unwrap();
    }
    assert!(bench.files()[0].contains('.'), "not under its name yet");
    assert!(matches!(bench.open("/a", 0), Opened::Fill(_)));
    fill.finish().await.unwrap();
    assert_eq!(bench.hit("/a", 0).len(), 700_000);
    let (entries, size, memory) = bench.zone.usage();
    assert!(entries == 1 && size >= 700_000 && memory == 0);
    let fields = HeaderMap::new();
    let opened = bench.restarted().open(&bench.ask("/a", &fields, 0));
    assert_eq!(hit(opened).len(), 700_000);
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_nothing() {
    let bench = Bench::new();
    let mut fill = bench
        .ticket("/a", 0)
        .begin(fresh(60), head(), &HeaderMap::new());
    fill.push(Bytes::from(vec![b'x'; 600_000])).await.unwrap();
    assert_eq!(bench.files().len(), 1);
    drop(fill);
    assert!(bench.files().is_empty());
    assert_eq!(bench.zone.usage(), (0, 0, 0));
}

#[tokio::test]
async fn one_fills_and_the_others_wait() {
    let bench = Bench::new();
    let fields = HeaderMap::new();
    let ask = Ask {
        lock: Some(Duration::from_secs(5)),
        ..bench.ask("/a", &fields, 0)
    };
    let Opened::Fill(ticket) = bench.zone.open(&ask) else {
        unreachable!("nobody was there before");
    };
    let Opened::Locked(waiting) = bench.zone.open(&ask) else {
        unreachable!("the lock is taken");
    };
    assert_eq!(waiting.until, bench.at(5).now);
    let impatient = Ask {
        patient: false,
        ..ask.clone()
    };
    assert!(matches!(bench.zone.open(&impatient), Opened::Scarce));
    ticket.store(fresh(60), head(), &fields, Bytes::from_static(b"body"));
    // The wait ends because the entry is there.
    waiting.told.await;
    let again = Ask { again: true, ..ask };
    assert_eq!(hit(bench.zone.open(&again)), b"body");
}

#[test]
fn a_lock_goes_on_when_it_is_given_up_or_too_old() {
    let bench = Bench::new();
    let fields = HeaderMap::new();
    let ask = |seconds| Ask {
        lock: Some(Duration::from_secs(5)),
        ..bench.ask("/a", &fields, seconds)
    };
    let Opened::Fill(first) = bench.zone.open(&ask(0)) else {
        unreachable!("nobody was there before");
    };
    let Opened::Fill(second) = bench.zone.open(&ask(5)) else {
        unreachable!("the first one is too slow");
    };
    // The slow one does not open the lock of the other.
    drop(first);
    assert!(matches!(bench.zone.open(&ask(6)), Opened::Locked(_)));
    drop(second);
    assert!(matches!(bench.zone.open(&ask(6)), Opened::Fill(_)));
}

#[test]
fn one_renews_and_the_others_are_told() {
    let bench = Bench::new();
    let ticket = bench.ticket("/a", 0);
    let meta = Meta {
        updating: 10,
        error: 20,
        ..fresh(60)
    };
    ticket.store(meta, head(), &HeaderMap::new(), Bytes::from_static(b"body"));
    let stale = |seconds| match bench.open("/a", seconds) {
        Opened::Stale(stale) => stale,
        other => unreachable!("{other:?}"),
    };
    let first = stale(61);
    assert!(!first.updating && first.while_updating && first.if_error);
    let second = stale(75);
    assert!(second.updating && !second.while_updating && second.if_error);
    drop(second);
    assert!(stale(61).updating);
    first.ticket.renew(&first.entry, &fresh(120));
    assert_eq!(bench.hit("/a", 100), b"body");
    // The file says so, too, and is the same file still.
    let fields = HeaderMap::new();
    let opened = bench.restarted().open(&bench.ask("/a", &fields, 100));
    assert_eq!(hit(opened), b"body");
    let last = stale(121);
    assert!(!last.updating && !last.if_error);
}

#[test]
fn what_turns_out_to_vary_is_asked_for_again() {
    let bench = Bench::new();
    let vary = |text: &'static str, seconds| Meta {
        vary: Bytes::from_static(text.as_bytes()),
        ..fresh(seconds)
    };
    for (path, stored, renewed, is_kept) in [
        ("/same", "X-A", "X-A", true),
        ("/unsaid", "X-A", "", true),
        ("/new", "", "X-A", false),
        ("/other", "X-A", "X-A, X-B", false),
    ] {
        let ticket = bench.ticket(path, 0);
        ticket.store(
            vary(stored, 60),
            head(),
            &HeaderMap::new(),
            Bytes::from_static(b"body"),
        );
        let Opened::Stale(stale) = bench.open(path, 61) else {
            unreachable!("it is out of date");
        };
        stale.ticket.renew(&stale.entry, &vary(renewed, 120));
        match bench.open(path, 100) {
            Opened::Hit(_) => assert!(is_kept, "{path}"),
            Opened::Fill(_) => assert!(!is_kept, "{path}"),
            other => unreachable!("{path}: {other:?}"),
        }
    }
}

#[test]
fn variants_have_names_of_their_own() {
    let bench = Bench::new();
    let accepting = |encoding: &'static str| {
        let mut fields = HeaderMap::new();
        fields.insert("accept-encoding", HeaderValue::from_static(encoding));
        fields
    };
    let varying = Meta {
        vary: Bytes::from_static(b"Accept-Encoding"),
        ..fresh(60)
    };
    for encoding in ["gzip", "br", "deflate"] {
        let fields = accepting(encoding);
        let Opened::Fill(ticket) = bench.zone.open(&bench.ask("/a", &fields, 0)) else {
            unreachable!("{encoding} was not there");
        };
        ticket.store(varying.clone(), head(), &fields, encoding.into());
    }
    assert_eq!(bench.files().len(), 3);
    for encoding in ["gzip", "br", "deflate"] {
        let fields = accepting(encoding);
        let opened = bench.zone.open(&bench.ask("/a", &fields, 0));
        assert_eq!(hit(opened), encoding.as_bytes());
    }
    // An answer that does not vary any more is for all.
    let fields = accepting("br");
    let Opened::Stale(stale) = bench.zone.open(&bench.ask("/a", &fields, 61)) else {
        unreachable!("it is out of date");
    };
    stale
        .ticket
        .store(fresh(120), head(), &fields, "all".into());
    for encoding in ["gzip", "br", "deflate"] {
        let fields = accepting(encoding);
        let opened = bench.zone.open(&bench.ask("/a", &fields, 61));
        assert_eq!(hit(opened), b"all");
    }
}

#[test]
fn errors_are_remembered() {
    let bench = Bench::new();
    bench.ticket("/a", 0).fail(404, T + 60);
    assert!(matches!(bench.open("/a", 60), Opened::Failed(404)));
    assert!(matches!(bench.open("/a", 61), Opened::Fill(_)));
    assert!(bench.files().is_empty());
    // Whoever asks past the store may put an answer in its place.
    bench.ticket("/b", 0).fail(404, T + 60);
    let fields = HeaderMap::new();
    let ticket = bench.zone.create(&bench.ask("/b", &fields, 1)).unwrap();
    ticket.store(fresh(60), head(), &fields, "body".into());
    assert_eq!(bench.hit("/b", 1), b"body");
}

#[test]
fn rare_ones_are_not_kept() {
    let bench = Bench::new();
    let fields = HeaderMap::new();
    let ask = Ask {
        min_uses: 3,
        ..bench.ask("/a", &fields, 0)
    };
    assert!(matches!(bench.zone.open(&ask), Opened::Scarce));
    assert!(matches!(bench.zone.open(&ask), Opened::Scarce));
    assert!(matches!(bench.zone.open(&ask), Opened::Fill(_)));
}

#[test]
fn the_least_used_goes_when_there_are_too_many() {
    // The smallest zone has room for 32.
    let bench = Bench::with(|config| config.keys = 2 * 4096);
    for number in 0..32 {
        bench.store(&number.to_string(), "body");
    }
    assert_eq!(bench.hit("0", 0), b"body");
    for number in 32..40 {
        bench.store(&number.to_string(), "body");
    }
    assert_eq!(bench.zone.usage().0, 32);
    assert_eq!(bench.files().len(), 32);
    assert_eq!(bench.hit("0", 0), b"body");
    drop(bench.ticket("1", 0));
    // From now on the manager keeps some places free.
    bench.zone.upkeep(bench.at(0));
    assert_eq!(bench.zone.usage().0, 27);
}

#[test]
fn a_zone_full_of_entries_in_use_stores_nothing_more() {
    let bench = Bench::with(|config| config.keys = 2 * 4096);
    let tickets: Vec<_> = (0..32)
        .map(|number| bench.ticket(&number.to_string(), 0))
        .collect();
    assert!(matches!(bench.open("more", 0), Opened::Scarce));
    drop(tickets);
    assert!(matches!(bench.open("more", 0), Opened::Fill(_)));
}

#[test]
fn files_together_stay_below_their_limit() {
    let bench = Bench::with(|config| config.max_size = Some(10 * 4096));
    for number in 0..50 {
        bench.store(&number.to_string(), "body");
        assert!(bench.zone.usage().1 <= 10 * 4096);
    }
    assert_eq!(bench.files().len(), bench.zone.usage().0);
    assert_eq!(bench.hit("49", 0), b"body");
    drop(bench.ticket("0", 0));
}

#[test]
fn what_nobody_asks_for_is_removed() {
    let bench = Bench::with(|config| config.inactive = Duration::from_secs(10));
    bench.store("/a", "body");
    bench.store("/b", "body");
    assert_eq!(bench.hit("/b", 5), b"body");
    let wait = bench.zone.upkeep(bench.at(11));
    assert_eq!(wait, Duration::from_secs(4));
    assert_eq!(bench.files().len(), 1);
    assert_eq!(bench.hit("/b", 11), b"body");
    bench.zone.upkeep(bench.at(22));
    assert_eq!((bench.files().len(), bench.zone.usage()), (0, (0, 0, 0)));
}

#[test]
fn what_is_in_use_is_not_removed() {
    let bench = Bench::with(|config| config.inactive = Duration::from_secs(10));
    let ticket = bench.ticket("/a", 0);
    bench.zone.upkeep(bench.at(11));
    assert_eq!(bench.zone.usage().0, 1);
    drop(ticket);
}

#[test]
fn nothing_stays_where_no_room_is_left() {
    let bench = Bench::with(|config| config.min_free = u64::MAX);
    bench.store("/a", "body");
    bench.zone.upkeep(bench.at(0));
    assert!(bench.files().is_empty());
}

#[test]
fn memory_stays_within_its_budget() {
    let bench = Bench::with(|config| config.memory = 10_000);
    let body = "x".repeat(3_000);
    for number in 0..9 {
        bench.store(&number.to_string(), &body);
    }
    let (entries, _, memory) = bench.zone.usage();
    assert_eq!(entries, 9);
    assert!(memory <= 10_000, "{memory}");
    for number in 0..9 {
        assert_eq!(bench.hit(&number.to_string(), 0), body.as_bytes());
    }
}

#[test]
fn a_thread_writes_and_tells() {
    // The thread has a clock of its own.
    let bench = Bench::with(|config| config.inactive = Duration::from_secs(1 << 40));
    bench.zone.start().unwrap();
    for number in 0..20 {
        bench.store(&number.to_string(), "body");
    }
    // At once from memory, written or not.
    assert_eq!(bench.hit("7", 0), b"body");
    bench.zone.flush(Duration::from_secs(30));
    assert_eq!(bench.files().len(), 20);
    assert_eq!(bench.zone.shared.pending.load(Ordering::Relaxed), 0);
}

#[test]
fn no_directory_means_no_entry() {
    let bench = Bench::new();
    let blocked = bench.path("/a");
    let parent = blocked.parent().and_then(Path::parent).unwrap();
    // A file where a directory should be.
    fs::write(parent, "").unwrap();
    bench.store("/a", "body");
    drop(bench.ticket("/a", 0));
    assert_eq!(bench.zone.usage(), (0, 0, 0));
}
