//! An answer before the header filters have seen it.

use std::num::NonZeroU64;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, header};
use portunus_server::FieldList;
use portunus_static_files::Entry;
use portunus_static_files::encoding::weak_etag;

use crate::body::Body;
use crate::filtered::{Filtered, Stage, Stages};

/// Validators of an answer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Validators {
    pub(crate) etag: Option<HeaderValue>,
    /// Seconds since the epoch.
    pub(crate) modified: Option<i64>,
    /// The same moment, ready to be sent.
    pub(crate) last_modified: Option<HeaderValue>,
    /// Somebody has said so in a field; what is known of a file goes with some statuses only.
    pub(crate) said: bool,
}

impl Validators {
    /// What is left of them when a filter writes the body anew: with `keep`, the date and a weak tag.
    ///
    /// Source: nginx, `ngx_http_clear_last_modified`, `ngx_http_weak_etag`.
    pub(crate) fn of_another_body(&mut self, keep: bool) {
        if keep {
            self.etag = self.etag.as_ref().and_then(weak_etag);
        } else {
            *self = Self::default();
        }
    }
}

/// What the content phase or an error produced.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<HeaderValue>,
    /// Only the filters see the type: a 204 of ours has none on the wire.
    pub(crate) untold_type: bool,
    /// Length of the body where it is known.
    pub(crate) length: Option<u64>,
    /// Whether an upstream told that length: a 304 keeps it then, with no body.
    pub(crate) told_length: bool,
    /// The length ready to be sent.
    pub(crate) content_length: Option<HeaderValue>,
    pub(crate) validators: Validators,
    /// `Location`, not yet made absolute.
    pub(crate) location: Option<Vec<u8>>,
    /// Fields of the upstream, and others that nobody below needs to understand.
    pub(crate) fields: FieldList,
    pub(crate) body: Body,
    /// Whether the range filter may cut this body.
    pub(crate) ranges: bool,
    /// Whether it can only be cut once, since it is on its way.
    pub(crate) single_range: bool,
    /// Whether preconditions of the request are ours to check; those on answers of PHP are not.
    pub(crate) conditional: bool,
    /// Whether the charset still has to go into `Content-Type`.
    pub(crate) charset: bool,
    /// `Accept-Ranges` is due, and no other field stands before it.
    pub(crate) accept_ranges: bool,
    /// `add_header` says something of ranges, which stands whatever becomes of the body.
    pub(crate) ranges_said: bool,
    /// Whether the body depends on `Accept-Encoding` (`gzip_vary`).
    pub(crate) vary: bool,
    /// Where the head is the same for each answer with this file, so that it can be kept.
    pub(crate) keep: Option<NonZeroU64>,
    /// What is done to the body on its way out.
    pub(crate) stages: Stages,
}

impl Reply {
    /// An answer without body or fields.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            untold_type: false,
            length: Some(0),
            told_length: false,
            content_length: None,
            validators: Validators::default(),
            location: None,
            fields: FieldList::new(),
            body: Body::Empty,
            ranges: false,
            single_range: false,
            conditional: true,
            charset: true,
            accept_ranges: false,
            ranges_said: false,
            vary: false,
            keep: None,
            stages: Stages::new(),
        }
    }

    /// There are no ranges of what the body becomes.
    ///
    /// Source: nginx, `ngx_http_clear_accept_ranges`.
    pub(crate) fn clear_ranges(&mut self) {
        self.ranges = false;
        if !self.ranges_said {
            self.fields.remove(&header::ACCEPT_RANGES);
        }
    }

    /// Adds a change of the body behind those that are there.
    pub(crate) fn push_stage(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// The file that the body is, as long as nothing is to be done to it.
    pub(crate) fn untouched_entry(&self) -> Option<&Rc<Entry>> {
        match &self.body {
            Body::Entry(entry) if self.stages.is_empty() => Some(entry),
            _ => None,
        }
    }

    /// The body with all that is to be done to it.
    pub(crate) fn take_body(&mut self) -> Body {
        let body = std::mem::take(&mut self.body);
        if self.stages.is_empty() {
            return body;
        }
        let stages = std::mem::take(&mut self.stages);
        Body::Filtered(Box::new(Filtered::new(body, stages)))
    }

    /// An answer whose body is in memory.
    pub(crate) fn bytes(status: u16, content_type: HeaderValue, body: Bytes) -> Self {
        let length = Some(body.len() as u64);
        let body = Body::bytes(body);
        Self {
            content_type: Some(content_type),
            length,
            body,
            ..Self::status(status)
        }
    }
}
