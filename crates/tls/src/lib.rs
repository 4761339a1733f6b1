//! TLS with clients and servers, over rustls: certificates and keys from PEM files, the settings of the server
//! block that a client's SNI names, sessions that can be resumed, client certificates.
//!
//! `server` accepts connections and knows no TLS; this crate gives its listeners a
//! [`Handshake`](portunus_server::Handshake). `proxy` connects to servers and knows no TLS either; it
//! gets another [`Handshake`](portunus_proxy::Handshake). Nobody above it sees rustls.
//!
//! ```text
//! ServerTls (plain values) ─▶ Context (one server block, ready) ─▶ Acceptor (one listener)
//! ClientTls (plain values) ─▶ Connector (one location)
//! ```

mod acceptor;
mod certificate;
mod client;
mod connector;
mod context;
mod curves;
mod distinguished_name;
mod error;
mod files;
mod hostname;
mod names;
mod path;
mod pem;
mod remembered;
mod session;
mod signature;
mod suites;
mod tickets;
mod x509;

pub use acceptor::{Acceptor, FindServer, Member};
pub use certificate::Identity;
pub use connector::{ClientTls, Connector, VerifyServer};
pub use context::{Context, Protocols, ServerTls, Sessions, VerifyClient};
pub use error::Error;
pub use remembered::read_file;
pub use tickets::{KeptSessions, TicketKey};
