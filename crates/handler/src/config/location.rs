//! What holds within one location, outside of any, or within an `if`; inheritance resolved.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portunus_routing::rewrite::Program;
use portunus_server::Limits;
use portunus_spool::Naming;
use portunus_static_files::listing::ListingFormat;
use portunus_static_files::{ConditionalOptions, MediaTypes, OpenOptions};
use portunus_telemetry::ErrorLog;

use super::Browsers;
use super::{
    AccessLog, AccessRule, Addition, Charset, Encoding, FastCgi, Guard, HeaderRules, LimitExcept,
    Mirror, Proxy, Rate, RealIp, Referers, ScriptNames, SecureLink, Ssi, SubFilter, Template,
    UserId,
};
use crate::variable::Variable;

/// One level of the configuration.
#[derive(Debug)]
pub struct Location {
    /// As the configuration spells it, for messages.
    pub name: Box<[u8]>,
    /// Switches and sizes.
    pub level: Level,
    /// Rewrite directives of this level.
    pub rewrite: Option<Program<Variable>>,
    /// `try_files`.
    pub try_files: Option<TryFiles>,
    /// What answers here.
    pub content: Content,
    /// `root` or `alias`.
    pub root: Root,
    /// How files are opened: `disable_symlinks`, `open_file_cache`.
    pub open: OpenOptions,
    /// `disable_symlinks … from=`.
    pub symlinks_from: Option<Template>,
    /// `index`.
    pub index: Arc<[IndexFile]>,
    /// `fastcgi_split_path_info` and `fastcgi_index`; `None` where neither is set.
    pub scripts: Option<Arc<ScriptNames>>,
    /// `autoindex` and its kin.
    pub autoindex: Option<AutoIndex>,
    /// `random_index`.
    pub random_index: bool,
    /// `error_page`.
    pub error_pages: Arc<[ErrorPage]>,
    /// `allow` and `deny`, in order.
    pub access: Arc<[AccessRule]>,
    /// Limits, passwords and subrequests before the content; `None` where there are none.
    pub guard: Option<Box<Guard>>,
    /// `limit_except`.
    pub limit_except: Option<LimitExcept>,
    /// `valid_referers`.
    pub referers: Option<Arc<Referers>>,
    /// `modern_browser` and its kin; `None` where none is set.
    pub browsers: Option<Arc<Browsers>>,
    /// `secure_link` and its kin.
    pub secure_link: Option<Arc<SecureLink>>,
    /// `set_real_ip_from` and its kin.
    pub real_ip: Option<Arc<RealIp>>,
    /// `add_header`, `add_trailer`, `expires`.
    pub headers: Arc<HeaderRules>,
    /// `userid`.
    pub userid: Option<Box<UserId>>,
    /// `types`.
    pub types: Arc<MediaTypes>,
    /// `charset` with the types it goes to.
    pub charset: Option<Arc<Charset>>,
    /// `add_before_body`, `add_after_body`.
    pub addition: Option<Box<Addition>>,
    /// `mirror`.
    pub mirror: Option<Box<Mirror>>,
    /// `sub_filter`.
    pub sub_filter: Option<Arc<SubFilter>>,
    /// `ssi`.
    pub ssi: Option<Arc<Ssi>>,
    /// `limit_rate` with variables.
    pub rate: Option<Box<Rate>>,
    /// `gzip` and its kin; `None` where nothing of that is on.
    pub encoding: Option<Arc<Encoding>>,
    /// `if_modified_since`, `max_ranges`.
    pub conditional: ConditionalOptions,
    /// What governs the connection while this location answers.
    pub limits: Limits,
    /// `access_log`; empty is `off`.
    pub access_logs: Arc<[AccessLog]>,
    /// `error_log`.
    pub error_log: ErrorLog,
    /// What this level is known by if all answers with one file have the same head here: see [`Location::number`].
    pub uniform: Option<NonZeroU64>,
}

impl Location {
    /// A number that no other level has, of this configuration or of one before it, if nothing here makes the head of an
    /// answer with a whole file depend on the request.
    #[must_use]
    pub fn number(&self) -> Option<NonZeroU64> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        // Below an `alias` URIs of different types may lead to one file.
        let uniform = matches!(self.content, Content::Files)
            && self.root.alias.is_none()
            && self.headers.are_fixed()
            && self.userid.is_none()
            && self.charset.as_ref().is_none_or(|charset| charset.ready)
            && self.addition.is_none()
            && self.sub_filter.is_none()
            && self.ssi.is_none()
            && self.rate.is_none()
            && (self.encoding.as_ref()).is_none_or(|encoding| encoding.precompressed.is_empty());
        let number = uniform.then(|| LAST.fetch_add(1, Ordering::Relaxed) + 1);
        number.and_then(NonZeroU64::new)
    }
}

/// Switches and sizes of a level.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
pub struct Level {
    /// `internal`.
    pub internal: bool,
    /// `recursive_error_pages`.
    pub recursive_error_pages: bool,
    /// `satisfy any`.
    pub satisfy_any: bool,
    /// `client_max_body_size`; 0 is no limit.
    pub client_max_body_size: u64,
    /// `client_body_buffer_size`.
    pub client_body_buffer_size: usize,
    /// `client_body_temp_path`.
    pub body_directory: Arc<PathBuf>,
    /// `client_body_in_file_only`.
    pub body_naming: Option<Naming>,
    /// `chunked_transfer_encoding`.
    pub chunked: bool,
    /// `etag`.
    pub etag: bool,
    /// `server_tokens`.
    pub server_tokens: bool,
    /// `log_not_found`.
    pub log_not_found: bool,
    /// `log_subrequest`.
    pub log_subrequest: bool,
    /// `subrequest_output_buffer_size`.
    pub subrequest_output_buffer_size: usize,
    /// `rewrite_log`.
    pub rewrite_log: bool,
    /// `absolute_redirect`.
    pub absolute_redirect: bool,
    /// `server_name_in_redirect`.
    pub server_name_in_redirect: bool,
    /// `port_in_redirect`.
    pub port_in_redirect: bool,
    /// `msie_refresh`.
    pub msie_refresh: bool,
    /// `msie_padding`.
    pub msie_padding: bool,
    /// `keepalive_disable`.
    pub keepalive_disable: KeepaliveDisable,
}

/// Browsers whose connections are not kept (`keepalive_disable`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeepaliveDisable {
    /// Old Internet Explorers after a POST.
    pub msie6: bool,
    /// Safari on macOS.
    pub safari: bool,
}

/// What produces the answer of a location.
#[derive(Debug)]
pub enum Content {
    /// Files below the root: index, directory listing, static file.
    Files,
    /// `fastcgi_pass`.
    FastCgi(Box<FastCgi>),
    /// `proxy_pass`.
    Proxy(Box<Proxy>),
    /// `stub_status`.
    StubStatus,
    /// `health`.
    Health,
    /// `empty_gif`.
    EmptyGif,
}

/// `root` or `alias`.
#[derive(Debug, Clone)]
pub struct Root {
    /// The directory; literal in nearly all configurations.
    pub path: Arc<Template>,
    /// For a directory that begins with a variable: what it is below if it turns out to be relative.
    pub below: Option<Arc<[u8]>>,
    /// For `alias`: how much of the URI it replaces.
    pub alias: Option<Alias>,
}

/// How `alias` replaces the URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alias {
    /// The location's prefix of that length.
    Prefix(usize),
    /// Everything: a location of a regular expression.
    Whole,
}

/// `try_files`.
#[derive(Debug)]
pub struct TryFiles {
    /// Names to look for, in order.
    pub candidates: Vec<Candidate>,
    /// What happens when none exists.
    pub fallback: Fallback,
}

/// One argument of `try_files` before the last.
#[derive(Debug)]
pub struct Candidate {
    /// The name as a URI, without the slash that asks for a directory.
    pub name: Template,
    /// Whether it must be a directory.
    pub directory: bool,
    /// It is the name before once more, as in `$uri $uri/`.
    pub repeats: bool,
}

/// The last argument of `try_files`.
#[derive(Debug)]
pub enum Fallback {
    /// `=404`.
    Status(u16),
    /// A URI with arguments, or `@name`.
    Target(Template),
}

/// One argument of `index`.
#[derive(Debug)]
pub struct IndexFile {
    /// The name, or, with a leading slash, a URI.
    pub name: Template,
}

/// `autoindex on` with its options.
#[derive(Debug, Clone, Copy)]
pub struct AutoIndex {
    /// `autoindex_format`.
    pub format: ListingFormat,
    /// `autoindex_exact_size`.
    pub exact_size: bool,
    /// `autoindex_localtime`.
    pub local_time: bool,
}

/// One code of an `error_page` directive.
#[derive(Debug)]
pub struct ErrorPage {
    /// The status that it is for.
    pub status: u16,
    /// `/uri?args`, `@name`, or else a URL for the client.
    pub target: Template,
    /// `=`: which status the answer gets.
    pub answer: AnswerStatus,
}

/// The status of an answer that `error_page` made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerStatus {
    /// The original one.
    Original,
    /// `=` alone: whatever the page answers.
    OfPage,
    /// `=CODE`.
    Fixed(u16),
}
