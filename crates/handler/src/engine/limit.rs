//! The pre-access phase: `limit_req`, then `limit_conn`.
//!
//! Source: nginx, `ngx_http_limit_req_handler`, `ngx_http_limit_conn_handler`.

use std::time::Duration;

use smallvec::SmallVec;

use super::{Plan, Step};
use crate::config::{ConnectionLimits, Guard, Key, RateLimit, RateLimits, Site};
use crate::context::Context;
use crate::limit::{Entered, LimitState, LimitStatus, Seen};

/// Longest keys that nginx takes.
const LONGEST_RATE_KEY: usize = 65_535;
const LONGEST_CONNECTION_KEY: usize = 255;

/// What the rate limits say together.
enum Verdict {
    /// No key has a value.
    Declined,
    Passed,
    /// Over the burst of a limit, by that excess.
    Refused(usize, u64),
    Delayed {
        by: Duration,
        limit: usize,
        excess: u64,
    },
}

/// `limit_req`: refuses, delays, or goes on to `limit_conn`.
pub(super) fn rate(cx: &mut Context, guard: &Guard) -> Step {
    let Some(rules) = &guard.rate else {
        return Step::Connections;
    };
    if cx.limits.as_ref().is_some_and(|known| known.rate.is_some()) {
        return Step::Connections;
    }
    let dry = if rules.dry_run { ", dry run" } else { "" };
    match weigh(cx, rules) {
        Verdict::Declined => Step::Connections,
        Verdict::Passed => {
            state(cx).rate = Some(LimitStatus::Passed);
            Step::Connections
        }
        Verdict::Refused(limit, excess) => {
            let (whole, part) = (excess / 1000, excess % 1000);
            let zone = rules.limits[limit].zone.name().escape_ascii();
            cx.log(
                rules.refusals,
                format_args!(
                    "limiting requests{dry}, excess: {whole}.{part:03} by zone \"{zone}\""
                ),
            );
            state(cx).rate = Some(LimitStatus::rejected(rules.dry_run));
            if rules.dry_run {
                return Step::Connections;
            }
            Step::Fail(rules.status)
        }
        Verdict::Delayed { by, limit, excess } => {
            let (whole, part) = (excess / 1000, excess % 1000);
            let zone = rules.limits[limit].zone.name().escape_ascii();
            cx.log(
                rules.delays,
                format_args!(
                    "delaying request{dry}, excess: {whole}.{part:03}, by zone \"{zone}\""
                ),
            );
            state(cx).rate = Some(LimitStatus::delayed(rules.dry_run));
            if rules.dry_run {
                return Step::Connections;
            }
            Step::Done(Plan::Delay(by, Box::new(Step::Connections)))
        }
    }
}

/// Asks all limits; only if each lets the request pass, all count it.
fn weigh(cx: &mut Context, rules: &RateLimits) -> Verdict {
    let last = rules.limits.len().saturating_sub(1);
    let mut pending: SmallVec<[(usize, Vec<u8>); 2]> = SmallVec::new();
    let mut counted = None;
    for (number, limit) in rules.limits.iter().enumerate() {
        let Some(key) = key(cx, &limit.key, LONGEST_RATE_KEY) else {
            continue;
        };
        let now = limit.zone.now();
        match limit
            .zone
            .look(&key, limit.rate, limit.burst, number == last, now)
        {
            Seen::Busy { excess } => return Verdict::Refused(number, excess),
            Seen::Counted { excess } => counted = Some((number, excess)),
            Seen::Pending => pending.push((number, key)),
        }
    }
    if counted.is_none() && pending.is_empty() {
        return Verdict::Declined;
    }
    let earlier = pending.iter().rev().map(|(number, key)| {
        let limit = &rules.limits[*number];
        (*number, limit.zone.count(key, limit.rate, limit.zone.now()))
    });
    let mut longest = (0, 0, 0);
    for (number, excess) in counted.into_iter().chain(earlier) {
        let delay = delay(&rules.limits[number], excess);
        if delay > longest.0 {
            longest = (delay, number, excess);
        }
    }
    match longest {
        (0, ..) => Verdict::Passed,
        (delay, limit, excess) => Verdict::Delayed {
            by: Duration::from_millis(delay),
            limit,
            excess,
        },
    }
}

/// How long a request waits, in ms, until its excess has drained to what is not delayed.
fn delay(limit: &RateLimit, excess: u64) -> u64 {
    let free = limit.delay.unwrap_or(u64::MAX);
    excess.saturating_sub(free).saturating_mul(1000) / limit.rate.max(1)
}

/// `limit_conn`.
pub(super) fn connections(cx: &mut Context, site: &Site) -> Step {
    let guard = cx.location_in(site).guard.as_deref();
    let Some(rules) = guard.and_then(|guard| guard.connections.as_deref()) else {
        return super::access::begin(cx, site);
    };
    let known = |known: &LimitState| known.connections.is_some();
    if !cx.limits.as_deref().is_some_and(known) && !enter(cx, rules) {
        state(cx).tickets.clear();
        state(cx).connections = Some(LimitStatus::rejected(rules.dry_run));
        if !rules.dry_run {
            return Step::Fail(rules.status);
        }
    }
    super::access::begin(cx, site)
}

/// Takes a ticket of each zone; `false` if one has none left.
fn enter(cx: &mut Context, rules: &ConnectionLimits) -> bool {
    for limit in &rules.limits {
        let Some(key) = key(cx, &limit.key, LONGEST_CONNECTION_KEY) else {
            continue;
        };
        state(cx).connections = Some(LimitStatus::Passed);
        match limit.zone.enter(&key, limit.most) {
            Entered::Counted(ticket) => state(cx).tickets.push(ticket),
            Entered::Full => return false,
            Entered::Limited => {
                let dry = if rules.dry_run { ", dry run," } else { "" };
                let zone = limit.zone.name().escape_ascii();
                cx.log(
                    rules.refusals,
                    format_args!("limiting connections{dry} by zone \"{zone}\""),
                );
                return false;
            }
        }
    }
    true
}

/// The value of a key; `None` if it is empty or too long, so that the limit does not apply.
fn key(cx: &mut Context, key: &Key, longest: usize) -> Option<Vec<u8>> {
    let value = cx.expand(&key.value);
    if value.len() > longest {
        let (text, value) = (key.text.escape_ascii(), value.escape_ascii());
        cx.log_error(format_args!(
            "the value of the \"{text}\" key is more than {longest} bytes: \"{value}\""
        ));
        return None;
    }
    (!value.is_empty()).then_some(value)
}

fn state(cx: &mut Context) -> &mut LimitState {
    cx.limits.get_or_insert_default()
}
