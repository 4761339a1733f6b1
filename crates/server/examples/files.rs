//! Sends one file again and again, by `sendfile(2)` or by reading it in chunks: which costs less.
//!
//! `cargo run --release -p portunus-server --example files -- 127.0.0.1:8080 PATH sendfile|read`

use std::convert::Infallible;
use std::fs::File;
use std::future::{Ready, ready};
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use portunus_server::{
    Connection, ConnectionHandler, FileMarkers, ListenerConfig, Listeners, RequestBody,
    ServerConfig, Settings,
};

const CHUNK: u64 = 64 << 10;

#[derive(Clone)]
struct Files {
    file: Arc<File>,
    length: u64,
    by_sendfile: bool,
    settings: Arc<Settings>,
}

enum FileBody {
    Markers(FileMarkers),
    Read {
        file: Arc<File>,
        at: u64,
        length: u64,
    },
}

impl FileBody {
    fn left(&self) -> u64 {
        match self {
            Self::Markers(markers) => markers.remaining(),
            Self::Read { at, length, .. } => length - at,
        }
    }

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self {
            Self::Markers(markers) => markers.next().map(Ok),
            Self::Read { at, length, .. } if at == length => None,
            Self::Read { file, at, length } => {
                let size = CHUNK.min(*length - *at);
                let mut bytes = BytesMut::zeroed(usize::try_from(size).unwrap_or(0));
                let result = file.read_exact_at(&mut bytes, *at);
                *at += size;
                Some(result.map(|()| bytes.freeze()))
            }
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.next().map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

impl tower::Service<RequestBody> for Files {
    type Response = Response<FileBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestBody) -> Self::Future {
        let (file, length) = (Arc::clone(&self.file), self.length);
        let body = if self.by_sendfile {
            FileBody::Markers(request.exchange().send_file(file, 0, length))
        } else {
            FileBody::Read {
                file,
                at: 0,
                length,
            }
        };
        ready(Ok(Response::new(body)))
    }
}

impl ConnectionHandler for Files {
    type Body = FileBody;
    type Service = Self;

    fn connect(&self, _: &Rc<Connection>) -> Self {
        self.clone()
    }

    fn settings(&self, _: &Connection) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, how] = &arguments[..] else {
        return Err("ADDRESS:PORT PATH sendfile|read".into());
    };
    let address: std::net::SocketAddr = address.parse()?;
    let listeners = Listeners::bind(vec![ListenerConfig::new(address.into(), 0)], None, 1)?;
    let file = File::open(path)?;
    let files = Files {
        length: file.metadata()?.len(),
        file: Arc::new(file),
        by_sendfile: how == "sendfile",
        settings: Arc::default(),
    };
    let make = move |_| files.clone();
    let handle = portunus_server::start(listeners, &ServerConfig::default(), make)?;
    handle.join();
    Ok(())
}
