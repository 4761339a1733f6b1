//! Whether the connection is kept, and how the answer says so.

use http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use crate::connection::Exchange;
use crate::settings::Limits;

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
            .limit(|limits| limits.keepalive_header)
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
    exchange.limit(|limits| limits_allow(exchange, limits))
        && !ends_with_the_connection(exchange, response)
}

fn limits_allow(exchange: &Exchange, limits: &Limits) -> bool {
    let draining = exchange.connection().draining.get();
    !limits.keepalive_timeout.is_zero()
        && (!draining || !limits.keepalive_min_timeout.is_zero())
        && exchange.number() < limits.keepalive_requests
        && exchange.age_of_connection() <= limits.keepalive_time
}

fn ends_with_the_connection<B: Body>(exchange: &Exchange, response: &Response<B>) -> bool {
    exchange.version() < 1001 && !has_length(response)
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
