//! Scenarios with clients that mean harm: crowds that take their time, floods of HTTP/2 frames, and
//! masses of idle connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use portunus_testkit::hostile::{Crowd, Flood, Habit};

use super::Figures;
use super::lab::{Lab, Server};
use crate::bench::contender::Contender;
use crate::bench::usage::{CpuReading, resident_bytes};
use crate::process::pause;

/// Members of a crowd.
const CROWD: usize = 2_000;

/// Connections kept idle at once.
const IDLE: usize = 10_000;

/// What one flood may send, and for how long.
const FRAMES: usize = 1_000_000;
const TIME: Duration = Duration::from_secs(5);

/// What is asked of a server, whoever harms it.
const P99: f64 = 250.0;
const FLOOD_CPU: f64 = 1.0;
const FLOOD_BYTES: u64 = 20_000_000;
const IDLE_BYTES: u64 = 150_000_000;
const IDLE_EACH: u64 = 12 << 10;
/// Seconds of processor in ten of doing nothing.
const IDLE_CPU: f64 = 0.1;

/// The time-outs of the configuration, and some time to notice.
const CUT_BY: Duration = Duration::from_millis(6_500);

/// Which of the bounds hold: each with what it is about.
fn bounds(bounds: &[(bool, &str)]) -> String {
    let missed = bounds.iter().filter(|(holds, _)| !holds);
    let missed: Vec<_> = missed.map(|(_, what)| *what).collect();
    match missed.is_empty() {
        true => "held".to_owned(),
        false => format!("MISSED: {}", missed.join(", ")),
    }
}

fn address(server: &Server) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, server.running.port).into()
}

/// A crowd of one habit, and others beside it; the time-outs of the configuration are 5 s.
fn crowd(lab: &Lab, contender: Contender, habit: Habit) -> Result<Figures> {
    let server = lab.server(contender, None)?;
    let before = resident_bytes(server.running.pid);
    let target = match habit {
        Habit::SlowBody => "/upload",
        Habit::SlowRead => "/10m.bin",
        _ => "/1k.txt",
    };
    let crowd = Crowd::gather(address(&server), habit, target, CROWD)?;
    let others = "--rate 200 --seconds 8 --patience 5 --length 1024 --fresh";
    let others = lab.run(&server, "/1k.txt", others)?;
    let (report, _) = crowd.wait_until(Duration::from_secs(10), |report| report.open == 0);
    let grown = resident_bytes(server.running.pid).saturating_sub(before);
    let seconds = |time: Option<Duration>| {
        time.map_or("–".to_owned(), |time| {
            format!("{:.1} s", time.as_secs_f64())
        })
    };
    let served = others.number("good") / others.number("begun").max(1.0);
    let may_stay = matches!(habit, Habit::SlowRead | Habit::KeepAlive);
    let in_time = report.last_cut.is_some_and(|last| last <= CUT_BY);
    let verdict = bounds(&[
        (served >= 1.0, "others served"),
        (others.number("p99") < P99, "their p99"),
        (may_stay || report.cut == CROWD, "all cut"),
        (may_stay || in_time, "cut in time"),
    ]);
    Ok(vec![
        ("bounds", verdict),
        ("others served", format!("{:.1} %", served * 100.0)),
        ("their p50", others.time("p50")),
        ("their p99", others.time("p99")),
        ("slowest", others.time("max")),
        ("cut", format!("{} of {CROWD}", report.cut)),
        ("first cut", seconds(report.first_cut)),
        ("last cut", seconds(report.last_cut)),
        ("MB more in the end", format!("{:.0}", grown as f64 / 1e6)),
    ])
}

pub(super) fn connect_only(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::ConnectOnly)
}

pub(super) fn half_line(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::HalfRequestLine)
}

pub(super) fn slow_head(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::SlowHead)
}

pub(super) fn slow_body(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::SlowBody)
}

pub(super) fn slow_read(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::SlowRead)
}

pub(super) fn keep_alive(lab: &Lab, contender: Contender) -> Result<Figures> {
    crowd(lab, contender, Habit::KeepAlive)
}

/// What idle connections cost: memory each, and processor time while nothing happens.
pub(super) fn idle(lab: &Lab, contender: Contender) -> Result<Figures> {
    let server = lab.server(contender, None)?;
    let pid = server.running.pid;
    let before = resident_bytes(pid);
    let crowd = Crowd::gather(address(&server), Habit::KeepAlive, "/1k.txt", IDLE)?;
    // All have had their answer, and an idle connection has been made small.
    crowd.wait_until(Duration::from_secs(20), |report| {
        report.received >= IDLE * 1_024
    });
    pause(Duration::from_secs(5));
    let (after, began) = (resident_bytes(pid), CpuReading::take(pid));
    pause(Duration::from_secs(10));
    let cpu = CpuReading::take(pid).since(&began);
    let grown = after.saturating_sub(before);
    let verdict = bounds(&[
        (crowd.report().open == IDLE, "all kept"),
        (after <= IDLE_BYTES, "memory"),
        (grown / IDLE as u64 <= IDLE_EACH, "memory of each"),
        (cpu <= IDLE_CPU, "processor"),
    ]);
    Ok(vec![
        ("bounds", verdict),
        ("connections", crowd.report().open.to_string()),
        ("MB before", format!("{:.1}", before as f64 / 1e6)),
        ("MB with them", format!("{:.1}", after as f64 / 1e6)),
        (
            "KiB each",
            format!("{:.1}", grown as f64 / 1024.0 / IDLE as f64),
        ),
        ("CPU-ms in 10 s", format!("{:.0}", cpu * 1e3)),
    ])
}

/// One flood after the other, with others beside it.
pub(super) fn floods(lab: &Lab, contender: Contender) -> Result<Figures> {
    let server = lab.server(contender, None)?;
    let (pid, address) = (server.running.pid, address(&server));
    let mut figures = Vec::new();
    for flood in Flood::ALL {
        let (memory, began) = (resident_bytes(pid), CpuReading::take(pid));
        let attack = thread::spawn(move || flood.run(address, "/10m.bin", FRAMES, TIME));
        let others = "--rate 100 --seconds 3 --patience 5 --length 1024 --fresh";
        let others = lab.run(&server, "/1k.txt", others)?;
        let cpu = CpuReading::take(pid).since(&began);
        let grown = resident_bytes(pid).saturating_sub(memory);
        let Ok(report) = attack.join() else {
            continue;
        };
        let report = report?;
        let end = match (report.cut, report.stuck) {
            (true, _) => "cut",
            (false, true) => "not read",
            (false, false) => "borne",
        };
        let frames = report.frames;
        let cheap = cpu < FLOOD_CPU && grown < FLOOD_BYTES;
        let verdict = bounds(&[
            (report.cut || cheap, "cut or cheap"),
            (others.number("p99") < P99, "p99"),
            (others.number("failed") == 0.0, "others served"),
        ]);
        let (p99, failed) = (others.time("p99"), others.count("failed"));
        let (cpu, grown) = (cpu * 1e3, grown as f64 / 1e6);
        let figure = format!(
            "{end} after {frames} frames, {cpu:.0} CPU-ms, {grown:.0} MB more, p99 {p99}, {failed} failed; bounds {verdict}"
        );
        figures.push((flood.name(), figure));
    }
    Ok(figures)
}
