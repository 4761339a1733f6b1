//! Stored answers: nginx's `proxy_cache` and `fastcgi_cache` without the requests.
//!
//! What is decided is apart from what is done. [`Freshness`] reads from the head of an answer
//! whether and for how long it may be stored; [`Validity`] is what the operator says of that;
//! [`Key`] and [`variant`] name it. None of them asks a clock or touches a file.
//!
//! A [`Zone`] is the store: an index in memory and a file for each entry, named and placed as nginx
//! does, so that scripts that find and remove files go on working. Small entries are answered from
//! memory; their file is looked at (one `stat`) each time, so an entry whose file was removed is gone
//! at the next request.
//!
//! ```text
//!            ┌── Hit / Stale / Error                     ┌─ store ──▶ index ──▶ file (keeper thread)
//!  open ─────┼── Locked: wait, ask again                 │
//!            ├── Fill: a Ticket ── an answer comes ──────┼─ begin ─▶ Fill: pieces, finish
//!            └── Scarce: not to be stored                ├─ renew (304), fail (error status)
//!                                                        └─ dropped: whoever waits tries next
//! ```
//!
//! Source: nginx, ngx_http_file_cache.c and the cache parts of ngx_http_upstream.c.

mod blocking;
mod config;
mod copy;
mod freshness;
mod index;
mod key;
mod record;
mod temp_file;
mod validity;
mod vary;
mod zone;

pub use config::{Pace, ZoneConfig};
pub use copy::{Copy, Place};
pub use freshness::{Freshness, Ignored, Verdict};
pub use key::Key;
pub use record::{Head, Meta, Record};
pub use validity::Validity;
pub use vary::variant;
pub use zone::{Ask, Body, Entry, Fill, Locked, Moment, Opened, Stale, Ticket, Zone};
