//! One server of a group, and what is known of its health.

use std::time::{Duration, Instant};

/// One server of a group; `A` is its address.
///
/// Source: nginx, ngx_http_upstream_module, `server`.
#[derive(Debug, Clone)]
pub struct Peer<A> {
    /// Where it is.
    pub address: A,
    /// The name that it was written with; hashes of keys are spread by it.
    pub server: Box<str>,
    /// `weight=`; at least 1.
    pub weight: u32,
    /// `max_conns=`; 0 is no limit.
    pub max_conns: u32,
    /// `max_fails=`; 0: failures do not count.
    pub max_fails: u32,
    /// `fail_timeout=`: for how long failures count, and for how long a failed server is spared.
    pub fail_timeout: Duration,
    /// `backup`: asked when no other is left.
    pub backup: bool,
    /// `down`: never asked.
    pub down: bool,
}

impl<A: ToString> Peer<A> {
    /// A server with nginx's defaults, named by its address.
    pub fn new(address: A) -> Self {
        Self {
            server: address.to_string().into(),
            ..Self::with_address(address)
        }
    }
}

impl<A> Peer<A> {
    /// A server with nginx's defaults and without a name.
    pub fn with_address(address: A) -> Self {
        Self {
            server: Box::default(),
            address,
            weight: 1,
            max_conns: 0,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            backup: false,
            down: false,
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer came.
    Served,
    /// None came, or one that asks for another server (`proxy_next_upstream`).
    Failed,
}

/// What changes about a server.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    current_weight: i64,
    effective_weight: i64,
    pub(crate) connections: u32,
    fails: u32,
    /// The last failure.
    accessed: Option<Instant>,
    /// The last failure, or the last try after a time of sparing.
    checked: Option<Instant>,
}

impl Health {
    pub(crate) fn new(weight: u32) -> Self {
        Self {
            current_weight: 0,
            effective_weight: i64::from(weight),
            connections: 0,
            fails: 0,
            accessed: None,
            checked: None,
        }
    }

    /// Whether the server may be asked now.
    pub(crate) fn is_usable<A>(&self, peer: &Peer<A>, now: Instant) -> bool {
        let failed = peer.max_fails > 0 && self.fails >= peer.max_fails;
        let spared =
            failed && self.since_check(now) <= Some(peer.fail_timeout) && self.checked.is_some();
        !peer.down && !spared && self.has_room(peer)
    }

    pub(crate) fn has_room<A>(&self, peer: &Peer<A>) -> bool {
        peer.max_conns == 0 || self.connections < peer.max_conns
    }

    /// Puts its weight onto the scales; says how much that was.
    pub(crate) fn weigh(&mut self, weight: u32) -> i64 {
        let effective = self.effective_weight;
        self.current_weight += effective;
        if effective < i64::from(weight) {
            self.effective_weight += 1;
        }
        effective
    }

    pub(crate) fn current_weight(&self) -> i64 {
        self.current_weight
    }

    /// It was chosen among servers of that weight in all.
    pub(crate) fn chosen(&mut self, total: i64) {
        self.current_weight -= total;
    }

    /// A try begins.
    pub(crate) fn begin(&mut self, fail_timeout: Duration, now: Instant) {
        self.connections += 1;
        if self.since_check(now).is_none_or(|time| time > fail_timeout) {
            self.checked = Some(now);
        }
    }

    /// A try ended. `true` when the server is spared from now on.
    pub(crate) fn end<A>(
        &mut self,
        peer: &Peer<A>,
        outcome: Outcome,
        alone: bool,
        now: Instant,
    ) -> bool {
        self.connections = self.connections.saturating_sub(1);
        if alone {
            self.fails = 0;
            return false;
        }
        if outcome == Outcome::Served {
            if self.accessed < self.checked {
                self.fails = 0;
            }
            return false;
        }
        self.fails = self.fails.saturating_add(1);
        self.accessed = Some(now);
        self.checked = Some(now);
        if peer.max_fails == 0 {
            return false;
        }
        self.effective_weight -= i64::from(peer.weight / peer.max_fails);
        self.effective_weight = self.effective_weight.max(0);
        self.fails >= peer.max_fails
    }

    fn since_check(&self, now: Instant) -> Option<Duration> {
        self.checked
            .map(|checked| now.saturating_duration_since(checked))
    }
}
