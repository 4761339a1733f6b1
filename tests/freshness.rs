//! Static files are as fresh as the disk: random edits under load, files that change while they are sent, files that
//! the page cache has dropped. On a running server.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, EditPlan, Error, Framing, Launch, Program, Server, edit_under_load, exchange,
};
use rustix::fs::{Advice, fadvise};
use tempfile::TempDir;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const CODINGS: &str = "
    types { text/plain txt; }
    default_type application/octet-stream;
    gzip on;   gzip_types text/plain;   gzip_min_length 100;
    brotli on; brotli_types text/plain; brotli_min_length 100;
    zstd on;   zstd_types text/plain;   zstd_min_length 100;
";

fn serve(more: &str, root: &Path) -> Result<Server> {
    let server = "server { listen 127.0.0.1:%%PORT_0%%; root %%ROOT%%;";
    let config = format!("{CODINGS} {server} {more} }}");
    let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config);
    Ok(launch.root(root).start()?)
}

/// In memory if possible: a disk would flush each of the files, one by one.
fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?)
}

#[test]
fn no_answer_is_stale_or_mixed_while_files_are_edited() -> Result {
    let folder = folder()?;
    let rules = "location / { try_files $uri =404; }";
    let server = serve(rules, &folder.path().join("current"))?;
    let plan = EditPlan {
        edits: 500,
        files: 160,
        readers: 2,
        looks: 2,
        seed: 5,
    };
    let report = edit_under_load(server.address(0), folder.path(), &plan)?;
    assert_eq!(report.edits, plan.edits);
    assert!(report.encoded > 300 && report.partial > 300, "{report:?}");
    assert!(report.cut < report.answers / 50, "{report:?}");
    Ok(())
}

/// A file that is gone and that nobody asks for gives its room on the disk back, although it was kept open.
#[test]
fn what_is_inactive_is_let_go() -> Result {
    let folder = folder()?;
    let path = folder.path().join("gone.txt");
    // Too large for memory.
    fs::write(&path, vec![b'x'; 1 << 20])?;
    let rules = "open_file_cache_valid 1h; open_file_cache_min_uses 1;";
    let config = format!(
        "open_file_cache max=10 inactive=1s;
         server {{ listen 127.0.0.1:%%PORT_0%%; root %%ROOT%%; {rules} }}"
    );
    let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config);
    let mut server = launch.root(folder.path()).start()?;
    let answer = exchange(server.address(0), "GET /gone.txt HTTP/1.1")?;
    assert_eq!(answer.body.len(), 1 << 20);
    let open = format!("/proc/{}/fd", server.process().pid());
    let is_open = || -> Result<bool> {
        let targets = fs::read_dir(&open)?.flatten();
        let mut targets = targets.filter_map(|link| fs::read_link(link.path()).ok());
        Ok(targets.any(|target| target.starts_with(&path)))
    };
    assert!(is_open()?, "it is kept");
    let begun = Instant::now();
    while is_open()? {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is kept open");
        std::thread::yield_now();
    }
    Ok(())
}

const LARGE: usize = 24 << 20;

/// A file much larger than what sockets take in at once, each line another.
fn large(path: &Path, mark: char) -> Result<Vec<u8>> {
    let lines = (0..LARGE / 16).map(|line| format!("{mark} {line:013}\n"));
    let content: String = lines.collect();
    fs::write(path, &content)?;
    Ok(content.into_bytes())
}

/// A client that has read the head of an answer and some of its body.
fn begin(server: &Server, fields: &str) -> Result<(Connection, Vec<u8>)> {
    let mut connection = Connection::open(server.address(0))?;
    let head = format!("GET /large.txt HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    connection.send(head.as_bytes())?;
    let mut begun = vec![0; 8 << 10];
    let mut stream = connection.stream();
    stream.read_exact(&mut begun)?;
    assert!(begun.starts_with(b"HTTP/1.1 200 "));
    Ok((connection, begun))
}

fn body_of(mut answer: Vec<u8>) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    answer.split_off(end.map_or(0, |end| end + 4))
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_ends_in_a_cut_transfer() -> Result {
    let folder = folder()?;
    let path = folder.path().join("large.txt");
    for more in ["", "sendfile on;"] {
        let server = serve(more, folder.path())?;
        let content = large(&path, 'a')?;
        let (mut connection, mut answer) = begin(&server, "")?;
        File::options().write(true).open(&path)?.set_len(5 << 20)?;
        // The end comes with the connection, and early: nothing pads what is missing.
        match connection.read_to_end() {
            Ok(rest) | Err(Error::Closed { received: rest, .. }) => answer.extend(rest),
            Err(error) => return Err(error.into()),
        }
        let body = body_of(answer);
        assert!(body.len() < LARGE, "{more}");
        assert!(content.starts_with(&body), "{more}");
    }
    Ok(())
}

#[test]
fn a_compressed_file_that_shrinks_is_not_ended_well() -> Result {
    let folder = folder()?;
    let path = folder.path().join("large.txt");
    let server = serve("", folder.path())?;
    large(&path, 'a')?;
    let (mut connection, _) = begin(&server, "Accept-Encoding: gzip\r\n")?;
    File::options().write(true).open(&path)?.set_len(1 << 10)?;
    let rest = match connection.read_to_end() {
        Ok(rest) | Err(Error::Closed { received: rest, .. }) => rest,
        Err(error) => return Err(error.into()),
    };
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the last chunk was sent");
    Ok(())
}

#[test]
fn a_file_replaced_while_it_is_sent_is_sent_as_it_was() -> Result {
    let folder = folder()?;
    let path = folder.path().join("large.txt");
    let server = serve("", folder.path())?;
    let content = large(&path, 'a')?;
    let (mut connection, mut answer) = begin(&server, "Connection: close\r\n")?;
    let new = folder.path().join("new.txt");
    let after = large(&new, 'b')?;
    fs::rename(&new, &path)?;
    answer.extend(connection.read_to_end()?);
    assert!(body_of(answer) == content, "what was begun goes on");
    let (mut connection, mut answer) = begin(&server, "Connection: close\r\n")?;
    answer.extend(connection.read_to_end()?);
    assert!(
        body_of(answer) == after,
        "the next request sees the new file"
    );
    Ok(())
}

/// One request, answered by what `answer` makes once it has come.
fn answer_one(listener: &TcpListener, answer: impl FnOnce() -> std::io::Result<String>) -> Result {
    let (stream, _) = listener.accept()?;
    let lines = BufReader::new(&stream).lines();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    (&stream).write_all(answer()?.as_bytes())?;
    Ok(())
}

/// Whoever is asked may have replaced the very file that `try_files` has found before.
#[test]
fn a_file_replaced_while_somebody_is_asked_is_looked_at_anew() -> Result {
    let folder = folder()?;
    let path = folder.path().join("a.txt");
    fs::write(&path, "old ".repeat(100))?;
    let asked = TcpListener::bind("127.0.0.1:0")?;
    let rules = format!(
        "location / {{ try_files $uri =404; proxy_pass http://{}; }}
         location /known/ {{ alias %%ROOT%%/; }}
         location /made/ {{ internal; alias %%ROOT%%/; }}",
        asked.local_addr()?
    );
    let server = serve(&rules, folder.path())?;
    let begun = Instant::now();
    // A form is made of what has been left alone for long enough to be remembered.
    let known = "GET /known/a.txt HTTP/1.1\nAccept-Encoding: gzip";
    while exchange(server.address(0), known)?.framing != Framing::Length {
        assert!(begun.elapsed() < Duration::from_secs(20), "no form is made");
    }
    let made = "new ".repeat(100);
    let answer = std::thread::scope(|scope| -> Result<_> {
        scope.spawn(|| {
            let replace = || {
                let new = folder.path().join("new");
                fs::write(&new, &made)?;
                fs::rename(&new, &path)?;
                Ok("HTTP/1.1 200 OK\r\nX-Accel-Redirect: /made/a.txt\r\n\r\n".to_owned())
            };
            answer_one(&asked, replace).expect("asked once");
        });
        Ok(exchange(server.address(0), "GET /a.txt HTTP/1.1")?)
    })?;
    assert_eq!(answer.text(), made);
    Ok(())
}

/// Has the page cache forget a file.
fn make_cold(path: &Path) -> Result {
    let file = File::options().write(true).open(path)?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}

#[test]
fn files_that_are_not_in_the_page_cache_hold_up_nobody() -> Result {
    // On a disk: memory has no cold files.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let content: Vec<u8> = (0..2_u32 << 20).flat_map(u32::to_le_bytes).collect();
    for number in 0..12 {
        let path = folder.path().join(format!("{number}.bin"));
        File::create(&path)?.write_all(&content)?;
        make_cold(&path)?;
    }
    let server = serve("location = /ping { return 204; }", folder.path())?;
    let address = server.address(0);
    let cold = std::thread::spawn(move || -> Result<(), String> {
        for number in 0..12 {
            let answer =
                portunus_testkit::exchange(address, &format!("GET /{number}.bin HTTP/1.1"));
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.body != content {
                return Err(format!("{number}.bin came otherwise"));
            }
        }
        Ok(())
    });
    let mut connection = Connection::open(address)?;
    let mut waits = Vec::new();
    while !cold.is_finished() {
        let begun = Instant::now();
        let ping = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(connection.exchange(ping, "GET")?.status(), 204);
        waits.push(begun.elapsed());
    }
    cold.join().expect("it does not panic")?;
    waits.sort_unstable();
    // A wait for the disk is far above this; a busy machine's other work is not quite.
    let slow = waits.get(waits.len() * 99 / 100).expect("some");
    assert!(
        *slow < Duration::from_millis(250),
        "p99 of {}: {slow:?}",
        waits.len()
    );
    Ok(())
}
