//! Whether the connection is kept, and how an HTTP/1 answer says so.

use http::StatusCode;

use crate::connection::Exchange;
use crate::settings::Limits;

/// What the `Connection` field of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persist {
    Close,
    /// With the seconds of the `Keep-Alive` field, where there is to be one.
    Keep(Option<u64>),
    /// What follows is another protocol.
    Upgrade,
}

impl Exchange {
    /// Whether the connection is to be kept, by the limits that hold now.
    #[must_use]
    pub fn may_keep_alive(&self) -> bool {
        self.keep_alive() && self.limit(|limits| limits_allow(self, limits))
    }
}

/// Decides for an answer; `delimited` where its end can be told without closing the connection.
///
/// Source: nginx, `ngx_http_update_location_config`, `ngx_http_header_filter`.
pub(crate) fn decide_persistence(
    exchange: &Exchange,
    status: StatusCode,
    delimited: bool,
) -> Persist {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        exchange.disable_keep_alive();
        return Persist::Upgrade;
    }
    if delimited && exchange.may_keep_alive() {
        let seconds = exchange.limit(|limits| limits.keepalive_header);
        return Persist::Keep(seconds.filter(|&seconds| seconds > 0));
    }
    exchange.disable_keep_alive();
    Persist::Close
}

fn limits_allow(exchange: &Exchange, limits: &Limits) -> bool {
    let draining = exchange.connection().draining.get();
    !limits.keepalive_timeout.is_zero()
        && (!draining || !limits.keepalive_min_timeout.is_zero())
        && !is_spent(exchange, limits)
}

/// Whether the connection has served its number of requests, or its time.
pub(crate) fn is_spent(exchange: &Exchange, limits: &Limits) -> bool {
    exchange.number() >= limits.keepalive_requests
        || exchange.age_of_connection() > limits.keepalive_time
}
