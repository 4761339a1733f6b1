//! The body of a server's answer: passed on as it comes, or read ahead into a spool so that a slow
//! client does not hold the server.

use std::cell::{Cell, OnceCell};
use std::future::poll_fn;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use portunus_proxy::{Field, ResponseBody};
use portunus_spool::{Limits, Reader, Writer, fifo};

use super::tries::Held;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub enum ProxyBodyError {
    /// The server broke off.
    #[error("{0}")]
    Upstream(#[from] portunus_proxy::Error),
    /// What was read ahead could not be kept.
    #[error("{0}")]
    Spool(#[from] portunus_spool::Error),
}

/// What the log learns of one try while it goes on.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    pub(crate) connect: Cell<Option<Duration>>,
    pub(crate) header: Cell<Option<Duration>>,
    pub(crate) response: Cell<Option<Duration>>,
    /// Body bytes.
    pub(crate) body: Cell<u64>,
    /// All bytes.
    pub(crate) received: Cell<u64>,
    pub(crate) sent: Cell<u64>,
    /// The fields behind the body (`proxy_pass_trailers`).
    pub(crate) trailers: OnceCell<Vec<Field>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            connect: Cell::default(),
            header: Cell::default(),
            response: Cell::default(),
            body: Cell::default(),
            received: Cell::default(),
            sent: Cell::default(),
            trailers: OnceCell::new(),
        }
    }

    pub(crate) fn connected(&self) {
        self.connect.set(Some(self.began.elapsed()));
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.set(bytes);
    }

    pub(crate) fn head(&self, sent: u64, head: u64) {
        self.header.set(Some(self.began.elapsed()));
        self.sent.set(sent);
        self.received.set(head);
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.body.set(self.body.get() + bytes);
        self.received.set(self.received.get() + bytes);
    }

    /// The body has ended as it should.
    fn end(&self, body: &mut ResponseBody) {
        let trailers = body.take_trailers();
        if !trailers.is_empty() {
            // There is one end.
            let _ = self.trailers.set(trailers);
        }
        self.finish();
    }

    /// The last byte has come, or the try has failed.
    pub(crate) fn finish(&self) {
        if self.response.get().is_none() {
            self.response.set(Some(self.began.elapsed()));
        }
    }
}

/// The body of an answer on its way to the client.
#[derive(Debug)]
pub(crate) enum ProxyBody {
    /// As it comes.
    Direct(Box<ResponseBody>, Held),
    /// Read ahead by a task.
    Ahead(Reader<ProxyBodyError>),
}

impl ProxyBody {
    /// Reads ahead as far as the limits go, at most `rate` bytes a second (0: as many as come); to the end
    /// of the answer, if that is wanted, even when the client is gone. Must be called on the thread of the
    /// connection.
    pub(crate) fn read_ahead(self, limits: &Limits, rate: u64, to_the_end: bool) -> Self {
        match self {
            Self::Direct(body, held) => {
                let (writer, reader) = fifo(limits.clone());
                let writer = writer.at_rate(rate);
                tokio::task::spawn_local(read_ahead(*body, held, writer, to_the_end));
                Self::Ahead(reader)
            }
            ahead @ Self::Ahead(_) => ahead,
        }
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, ProxyBodyError>>> {
        match self {
            Self::Ahead(reader) => reader.poll_next(cx),
            Self::Direct(body, held) => body.poll_data(cx).map(|data| match data {
                Some(Ok(bytes)) => {
                    held.progress.add(bytes.len() as u64);
                    Some(Ok(bytes))
                }
                Some(Err(error)) => Some(Err(error.into())),
                None => {
                    held.progress.end(body);
                    None
                }
            }),
        }
    }
}

/// Reads until the end, or until nobody wants to know.
async fn read_ahead(
    mut body: ResponseBody,
    held: Held,
    mut writer: Writer<ProxyBodyError>,
    to_the_end: bool,
) {
    let end = loop {
        let data = poll_fn(|cx| {
            if writer.poll_gone(cx).is_ready() {
                return Poll::Ready(None);
            }
            body.poll_data(cx).map(Some)
        });
        match data.await {
            None if to_the_end => {
                while let Some(Ok(_)) = poll_fn(|cx| body.poll_data(cx)).await {}
                return;
            }
            // The client is gone; dropping the body closes the connection to the server.
            None => return,
            Some(None) => {
                held.progress.end(&mut body);
                break Ok(());
            }
            Some(Some(Err(error))) => break Err(error.into()),
            Some(Some(Ok(bytes))) => {
                held.progress.add(bytes.len() as u64);
                if let Err(error) = writer.push(bytes).await {
                    break Err(error.into());
                }
            }
        }
    };
    drop(held);
    writer.finish(end);
}
