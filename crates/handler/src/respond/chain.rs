//! The filters that change a body, in nginx's order.

use super::{Reply, addition, charset, encoding, rate, ssi, substitute};
use crate::config::{Location, Site};
use crate::context::Context;

/// gunzip → substitution → charset → SSI → addition → compression.
pub(super) fn apply(cx: &mut Context, site: &Site, location: &Location, reply: &mut Reply) {
    text(cx, site, location, reply);
    if let Some(rules) = &location.addition {
        addition::apply(cx, rules, reply);
    }
    if let Some(rules) = &location.encoding {
        encoding::compress(cx, site, rules, reply);
    }
    if let Some(rules) = &location.rate {
        rate::apply(cx, rules);
    }
}

/// What concerns the text itself, in subrequests as well.
pub(crate) fn text(cx: &mut Context, site: &Site, location: &Location, reply: &mut Reply) {
    if let Some(rules) = &location.encoding {
        encoding::gunzip(cx, rules, reply);
    }
    if let Some(rules) = &location.sub_filter {
        substitute::apply(cx, rules, reply);
    }
    if reply.charset && (location.charset.is_some() || cx.carried.charset.is_some()) {
        charset::apply(cx, site, location, reply);
    } else if matches!(reply.status, 301 | 302)
        && location.charset.as_ref().is_some_and(|rule| rule.ready)
    {
        charset::unname(reply);
    }
    if let Some(rules) = &location.ssi {
        ssi::apply(cx, rules, reply);
    }
}
