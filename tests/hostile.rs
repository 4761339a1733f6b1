//! Clients that take their time and clients that flood: others are served as if they were not there,
//! and those that hold something for longer than they may are cut. `cargo xtask bench slow-clients
//! floods idle` plays the same with thousands.

use std::io::Read as _;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::hostile::frames::{
    END_HEADERS, END_STREAM, Kind, PREFACE, put_frame, request_block, take_frame,
};
use portunus_testkit::hostile::{Crowd, Flood, Habit};
use portunus_testkit::{Connection, Launch, Program, Server, TempTree};

/// So many of each kind at once.
const CROWD: usize = 150;

/// The bound of the issue. Other tests run on the same two cores, but the server has little to do.
const P99: Duration = Duration::from_millis(250);

const PATIENCE: Duration = Duration::from_secs(20);

const CONFIG: &str = "
daemon off;
master_process off;
pid %%TMP%%/pid;
worker_processes 2;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %%TMP%%/client_body;
    proxy_temp_path %%TMP%%/proxy;
    root %%ROOT%%;
    client_header_timeout 2s;
    client_body_timeout 2s;
    send_timeout 2s;
    server {
        listen 127.0.0.1:%%PORT_0%% backlog=1024;
        http2 on;
        location /upload { proxy_pass http://127.0.0.1:%%PORT_0%%/hello.txt; }
    }
}
";

fn serve(tree: &TempTree) -> Server {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), CONFIG)
        .root(tree.path())
        .start()
        .expect("it starts")
}

fn tree() -> TempTree {
    let tree = TempTree::new().expect("a directory");
    tree.write("hello.txt", "hello").expect("a file");
    let large = vec![b'l'; 8 << 20];
    tree.write("large.bin", large).expect("a file");
    tree
}

/// Fresh connections, one request each, for as long as `busy` says; all must be answered.
fn others(address: SocketAddr, busy: impl Fn() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while busy() {
        let begun = Instant::now();
        let mut connection = Connection::open(address).expect("it listens");
        let request = b"GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let response = connection.exchange(request, "GET").expect("an answer");
        assert_eq!(response.text(), "hello");
        times.push(begun.elapsed());
        // An open loop: others come whatever the server is busy with.
        thread::park_timeout(Duration::from_millis(5));
    }
    times.sort_unstable();
    times
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[(sorted.len() - 1) * 99 / 100]
}

#[test]
fn slow_clients_are_cut_in_time_and_slow_down_nobody() {
    let (tree, begun) = (tree(), Instant::now());
    let server = serve(&tree);
    let address = server.address(0);
    let gather = |habit| {
        let target = match habit {
            Habit::SlowBody => "/upload",
            Habit::SlowRead => "/large.bin",
            _ => "/hello.txt",
        };
        let crowd = Crowd::gather(address, habit, target, CROWD).expect("a crowd");
        (habit, crowd)
    };
    let crowds = Habit::ALL.map(gather);
    // Until the last of those that must be cut has been, whatever the machine is busy with.
    let must_be_cut = |habit: Habit| !matches!(habit, Habit::SlowRead | Habit::KeepAlive);
    let done = || {
        let mut cut = crowds.iter().filter(|(habit, _)| must_be_cut(*habit));
        cut.all(|(_, crowd)| crowd.report().open == 0) || begun.elapsed() > PATIENCE
    };
    let times = others(address, || !done());
    println!(
        "{} others, p99 {:?}, slowest {:?}",
        times.len(),
        p99(&times),
        times.last()
    );
    for (habit, crowd) in &crowds {
        let report = crowd.report();
        println!("{}: {report:?}", habit.name());
        if must_be_cut(*habit) {
            assert_eq!(report.cut, CROWD, "{}", habit.name());
            // The time-out is absolute: bytes that trickle in do not move it.
            let first = report.first_cut.expect("some were cut");
            assert!(
                first >= Duration::from_millis(1_500),
                "{}: {first:?}",
                habit.name()
            );
        } else {
            assert_eq!(
                report.open,
                CROWD,
                "{}: who takes what is sent stays",
                habit.name()
            );
        }
    }
    assert!(p99(&times) < P99, "others waited {:?}", p99(&times));
}

#[test]
fn floods_of_frames_are_cut_or_cost_little() {
    let tree = tree();
    let mut server = serve(&tree);
    let (address, pid) = (server.address(0), server.process().pid());
    for flood in Flood::ALL {
        let target = "/large.bin";
        let (cpu, memory) = (cpu_seconds(pid), resident_bytes(pid));
        let attack =
            thread::spawn(move || flood.run(address, target, 20_000, Duration::from_secs(1)));
        let times = others(address, || !attack.is_finished());
        let report = attack.join().expect("it ends").expect("it begins");
        let cpu = cpu_seconds(pid) - cpu;
        let grown = resident_bytes(pid).saturating_sub(memory) >> 20;
        let (name, slowest) = (flood.name(), p99(&times));
        println!("{name}: {report:?}, {cpu:.2} CPU-s, {grown} MB more, others' p99 {slowest:?}");
        // A debug build takes ten times as long; `cargo xtask bench floods` holds the bound of 1 s.
        assert!(report.cut || cpu < 10.0, "{name} costs {cpu} s");
        assert!(report.cut || grown < 20, "{name} costs {grown} MB");
        assert!(slowest < P99, "{name}: others wait {slowest:?}");
    }
}

#[test]
fn idle_connections_make_room_for_new_ones() {
    let tree = tree();
    let config = CONFIG
        .replace("worker_processes 2;", "worker_processes 1;")
        .replace("worker_connections 4096;", "worker_connections 96;");
    let server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
        .root(tree.path())
        .start()
        .expect("it starts");
    let address = server.address(0);
    for habit in [Habit::ConnectOnly, Habit::KeepAlive] {
        let crowd = Crowd::gather(address, habit, "/hello.txt", 120).expect("a crowd");
        let begun = Instant::now();
        let times = others(address, || begun.elapsed() < Duration::from_secs(1));
        let report = crowd.report();
        println!("{}: {} served, {report:?}", habit.name(), times.len());
        assert!(report.cut >= 24 && report.open >= 32, "{report:?}");
    }
}

/// Reads frames until one of this kind comes for each of the streams; how long that took.
fn wait_for(connection: &Connection, kind: Kind, mut streams: Vec<u32>) -> Duration {
    let begun = Instant::now();
    let (mut socket, mut received) = (connection.stream(), Vec::new());
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut buffer = [0; 16 << 10];
    while !streams.is_empty() {
        let length = socket.read(&mut buffer).expect("frames in time");
        assert!(length > 0, "closed before {streams:?} had a frame {kind:?}");
        received.extend_from_slice(&buffer[..length]);
        while let Some((came, _, stream, _)) = take_frame(&mut received) {
            streams.retain(|waiting| came != kind as u8 || *waiting != stream);
        }
    }
    begun.elapsed()
}

#[test]
fn streams_that_wait_for_their_client_are_given_up_and_the_connection_goes_on() {
    let tree = tree();
    let server = serve(&tree);
    let mut connection = Connection::open(server.address(0)).expect("it listens");
    let mut wire = PREFACE.to_vec();
    // No room for any answer; RFC 9113 §6.5.2.
    put_frame(&mut wire, Kind::Settings, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let large = request_block("GET", "a", "/large.bin");
    put_frame(
        &mut wire,
        Kind::Headers,
        END_HEADERS | END_STREAM,
        1,
        &large,
    );
    // A body that never comes, and one of which a byte comes.
    let upload = request_block("POST", "a", "/upload");
    put_frame(&mut wire, Kind::Headers, END_HEADERS, 3, &upload);
    put_frame(&mut wire, Kind::Headers, END_HEADERS, 5, &upload);
    put_frame(&mut wire, Kind::Data, 0, 5, b"b");
    connection.send(&wire).expect("it is taken");
    let took = wait_for(&connection, Kind::RstStream, vec![1, 3, 5]);
    println!("given up after {took:?}, time-outs 2 s");
    assert!(took >= Duration::from_millis(1_500), "{took:?}");

    let mut wire = Vec::new();
    put_frame(&mut wire, Kind::Settings, 0, 0, &[0, 4, 0, 1, 0, 0]);
    let small = request_block("GET", "a", "/hello.txt");
    put_frame(
        &mut wire,
        Kind::Headers,
        END_HEADERS | END_STREAM,
        7,
        &small,
    );
    connection.send(&wire).expect("it is taken");
    wait_for(&connection, Kind::Data, vec![7]);
}

/// Processor time of a process so far.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0)
        .sum()
}

fn resident_bytes(pid: u32) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("it runs");
    let pages = statm.split(' ').nth(1).expect("a second number");
    pages.parse::<u64>().expect("a number") * 4096
}
