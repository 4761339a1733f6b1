//! `limit_req`, `limit_conn` and their zones, which outlive a reload.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_conf::typed::{LimitConn, LimitReq, LimitZone};
use portunus_conf::{Directive, DirectiveId, Scope, d};
use portunus_handler::{
    ConnectionLimit, ConnectionLimits, ConnectionZone, Key, RateLimit, RateLimits, RateZone,
};
use portunus_telemetry::Severity;

use super::Builder;

/// Zones by name, with the key that each is for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Zones {
    rate: HashMap<Box<[u8]>, Rate>,
    connections: HashMap<Box<[u8]>, Connections>,
}

/// A zone of `limit_req_zone` and what it is for.
#[derive(Debug, Clone)]
struct Rate {
    zone: Arc<RateZone>,
    key: Arc<Key>,
    rate: u64,
}

/// A zone of `limit_conn_zone` and what it is for.
#[derive(Debug, Clone)]
struct Connections {
    zone: Arc<ConnectionZone>,
    key: Arc<Key>,
}

impl Builder<'_> {
    /// `limit_req_zone` and `limit_conn_zone`. A zone whose name, size and key are as before keeps
    /// what it has counted; one of another size begins anew.
    ///
    /// Source: nginx, `ngx_http_limit_req_init_zone`, `ngx_init_cycle`.
    pub(super) fn zones(&mut self, http: Scope<'_>) {
        let before = std::mem::take(&mut self.kept.zones);
        let mut zones = Zones::default();
        for directive in http.own(d::LIMIT_REQ_ZONE) {
            let Ok(parsed) = LimitZone::parse_req(directive) else {
                continue;
            };
            let (name, size) = (parsed.zone.name, parsed.zone.size);
            let key = self.zone_key(directive, &parsed);
            let kept = before.rate.get(name);
            let kept = kept.filter(|kept| kept.zone.size() == size);
            if let Some(kept) = kept {
                self.same_key(directive, "limit_req", name, &key, &kept.key);
            }
            let zone = kept.map(|kept| Arc::clone(&kept.zone));
            let zone = zone.unwrap_or_else(|| Arc::new(RateZone::new(name, size)));
            let rate = parsed.rate;
            zones.rate.insert(name.into(), Rate { zone, key, rate });
        }
        for directive in http.own(d::LIMIT_CONN_ZONE) {
            let Ok(parsed) = LimitZone::parse_conn(directive) else {
                continue;
            };
            let (name, size) = (parsed.zone.name, parsed.zone.size);
            let key = self.zone_key(directive, &parsed);
            let kept = before.connections.get(name);
            let kept = kept.filter(|kept| kept.zone.size() == size);
            if let Some(kept) = kept {
                self.same_key(directive, "limit_conn_zone", name, &key, &kept.key);
            }
            let zone = kept.map(|kept| Arc::clone(&kept.zone));
            let zone = zone.unwrap_or_else(|| Arc::new(ConnectionZone::new(name, size)));
            let zone = Connections { zone, key };
            zones.connections.insert(name.into(), zone);
        }
        self.kept.zones = zones;
    }

    fn zone_key(&mut self, directive: &Directive, zone: &LimitZone<'_>) -> Arc<Key> {
        Arc::new(Key {
            value: self.template(directive, zone.key),
            text: zone.key.as_bytes().into(),
        })
    }

    fn same_key(&mut self, directive: &Directive, what: &str, name: &[u8], new: &Key, old: &Key) {
        if new.text != old.text {
            let show = |text: &[u8]| text.escape_ascii().to_string();
            let (name, new, old) = (show(name), show(&new.text), show(&old.text));
            let message = format!(
                "{what} \"{name}\" uses the \"{new}\" key while previously it used the \"{old}\" key"
            );
            self.error(directive, message);
        }
    }

    pub(super) fn rate_limits(&mut self, scope: Scope<'_>) -> Option<Arc<RateLimits>> {
        let mut limits = Vec::new();
        for directive in scope.all(d::LIMIT_REQ) {
            let Ok(parsed) = LimitReq::parse(directive) else {
                continue;
            };
            let Some(known) = self.kept.zones.rate.get(parsed.zone) else {
                continue;
            };
            limits.push(RateLimit {
                zone: Arc::clone(&known.zone),
                key: Arc::clone(&known.key),
                rate: known.rate,
                burst: parsed.burst.saturating_mul(1000),
                delay: parsed.delay.map(|delay| delay.saturating_mul(1000)),
            });
        }
        let refusals = severity(scope, d::LIMIT_REQ_LOG_LEVEL);
        (!limits.is_empty()).then(|| {
            Arc::new(RateLimits {
                limits,
                status: status(scope, d::LIMIT_REQ_STATUS),
                refusals,
                delays: one_below(refusals),
                dry_run: scope.flag(d::LIMIT_REQ_DRY_RUN),
            })
        })
    }

    pub(super) fn connection_limits(&mut self, scope: Scope<'_>) -> Option<Arc<ConnectionLimits>> {
        let mut limits = Vec::new();
        for directive in scope.all(d::LIMIT_CONN) {
            let Ok(parsed) = LimitConn::parse(directive) else {
                continue;
            };
            let Some(known) = self.kept.zones.connections.get(parsed.zone) else {
                continue;
            };
            limits.push(ConnectionLimit {
                zone: Arc::clone(&known.zone),
                key: Arc::clone(&known.key),
                most: parsed.connections.into(),
            });
        }
        (!limits.is_empty()).then(|| {
            Arc::new(ConnectionLimits {
                limits,
                status: status(scope, d::LIMIT_CONN_STATUS),
                refusals: severity(scope, d::LIMIT_CONN_LOG_LEVEL),
                dry_run: scope.flag(d::LIMIT_CONN_DRY_RUN),
            })
        })
    }
}

fn status(scope: Scope<'_>, id: DirectiveId) -> u16 {
    let status = scope.number(id).and_then(|status| status.try_into().ok());
    status.unwrap_or(503)
}

fn severity(scope: Scope<'_>, id: DirectiveId) -> Severity {
    match scope.enumeration(id) {
        "info" => Severity::Info,
        "notice" => Severity::Notice,
        "warn" => Severity::Warn,
        _ => Severity::Error,
    }
}

fn one_below(severity: Severity) -> Severity {
    match severity {
        Severity::Error => Severity::Warn,
        Severity::Warn => Severity::Notice,
        _ => Severity::Info,
    }
}
