//! Whether the connection is kept, and how the answer says so.

use std::time::Duration;

use http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use crate::connection::Exchange;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Decides for this answer and sets its `Connection` and `Keep-Alive` fields.
///
/// Source: nginx, `ngx_http_update_location_config`, `ngx_http_header_filter`.
pub(super) fn announce<B: Body>(exchange: &Exchange, response: &mut Response<B>) {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        exchange.disable_keep_alive();
        let fields = response.headers_mut();
        if fields.contains_key(UPGRADE) {
            fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        return;
    }
    if exchange.keep_alive() && !may_keep(exchange, response) {
        exchange.disable_keep_alive();
    }
    let fields = response.headers_mut();
    if exchange.keep_alive() {
        fields.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        if let Some(seconds) = exchange
            .limits()
            .keepalive_header
            .filter(|&seconds| seconds > 0)
            && let Ok(value) = HeaderValue::try_from(format!("timeout={seconds}"))
        {
            fields.insert(KEEP_ALIVE, value);
        }
    } else {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

fn may_keep<B: Body>(exchange: &Exchange, response: &Response<B>) -> bool {
    let limits = exchange.limits();
    let connection = exchange.connection();
    let draining = connection.draining.get() && limits.keepalive_min_timeout == Duration::ZERO;
    let ends_with_the_connection = exchange.version() < 1001 && !has_length(response);
    !(limits.keepalive_timeout == Duration::ZERO
        || draining
        || exchange.number() >= limits.keepalive_requests
        || connection.age() > limits.keepalive_time
        || ends_with_the_connection)
}

/// HTTP/1.0 knows no chunks: without a length the end of the connection is the end of the answer.
fn has_length<B: Body>(response: &Response<B>) -> bool {
    let bodiless = matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    let fields = response.headers();
    bodiless
        || response.body().is_end_stream()
        || response.body().size_hint().exact().is_some()
        || (fields.contains_key(http::header::CONTENT_LENGTH)
            && !fields.contains_key(TRANSFER_ENCODING))
}
