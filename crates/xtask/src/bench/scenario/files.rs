//! Scenarios around files.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use portunus_testkit::{Connection, EditPlan, edit_under_load};

use super::Figures;
use super::lab::Lab;
use crate::bench::contender::Contender;
use crate::bench::usage::resident_bytes;
use crate::process::pause;

/// How many slow readers there are.
const READERS: usize = 2_000;

/// Slow readers of a large file must not slow the others, and must not cost much memory each.
pub(super) fn slow_readers(lab: &Lab, contender: Contender) -> Result<Figures> {
    let server = lab.server(contender, None)?;
    let before = resident_bytes(server.running.pid);
    let readers = format!("--clients {READERS} --read-rate 20000 --seconds 10 --grace 0");
    let readers = lab.load(&server, "/10m.bin", &readers)?;
    pause(Duration::from_secs(2));
    let others = "--rate 200 --seconds 6 --patience 5 --length 1024";
    let others = lab.run(&server, "/1k.txt", others)?;
    let grown = resident_bytes(server.running.pid).saturating_sub(before);
    let readers = readers.finish()?;
    Ok(vec![
        ("reading", readers.count("unfinished")),
        ("others' p50", others.time("p50")),
        ("others' p99", others.time("p99")),
        ("failed", others.count("failed")),
        (
            "KiB per reader",
            format!("{:.1}", grown as f64 / 1024.0 / READERS as f64),
        ),
    ])
}

/// Files that are edited at random: every answer must be what the disk has.
pub(super) fn edits(lab: &Lab, contender: Contender) -> Result<Figures> {
    let folder = scratch(lab, "edited")?;
    let release = folder.join("a");
    fs::create_dir_all(&release)?;
    fs::write(release.join("1k.txt"), [b'x'; 1_024])?;
    symlink("a", folder.join("current"))?;
    let server = lab.server_below(contender, None, &folder.join("current"))?;
    let plan = EditPlan {
        edits: 10_000,
        files: 2_000,
        readers: 4,
        looks: 2,
        seed: 11,
    };
    let report = edit_under_load(address(server.running.port), &folder, &plan);
    let (seen, wrong) = match report {
        Ok(report) => (report, "none".to_owned()),
        // Where it went wrong is worth a line; the table has room for a word.
        Err(offence) => {
            println!("    {offence}");
            (Default::default(), format!("at edit {}", offence.edit))
        }
    };
    fs::remove_dir_all(&folder)?;
    Ok(vec![
        ("edits", seen.edits.to_string()),
        ("answers", seen.answers.to_string()),
        ("compressed", seen.encoded.to_string()),
        ("in part", seen.partial.to_string()),
        ("cut while written in place", seen.cut.to_string()),
        ("stale or mixed", wrong),
    ])
}

/// How many files, and how large.
const MANY: (usize, usize) = (10_000, 10 << 10);

/// Many files, once each: what is kept of them is bounded.
pub(super) fn many(lab: &Lab, contender: Contender) -> Result<Figures> {
    let folder = scratch(lab, "many")?;
    fs::write(folder.join("1k.txt"), [b'x'; 1_024])?;
    for number in 0..MANY.0 {
        fs::write(folder.join(format!("{number}.txt")), words(number))?;
    }
    let server = lab.server_below(contender, None, &folder)?;
    // Files that were changed within the last second are not kept.
    pause(Duration::from_millis(1_500));
    let (pid, to) = (server.running.pid, address(server.running.port));
    let before = resident_bytes(pid);
    let grown = || {
        format!(
            "{:.1} MiB",
            resident_bytes(pid).saturating_sub(before) as f64 / f64::from(1 << 20)
        )
    };
    sweep(to, "identity")?;
    let plain = grown();
    // Twice: a compressed form is made after the first request for it.
    for coding in ["gzip", "br", "zstd"] {
        sweep(to, coding)?;
        sweep(to, coding)?;
    }
    let compressed = grown();
    fs::remove_dir_all(&folder)?;
    Ok(vec![
        (
            "before",
            format!("{:.1} MiB", before as f64 / f64::from(1 << 20)),
        ),
        ("grown by, plain", plain),
        ("grown by, compressed too", compressed),
    ])
}

/// A text of 10 KB that compresses as texts do, another for each number.
fn words(number: usize) -> Vec<u8> {
    let mut seed = u32::try_from(number).unwrap_or(0);
    let mut text = String::new();
    while text.len() < MANY.1 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (common, rare) = (seed >> 28, seed >> 16 & 0xfff);
        text.push_str(&format!("word-{common} item {rare:x};\n"));
    }
    text.truncate(MANY.1);
    text.into_bytes()
}

fn sweep(to: SocketAddr, coding: &str) -> Result<()> {
    let mut connection = Connection::open(to)?;
    for number in 0..MANY.0 {
        let head = format!(
            "GET /{number}.txt HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\n\r\n"
        );
        connection.send(head.as_bytes())?;
        let answer = connection.read_response("GET")?;
        if answer.status() != 200 {
            bail!("/{number}.txt: status {}", answer.status());
        }
        if answer.field("connection") == Some("close") {
            connection = Connection::open(to)?;
        }
    }
    Ok(())
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An empty folder; in memory where there is some, for a disk would flush each edit.
fn scratch(lab: &Lab, name: &str) -> Result<std::path::PathBuf> {
    let shared = Path::new("/dev/shm");
    let place = if shared.is_dir() { shared } else { &lab.folder };
    let folder = place.join(format!("portunus-{name}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
