//! The service and its body as hyper calls them, one stream at a time.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::Service;

use crate::answer::{AnswerBody, Panicked, Refused, panicked, refuse};
use crate::connection::{Connection, Cut, Exchange, Outcome};
use crate::handler::{ConnectionHandler, ServiceFuture};
use crate::io::RequestBody;

pin_project! {
    /// The future of an answer.
    pub(super) struct Answering<H: ConnectionHandler> {
        handler: Rc<H>,
        service: Rc<RefCell<H::Service>>,
        exchange: Rc<Exchange>,
        #[pin]
        state: State<ServiceFuture<H>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        /// The service is not ready yet.
        Waiting { request: Option<RequestBody> },
        /// The service is at work.
        Running { #[pin] future: F },
    }
}

impl<H: ConnectionHandler> Answering<H> {
    pub(super) fn new(
        handler: &Rc<H>,
        service: &Rc<RefCell<H::Service>>,
        exchange: Rc<Exchange>,
        request: RequestBody,
    ) -> Self {
        Self {
            handler: Rc::clone(handler),
            service: Rc::clone(service),
            exchange,
            state: State::Waiting {
                request: Some(request),
            },
        }
    }

    fn poll_service(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Response<AnswerBody<H::Body>>> {
        let mut this = self.project();
        if let Some(refusal) = this.exchange.refusal()
            && matches!(*this.state, State::Waiting { .. })
        {
            match refuse(&**this.handler, this.exchange, refusal) {
                Refused::Page(response) => return Poll::Ready(response),
                Refused::Future(future) => this.state.set(State::Running { future }),
            }
        }
        loop {
            match this.state.as_mut().project() {
                StateProjection::Running { future } => {
                    let Ok(response) = ready!(future.poll(cx));
                    return Poll::Ready(response.map(AnswerBody::Service));
                }
                StateProjection::Waiting { request } => {
                    let mut service = this.service.borrow_mut();
                    let Ok(()) = ready!(service.poll_ready(cx));
                    let request = request.take().expect("the request is taken once");
                    let future = service.call(request);
                    drop(service);
                    this.state.set(State::Running { future });
                }
            }
        }
    }
}

impl<H: ConnectionHandler> Future for Answering<H> {
    type Output = Result<Response<StreamBody<H::Body>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic there is an answer, so the service's future is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| self.as_mut().poll_service(cx)));
        let response = match polled {
            Ok(polled) => ready!(polled),
            Err(payload) => panicked(&*self.handler, &self.exchange, &Panicked::new(&*payload)),
        };
        let exchange = Rc::clone(&self.exchange);
        let is_head = exchange.method() == http::Method::HEAD;
        let (mut head, body) = response.into_parts();
        let mut body = StreamBody {
            ended: body.is_end(),
            body,
            rest: Bytes::new(),
            exchange,
            bodiless: is_head
                || matches!(
                    head.status,
                    StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                ),
            over: false,
        };
        if body.bodiless && !body.ended {
            if is_head && let Some(length) = body.body.length() {
                let fields = head.headers.entry(CONTENT_LENGTH);
                fields.or_insert_with(|| length.into());
            }
            body.look_for_end(cx);
        }
        if !body.ended {
            body.wait_for_room();
        }
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

/// The body of a stream. hyper does not tell what it has written; what it has taken counts as sent.
pub(super) struct StreamBody<B> {
    body: AnswerBody<B>,
    /// What did not fit into the last frame.
    rest: Bytes,
    exchange: Rc<Exchange>,
    /// The end of the body was reached.
    ended: bool,
    /// The answer has none: whatever comes of it is left out.
    bodiless: bool,
    /// There is no more of it, although the service may have some.
    over: bool,
}

/// A piece of a body. hyper takes it while the client may have no room for it: until it is written, or dropped with its
/// stream, it counts as unsent.
pub(super) struct Piece {
    bytes: Bytes,
    connection: Rc<Connection>,
}

impl Piece {
    fn new(bytes: Bytes, connection: &Rc<Connection>) -> Self {
        connection.unsent.set(connection.unsent.get() + 1);
        Self {
            bytes,
            connection: Rc::clone(connection),
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let left = self.connection.unsent.get() - 1;
        self.connection.unsent.set(left);
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn chunks_vectored<'s>(&'s self, slices: &mut [IoSlice<'s>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }
}

impl<B> StreamBody<B> {
    /// hyper asks for more once the client has room for it, for which it has its time.
    /// It also has it for the last piece, which hyper has taken before there is room.
    fn wait_for_room(&self) {
        let timeout = self.exchange.limit(|limits| limits.send_timeout);
        self.exchange.wait_for_room(Some(Instant::now() + timeout));
    }
}

impl<B> StreamBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    /// The next frame of what has come, none longer than `http2_chunk_size`.
    fn frame(&mut self) -> Frame<Piece> {
        let most = self.exchange.limit(|limits| limits.http2_chunk_size);
        let length = self.rest.len().min(most.max(1));
        let data = self.rest.split_to(length);
        self.exchange.count_sent(data.len());
        self.ended = self.is_over();
        self.wait_for_room();
        Frame::data(Piece::new(data, self.exchange.connection()))
    }

    fn is_over(&self) -> bool {
        self.over || self.rest.is_empty() && self.body.is_end()
    }

    /// What else the service has is not wanted.
    fn leave_out(&mut self) {
        self.over = true;
        self.ended = true;
    }

    /// A head that is all of an answer ends its stream, so that no empty frame has to.
    fn look_for_end(&mut self, cx: &mut Context<'_>) {
        match self.body.poll_frame(self.exchange.connection(), cx) {
            Poll::Ready(None | Some(Ok(_))) => self.leave_out(),
            Poll::Ready(Some(Err((_, cut)))) => self.exchange.cut(cut),
            Poll::Pending => {}
        }
    }
}

impl<B> Body for StreamBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Piece;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Self::Error>>> {
        let this = self.get_mut();
        this.exchange.wait_for_room(None);
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.frame())));
        }
        match ready!(this.body.poll_frame(this.exchange.connection(), cx)) {
            Some(Ok(_)) if this.bodiless => {
                this.leave_out();
                Poll::Ready(None)
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    this.rest = data;
                    Poll::Ready(Some(Ok(this.frame())))
                }
                Err(frame) => {
                    this.ended = this.is_over();
                    if !this.ended {
                        this.wait_for_room();
                    }
                    let trailers = frame.into_trailers().unwrap_or_default();
                    Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                }
            },
            Some(Err((error, cut))) => {
                this.exchange.cut(cut);
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Service(body) => body.size_hint(),
            AnswerBody::Page(page) => SizeHint::with_exact(page.len() as u64),
            AnswerBody::Gone => SizeHint::with_exact(0),
        }
    }
}

impl<B> Drop for StreamBody<B> {
    /// hyper drops a body that it has read to its end, or whose stream was reset.
    fn drop(&mut self) {
        let outcome = if self.ended {
            Outcome::Sent
        } else {
            Outcome::Cut(Cut::ClientClosed)
        };
        self.exchange.finish(outcome);
    }
}
