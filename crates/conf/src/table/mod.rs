//! The directive table: one row per directive, one file per module of nginx or family of modules.
//!
//! To say that a directive now does what it should, change its effect to `Honoured` (or
//! `Differs("…")`, if it differs) and write `config/DIRECTIVES.md` anew with
//! `UPDATE_DIRECTIVES=1 cargo test -p portunus-conf --test directives`.
//!
//! A row reads: constant, name, `in` its contexts, arity (with `block` if a block follows), kind
//! (with `= "default"`), inheritance, effect, summary.

/// Defines the rows of one table file, and a constant for each.
macro_rules! rows {
    ($module:literal: $about:literal;
     $($id:ident $name:literal in $($context:ident)|+,
       $arity:ident $($block:ident)?, $kind:ident $(($($of:tt)+))? $(= $default:literal)?, $inherit:ident,
       $effect:ident $(($why:literal))?, $summary:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $summary)]
            pub const $id: $crate::table::DirectiveId = {
                use $crate::table::{Effect, Inherit, kind::Kind, row};
                const ROW: row::Row = row::Row {
                    name: $name,
                    module: $module,
                    contexts: row::Contexts::NONE$(.or(row::$context))+,
                    arity: row::$arity$(.$block())?,
                    kind: Kind::$kind$(($($of)+))?,
                    default: row::first(&[$($default)?]),
                    inherit: Inherit::$inherit,
                    effect: Effect::$effect$(($why))?,
                    summary: $summary,
                };
                $crate::table::DirectiveId::new(&ROW)
            };
        )+

        /// The rows of this file, in the order they are written.
        pub(super) static MODULE: $crate::table::Module = $crate::table::Module {
            name: $module,
            about: $about,
            rows: &[$($id),+],
        };
    };
}

mod access;
mod addition;
mod auth;
mod autoindex;
mod browser;
mod charset;
mod compression;
mod core;
mod dav;
mod events;
mod fastcgi;
mod foreign;
mod grpc;
mod gzip;
mod headers;
mod http_core;
mod index;
mod kind;
mod limit;
mod log;
mod map;
mod media;
mod memcached;
mod pool;
mod proxy;
mod realip;
mod referer;
mod rewrite;
mod row;
mod scgi;
mod similar;
mod ssi;
mod ssl;
mod stream;
mod tunnel;
mod upstream;
mod userid;
mod uwsgi;
mod v2;
mod v3;
mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use self::foreign::foreign_module;
pub use self::kind::{Kind, SizeRule, Special};
pub use self::row::{
    ANYWHERE, Arity, Contexts, DirectiveId, EVENTS, Effect, HTTP, Inherit, LIF, LMT, LOCATION,
    MAIN, Row, SERVER, SIF, UPSTREAM,
};
pub use self::similar::similar_name;

/// A file of the table.
#[derive(Debug)]
pub struct Module {
    /// Name of the file.
    pub name: &'static str,
    /// What it covers, for the documentation.
    pub about: &'static str,
    /// Its rows.
    pub rows: &'static [DirectiveId],
}

/// All of the table.
pub static MODULES: &[&Module] = &[
    &core::MODULE,
    &events::MODULE,
    &http_core::MODULE,
    &access::MODULE,
    &addition::MODULE,
    &auth::MODULE,
    &autoindex::MODULE,
    &browser::MODULE,
    &charset::MODULE,
    &compression::MODULE,
    &dav::MODULE,
    &fastcgi::MODULE,
    &grpc::MODULE,
    &gzip::MODULE,
    &headers::MODULE,
    &index::MODULE,
    &limit::MODULE,
    &log::MODULE,
    &map::MODULE,
    &media::MODULE,
    &memcached::MODULE,
    &pool::MODULE,
    &proxy::MODULE,
    &realip::MODULE,
    &referer::MODULE,
    &rewrite::MODULE,
    &scgi::MODULE,
    &ssi::MODULE,
    &ssl::MODULE,
    &stream::MODULE,
    &tunnel::MODULE,
    &upstream::MODULE,
    &userid::MODULE,
    &uwsgi::MODULE,
    &v2::MODULE,
    &v3::MODULE,
];

/// A constant for every directive. Where two share a name, the one of `upstream` blocks says so:
/// [`UPSTREAM_SERVER`](self::UPSTREAM_SERVER) is a member, [`SERVER`](self::SERVER) a virtual server.
pub mod d {
    pub use super::access::*;
    pub use super::addition::*;
    pub use super::auth::*;
    pub use super::autoindex::*;
    pub use super::browser::*;
    pub use super::charset::*;
    pub use super::compression::*;
    pub use super::core::*;
    pub use super::dav::*;
    pub use super::events::*;
    pub use super::fastcgi::*;
    pub use super::grpc::*;
    pub use super::gzip::*;
    pub use super::headers::*;
    pub use super::http_core::*;
    pub use super::index::*;
    pub use super::limit::*;
    pub use super::log::*;
    pub use super::map::*;
    pub use super::media::*;
    pub use super::memcached::*;
    pub use super::pool::*;
    pub use super::proxy::*;
    pub use super::realip::*;
    pub use super::referer::*;
    pub use super::rewrite::*;
    pub use super::scgi::*;
    pub use super::ssi::*;
    pub use super::ssl::*;
    pub use super::stream::*;
    pub use super::tunnel::*;
    pub use super::upstream::*;
    pub use super::userid::*;
    pub use super::uwsgi::*;
    pub use super::v2::*;
    pub use super::v3::*;
}

/// The rows with this name; nginx knows some names on several levels.
#[must_use]
pub fn rows_named(name: &[u8]) -> &'static [DirectiveId] {
    static INDEX: OnceLock<HashMap<&'static [u8], Vec<DirectiveId>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: HashMap<_, Vec<_>> = HashMap::new();
        for id in MODULES.iter().flat_map(|module| module.rows) {
            index.entry(id.name.as_bytes()).or_default().push(*id);
        }
        index
    });
    index.get(name).map_or(&[], Vec::as_slice)
}
