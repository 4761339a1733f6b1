//! Worker threads, the acceptor, and the handle that steers them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::accept::{self, Accepted, Complaint, Crowd};
use crate::coalesce;
use crate::connection::{Connection, Moved};
use crate::counters::{Counters, Stats};
use crate::greet;
use crate::handler::ConnectionHandler;
use crate::http1::{Ended, Http1, Kept};
use crate::http2::Http2;
use crate::listen::{ListenAddress, Listeners, Socket};
use crate::spread::{Meter, Spread};
use crate::worker::Worker;

/// How the server runs.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Number of worker threads; `worker_processes`.
    pub workers: usize,
    /// Most connections per worker; `worker_connections`.
    pub worker_connections: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            worker_connections: 512,
        }
    }
}

/// What a worker is told.
pub(crate) enum Order {
    /// Serve this connection.
    Serve(Accepted),
    /// Go on with one that another worker has served so far.
    Adopt(Box<Moved>),
    /// Close idle connections: there are no descriptors left.
    Shed,
    /// These sockets are listened on from now on; connections of others are to go.
    Listeners(Listeners),
    /// Stop accepting, close what is idle, let the rest finish.
    Drain,
    /// End everything.
    Stop,
}

/// One worker as the others see it.
#[derive(Debug)]
pub(crate) struct WorkerLink {
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) counters: Arc<Counters>,
}

/// Steers a running server. May be cloned and sent to any thread; dropping all handles does not
/// stop the server.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    workers: Vec<WorkerLink>,
    spread: Arc<Spread>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    listeners: watch::Sender<Listeners>,
    /// Workers that are still running.
    running: watch::Sender<usize>,
    /// Whether the end has been announced.
    ending: AtomicBool,
}

/// Counts connections of the whole process: nginx's `$connection`.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// Starts the workers and begins to accept.
///
/// `make` is called once on each worker's thread with the worker's number.
///
/// # Errors
///
/// When a thread or its runtime cannot be had.
#[allow(
    clippy::needless_pass_by_value,
    reason = "every worker gets a clone of its own"
)]
pub fn start<H, M>(listeners: Listeners, config: &ServerConfig, make: M) -> io::Result<ServerHandle>
where
    H: ConnectionHandler,
    M: Fn(usize) -> H + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let count = config.workers.max(1);
    let mut links = Vec::with_capacity(count);
    let mut inboxes = Vec::with_capacity(count);
    for _ in 0..count {
        let (orders, inbox) = mpsc::unbounded_channel();
        links.push(WorkerLink {
            orders,
            counters: Arc::default(),
        });
        inboxes.push(inbox);
    }
    let counters = links.iter().map(|link| Arc::clone(&link.counters));
    let shared = Arc::new(Shared {
        spread: Spread::new(counters),
        workers: links,
        threads: Mutex::default(),
        listeners: watch::Sender::new(listeners),
        running: watch::Sender::new(count),
        ending: AtomicBool::new(false),
    });
    for (index, inbox) in inboxes.into_iter().enumerate() {
        let thread = WorkerThread {
            index,
            limit: config.worker_connections,
            first: shared.listeners.borrow().clone(),
            shared: Arc::clone(&shared),
        };
        let make = Arc::clone(&make);
        let handle = thread.start(inbox, move || make(index))?;
        shared
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle);
    }
    Ok(ServerHandle { shared })
}

/// What a worker thread starts with.
struct WorkerThread {
    index: usize,
    limit: usize,
    /// What to listen on at first; orders may change it.
    first: Listeners,
    shared: Arc<Shared>,
}

impl WorkerThread {
    /// Begins to work. The runtime is bound to the thread that makes it, so the thread says first
    /// whether it has one.
    fn start<H: ConnectionHandler>(
        self,
        inbox: mpsc::UnboundedReceiver<Order>,
        make: impl FnOnce() -> H + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let (say, hear) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name(format!("worker {}", self.index));
        let handle = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .on_thread_unpark(coalesce::look)
                .build_local(LocalOptions::default());
            let (runtime, said) = match runtime {
                Ok(runtime) => (Some(runtime), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Whoever starts the thread waits for this.
            let _ = say.send(said);
            if let Some(runtime) = runtime {
                self.run(&runtime, inbox, make);
                // What blocking threads still do concerns nobody any more.
                runtime.shutdown_background();
            }
        })?;
        let ended = || io::Error::other("a worker thread has ended at once");
        hear.recv().unwrap_or_else(|_| Err(ended()))?;
        Ok(handle)
    }

    fn run<H: ConnectionHandler>(
        mut self,
        runtime: &LocalRuntime,
        inbox: mpsc::UnboundedReceiver<Order>,
        make: impl FnOnce() -> H,
    ) {
        let shared = Arc::clone(&self.shared);
        let _running = Running(&shared);
        runtime.block_on(async {
            let counters = Arc::clone(&self.shared.workers[self.index].counters);
            let meter = Meter::new(Arc::clone(&self.shared.spread), self.index);
            let worker = Worker::new(counters, meter);
            let handler = Rc::new(make());
            let first = std::mem::take(&mut self.first);
            self.serve(&worker, &handler, first, inbox).await;
        });
    }

    async fn serve<H: ConnectionHandler>(
        &self,
        worker: &Rc<Worker>,
        handler: &Rc<H>,
        first: Listeners,
        mut inbox: mpsc::UnboundedReceiver<Order>,
    ) {
        let mut acceptors = Vec::new();
        worker.listen_on(&first);
        self.accept(&mut acceptors, &first);
        // Their sockets must be able to go when they are no longer listened on.
        drop(first);
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Serve(accepted) => self.take(worker, handler, accepted),
                Order::Adopt(moved) => self.adopt(worker, handler, moved),
                Order::Shed => worker.shed(),
                Order::Listeners(listeners) => {
                    worker.listen_on(&listeners);
                    let (kept, gone): (Vec<_>, Vec<_>) = (acceptors.into_iter())
                        .partition(|task: &accept::Task| listeners.contains(task.socket()));
                    acceptors = kept;
                    self.take_waiting(worker, handler, &gone);
                    self.accept(&mut acceptors, &listeners);
                    worker.drain(|connection| !listeners.contains(connection.listener()));
                }
                Order::Drain => {
                    self.take_waiting(worker, handler, &std::mem::take(&mut acceptors));
                    worker.begin_to_drain();
                    break;
                }
                Order::Stop => {
                    worker.stop();
                    break;
                }
            }
        }
        drop(acceptors);
        self.wind_down(worker, handler, inbox).await;
    }

    /// Waits until the last connection has gone; further orders may hurry that.
    async fn wind_down<H: ConnectionHandler>(
        &self,
        worker: &Rc<Worker>,
        handler: &Rc<H>,
        mut inbox: mpsc::UnboundedReceiver<Order>,
    ) {
        while !worker.has_ended() {
            tokio::select! {
                () = worker.idle.notified() => {}
                order = inbox.recv() => match order {
                    Some(Order::Stop) | None => worker.stop(),
                    Some(Order::Serve(accepted)) => self.take(worker, handler, accepted),
                    Some(Order::Adopt(moved)) => self.adopt(worker, handler, moved),
                    Some(Order::Listeners(_) | Order::Drain | Order::Shed) => {}
                },
            }
        }
    }

    /// Serves what still waits in the queues of sockets that are given up.
    fn take_waiting<H: ConnectionHandler>(
        &self,
        worker: &Rc<Worker>,
        handler: &Rc<H>,
        gone: &[accept::Task],
    ) {
        for accepted in gone.iter().flat_map(accept::Task::take_waiting) {
            let counters = &worker.counters;
            counters.accepted.fetch_add(1, Relaxed);
            // It has not ended: it is about to serve this one.
            counters.enter();
            self.take(worker, handler, accepted);
        }
    }

    /// Listens on what this worker accepts from: its own socket of a `reuseport` address, and, for
    /// worker 0, all others.
    fn accept(&self, acceptors: &mut Vec<accept::Task>, listeners: &Listeners) {
        let kept = std::mem::take(acceptors);
        for socket in &listeners.sockets {
            let known = kept
                .iter()
                .position(|task| Arc::ptr_eq(task.socket(), socket));
            if known.is_some() {
                continue;
            }
            // Others than those of `reuseport` have one descriptor, for the first worker.
            if self.index < socket.descriptors.len() {
                acceptors.push(self.acceptor(socket));
            }
        }
        let still = |task: &accept::Task| {
            listeners
                .sockets
                .iter()
                .any(|socket| Arc::ptr_eq(task.socket(), socket))
        };
        acceptors.extend(kept.into_iter().filter(still));
    }

    fn acceptor(&self, socket: &Arc<Socket>) -> accept::Task {
        let shared = Arc::clone(&self.shared);
        let crowded = Arc::clone(&self.shared);
        let (own, limit) = (self.index, self.limit);
        let (reuseport, can_move) = (socket.config.reuseport, socket.can_move());
        let make_room = move || {
            for worker in &crowded.workers {
                // One that has ended holds no connections.
                let _ = worker.orders.send(Order::Shed);
            }
        };
        let complaint = RefCell::new(Complaint::default());
        let serve = move |accepted| {
            let workers = &shared.workers;
            let index = if reuseport {
                own
            } else {
                shared.spread.place(can_move, limit)
            };
            let complaint = &mut *complaint.borrow_mut();
            if let Err(accepted) = hand_over(&workers[index], limit, accepted, complaint) {
                // That worker has ended already; this one is still there.
                let _ = hand_over(&workers[own], limit, accepted, complaint);
            }
            match workers[index].counters.is_crowded(limit) {
                true => Crowd::Crowded,
                false => Crowd::Roomy,
            }
        };
        accept::spawn(socket, own, serve, make_room)
    }

    /// Serves a connection until it ends.
    fn take<H: ConnectionHandler>(&self, worker: &Rc<Worker>, handler: &Rc<H>, accepted: Accepted) {
        let counters = &worker.counters;
        Counters::bump(&counters.handled);
        if counters.is_crowded(self.limit) {
            worker.shed();
        }
        let (worker, handler) = (Rc::clone(worker), Rc::clone(handler));
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_local(async move {
            let _counted = Counted(&worker);
            let serial = SERIAL.fetch_add(1, Relaxed);
            let opened = greet::open(accepted, serial, &worker, &*handler).await;
            if let Some((connection, http2)) = opened {
                let registered = Registered::new(connection);
                go_on(&shared, handler, registered, Start::Fresh { http2 }).await;
            }
        });
    }

    /// Goes on with a connection that another worker has served so far.
    fn adopt<H: ConnectionHandler>(&self, worker: &Rc<Worker>, handler: &Rc<H>, moved: Box<Moved>) {
        let start = Start::Kept(moved.kept);
        let Ok(connection) = moved.attach(worker) else {
            worker.count_out();
            return;
        };
        // At once, so that an order to go reaches it.
        let registered = Registered::new(connection);
        let (worker, handler) = (Rc::clone(worker), Rc::clone(handler));
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_local(async move {
            let _counted = Counted(&worker);
            go_on(&shared, handler, registered, start).await;
        });
    }
}

/// Counts a worker out however it ends.
struct Running<'s>(&'s Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// Counts a connection out however its task ends.
struct Counted<'w>(&'w Worker);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count_out();
    }
}

/// Where a driver takes a connection up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// At its beginning.
    Fresh { http2: bool },
    /// Idle after a request.
    Kept(Kept),
}

/// Serves a connection until it is closed or another worker has it.
async fn go_on<H: ConnectionHandler>(
    shared: &Shared,
    handler: Rc<H>,
    mut registered: Registered,
    mut start: Start,
) {
    while let Some(kept) = drive(&handler, &registered.connection, start).await {
        let connection = &registered.connection;
        let target = connection.worker.meter.send_off();
        let worker = Rc::clone(&connection.worker);
        let Ok(moved) = connection.detach(kept) else {
            return;
        };
        drop(registered);
        let Some(link) = shared.workers.get(target) else {
            return;
        };
        let Err(moved) = link.pass_on(Box::new(moved)) else {
            return;
        };
        // That worker has ended; this one is still there.
        let Ok(connection) = moved.attach(&worker) else {
            return;
        };
        registered = Registered::new(connection);
        start = Start::Kept(kept);
    }
}

/// Drives a connection until it is closed, or is to go on elsewhere, kept as the result says.
pub(crate) async fn drive<H: ConnectionHandler>(
    handler: &Rc<H>,
    connection: &Rc<Connection>,
    start: Start,
) -> Option<Kept> {
    std::future::poll_fn(|cx| {
        *connection.driver.borrow_mut() = Some(cx.waker().clone());
        Poll::Ready(())
    })
    .await;
    let kept = match start {
        Start::Fresh { http2: true } => None,
        Start::Fresh { http2: false } => Some(None),
        Start::Kept(kept) => Some(Some(kept)),
    };
    if let Some(kept) = kept {
        match Http1::new(Rc::clone(handler), Rc::clone(connection), kept).await {
            Ended::Closed => return None,
            Ended::Moves(kept) => return Some(kept),
            Ended::Http2 => {}
        }
    }
    Http2::new(Rc::clone(handler), Rc::clone(connection)).await;
    None
}

/// A connection on the list of its worker; asked to go where its socket has been given up meanwhile. Closes it and takes
/// it off, however its task ends.
pub(crate) struct Registered {
    pub(crate) connection: Rc<Connection>,
    key: usize,
}

impl Registered {
    pub(crate) fn new(connection: Rc<Connection>) -> Self {
        if !connection.worker.listens_on(connection.listener()) {
            connection.draining.set(true);
        }
        let key = connection.worker.register(Rc::clone(&connection));
        Self { connection, key }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.connection.transport.close();
        self.connection.worker.unregister(self.key);
    }
}

impl WorkerLink {
    /// Gives the worker a connection; an error returns the order, as the worker has ended.
    pub(crate) fn give(&self, order: Order) -> Result<(), Order> {
        if !self.counters.enter() {
            return Err(order);
        }
        self.orders.send(order).map_err(|error| {
            self.counters.leave();
            error.0
        })
    }

    /// Has the worker go on with a connection; an error returns it.
    fn pass_on(&self, moved: Box<Moved>) -> Result<(), Box<Moved>> {
        match self.give(Order::Adopt(moved)) {
            Err(Order::Adopt(moved)) => Err(moved),
            _ => Ok(()),
        }
    }
}

/// Gives a fresh connection to a worker, or refuses it; an error returns it.
fn hand_over(
    link: &WorkerLink,
    limit: usize,
    accepted: Accepted,
    complaint: &mut Complaint,
) -> Result<(), Accepted> {
    let is_full = link.counters.active() >= limit;
    if is_full {
        if let Some(refused) = complaint.due(Instant::now()) {
            tracing::warn!(
                "{limit} worker_connections are not enough, connections closed: {refused}"
            );
        }
    } else if let Err(Order::Serve(accepted)) = link.give(Order::Serve(accepted)) {
        return Err(accepted);
    }
    link.counters.accepted.fetch_add(1, Relaxed);
    Ok(())
}

impl ServerHandle {
    /// Listens on these sockets from now on. Those that were there before (see
    /// [`Listeners::bind`]) go on without a gap; connections of those that are gone are drained.
    pub fn reload(&self, listeners: Listeners) {
        // The first worker accepts what the others get: they must know of a socket before it does.
        let last_first = self.shared.workers.iter().rev();
        order(last_first, || Order::Listeners(listeners.clone()));
        self.shared.listeners.send_replace(listeners);
    }

    /// The sockets listened on now.
    #[must_use]
    pub fn listeners(&self) -> Listeners {
        self.shared.listeners.borrow().clone()
    }

    /// Where the sockets stand: port 0 has become a real port.
    #[must_use]
    pub fn addresses(&self) -> Vec<ListenAddress> {
        let listeners = self.shared.listeners.borrow();
        listeners
            .addresses()
            .map(|(_, address)| address.clone())
            .collect()
    }

    /// Says that the end is near, so that nobody is sent here any more; nothing else changes.
    pub fn announce_end(&self) {
        self.shared.ending.store(true, Relaxed);
    }

    /// Whether the end has been announced, or has begun.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.shared.ending.load(Relaxed)
    }

    /// Stops accepting, closes idle connections at once, lets requests in flight finish with
    /// `Connection: close`; after `deadline`, ends what is left. Ready when all workers have ended;
    /// `false` when some had to be ended by force.
    pub async fn drain(&self, deadline: Option<Duration>) -> bool {
        self.announce_end();
        // First, so that a socket has gone as soon as the worker has taken what waited there.
        self.shared.listeners.send_replace(Listeners::default());
        order(&self.shared.workers, || Order::Drain);
        let finished = self.finished();
        match deadline {
            None => finished.await,
            Some(deadline) => {
                if tokio::time::timeout(deadline, finished).await.is_err() {
                    self.stop_now().await;
                    return false;
                }
            }
        }
        true
    }

    /// Ends everything. Ready when all workers have ended.
    pub async fn stop_now(&self) {
        order(&self.shared.workers, || Order::Stop);
        self.finished().await;
    }

    /// Ready when all workers have ended.
    pub async fn finished(&self) {
        let mut running = self.shared.running.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = running.wait_for(|&running| running == 0).await;
    }

    /// Waits for the worker threads themselves; after [`Self::finished`] that takes no time.
    pub fn join(&self) {
        let threads = std::mem::take(
            &mut *self
                .shared
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
    }

    /// How the connections are spread.
    #[cfg(test)]
    pub(crate) fn spread(&self) -> &Spread {
        &self.shared.spread
    }

    /// The figures of `stub_status`, added up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for link in &self.shared.workers {
            link.counters.add_to(&mut sum);
        }
        sum
    }
}

/// Gives an order to each of these workers in turn.
fn order<'w>(workers: impl IntoIterator<Item = &'w WorkerLink>, what: impl Fn() -> Order) {
    for link in workers {
        // A worker that has ended needs no orders.
        let _ = link.orders.send(what());
    }
}
