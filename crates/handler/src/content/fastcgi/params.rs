//! The parameters of a request to PHP: `fastcgi_param`, then the client's fields as `HTTP_…`.
//!
//! Source: nginx, `ngx_http_fastcgi_create_request`; RFC 3875 §4.1.18.

use std::ops::Range;

use http::{HeaderMap, HeaderName, Version, header};
use portunus_fastcgi::Params;
use portunus_server::Exchange;

use crate::config::{FastCgi, ParamStep};
use crate::context::Context;
use crate::request_body::RequestBody;
use crate::variable::field;

/// The params of one request.
pub(super) struct Made {
    /// Name-value pairs in their wire form.
    pub(super) pairs: Vec<u8>,
    /// Where in it the script's name is: the last one counts.
    script: Option<Range<usize>>,
}

impl Made {
    /// What PHP would run, as far as it is told.
    pub(super) fn script(&self) -> Option<&[u8]> {
        let script = self.pairs.get(self.script.clone()?)?;
        Some(script).filter(|script| !script.is_empty())
    }
}

/// The name-value pairs for one request.
pub(super) fn params(cx: &mut Context, fastcgi: &FastCgi) -> Made {
    let mut params = Params::with_capacity(ROOM);
    let mut script = None;
    for step in &fastcgi.params.steps {
        match step {
            ParamStep::Constant(wire) => params.push_wire(fastcgi.params.wire(*wire)),
            ParamStep::Expand(param) => {
                let write = |out: &mut Vec<u8>| match &param.variable {
                    Some(variable) => drop(cx.append_value(variable, out)),
                    None => param.value.expand(cx, out),
                };
                let name = fastcgi.params.name_of(param);
                let value = params.push_written(name, param.keep_empty, write);
                if param.is_script {
                    script = value.or(script);
                }
            }
        }
    }
    let storable = cx.asks_for_storing();
    if storable {
        push_conditions(cx, fastcgi, &mut params);
    }
    if fastcgi.pass_request_headers {
        let overridden = |name: &[u8]| {
            let is = |key: &HeaderName| name.eq_ignore_ascii_case(key.as_str().as_bytes());
            fastcgi.params.overridden.iter().any(is) || (storable && CONDITIONS.iter().any(is))
        };
        push_fields(&cx.exchange, overridden, &mut params);
    }
    Made {
        pairs: params.into_bytes(),
        script,
    }
}

/// Room for the params of most requests.
const ROOM: usize = 1024;

/// Fields that ask for less than the whole answer; what is to be stored is whole.
///
/// Source: nginx, `ngx_http_fastcgi_cache_headers`.
const CONDITIONS: [HeaderName; 6] = [
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_MATCH,
    header::RANGE,
    header::IF_RANGE,
];

/// The conditions of the store in the place of the client's.
fn push_conditions(cx: &Context, fastcgi: &FastCgi, params: &mut Params) {
    let Some(state) = &cx.upstream.cache else {
        return;
    };
    let free = |name: &HeaderName| !fastcgi.params.overridden.contains(name);
    if let Some(date) = state
        .modified_since()
        .filter(|_| free(&header::IF_MODIFIED_SINCE))
    {
        params.push(b"HTTP_IF_MODIFIED_SINCE", date.as_bytes());
    }
    if let Some(etag) = state.none_match().filter(|_| free(&header::IF_NONE_MATCH)) {
        params.push(b"HTTP_IF_NONE_MATCH", etag);
    }
}

/// Fields that a script sees as `$_SERVER['HTTP_…']`.
///
/// Differs: names with anything but letters, digits and dashes stay here. `_` and `-` would fall
/// together in PHP, and a client could speak for a field that a proxy in front sets.
fn push_fields(exchange: &Exchange, overridden: impl Fn(&[u8]) -> bool, params: &mut Params) {
    let wanted = |name: &[u8]| passes(name) && !overridden(name);
    if !are_distinct(exchange.field_lines().map(|(name, _)| name)) {
        let fields = exchange.fields();
        for name in fields
            .keys()
            .filter(|name| wanted(name.as_str().as_bytes()))
        {
            push_values(fields, name, params);
        }
        return;
    }
    for (name, value) in exchange.field_lines().filter(|(name, _)| wanted(name)) {
        params.push_field(name, value);
    }
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        if exchange.has_field(&name) && wanted(name.as_str().as_bytes()) {
            push_values(exchange.fields(), &name, params);
        }
    }
}

/// One field, with all its values.
fn push_values(fields: &HeaderMap, name: &HeaderName, params: &mut Params) {
    let mut value = Vec::new();
    field(fields, name, &mut value);
    params.push_field(name.as_str().as_bytes(), &value);
}

/// Whether a glance at the ends of names tells that there are no two alike, which is so with most requests.
fn are_distinct<'n>(names: impl Iterator<Item = &'n [u8]>) -> bool {
    let mut ends = [0_u64; FEW];
    for (at, name) in names.enumerate() {
        let end = name.iter().rev().take(size_of::<u64>());
        let end = end.fold(0, |end, byte| end << 8 | u64::from(byte | 0x20));
        let (known, room) = ends.split_at_mut(at.min(FEW));
        let Some(place) = room.first_mut().filter(|_| !known.contains(&end)) else {
            return false;
        };
        *place = end;
    }
    true
}

/// More lines than this are not compared with each other.
const FEW: usize = 32;

/// Whether PHP may see a field. `Proxy` would become `HTTP_PROXY`, which programs take for the
/// environment variable of that name (httpoxy, CVE-2016-5385).
fn passes(name: &[u8]) -> bool {
    // No way out early, so that it is vectorised.
    let plain = (name.iter()).fold(true, |plain, byte| {
        plain & (byte.is_ascii_alphanumeric() | (*byte == b'-'))
    });
    plain && !name.eq_ignore_ascii_case(b"proxy")
}

impl Context {
    /// `$content_length`: of the body as it is passed on, so that PHP sees chunked ones too.
    pub(crate) fn append_content_length(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(length) = self.body.length() {
            return crate::variable::put_display(out, length);
        }
        // nginx: of chunks that nobody reads it is what has still to be thrown away, once there is an answer; mostly nothing.
        let thrown_away = self.answer.status != 0
            && self.head.version == Version::HTTP_11
            && self.exchange.is_chunked()
            && !matches!(self.body, RequestBody::Coming(_));
        if thrown_away && self.exchange.refusal().is_none() {
            return crate::variable::put(out, b"0");
        }
        self.append_field(&header::CONTENT_LENGTH, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_alike_are_looked_at_twice() {
        let distinct = |names: &[&str]| are_distinct(names.iter().map(|name| name.as_bytes()));
        assert!(distinct(&[
            "Host",
            "Sec-Fetch-Site",
            "Sec-Fetch-Mode",
            "Accept-Language",
            "Accept-Encoding"
        ]));
        assert!(!distinct(&["X-Two", "Host", "x-two"]));
        let many: Vec<_> = (0..=FEW).map(|number| format!("x-{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(distinct(&many[..FEW]));
        assert!(!distinct(&many));
    }

    #[test]
    fn only_plain_names_reach_php() {
        assert!(passes(b"X-Forwarded-For"));
        for refused in ["Proxy", "PROXY", "X_Forwarded_For", "X.Y", "X~Y"] {
            assert!(!passes(refused.as_bytes()), "{refused}");
        }
    }
}
