//! What the parts of a static answer cost, in CPU time of this thread.
//!
//! `cargo bench -p portunus-static-files [-- WORD]`; a word picks the groups whose name holds it. Nothing is asserted:
//! the figures that matter are written down in the crate's documentation.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(missing_docs, reason = "a program, not a library")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::HeaderMap;
use portunus_static_files::encode::{Encoder, EncoderOptions, best};
use portunus_static_files::encoding::Coding;
use portunus_static_files::{
    ByteRange, ConditionalOptions, Config, Facts, FileBody, OpenFileCache, OpenOptions, Opened,
    Revalidate, StaticBody, decide,
};
use rustix::time::{ClockId, clock_gettime};

fn main() {
    if std::env::args().nth(1).as_deref() == Some(PEAK) {
        return peak(std::env::args().skip(2));
    }
    let word = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with('-'))
        .unwrap_or_default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deep = folder.path().join("srv/app/public/build/assets");
    fs::create_dir_all(&deep).expect("a folder");
    type Group<'a> = (&'a str, &'a dyn Fn(&Path));
    let groups: [Group<'_>; 4] = [
        ("hit", &hits),
        ("send", &sends),
        ("codec", &codecs),
        ("memory", &memory),
    ];
    for (name, group) in groups {
        if name.contains(&word) {
            group(&deep);
        }
    }
}

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        now.tv_sec.unsigned_abs(),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// Best of twenty rounds, CPU time for one.
fn measure(name: &str, times: u32, mut act: impl FnMut()) {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let begun = cpu();
        for _ in 0..times {
            act();
        }
        best = best.min((cpu() - begun) / times);
    }
    println!("{name:<48} {:>12.3} us", best.as_secs_f64() * 1e6);
}

fn hits(folder: &Path) {
    let path = folder.join("app-4ed993c7.css");
    fs::write(&path, vec![b'x'; 1024]).expect("a file");
    let bytes = path.as_os_str().as_bytes();
    let options = OpenOptions::default();
    measure("stat alone", 100_000, || {
        black_box(rustix::fs::stat(black_box(bytes)).expect("a file"));
    });
    let believing = OpenOptions {
        revalidate: Revalidate::Every {
            valid: Duration::from_secs(60),
            min_uses: 1,
            errors: false,
        },
        ..options
    };
    let cache = OpenFileCache::new(Config {
        settle: Duration::ZERO,
        ..Config::default()
    });
    measure("open under open_file_cache, no stat", 100_000, || {
        black_box(cache.open(black_box(bytes), &believing)).expect("a file");
    });
    let settled = Config {
        settle: Duration::ZERO,
        ..Config::default()
    };
    for (name, config) in [
        ("known file", settled),
        ("changed a moment ago", Config::default()),
    ] {
        let cache = OpenFileCache::new(config);
        let times = if name == "known file" { 100_000 } else { 2_000 };
        measure(&format!("open, {name}"), times, || {
            black_box(cache.open(black_box(bytes), &options)).expect("a file");
        });
        measure(
            &format!("probe, open, decide, head and body, {name}"),
            times,
            || {
                let Ok(Opened::File(entry)) = cache.open(black_box(bytes), &options) else {
                    return;
                };
                let facts = Facts {
                    etag: Some(entry.etag().as_bytes()),
                    last_modified: Some(entry.modified()),
                    length: Some(entry.size()),
                };
                let outcome = decide(&facts, &HeaderMap::new(), &ConditionalOptions::default());
                let fields = (
                    entry.etag().clone(),
                    entry.last_modified().clone(),
                    entry.content_length().clone(),
                );
                black_box((outcome, fields, StaticBody::whole(&entry)));
            },
        );
    }
}

fn drain(
    mut body: impl http_body::Body<Data = bytes::Bytes, Error = std::io::Error> + Unpin,
    mut sink: impl FnMut(&[u8]),
) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut cx) {
        sink(frame.expect("a whole file").data_ref().expect("data"));
    }
}

fn reader(mut stream: TcpStream) {
    let mut buffer = vec![0; 256 << 10];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

fn sends(folder: &Path) {
    let cache = OpenFileCache::new(Config {
        settle: Duration::ZERO,
        in_memory: 0,
        ..Config::default()
    });
    for (name, size, times) in [
        ("16 KB", 16 << 10, 500),
        ("64 KB", 64 << 10, 200),
        ("100 KB", 100 << 10, 200),
        ("256 KB", 256 << 10, 50),
        ("1 MB", 1 << 20, 20),
        ("10 MB", 10 << 20, 3),
    ] {
        let path = folder.join("data.bin");
        fs::write(&path, vec![b'x'; size]).expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut out = TcpStream::connect(listener.local_addr().expect("bound")).expect("a peer");
        let (peer, _) = listener.accept().expect("a peer");
        let reading = std::thread::spawn(|| reader(peer));
        let bytes = path.as_os_str().as_bytes();
        let options = OpenOptions::default();
        let open = || match cache.open(bytes, &options) {
            Ok(Opened::File(entry)) => entry,
            other => unreachable!("{other:?}"),
        };
        let memory = vec![b'x'; size];
        measure(&format!("{name}: write from memory"), times, || {
            out.write_all(&memory).expect("a peer");
        });
        measure(&format!("{name}: FileBody, no socket"), times, || {
            let entry = open();
            let all = ByteRange {
                start: 0,
                end: entry.size(),
            };
            drain(FileBody::new(&entry, all).expect("open"), |data| {
                black_box(data);
            });
        });
        measure(&format!("{name}: FileBody, write"), times, || {
            let entry = open();
            let all = ByteRange {
                start: 0,
                end: entry.size(),
            };
            drain(FileBody::new(&entry, all).expect("open"), |data| {
                out.write_all(data).expect("a peer");
            });
        });
        measure(&format!("{name}: open, sendfile"), times, || {
            let file = File::open(&path).expect("a file");
            let (mut offset, end) = (0, size as u64);
            while offset < end {
                let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
                rustix::fs::sendfile(&out, &file, Some(&mut offset), left).expect("a peer");
            }
        });
        drop(out);
        reading.join().expect("the reader");
    }
}

fn style_sheet(size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 100);
    let mut seed = 1_u32;
    let mut next = |limit: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % limit
    };
    let properties = [
        "margin",
        "padding",
        "border-radius",
        "color",
        "background-color",
        "font-size",
        "display",
        "line-height",
    ];
    let names = [
        "hover", "focus", "md", "lg", "btn", "card", "text", "bg", "flex", "grid", "space",
        "divide",
    ];
    while out.len() < size {
        let (a, b) = (names[next(12) as usize], names[next(12) as usize]);
        let (p, q) = (properties[next(8) as usize], properties[next(8) as usize]);
        let line = format!(
            ".{a}-{b}-{}{{{p}:{}px;{q}:#{:06x}}}",
            next(100),
            next(64),
            next(65_536) * 200
        );
        out.extend_from_slice(line.as_bytes());
    }
    out.truncate(size);
    out
}

fn codecs(_: &Path) {
    for (name, size) in [("10 KB", 10 << 10), ("100 KB", 100 << 10)] {
        let css = style_sheet(size);
        for level in [1, 4, 6, 9] {
            let mut len = 0;
            measure(&format!("{name}: zlib-rs level {level}"), 10, || {
                let options = EncoderOptions {
                    level,
                    window_bits: 15,
                };
                let mut encoder =
                    Encoder::new(Coding::Gzip, options, Some(size as u64)).expect("memory");
                let mut out = Vec::new();
                encoder.push(&css, &mut out).expect("memory");
                encoder.finish(&mut out).expect("memory");
                len = out.len();
            });
            println!("{len:>57} bytes");
        }
        for level in [1, 6, 9, 12] {
            let mut len = 0;
            measure(&format!("{name}: libdeflate level {level}"), 10, || {
                let level = libdeflater::CompressionLvl::new(level).expect("a level");
                let mut compressor = libdeflater::Compressor::new(level);
                let mut out = vec![0; compressor.gzip_compress_bound(css.len())];
                len = compressor.gzip_compress(&css, &mut out).expect("room");
            });
            println!("{len:>57} bytes");
        }
        for coding in [Coding::Zstd, Coding::Brotli] {
            for level in [1, 3, 4, 6] {
                let mut len = 0;
                measure(
                    &format!("{name}: stream {} level {level}", coding.token()),
                    10,
                    || {
                        let options = EncoderOptions {
                            level,
                            ..EncoderOptions::new(coding)
                        };
                        let mut encoder =
                            Encoder::new(coding, options, Some(size as u64)).expect("memory");
                        let mut out = Vec::new();
                        encoder.push(&css, &mut out).expect("memory");
                        encoder.finish(&mut out).expect("memory");
                        len = out.len();
                    },
                );
                println!("{len:>57} bytes");
            }
        }
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            let begun = Instant::now();
            let len = best(coding, &css).expect("memory").len();
            println!(
                "{name}: best {:<32} {:>12.3} us, {len} bytes",
                coding.token(),
                begun.elapsed().as_secs_f64() * 1e6
            );
        }
    }
}

/// What making a form once and for all takes for a moment: the growth of the peak of resident memory, each in a process
/// of its own, since what a codec gives back may stay with the allocator.
fn memory(_: &Path) {
    for (name, size) in [
        ("10 KB", 10 << 10),
        ("100 KB", 100 << 10),
        ("256 KB", 256 << 10),
        ("1 MB", 1 << 20),
        ("8 MB", 8 << 20),
    ] {
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Brotli] {
            let token = coding.token();
            println!("{name}: best {token:<12} {}", told(token, size, ""));
        }
    }
    for (coding, levels) in [
        (Coding::Gzip, [1, 6, 9]),
        (Coding::Zstd, [1, 3, 9]),
        (Coding::Brotli, [4, 6, 9]),
    ] {
        for level in levels {
            let token = coding.token();
            let told = told(token, 10 << 10, &level.to_string());
            println!("10 KB: stream {token:<4} at {level:<2} {told}");
        }
    }
}

/// What a process of its own tells of its peak; without a level, of the best form.
fn told(token: &str, size: usize, level: &str) -> String {
    let mut child = Command::new(std::env::current_exe().expect("a program"));
    child.args([PEAK, token, &size.to_string(), level]);
    let told = child.output().expect("this program").stdout;
    String::from_utf8_lossy(&told).trim_end().to_owned()
}

const PEAK: &str = "--peak";

/// In such a process: compresses a style sheet once and tells the peak.
fn peak(mut arguments: impl Iterator<Item = String>) {
    let (token, size) = (arguments.next(), arguments.next());
    let coding = [Coding::Gzip, Coding::Zstd, Coding::Brotli]
        .into_iter()
        .find(|coding| Some(coding.token()) == token.as_deref())
        .expect("a coding");
    let css = style_sheet(size.and_then(|size| size.parse().ok()).expect("a size"));
    let (before, begun) = (resident("VmRSS:"), cpu());
    let level = arguments.next().and_then(|level| level.parse().ok());
    let len = match level {
        None => best(coding, &css).expect("memory").len(),
        Some(level) => {
            let options = EncoderOptions {
                level,
                ..EncoderOptions::new(coding)
            };
            let mut encoder =
                Encoder::new(coding, options, Some(css.len() as u64)).expect("memory");
            let mut out = Vec::new();
            encoder.push(&css, &mut out).expect("memory");
            encoder.finish(&mut out).expect("memory");
            out.len()
        }
    };
    println!(
        "{:>8} KiB {:>8.1} ms {len:>9} bytes",
        resident("VmHWM:").saturating_sub(before),
        (cpu() - begun).as_secs_f64() * 1e3
    );
}

/// A line of `/proc/self/status`, in KiB.
fn resident(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
