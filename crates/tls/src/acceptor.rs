//! The handshakes of one listener: the client's greeting first, then the server block it names.

use std::fmt;
use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use portunus_server::{Handshake, Layered, Secured};
use rustls::ServerConfig;
use rustls::server::Acceptor as Greeting;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;

use crate::client::ClientCheck;
use crate::context::Context;
use crate::session::{Offer, Session};

/// The alert `unrecognized_name` (RFC 6066 §3) as a record: fatal, number 112.
const UNRECOGNIZED_NAME: &[u8] = &[0x15, 3, 3, 0, 2, 2, 112];

/// Finds the server block that has a name, by its number.
pub type FindServer = Box<dyn Fn(&[u8]) -> Option<usize> + Send + Sync>;

/// A server block as a listener sees it.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// Its settings; those of the default server where it has no certificate.
    pub context: Option<Arc<Context>>,
    /// `http2`: whether `h2` is offered by ALPN.
    pub http2: bool,
    /// `ssl_reject_handshake`.
    pub rejects: bool,
}

/// Greets the clients of one listening address.
#[derive(Debug)]
pub struct Acceptor(Arc<Inner>);

/// How one client is greeted.
struct Chosen {
    config: Arc<ServerConfig>,
    check: Option<Arc<ClientCheck>>,
}

struct Inner {
    /// By the numbers that `find` gives.
    servers: Arc<[Member]>,
    default: usize,
    /// `listen … http2`: all servers of the address offer `h2`.
    http2: bool,
    find: FindServer,
}

impl Acceptor {
    /// The handshakes of an address with these servers; `default` has no name to be found by.
    /// With `http2` all of them offer `h2`, as `listen … http2` asks.
    #[must_use]
    pub fn new(servers: Arc<[Member]>, default: usize, http2: bool, find: FindServer) -> Self {
        Self(Arc::new(Inner {
            servers,
            default,
            http2,
            find,
        }))
    }
}

impl Inner {
    /// The settings for a name, and whether a server block has it; `None` if the handshake is to
    /// be refused.
    ///
    /// Source: nginx, `ngx_http_ssl_servername`; `ngx_http_ssl_alpn_select`, which asks the server
    /// of the name and the address, whosever certificate is shown.
    fn choose(&self, name: Option<&str>) -> (Option<Chosen>, bool) {
        let found = name.and_then(|name| (self.find)(name.to_ascii_lowercase().as_bytes()));
        let default = self.servers.get(self.default);
        let member = found.and_then(|number| self.servers.get(number));
        let Some(member) = member.or(default).filter(|member| !member.rejects) else {
            return (None, found.is_some());
        };
        let context = member.context.as_ref();
        let context = context.or_else(|| default.and_then(|member| member.context.as_ref()));
        let chosen = context.map(|context| Chosen {
            config: match self.http2 || member.http2 {
                true => Arc::clone(&context.with_http2),
                false => Arc::clone(&context.config),
            },
            check: context.check.clone(),
        });
        (chosen, found.is_some())
    }

    async fn greet(&self, stream: TcpStream) -> io::Result<Secured> {
        let mut started = LazyConfigAcceptor::new(Greeting::default(), stream).await?;
        let hello = started.client_hello();
        let offer = Offer::of(&hello);
        let (chosen, is_known) = self.choose(hello.server_name());
        let Some(Chosen { config, check }) = chosen else {
            // The client is gone if it cannot be told.
            let _ = started.io.write_all(UNRECOGNIZED_NAME).await;
            return Err(io::Error::other("handshake rejected"));
        };
        let stream = started.into_stream(config).await?;
        let (_, connection) = stream.get_ref();
        let session = Session::new(connection, offer, is_known, check.as_deref());
        let http2 = connection.alpn_protocol() == Some(b"h2");
        Ok(Secured {
            stream: Box::pin(Layered::new(stream, |stream| {
                Some(stream.get_ref().0.as_fd())
            })),
            http2,
            session: Rc::new(session),
        })
    }
}

impl Handshake for Acceptor {
    fn begin(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = io::Result<Secured>>>> {
        // A reload may put another acceptor in this one's place while the client takes its time.
        let this = Arc::clone(&self.0);
        Box::pin(async move {
            let greeted = this.greet(stream).await;
            greeted.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => error,
                kind => io::Error::new(kind, format!("SSL_do_handshake() failed (SSL: {error})")),
            })
        })
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("servers", &self.servers)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}
