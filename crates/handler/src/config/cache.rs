//! `proxy_cache`, `fastcgi_cache` and their kin.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use portunus_cache::{Ignored, Validity, Zone};

use super::Template;

/// What holds for answers that are stored.
///
/// Source: nginx, ngx_http_upstream.c, `ngx_http_upstream_conf_t`.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own"
)]
pub struct Caching {
    /// `proxy_cache`, `fastcgi_cache`.
    pub zone: CacheZone,
    /// `…_cache_key`; without it, the URL that the request is passed on to.
    pub key: Option<Template>,
    /// The key tells HEAD from GET.
    pub key_has_method: bool,
    /// `…_cache_valid`.
    pub valid: Validity,
    /// `…_cache_bypass`.
    pub bypass: Vec<Template>,
    /// `…_no_cache`.
    pub no_cache: Vec<Template>,
    /// `…_cache_min_uses`.
    pub min_uses: u32,
    /// `…_cache_max_range_offset`.
    pub max_range_offset: Option<u64>,
    /// `…_cache_use_stale`.
    pub use_stale: UseStale,
    /// `…_cache_methods` has POST; GET and HEAD are always in it.
    pub post: bool,
    /// `…_cache_lock`.
    pub lock: Option<CacheLock>,
    /// `…_cache_revalidate`.
    pub revalidate: bool,
    /// `…_cache_background_update`.
    pub background_update: bool,
    /// `proxy_cache_convert_head`.
    pub convert_head: bool,
    /// `…_ignore_headers`, as far as it is about storing.
    pub ignored: Ignored,
}

/// `fastcgi_store`, `proxy_store` and their rights.
#[derive(Debug)]
pub struct FileCopy {
    /// The file; `None` for the one that the URI names.
    pub path: Option<Template>,
    /// `…_store_access`.
    pub access: u32,
}

/// Where answers are stored.
#[derive(Debug)]
pub enum CacheZone {
    /// In this zone.
    Fixed(Arc<Zone>),
    /// Variables name the zone; nothing and `off` for none.
    Named(Template, Arc<CacheZones>),
}

/// The zones of a module by name.
pub type CacheZones = HashMap<Box<[u8]>, Arc<Zone>>;

/// When an answer that is out of date may be sent.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "a set of independent words")]
pub struct UseStale {
    /// `error`.
    pub error: bool,
    /// `timeout`.
    pub timeout: bool,
    /// `invalid_header`.
    pub invalid_header: bool,
    /// `updating`.
    pub updating: bool,
    /// `http_500` …
    pub statuses: Vec<u16>,
}

/// `…_cache_lock_timeout` and `…_cache_lock_age`.
#[derive(Clone, Copy, Debug)]
pub struct CacheLock {
    /// How long a request waits for another one.
    pub timeout: Duration,
    /// After how long another one may try.
    pub age: Duration,
}

impl Caching {
    /// Whether answers to such requests are stored.
    pub(crate) fn covers(&self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD => true,
            Method::POST => self.post,
            _ => false,
        }
    }
}
