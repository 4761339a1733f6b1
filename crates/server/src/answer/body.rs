//! The body of an answer as hyper sees it.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::connection::{Cut, Exchange, Outcome};
use crate::io::Link;

/// Where an answer goes.
#[derive(Debug)]
pub(crate) enum Way<B> {
    /// Through the link of an HTTP/1 connection.
    Http1(Rc<Link<B>>),
    /// Into a stream of an HTTP/2 connection, where hyper does not tell what has been written.
    Http2,
}

impl<B> Clone for Way<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Http1(link) => Self::Http1(Rc::clone(link)),
            Self::Http2 => Self::Http2,
        }
    }
}

/// A service's body, or a page of ours. When hyper lets go of it, the link keeps the service's
/// body until the last byte has been written.
pub(crate) struct AnswerBody<B> {
    source: Source<B>,
    exchange: Rc<Exchange>,
    way: Way<B>,
    /// The end of the body was reached.
    ended: bool,
}

enum Source<B> {
    Service(B),
    Page(Bytes),
    Gone,
}

impl<B> AnswerBody<B> {
    pub(crate) fn service(body: B, exchange: Rc<Exchange>, way: Way<B>) -> Self {
        Self {
            source: Source::Service(body),
            exchange,
            way,
            ended: false,
        }
    }

    pub(crate) fn page(page: Bytes, exchange: Rc<Exchange>, way: Way<B>) -> Self {
        Self {
            source: Source::Page(page),
            exchange,
            way,
            ended: false,
        }
    }
}

/// A panic of a service or of a body; hyper gives up the connection.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(crate) struct Panicked(String);

impl Panicked {
    pub(crate) fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "(no message)".to_owned()))
    }
}

type Polled<E> = Poll<Option<Result<Frame<Bytes>, E>>>;

impl<B> AnswerBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Polled<(Box<dyn Error + Send + Sync>, Cut)> {
        let body = match &mut self.source {
            Source::Service(body) => body,
            Source::Gone => return Poll::Ready(None),
            Source::Page(page) => {
                let page = std::mem::take(page);
                self.source = Source::Gone;
                return Poll::Ready(Some(Ok(Frame::data(page))));
            }
        };
        // A panicking body is never polled again: hyper drops it with the connection.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(polled) => polled.map(|frame| {
                frame.map(|frame| frame.map_err(|error| (error.into(), Cut::AnswerFailed)))
            }),
            Err(payload) => {
                let panic = Panicked::new(&*payload);
                let serial = self.exchange.connection().serial();
                tracing::error!("*{serial} the body of an answer {panic}");
                Poll::Ready(Some(Err((panic.into(), Cut::Panicked))))
            }
        }
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled<Self::Error> {
        let this = self.get_mut();
        match this.poll_source(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Err((error, cut)))) => {
                this.exchange.cut(cut);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let (Way::Http2, Some(data)) = (&this.way, frame.data_ref()) {
                    this.exchange.count_sent(data.len());
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                this.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Service(body) => body.is_end_stream(),
            Source::Page(page) => page.is_empty(),
            Source::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Service(body) => body.size_hint(),
            Source::Page(page) => SizeHint::with_exact(page.len() as u64),
            Source::Gone => SizeHint::with_exact(0),
        }
    }
}

impl<B> Drop for AnswerBody<B> {
    fn drop(&mut self) {
        match &self.way {
            Way::Http1(link) => {
                let body = match std::mem::replace(&mut self.source, Source::Gone) {
                    Source::Service(body) => Some(body),
                    Source::Page(_) | Source::Gone => None,
                };
                link.keep_until_sent(body);
            }
            Way::Http2 => {
                // hyper drops a body that it has read to its end, or whose stream was reset.
                let whole = self.ended || matches!(self.source, Source::Gone);
                let outcome = if whole {
                    Outcome::Sent
                } else {
                    Outcome::Cut(Cut::ClientClosed)
                };
                self.exchange.finish(outcome);
            }
        }
    }
}
