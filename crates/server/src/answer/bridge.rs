//! The service as hyper calls it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, SERVER, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;

use super::body::{AnswerBody, Panicked, Way};
use super::persist;
use crate::connection::Exchange;
use crate::gate::{Refusal, Severity, page};
use crate::handler::ConnectionHandler;
use crate::io::{Link, RequestBody};

/// hyper's service of one HTTP/1 connection.
pub(crate) struct Bridge<H: ConnectionHandler> {
    pub(crate) handler: Rc<H>,
    pub(crate) service: Rc<RefCell<H::Service>>,
    pub(crate) link: Rc<Link<H::Body>>,
}

impl<H: ConnectionHandler> hyper::service::Service<Request<Incoming>> for Bridge<H> {
    type Response = Response<AnswerBody<H::Body>>;
    type Error = Infallible;
    type Future = Answering<H>;

    fn call(&self, request: Request<Incoming>) -> Answering<H> {
        let (mut parts, _) = request.into_parts();
        // The driver puts the exchange in place before it feeds hyper the head.
        let exchange = self.link.current().expect("a head comes with its exchange");
        restore_framing(&exchange, &mut parts.headers);
        let request = Request::from_parts(parts, RequestBody::http1(Rc::clone(&exchange)));
        let way = Way::Http1(Rc::clone(&self.link));
        Answering::new(&self.handler, &self.service, exchange, way, request)
    }
}

/// The gate took the framing out of the head that hyper saw; the service gets to see it.
fn restore_framing(exchange: &Exchange, fields: &mut HeaderMap) {
    if exchange.is_chunked() {
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    } else if let Some(length) = exchange.content_length() {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

pin_project! {
    /// The future of an answer.
    pub(crate) struct Answering<H: ConnectionHandler> {
        handler: Rc<H>,
        service: Rc<RefCell<H::Service>>,
        exchange: Rc<Exchange>,
        way: Way<H::Body>,
        #[pin]
        state: State<<H::Service as Service<Request<RequestBody>>>::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        /// The service is not ready yet.
        Waiting { request: Option<Request<RequestBody>> },
        /// The service is at work.
        Running { #[pin] future: F },
    }
}

impl<H: ConnectionHandler> Answering<H> {
    pub(crate) fn new(
        handler: &Rc<H>,
        service: &Rc<RefCell<H::Service>>,
        exchange: Rc<Exchange>,
        way: Way<H::Body>,
        request: Request<RequestBody>,
    ) -> Self {
        Self {
            handler: Rc::clone(handler),
            service: Rc::clone(service),
            exchange,
            way,
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
        if let Some(refusal) = this.exchange.refusal() {
            return Poll::Ready(refuse(&**this.handler, this.exchange, refusal, this.way));
        }
        loop {
            match this.state.as_mut().project() {
                StateProjection::Running { future } => {
                    let Ok(response) = ready!(future.poll(cx));
                    let (exchange, way) = (Rc::clone(this.exchange), this.way.clone());
                    return Poll::Ready(
                        response.map(|body| AnswerBody::service(body, exchange, way)),
                    );
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

    fn panicked(self: Pin<&mut Self>, panic: &Panicked) -> Response<AnswerBody<H::Body>> {
        let this = self.project();
        let connection = this.exchange.connection();
        let number = this.exchange.number();
        let message = format_args!("request {number} of this connection {panic}");
        this.handler.log(connection, Severity::Alert, message);
        this.exchange.disable_keep_alive();
        own_page(&**this.handler, this.exchange, 500, this.way)
    }
}

impl<H: ConnectionHandler> Future for Answering<H> {
    type Output = Result<Response<AnswerBody<H::Body>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic there is an answer, so the service's future is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| self.as_mut().poll_service(cx)));
        let mut response = match polled {
            Ok(polled) => ready!(polled),
            Err(payload) => self.as_mut().panicked(&Panicked::new(&*payload)),
        };
        let this = self.project();
        if let Way::Http1(link) = &*this.way {
            persist::announce(this.exchange, &mut response);
            link.answer_begins();
        }
        Poll::Ready(Ok(response))
    }
}

fn refuse<H: ConnectionHandler>(
    handler: &H,
    exchange: &Rc<Exchange>,
    refusal: &Refusal,
    way: &Way<H::Body>,
) -> Response<AnswerBody<H::Body>> {
    let message = format_args!("{}", refusal.reason);
    handler.log(exchange.connection(), Severity::Info, message);
    match handler.refuse(exchange, refusal) {
        Some(response) => {
            response.map(|body| AnswerBody::service(body, Rc::clone(exchange), way.clone()))
        }
        None => {
            let mut response = own_page(handler, exchange, refusal.code, way);
            *response.status_mut() = refusal.status();
            response
        }
    }
}

/// One of our short pages.
fn own_page<H: ConnectionHandler>(
    handler: &H,
    exchange: &Rc<Exchange>,
    code: u16,
    way: &Way<H::Body>,
) -> Response<AnswerBody<H::Body>> {
    let server = handler.settings(exchange.connection()).server.clone();
    let name = server
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or("portunus");
    let body = AnswerBody::page(page(code, name), Rc::clone(exchange), way.clone());
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    if let Some(server) = server {
        fields.insert(SERVER, server);
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
