//! When the upstream has answered, or has not: what is stored, and what is sent in its stead.
//!
//! Source: nginx, `ngx_http_upstream_test_next`, `ngx_http_upstream_next`,
//! `ngx_http_upstream_intercept_errors`, `ngx_http_upstream_send_response`.

use bytes::Bytes;
use http::HeaderMap;
use portunus_cache::{Ask, Entry, Freshness, Head, Meta, Ticket, Verdict};
use portunus_spool::Limits;
use portunus_static_files::http_time;

use super::state::CacheStatus;
use super::{Storing, any_set, moment, tee};
use crate::body::Body;
use crate::context::Context;

/// Longest `ETag` that is stored (nginx: `NGX_HTTP_CACHE_ETAG_LEN`).
const LONGEST_ETAG: usize = 128;

/// Why an upstream did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It could not be reached, or broke off.
    Error,
    /// It took too long.
    Timeout,
    /// It said something that is no answer.
    InvalidHead,
    /// It has too much to do, as far as we know.
    Overloaded,
    /// The fault is ours, or the client's.
    Other,
}

/// An answer whose body is to be stored on its way.
pub(crate) struct Arrived<'a> {
    pub(crate) status: u16,
    /// The reason phrase; empty where none was given.
    pub(crate) reason: &'a [u8],
    /// Names and values as they came.
    pub(crate) fields: &'a [(Bytes, Bytes)],
    pub(crate) body: Body,
    /// How long the body says it is.
    pub(crate) length: Option<u64>,
    /// Room for what the client has not taken yet.
    pub(crate) spool: Limits,
}

impl Storing<'_> {
    /// Reads what the head of the answer says of storing it.
    pub(crate) fn see<'f>(&mut self, fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>) {
        self.verdict = Some(Freshness::of(moment().wall, self.rules.ignored, fields));
    }

    /// Whether the answer may be stored, as far as its head and the request go. Its ranges and
    /// conditions are ours then.
    pub(crate) fn is_storable(&self, cx: &Context) -> bool {
        let verdict = self.verdict.as_ref();
        cx.asks_for_storing() && verdict.is_some_and(|verdict| verdict.storable)
    }

    /// Whether such an answer is stored at all.
    ///
    /// Differs: of PHP, nginx stores the answer to HEAD, which has no body, under the key of GET too,
    /// unless the key holds the method.
    pub(crate) fn takes(&self, head: bool) -> bool {
        !head || self.rules.key_has_method
    }

    /// The entry that is sent in the place of an answer with this status: it says that the entry is
    /// good still, or it is worse than an entry that is out of date.
    pub(crate) fn instead(&mut self, cx: &mut Context, status: u16) -> Option<Entry> {
        let stale = self.stale.as_ref()?;
        if self.rules.use_stale.statuses.contains(&status) {
            cx.note_cache(CacheStatus::Stale);
            return Some(stale.entry.clone());
        }
        if status != 304 || !self.rules.revalidate {
            return None;
        }
        let entry = stale.entry.clone();
        cx.note_cache(CacheStatus::Revalidated);
        if let (Some(ticket), Some(times)) = (self.ticket.take(), self.new_times(&entry)) {
            ticket.renew(&entry, &times);
        }
        Some(entry)
    }

    /// How long a confirmed entry is good: as the confirmation says, or the entry itself, or the
    /// operator.
    fn new_times(&self, entry: &Entry) -> Option<Meta> {
        let now = moment().wall;
        let said = self.verdict.as_ref()?;
        let before = Freshness::of(now, self.rules.ignored, entry.head().iter());
        let (valid, from) = match (said.valid, before.valid) {
            (Some(valid), _) => (valid, said),
            (None, Some(valid)) => (valid, &before),
            (None, None) => (now + self.seconds(entry.head().status)?, &before),
        };
        Some(Meta {
            valid,
            updating: from.updating,
            error: from.error,
            date: now,
            vary: said.vary.clone(),
            ..Meta::default()
        })
    }

    /// The operator's rule for a status.
    fn seconds(&self, status: u16) -> Option<i64> {
        let seconds = self.rules.valid.of(status)?;
        Some(i64::try_from(seconds).unwrap_or(i64::MAX / 2))
    }

    /// The entry that is sent because no answer is to be had. Else the failure may be remembered.
    pub(crate) fn failed(
        self: Box<Self>,
        cx: &mut Context,
        failure: Failure,
        status: u16,
    ) -> Option<Entry> {
        let use_stale = &self.rules.use_stale;
        let covered = match failure {
            Failure::Error => use_stale.error,
            Failure::Timeout => use_stale.timeout,
            Failure::InvalidHead => use_stale.invalid_header,
            Failure::Overloaded => {
                use_stale.error || use_stale.timeout || use_stale.statuses.contains(&503)
            }
            Failure::Other => false,
        };
        if let Some(stale) = &self.stale
            && failure != Failure::Other
            && (covered || stale.if_error)
        {
            cx.note_cache(CacheStatus::Stale);
            return Some(stale.entry.clone());
        }
        if let (502 | 504, true) = (status, cx.asks_for_storing())
            && let Some(seconds) = self.seconds(status)
            && let Some(ticket) = self.ticket
        {
            ticket.fail(status, moment().wall + seconds);
        }
        None
    }

    /// An answer whose status has a page of ours: the status is remembered.
    pub(crate) fn intercepted(self: Box<Self>, cx: &Context, status: u16) {
        if !self.is_storable(cx) {
            return;
        }
        let said = self.verdict.as_ref().and_then(|verdict| verdict.valid);
        let ruled = self.seconds(status).map(|seconds| moment().wall + seconds);
        if let (Some(valid), Some(ticket)) = (said.or(ruled), self.ticket) {
            ticket.fail(status, valid);
        }
    }

    /// Stores an answer on its way to the client, if it is to be stored.
    pub(crate) fn keep(mut self: Box<Self>, cx: &mut Context, arrived: Arrived<'_>) -> Body {
        let forbidden = any_set(cx, &self.rules.no_cache);
        let storable = !forbidden && self.is_storable(cx);
        let Some((ticket, meta)) = storable.then(|| self.right(cx, &arrived)).flatten() else {
            return arrived.body;
        };
        let head = Head {
            status: arrived.status,
            reason: Bytes::copy_from_slice(arrived.reason),
            fields: arrived.fields.to_vec(),
        };
        let request = cx.exchange.fields();
        match arrived.body {
            Body::Empty => {
                ticket.store(meta, head, request, Bytes::new());
                Body::Empty
            }
            Body::Bytes(bytes) => {
                ticket.store(meta, head, request, bytes.clone());
                Body::Bytes(bytes)
            }
            body => {
                let fill = ticket.begin(meta, head, request);
                tee::spawn(body, fill.into(), arrived.length, arrived.spool)
            }
        }
    }

    /// The ticket, and how long the answer is good.
    fn right(&mut self, cx: &Context, arrived: &Arrived<'_>) -> Option<(Ticket, Meta)> {
        let now = moment();
        let verdict = self.verdict.take()?;
        let ruled = || Some(now.wall + self.seconds(arrived.status)?);
        let valid = verdict.valid.or_else(ruled)?;
        let ticket = match self.ticket.take() {
            None if self.bypassed => self.zone.create(&Ask {
                key: self.key.clone(),
                min_uses: self.rules.min_uses,
                lock: None,
                patient: false,
                again: false,
                fields: cx.exchange.fields(),
                now,
            }),
            ticket => ticket,
        };
        Some((ticket?, meta(&verdict, arrived, valid, now.wall)))
    }
}

/// Only whole answers and their parts can be asked for again under conditions.
fn meta(verdict: &Verdict, arrived: &Arrived<'_>, valid: i64, now: i64) -> Meta {
    let checked = matches!(arrived.status, 200 | 206);
    let first = |wanted: &str| {
        let mut fields = arrived.fields.iter().filter(|_| checked);
        let found = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        found.map(|(_, value)| value.clone())
    };
    let etag = first("etag").filter(|etag| etag.len() <= LONGEST_ETAG);
    Meta {
        valid,
        updating: verdict.updating,
        error: verdict.error,
        date: now,
        last_modified: first("last-modified").and_then(|date| http_time::parse(&date)),
        etag: etag.unwrap_or_default(),
        vary: verdict.vary.clone(),
    }
}

/// A stored head as a map, names and values that no head may hold left out.
pub(crate) fn fields_of(head: &Head) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(head.fields.len());
    for (name, value) in &head.fields {
        let name = http::HeaderName::from_bytes(name);
        let value = http::HeaderValue::from_maybe_shared(value.clone());
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    map
}
