//! What `fastcgi_pass` and `proxy_pass` have in common: groups of servers, and what is done with
//! their answers.

use http::HeaderName;
use portunus_conf::typed::Member;
use portunus_conf::{Config, DirectiveId, Scope, d};
use portunus_handler::{IgnoredFields, NextUpstream, Template};
use portunus_upstream::{Balance, Peer};

use super::Builder;

/// The directives that say when another server is asked.
pub(super) struct Next {
    pub(super) when: DirectiveId,
    pub(super) tries: DirectiveId,
    pub(super) time: DirectiveId,
}

impl Builder<'_> {
    /// How a server of a group is chosen, and by which key.
    pub(super) fn balance(&mut self, block: Scope<'_>) -> (Balance, Option<Template>) {
        if block.set_here(d::LEAST_CONN) {
            return (Balance::LeastConn, None);
        }
        if block.set_here(d::IP_HASH) {
            return (Balance::IpHash, None);
        }
        if let Some(directive) = block.own(d::UPSTREAM_RANDOM).next() {
            let two = directive.args.iter().any(|word| word.as_bytes() == b"two");
            return (Balance::Random { two }, None);
        }
        if let Some(directive) = block.own(d::UPSTREAM_HASH).next()
            && let Some(word) = directive.args.first()
        {
            let consistent = directive
                .args
                .iter()
                .any(|word| word.as_bytes() == b"consistent");
            let key = self.template(directive, word);
            let balance = if consistent {
                Balance::ConsistentHash
            } else {
                Balance::Hash
            };
            return (balance, Some(key));
        }
        (Balance::RoundRobin, None)
    }
}

/// The `upstream` block of that name.
pub(super) fn upstream<'c>(config: &'c Config, name: &str) -> Option<Scope<'c>> {
    let http = config.http()?;
    let named = |scope: &Scope<'_>| {
        scope
            .args()
            .first()
            .is_some_and(|word| word.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
    };
    http.children(d::UPSTREAM).find(named)
}

/// A `server` of a group, at one of its addresses.
pub(super) fn peer<A>(member: &Member<'_>, server: &str, address: A) -> Peer<A> {
    Peer {
        address,
        server: server.into(),
        weight: member.weight,
        max_conns: member.max_conns,
        max_fails: member.max_fails,
        fail_timeout: member.fail_timeout,
        backup: member.backup,
        down: member.down,
    }
}

/// After what, how often and how long another server is asked.
pub(super) fn next_upstream(scope: Scope<'_>, directives: &Next) -> NextUpstream {
    let bits = scope.bits(directives.when);
    let off = bits.contains(&"off");
    let has = |word: &str| bits.contains(&word) && !off;
    let status = |word: &&str| word.strip_prefix("http_")?.parse().ok();
    let tries = scope.number(directives.tries).unwrap_or(0);
    NextUpstream {
        error: has("error"),
        timeout: has("timeout"),
        invalid_header: has("invalid_header"),
        statuses: bits.iter().filter(|_| !off).filter_map(status).collect(),
        non_idempotent: has("non_idempotent"),
        tries: usize::try_from(tries).unwrap_or(usize::MAX),
        time: scope.duration(directives.time),
    }
}

/// Names of fields: `…_hide_header`, `…_pass_header`.
pub(super) fn names(scope: Scope<'_>, id: DirectiveId) -> Vec<HeaderName> {
    let directives = scope.all(id);
    let words = directives.iter().flat_map(|directive| &directive.args);
    let names = words.filter_map(|word| HeaderName::from_bytes(word.as_bytes()).ok());
    names.collect()
}

/// `…_ignore_headers`.
pub(super) fn ignored(scope: Scope<'_>, id: DirectiveId) -> IgnoredFields {
    let bits = scope.bits(id);
    let has = |name: &str| bits.contains(&name);
    IgnoredFields {
        accel_redirect: has("X-Accel-Redirect"),
        accel_expires: has("X-Accel-Expires"),
        accel_limit_rate: has("X-Accel-Limit-Rate"),
        accel_buffering: has("X-Accel-Buffering"),
        accel_charset: has("X-Accel-Charset"),
        expires: has("Expires"),
        cache_control: has("Cache-Control"),
        set_cookie: has("Set-Cookie"),
        vary: has("Vary"),
    }
}
