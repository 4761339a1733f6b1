//! The request target and the paths made of it: split, decoded once, normalised, escaped again.
//!
//! - [`Target::parse`] takes the target of a request line apart and normalises its path;
//! - [`escape`] and [`unescape`] speak nginx's dialects of percent-encoding;
//! - [`climbs`] tells paths that would leave a root;
//! - [`split_unsafe`] checks a URI that did not come from the request line.
//!
//! Results are those of nginx to the byte (`ngx_http_parse_complex_uri`, `ngx_escape_uri`,
//! `ngx_unescape_uri`, `ngx_http_parse_unsafe_uri`). What is decoded here is matched and opened as
//! it is: nothing decodes a second time.

mod below;
mod escape;
mod extension;
#[cfg(any(test, fuzzing, feature = "model"))]
#[doc(hidden)]
pub mod model;
mod normalise;
mod target;
mod unescape;
mod unsafe_uri;

pub use below::climbs;
pub use escape::{Escape, escape, escape_html, escaped};
pub use extension::{extension, lowercase_extension};
pub use target::{Target, TargetError};
pub use unescape::{Unescape, unescape};
pub use unsafe_uri::{UnsafeUri, split_args, split_unsafe};
