//! Listening sockets: what they are to be, and binding them all before anything runs.

mod bind;
mod config;

pub use bind::{BindError, Listeners};
pub(crate) use bind::{Socket, Standing};
pub use config::{ListenAddress, ListenerConfig, TcpKeepAlive};
