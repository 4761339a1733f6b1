//! Content codings of an answer: `gunzip` early, compression last of all body filters.
//!
//! Source: nginx, ngx_http_gunzip_filter_module, ngx_http_gzip_filter_module.
//! Differs: a cached file is sent in a form that was compressed once, at a better level, with its length; nginx
//! compresses it for every request and sends no length.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, header};
use portunus_static_files::encode::Encoder;
use portunus_static_files::encoding::{
    Answer, Coding, accepts, compressed, decide_encoding, eligible, weak_etag,
};
use portunus_telemetry::Clock;

use super::Reply;
use crate::body::Body;
use crate::config::{Encoding, Site};
use crate::context::Context;
use crate::filtered::{Stage, Tally};
use crate::variable::put_display;

/// How much an answer has been compressed by.
#[derive(Debug)]
pub(crate) enum Compressed {
    /// Before, from so much to so much.
    Ahead((u64, u64)),
    /// While it is sent.
    Passing(Rc<Tally>),
}

impl Context {
    /// `$gzip_ratio` and its kin: how often the compressed body goes into the plain one.
    ///
    /// Source: nginx, `ngx_http_gzip_ratio_variable`.
    pub(crate) fn append_ratio(&self, wanted: Coding, out: &mut Vec<u8>) -> bool {
        let sizes = match &self.answer.compressed {
            Some((coding, Compressed::Ahead(sizes))) if *coding == wanted => Some(*sizes),
            Some((coding, Compressed::Passing(tally))) if *coding == wanted => tally.sizes(),
            _ => None,
        };
        let Some((plain, packed)) = sizes.filter(|(_, packed)| *packed > 0) else {
            return false;
        };
        let thousandths = plain.saturating_mul(1000) / packed;
        let hundredths = thousandths / 10 + u64::from(thousandths % 10 > 4);
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        put_display(out, format_args!("{whole}.{rest:02}"))
    }
}

/// `gunzip`: what is stored compressed goes out plain where the client cannot take it.
pub(super) fn gunzip(cx: &Context, encoding: &Encoding, reply: &mut Reply) {
    let stored = reply.fields.get(&header::CONTENT_ENCODING);
    if !encoding.gunzip
        || !stored.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
    {
        return;
    }
    reply.vary |= encoding.rules.vary;
    let fields = fields_for_proxies(cx, reply);
    let answer = answer(reply, &fields);
    let request = cx.exchange.fields();
    // A part of another answer has to be plain.
    let wanted = cx.subrequest.is_none()
        && request
            .get(header::ACCEPT_ENCODING)
            .is_some_and(|field| accepts(field.as_bytes(), Coding::Gzip) > 0);
    if wanted && eligible(request, cx.head.version, Some(&answer), &encoding.rules) {
        return;
    }
    reply.fields.remove(&header::CONTENT_ENCODING);
    recoded(reply);
    reply.push_stage(Stage::gunzip());
}

/// `gzip`, `brotli`, `zstd`.
pub(super) fn compress(cx: &mut Context, site: &Site, encoding: &Encoding, reply: &mut Reply) {
    if encoding.rules.codings.is_empty() {
        return;
    }
    let fields = fields_for_proxies(cx, reply);
    let answer = answer(reply, &fields);
    let (request, version) = (cx.exchange.fields(), cx.head.version);
    let decision = decide_encoding(&answer, request, version, &encoding.rules);
    reply.vary |= decision.vary;
    let Some(coding) = decision.coding else {
        return;
    };
    if let Some(entry) = reply.untouched_entry()
        && let Some(variant) = compressed(&site.files, entry, coding)
    {
        let (body, length) = (variant.body().clone(), variant.content_length().clone());
        let sizes = (entry.size(), body.len() as u64);
        cx.answer.compressed = Some((coding, Compressed::Ahead(sizes)));
        recoded(reply);
        reply.length = Some(body.len() as u64);
        reply.content_length = Some(length);
        reply.body = Body::Bytes(body);
    } else {
        match Encoder::new(coding, encoding.options.of(coding), reply.length) {
            Ok(encoder) => {
                let (stage, tally) = Stage::encode(encoder);
                cx.answer.compressed = Some((coding, Compressed::Passing(tally)));
                reply.push_stage(stage);
            }
            Err(error) => {
                cx.log_error(format_args!("{}: {error}", coding.token()));
                return;
            }
        }
        recoded(reply);
    }
    let token = coding.content_encoding();
    reply.fields.insert(header::CONTENT_ENCODING, token);
}

/// The body is no longer the one that its validators and its length speak of.
fn recoded(reply: &mut Reply) {
    reply.length = None;
    reply.content_length = None;
    reply.clear_ranges();
    reply.validators.etag = reply.validators.etag.as_ref().and_then(weak_etag);
}

fn answer<'a>(reply: &'a Reply, fields: &'a HeaderMap) -> Answer<'a> {
    Answer {
        status: reply.status,
        headers: fields,
        content_type: reply.content_type.as_ref().map(HeaderValue::as_bytes),
        encoded: reply.fields.contains(&header::CONTENT_ENCODING),
        length: reply.length,
        header_only: false,
        now: i64::try_from(Clock::since_epoch().as_secs()).unwrap_or(0),
    }
}

/// `gzip_proxied` asks for fields that an answer keeps apart; they are put together where a proxy
/// asks. nginx judges once: where `gzip_static` has asked before, there were none.
fn fields_for_proxies(cx: &Context, reply: &Reply) -> HeaderMap {
    if cx.carried.judged || !cx.exchange.has_field(&header::VIA) {
        return HeaderMap::new();
    }
    let mut fields = reply.fields.to_map();
    let validators = &reply.validators;
    // nginx: a file's time is no field yet when `no_last_modified` looks for one.
    if let Some(value) = validators
        .last_modified
        .as_ref()
        .filter(|_| !reply.conditional)
    {
        fields.insert(header::LAST_MODIFIED, value.clone());
    }
    if let Some(value) = &validators.etag {
        fields.insert(header::ETAG, value.clone());
    }
    fields
}
