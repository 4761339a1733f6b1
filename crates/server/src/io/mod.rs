//! What lies between a driver and the socket.

mod body;
mod out;
mod pace;
mod sendfile;
mod transport;

pub use body::{BodyError, RequestBody};
pub(crate) use body::{poll_http1, settle_continue};
pub(crate) use out::{Out, begin_to_wait};
pub use sendfile::FileMarkers;
pub(crate) use sendfile::FileQueue;
pub(crate) use transport::{Transport, UNSENT};
