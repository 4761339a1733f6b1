//! What the tests of all crates need: a raw HTTP client, a running nginx, a running Portunus, a
//! running PHP-FPM, FastCGI peers that follow a script, and document roots.
//!
//! Everything blocks, everything is bounded in time, every port is one that the system gave, and
//! every process is ended by its pid when its handle is dropped.

mod client;
mod compare;
mod edits;
mod error;
mod escape;
mod fastcgi_peer;
pub mod hostile;
mod php_fpm;
mod port;
mod process;
mod seeds;
mod server;
mod temp_tree;

pub use client::{Connection, Field, Framing, Head, Response, exchange};
pub use compare::{Answer, Aspect, Difference, comparable_log, differences, normalise, show};
pub use edits::{EditPlan, EditReport, Offence, edit_under_load};
pub use error::Error;
pub use escape::unescape;
pub use fastcgi_peer::{FastCgiPeer, FastCgiRequest, Gate, Script, Step};
pub use php_fpm::{PhpFpm, PhpFpmOptions};
pub use port::Port;
pub use process::Process;
pub use seeds::seeds;
pub use server::{Launch, Program, Server};
pub use temp_tree::TempTree;
