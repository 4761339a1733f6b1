//! A PHP-FPM of our own, on a free port or a socket in a temporary directory.

#![allow(dead_code, reason = "each test file uses its share")]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::Params;
use portunus_fpm::{Address, Body, Error, Failure, Options, Pool, Request, Response, ResponseBody};

/// A running master; ended and waited for when dropped.
pub(crate) struct Fpm {
    child: Child,
    pub(crate) address: Address,
    directory: tempfile::TempDir,
    configuration: PathBuf,
}

impl Fpm {
    /// Starts FPM with so many static workers over TCP. None if it is not installed.
    pub(crate) fn start(workers: usize) -> Option<Self> {
        Self::with(workers, false, "")
    }

    pub(crate) fn with(workers: usize, unix: bool, more: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let address = if unix {
            Address::Unix(directory.path().join("fpm.sock"))
        } else {
            Address::Tcp(free_port())
        };
        let listen = address.to_string().replace("unix:", "");
        let configuration = directory.path().join("fpm.conf");
        let text = format!(
            "[global]\nerror_log = /proc/self/fd/2\n[www]\nuser = root\ngroup = root\nlisten = {listen}\n\
             listen.mode = 0666\npm = static\npm.max_children = {workers}\n\
             php_admin_value[error_log] =\n{more}\n"
        );
        std::fs::write(&configuration, text).unwrap();
        let child = spawn(&configuration)?;
        Some(Self {
            child,
            address,
            directory,
            configuration,
        })
    }

    /// Ends the master and all its workers.
    pub(crate) fn stop(&mut self) {
        // Killed outright, the master would leave its workers behind.
        let pid = rustix::process::Pid::from_child(&self.child);
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.child.wait();
        }
    }

    /// Starts it again, on the same address.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.configuration).unwrap();
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(configuration: &Path) -> Option<Child> {
    let program = ["php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .arg("-v")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
        })?;
    let mut child = Command::new(program)
        .args(["-n", "-F", "-R", "-y"])
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // FPM says when it listens; until then nothing else needs to be asked.
    let ready = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains("ready to handle"));
    assert!(ready, "php-fpm did not start");
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Some(child)
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Pairs for `tests/php/answer.php`.
pub(crate) fn params(method: &str, query: &str, length: Option<u64>) -> Vec<u8> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/php/answer.php");
    let mut params = Params::default();
    params.push(b"SCRIPT_FILENAME", script.as_bytes());
    params.push(b"REQUEST_METHOD", method.as_bytes());
    params.push(b"QUERY_STRING", query.as_bytes());
    if let Some(length) = length {
        params.push(b"CONTENT_LENGTH", length.to_string().as_bytes());
        params.push(b"CONTENT_TYPE", b"application/octet-stream");
    }
    params.into_bytes()
}

pub(crate) fn options() -> Arc<Options> {
    Arc::new(Options {
        read_timeout: Duration::from_secs(10),
        ..Options::default()
    })
}

/// A GET, and what others are made of.
pub(crate) fn request<'a>(params: &'a [u8], options: &'a Arc<Options>) -> Request<'a> {
    Request {
        params,
        body: Body::Empty,
        idempotent: true,
        head_only: false,
        replaced: &[],
        lane: 0,
        limit_rate: 0,
        options,
    }
}

pub(crate) async fn get(pool: &Pool, query: &str) -> Result<Box<Response>, Box<Failure>> {
    get_with(pool, query, &options()).await
}

pub(crate) async fn get_with(
    pool: &Pool,
    query: &str,
    options: &Arc<Options>,
) -> Result<Box<Response>, Box<Failure>> {
    let params = params("GET", query, None);
    pool.send(request(&params, options)).await
}

pub(crate) async fn post(
    pool: &Pool,
    query: &str,
    body: Body,
    length: u64,
) -> Result<Box<Response>, Box<Failure>> {
    let params = params("POST", query, Some(length));
    let options = &options();
    let request = Request {
        body,
        idempotent: false,
        ..request(&params, options)
    };
    pool.send(request).await
}

pub(crate) async fn collect(mut body: ResponseBody) -> Result<Bytes, Error> {
    let mut all = Vec::new();
    while let Some(piece) = std::future::poll_fn(|cx| body.poll_data(cx)).await {
        all.extend_from_slice(&piece?);
    }
    Ok(all.into())
}

/// The body of a good answer, as text.
pub(crate) async fn text(answer: Result<Box<Response>, Box<Failure>>) -> String {
    let body = collect(answer.unwrap().body).await.unwrap();
    String::from_utf8_lossy(&body).into_owned()
}
