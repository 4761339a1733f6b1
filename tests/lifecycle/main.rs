//! From start to end with a real process: signals, reloads, drains, privileges, container conditions.

mod container;
mod ending;
mod listeners;
mod process_files;
mod reloading;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portunus_testkit::{Error, Launch, Port, Process, Program, Server, TempTree, exchange};

const PATIENCE: Duration = Duration::from_secs(20);

type Result<T = ()> = std::result::Result<T, Error>;

/// A whole configuration: what stands outside of `http`, and what within.
fn whole(main: &str, http: &str) -> String {
    format!(
        "daemon off;\npid %%TMP%%/pid;\n{main}\nevents {{ worker_connections 512; }}\nhttp {{\n\
         access_log off;\nclient_body_temp_path %%TMP%%/client_body;\n{http}\n}}\n"
    )
}

fn launch(config: impl Into<String>) -> Launch {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
}

fn status(address: SocketAddr, path: &str) -> Result<u16> {
    Ok(exchange(address, &format!("GET {path} HTTP/1.1"))?.status())
}

/// Changes the configuration of a running server, the ports in it as before.
fn rewrite(server: &Server, config: &str) {
    let path = server.folder().join("nginx.conf");
    fs::write(path, server.replace_names(config)).expect("the folder is ours");
}

/// A number from `/proc/PID/status`, such as `VmRSS`, in whatever unit it has.
fn figure(process: &Process, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

fn descriptors(process: &Process) -> usize {
    fs::read_dir(format!("/proc/{}/fd", process.pid())).map_or(0, Iterator::count)
}

/// A server that a command of ours starts: under another user, in other namespaces.
struct Wrapped {
    process: Process,
    address: SocketAddr,
    _port: Port,
}

impl Wrapped {
    /// Starts `before… portunus -c CONFIG` and waits until it listens; `%%PORT%%` and `%%TMP%%` are
    /// replaced in the configuration, which goes into `folder`.
    fn start(before: &[String], folder: &TempTree, config: &str) -> Result<Self> {
        let port = Port::reserve()?;
        let (address, tmp) = (port.address(), folder.path().display().to_string());
        let text = config.replace("%%PORT%%", &address.port().to_string());
        let config = folder.write("nginx.conf", text.replace("%%TMP%%", &tmp))?;
        let binary = String::from(env!("CARGO_BIN_EXE_portunus"));
        let mut words = before.iter().cloned().chain([binary]);
        let mut command = Command::new(words.next().expect("there is our binary at least"));
        command
            .args(words)
            .arg("-c")
            .arg(config)
            .args(["-e", "stderr"]);
        port.lend()?;
        let mut process = Process::start(command)?;
        process.wait_until(PATIENCE, || {
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
        })?;
        Ok(Self {
            process,
            address,
            _port: port,
        })
    }
}

/// Lets everybody read a folder, and one directory in it be written to.
fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The one process below another one, seen from here.
fn child_of(process: &Process) -> u32 {
    let path = format!("/proc/{0}/task/{0}/children", process.pid());
    let text = fs::read_to_string(path).unwrap_or_default();
    let first = text.split_whitespace().next();
    first
        .and_then(|pid| pid.parse().ok())
        .expect("a child runs")
}
