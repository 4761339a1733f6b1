//! What a group of servers has to know of a request, for FastCGI and HTTP alike.

use std::net::IpAddr;

use portunus_upstream::Balance;

use crate::config::Template;
use crate::context::Context;

/// What the balancer hashes: the client's address, the value of the operator's key, or nothing.
///
/// Source: nginx, `ngx_http_upstream_init_ip_hash_peer`, `ngx_http_upstream_init_hash_peer`.
pub(super) fn key(cx: &mut Context, balance: Balance, key: Option<&Template>) -> Vec<u8> {
    match (balance, key) {
        (Balance::IpHash, _) => match cx.client.address {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets().to_vec(),
            None => Vec::new(),
        },
        (_, Some(key)) => cx.expand(key),
        (_, None) => Vec::new(),
    }
}
