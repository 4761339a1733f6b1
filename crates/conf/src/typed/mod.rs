//! Directives with more than one part, read into plain values.
//!
//! Each type has a `parse` that takes the directive and gives the value or, in nginx's words, what
//! is wrong with it. Loading has run them all, so on a loaded [`crate::Config`] they succeed. What
//! may have variables in it stays a [`crate::Text`] or a [`crate::Word`], with its place in the
//! file, for whoever compiles templates and regular expressions.

mod answer;
mod cache;
mod geo;
mod headers;
mod limit;
mod listen;
mod location;
mod log;
mod map;
mod network;
mod rewrite;
mod server;
mod types;
mod upstream;

pub use answer::{Candidate, ErrorPage, Fallback, PageStatus, TryFiles};
pub use cache::{CachePath, CacheValid};
pub use geo::{Geo, GeoEntry};
pub use headers::{AddHeader, Expires, Param};
pub use limit::{LimitConn, LimitReq, LimitZone, Zone};
pub use listen::{Listen, SocketKeepalive};
pub use location::LocationMatch;
pub use log::{AccessLog, ErrorLog, LogBuffer, LogEscape, LogFormat, LogLevel, LogTarget, Syslog};
pub use map::{CharsetMap, Map, MapKey, SplitClients};
pub use network::{Resolver, SessionCache, Who, ocsp_cache};
pub use rewrite::{Condition, FileTest, Return, Rewrite, RewriteFlag, parse_variable};
pub use server::{
    DisableSymlinks, DocumentRoot, KeepaliveTimeout, OpenFileCache, ServerName, SymlinkMode,
};
pub use types::TypeMap;
pub use upstream::{Bind, Member, Pass, ProxyRedirect};
