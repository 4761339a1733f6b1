//! Answers 1 KB from memory: what the server costs without anything behind it.
//!
//! `cargo run --release -p portunus-server --example bare -- 127.0.0.1:8080 [WORKERS]`

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED, SERVER};
use http_body_util::Full;
use portunus_server::{
    Connection, ConnectionHandler, ListenerConfig, Listeners, RequestBody, ServerConfig, Settings,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bare {
    settings: Arc<Settings>,
}

#[derive(Clone)]
struct Page(Bytes);

impl tower::Service<RequestBody> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: RequestBody) -> Self::Future {
        let mut response = Response::new(Full::new(self.0.clone()));
        let fields = response.headers_mut();
        fields.insert(SERVER, HeaderValue::from_static("portunus"));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        fields.insert(
            LAST_MODIFIED,
            HeaderValue::from_static("Mon, 23 Nov 2026 06:46:34 GMT"),
        );
        fields.insert(ETAG, HeaderValue::from_static("\"65f2a-400\""));
        fields.insert(
            HeaderName::from_static("accept-ranges"),
            HeaderValue::from_static("bytes"),
        );
        ready(Ok(response))
    }
}

impl ConnectionHandler for Bare {
    type Body = Full<Bytes>;
    type Service = Page;

    fn connect(&self, _: &Rc<Connection>) -> Page {
        Page(Bytes::from_static(&[b'x'; 1024]))
    }

    fn settings(&self, _: &Connection) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: std::net::SocketAddr = arguments.next().ok_or("address:port")?.parse()?;
    let workers = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let listeners = Listeners::bind(vec![ListenerConfig::new(address.into(), 0)], None, workers)?;
    let config = ServerConfig {
        workers,
        worker_connections: 20_000,
    };
    let settings = Arc::new(Settings::default());
    let handle = portunus_server::start(listeners, &config, move |_| Bare {
        settings: settings.clone(),
    })?;
    handle.join();
    Ok(())
}
