//! Everything between the network and the handler: listening sockets, worker threads, connections,
//! time-outs, and the ways a server ends. HTTP/1 is read and written here; HTTP/2 is hyper's.
//!
//! Generic over a [`tower::Service`] and a body; knows nothing of configuration files, locations or
//! documents. Each worker is a thread with a current-thread runtime, so services, futures and
//! bodies need not be `Send`.
//!
//! ```text
//! listen ─▶ accept ─▶ server (worker threads) ─▶ http1 / http2 (drivers) ─▶ handler
//!                                                  │        │
//!                                                gate ◀─ connection ─▶ io ─▶ socket
//! ```

mod accept;
mod answer;
mod coalesce;
mod connection;
mod counters;
mod date;
mod field_list;
mod gate;
mod greet;
mod handler;
mod http1;
mod http2;
mod io;
mod listen;
mod server;
mod settings;
mod spelling;
mod spread;
mod sys;
#[cfg(test)]
mod tests;
mod tls;
mod worker;

pub use connection::{Connection, Cut, Exchange, Outcome, PeerAddr, ProxiedAddresses, ReadyFields};
pub use counters::{Activity, Stats};
pub use field_list::FieldList;
pub use gate::{Refusal, Severity, proxy_protocol, validate_host};
pub use handler::{ConnectionHandler, ServiceFuture};
pub use io::{BodyError, FileMarkers, RequestBody};
pub use listen::{BindError, ListenAddress, ListenerConfig, Listeners, TcpKeepAlive};
pub use server::{ServerConfig, ServerHandle, start};
pub use settings::{Http2Settings, Limits, LingeringClose, Settings};
pub use spelling::{Names, Spelling};
pub use sys::TcpInfo;
pub use tls::{ClientCertificate, Handshake, Layered, Secured, Stream, Tls, TlsSession, TlsValue};
