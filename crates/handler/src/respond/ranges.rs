//! Ranges: 206 and 416 in the place of 200.
//!
//! Source: nginx, ngx_http_range_filter_module; RFC 9110 §14.

use bytes::Bytes;
use http::{HeaderValue, header};
use portunus_static_files::conditional::decide_range;
use portunus_static_files::{ByteRange, Multipart, MultipartBody, Outcome, StaticBody};

use super::Reply;
use super::conditional::facts;
use crate::body::Body;
use crate::config::Location;
use crate::context::Context;
use crate::window::Window;

/// Cuts the body to what the request asks for. The whole length where it has nothing of that.
pub(super) fn apply(cx: &Context, location: &Location, reply: &mut Reply) -> Option<u64> {
    let facts = facts(&reply.validators, reply.length);
    let mut rules = location.conditional;
    if reply.single_range {
        rules.max_ranges = Some(rules.max_ranges.map_or(1, |most| most.min(1)));
    }
    let outcome = decide_range(&facts, cx.exchange.fields_with(&[header::RANGE]), &rules);
    let length = reply.length.unwrap_or_default();
    match outcome {
        Outcome::Full {
            accept_ranges: true,
        } if reply.fields.is_empty() => reply.accept_ranges = true,
        Outcome::Full {
            accept_ranges: true,
        } => {
            let bytes = HeaderValue::from_static("bytes");
            if reply.ranges_said {
                reply.fields.append(header::ACCEPT_RANGES, bytes);
            } else {
                reply.fields.insert(header::ACCEPT_RANGES, bytes);
            }
        }
        Outcome::RangeNotSatisfiable => return Some(length),
        Outcome::Single(range) => single(reply, range, length),
        Outcome::Multi(ranges) => multi(reply, &ranges, length),
        _ => {}
    }
    None
}

fn single(reply: &mut Reply, range: ByteRange, length: u64) {
    reply.status = 206;
    reply
        .fields
        .insert(header::CONTENT_RANGE, range.content_range(length));
    reply.length = Some(range.len());
    reply.content_length = None;
    reply.body = match std::mem::take(&mut reply.body) {
        Body::Entry(entry) => Body::File(Box::new(StaticBody::range(&entry, range))),
        Body::Bytes(bytes) => Body::bytes(slice(&bytes, range)),
        Body::Stored(part) => Body::File(Box::new(part.range(range))),
        Body::Empty => Body::Empty,
        other => Body::Window(Box::new(Window::new(other, range.start, range.len()))),
    };
}

fn multi(reply: &mut Reply, ranges: &[ByteRange], length: u64) {
    let content_type = reply.content_type.take();
    let media = content_type.as_ref().map(HeaderValue::as_bytes);
    let multipart = Multipart::new(ranges, length, media);
    reply.status = 206;
    // What an upstream says of its own ranges.
    reply.fields.remove(&header::CONTENT_RANGE);
    reply.content_type = Some(multipart.content_type());
    reply.length = Some(multipart.length());
    reply.content_length = None;
    reply.body = match std::mem::take(&mut reply.body) {
        Body::Entry(entry) => Body::File(Box::new(StaticBody::multipart(&entry, multipart))),
        Body::Bytes(bytes) => {
            let parts = MultipartBody::of_bytes(bytes, multipart);
            Body::File(Box::new(StaticBody::Multipart(Box::new(parts))))
        }
        Body::Stored(part) => Body::File(Box::new(part.multipart(multipart))),
        other => other,
    };
}

fn slice(bytes: &Bytes, range: ByteRange) -> Bytes {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    bytes.slice(start..end.max(start))
}
