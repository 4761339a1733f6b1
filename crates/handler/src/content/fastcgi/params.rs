//! The parameters of a request to PHP: `fastcgi_param`, then the client's fields as `HTTP_…`.
//!
//! Source: nginx, `ngx_http_fastcgi_create_request`; RFC 3875 §4.1.18.

use http::{HeaderMap, HeaderName, header};
use portunus_fastcgi::Params;
use smallvec::SmallVec;

use crate::config::{FastCgi, ParamStep};
use crate::context::Context;
use crate::variable::field;

/// The name-value pairs for one request, in their wire form.
pub(super) fn params(cx: &mut Context, fastcgi: &FastCgi) -> Vec<u8> {
    let mut params = Params::with_capacity(1024);
    for step in &fastcgi.params.steps {
        match step {
            ParamStep::Wire(pairs) => params.push_wire(pairs),
            ParamStep::Expand(param) => {
                let keep_empty = !param.if_not_empty;
                let write = |out: &mut Vec<u8>| param.value.expand(cx, out);
                params.push_written(&param.name, keep_empty, write);
            }
        }
    }
    let storable = cx.asks_for_storing();
    if storable {
        push_conditions(cx, fastcgi, &mut params);
    }
    if fastcgi.pass_request_headers {
        let overridden = |key: &HeaderName| {
            fastcgi.params.overridden.contains(key) || (storable && CONDITIONS.contains(key))
        };
        push_fields(cx.exchange.fields(), overridden, &mut params);
    }
    params.into_bytes()
}

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
fn push_fields(headers: &HeaderMap, overridden: impl Fn(&HeaderName) -> bool, params: &mut Params) {
    let mut name = SmallVec::<[u8; 64]>::new();
    let mut fields = headers.iter().peekable();
    while let Some((key, value)) = fields.next() {
        // Values of one name come one after the other.
        let repeated = fields.next_if(|(next, _)| *next == key).is_some();
        while fields.next_if(|(next, _)| *next == key).is_some() {}
        if !passes(key) || overridden(key) {
            continue;
        }
        name.clear();
        name.extend_from_slice(b"HTTP_");
        name.extend(key.as_str().bytes().map(|byte| match byte {
            b'-' => b'_',
            other => other.to_ascii_uppercase(),
        }));
        if repeated {
            params.push_written(&name, true, |out| {
                field(headers, key, out);
            });
        } else {
            params.push(&name, value.as_bytes());
        }
    }
}

/// Whether PHP may see a field. `Proxy` would become `HTTP_PROXY`, which programs take for the
/// environment variable of that name (httpoxy, CVE-2016-5385).
fn passes(name: &HeaderName) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.as_str() != "proxy" && name.as_str().bytes().all(plain)
}

impl Context {
    /// `$content_length`: of the body as it is passed on, so that PHP sees chunked ones too.
    pub(crate) fn append_content_length(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(length) = self.body.length() {
            return crate::variable::put_display(out, length);
        }
        field(self.exchange.fields(), &header::CONTENT_LENGTH, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_php() {
        let name = |text: &str| HeaderName::from_bytes(text.as_bytes()).unwrap();
        assert!(passes(&name("X-Forwarded-For")));
        for refused in ["Proxy", "X_Forwarded_For", "X.Y", "X~Y"] {
            assert!(!passes(&name(refused)), "{refused}");
        }
    }
}
