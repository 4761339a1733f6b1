//! What stands before the content of a location: limits, passwords, a subrequest that decides.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portunus_routing::LocationId;
use portunus_telemetry::Severity;

use super::Template;
use crate::limit::{ConnectionZone, RateZone};
use crate::variable::Variable;

/// Everything but `allow` and `deny`, which are checked without it.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// `limit_req`.
    pub rate: Option<Arc<RateLimits>>,
    /// `limit_conn`.
    pub connections: Option<Arc<ConnectionLimits>>,
    /// `auth_basic`.
    pub basic: Option<Arc<BasicAuth>>,
    /// `auth_request`.
    pub subrequest: Option<Arc<AuthRequest>>,
    /// `auth_delay`.
    pub auth_delay: Duration,
}

impl Guard {
    /// Whether nothing stands there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rate.is_none()
            && self.connections.is_none()
            && self.basic.is_none()
            && self.subrequest.is_none()
    }
}

/// `limit_req` with its kin.
#[derive(Debug)]
pub struct RateLimits {
    /// In order; each must let a request pass.
    pub limits: Vec<RateLimit>,
    /// `limit_req_status`.
    pub status: u16,
    /// `limit_req_log_level`, for refusals.
    pub refusals: Severity,
    /// One below, for delays.
    pub delays: Severity,
    /// `limit_req_dry_run`.
    pub dry_run: bool,
}

/// One `limit_req`.
#[derive(Debug)]
pub struct RateLimit {
    /// `zone=`.
    pub zone: Arc<RateZone>,
    /// The zone's key.
    pub key: Arc<Key>,
    /// The zone's rate, in requests per 1000 seconds.
    pub rate: u64,
    /// `burst=`, in thousandths of a request.
    pub burst: u64,
    /// `delay=`, in thousandths of a request; `None` for `nodelay`.
    pub delay: Option<u64>,
}

/// The key of a zone.
#[derive(Debug)]
pub struct Key {
    /// Its value.
    pub value: Template,
    /// As the configuration spells it, for messages.
    pub text: Box<[u8]>,
}

/// `limit_conn` with its kin.
#[derive(Debug)]
pub struct ConnectionLimits {
    /// In order; each must let a request pass.
    pub limits: Vec<ConnectionLimit>,
    /// `limit_conn_status`.
    pub status: u16,
    /// `limit_conn_log_level`.
    pub refusals: Severity,
    /// `limit_conn_dry_run`.
    pub dry_run: bool,
}

/// One `limit_conn`.
#[derive(Debug)]
pub struct ConnectionLimit {
    /// The zone.
    pub zone: Arc<ConnectionZone>,
    /// The zone's key.
    pub key: Arc<Key>,
    /// How many a key may have.
    pub most: u32,
}

/// `auth_basic` with `auth_basic_user_file`.
#[derive(Debug)]
pub struct BasicAuth {
    /// The realm; `off` lets everybody pass.
    pub realm: Template,
    /// The password file.
    pub user_file: Template,
    /// Where a relative path begins: the directory of the configuration.
    pub directory: PathBuf,
}

/// `auth_request` with `auth_request_set`.
#[derive(Debug)]
pub struct AuthRequest {
    /// URI of the subrequest.
    pub uri: Box<[u8]>,
    /// What is set when it is done; values are those of the subrequest.
    pub set: Vec<(Variable, Template)>,
}

/// `limit_except`: other methods than these have a level of their own.
#[derive(Debug, Clone)]
pub struct LimitExcept {
    /// The methods that stay in the location.
    pub methods: Vec<http::Method>,
    /// The level for all others.
    pub location: LocationId,
}
