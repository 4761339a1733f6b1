//! Answers that no service made: refusals of the gate, and panics.

use std::rc::Rc;

use http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use http::{Response, StatusCode};

use super::body::{AnswerBody, Panicked};
use crate::connection::Exchange;
use crate::gate::{Refusal, Severity, page};
use crate::handler::{ConnectionHandler, ServiceFuture};

/// The answer to a request that the gate has refused.
pub(crate) enum Refused<H: ConnectionHandler> {
    /// A page of ours.
    Page(Response<AnswerBody<H::Body>>),
    /// The service makes one, as for a request that it was given.
    Future(ServiceFuture<H>),
}

/// Has a refusal answered, and logged by who answers.
pub(crate) fn refuse<H: ConnectionHandler>(
    handler: &H,
    exchange: &Rc<Exchange>,
    refusal: &Refusal,
) -> Refused<H> {
    if let Some(future) = handler.refuse(exchange, refusal) {
        return Refused::Future(future);
    }
    let message = format_args!("{}", refusal.reason);
    handler.log(exchange.connection(), Severity::Info, message);
    let mut response = own_page(handler, exchange, refusal.code);
    *response.status_mut() = refusal.status();
    Refused::Page(response)
}

/// The answer in the place of a service that has panicked; the connection is not kept.
pub(crate) fn panicked<H: ConnectionHandler>(
    handler: &H,
    exchange: &Exchange,
    panic: &Panicked,
) -> Response<AnswerBody<H::Body>> {
    let number = exchange.number();
    let message = format_args!("request {number} of this connection {panic}");
    handler.log(exchange.connection(), Severity::Alert, message);
    exchange.disable_keep_alive();
    // Those belong to the answer that did not come.
    exchange.ready.take();
    own_page(handler, exchange, 500)
}

/// One of our short pages.
fn own_page<H: ConnectionHandler>(
    handler: &H,
    exchange: &Exchange,
    code: u16,
) -> Response<AnswerBody<H::Body>> {
    let server = handler.settings(exchange.connection()).server.clone();
    let name = server
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or("portunus");
    let mut response = Response::new(AnswerBody::Page(page(code, name)));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    if let Some(server) = server {
        fields.insert(SERVER, server);
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
