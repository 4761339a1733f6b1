//! Renewing an entry behind the back of the client, who gets the old one.
//!
//! Source: nginx, `ngx_http_upstream_cache_background_update`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use portunus_cache::Ticket;

use super::look_up::expired;
use super::state::CacheState;
use super::{StaleEntry, Storing};
use crate::config::{Caching, Content, SiteRef};
use crate::content::{fastcgi, proxy};
use crate::context::Context;
use crate::engine::Plan;
use crate::subrequest;

/// Asks the upstream for the same as the request; must be called on the thread of its connection.
pub(super) fn spawn(site: SiteRef, cx: &Context, ticket: Ticket, stale: StaleEntry) {
    let Some(key) = cx.upstream.cache.as_ref().map(|state| state.key.clone()) else {
        return;
    };
    let zone = Arc::clone(ticket.zone());
    let mut inner = subrequest::again(cx);
    let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
        let content = &inner.location_in(&site).content;
        let Some(rules) = content.caching() else {
            return;
        };
        let state = CacheState::new(key.clone(), rules.convert_head && inner.is_head());
        inner.upstream.cache = Some(Box::new(state));
        expired(&mut inner, rules, &stale);
        let storing = Box::new(Storing {
            rules,
            zone,
            key,
            ticket: Some(ticket),
            stale: Some(stale),
            bypassed: false,
            verdict: None,
        });
        let plan = match content {
            Content::FastCgi(fastcgi) => {
                fastcgi::ask(&mut inner, &site, fastcgi, Some(storing)).await
            }
            Content::Proxy(proxy) => proxy::ask(&mut inner, &site, proxy, Some(storing)).await,
            _ => return,
        };
        // What has come is being stored; nobody wants it otherwise.
        if let Plan::Answer(reply) = plan {
            inner.answer.status = reply.status;
        }
    });
    tokio::task::spawn_local(work);
}

impl Content {
    /// What holds for answers that are stored.
    pub(crate) fn caching(&self) -> Option<&Caching> {
        match self {
            Self::FastCgi(fastcgi) => fastcgi.caching.as_deref(),
            Self::Proxy(proxy) => proxy.caching.as_deref(),
            _ => None,
        }
    }
}
