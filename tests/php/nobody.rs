//! Places where no application answers: each of the ways in which connecting fails.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use portunus_testkit::TempTree;
use rustix::net::{AddressFamily, SocketType};

/// A place that stays as it is until it is dropped.
pub(crate) struct Nobody {
    /// What stands after `fastcgi_pass`.
    pub(crate) address: String,
    _kept: Vec<Box<dyn std::any::Any + Send + Sync>>,
}

impl Nobody {
    pub(crate) fn new(kind: &str) -> Self {
        let tree = TempTree::new().expect("a directory");
        let path = tree.path().join("fpm.sock");
        let mut address = format!("unix:{}", path.display());
        let mut kept: Vec<Box<dyn std::any::Any + Send + Sync>> = Vec::new();
        match kind {
            // A port is taken, so that nobody else gets it, and nobody listens on it.
            "refused" => {
                let (bound, at) = bound();
                address = at.to_string();
                kept.push(Box::new(bound));
            }
            // The socket of an FPM that was killed.
            "abandoned" => drop(UnixListener::bind(&path).expect("a socket")),
            "missing" => {}
            "file" => std::fs::write(&path, "").expect("a file"),
            "below a file" => {
                std::fs::write(&path, "").expect("a file");
                address.push_str("/fpm.sock");
            }
            // Its workers are all busy and its backlog is full: EAGAIN.
            "full" => {
                let listener = UnixListener::bind(&path).expect("a socket");
                rustix::net::listen(&listener, 0).expect("a smaller backlog");
                kept.push(Box::new(
                    UnixStream::connect(&path).expect("the only place"),
                ));
                kept.push(Box::new(listener));
            }
            // The same over TCP: what goes there is dropped without a word.
            "silent" => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                rustix::net::listen(&listener, 0).expect("a smaller backlog");
                let at = listener.local_addr().expect("an address");
                address = at.to_string();
                kept.push(Box::new(TcpStream::connect(at).expect("the only place")));
                kept.push(Box::new(listener));
            }
            other => unreachable!("nobody {other}"),
        }
        kept.push(Box::new(tree));
        Self {
            address,
            _kept: kept,
        }
    }
}

/// A socket with a port that does not listen.
fn bound() -> (rustix::fd::OwnedFd, SocketAddr) {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
    let socket = socket.expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    rustix::net::bind(&socket, &any).expect("a port");
    let at = rustix::net::getsockname(&socket).expect("an address");
    (socket, at.try_into().expect("an IP address"))
}
