//! The pool: slots and connections that all threads share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::HeaderName;
use portunus_fastcgi::CgiHead;
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use crate::config::{PoolConfig, Reuse};
use crate::connection::{Connection, open_patiently};
use crate::error::{Error, Phase};
use crate::keeper::{self, Seats};
use crate::outage::{self, Outage};
use crate::queue::{Outcome, Place, Queue};
use crate::slots::{Asked, Attention, LONG_WAIT, Released, Reply, Size, Slots, Standing};

/// While a slot is lent and requests wait, another client of FPM gets its turn at such intervals. A connection for each
/// request would cost more than what is lent.
const LENT_FOR: Duration = Duration::from_millis(200);

/// Connections to one FPM. Clones share everything; use it from any thread that runs a
/// tokio runtime with IO and time.
///
/// Dropping the last clone closes the idle connections.
#[derive(Debug, Clone)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
}

/// What the clones share. The lock is held for a few look-ups at most, never across a wait.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: PoolConfig,
    /// The address, as logs and variables have it.
    name: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) slots: Slots<Box<Connection>, Id>,
    pub(crate) seats: Seats,
    pub(crate) reuse: Reuse,
    outage: Outage,
    /// When a worker last went back to `accept`, where whoever waits there the longest has its turn.
    turn_given: Option<Instant>,
}

impl State {
    /// Whether the other clients of FPM should have had a turn by now, if there are any.
    fn owes_turn(&self, rules: &Reuse, now: Instant) -> bool {
        self.turn_given
            .is_none_or(|given| now.saturating_duration_since(given) >= rules.recycle_after)
    }
}

/// How busy the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Slots there are.
    pub limit: usize,
    /// Slots in use.
    pub active: usize,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// Requests that wait for a slot.
    pub waiting: usize,
}

impl Pool {
    /// A pool without any connection. Needs no runtime yet.
    #[must_use]
    pub fn new(config: PoolConfig) -> Self {
        let slots = Slots::new(config.size);
        let state = Mutex::new(State {
            slots,
            seats: Seats::default(),
            reuse: config.reuse,
            outage: Outage::default(),
            turn_given: None,
        });
        Self {
            shared: Arc::new(Shared {
                name: config.address.to_string().into(),
                config,
                state,
            }),
        }
    }

    /// The rules this pool was made with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.shared.config
    }

    /// The address, as nginx writes it into logs and `$upstream_addr`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    /// How busy the pool is now.
    #[must_use]
    pub fn load(&self) -> Load {
        let state = self.shared.lock();
        Load {
            limit: state.slots.limit(),
            active: state.slots.active(),
            idle: state.slots.idle.len(),
            waiting: state.slots.line.len(),
        }
    }

    /// Changes size and rules, as more becomes known of FPM. What is in use finishes first.
    pub fn learn(&self, size: Size, reuse: Reuse) {
        let mut state = self.shared.lock();
        state.reuse = reuse;
        let released = state.slots.resize(size, now());
        drop(state);
        released.into_iter().for_each(settle);
        keeper::look_again(&self.shared);
    }

    /// Changes the rules alone.
    pub fn keep_by(&self, reuse: Reuse) {
        self.shared.lock().reuse = reuse;
        keeper::look_again(&self.shared);
    }

    /// The rules in force.
    #[must_use]
    pub fn reuse(&self) -> Reuse {
        self.shared.lock().reuse
    }

    /// Takes note that PHP-FPM is at the other end: it may be asked what others might not understand.
    pub fn meet_fpm(&self) {
        self.shared.lock().slots.watch.meet_fpm();
    }

    /// Whether PHP-FPM is known to be at the other end.
    #[must_use]
    pub fn has_met_fpm(&self) -> bool {
        !self.shared.lock().slots.watch.is_blind()
    }

    /// Whether both are clones of one pool.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Lets requests of a lane use so many slots at most; half of them for `None`. Lane 0 is the
    /// general one.
    pub fn set_lane(&self, lane: usize, slots: Option<usize>) {
        let mut state = self.shared.lock();
        state.slots.set_lane(lane, slots);
        let released = state.slots.refill(now());
        drop(state);
        released.into_iter().for_each(settle);
        keeper::look_again(&self.shared);
    }

    /// Closes all idle connections. To be called before FPM is signalled: an idle connection
    /// makes its graceful exit wait.
    pub fn close_idle(&self) {
        let idle = std::mem::take(&mut self.shared.lock().slots.idle);
        keeper::refill(&self.shared, idle);
        keeper::look_again(&self.shared);
    }

    /// A slot, or a place in the line, from which `waker` is told when there is one.
    ///
    /// # Errors
    /// [`Error::QueueFull`].
    pub(crate) fn ask(
        &self,
        lane: usize,
        queue: Queue,
        now: Instant,
        waker: &Waker,
    ) -> Result<Result<Lease, Waiting<'_>>, Error> {
        let worker = Handle::current().id();
        let mut state = self.shared.lock();
        let (place, woken) = match state.slots.ask(worker, lane, queue, now.into_std()) {
            Asked::Granted(connection) => {
                return Ok(Ok(self.lease(&mut state, lane, worker, connection, now)));
            }
            Asked::Full => {
                let retry_after = state.slots.expected_wait(now.into_std());
                return Err(Error::QueueFull { retry_after });
            }
            Asked::Wait(place, woken) => (place, woken),
        };
        // Nobody can have given it anything yet.
        let _ = state.slots.poll(place, &mut Context::from_waker(waker));
        let wait = match state.slots.can_lend_to(lane) {
            true => LONG_WAIT.min(queue.timeout),
            false => queue.timeout,
        };
        keeper::expect(&self.shared, state, worker, now + wait);
        woken.into_iter().for_each(Waker::wake);
        Ok(Err(Waiting {
            pool: self,
            lane,
            worker,
            place: Some(place),
        }))
    }

    fn lease(
        &self,
        state: &mut State,
        lane: usize,
        worker: Id,
        connection: Option<Box<Connection>>,
        now: Instant,
    ) -> Lease {
        let standing = match connection {
            Some(_) => state.slots.adopted(),
            None => Standing::Unknown,
        };
        let (lent, mut rules) = (state.slots.mark_lent(), state.reuse);
        if lent {
            rules.recycle_after = rules.recycle_after.min(LENT_FOR);
        }
        Lease {
            pool: self.clone(),
            lane,
            worker,
            connection,
            standing,
            unheard: None,
            rules,
            lent,
            guessing: state.slots.is_guessing(),
            blind: state.slots.watch.is_blind(),
            since: now,
            waited: Duration::ZERO,
            held: true,
        }
    }

    pub(crate) fn expected_wait(&self) -> Duration {
        self.shared.lock().slots.expected_wait(now())
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics half-way, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.seats.wake_all();
    }
}

/// Whether PHP says who it is (`expose_php`).
fn is_php(head: &CgiHead) -> bool {
    static POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
    let by = head.fields.get(&POWERED_BY);
    by.is_some_and(|by| by.as_bytes().starts_with(b"PHP/"))
}

/// Now, for [`Slots`], which knows no runtime.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Does outside of the lock what a release left to do.
pub(crate) fn settle(released: Released<Box<Connection>>) {
    drop(released.close);
    if let Some(waker) = released.wake {
        waker.wake();
    }
}

/// Does what a release on `worker`, the calling thread, left to do. Its keeper is told what it has to look after from
/// now on: an idle connection, and somebody to lend to.
fn go_on(
    shared: &Arc<Shared>,
    mut state: MutexGuard<'_, State>,
    worker: Id,
    released: Released<Box<Connection>>,
    now: Instant,
) {
    let idle = released.is_idle.then(|| {
        state.watch_newest_idle(worker);
        let close_at = now + state.reuse.idle_timeout;
        match state.slots.idle.back().map(|idle| idle.attention) {
            Some(Attention::Unknown(Some(ask_at))) => close_at.min(ask_at.into()),
            _ => close_at,
        }
    });
    // Nobody took the slot: somebody may be lent it some time.
    let is_left = released.wake.is_none() && state.slots.line.len() > 0;
    let lend = is_left.then(|| state.slots.next_lend()).flatten();
    let lend = lend.map(Instant::from_std);
    match [idle, lend].into_iter().flatten().min() {
        Some(due) => keeper::expect(shared, state, worker, due),
        None => drop(state),
    }
    settle(released);
}

/// Standing in line; dropped, the place is given up.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    pool: &'a Pool,
    lane: usize,
    worker: Id,
    place: Option<Place>,
}

impl Waiting<'_> {
    /// Ready with a lease, or without one when time is up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Lease>> {
        let Some(place) = self.place else {
            return Poll::Pending;
        };
        let mut state = self.pool.shared.lock();
        let outcome = ready!(state.slots.poll(place, cx));
        self.place = None;
        Poll::Ready(match outcome {
            Outcome::Granted(connection) => {
                let (lane, worker) = (self.lane, self.worker);
                let now = Instant::now();
                Some(self.pool.lease(&mut state, lane, worker, connection, now))
            }
            Outcome::Expired => None,
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let shared = &self.pool.shared;
            let now = Instant::now();
            let mut state = shared.lock();
            let released = state.slots.leave(place, self.worker, now.into_std());
            go_on(shared, state, self.worker, released, now);
        }
    }
}

/// A slot. Dropped, it goes to the next request, without a connection.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Pool,
    lane: usize,
    worker: Id,
    connection: Option<Box<Connection>>,
    standing: Standing,
    /// The number that the request has in the backlog until its answer begins, on a fresh connection.
    unheard: Option<u64>,
    rules: Reuse,
    /// The slot is one that others need back soon.
    lent: bool,
    guessing: bool,
    /// Nobody knows yet that FPM is at the other end.
    blind: bool,
    /// When the slot was taken.
    pub(crate) since: Instant,
    /// How long the request stood in line.
    pub(crate) waited: Duration,
    held: bool,
}

impl Lease {
    /// The rules in force when the slot was taken.
    pub(crate) fn rules(&self) -> &Reuse {
        &self.rules
    }

    /// Whether FPM may be asked to keep the connection after a request, with a body or without. It
    /// then waits for another until we close; where there will be none, it had better close itself.
    pub(crate) fn may_keep(&self, has_body: bool) -> bool {
        !self.rules.is_never() && (self.rules.after_body || !has_body)
    }

    /// The answer begins: one worker is at work for certain.
    pub(crate) fn answered(&mut self, head: &CgiHead) {
        if std::mem::take(&mut self.blind) && is_php(head) {
            self.pool.meet_fpm();
        }
        let unheard = self.unheard.take();
        if !self.guessing && unheard.is_none() {
            return;
        }
        let mut state = self.pool.shared.lock();
        state.slots.backlog.leave(unheard);
        let (standing, released) = state.slots.answered(self.standing, now());
        self.standing = standing;
        drop(state);
        released.into_iter().for_each(settle);
    }

    /// How long a worker may take to show that it waits for a request; `None` where the other end is not asked.
    pub(crate) fn answers_questions(&self) -> Option<Duration> {
        let state = self.pool.shared.lock();
        let watch = &state.slots.watch;
        (!watch.is_blind()).then(|| watch.late_after())
    }

    /// A worker was asked whether it waits for a request.
    pub(crate) fn note_reply(&self, reply: Reply, after: Duration) {
        self.pool.shared.lock().slots.watch.note(reply, after);
    }

    /// The connection that came with the slot, if it is alive and can be had on this thread.
    pub(crate) fn take_connection(&mut self) -> Option<Box<Connection>> {
        let mut connection = self.connection.take()?.move_to(self.worker).ok()?;
        (!connection.is_stale()).then_some(connection)
    }

    /// A connection of our own; a `hasty` one is tried for once.
    ///
    /// # Errors
    /// [`Error::Connect`], or [`Error::Timeout`] after `timeout`.
    pub(crate) async fn connect(
        &mut self,
        timeout: Duration,
        hasty: bool,
    ) -> Result<Box<Connection>, Error> {
        // What came with the slot must be closed first, or there would be two.
        self.connection = None;
        let shared = &self.pool.shared;
        let started = Instant::now();
        let patience = match hasty {
            true => Duration::ZERO,
            false => shared.config.restart_patience,
        };
        let down_since = shared.lock().outage.since(started);
        let patience = down_since.map_or(started, |since| since.min(started)) + patience;
        let opened = open_patiently(&shared.config, started + timeout, patience).await;
        match opened {
            Ok(connection) => {
                let mut state = shared.lock();
                state.outage.end();
                self.standing = state.slots.opened(self.standing, now());
                let took = state.slots.watch.took();
                let backlog = &mut state.slots.backlog;
                backlog.leave(self.unheard.take());
                self.unheard = Some(backlog.enter(took, now()));
                Ok(Box::new(connection))
            }
            Err(source) if source.kind() == std::io::ErrorKind::TimedOut => {
                Err(Error::Timeout(Phase::Connecting))
            }
            Err(source) => {
                let is_news = shared.lock().outage.meet(started, Instant::now());
                if is_news {
                    let (name, remedy) = (&shared.name, outage::remedy(&source));
                    tracing::warn!("PHP-FPM at {name} takes no connections{remedy}");
                }
                let to = match &shared.config.address {
                    crate::Address::Tcp(_) => String::new(),
                    unix @ crate::Address::Unix(_) => format!(" to {unix}"),
                };
                Err(Error::Connect { to, source })
            }
        }
    }

    /// The client left before it had its answer: a sign that the line is too slow.
    pub(crate) fn abandoned(&self) {
        if !self.waited.is_zero() {
            self.pool
                .shared
                .lock()
                .slots
                .line
                .abandoned(self.waited, now());
        }
    }

    /// Gives the slot back, with a connection that is fit for another request.
    pub(crate) fn finish(mut self, connection: Option<Box<Connection>>, now: Instant) {
        self.give_back(connection, now);
    }

    fn give_back(&mut self, mut connection: Option<Box<Connection>>, now: Instant) {
        self.held = false;
        let shared = &self.pool.shared;
        let offered = connection.is_some();
        let rules = &self.rules;
        let aged = connection
            .as_ref()
            .is_some_and(|kept| kept.is_aged(rules, now));
        let mut state = shared.lock();
        state.slots.forget(self.standing);
        let backlog = &mut state.slots.backlog;
        backlog.leave(self.unheard.take());
        let is_owed = backlog.takes_turn(now.into_std());
        if std::mem::take(&mut self.lent) {
            state.slots.unmark_lent();
        }
        let aged = aged && state.slots.is_full() && state.owes_turn(rules, now);
        let recycled = aged || (is_owed && offered);
        if recycled || !offered {
            state.turn_given = Some(now);
        }
        // Closed outside of the lock, and before anybody else connects: its worker is then free.
        if recycled {
            drop(state);
            drop(connection.take());
            state = shared.lock();
        }
        state.slots.watch.ended(now - self.since);
        let released = state
            .slots
            .release(self.worker, self.lane, connection, now.into_std());
        go_on(shared, state, self.worker, released, now);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The connection first: its worker is free only once it is closed.
        self.connection = None;
        if self.held {
            self.give_back(None, Instant::now());
        }
    }
}
