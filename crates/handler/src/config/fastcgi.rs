//! `fastcgi_pass` and its kin.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderName;
use portunus_fpm::{Options, Pool};
use portunus_routing::Regex;

use super::Template;

/// A location that PHP answers.
///
/// Source: nginx, ngx_http_fastcgi_module.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
pub struct FastCgi {
    /// `fastcgi_pass`.
    pub pass: FastCgiPass,
    /// `fastcgi_param`, in order; the last of a name wins in PHP.
    pub params: Vec<FastCgiParam>,
    /// Request fields that are not passed on, because a param `HTTP_…` stands for them.
    pub overridden: Vec<HeaderName>,
    /// `fastcgi_index`.
    pub index: Option<Box<[u8]>>,
    /// `fastcgi_split_path_info`.
    pub split_path_info: Option<Regex>,
    /// `fastcgi_pass_request_body`.
    pub pass_request_body: bool,
    /// `fastcgi_pass_request_headers`.
    pub pass_request_headers: bool,
    /// `fastcgi_request_buffering`.
    pub request_buffering: bool,
    /// `fastcgi_intercept_errors`.
    pub intercept_errors: bool,
    /// `fastcgi_force_ranges`.
    pub force_ranges: bool,
    /// Fields that stay here: nginx's own list, `fastcgi_hide_header`, less `fastcgi_pass_header`.
    pub hidden: Vec<HeaderName>,
    /// `fastcgi_pass_header`: let through although nginx's own list has them.
    pub passed: Vec<HeaderName>,
    /// `fastcgi_ignore_headers`.
    pub ignored: IgnoredFields,
    /// `fastcgi_next_upstream … non_idempotent`.
    pub retry_non_idempotent: bool,
    /// Number of the lane (`fastcgi_lane`); 0 is the general one.
    pub lane: usize,
    /// Time-outs and habits of the exchange.
    pub options: Arc<Options>,
}

/// Where requests go.
#[derive(Debug)]
pub enum FastCgiPass {
    /// An address, or the members of an `upstream` in turn.
    Pools(PoolSet),
    /// Variables name the address; pools are looked up as addresses turn up.
    Dynamic(Template),
}

/// The members of an `upstream`, taken in turn.
#[derive(Debug)]
pub struct PoolSet {
    pools: Vec<Pool>,
    next: AtomicUsize,
}

impl PoolSet {
    /// A set of at least one pool; `None` for an empty one.
    #[must_use]
    pub fn new(pools: Vec<Pool>) -> Option<Self> {
        (!pools.is_empty()).then(|| Self {
            pools,
            next: AtomicUsize::new(0),
        })
    }

    /// The pool whose turn it is.
    #[must_use]
    pub fn pick(&self) -> &Pool {
        match &self.pools[..] {
            [only] => only,
            many => &many[self.next.fetch_add(1, Ordering::Relaxed) % many.len()],
        }
    }
}

/// One `fastcgi_param`.
#[derive(Debug)]
pub struct FastCgiParam {
    /// The name that PHP sees in `$_SERVER`.
    pub name: Box<[u8]>,
    /// The value.
    pub value: Template,
    /// `if_not_empty`.
    pub if_not_empty: bool,
}

/// `fastcgi_ignore_headers`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a set of independent words")]
pub struct IgnoredFields {
    /// `X-Accel-Redirect`.
    pub accel_redirect: bool,
    /// `X-Accel-Expires`.
    pub accel_expires: bool,
    /// `X-Accel-Limit-Rate`.
    pub accel_limit_rate: bool,
    /// `X-Accel-Buffering`.
    pub accel_buffering: bool,
    /// `X-Accel-Charset`.
    pub accel_charset: bool,
    /// `Expires`.
    pub expires: bool,
    /// `Cache-Control`.
    pub cache_control: bool,
    /// `Set-Cookie`.
    pub set_cookie: bool,
    /// `Vary`.
    pub vary: bool,
}
