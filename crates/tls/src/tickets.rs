//! Sessions that may be resumed: kept by the client in sealed tickets, or here.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::server::{ProducesTickets, StoresServerSessions};

/// Tells the sessions of one server block from those of others, so that none is resumed where other
/// rules hold (CVE-2025-23419 is what happens else).
pub(crate) type Scope = [u8; 32];

type Ticketer = Arc<dyn ProducesTickets>;

const NAME: usize = 16;

/// The content of a `ssl_session_ticket_key` file: 48 or 80 bytes.
///
/// Differs: the tickets are not OpenSSL's, so servers that share a key must all be of this kind.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey(Vec<u8>);

impl TicketKey {
    /// Takes the content of a key file; `None` if it has another length.
    #[must_use]
    pub fn new(content: Vec<u8>) -> Option<Self> {
        matches!(content.len(), 48 | 80).then_some(Self(content))
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

/// What outlives a reload, so that sessions do: tickets' keys and session caches.
#[derive(Clone, Debug, Default)]
pub struct KeptSessions {
    tickets: Arc<Mutex<HashMap<(Scope, Duration), Ticketer>>>,
    caches: Arc<Mutex<HashMap<String, Arc<SessionCache>>>>,
}

impl KeptSessions {
    /// Seals tickets with keys of our own, which change as often as tickets end.
    ///
    /// Source: nginx, `ngx_ssl_rotate_ticket_keys`.
    pub(crate) fn tickets(
        &self,
        scope: Scope,
        lifetime: Duration,
    ) -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
        let mut known = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = match known.get(&(scope, lifetime)) {
            Some(inner) => Arc::clone(inner),
            None => {
                let made = Rotating::new(scope, lifetime, Instant::now());
                let made: Ticketer = Arc::new(made.ok_or(rustls::Error::FailedToGetRandomBytes)?);
                known.insert((scope, lifetime), Arc::clone(&made));
                made
            }
        };
        Ok(Arc::new(Timed { inner, lifetime }))
    }

    /// The cache of a name; the first to ask says how large it is.
    pub(crate) fn cache(&self, name: &str, sessions: usize) -> Arc<SessionCache> {
        let mut known = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(SessionCache::new(sessions));
        Arc::clone(known.entry(name.to_owned()).or_insert_with(make))
    }
}

/// Keys of our own. The one before the last still opens, for its tickets have as long to live.
#[derive(Debug)]
struct Rotating {
    scope: Scope,
    period: Duration,
    keys: Mutex<Keys>,
}

#[derive(Debug)]
struct Keys {
    since: Instant,
    last: Sealer,
    before: Option<Sealer>,
}

impl Rotating {
    fn new(scope: Scope, period: Duration, now: Instant) -> Option<Self> {
        let keys = Mutex::new(Keys {
            since: now,
            last: Sealer::random(scope)?,
            before: None,
        });
        Some(Self {
            scope,
            period,
            keys,
        })
    }

    fn with_keys<T>(&self, now: Instant, with: impl FnOnce(&Keys) -> Option<T>) -> Option<T> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(keys.since);
        if age >= self.period {
            let last = std::mem::replace(&mut keys.last, Sealer::random(self.scope)?);
            keys.before = (age < self.period * 2).then_some(last);
            keys.since = now;
        }
        with(&keys)
    }

    fn seal(&self, plain: &[u8], now: Instant) -> Option<Vec<u8>> {
        self.with_keys(now, |keys| keys.last.seal(plain))
    }

    fn open(&self, ticket: &[u8], now: Instant) -> Option<Vec<u8>> {
        self.with_keys(now, |keys| {
            let before = || keys.before.as_ref()?.open(ticket);
            keys.last.open(ticket).or_else(before)
        })
    }
}

impl ProducesTickets for Rotating {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, Instant::now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, Instant::now())
    }
}

/// Tickets that are no good after a time: `ssl_session_timeout`.
#[derive(Debug)]
struct Timed {
    inner: Arc<dyn ProducesTickets>,
    lifetime: Duration,
}

impl ProducesTickets for Timed {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, now())
    }
}

impl Timed {
    fn seal(&self, plain: &[u8], now: u64) -> Option<Vec<u8>> {
        self.inner.encrypt(&[&now.to_be_bytes(), plain].concat())
    }

    /// A ticket of the future, which is one from before the clock was set back, is no good either.
    fn open(&self, cipher: &[u8], now: u64) -> Option<Vec<u8>> {
        let plain = self.inner.decrypt(cipher)?;
        let (issued, plain) = plain.split_first_chunk()?;
        let age = now.checked_sub(u64::from_be_bytes(*issued))?;
        (age <= self.lifetime.as_secs()).then(|| plain.to_vec())
    }
}

/// By the wall clock: tickets outlive the process where the keys are the operator's.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Seals tickets with the operator's keys: the first one seals, all of them open.
pub(crate) fn with_keys(
    keys: &[TicketKey],
    scope: Scope,
    lifetime: Duration,
) -> Arc<dyn ProducesTickets> {
    let inner = Fixed(keys.iter().map(|key| Sealer::new(key, scope)).collect());
    Arc::new(Timed {
        inner: Arc::new(inner),
        lifetime,
    })
}

#[derive(Debug)]
struct Fixed(Vec<Sealer>);

struct Sealer {
    name: [u8; NAME],
    key: LessSafeKey,
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Sealer {
    /// A key that nobody else has.
    fn random(scope: Scope) -> Option<Self> {
        let mut content = vec![0; 48];
        SystemRandom::new().fill(&mut content).ok()?;
        Some(Self::new(&TicketKey(content), scope))
    }

    fn new(TicketKey(content): &TicketKey, scope: Scope) -> Self {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(content);
        let mut name = [0; NAME];
        expand(&secret, &[b"ticket name", &scope], &mut name);
        let mut key = [0; 32];
        expand(&secret, &[b"ticket key", &scope], &mut key);
        let key = UnboundKey::new(&aead::AES_256_GCM, &key).expect("the key has 32 bytes");
        Self {
            name,
            key: LessSafeKey::new(key),
        }
    }

    fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; aead::NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let number = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(number, Aad::from(self.name), &mut sealed)
            .ok()?;
        Some([&self.name[..], &nonce, &sealed].concat())
    }

    fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        if *name != self.name {
            return None;
        }
        let (nonce, sealed) = rest.split_first_chunk()?;
        let mut sealed = sealed.to_vec();
        let number = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .key
            .open_in_place(number, Aad::from(self.name), &mut sealed);
        plain.ok().map(|plain| plain.to_vec())
    }
}

fn expand(secret: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) {
    secret
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("HKDF gives up to 255 hashes");
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl ProducesTickets for Fixed {
    fn enabled(&self) -> bool {
        !self.0.is_empty()
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.first()?.seal(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.iter().find_map(|sealer| sealer.open(cipher))
    }
}

/// Sessions kept here: `ssl_session_cache builtin` and `shared`. The oldest goes first.
#[derive(Debug)]
pub(crate) struct SessionCache {
    most: usize,
    kept: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<Vec<u8>, (Instant, Vec<u8>)>,
    /// In the order they came; some may have been taken since.
    order: VecDeque<Vec<u8>>,
}

impl SessionCache {
    fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            kept: Mutex::default(),
        }
    }

    fn put(&self, id: Vec<u8>, session: Vec<u8>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.order.len() >= self.most {
            let oldest = kept.order.pop_front().unwrap_or_default();
            kept.by_id.remove(&oldest);
        }
        kept.order.push_back(id.clone());
        kept.by_id.insert(id, (Instant::now(), session));
    }

    fn find(&self, id: &[u8], lifetime: Duration, take: bool) -> Option<Vec<u8>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, session) = match take {
            true => kept.by_id.remove(id)?,
            false => kept.by_id.get(id)?.clone(),
        };
        (since.elapsed() <= lifetime).then_some(session)
    }
}

/// The cache as one server block sees it.
#[derive(Debug)]
pub(crate) struct ScopedCache {
    pub(crate) cache: Arc<SessionCache>,
    pub(crate) scope: Scope,
    pub(crate) lifetime: Duration,
}

impl ScopedCache {
    fn id(&self, key: &[u8]) -> Vec<u8> {
        [&self.scope[..], key].concat()
    }
}

impl StoresServerSessions for ScopedCache {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.cache.put(self.id(&key), value);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache.find(&self.id(key), self.lifetime, false)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.cache.find(&self.id(key), self.lifetime, true)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_first_key_seals_and_all_open() {
        let key = |byte| TicketKey::new(vec![byte; 48]).unwrap();
        let old = with_keys(&[key(1)], [0; 32], MINUTE);
        let new = with_keys(&[key(2), key(1)], [0; 32], MINUTE);
        let ticket = old.encrypt(b"session").unwrap();
        assert_eq!(new.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        let ticket = new.encrypt(b"session").unwrap();
        assert_eq!(old.decrypt(&ticket), None);
        let mut broken = new.encrypt(b"session").unwrap();
        *broken.last_mut().unwrap() ^= 1;
        assert_eq!(new.decrypt(&broken), None);
        assert!(TicketKey::new(vec![0; 47]).is_none());
    }

    #[test]
    fn a_ticket_is_good_in_its_scope_only() {
        let key = [TicketKey::new(vec![7; 80]).unwrap()];
        let (one, two) = (
            with_keys(&key, [1; 32], MINUTE),
            with_keys(&key, [2; 32], MINUTE),
        );
        assert_eq!(two.decrypt(&one.encrypt(b"session").unwrap()), None);
        let kept = KeptSessions::default();
        let before = kept.tickets([1; 32], MINUTE).unwrap();
        let after = kept.tickets([1; 32], MINUTE).unwrap();
        let other = kept.tickets([2; 32], MINUTE).unwrap();
        let ticket = before.encrypt(b"session").unwrap();
        assert_eq!(after.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(other.decrypt(&ticket), None);
    }

    #[test]
    fn keys_change_and_the_one_before_still_opens() {
        let start = Instant::now();
        let tickets = Rotating::new([0; 32], MINUTE, start).unwrap();
        let ticket = tickets.seal(b"session", start).unwrap();
        let name = |ticket: &[u8]| ticket[..NAME].to_vec();
        let at = |seconds| start + Duration::from_secs(seconds);
        let other = tickets.seal(b"session", at(59)).unwrap();
        assert_eq!(name(&ticket), name(&other));
        let other = tickets.seal(b"session", at(61)).unwrap();
        assert_ne!(name(&ticket), name(&other));
        assert_eq!(
            tickets.open(&ticket, at(62)).as_deref(),
            Some(&b"session"[..])
        );
        assert_eq!(tickets.open(&ticket, at(122)), None);
        assert_eq!(
            tickets.open(&other, at(123)).as_deref(),
            Some(&b"session"[..])
        );
        // Nobody has asked for long: all that is known is old.
        assert_eq!(tickets.open(&other, at(900)), None);
    }

    #[test]
    fn a_ticket_is_good_for_its_time_only() {
        let tickets = Timed {
            inner: Arc::new(Rotating::new([0; 32], MINUTE, Instant::now()).unwrap()),
            lifetime: MINUTE,
        };
        let ticket = tickets.seal(b"session", 10_000).unwrap();
        let is_good = |now| tickets.open(&ticket, now).as_deref() == Some(&b"session"[..]);
        assert!(is_good(10_000) && is_good(10_060));
        assert!(!is_good(10_061), "it is too old");
        assert!(!is_good(13_600), "an hour forward");
        assert!(!is_good(6_400), "an hour back");
    }

    #[test]
    fn a_cache_forgets_the_oldest() {
        let cache = ScopedCache {
            cache: KeptSessions::default().cache("SSL", 2),
            scope: [0; 32],
            lifetime: MINUTE,
        };
        for id in [b"1", b"2", b"3"] {
            assert!(cache.put(id.to_vec(), id.to_vec()));
        }
        assert_eq!(cache.get(b"1"), None);
        assert_eq!(cache.get(b"2"), Some(b"2".to_vec()));
        assert_eq!(cache.take(b"3"), Some(b"3".to_vec()));
        assert_eq!(cache.take(b"3"), None);
    }
}
