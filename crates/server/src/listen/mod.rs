//! Listening sockets: what they are to be, and binding them all before anything runs.

mod bind;
mod config;

pub(crate) use bind::Socket;
pub use bind::{BindError, Listeners};
pub use config::{ListenAddress, ListenerConfig, TcpKeepAlive};
