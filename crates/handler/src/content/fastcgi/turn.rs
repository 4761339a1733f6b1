//! Whose turn it is: the members of a group that one request asks, one after the other.
//!
//! Source: nginx, `ngx_http_upstream_connect`, `ngx_http_upstream_next`.

use std::sync::Arc;
use std::time::Instant;

use portunus_fpm::{ErrorKind, Failure, Pool};
use portunus_upstream::{Outcome, Tries};

use crate::config::{FastCgiGroup, NextUpstream};
use crate::content::balancing;
use crate::context::Context;

/// The right to a member; given back when the answer is over.
#[derive(Debug)]
pub(crate) struct Held {
    group: Arc<FastCgiGroup>,
    member: usize,
    outcome: Outcome,
}

impl Drop for Held {
    fn drop(&mut self) {
        let group = &self.group.group;
        let spared = group.release(self.member, self.outcome, Instant::now()).0;
        if spared {
            let name = group.peer(self.member).address.name();
            tracing::warn!("upstream server {name} temporarily disabled");
        }
    }
}

/// The members that a request may still ask.
pub(super) struct Turn<'g> {
    group: &'g Arc<FastCgiGroup>,
    /// Where there are several.
    choice: Option<Box<Choice>>,
    left: usize,
    /// Asked for only where the time is limited.
    began: Option<Instant>,
}

/// What it takes to choose among members.
#[derive(Debug, Default)]
struct Choice {
    tries: Tries,
    key: Vec<u8>,
}

impl<'g> Turn<'g> {
    pub(super) fn new(cx: &mut Context, group: &'g Arc<FastCgiGroup>, next: &NextUpstream) -> Self {
        let all = group.group.tries().max(1);
        let left = match next.tries {
            0 => all,
            most => all.min(most),
        };
        let choice = group.only().is_none().then(|| Choice {
            tries: Tries::default(),
            key: balancing::key(cx, group.group.balance(), group.key.as_ref()),
        });
        Self {
            group,
            choice: choice.map(Box::new),
            left,
            began: (!next.time.is_zero()).then(Instant::now),
        }
    }

    /// The member to ask now; `None` when none is left, which is in the log then.
    pub(super) fn next(&mut self, cx: &mut Context) -> Option<&'g Pool> {
        self.left = self.left.saturating_sub(1);
        if let Some(only) = self.group.only() {
            return Some(only);
        }
        let group = &self.group.group;
        let Choice { tries, key } = &mut **self.choice.get_or_insert_default();
        let Some(member) = group.select(tries, key, Instant::now()) else {
            cx.upstream.record_nobody(group.name());
            cx.log_error(format_args!(
                "no live upstreams while connecting to upstream"
            ));
            return None;
        };
        cx.upstream.held = Some(Held {
            group: Arc::clone(self.group),
            member,
            outcome: Outcome::Served,
        });
        Some(&group.peer(member).address)
    }

    /// Whether another member may be asked after this one.
    pub(super) fn may_go_on(&self, next: &NextUpstream) -> bool {
        self.left > 0 && (self.began).is_none_or(|began| began.elapsed() < next.time)
    }

    /// The member asked last gave an answer that sends the request on.
    pub(super) fn passed_on(cx: &mut Context, status: u16) {
        Self::give_back(cx, !matches!(status, 403 | 404));
    }

    /// The member asked last gave no answer. Where it has more to do than it can, it is well all the same: were it
    /// spared, so would be the next one, on which its share falls, and soon nobody were left. And where the client or
    /// we are at fault, it is not.
    pub(super) fn failed(cx: &mut Context, failure: &Failure) {
        let kind = failure.error.kind();
        Self::give_back(
            cx,
            !matches!(kind, ErrorKind::Overloaded | ErrorKind::Local),
        );
    }

    fn give_back(cx: &mut Context, failed: bool) {
        if let Some(mut held) = cx.upstream.held.take() {
            held.outcome = match failed {
                true => Outcome::Failed,
                false => Outcome::Served,
            };
        }
    }
}
