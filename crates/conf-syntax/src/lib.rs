//! nginx's configuration language: bytes → words → a tree of directives, with spans and diagnostics.
//!
//! This crate knows how a configuration is *written*, not what it *means*: it has no table of
//! directives (that is the `conf` crate's) and does no IO (files come through a [`Loader`]).
//! Source of truth: `nginx: src/core/ngx_conf_file.c`.
//!
//! ```
//! use portunus_conf_syntax::{Diagnostics, MemoryLoader, parse};
//!
//! let files = MemoryLoader::from([("/etc/nginx/nginx.conf", "http { server { listen 80; } }")]);
//! let mut diagnostics = Diagnostics::default();
//! let tree = parse(b"/etc/nginx/nginx.conf", &files, &mut diagnostics);
//!
//! assert!(diagnostics.is_empty());
//! assert_eq!(tree.directives[0].name, "http");
//! ```
//!
//! Nothing here stops at the first error: whatever can be read is in the tree, and everything
//! that nginx would complain about is in the [`Diagnostics`], which sort themselves so that the
//! first one is the one nginx would have stopped at.

pub mod glob;

mod diagnostic;
mod error;
mod lexer;
mod line_index;
mod loader;
mod parser;
mod source;
mod tree;
mod word;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use line_index::LineIndex;
pub use loader::{Loader, MemoryLoader};
pub use parser::{Parser, parse, parse_globals};
pub use source::{Position, Source, SourceId, Sources, Span};
pub use tree::{Block, Directive, Terminator, Tree};
pub use word::{Word, quote};
