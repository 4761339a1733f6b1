//! One request from head to log line: decide what to do with it, then do it.
//!
//! [`Handler`] is what the `server` crate serves: a tower service per connection over one immutable
//! [`Site`]. Deciding (`engine`) is synchronous and yields a plain value; only what has to wait, PHP
//! or a request body, becomes a future, so an answer from memory allocates none.

mod access;
mod access_log;
mod act;
mod body;
mod config;
mod content;
mod context;
mod engine;
mod explain;
mod filtered;
mod host;
mod in_place;
mod joined;
mod limit;
mod open_logs;
mod request_body;
mod respond;
mod service;
mod ssi;
mod start;
mod subrequest;
mod tls;
mod upstream_state;
mod userid;
mod variable;
mod window;

pub use access::UserFiles;
pub use body::{BodyError, ResponseBody};
pub use config::VerifyClient;
pub use config::of_one_family;
pub use config::{
    AccessLog, AccessRule, AddedHeader, Address, Alias, AnswerStatus, AutoIndex, Candidate,
    Content, DynamicPools, ErrorPage, Expires, ExpiresAt, Fallback, FastCgi, FastCgiGroup,
    FastCgiParam, FastCgiParams, FastCgiPass, HeadRoom, HeaderRules, HostMask, IgnoredFields,
    IndexFile, KeepaliveDisable, Level, Location, LogEscape, LogFormat, LogTarget, Map, MapPattern,
    Missing, Network, NextUpstream, Product, RealIp, RealIpSource, Root, ScriptNames, Server, Site,
    Template, TryFiles, Who,
};
pub use config::{
    Addition, Charset, Charsets, EncoderSet, Encoding, Mirror, Rate, Ssi, SubFilter, VariableNames,
};
pub use config::{
    AuthRequest, BasicAuth, ConnectionLimit, ConnectionLimits, Geo, GeoNetworks, GeoRanges,
    GeoTable, Guard, Key, LimitExcept, RateLimit, RateLimits, Referers, SecureLink, Split,
};
pub use config::{BrowserAge, BrowserFamily, Browsers, ModernBrowser};
pub use config::{CacheLock, CacheZone, CacheZones, Caching, FileCopy, UseStale};
pub use config::{CookieExpires, IdForm, UserId};
pub use config::{
    CookieFlags, Proxy, ProxyGroup, ProxyGroups, ProxyTarget, ProxyTls, ProxyUrl, Replacement,
    ReplacementPattern,
};
pub use explain::Place;
pub use limit::{ConnectionZone, RateZone};
pub use open_logs::{OpenLogs, OpenLogsConfig};
pub use service::{Handler, SharedSite, Worker};
pub use variable::{TcpValue, Variable};

/// The version of nginx whose behaviour we follow, as `$nginx_version` and `-V` tell it.
pub const NGINX_VERSION: &str = "1.31.5";
