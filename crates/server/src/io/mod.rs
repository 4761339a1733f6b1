//! What lies between hyper and the socket.

mod body;
mod hyper_io;
mod sendfile;
mod transport;

pub(crate) use body::poll_http1;
pub use body::{BodyError, RequestBody};
pub(crate) use hyper_io::{Answer, HyperIo, Link};
pub(crate) use sendfile::FileRange;
pub(crate) use transport::Transport;
