//! Before anybody is asked: is there an answer already?

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header;
use portunus_cache::{Ask, Entry, Opened, Stale, Ticket, Zone};
use portunus_telemetry::Severity;

use super::state::{CacheState, CacheStatus};
use super::{StaleEntry, Storing, any_set, moment, refresh};
use crate::config::{CacheZone, Caching};
use crate::context::Context;

/// What came of it.
pub(crate) enum LookUp<'r> {
    /// The store has nothing to do with this request.
    Off,
    /// This is the answer.
    Answer(Entry),
    /// The status that the upstream had before.
    Failed(u16),
    /// The upstream has to be asked.
    Ask(Box<Storing<'r>>),
}

/// Looks for an answer, and waits for another request that is asking for the same.
///
/// `key` makes the key where the configuration does not.
pub(crate) async fn look_up<'r>(
    cx: &mut Context,
    rules: &'r Caching,
    key: impl FnOnce(&mut Context) -> Vec<u8>,
) -> LookUp<'r> {
    if !rules.covers(&cx.head.method) {
        return LookUp::Off;
    }
    let zone = match zone(cx, rules) {
        Ok(Some(zone)) => zone,
        Ok(None) => return LookUp::Off,
        Err(status) => return LookUp::Failed(status),
    };
    let key = Bytes::from(match &rules.key {
        Some(template) => cx.expand(template),
        None => key(cx),
    });
    let converted = rules.convert_head && cx.is_head();
    let state = CacheState::new(key.clone(), converted);
    cx.upstream.cache = Some(Box::new(state));
    let mut storing = Box::new(Storing {
        rules,
        zone: Arc::clone(&zone),
        key,
        ticket: None,
        stale: None,
        bypassed: false,
        verdict: None,
    });
    if any_set(cx, &rules.bypass) {
        cx.note_cache(CacheStatus::Bypass);
        storing.bypassed = true;
        return LookUp::Ask(storing);
    }
    let opened = open(cx, rules, &zone, &storing.key).await;
    match opened {
        Opened::Hit(entry) => {
            cx.note_cache(CacheStatus::Hit);
            return LookUp::Answer(entry);
        }
        Opened::Failed(status) => {
            cx.note_cache(CacheStatus::Hit);
            return LookUp::Failed(status);
        }
        Opened::Stale(stale) => match good_enough(cx, rules, stale) {
            Ok(entry) => return LookUp::Answer(entry),
            Err(kept) => {
                let (ticket, stale) = *kept;
                expired(cx, rules, &stale);
                storing.ticket = Some(ticket);
                storing.stale = Some(stale);
            }
        },
        Opened::Fill(ticket) => storing.ticket = Some(ticket),
        Opened::Scarce | Opened::Locked(_) => not_to_be_stored(cx),
    }
    if is_far_range(cx, rules) {
        not_to_be_stored(cx);
    }
    LookUp::Ask(storing)
}

fn not_to_be_stored(cx: &mut Context) {
    if let Some(state) = &mut cx.upstream.cache {
        state.storable = false;
    }
}

/// The upstream is asked whether the entry is good still.
pub(super) fn expired(cx: &mut Context, rules: &Caching, stale: &StaleEntry) {
    cx.note_cache(CacheStatus::Expired);
    if let Some(state) = &mut cx.upstream.cache
        && rules.revalidate
    {
        let meta = stale.entry.meta();
        state.last_modified = meta.last_modified;
        state.etag = meta.etag.clone();
    }
}

/// The zone of a request; none where variables say so.
fn zone(cx: &mut Context, rules: &Caching) -> Result<Option<Arc<Zone>>, u16> {
    let (template, zones) = match &rules.zone {
        CacheZone::Fixed(zone) => return Ok(Some(Arc::clone(zone))),
        CacheZone::Named(template, zones) => (template, zones),
    };
    let name = cx.expand(template);
    if name.is_empty() || name == b"off" {
        return Ok(None);
    }
    let zone = zones.get(&*name);
    if zone.is_none() {
        let name = String::from_utf8_lossy(&name).into_owned();
        cx.log_error(format_args!("cache \"{name}\" not found"));
    }
    zone.map(|zone| Some(Arc::clone(zone))).ok_or(500)
}

/// Asks the store, again and again while another request is filling the entry.
async fn open(cx: &Context, rules: &Caching, zone: &Arc<Zone>, key: &Bytes) -> Opened {
    let mut deadline = None;
    let mut ask = Ask {
        key: key.clone(),
        min_uses: rules.min_uses,
        lock: rules.lock.map(|lock| lock.age),
        patient: rules.lock.is_some_and(|lock| !lock.timeout.is_zero()),
        again: false,
        fields: cx.exchange.fields(),
        now: moment(),
    };
    loop {
        let locked = match zone.open(&ask) {
            Opened::Locked(locked) => locked,
            other => return other,
        };
        let timeout = rules.lock.map(|lock| lock.timeout).unwrap_or_default();
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + timeout);
        let until = tokio::time::Instant::from_std(locked.until.min(deadline));
        let _ = tokio::time::timeout_at(until, locked.told).await;
        if deadline <= Instant::now() {
            cx.log(Severity::Info, format_args!("cache lock timeout"));
            ask.patient = false;
        }
        ask.again = true;
        ask.now = moment();
    }
}

/// An answer that is out of date may do: because another request is renewing it, or because it is
/// renewed in the background.
fn good_enough(
    cx: &mut Context,
    rules: &Caching,
    stale: Stale,
) -> Result<Entry, Box<(Ticket, StaleEntry)>> {
    let Stale {
        entry,
        ticket,
        updating,
        while_updating,
        if_error,
    } = stale;
    let may = rules.use_stale.updating || while_updating;
    if may && updating {
        cx.note_cache(CacheStatus::Updating);
        return Ok(entry);
    }
    let kept = StaleEntry {
        entry: entry.clone(),
        if_error,
    };
    if may && rules.background_update {
        cx.note_cache(CacheStatus::Stale);
        refresh::spawn(Rc::clone(&cx.site), cx, ticket, kept);
        return Ok(entry);
    }
    Err(Box::new((ticket, kept)))
}

/// Whether the request wants a range that begins so late that the whole answer is not worth it.
///
/// Source: nginx, `ngx_http_upstream_cache_check_range`.
fn is_far_range(cx: &Context, rules: &Caching) -> bool {
    let (Some(range), Some(most)) = (
        cx.exchange.fields().get(header::RANGE),
        rules.max_range_offset,
    ) else {
        return false;
    };
    if most == 0 {
        return true;
    }
    let range = range.as_bytes();
    let spec = match range.split_at_checked(6) {
        Some((unit, spec)) if unit.eq_ignore_ascii_case(b"bytes=") => spec.trim_ascii_start(),
        _ => return false,
    };
    if spec.first() == Some(&b'-') {
        return true;
    }
    let digits = spec.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let offset = std::str::from_utf8(&spec[..digits]).ok();
    let offset: Option<u64> = offset.and_then(|offset| offset.parse().ok());
    offset.is_some_and(|offset| offset >= most)
}
