//! The configuration, read and resolved: from the directive tree to typed values.
//!
//! nginx's directives are rows of a [`table`]; loading looks every directive up in it, checks its
//! place, its arguments and its values in nginx's words and order, and gives a [`Config`] of nested
//! [`Scope`]s that answer what holds at each level. A constant of [`d`] names each directive, so that
//! code never spells one as a string:
//!
//! ```
//! use std::path::Path;
//! use portunus_conf::{Config, LoadOptions, MemoryLoader, d};
//!
//! let text = "events {} http { keepalive_timeout 10s; server { location / { sendfile on; } } }";
//! let files = MemoryLoader::from([("/etc/nginx.conf", text)]);
//! let loaded = Config::load_with(Path::new("/etc/nginx.conf"), &LoadOptions::default(), &files);
//! let config = loaded.config.expect("the text above is right");
//!
//! let server = config.http().and_then(|http| http.child(d::SERVER)).expect("there is a server");
//! let location = server.child(d::LOCATION).expect("there is a location");
//! assert!(location.flag(d::SENDFILE) && !server.flag(d::SENDFILE));
//! assert_eq!(location.duration(d::KEEPALIVE_TIMEOUT).as_secs(), 10);
//! ```
//!
//! What needs the runtime (compiling regular expressions, opening files, names of variables) is
//! checked by the one who builds it, with the same [`Diagnostic`] type.

pub mod table;
pub mod typed;
pub mod value;

mod address;
mod check;
mod config;
mod fault;
mod level;
mod lint;
mod loader;
mod scope;
mod text;

pub use portunus_conf_syntax::{
    Block, Diagnostic, Diagnostics, Directive, MemoryLoader, Position, Severity, Sources, Span,
    Word,
};

pub use crate::address::{Address, Network, Url};
pub use crate::check::RegexCheck;
pub use crate::config::{Config, LoadOptions, Loaded, dump};
pub use crate::fault::Fault;
pub use crate::loader::FileLoader;
pub use crate::scope::{Buffers, MimeTypes, Scope};
pub use crate::table::{DirectiveId, d};
pub use crate::text::Text;
