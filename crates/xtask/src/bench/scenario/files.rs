//! Scenarios around files.

use std::time::Duration;

use anyhow::Result;

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
