//! How often and how many at once: `limit_req` and `limit_conn`.
//!
//! The zones are shared by all threads and outlive a reload; what a request does with them is in
//! `engine/limit`.
//!
//! Source: nginx, ngx_http_limit_req_module, ngx_http_limit_conn_module.

mod connections;
mod rate;
mod state;

pub use connections::ConnectionZone;
pub use rate::RateZone;

pub(crate) use connections::{Entered, Ticket};
pub(crate) use rate::Seen;
pub(crate) use state::{LimitState, LimitStatus};

/// Shards of a zone: enough that threads seldom wait for each other, few enough that each holds
/// some hundred keys.
fn shards(size: usize) -> usize {
    (size >> 16).clamp(1, 16).next_power_of_two()
}

/// What an entry counts against the size of its zone: nginx's slot, a power of two around the
/// fixed part and the key, so that a zone holds about as many keys as its operator expects.
fn slot(fixed: usize, key: &[u8]) -> usize {
    (fixed + key.len()).next_power_of_two().max(64)
}
