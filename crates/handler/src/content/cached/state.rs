//! What a request's variables tell of the store.

use bytes::Bytes;
use portunus_static_files::http_time;

use crate::context::Context;
use crate::variable::{Variable, put};

/// `$upstream_cache_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheStatus {
    Miss,
    Bypass,
    Expired,
    Stale,
    Updating,
    Revalidated,
    Hit,
}

impl CacheStatus {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Miss => b"MISS",
            Self::Bypass => b"BYPASS",
            Self::Expired => b"EXPIRED",
            Self::Stale => b"STALE",
            Self::Updating => b"UPDATING",
            Self::Revalidated => b"REVALIDATED",
            Self::Hit => b"HIT",
        }
    }
}

/// The state of a request that the store has to do with.
#[derive(Debug)]
pub(crate) struct CacheState {
    pub(super) status: CacheStatus,
    /// The answer may be stored, as far as is known: it must not depend on the client's conditions.
    pub(crate) storable: bool,
    /// HEAD is passed on as GET.
    pub(crate) converted: bool,
    pub(super) key: Bytes,
    /// What revalidates the entry that is out of date.
    pub(super) last_modified: Option<i64>,
    pub(super) etag: Bytes,
}

impl CacheState {
    pub(super) fn new(key: Bytes, converted: bool) -> Self {
        Self {
            status: CacheStatus::Miss,
            storable: true,
            converted,
            key,
            last_modified: None,
            etag: Bytes::new(),
        }
    }

    /// `If-Modified-Since` of the request that is passed on.
    pub(crate) fn modified_since(&self) -> Option<String> {
        let asks = self.status == CacheStatus::Expired;
        self.last_modified.filter(|_| asks).map(http_time::format)
    }

    /// `If-None-Match` of the request that is passed on.
    pub(crate) fn none_match(&self) -> Option<&[u8]> {
        let asks = self.status == CacheStatus::Expired && !self.etag.is_empty();
        asks.then_some(&self.etag[..])
    }
}

impl Context {
    /// Whether what is asked for now may be stored.
    pub(crate) fn asks_for_storing(&self) -> bool {
        self.upstream
            .cache
            .as_ref()
            .is_some_and(|state| state.storable)
    }

    pub(super) fn note_cache(&mut self, status: CacheStatus) {
        if let Some(state) = &mut self.upstream.cache {
            state.status = status;
        }
    }

    /// `$upstream_cache_…`.
    pub(crate) fn append_cache_value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let Some(state) = &self.upstream.cache else {
            return false;
        };
        match variable {
            Variable::UpstreamCacheStatus => put(out, state.status.name()),
            Variable::UpstreamCacheKey => put(out, &state.key),
            Variable::UpstreamCacheLastModified => state
                .modified_since()
                .is_some_and(|date| put(out, date.as_bytes())),
            Variable::UpstreamCacheEtag => state.none_match().is_some_and(|etag| put(out, etag)),
            _ => false,
        }
    }
}
