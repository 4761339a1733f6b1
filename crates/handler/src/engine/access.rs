//! Who may: `allow` and `deny`, `auth_basic`, `auth_request`, in that order, and `satisfy`.
//!
//! Source: nginx, `ngx_http_core_access_phase`, `ngx_http_core_post_access_phase`,
//! ngx_http_access_module, ngx_http_auth_basic_module.

use std::os::unix::ffi::OsStrExt as _;

use http::HeaderValue;
use portunus_telemetry::Severity;

use super::{Plan, Step, limit, real_ip};
use crate::access::Check;
use crate::config::{AccessRule, BasicAuth, Location, Site, Who};
use crate::context::Context;

/// What one access module says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: no rule is for this client.
    Declined,
    Allowed,
    Denied(u16),
}

/// The modules of the phase, in nginx's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Module {
    Addresses,
    Password,
    Subrequest,
}

/// How far the phase has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// The module that speaks next; `None` when all have.
    next: Option<Module>,
    /// With `satisfy any`: what the answer will be if nobody allows the request.
    refusal: Option<u16>,
}

/// Limits and access. Internal redirects pass here again, as in nginx.
pub(super) fn check(cx: &mut Context, site: &Site) -> Step {
    if cx.location_in(site).real_ip.is_some() {
        real_ip::apply_in_location(cx, site);
    }
    match &cx.location_in(site).guard {
        Some(guard) => limit::rate(cx, guard),
        None => begin(cx, site),
    }
}

/// The access phase; subrequests leave it out.
pub(super) fn begin(cx: &mut Context, site: &Site) -> Step {
    if cx.subrequest.is_some() {
        return Step::TryFiles;
    }
    let start = Progress {
        next: Some(Module::Addresses),
        refusal: None,
    };
    go_on(cx, site, start)
}

/// Goes on when a module that had to wait has made up its mind.
pub(crate) fn resume(cx: &mut Context, site: &Site, mut at: Progress, verdict: Verdict) -> Step {
    match judge(cx, site, &mut at, verdict) {
        Some(step) => step,
        None => go_on(cx, site, at),
    }
}

fn go_on(cx: &mut Context, site: &Site, mut at: Progress) -> Step {
    let location = cx.location_in(site);
    while let Some(module) = at.next {
        let guard = location.guard.as_deref();
        let (next, verdict) = match module {
            Module::Addresses => {
                let next = guard.map(|_| Module::Password);
                (next, by_address(cx, location))
            }
            Module::Password => {
                let rules = guard.and_then(|guard| guard.basic.as_deref());
                at.next = Some(Module::Subrequest);
                match rules.map(|rules| by_password(cx, site, rules)) {
                    None => (at.next, Verdict::Declined),
                    Some(Ok(verdict)) => (at.next, verdict),
                    Some(Err(check)) => {
                        return Step::Done(Plan::Password(Box::new((check, at))));
                    }
                }
            }
            Module::Subrequest => {
                if guard.is_some_and(|guard| guard.subrequest.is_some()) {
                    at.next = None;
                    return Step::Done(Plan::AuthRequest(at));
                }
                (None, Verdict::Declined)
            }
        };
        at.next = next;
        if let Some(step) = judge(cx, site, &mut at, verdict) {
            return step;
        }
    }
    match at.refusal {
        None => Step::TryFiles,
        Some(401) => unauthorized(location),
        Some(status) => {
            cx.log_error(format_args!("access forbidden by rule"));
            Step::Fail(status)
        }
    }
}

/// Weighs what a module has said; `Some` ends the phase.
fn judge(cx: &mut Context, site: &Site, at: &mut Progress, verdict: Verdict) -> Option<Step> {
    let location = cx.location_in(site);
    let any = location.level.satisfy_any;
    match verdict {
        Verdict::Declined => None,
        Verdict::Allowed if any => {
            cx.carried.challenges.clear();
            Some(Step::TryFiles)
        }
        Verdict::Allowed => None,
        Verdict::Denied(status @ (401 | 403)) if any => {
            if at.refusal != Some(401) {
                at.refusal = Some(status);
            }
            None
        }
        Verdict::Denied(401) => Some(unauthorized(location)),
        Verdict::Denied(status) => Some(Step::Fail(status)),
    }
}

/// 401, after `auth_delay`.
fn unauthorized(location: &Location) -> Step {
    let fail = Step::Fail(401);
    match location.guard.as_deref().map(|guard| guard.auth_delay) {
        Some(delay) if !delay.is_zero() => Step::Done(Plan::Delay(delay, Box::new(fail))),
        _ => fail,
    }
}

/// `allow` and `deny`: the first rule that names the client counts.
fn by_address(cx: &Context, location: &Location) -> Verdict {
    let holds = |rule: &&AccessRule| match (rule.who, cx.client.address) {
        (Who::All, _) | (Who::UnixSocket, None) => true,
        (Who::Network(network), Some(address)) => network.contains(address),
        _ => false,
    };
    match location.access.iter().find(holds) {
        None => Verdict::Declined,
        Some(rule) if rule.allow => Verdict::Allowed,
        Some(_) => {
            if !location.level.satisfy_any {
                cx.log_error(format_args!("access forbidden by rule"));
            }
            Verdict::Denied(403)
        }
    }
}

/// `auth_basic`; `Err` is a password whose hash takes its time.
fn by_password(cx: &mut Context, site: &Site, rules: &BasicAuth) -> Result<Verdict, Check> {
    let realm = cx.expand(&rules.realm);
    if realm == b"off" {
        return Ok(Verdict::Declined);
    }
    let credentials = cx.basic_credentials().filter(|(user, _)| !user.is_empty());
    let Some((user, password)) = credentials else {
        cx.log(
            Severity::Info,
            format_args!("no user/password was provided for basic authentication"),
        );
        return Ok(challenge(cx, &realm));
    };
    let file = cx.expand(&rules.user_file);
    let path = rules.directory.join(std::ffi::OsStr::from_bytes(&file));
    let path = path.as_os_str().as_bytes();
    match site.user_files.find(path, &user, password) {
        Ok(Some(check)) => match check.at_once() {
            Some(right) => Ok(password_verdict(cx, site, right)),
            None => Err(check),
        },
        Ok(None) => {
            let (user, path) = (user.escape_ascii(), path.escape_ascii());
            cx.log_error(format_args!("user \"{user}\" was not found in \"{path}\""));
            Ok(challenge(cx, &realm))
        }
        Err(error) if error.is_missing() => {
            cx.log_error(format_args!("{error}"));
            Ok(Verdict::Denied(403))
        }
        Err(error) => {
            cx.log_crit(format_args!("{error}"));
            Ok(Verdict::Denied(500))
        }
    }
}

/// What a password that has been checked means.
pub(crate) fn password_verdict(cx: &mut Context, site: &Site, right: bool) -> Verdict {
    if right {
        return Verdict::Allowed;
    }
    let user = cx.basic_credentials().unwrap_or_default().0;
    let user = user.escape_ascii();
    cx.log_error(format_args!("user \"{user}\": password mismatch"));
    let guard = cx.location_in(site).guard.as_deref();
    let realm = guard.and_then(|guard| guard.basic.as_deref());
    let realm = realm.map(|rules| cx.expand(&rules.realm));
    challenge(cx, &realm.unwrap_or_default())
}

/// 401 that asks for a password.
fn challenge(cx: &mut Context, realm: &[u8]) -> Verdict {
    let value = [b"Basic realm=\"", realm, b"\""].concat();
    cx.carried
        .challenges
        .extend(HeaderValue::from_bytes(&value));
    Verdict::Denied(401)
}
