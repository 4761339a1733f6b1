//! HTTP servers behind this one: connections to them, requests, answers, tunnels.
//!
//! HTTP/1 is spoken by hand here rather than through hyper's client, because nginx is the
//! specification: request heads go out byte for byte as nginx writes them (order and spelling of
//! fields, targets that no `http::Uri` can hold, HTTP/1.0), answers are judged by nginx's rules and
//! in its words, and an answer that ends without an end is never taken for a whole one.
//!
//! ```text
//!  Keepalive::take ─┐                     ┌─▶ ResponseBody ─▶ Keepalive (kept)
//!                   ├─▶ Connection::send ─┤
//!  Connection::open ┘                     └─▶ Tunnel (101)
//! ```
//!
//! Nothing here is `Send`: connections stay on the thread that opened them.

mod address;
mod body;
mod chunked;
mod connection;
mod error;
mod exchange;
mod head;
mod keepalive;
mod security;

pub use address::Address;
pub use body::ResponseBody;
pub use connection::{Connection, SocketOptions, Tunnel};
pub use error::{Error, Phase};
pub use exchange::{BodySource, Failed, Request, RequestBody, Response, Timeouts};
pub use head::{Field, Head};
pub use keepalive::{Keepalive, KeepaliveConfig};
pub use security::{Duplex, Greeting, Handshake, Security};
