//! Whether an answer may be stored, and for how long, as its own head says.
//!
//! The fields are looked at one by one in the order of the head, as nginx does while it parses: that
//! order matters (`Expires` gives way to a `Cache-Control` before or after it, `Set-Cookie` to
//! nothing).
//!
//! Differs: `X-Accel-Expires` rules over what stands before it, too, and so does `max-age` over `Expires`. That is so in
//! nginx since 1.23; before, what had once forbidden it stood, whatever came behind.
//!
//! Source: nginx, `ngx_http_upstream_process_cache_control`, `…_expires`, `…_accel_expires`,
//! `…_set_cookie`, `…_vary`; RFC 9111 §4.2, RFC 5861.

mod cache_control;

use bytes::Bytes;

use self::cache_control::{Directives, Lifetime};
use crate::vary;

/// Fields that say nothing here (`proxy_ignore_headers`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a set of independent words")]
pub struct Ignored {
    /// `X-Accel-Expires`.
    pub accel_expires: bool,
    /// `Expires`.
    pub expires: bool,
    /// `Cache-Control`.
    pub cache_control: bool,
    /// `Set-Cookie`.
    pub set_cookie: bool,
    /// `Vary`.
    pub vary: bool,
}

/// What is known after some of the fields.
#[derive(Clone, Debug)]
pub struct Freshness {
    now: i64,
    ignored: Ignored,
    /// Something forbids it whatever else is said.
    forbidden: bool,
    /// `no-cache` and its like; `X-Accel-Expires` overrides it.
    no_cache: bool,
    /// `Expires` lies in the past; a time from elsewhere overrides it.
    expired: bool,
    /// Valid until then, where something says so.
    valid: Option<i64>,
    updating: u64,
    error: u64,
    vary: Option<Vec<u8>>,
    seen_accel_expires: bool,
    seen_expires: bool,
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the answer may be stored at all.
    pub storable: bool,
    /// Until when it is fresh, in seconds since the epoch; where it does not say, the operator's
    /// [`Validity`](crate::Validity) does.
    pub valid: Option<i64>,
    /// `stale-while-revalidate`: so many seconds longer while it is being renewed.
    pub updating: u64,
    /// `stale-if-error`: so many seconds longer if it cannot be renewed.
    pub error: u64,
    /// `Vary`; empty if there is none.
    pub vary: Bytes,
}

impl Freshness {
    /// Nothing is known yet. `now` in seconds since the epoch.
    #[must_use]
    pub fn new(now: i64, ignored: Ignored) -> Self {
        Self {
            now,
            ignored,
            forbidden: false,
            no_cache: false,
            expired: false,
            valid: None,
            updating: 0,
            error: 0,
            vary: None,
            seen_accel_expires: false,
            seen_expires: false,
        }
    }

    /// Reads a whole head.
    #[must_use]
    pub fn of<'f>(
        now: i64,
        ignored: Ignored,
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>,
    ) -> Verdict {
        let mut freshness = Self::new(now, ignored);
        for (name, value) in fields {
            freshness.field(name, value);
        }
        freshness.verdict()
    }

    /// Reads a field.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        // Lengths tell nearly all other fields apart at once.
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            4 if is("vary") => self.vary(value),
            7 if is("expires") => self.expires(value),
            10 if is("set-cookie") => self.forbidden |= !self.ignored.set_cookie,
            13 if is("cache-control") => self.cache_control(value),
            15 if is("x-accel-expires") => self.accel_expires(value),
            _ => {}
        }
    }

    /// What all the fields together say.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        let vary = self.vary.unwrap_or_default();
        let too_long = vary.len() > vary::LONGEST;
        Verdict {
            storable: !(self.forbidden || self.no_cache || self.expired || too_long),
            valid: self.valid,
            updating: self.updating,
            error: self.error,
            vary: vary.into(),
        }
    }

    fn accel_expires(&mut self, value: &[u8]) {
        // nginx ignores the second one.
        if std::mem::replace(&mut self.seen_accel_expires, true) || self.ignored.accel_expires {
            return;
        }
        let valid = match value.strip_prefix(b"@") {
            Some(moment) => number(moment),
            None => match number(value) {
                Some(0) => {
                    self.forbidden = true;
                    None
                }
                seconds => seconds.map(|seconds| self.now.saturating_add(seconds)),
            },
        };
        if valid.is_some() {
            // nginx has no other sign for "not known" than 0.
            self.valid = valid.filter(|valid| *valid != 0);
            self.no_cache = false;
            self.expired = false;
        }
    }

    fn expires(&mut self, value: &[u8]) {
        let again = std::mem::replace(&mut self.seen_expires, true);
        if again || self.ignored.expires || self.valid.is_some() {
            return;
        }
        match http_time(value).filter(|moment| *moment >= self.now) {
            Some(moment) => self.valid = Some(moment),
            None => self.expired = true,
        }
    }

    fn cache_control(&mut self, value: &[u8]) {
        if self.ignored.cache_control {
            return;
        }
        let directives = Directives(value);
        if self.valid.is_none() || !self.seen_accel_expires {
            if directives.forbid() {
                self.no_cache = true;
                return;
            }
            match directives.lifetime() {
                Lifetime::Unsaid => {}
                Lifetime::Nonsense => {
                    self.forbidden = true;
                    return;
                }
                Lifetime::Seconds(0) => {
                    self.no_cache = true;
                    return;
                }
                Lifetime::Seconds(seconds) => {
                    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                    self.valid = Some(self.now.saturating_add(seconds));
                    self.expired = false;
                }
            }
        }
        match directives.seconds(b"stale-while-revalidate=") {
            Lifetime::Unsaid => {}
            Lifetime::Nonsense => {
                self.forbidden = true;
                return;
            }
            Lifetime::Seconds(seconds) => {
                self.updating = seconds;
                self.error = seconds;
            }
        }
        match directives.seconds(b"stale-if-error=") {
            Lifetime::Unsaid => {}
            Lifetime::Nonsense => self.forbidden = true,
            Lifetime::Seconds(seconds) => self.error = seconds,
        }
    }

    fn vary(&mut self, value: &[u8]) {
        if self.ignored.vary || self.forbidden {
            return;
        }
        if value == b"*" {
            self.forbidden = true;
            return;
        }
        match &mut self.vary {
            Some(vary) => {
                vary.extend_from_slice(b", ");
                vary.extend_from_slice(value);
            }
            None => self.vary = Some(value.to_vec()),
        }
    }
}

/// Digits and nothing else.
fn number(text: &[u8]) -> Option<i64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

fn http_time(value: &[u8]) -> Option<i64> {
    let time = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests;
