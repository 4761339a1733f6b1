//! A running server with a handler made of a function, and raw clients.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by several test programs, in which what cannot be set up has failed"
)]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use portunus_server::{
    Connection, ConnectionHandler, Exchange, ListenAddress, ListenerConfig, Listeners, RequestBody,
    ServerConfig, ServerHandle, Settings,
};

pub type Answer = Response<Frames>;
pub type Answering = Pin<Box<dyn Future<Output = Answer>>>;
pub type Serve = fn(RequestBody) -> Answering;

/// A body of ready frames; holds on to its exchange until it is dropped.
pub struct Frames {
    frames: Box<dyn Iterator<Item = Bytes>>,
    next: Option<Bytes>,
    length: Option<u64>,
}

impl Frames {
    pub fn text(text: impl Into<String>) -> Self {
        let bytes = Bytes::from(text.into());
        Self {
            length: Some(bytes.len() as u64),
            frames: Box::new(std::iter::empty()),
            next: Some(bytes),
        }
    }

    pub fn file(exchange: &Exchange, file: std::fs::File, length: u64) -> Self {
        let mut frames = exchange.send_file(Arc::new(file), 0, length);
        Self {
            next: frames.next(),
            frames: Box::new(frames),
            length: Some(length),
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.frames.next();
        let frame = std::mem::replace(&mut self.next, next);
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.length.map_or_else(
            http_body::SizeHint::default,
            http_body::SizeHint::with_exact,
        )
    }
}

#[derive(Clone)]
pub struct Handler(pub Serve);

impl ConnectionHandler for Handler {
    type Body = Frames;
    type Service = Self;

    fn connect(&self, _: &Rc<Connection>) -> Self {
        self.clone()
    }

    fn settings(&self, _: &Connection) -> Arc<Settings> {
        Arc::default()
    }
}

impl tower::Service<RequestBody> for Handler {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestBody) -> Self::Future {
        let answering = (self.0)(request);
        Box::pin(async move { Ok(answering.await) })
    }
}

pub fn local() -> ListenerConfig {
    ListenerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)).into(), 0)
}

pub fn serve(configs: Vec<ListenerConfig>, workers: usize, serve: Serve) -> ServerHandle {
    let listeners = Listeners::bind(configs, None, workers).unwrap();
    let config = ServerConfig {
        workers,
        worker_connections: 100,
    };
    portunus_server::start(listeners, &config, move |_| Handler(serve)).unwrap()
}

pub fn inet(address: &ListenAddress) -> SocketAddr {
    match address {
        ListenAddress::Inet(address) => *address,
        ListenAddress::Unix(path) => panic!("{} is no address", path.display()),
    }
}

pub fn connect(handle: &ServerHandle) -> TcpStream {
    let stream = TcpStream::connect(inet(&handle.addresses()[0])).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

pub fn read_all(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub fn ask(handle: &ServerHandle, request: &str) -> String {
    let mut stream = connect(handle);
    stream.write_all(request.as_bytes()).unwrap();
    read_all(stream)
}

/// Runs the asynchronous side of a handle.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
