//! A running PHP-FPM.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use bytes::BytesMut;
use portunus_fastcgi::{BeginRequest, Event, Params, RecordType, ResponseDecoder, stream};
use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::error::Error;
use crate::port::Port;
use crate::process::Process;

/// Names a program to use instead of Debian's.
const PROGRAM_VARIABLE: &str = "PHP_FPM";
const PROGRAM: &str = "php-fpm8.2";
const PATIENCE: Duration = Duration::from_secs(20);

/// How a PHP-FPM is to run.
#[derive(Debug, Clone)]
pub struct PhpFpmOptions {
    children: usize,
    unix_socket: bool,
    lines: String,
}

/// A PHP-FPM with one pool of a fixed number of workers. Dropping it kills it.
#[derive(Debug)]
pub struct PhpFpm {
    process: Process,
    listen: Listen,
    _port: Port,
    _folder: TempDir,
}

#[derive(Debug)]
enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Default for PhpFpmOptions {
    fn default() -> Self {
        Self {
            children: 4,
            unix_socket: false,
            lines: String::new(),
        }
    }
}

impl PhpFpmOptions {
    /// The path of the pool's ping page, which answers `pong`.
    pub const PING: &str = "/fpm-ping";

    /// The path of the pool's status page.
    pub const STATUS: &str = "/fpm-status";

    /// The number of workers; 4 if not set.
    #[must_use]
    pub fn children(self, children: usize) -> Self {
        Self { children, ..self }
    }

    /// Listens on a unix socket instead of a TCP port.
    #[must_use]
    pub fn unix_socket(self) -> Self {
        Self {
            unix_socket: true,
            ..self
        }
    }

    /// Adds a line to the pool's section, such as `env[NAME] = value`.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push_str(line);
        self.lines.push('\n');
        self
    }

    /// Starts it and waits until it answers its ping.
    ///
    /// # Errors
    /// If it does not.
    pub fn start(&self) -> Result<PhpFpm, Error> {
        let folder = tempfile::Builder::new().prefix("portunus-fpm-").tempdir();
        let folder = folder.map_err(Error::io("making a temporary directory"))?;
        let port = Port::reserve()?;
        let listen = if self.unix_socket {
            Listen::Unix(folder.path().join("fpm.sock"))
        } else {
            Listen::Tcp(port.address())
        };
        let config = folder.path().join("fpm.conf");
        let text = self.config(&listen, folder.path());
        fs::write(&config, text).map_err(Error::io("writing the configuration"))?;

        let program = std::env::var_os(PROGRAM_VARIABLE).unwrap_or(PROGRAM.into());
        let mut command = Command::new(program);
        command.arg("-F").arg("-y").arg(&config);
        if geteuid().is_root() {
            command.arg("-R");
        }
        port.lend()?;
        let mut process = Process::start(command)?;
        process.wait_until(PATIENCE, || ping(&listen).is_ok_and(|pong| pong))?;
        Ok(PhpFpm {
            process,
            listen,
            _port: port,
            _folder: folder,
        })
    }

    fn config(&self, listen: &Listen, folder: &Path) -> String {
        let mut text = String::from("[global]\nerror_log = /proc/self/fd/2\n[www]\n");
        let address = match listen {
            Listen::Tcp(address) => address.to_string(),
            Listen::Unix(path) => path.display().to_string(),
        };
        let user = if geteuid().is_root() {
            "user = root\ngroup = root\n"
        } else {
            ""
        };
        write!(
            text,
            "listen = {address}\n{user}pm = static\npm.max_children = {}\n\
             ping.path = {}\npm.status_path = {}\ncatch_workers_output = yes\n\
             decorate_workers_output = no\nphp_admin_value[upload_tmp_dir] = {}\n{}",
            self.children,
            Self::PING,
            Self::STATUS,
            folder.display(),
            self.lines,
        )
        .expect("writing to a string");
        text
    }
}

impl PhpFpm {
    /// What stands after `fastcgi_pass`: `127.0.0.1:PORT` or `unix:PATH`.
    #[must_use]
    pub fn pass(&self) -> String {
        match &self.listen {
            Listen::Tcp(address) => address.to_string(),
            Listen::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Its address, if it is a TCP one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self.listen {
            Listen::Tcp(address) => Some(address),
            Listen::Unix(_) => None,
        }
    }

    /// What it and its workers have printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The master process, for its pid and for signals.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Lets it end in its own way (SIGQUIT).
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> Result<ExitStatus, Error> {
        self.process.stop(Signal::QUIT, PATIENCE)
    }
}

fn ping(listen: &Listen) -> io::Result<bool> {
    let time = Some(Duration::from_secs(5));
    match listen {
        Listen::Tcp(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(time)?;
            ping_on(stream)
        }
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(time)?;
            ping_on(stream)
        }
    }
}

fn ping_on(mut stream: impl Read + Write) -> io::Result<bool> {
    let mut params = Params::default();
    params.push(b"REQUEST_METHOD", b"GET");
    params.push(b"SCRIPT_NAME", PhpFpmOptions::PING.as_bytes());
    params.push(b"SCRIPT_FILENAME", PhpFpmOptions::PING.as_bytes());
    let mut request = Vec::new();
    BeginRequest::responder(false).encode(1, &mut request);
    stream::encode_all(RecordType::Params, 1, params.as_bytes(), &mut request);
    stream::encode_end(RecordType::Stdin, 1, &mut request);
    stream.write_all(&request)?;

    let (mut decoder, mut input) = (ResponseDecoder::new(1), BytesMut::new());
    let (mut answer, mut chunk) = (Vec::new(), [0; 1024]);
    loop {
        match decoder.decode(&mut input).map_err(io::Error::other)? {
            Event::Stdout(bytes) => answer.extend_from_slice(&bytes),
            Event::End(_) => return Ok(answer.ends_with(b"pong")),
            Event::Need => {
                let read = stream.read(&mut chunk)?;
                if read == 0 {
                    return Ok(false);
                }
                input.extend_from_slice(chunk.get(..read).unwrap_or_default());
            }
            Event::StdoutEnd | Event::Stderr(_) => {}
        }
    }
}
