//! A running web server, nginx or Portunus: both take the same arguments and the same
//! configuration, which is the point.

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::error::Error;
use crate::port::Port;
use crate::process::Process;

pub use program::Program;

/// How long a server may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a start is tried whose ports somebody else took in the last moment.
const TRIES: usize = 3;

/// What a configuration without an `http` block is put into.
const FRAME: &str = "\
daemon off;
master_process off;
pid %%TMP%%/pid;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %%TMP%%/client_body;
    fastcgi_temp_path %%TMP%%/fastcgi;
    proxy_temp_path %%TMP%%/proxy;
    scgi_temp_path %%TMP%%/scgi;
    uwsgi_temp_path %%TMP%%/uwsgi;
    root %%ROOT%%;

%%CONFIG%%
}
";

/// A server about to be started.
#[derive(Debug, Clone)]
pub struct Launch {
    program: Program,
    config: String,
    files: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    names: BTreeMap<String, String>,
    ports: Vec<Port>,
    /// Ports nobody listens on, `%%CLOSED_0%%` and so on.
    _closed: Vec<Port>,
    folder: TempDir,
}

impl Launch {
    /// A configuration for a program. In it are replaced: `%%PORT_0%%`, `%%PORT_1%%`, … by ports to
    /// listen on, `%%CLOSED_0%%`, … by ports where nobody listens, `%%TMP%%` by a directory for
    /// temporary files, and what [`Self::with`] names. A configuration without an `http` block is put
    /// into one, with a main part that keeps the server in the foreground and all its files in
    /// `%%TMP%%`.
    #[must_use]
    pub fn new(program: Program, config: impl Into<String>) -> Self {
        Self {
            program,
            config: config.into(),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Puts a file beside the configuration, for it to include; names in it are replaced, too.
    #[must_use]
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.insert(name.to_owned(), text.into());
        self
    }

    /// Replaces `%%NAME%%` by a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.names.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the document root, `%%ROOT%%`.
    #[must_use]
    pub fn root(self, root: &Path) -> Self {
        self.with("ROOT", root.display().to_string())
    }

    /// Starts the server and waits until it listens on all its ports; if it has none, until the file
    /// `%%TMP%%/pid` exists.
    ///
    /// # Errors
    /// If it does not.
    pub fn start(&self) -> Result<Server, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_start() {
                Err(Error::Ended { output, .. })
                    if tries < TRIES && output.contains("Address already in use") => {}
                result => return result,
            }
        }
    }

    fn try_start(&self) -> Result<Server, Error> {
        let folder = tempfile::Builder::new()
            .prefix("portunus-server-")
            .tempdir();
        let folder = folder.map_err(Error::io("making a temporary directory"))?;
        let framed = self.framed();
        let texts: Vec<&str> = self
            .files
            .values()
            .map(String::as_str)
            .chain([framed.as_str()])
            .collect();
        let listening = reserve("PORT", &texts)?;
        let closed = reserve("CLOSED", &texts)?;

        let mut names = self.names.clone();
        names.insert("TMP".to_owned(), folder.path().display().to_string());
        for (kind, ports) in [("PORT", &listening), ("CLOSED", &closed)] {
            for (index, port) in ports.iter().enumerate() {
                names.insert(format!("{kind}_{index}"), port.number().to_string());
            }
        }
        let main = [("nginx.conf", framed.as_str())];
        let files = self
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        for (name, text) in files.chain(main) {
            let file = folder.path().join(name);
            fs::write(file, replace_names(text, &names))
                .map_err(Error::io(format!("writing {name}")))?;
        }

        listening.iter().try_for_each(Port::lend)?;
        let mut process = Process::start(self.program.command(folder.path(), &framed))?;
        let pid_file = folder.path().join("pid");
        process.wait_until(PATIENCE, || match listening.as_slice() {
            [] => pid_file.exists(),
            ports => ports.iter().all(is_listening),
        })?;
        Ok(Server {
            process,
            names,
            ports: listening,
            _closed: closed,
            folder,
        })
    }

    fn framed(&self) -> String {
        let has_http = self.config.lines().any(|line| {
            let line = line.trim_start();
            line.strip_prefix("http")
                .is_some_and(|rest| rest.trim_start().starts_with('{'))
        });
        if has_http {
            self.config.clone()
        } else {
            FRAME.replace("%%CONFIG%%", &self.config)
        }
    }
}

impl Server {
    /// The number of `%%PORT_n%%`.
    ///
    /// # Panics
    /// If the configuration has no such port.
    #[must_use]
    pub fn port(&self, index: usize) -> u16 {
        self.reserved(index).number()
    }

    /// The address of `%%PORT_n%%`.
    ///
    /// # Panics
    /// If the configuration has no such port.
    #[must_use]
    pub fn address(&self, index: usize) -> SocketAddr {
        self.reserved(index).address()
    }

    fn reserved(&self, index: usize) -> &Port {
        let port = self.ports.get(index);
        port.expect("the configuration names this port")
    }

    /// What `%%NAME%%` stands for.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    /// All names and what they stand for.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Replaces the names in a text as they were replaced in the configuration.
    #[must_use]
    pub fn replace_names(&self, text: &str) -> String {
        replace_names(text, &self.names)
    }

    /// The directory that `%%TMP%%` stands for.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has printed: its error log, unless the configuration sends it elsewhere.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The process, for its pid and for signals.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Lets it finish what it is doing (SIGQUIT) and end.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&mut self) -> Result<ExitStatus, Error> {
        self.process.stop(Signal::QUIT, PATIENCE)
    }
}

/// Replaces every `%%NAME%%` that is known.
fn replace_names(text: &str, names: &BTreeMap<String, String>) -> String {
    let replace = |text: String, (name, value): (&String, &String)| {
        text.replace(&format!("%%{name}%%"), value)
    };
    names.iter().fold(text.to_owned(), replace)
}

/// Ports for `%%KIND_0%%`, `%%KIND_1%%`, … up to the first that no text has.
fn reserve(kind: &str, texts: &[&str]) -> Result<Vec<Port>, Error> {
    let named = (0..).take_while(|index| {
        let name = format!("%%{kind}_{index}%%");
        texts.iter().any(|text| text.contains(&name))
    });
    named.map(|_| Port::reserve()).collect()
}

fn is_listening(port: &Port) -> bool {
    TcpStream::connect_timeout(&port.address(), Duration::from_millis(200)).is_ok()
}
