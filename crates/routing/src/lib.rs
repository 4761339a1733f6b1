//! Where a request goes: which server, which location, which rewrite, which file to try.
//!
//! Everything here is decided from bytes alone. There is no socket, no clock and no file system;
//! where nginx looks at files (`if (-f …)`, `try_files`) the caller answers through a trait. All
//! decisions are plain values that can be printed.
//!
//! - [`Regex`] and [`Captures`]: regular expressions as PCRE means them, with a step limit;
//! - [`Host`] and [`ServerNames`]: from the `Host` field to a server block;
//! - [`Locations`]: from a normalised URI to a location;
//! - [`rewrite`]: the programs that `rewrite`, `if`, `set`, `return` and `break` make;
//! - [`try_files`]: the files to try, in order.
//!
//! Ids ([`ServerId`], [`LocationId`], [`Slot`], and the `V` of templates) belong to the caller.

#[cfg(test)]
mod cases;
mod host;
mod locations;
#[cfg(any(test, fuzzing, feature = "model"))]
#[doc(hidden)]
pub use locations::model;
mod regex;
pub mod rewrite;
mod server_names;
pub mod try_files;

pub use host::{Host, InvalidHost};
pub use locations::{
    Found, Location, LocationError, LocationId, LocationMatch, Locations, PlacementError,
};
pub use regex::{Captures, MatchError, NamedGroup, Regex, RegexError, Slot};
pub use server_names::{ServerId, ServerName, ServerNameError, ServerNames};

/// A snapshot is shared by all threads.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Locations>();
    is_shared::<ServerNames>();
    is_shared::<rewrite::Program<u32>>();
    is_shared::<try_files::TryFiles<u32>>();
};
