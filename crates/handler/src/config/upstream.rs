//! What `fastcgi_pass` and `proxy_pass` have in common.

use std::time::Duration;

use portunus_fpm::{ErrorKind, Failure};

/// `…_next_upstream` and its limits: after what a request goes to the next member.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "a set of independent words")]
pub struct NextUpstream {
    /// `error`.
    pub error: bool,
    /// `timeout`.
    pub timeout: bool,
    /// `invalid_header`.
    pub invalid_header: bool,
    /// `http_…`; 503 is also our own bound on waiting for FPM.
    pub statuses: Vec<u16>,
    /// `non_idempotent`: also requests that must not run twice.
    pub non_idempotent: bool,
    /// `…_next_upstream_tries`; 0 is no limit.
    pub tries: usize,
    /// `…_next_upstream_timeout`; zero is no limit.
    pub time: Duration,
}

impl NextUpstream {
    /// Whether a failed request may be sent to another member.
    pub(crate) fn allows(&self, failure: &Failure, idempotent: bool) -> bool {
        let wanted = match failure.error.kind() {
            ErrorKind::Broken => self.error,
            ErrorKind::Timeout => self.timeout,
            ErrorKind::InvalidHead => self.invalid_header,
            ErrorKind::Overloaded => self.statuses.contains(&503),
            ErrorKind::Local => false,
        };
        wanted && (!failure.sent || idempotent || self.non_idempotent)
    }

    /// Whether a request that was answered with `status` may be sent to another member.
    pub(crate) fn allows_after(&self, status: u16, idempotent: bool) -> bool {
        self.statuses.contains(&status) && (idempotent || self.non_idempotent)
    }
}

/// `…_ignore_headers`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a set of independent words")]
pub struct IgnoredFields {
    /// `X-Accel-Redirect`.
    pub accel_redirect: bool,
    /// `X-Accel-Expires`.
    pub accel_expires: bool,
    /// `X-Accel-Limit-Rate`.
    pub accel_limit_rate: bool,
    /// `X-Accel-Buffering`.
    pub accel_buffering: bool,
    /// `X-Accel-Charset`.
    pub accel_charset: bool,
    /// `Expires`.
    pub expires: bool,
    /// `Cache-Control`.
    pub cache_control: bool,
    /// `Set-Cookie`.
    pub set_cookie: bool,
    /// `Vary`.
    pub vary: bool,
}
