//! What the handler needs to know to answer requests: one immutable snapshot, compiled at load.
//!
//! `app` translates the configuration language into these types; nothing here knows that the
//! language exists. A reload builds a new [`Site`]; requests in flight keep the one they began with.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use portunus_routing::{LocationId, Locations, ServerNames};
use portunus_server::{ServerHandle, Settings};
use portunus_static_files::OpenFileCache;

mod access;
mod browser;
mod cache;
mod encoding;
mod fastcgi;
mod filters;
mod geo;
mod guard;
mod headers;
mod link;
mod location;
mod log;
mod map;
mod pools;
mod proxy;
mod upstream;
mod userid;

pub use access::{AccessRule, Network, RealIp, RealIpSource, Who};
pub use browser::{BrowserAge, BrowserFamily, Browsers, ModernBrowser};
pub use cache::{CacheLock, CacheZone, CacheZones, Caching, FileCopy, UseStale};
pub use encoding::{EncoderSet, Encoding};
pub(crate) use fastcgi::ParamStep;
pub use fastcgi::{
    FastCgi, FastCgiGroup, FastCgiParam, FastCgiParams, FastCgiPass, HeadRoom, ScriptNames,
};
pub use filters::{Addition, Charset, Charsets, Mirror, Rate, Ssi, SubFilter, VariableNames};
pub use geo::{Geo, GeoNetworks, GeoRanges, GeoTable, Split};
pub use guard::{
    AuthRequest, BasicAuth, ConnectionLimit, ConnectionLimits, Guard, Key, LimitExcept, RateLimit,
    RateLimits,
};
pub use headers::{AddedHeader, Expires, ExpiresAt, HeaderRules};
pub use link::{Referers, SecureLink};
pub use location::{
    Alias, AnswerStatus, AutoIndex, Candidate, Content, ErrorPage, Fallback, IndexFile,
    KeepaliveDisable, Level, Location, Root, TryFiles,
};
pub use log::{AccessLog, LogEscape, LogFormat, LogTarget};
pub use map::{HostMask, Map, MapPattern};
pub use pools::{DynamicPools, Missing, of_one_family};
pub use proxy::{
    CookieFlags, Proxy, ProxyGroup, ProxyGroups, ProxyTarget, ProxyTls, ProxyUrl, Replacement,
    ReplacementPattern,
};
pub use upstream::{IgnoredFields, NextUpstream};
pub use userid::{CookieExpires, IdForm, UserId};

use crate::access::UserFiles;
use crate::explain::Place;
use crate::host::LastHost;
use crate::variable::Variable;

/// A nginx complex value over our variables.
pub type Template = portunus_template::Template<Variable>;

/// A snapshot as one thread hands it around: counting references of the inner `Arc` would make
/// threads fight for a cache line at every request.
pub(crate) type SiteRef = Rc<LocalSite>;

/// A snapshot, with what one thread remembers of its requests: a reload forgets it.
#[derive(Debug)]
pub(crate) struct LocalSite {
    pub(crate) site: Arc<Site>,
    pub(crate) last_host: LastHost,
}

impl From<Arc<Site>> for LocalSite {
    fn from(site: Arc<Site>) -> Self {
        Self {
            site,
            last_host: LastHost::default(),
        }
    }
}

impl Deref for LocalSite {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// Everything that a request may need, shared by all worker threads.
#[derive(Debug)]
pub struct Site {
    /// `server` blocks, in file order.
    pub servers: Vec<Server>,
    /// What each listening address knows, by the tag of its listener; none for those that an
    /// earlier configuration had.
    pub addresses: Vec<Option<Address>>,
    /// Level configurations: of servers, locations and `if` blocks; [`LocationId`] counts here.
    pub locations: Vec<Location>,
    /// `map` blocks.
    pub maps: Vec<Map>,
    /// Names that pages with SSI may use; none where there are none.
    pub variable_names: VariableNames,
    /// Charsets and the ways between them.
    pub charsets: Charsets,
    /// `geo` blocks.
    pub geos: Vec<Geo>,
    /// `split_clients` blocks.
    pub splits: Vec<Split>,
    /// Number of slots that `set` and named captures use.
    pub slots: usize,
    /// Where levels stand, by their number; only to explain what would be done, which is all that is done then.
    pub places: Vec<Place>,
    /// Password files.
    pub user_files: UserFiles,
    /// Files, remembered across reloads.
    pub files: OpenFileCache,
    /// The running server, for its counters; set when it has started.
    pub server: Arc<OnceLock<ServerHandle>>,
    /// `upstream` blocks, by name in lower case, for `proxy_pass` with variables.
    pub proxy_groups: ProxyGroups,
    /// `$hostname`.
    pub hostname: Box<[u8]>,
    /// How the server calls itself.
    pub product: Product,
    /// Whether some value reads fields of answers, so that they must be kept.
    pub keeps_sent_fields: bool,
    /// Whether some server takes fields with underscores (`underscores_in_headers`, `ignore_invalid_headers off`).
    pub underscores_in_headers: bool,
}

/// Value of the `Server` field and signature of short pages.
#[derive(Debug)]
pub struct Product {
    /// With the version, for `server_tokens on`.
    pub with_version: HeaderValue,
    /// Without, for `server_tokens off`.
    pub bare: HeaderValue,
}

impl Product {
    /// Our own name.
    #[must_use]
    pub fn ours() -> Self {
        Self {
            with_version: HeaderValue::from_static(concat!("portunus/", env!("CARGO_PKG_VERSION"))),
            bare: HeaderValue::from_static("portunus"),
        }
    }

    /// That of nginx, and the version whose behaviour we follow.
    #[must_use]
    pub fn nginx() -> Self {
        let version = format!("nginx/{}", crate::NGINX_VERSION);
        Self {
            with_version: HeaderValue::try_from(version)
                .unwrap_or(HeaderValue::from_static("nginx")),
            bare: HeaderValue::from_static("nginx"),
        }
    }

    /// The name that `server_tokens` asks for.
    #[must_use]
    pub fn name(&self, with_version: bool) -> &HeaderValue {
        if with_version {
            &self.with_version
        } else {
            &self.bare
        }
    }
}

/// The virtual servers behind one listening address.
#[derive(Debug)]
pub struct Address {
    /// Chooses a server, by its number in [`Site::servers`], for the requested name.
    pub names: Arc<ServerNames>,
    /// Number of the default server.
    pub default: usize,
    /// What holds for connections before a request is known.
    pub settings: Arc<Settings>,
    /// Some of its servers read heads by other rules than the default one.
    pub varied: bool,
    /// `listen … http2`.
    pub http2: bool,
}

/// One `server` block.
#[derive(Debug)]
pub struct Server {
    /// `$server_name`: the first name of the block.
    pub name: Box<[u8]>,
    /// Its locations.
    pub matcher: Locations,
    /// What holds outside of any location.
    pub base: LocationId,
    /// `merge_slashes`.
    pub merge_slashes: bool,
    /// `ssl_verify_client`.
    pub verify_client: VerifyClient,
    /// How its heads are read.
    pub settings: Arc<Settings>,
    /// `http2`.
    pub http2: bool,
}

/// What certificate a client must show; the handshake goes through without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyClient {
    /// None.
    #[default]
    Off,
    /// One that is trusted.
    Required,
    /// One that is trusted, or none.
    Optional,
    /// One whose authority need not be known, or none.
    OptionalNoAuthority,
}

impl Site {
    /// The level configuration with that number.
    #[must_use]
    pub fn location(&self, id: LocationId) -> &Location {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        self.locations
            .get(at)
            .expect("ids are handed out by the builder of this very site")
    }

    /// The address with that tag.
    pub(crate) fn address(&self, tag: usize) -> Option<&Address> {
        self.addresses.get(tag).and_then(Option::as_ref)
    }

    /// The settings of the default server of a listener.
    pub(crate) fn settings(&self, tag: usize) -> Arc<Settings> {
        self.address(tag)
            .map(|address| Arc::clone(&address.settings))
            .unwrap_or_default()
    }
}
