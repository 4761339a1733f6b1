//! What memory may be used for: small versions of `cargo xtask bench many-files slow-files`, and requests that
//! wait for PHP.

use std::fs;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, FastCgiPeer, Gate, Launch, Program, Server, Step, TempTree, exchange,
};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

fn serve(http: &str, server: &str, root: &TempTree) -> Result<Server> {
    let config =
        format!("{http} server {{ listen 127.0.0.1:%%PORT_0%%; root %%ROOT%%; {server} }}");
    let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config);
    Ok(launch.root(root.path()).start()?)
}

/// Resident memory in bytes, without the pages of the program's own file.
fn resident(server: &mut Server) -> Result<u64> {
    let status = format!("/proc/{}/status", server.process().pid());
    let status = fs::read_to_string(status)?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no RssAnon")?.parse::<u64>()? * 1024)
}

#[test]
fn what_is_kept_of_files_is_bounded_by_the_budget() -> Result {
    const FILES: usize = 2_500;
    const SIZE: usize = 20 << 10;
    const BUDGET: u64 = 8 * MIB;
    let root = TempTree::new()?;
    for number in 0..FILES {
        let mark = u8::try_from(number % 251)?;
        root.write(&format!("{number}.txt"), vec![mark; SIZE])?;
    }
    let written = Instant::now();
    let codings = "gzip on; gzip_types text/plain; brotli on; brotli_types text/plain;
                   zstd on; zstd_types text/plain; types { text/plain txt; }";
    let mut server = serve(&format!("static_cache_size 8m; {codings}"), "", &root)?;
    // A file that was changed within the last second is not kept: let it pass.
    let address = server.address(0);
    let patience = Duration::from_secs(10);
    let settled = || written.elapsed() > Duration::from_millis(1_100);
    server.process().wait_until(patience, settled)?;
    let before = resident(&mut server)?;
    for coding in ["identity", "gzip", "gzip", "br", "br", "zstd", "zstd"] {
        let mut connection = Connection::open(address)?;
        for number in 0..FILES {
            let line = format!("GET /{number}.txt HTTP/1.1\r\nHost: localhost");
            let request = format!("{line}\r\nAccept-Encoding: {coding}\r\n\r\n");
            connection.send(request.as_bytes())?;
            let answer = connection.read_response("GET")?;
            assert_eq!(answer.status(), 200);
            if coding == "identity" {
                assert_eq!(answer.body.len(), SIZE);
            }
            if answer.field("connection") == Some("close") {
                connection = Connection::open(address)?;
            }
        }
        let grown = resident(&mut server)?.saturating_sub(before);
        assert!(grown > BUDGET / 2, "nothing was kept: {grown} bytes");
        assert!(grown < BUDGET + 20 * MIB, "{coding}: {} MiB", grown / MIB);
    }
    Ok(())
}

/// Until some of a body has come behind its head.
fn wait_for_body(client: &Connection) -> Result {
    let mut seen = [0; 4096];
    loop {
        let length = client.stream().peek(&mut seen)?;
        let seen = seen.get(..length).unwrap_or_default();
        let head = seen.windows(4).position(|four| four == b"\r\n\r\n");
        if head.is_some_and(|at| seen.len() > at + 4) {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// What an encoder needs is not counted in any budget: it must not be much at any level, however short the answer.
#[test]
fn an_answer_that_is_compressed_on_its_way_is_small() -> Result {
    const STREAMS: usize = 12;
    for (coding, level, most) in [("gzip", 9, MIB), ("br", 6, 5 * MIB), ("zstd", 3, 5 * MIB)] {
        let gate = Gate::default();
        let head = "Content-Type: text/plain\r\nContent-Length: 10000\r\n\r\n";
        let text = [head.as_bytes(), &b"a word or two ".repeat(400)].concat();
        let script = vec![
            Step::Request,
            Step::Stdout(text),
            Step::Wait(gate.clone()),
            Step::Stdout(vec![b'.'; 10_000 - 5_600]),
            Step::End(0),
        ];
        let peer = FastCgiPeer::start(vec![script])?;
        let directive = if coding == "br" { "brotli" } else { coding };
        let php = format!(
            "{directive} on; {directive}_types text/plain; {directive}_comp_level {level};
             location / {{
                 fastcgi_pass {};
                 fastcgi_pool_size {STREAMS};
                 fastcgi_buffering off;
                 fastcgi_param SCRIPT_NAME $fastcgi_script_name;
             }}",
            peer.address()
        );
        let mut server = serve("", &php, &TempTree::new()?)?;
        let before = resident(&mut server)?;
        let mut clients = Vec::new();
        for _ in 0..STREAMS {
            let mut client = Connection::open(server.address(0))?;
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n");
            client.send(request.as_bytes())?;
            wait_for_body(&client)?;
            clients.push(client);
        }
        let each = resident(&mut server)?.saturating_sub(before) / STREAMS as u64;
        gate.open();
        for client in &mut clients {
            let answer = client.read_response("GET")?;
            assert_eq!(answer.field("Content-Encoding"), Some(coding));
        }
        println!("{coding} at level {level}: {} KiB each", each / KIB);
        assert!(each <= most, "{coding}: {} KiB each", each / KIB);
    }
    Ok(())
}

/// Requests that are being answered, the one that asks included.
fn at_work(server: &Server) -> Result<usize> {
    let status = exchange(server.address(0), "GET /status HTTP/1.1")?;
    let text = status.text();
    let number = text.split("Writing:").nth(1);
    let number = number.and_then(|rest| rest.split_whitespace().next());
    Ok(number.ok_or("no Writing")?.parse()?)
}

/// The issue grants 64 KiB beyond the body.
#[test]
fn a_request_that_waits_for_php_is_small() -> Result {
    const WAITING: usize = 400;
    let gate = Gate::default();
    let mut script = vec![Step::Request, Step::Wait(gate.clone())];
    let answer = Step::answer("Content-Type: text/plain", "done");
    script.extend(answer.into_iter().skip(1).chain([Step::Close]));
    let peer = FastCgiPeer::start(vec![script])?;
    let root = TempTree::new()?;
    let php = format!(
        "location /status {{ stub_status; }}
         location / {{
             fastcgi_pass {};
             fastcgi_pool_size 2;
             fastcgi_param SCRIPT_NAME $fastcgi_script_name;
         }}",
        peer.address()
    );
    let mut server = serve("", &php, &root)?;
    let alone = at_work(&server)?;
    let before = resident(&mut server)?;
    let mut clients = Vec::new();
    for _ in 0..WAITING {
        let mut client = Connection::open(server.address(0))?;
        client.send(b"GET /page.php HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        clients.push(client);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while at_work(&server)? < alone + WAITING {
        assert!(Instant::now() < deadline, "not all have come");
    }
    let each = resident(&mut server)?.saturating_sub(before) / WAITING as u64;
    gate.open();
    for client in &mut clients {
        assert_eq!(client.read_response("GET")?.text(), "done");
    }
    println!("{each} bytes per waiting request");
    assert!(each <= 64 * KIB, "{} KiB per waiting request", each / KIB);
    Ok(())
}
