//! From an accepted descriptor to a connection: PROXY protocol header and handshake where the
//! connection is to be encrypted.
//!
//! Source: nginx, `ngx_http_ssl_handshake`.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::accept::Accepted;
use crate::connection::{Connection, PeerAddr, ProxiedAddresses};
use crate::gate::proxy_protocol::{self, LONGEST_HEADER, ProxyHeader};
use crate::handler::ConnectionHandler;
use crate::io::Transport;
use crate::tls::{Secured, TlsSession};
use crate::worker::Worker;

/// The first byte of a TLS record with a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;
/// The first bit of an SSLv2 greeting; the handshake refuses it properly.
const SSL2: u8 = 0x80;

/// How a client begins on a port for TLS.
enum Greeting {
    Secured(Secured),
    /// It speaks HTTP, and will be told that this is not the port for it.
    Plain(TcpStream),
}

/// Why there is no connection to serve.
enum Failure {
    /// The client closed, or broke something off.
    Client(io::Error),
    /// It took longer than `client_header_timeout`.
    TimedOut,
    /// The worker is ending.
    Stopped,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Client(error)
    }
}

/// Makes a connection of a descriptor, encrypted where that is asked for; and whether the client
/// has chosen HTTP/2. `None` where the client did not get so far, which is logged.
pub(crate) async fn open<H: ConnectionHandler>(
    accepted: Accepted,
    serial: u64,
    worker: &Rc<Worker>,
    handler: &H,
) -> Option<(Rc<Connection>, bool)> {
    let (peer, socket) = (accepted.peer, Arc::clone(&accepted.socket));
    let failure = match try_open(accepted, serial, worker, handler).await {
        Ok(opened) => return Some(opened),
        Err(failure) => failure,
    };
    let reason = match failure {
        Failure::Stopped => return None,
        Failure::TimedOut => "client timed out (110: Connection timed out)".to_owned(),
        Failure::Client(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "client closed connection".to_owned()
        }
        Failure::Client(error) => error.to_string(),
    };
    let message = format_args!(
        "{reason} while SSL handshaking, client: {peer}, server: {}",
        socket.address
    );
    handler.log_greeting(socket.config.tag, serial, message);
    None
}

async fn try_open<H: ConnectionHandler>(
    accepted: Accepted,
    serial: u64,
    worker: &Rc<Worker>,
    handler: &H,
) -> Result<(Rc<Connection>, bool), Failure> {
    let Accepted {
        descriptor,
        peer,
        socket,
    } = accepted;
    let make = |transport, session: Option<Rc<dyn TlsSession>>| {
        let socket = Arc::clone(&socket);
        Connection::new(serial, peer, socket, transport, session, Rc::clone(worker))
    };
    if peer == PeerAddr::Unix {
        let stream = std::os::unix::net::UnixStream::from(descriptor);
        let transport = Transport::unix(tokio::net::UnixStream::from_std(stream)?);
        return Ok((make(transport, None), false));
    }
    let stream = std::net::TcpStream::from(descriptor);
    let stream = TcpStream::from_std(stream)?;
    let Some(tls) = &socket.config.tls.0 else {
        return Ok((make(Transport::tcp(stream), None), false));
    };
    let mut proxied = None;
    let greet = async {
        let begin = async {
            if socket.config.proxy_protocol {
                proxied = take_proxy_header(&stream).await?;
            }
            first_byte(&stream).await
        };
        let first = worker.unless_draining(begin).await;
        match first.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))? {
            byte if byte == HANDSHAKE || byte & SSL2 != 0 => {
                tls.begin(stream).await.map(Greeting::Secured)
            }
            _ => Ok(Greeting::Plain(stream)),
        }
    };
    let timeout = handler.handshake_timeout(socket.config.tag);
    let greeting = within(timeout, worker, greet).await?;
    let (connection, http2) = match greeting {
        Greeting::Plain(stream) => (make(Transport::tcp(stream), None), false),
        Greeting::Secured(secured) => {
            let transport = Transport::other(secured.stream);
            (make(transport, Some(secured.session)), secured.http2)
        }
    };
    if let Some(proxied) = proxied {
        connection.set_proxied(proxied);
    }
    Ok((connection, http2))
}

/// Bounds the greeting by time and by the end of the worker.
async fn within<T>(
    timeout: Duration,
    worker: &Worker,
    greet: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match worker
        .unless_stopped(tokio::time::timeout(timeout, greet))
        .await
    {
        None => Err(Failure::Stopped),
        Some(Err(_elapsed)) => Err(Failure::TimedOut),
        Some(Ok(greeted)) => Ok(greeted?),
    }
}

/// The first byte of what the client sends, left where it is.
async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    match stream.peek(&mut byte).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(byte[0]),
    }
}

/// Reads the PROXY protocol header and not a byte more: the rest is for the handshake. It has to
/// come in one piece, as its specification demands and nginx expects.
async fn take_proxy_header(stream: &TcpStream) -> io::Result<Option<ProxiedAddresses>> {
    let mut buffer = vec![0; LONGEST_HEADER];
    let there = stream.peek(&mut buffer).await?;
    if there == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let ProxyHeader::Whole(length, addresses) = proxy_protocol::parse(&buffer[..there]) else {
        return Err(io::Error::other("broken PROXY protocol header"));
    };
    // What was peeked at is there to be read.
    stream.try_read(&mut buffer[..length])?;
    Ok(addresses)
}
