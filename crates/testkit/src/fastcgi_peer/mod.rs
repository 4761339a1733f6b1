//! A FastCGI application that does what a script tells it, faults included.

mod gate;
mod play;
mod request;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Error;

pub use gate::Gate;
pub use request::FastCgiRequest;

/// What the peer does on one connection, step by step. After the last step it closes.
pub type Script = Vec<Step>;

/// One thing the peer does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads one request to its end (the end of its stdin) and records it.
    Request,
    /// Reads one request to the end of its parameters and records it, the body unread.
    Params,
    /// Reads until it is asked for its values, and does not answer; within a request it answers.
    Question,
    /// Sends bytes as they are.
    Raw(Vec<u8>),
    /// Sends bytes, each `<id>` among them replaced by the id of the request read last.
    RawFor(Vec<u8>),
    /// Sends stdout of the request read last.
    Stdout(Vec<u8>),
    /// Sends as stdout what the request read last says in this parameter: the configuration of the
    /// server tells what it is answered.
    StdoutOf(&'static str),
    /// Sends stderr of the request read last.
    Stderr(Vec<u8>),
    /// Sends the end of the request read last, complete, with this exit status.
    End(u32),
    /// Sends the end of the request read last, refused as overloaded.
    Overloaded,
    /// Waits until a test opens the gate.
    Wait(Gate),
    /// Reads, and forgets, until the server closes.
    Drain,
    /// If the request read last has this `QUERY_STRING`, these steps stand for the rest of the script.
    When(&'static str, Script),
    /// Begins the script anew, on the same connection.
    Repeat,
    /// Begins the script anew if the request read last was to keep the connection; else closes. FastCGI 1.0 §3.5.
    RepeatIfKept,
    /// Closes.
    Close,
    /// Closes with a reset.
    Reset,
}

impl Step {
    /// A whole answer: head, body and end, as one stdout stream.
    #[must_use]
    pub fn answer(head: &str, body: impl AsRef<[u8]>) -> Script {
        let head = head.trim_end().replace('\n', "\r\n");
        let stdout = [head.as_bytes(), b"\r\n\r\n", body.as_ref()].concat();
        vec![Self::Request, Self::Stdout(stdout), Self::End(0)]
    }

    /// Answers all requests of a connection by what they say in the parameter `ANSWER`, head and body.
    #[must_use]
    pub fn as_asked() -> Script {
        vec![
            Self::Request,
            Self::StdoutOf("ANSWER"),
            Self::End(0),
            Self::RepeatIfKept,
        ]
    }
}

/// A FastCGI application on a port of its own. Dropping it closes all its connections.
#[derive(Debug)]
pub struct FastCgiPeer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What acceptor, players and test share.
#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<FastCgiRequest>>,
    connections: Mutex<Vec<TcpStream>>,
    changed: Condvar,
    stopping: AtomicBool,
}

impl FastCgiPeer {
    /// Starts a peer that plays the first script on the first connection and so on; the last one on
    /// all further connections.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(scripts: Vec<Script>) -> Result<Self, Error> {
        let bind = || {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = bind().map_err(Error::io("starting a FastCGI peer"))?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &scripts, &accepting));
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens; what stands after `fastcgi_pass`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests read so far.
    #[must_use]
    pub fn requests(&self) -> Vec<FastCgiRequest> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Waits until this many requests were read, and gives them; fewer if the time is over.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, time: Duration) -> Vec<FastCgiRequest> {
        let requests = self
            .shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .shared
            .changed
            .wait_timeout_while(requests, time, |requests| requests.len() < count);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

impl Drop for FastCgiPeer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        for connection in &*self
            .shared
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            let _ = connection.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, scripts: &[Script], shared: &Arc<Shared>) {
    for (index, stream) in listener.incoming().flatten().enumerate() {
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        let script = scripts
            .get(index)
            .or(scripts.last())
            .cloned()
            .unwrap_or_default();
        if let Ok(handle) = stream.try_clone() {
            shared
                .connections
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(handle);
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || play::play(stream, index, &script, &shared));
    }
}
