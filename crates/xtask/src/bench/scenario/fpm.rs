//! Scenarios around PHP-FPM.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::lab::Lab;
use super::{Figures, NGINX};
use crate::bench::contender::Contender;
use crate::bench::usage::process_tree;
use crate::process::{Signal, pause};

/// More is offered than the children can do, by clients that do not wait for ever.
pub(super) fn overload(lab: &Lab, contender: Contender) -> Result<Figures> {
    let fpm = lab.fpm(4)?;
    let server = lab.server(contender, Some(&fpm))?;
    let target = "/slow.php?ms=200";
    let options = |rate: u32| format!("--rate {rate} --seconds 10 --patience 1 --length 3");
    let some = lab.run(&server, target, &options(30))?;
    let calm = lab.run(
        &server,
        target,
        "--clients 1 --fresh --seconds 0.01 --grace 30",
    )?;
    let much = lab.run(&server, target, &options(60))?;
    let after = lab.run(
        &server,
        target,
        "--clients 1 --fresh --seconds 0.01 --grace 30",
    )?;
    let good = |report: &super::lab::LoadReport| format!("{:.1}", report.number("good") / 10.0);
    Ok(vec![
        ("good/s at 30/s", good(&some)),
        ("p99 of these", some.time("p99")),
        ("next request after it", calm.time("max")),
        ("good/s at 60/s", good(&much)),
        ("p99 of these ", much.time("p99")),
        ("next request after it ", after.time("max")),
    ])
}

/// Somebody else needs the same children now and then: a stock nginx that connects for every request.
pub(super) fn neighbour(lab: &Lab, contender: Contender) -> Result<Figures> {
    let fpm = lab.fpm(8)?;
    let server = lab.server(contender, Some(&fpm))?;
    let other = Contender {
        label: "neighbour",
        ..NGINX
    };
    let other = lab.server(other, Some(&fpm))?;
    let load = lab.load(
        &server,
        "/hello.php",
        "--clients 64 --seconds 10 --length 13 --grace 15",
    )?;
    let asked = lab.run(
        &other,
        "/hello.php",
        "--rate 1 --seconds 9 --patience 5 --length 13",
    )?;
    let load = load.finish()?;
    Ok(vec![
        ("answers/s", load.count("good_per_second")),
        ("p99", load.time("p99")),
        ("failed", load.count("failed")),
        (
            "neighbour answered",
            format!("{}/{}", asked.count("good"), asked.count("begun")),
        ),
        ("its slowest", asked.time("max")),
    ])
}

/// Slow readers must not hold the children.
pub(super) fn slow_readers(lab: &Lab, contender: Contender) -> Result<Figures> {
    let fpm = lab.fpm(2)?;
    let server = lab.server(contender, Some(&fpm))?;
    let readers = "--clients 50 --read-rate 10000 --seconds 10 --grace 0";
    let readers = lab.load(&server, "/big.php", readers)?;
    pause(Duration::from_secs(1));
    let others = "--rate 20 --seconds 8 --patience 10 --length 13";
    let others = lab.run(&server, "/hello.php", others)?;
    readers.finish()?;
    Ok(vec![
        ("others' p50", others.time("p50")),
        ("others' p99", others.time("p99")),
        ("failed", others.count("failed")),
    ])
}

/// Requests of clients that have gone must not keep the next one waiting.
pub(super) fn abandoned(lab: &Lab, contender: Contender) -> Result<Figures> {
    let fpm = lab.fpm(4)?;
    let server = lab.server(contender, Some(&fpm))?;
    let leaving = "--rate 400 --seconds 0.0999 --patience 0.3 --fresh";
    let leaving = lab.run(&server, "/slow.php?ms=2000", leaving)?;
    let next = lab.run(
        &server,
        "/hello.php",
        "--clients 1 --fresh --seconds 0.01 --grace 60",
    )?;
    Ok(vec![
        ("left", leaving.count("abandoned")),
        ("next request", format!("{:.1} s", next.number("max") / 1e3)),
    ])
}

/// A child that dies takes at most its own request with it. Half of the children are at work at any time.
pub(super) fn kill_workers(lab: &Lab, contender: Contender) -> Result<Figures> {
    let fpm = lab.fpm(8)?;
    let server = lab.server(contender, Some(&fpm))?;
    let options = "--rate 200 --seconds 8 --patience 5 --length 3";
    let load = lab.load(&server, "/slow.php?ms=20", options)?;
    pause(Duration::from_secs(1));
    let mut kills = 0;
    for turn in 0..12 {
        let children = process_tree(fpm.pid).split_off(1);
        if let Some(child) = children.get(turn % children.len().max(1)) {
            Signal::Kill.send_to_process(*child)?;
            kills += 1;
        }
        pause(Duration::from_millis(500));
    }
    let load = load.finish()?;
    Ok(vec![
        ("kills", kills.to_string()),
        ("requests", load.count("begun")),
        ("failed", load.count("failed")),
        ("p99", load.time("p99")),
    ])
}

/// A restart costs time, not answers. A POST that has been sent, or a part of it, may have done its work and must
/// not be sent again, whether its script has noted that it had begun or not; one that fails without that is a loss.
pub(super) fn restart(lab: &Lab, contender: Contender) -> Result<Figures> {
    let mut fpm = lab.fpm(8)?;
    let server = lab.server(contender, Some(&fpm))?;
    let gets = "--rate 100 --seconds 8 --patience 10 --length 13";
    let gets = lab.load(&server, "/hello.php", gets)?;
    let log = contender.prefix(&lab.folder).join("error.log");
    let earlier = fs::read_to_string(&log).unwrap_or_default().len();
    let noted = lab.root.join("noted.txt");
    fs::write(&noted, "")?;
    let posts = "--method POST --body-bytes 2000 --rate 20 --seconds 8 --patience 10 --length 13 --numbered";
    let posts = lab.load(&server, "/noted.php?n=%N", posts)?;
    for _ in 0..3 {
        pause(Duration::from_millis(1_500));
        fpm.restart(Duration::from_millis(500))?;
    }
    let (gets, posts) = (gets.finish()?, posts.finish()?);
    let noted = fs::read_to_string(&noted)?;
    let begun: HashSet<&str> = noted.lines().collect();
    let twice = noted.lines().count() - begun.len();
    // Whatever was answered well had begun.
    let failed = posts.number("failed") as usize;
    let failed_begun = (begun.len() - posts.number("good") as usize).min(failed);
    let log = fs::read_to_string(&log).unwrap_or_default();
    let sent = sent_in_vain(log.get(earlier..).unwrap_or_default());
    let sent = sent.difference(&begun).count().min(failed - failed_begun);
    let unsent = failed - failed_begun - sent;
    Ok(vec![
        ("GETs", gets.count("begun")),
        ("failed", gets.count("failed")),
        ("slowest", gets.time("max")),
        ("POSTs", posts.count("begun")),
        ("failed unsent", unsent.to_string()),
        ("failed sent", sent.to_string()),
        ("failed begun", failed_begun.to_string()),
        ("begun twice", twice.to_string()),
    ])
}

/// The numbers of the POSTs of which a server says that it failed when it had begun to send them: what it was doing
/// stands in the error log, in the same words in both servers.
fn sent_in_vain(log: &str) -> HashSet<&str> {
    const AFTER_THE_BEGIN: [&str; 3] = [
        " while sending request to upstream",
        " while reading response header from upstream",
        " while reading upstream",
    ];
    let lines = log.lines();
    let lines = lines.filter(|line| AFTER_THE_BEGIN.iter().any(|phase| line.contains(phase)));
    let numbers = lines.filter_map(|line| {
        let (_, rest) = line.split_once("\"POST /noted.php?n=")?;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()
    });
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_told_from_what_was_not() {
        let log = "\
2026/11/28 20:00:00 [error] 1#1: *3 connect() failed (111: Connection refused) while connecting to upstream, \
client: 127.0.0.1, server: , request: \"POST /noted.php?n=1 HTTP/1.1\", upstream: \"fastcgi://127.0.0.1:9\", host: \"a\"
2026/11/28 20:00:00 [error] 1#1: *4 recv() failed (104: Connection reset by peer) while reading response header from \
upstream, client: 127.0.0.1, server: , request: \"POST /noted.php?n=22 HTTP/1.1\", host: \"a\"
2026/11/28 20:00:00 [error] 1#1: *5 writev() failed (32: Broken pipe) while sending request to upstream, \
client: 127.0.0.1, server: , request: \"POST /noted.php?n=7 HTTP/1.1\", host: \"a\"
2026/11/28 20:00:00 [error] 1#1: *6 recv() failed (104: Connection reset by peer) while reading response header from \
upstream, client: 127.0.0.1, server: , request: \"GET /hello.php HTTP/1.1\", host: \"a\"
";
        assert_eq!(sent_in_vain(log), HashSet::from(["22", "7"]));
    }
}
