//! `limit_rate` with variables, and `X-Accel-Limit-Rate`.
//!
//! Source: nginx, `ngx_http_write_filter`, `ngx_http_complex_value_size`.

use portunus_server::Limits;

use crate::config::{Rate, Template};
use crate::context::Context;

/// Sets the rate that the answer is sent at.
pub(super) fn apply(cx: &mut Context, rate: &Rate) {
    let mut limits = cx.exchange.limits();
    // What PHP or `set $limit_rate` said stands.
    if !cx.rate_is_set
        && let Some(rate) = &rate.rate
    {
        limits.limit_rate = cx.expand_size(rate);
    }
    if let Some(after) = &rate.after {
        limits.limit_rate_after = cx.expand_size(after);
    }
    cx.exchange.set_limits(limits);
}

/// nginx: `ngx_parse_size`.
pub(crate) fn parse_size(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 10),
        [digits @ .., b'm' | b'M'] => (digits, 20),
        digits => (digits, 0),
    };
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    number.checked_mul(1 << shift)
}

impl Context {
    /// The size that a value gives; 0 where it gives none.
    pub(crate) fn expand_size(&mut self, value: &Template) -> u64 {
        let text = self.expand(value);
        let size = parse_size(&text);
        if size.is_none() && !text.is_empty() {
            self.log_error(format_args!("invalid size \"{}\"", text.escape_ascii()));
        }
        size.unwrap_or(0)
    }

    /// A rate that this request alone is answered at.
    pub(crate) fn limit_rate(&mut self, limit_rate: u64) {
        self.rate_is_set = true;
        let limits = self.exchange.limits();
        self.exchange.set_limits(Limits {
            limit_rate,
            ..limits
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size(b"12k"), Some(12 << 10));
        assert_eq!(parse_size(b"3M"), Some(3 << 20));
        assert_eq!(parse_size(b"7"), Some(7));
        assert_eq!(parse_size(b"7g"), None);
    }
}
