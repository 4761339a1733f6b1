//! Who may: `allow`, `deny`, `satisfy`.
//!
//! Source: nginx, ngx_http_access_module, `ngx_http_core_access_phase`.

use super::Step;
use crate::config::{AccessRule, Site, Who};
use crate::context::Context;

/// What one access module says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing: no rule is for this client.
    Declined,
    Allowed,
    Denied(u16),
}

/// The access phase. Internal redirects pass it again, as in nginx.
pub(super) fn check(cx: &mut Context, site: &Site) -> Step {
    let location = cx.location_in(site);
    let by_address = by_address(cx, &location.access);
    match by_address {
        Verdict::Denied(status) => {
            cx.log_error(format_args!("access forbidden by rule"));
            Step::Fail(status)
        }
        Verdict::Allowed | Verdict::Declined => Step::TryFiles,
    }
}

fn by_address(cx: &Context, rules: &[AccessRule]) -> Verdict {
    let holds = |rule: &&AccessRule| match (rule.who, cx.client.address) {
        (Who::All, _) | (Who::UnixSocket, None) => true,
        (Who::Network(network), Some(address)) => network.contains(address),
        _ => false,
    };
    match rules.iter().find(holds) {
        None => Verdict::Declined,
        Some(rule) if rule.allow => Verdict::Allowed,
        Some(_) => Verdict::Denied(403),
    }
}
