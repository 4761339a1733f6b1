//! The tower services that the `server` crate drives.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use arc_swap::{ArcSwap, Cache};
use http::Response;
use portunus_routing::{Captures, Host};
use portunus_server::{
    Connection, ConnectionHandler, Exchange, Refusal, RequestBody as Incoming, Settings,
};
use portunus_static_files::Moment;
use portunus_telemetry::Severity;

use crate::act::act;
use crate::body::ResponseBody;
use crate::config::{Site, SiteRef};
use crate::context::{Context, RequestHead};
use crate::engine::{Plan, Step, decide};
use crate::explain;
use crate::in_place::boxed;
use crate::request_body::RequestBody;
use crate::respond::finish;
use crate::start::{TARGET_REFUSED, server_of_refused, start};

/// The snapshot in force; a reload puts another one in.
pub type SharedSite = Arc<ArcSwap<Site>>;

/// Serves the connections of one worker thread.
#[derive(Debug)]
pub struct Handler {
    current: RefCell<Current>,
}

/// The snapshot as one thread knows it.
#[derive(Debug)]
struct Current {
    /// Tells by one look whether there is a newer one.
    newest: Cache<SharedSite, Arc<Site>>,
    /// So that a request counts its references without touching what other threads touch.
    site: SiteRef,
}

impl Handler {
    /// A handler for the thread that calls this.
    #[must_use]
    pub fn new(shared: SharedSite) -> Self {
        let site = Rc::new(shared.load_full().into());
        let newest = Cache::new(shared);
        Self {
            current: RefCell::new(Current { newest, site }),
        }
    }

    /// A request that the gate has refused is answered, and logged, in its server as far as it is known.
    fn refuse(&self, exchange: &Rc<Exchange>, refusal: &Refusal) -> Answering {
        let site = self.site();
        let mut cx = refused(&site, exchange, refusal);
        let code = if cx.target_refused { 400 } else { refusal.code };
        answering(decide(&mut cx, &site, Step::Fail(code)), cx)
    }

    /// The snapshot in force.
    fn site(&self) -> SiteRef {
        let mut current = self.current.borrow_mut();
        let Current { newest, site } = &mut *current;
        let newest = newest.load();
        if !Arc::ptr_eq(newest, &site.site) {
            *site = Rc::new(Arc::clone(newest).into());
        }
        Rc::clone(site)
    }
}

/// What is known of a request that the gate has refused, in its server as far as that is known; the
/// reason is logged.
fn refused(site: &SiteRef, exchange: &Rc<Exchange>, refusal: &Refusal) -> Box<Context> {
    let head = RequestHead::of(exchange);
    let mut cx = Box::new(Context::new(
        Rc::clone(site),
        Rc::clone(exchange),
        head,
        RequestBody::Gone,
    ));
    server_of_refused(&mut cx, site, refusal);
    // nginx reads the target before the fields.
    let reason = match cx.target_refused {
        true => TARGET_REFUSED,
        false => &refusal.reason,
    };
    cx.log(Severity::Info, format_args!("{reason}"));
    cx
}

/// A handle that connections of one thread share.
#[derive(Debug, Clone)]
pub struct Worker(Rc<Handler>);

impl From<Handler> for Worker {
    fn from(handler: Handler) -> Self {
        Self(Rc::new(handler))
    }
}

/// Answers the requests of one connection.
#[derive(Debug)]
pub struct RequestService {
    handler: Rc<Handler>,
}

/// An answer, at once or later.
#[allow(
    clippy::large_enum_variant,
    reason = "a connection keeps room for one; a box would be an allocation per request"
)]
pub enum Answering {
    /// Decided without waiting; `None` once it has been taken.
    Ready(Option<Response<ResponseBody>>),
    /// PHP, or a body, has to be waited for.
    Waiting(Pin<Box<dyn Future<Output = Response<ResponseBody>>>>),
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Waiting(_) => "Waiting",
        })
    }
}

impl Future for Answering {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Ready(answer) => Poll::Ready(Ok(answer
                .take()
                .expect("a future is not polled after its end"))),
            Self::Waiting(future) => future.as_mut().poll(cx).map(Ok),
        }
    }
}

impl tower::Service<Incoming> for RequestService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Incoming) -> Answering {
        let exchange = Rc::clone(request.exchange());
        let head = RequestHead::of(&exchange);
        let body = RequestBody::new(request);
        let site = self.handler.site();
        let mut cx = boxed(|| Context::new(Rc::clone(&site), exchange, head, body));
        cx.moment = Some(Moment {
            asked: cx.exchange.arrival(),
            now: cx.exchange.reads(),
        });
        if !site.places.is_empty() {
            cx.trace = Some(Box::default());
            let step = start(&mut cx, &site);
            let plan = decide(&mut cx, &site, step);
            return Answering::Ready(Some(explain::answer(cx, plan)));
        }
        let step = start(&mut cx, &site);
        answering(decide(&mut cx, &site, step), cx)
    }
}

/// Answers by a plan; what has to wait for nothing needs no future.
fn answering(plan: Plan, cx: Box<Context>) -> Answering {
    match plan {
        Plan::Answer(reply) => Answering::Ready(Some(finish(cx, reply))),
        Plan::Ready(file) => Answering::Ready(Some(file.answer(cx))),
        plan => Answering::Waiting(Box::into_pin(boxed(|| act(cx, plan)))),
    }
}

impl ConnectionHandler for Worker {
    type Body = ResponseBody;
    type Service = RequestService;

    fn connect(&self, _: &Rc<Connection>) -> RequestService {
        RequestService {
            handler: Rc::clone(&self.0),
        }
    }

    fn settings(&self, connection: &Connection) -> Arc<Settings> {
        self.0.site().settings(connection.tag())
    }

    fn settings_of_host(&self, connection: &Connection, host: &[u8]) -> Option<Arc<Settings>> {
        let site = self.0.site();
        let address = site
            .address(connection.tag())
            .filter(|address| address.varied)?;
        let host = Host::parse(host).ok()?;
        let mut captures = Captures::default();
        let found = address.names.find(&host.name, &mut captures).ok()??;
        let server = site.servers.get(usize::try_from(found.0).ok()?)?;
        Some(Arc::clone(&server.settings))
    }

    fn handshake_timeout(&self, tag: usize) -> std::time::Duration {
        self.0.site().settings(tag).client_header_timeout
    }

    fn log_greeting(&self, tag: usize, serial: u64, message: fmt::Arguments<'_>) {
        let site = self.0.site();
        if let Some(address) = site.address(tag) {
            let server = &site.servers[address.default];
            let log = &site.location(server.base).error_log;
            log.write(Severity::Info, Some(serial), message);
        }
    }

    fn refuse(&self, exchange: &Rc<Exchange>, refusal: &Refusal) -> Option<Answering> {
        Some(self.0.refuse(exchange, refusal))
    }

    fn broken_head(&self, exchange: &Rc<Exchange>) {
        if let Some(refusal) = exchange.refusal() {
            let mut cx = refused(&self.0.site(), exchange, refusal);
            // Dropping it writes the line.
            cx.answer.status = refusal.code;
        }
    }

    fn log(
        &self,
        connection: &Connection,
        severity: portunus_server::Severity,
        message: fmt::Arguments<'_>,
    ) {
        let site = self.0.site();
        let Some(address) = site.address(connection.tag()) else {
            return;
        };
        let server = &site.servers[address.default];
        let log = &site.location(server.base).error_log;
        let severity = severity_of(severity);
        if log.enabled(severity) {
            let (client, name) = (connection.peer(), String::from_utf8_lossy(&server.name));
            let message = format_args!("{message}, client: {client}, server: {name}");
            log.write(severity, Some(connection.serial()), message);
        }
    }
}

const fn severity_of(severity: portunus_server::Severity) -> Severity {
    match severity {
        portunus_server::Severity::Alert => Severity::Alert,
        portunus_server::Severity::Crit => Severity::Crit,
        portunus_server::Severity::Error => Severity::Error,
        portunus_server::Severity::Warn => Severity::Warn,
        portunus_server::Severity::Info => Severity::Info,
    }
}
