//! `listen` in all its forms, and nginx's words where two of them do not go together.

use std::os::unix::net::UnixStream;
use std::process::Command;

use portunus_testkit::{Connection, Program, TempTree, exchange};

use crate::{Result, launch, status};

#[test]
fn every_form_is_listened_on() -> Result {
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%% default_server backlog=64 rcvbuf=64k sndbuf=64k deferred fastopen=16 so_keepalive=30s:5s:3;
            listen *:%%PORT_1%% reuseport;
            listen [::1]:%%PORT_0%% ipv6only=on;
            listen unix:%%TMP%%/server.sock;
            listen localhost:%%PORT_2%% bind so_keepalive=off;
            listen %%PORT_3%%;
            server_name first;
            return 200 \"$server_name $server_port\";
        }
        server {
            listen 127.0.0.1:%%PORT_0%%;
            server_name second;
            return 200 $server_name;
        }";
    let server = launch(config).start()?;
    for index in 0..4 {
        let answer = exchange(server.address(index), "GET / HTTP/1.1")?;
        assert_eq!(answer.text(), format!("first {}", server.port(index)));
    }
    let six = (std::net::Ipv6Addr::LOCALHOST, server.port(0)).into();
    let answer = exchange(six, "GET / HTTP/1.1")?;
    assert_eq!(answer.text(), format!("first {}", server.port(0)));
    let mut named = Connection::open(server.address(0))?;
    let answer = named.exchange(b"GET / HTTP/1.1\r\nHost: second\r\n\r\n", "GET")?;
    assert_eq!(answer.text(), "second");
    use std::io::{Read as _, Write as _};
    let mut unix = UnixStream::connect(server.folder().join("server.sock")).expect("it listens");
    unix.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    unix.read_to_string(&mut answer).expect("it answers");
    assert!(answer.ends_with("first "), "{answer}");
    assert_eq!(status(server.address(0), "/")?, 200);
    Ok(())
}

/// A crowd that finds no room costs a line a second, not one for each connection.
#[test]
fn a_full_house_is_told_once_a_second() -> Result {
    const COMERS: usize = 200;
    // It takes requests and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let silent = silent
        .local_addr()
        .map(|at| (at, silent))
        .expect("it is bound");
    let config = format!(
        "daemon off; pid %%TMP%%/pid; error_log %%TMP%%/error.log warn; worker_processes 1;
        worker_shutdown_timeout 1ms;
        events {{ worker_connections 4; }}
        http {{
            access_log off;
            client_body_temp_path %%TMP%%/bodies;
            server {{ listen 127.0.0.1:%%PORT_0%%; location / {{ fastcgi_pass {}; }} }}
        }}",
        silent.0
    );
    let mut server = launch(config).start()?;
    let path = server.folder().join("error.log");
    let text = "4 worker_connections are not enough, connections closed: ";
    let begun = std::time::Instant::now();
    // Whoever is in has asked for something, and stays.
    let mut inside = Vec::new();
    for _ in 0..COMERS {
        let mut comer = std::net::TcpStream::connect(server.address(0)).expect("it listens");
        use std::io::Write as _;
        // The server may have closed it already.
        let _ = comer.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        inside.push(comer);
    }
    let told = || std::fs::read_to_string(&path).is_ok_and(|log| log.contains(text));
    server.process().wait_until(crate::PATIENCE, told)?;
    server.stop()?;
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap_or(usize::MAX);
    let log = std::fs::read_to_string(&path).expect("it is there");
    let lines = log.matches(text).count();
    assert!((1..=seconds + 1).contains(&lines), "{seconds} s\n{log}");
    Ok(())
}

/// What `-t` says, of ours and of nginx.
fn tested(program: &Program, config: &str) -> Result<String> {
    let tree = TempTree::new()?;
    let root = tree.path().display().to_string();
    let text = format!(
        "pid {root}/pid; error_log {root}/error.log;\nevents {{}}\nhttp {{\n{config}\n}}\n"
    );
    let path = tree.write("nginx.conf", text)?;
    let mut command = Command::new(program.path());
    let output = command
        .arg("-t")
        .arg("-p")
        .arg(tree.path())
        .arg("-c")
        .arg(&path)
        .output();
    let text = output.expect("it can be run").stderr;
    let text = String::from_utf8_lossy(&text).replace(&root, "ROOT");
    let said = text.lines().find_map(|line| {
        let (_, said) = line.split_once(" [")?;
        let (level, rest) = said.split_once("] ")?;
        // In its log nginx puts its number before the message.
        let message = match rest.split_once(": ") {
            Some((number, message)) if number.contains('#') => message,
            _ => rest,
        };
        Some(format!("[{level}] {message}"))
    });
    Ok(said.unwrap_or_default())
}

#[test]
fn conflicts_have_nginx_s_words() -> Result {
    let cases = [
        "server { listen 8080; listen 8080; }",
        "server { listen 8080 default_server; } server { listen 8080 default_server; }",
        "server { listen 8080 backlog=5; } server { listen 8080 backlog=6; }",
        "server { listen 8080 nonsense; }",
        "server { listen 8080 backlog=x; }",
        "server { listen 8080 so_keepalive=; }",
        "server { listen 8080 so_keepalive=::; }",
        "server { listen 8080 ipv6only=maybe; }",
        "server { listen 8080 rcvbuf=x; }",
        "server { listen 8080 fastopen=x; }",
        "server { listen 8080 setfib=1; }",
        "server { listen 70000; }",
        "server { listen 10-5; }",
        "server { listen unix:; }",
        "server { listen [::1; }",
        "server { listen no.such.host.invalid:80; }",
        "server { listen 8080 ssl; }",
        "server { server_name a; listen 8080; } server { server_name a; listen 8080; }",
    ];
    let (ours, nginx) = (
        Program::at(env!("CARGO_BIN_EXE_portunus")),
        Program::nginx(),
    );
    for case in cases {
        assert_eq!(tested(&ours, case)?, tested(&nginx, case)?, "{case}");
    }
    Ok(())
}

/// The file of a Unix socket goes with the server, and one that was left behind keeps none from
/// starting.
#[test]
fn the_file_of_a_socket_is_no_obstacle() -> Result {
    let tree = TempTree::new()?;
    let socket = tree.path().join("server.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("the folder is ours"));
    assert!(socket.exists(), "nobody has removed it");
    let config = "
        server { listen 127.0.0.1:%%PORT_0%%; listen unix:%%SOCKET%%; return 200 ok; }";
    let config = config.replace("%%SOCKET%%", &socket.display().to_string());
    let mut server = launch(config).start()?;
    assert!(UnixStream::connect(&socket).is_ok());
    assert!(server.stop()?.success());
    assert!(!socket.exists());
    Ok(())
}
