//! Connections driven over in-memory pipes on a paused clock.

mod answers;
mod bodies;
mod coalescing;
mod ending;
mod http2;
mod persistence;
mod refusals;
mod requests;
mod resets;
mod spread;
mod timeouts;
mod whole;

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::LocalSet;

use crate::connection::{Connection, Exchange, Outcome, PeerAddr};
use crate::gate::{Refusal, Severity};
use crate::handler::ConnectionHandler;
use crate::io::{RequestBody, Transport};
use crate::listen::{ListenAddress, ListenerConfig, Listeners, Socket, Standing};
use crate::server::{Registered, Start, drive};
use crate::settings::Settings;
use crate::spread::{Meter, Spread};
use crate::tls::{Layered, Stream};
use crate::worker::Worker;

type AnyBody = Pin<Box<dyn Body<Data = Bytes, Error = std::io::Error>>>;
type Answer = Pin<Box<dyn Future<Output = Response<AnyBody>>>>;
type Serve = Rc<dyn Fn(RequestBody) -> Answer>;

/// A handler made of a closure; remembers what it was told.
#[derive(Clone)]
struct Scripted {
    serve: Serve,
    settings: Arc<Settings>,
    record: Rc<RefCell<Record>>,
}

#[derive(Default)]
struct Record {
    log: Vec<String>,
    /// Outcome, request length and bytes sent of each exchange that ended.
    ended: Vec<(Outcome, u64, u64)>,
    /// Codes of refusals whose page was sent.
    refused: Vec<u16>,
    /// Status of heads that broke off.
    broken: Vec<u16>,
}

impl tower::Service<RequestBody> for Scripted {
    type Response = Response<Watched>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Watched>, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestBody) -> Self::Future {
        let exchange = Rc::clone(request.exchange());
        let ticket = Ticket {
            exchange,
            record: Rc::clone(&self.record),
        };
        let answer = (self.serve)(request);
        Box::pin(async move {
            Ok(answer.await.map(|body| Watched {
                body,
                _ticket: ticket,
            }))
        })
    }
}

/// Writes down how an exchange ended.
struct Ticket {
    exchange: Rc<Exchange>,
    record: Rc<RefCell<Record>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let exchange = &self.exchange;
        let entry = (
            exchange.outcome(),
            exchange.request_length(),
            exchange.bytes_sent(),
        );
        self.record.borrow_mut().ended.push(entry);
    }
}

struct Watched {
    body: AnyBody,
    _ticket: Ticket,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl ConnectionHandler for Scripted {
    type Body = Watched;
    type Service = Self;

    fn connect(&self, _: &Rc<Connection>) -> Self {
        self.clone()
    }

    fn settings(&self, _: &Connection) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }

    fn refused(&self, _: &Rc<Exchange>, refusal: &Refusal) {
        self.record.borrow_mut().refused.push(refusal.code);
    }

    fn broken_head(&self, exchange: &Rc<Exchange>) {
        let refusal = exchange.refusal().expect("nothing else is broken");
        let mut record = self.record.borrow_mut();
        record.broken.push(refusal.code);
        record.log.push(refusal.reason.to_string());
    }

    fn log(&self, _: &Connection, _: Severity, message: fmt::Arguments<'_>) {
        self.record.borrow_mut().log.push(message.to_string());
    }
}

/// The client's end of a connection that is being served.
struct Client {
    stream: DuplexStream,
    record: Rc<RefCell<Record>>,
    connection: Rc<Connection>,
    worker: Rc<Worker>,
}

/// Bytes that fit into the pipe in each direction.
const PIPE: usize = 4096;

/// Serves one connection; to be called within [`run`].
fn connect<F>(
    settings: Settings,
    listen: ListenerConfig,
    serve: impl Fn(RequestBody) -> F + 'static,
) -> Client
where
    F: Future<Output = Response<AnyBody>> + 'static,
{
    let layer = |pipe| Layered::new(pipe, |_| None);
    connect_over(layer, settings, listen, serve)
}

/// The same with a layer between the server and the pipe, as encryption is one.
fn connect_over<S, F>(
    layer: impl FnOnce(DuplexStream) -> S,
    settings: Settings,
    listen: ListenerConfig,
    serve: impl Fn(RequestBody) -> F + 'static,
) -> Client
where
    S: Stream + 'static,
    F: Future<Output = Response<AnyBody>> + 'static,
{
    let (stream, other) = tokio::io::duplex(PIPE);
    let counters = Arc::default();
    let meter = Meter::new(Spread::new([Arc::clone(&counters)]), 0);
    let worker = Worker::new(counters, meter);
    let address = listen.address.clone();
    let socket = Arc::new(Standing {
        config: listen,
        address,
    });
    let listening = Socket {
        standing: Arc::clone(&socket),
        descriptors: Vec::new(),
    };
    worker.listen_on(&Listeners {
        sockets: vec![Arc::new(listening)],
    });
    let peer = PeerAddr::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 4)));
    let transport = Transport::other(Box::pin(layer(other)));
    let connection = Connection::new(1, peer, socket, transport, None, Rc::clone(&worker));
    let record = Rc::<RefCell<Record>>::default();
    let handler = Scripted {
        serve: Rc::new(move |request| Box::pin(serve(request))),
        settings: Arc::new(settings),
        record: Rc::clone(&record),
    };
    let (handler, registered) = (Rc::new(handler), Registered::new(Rc::clone(&connection)));
    tokio::task::spawn_local(async move {
        let start = Start::Fresh { http2: false };
        drive(&handler, &registered.connection, start).await
    });
    Client {
        stream,
        record,
        connection,
        worker,
    }
}

fn listener() -> ListenerConfig {
    ListenerConfig::new(
        ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 80))),
        0,
    )
}

/// A connection that answers `ok` to everything.
fn plain() -> Client {
    connect(Settings::default(), listener(), |_| async { ok() })
}

fn ok() -> Response<AnyBody> {
    text("ok")
}

fn text(text: &str) -> Response<AnyBody> {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    Response::new(Box::pin(
        body.map_err(|never| -> std::io::Error { match never {} }),
    ))
}

/// Looks for the body once, gives it up then or keeps it for later, and is busy otherwise for long.
async fn pass_body_by(mut request: RequestBody, gives_up: bool) {
    poll_fn(|cx| {
        let polled = match gives_up {
            true => request.poll_data(cx),
            false => request.poll_at_hand(cx),
        };
        assert!(polled.is_pending());
        Poll::Ready(())
    })
    .await;
    let kept = (!gives_up).then_some(request);
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    drop(kept);
}

/// Runs a test on a paused clock.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(LocalSet::new().run_until(test));
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Everything up to the end.
    async fn read_all(&mut self) -> String {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Up to the end of one answer with this body.
    async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let length = self.stream.read(&mut byte).await.unwrap();
            assert_eq!(
                length,
                1,
                "closed after {:?}",
                String::from_utf8_lossy(&bytes)
            );
            bytes.push(byte[0]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends, closes its side, and reads to the end.
    async fn ask(mut self, bytes: impl AsRef<[u8]>) -> (String, Rc<RefCell<Record>>) {
        self.send(bytes).await;
        self.stream.shutdown().await.unwrap();
        (self.read_all().await, self.record)
    }

    fn outcome(&self) -> Option<Outcome> {
        self.record
            .borrow()
            .ended
            .last()
            .map(|(outcome, ..)| *outcome)
    }
}
