//! As in a container: process number 1, a read-only root, few descriptors.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::{Connection, TempTree};
use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, kill_process, prlimit};

use crate::{PATIENCE, Result, Wrapped, child_of, open_to_all, status, words};

const CONFIG: &str = "
    daemon off; pid %%TMP%%/writable/pid; error_log stderr info;
    events {}
    http {
        access_log off;
        client_body_temp_path %%TMP%%/writable/bodies;
        server { listen 127.0.0.1:%%PORT%%; location / { return 200 ok; } }
    }";

/// `unshare` with what it needs to be allowed to here.
fn unshare(namespaces: &str) -> String {
    let users = if geteuid().is_root() {
        ""
    } else {
        "--map-root-user"
    };
    format!("unshare {users} {namespaces}")
}

/// Whether the kernel lets us make such namespaces; some container runtimes do not.
fn is_allowed(namespaces: &str) -> bool {
    let words = words(&unshare(namespaces));
    let status = Command::new(&words[0])
        .args(&words[1..])
        .arg("true")
        .output();
    status.is_ok_and(|output| output.status.success())
}

#[test]
fn process_number_one_reaps_and_hears_signals() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    let mut before = words("env");
    let is_first = is_allowed("--pid --fork --mount-proc");
    if is_first {
        before = words(&unshare("--pid --fork --mount-proc --kill-child"));
        // A process whose parent has gone, which then ends: a zombie until number 1 asks for it.
        before.extend(["sh", "-c", "(sleep 0.2 &) ; exec \"$@\"", "sh"].map(str::to_owned));
    }
    let mut server = Wrapped::start(&before, &tree, CONFIG)?;
    assert_eq!(status(server.address, "/")?, 200);
    // Where there are no such namespaces the signals are tried on any number.
    let pid = if is_first {
        child_of(&server.process)
    } else {
        server.process.pid()
    };
    let children = format!("/proc/{pid}/task/{pid}/children");
    let orphans = || fs::read_to_string(&children).unwrap_or_default();
    server
        .process
        .wait_until(PATIENCE, || orphans().trim().is_empty())?;
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("it runs");
    for (signal, line) in [
        (Signal::HUP, "reconfiguring"),
        (Signal::USR1, "reopening logs"),
    ] {
        kill_process(pid, signal).expect("it runs");
        server.process.wait_for_output(line, PATIENCE)?;
    }
    kill_process(pid, Signal::TERM).expect("it runs");
    assert_eq!(server.process.wait_for_end(PATIENCE)?.code(), Some(0));
    Ok(())
}

#[test]
fn a_read_only_root_is_enough() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    open_to_all(tree.path(), 0o755);
    open_to_all(&tree.path().join("writable"), 0o777);
    let root = tree.path().display();
    let drop_user = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let before = if is_allowed("--mount") {
        let mut before = words(&unshare("--mount"));
        // Every mount but the one directory becomes read-only for this process.
        let script = format!(
            "mount --bind {root}/writable {root}/writable && mount -o remount,bind,ro / && \
             exec \"$@\""
        );
        before.extend(["sh".to_owned(), "-ec".to_owned(), script, "sh".to_owned()]);
        before
    } else if geteuid().is_root() {
        words(drop_user)
    } else {
        Vec::new()
    };
    let mut server = Wrapped::start(&before, &tree, CONFIG)?;
    assert_eq!(status(server.address, "/")?, 200);
    assert_eq!(server.process.stop(Signal::TERM, PATIENCE)?.code(), Some(0));
    Ok(())
}

/// EMFILE: accepting fails, is said once a second, and goes on when there is room again.
#[test]
fn without_descriptors_accepting_waits() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    let mut server = Wrapped::start(&[], &tree, CONFIG)?;
    // It raises the limit between listening and serving, and counts on it.
    server.process.wait_for_output("started", PATIENCE)?;
    let limit = |number| Rlimit {
        current: Some(number),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let pid = i32::try_from(server.process.pid())
        .ok()
        .and_then(Pid::from_raw);
    let before = prlimit(pid, Resource::Nofile, limit(40)).expect("it is our child");
    let opened = Instant::now();
    let crowd: Vec<_> = (0..60)
        .filter_map(|_| Connection::open(server.address).ok())
        .collect();
    let line = "[crit] ";
    server
        .process
        .wait_for_output("accept4() failed (24: Too many open files)", PATIENCE)?;
    let one_second_later = opened + Duration::from_secs(1);
    while Instant::now() < one_second_later {
        thread::yield_now();
    }
    let output = server.process.output();
    let said = output
        .lines()
        .filter(|line| line.contains("accept4() failed"));
    let most = usize::try_from(opened.elapsed().as_secs()).unwrap_or_default() + 1;
    assert!(said.clone().count() <= most, "{output}");
    assert!(said.clone().all(|said| said.contains(line)), "{output}");
    drop(crowd);
    assert_eq!(status(server.address, "/")?, 200);
    prlimit(pid, Resource::Nofile, before).expect("it is our child");
    Ok(())
}

/// Where there are few descriptors from the start, silent clients make room for those who ask.
#[test]
fn few_descriptors_are_shared_out() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    let before = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"].map(str::to_owned);
    let mut server = Wrapped::start(&before, &tree, CONFIG)?;
    let line = "1 x 512 worker_connections exceed open file resource limit: 64, 1 x ";
    server.process.wait_for_output(line, PATIENCE)?;
    let crowd: Vec<_> = (0..90)
        .filter_map(|_| Connection::open(server.address).ok())
        .collect();
    assert_eq!(status(server.address, "/")?, 200);
    assert!(!server.process.output().contains("accept4() failed"));
    drop(crowd);
    Ok(())
}

/// A directory for temporary files that cannot be written is told at the start, and another is used.
#[test]
fn another_directory_is_used_for_what_outgrows_memory() -> Result {
    let tree = TempTree::new()?.directory("writable")?;
    tree.write("occupied", "a file")?;
    let config = CONFIG
        .replace("writable/bodies", "occupied/bodies")
        .replace(
            "location / {",
            "location = /upload { proxy_pass http://127.0.0.1:%%PORT%%/; } location / {",
        );
    let mut server = Wrapped::start(&[], &tree, &config)?;
    let tmp = std::env::temp_dir();
    let line = format!("(20: Not a directory), \"{}\" is", tmp.display());
    server.process.wait_for_output(&line, PATIENCE)?;
    let body = "b".repeat(200_000);
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = Connection::open(server.address)?;
    let answer = connection.exchange((head + &body).as_bytes(), "POST")?;
    assert_eq!(answer.status(), 200);
    Ok(())
}
