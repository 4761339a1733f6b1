//! What lies between hyper and the socket.

mod body;
mod head_out;
mod hyper_io;
mod pace;
mod sendfile;
mod transport;

pub(crate) use body::poll_http1;
pub use body::{BodyError, RequestBody};
pub(crate) use hyper_io::{Answer, HyperIo, Link};
pub use sendfile::FileMarkers;
pub(crate) use sendfile::FileQueue;
pub(crate) use transport::Transport;
