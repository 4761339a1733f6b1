//! `proxy_pass` and its kin.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use portunus_proxy::{Address, Handshake, Keepalive, SocketOptions, Timeouts};
use portunus_routing::Regex;
use portunus_spool::Limits;
use portunus_upstream::Group;

use super::{Caching, FileCopy, IgnoredFields, NextUpstream, Template};

/// A location that an HTTP server behind us answers.
///
/// Source: nginx, ngx_http_proxy_module.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
pub struct Proxy {
    /// `proxy_pass`.
    pub target: ProxyTarget,
    /// How servers are greeted where the URL says `https`.
    pub tls: Option<ProxyTls>,
    /// `proxy_http_version 1.1`.
    pub http11: bool,
    /// `proxy_set_header Host`.
    pub host: Option<Template>,
    /// `proxy_set_header`, in order, without `Host`.
    pub set_headers: Vec<(Box<[u8]>, Template)>,
    /// Names, in lower case, that are not taken from the client: those set, and those that are
    /// between us and the server.
    pub replaced: Vec<Box<[u8]>>,
    /// `proxy_pass_request_headers`.
    pub pass_request_headers: bool,
    /// `proxy_pass_request_body`.
    pub pass_request_body: bool,
    /// `proxy_request_buffering`.
    pub request_buffering: bool,
    /// `proxy_buffering`.
    pub buffering: bool,
    /// `proxy_intercept_errors`.
    pub intercept_errors: bool,
    /// `proxy_pass_trailers`.
    pub pass_trailers: bool,
    /// `proxy_ignore_client_abort`.
    pub ignore_client_abort: bool,
    /// `proxy_force_ranges`.
    pub force_ranges: bool,
    /// `proxy_socket_keepalive`, `proxy_bind`.
    pub socket: SocketOptions,
    /// `proxy_bind` with variables.
    pub bind: Option<Template>,
    /// `proxy_method`.
    pub method: Option<Template>,
    /// `proxy_set_body`.
    pub body: Option<Template>,
    /// Fields that stay here: nginx's own list, `proxy_hide_header`, less `proxy_pass_header`.
    pub hidden: Vec<HeaderName>,
    /// `proxy_pass_header`.
    pub passed: Vec<HeaderName>,
    /// `proxy_ignore_headers`.
    pub ignored: IgnoredFields,
    /// `proxy_redirect`, in order.
    pub redirects: Vec<Replacement>,
    /// `proxy_cookie_domain`.
    pub cookie_domains: Vec<Replacement>,
    /// `proxy_cookie_path`.
    pub cookie_paths: Vec<Replacement>,
    /// `proxy_cookie_flags`, in order.
    pub cookie_flags: Vec<CookieFlags>,
    /// `proxy_next_upstream` and its limits.
    pub next: NextUpstream,
    /// Time-outs, and room for a head.
    pub timeouts: Timeouts,
    /// `proxy_limit_rate`, where there is one.
    pub limit_rate: Option<Template>,
    /// Room for a buffered answer.
    pub spool: Limits,
    /// Idle connections, where they are kept.
    pub keepalive: Option<Arc<Keepalive>>,
    /// `proxy_cache` and its kin.
    pub caching: Option<Box<Caching>>,
    /// `proxy_store`.
    pub copy: Option<FileCopy>,
}

/// `proxy_ssl_…`.
#[derive(Debug)]
pub struct ProxyTls {
    /// The rules.
    pub handshake: Arc<dyn Handshake>,
    /// `proxy_ssl_name`; without it the host of the URL.
    pub name: Option<Template>,
}

/// Where requests go.
#[derive(Debug)]
pub enum ProxyTarget {
    /// A fixed URL.
    Fixed(ProxyUrl, Arc<ProxyGroup>),
    /// Variables make the URL.
    Dynamic(Template),
}

/// The parts of a `proxy_pass`.
#[derive(Debug, Clone, Default)]
pub struct ProxyUrl {
    /// The scheme is `https`.
    pub secure: bool,
    /// `$proxy_host`: what `Host` says by default.
    pub host: Box<[u8]>,
    /// `$proxy_port`.
    pub port: Box<[u8]>,
    /// What replaces the location's prefix; empty where the URI goes on as it came.
    pub uri: Box<[u8]>,
    /// Length of the location's prefix.
    pub prefix: usize,
}

impl ProxyUrl {
    /// What the URL begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.secure { "https://" } else { "http://" }
    }
}

/// An `upstream`, or the addresses of a host.
#[derive(Debug)]
pub struct ProxyGroup {
    /// The servers.
    pub group: Group<Address>,
    /// `hash KEY`.
    pub key: Option<Template>,
    /// `keepalive` of the group, for URLs with variables.
    pub keepalive: Option<Arc<Keepalive>>,
}

/// The groups that URLs with variables may name.
pub type ProxyGroups = HashMap<Box<[u8]>, Arc<ProxyGroup>>;

/// One text for another: `proxy_redirect`, `proxy_cookie_path`, `proxy_cookie_domain`.
pub struct Replacement {
    /// What is looked for.
    pub pattern: ReplacementPattern,
    /// What stands there afterwards.
    pub with: Template,
}

/// `proxy_cookie_flags`.
pub struct CookieFlags {
    /// Names of cookies.
    pub cookie: ReplacementPattern,
    /// `secure`, `nosecure`, `httponly` …
    pub flags: Vec<Template>,
}

/// What is looked for.
#[allow(clippy::large_enum_variant, reason = "there are few, made at load")]
pub enum ReplacementPattern {
    /// This text at the beginning; all of it for domains.
    Text(Template),
    /// A regular expression; what it matches is replaced.
    Regex(Regex),
}

impl fmt::Debug for CookieFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieFlags")
    }
}

impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replacement")
    }
}
