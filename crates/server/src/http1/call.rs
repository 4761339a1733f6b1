//! The service at work on one request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::Response;
use tower::Service;

use crate::answer::{AnswerBody, Panicked, Refused, panicked, refuse};
use crate::connection::Exchange;
use crate::handler::{ConnectionHandler, ServiceFuture};
use crate::io::RequestBody;

/// The service of a connection, and what it is doing.
pub(super) struct Call<H: ConnectionHandler> {
    service: Option<H::Service>,
    /// The request, until the service is ready for it.
    request: Option<RequestBody>,
    /// Room for a future, used again for each request.
    future: Option<Pin<Box<Option<ServiceFuture<H>>>>>,
}

impl<H: ConnectionHandler> Call<H> {
    pub(super) fn new() -> Self {
        Self {
            service: None,
            request: None,
            future: None,
        }
    }

    /// A request has come.
    pub(super) fn begin(&mut self, request: RequestBody) {
        self.request = Some(request);
    }

    /// Gives up.
    pub(super) fn stop(&mut self) {
        self.request = None;
        if let Some(future) = &mut self.future {
            future.set(None);
        }
    }

    /// Ready with the service's answer, or with ours where the gate has refused the request or the
    /// service has panicked.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        handler: &H,
        exchange: &Rc<Exchange>,
    ) -> Poll<Response<AnswerBody<H::Body>>> {
        if let Some(refusal) = exchange.refusal()
            && self.is_idle()
        {
            match refuse(handler, exchange, refusal) {
                Refused::Page(response) => return Poll::Ready(response),
                Refused::Future(future) => {
                    let room = self.future.get_or_insert_with(|| Box::pin(None));
                    room.set(Some(future));
                }
            }
        }
        // After a panic there is an answer, so the future is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            self.poll_service(cx, handler, exchange)
        }));
        let answer = match polled {
            Ok(polled) => ready!(polled),
            Err(payload) => panicked(handler, exchange, &Panicked::new(&*payload)),
        };
        self.stop();
        Poll::Ready(answer)
    }

    fn is_idle(&self) -> bool {
        let future = self.future.as_ref();
        future.is_none_or(|future| future.is_none())
    }

    fn poll_service(
        &mut self,
        cx: &mut Context<'_>,
        handler: &H,
        exchange: &Exchange,
    ) -> Poll<Response<AnswerBody<H::Body>>> {
        let connection = exchange.connection();
        let service = self
            .service
            .get_or_insert_with(|| handler.connect(connection));
        let future = self.future.get_or_insert_with(|| Box::pin(None));
        if self.request.is_some() {
            let Ok(()) = ready!(service.poll_ready(cx));
            future.set(self.request.take().map(|request| service.call(request)));
        }
        match future.as_mut().as_pin_mut() {
            Some(future) => {
                let Ok(response) = ready!(future.poll(cx));
                Poll::Ready(response.map(AnswerBody::Service))
            }
            None => Poll::Pending,
        }
    }
}
