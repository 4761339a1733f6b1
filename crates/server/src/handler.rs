//! What a server serves: the seam between this crate and the one that knows what to answer.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use tower::Service;

use crate::connection::{Connection, Exchange};
use crate::gate::{Refusal, Severity};
use crate::io::RequestBody;
use crate::settings::Settings;

/// What the service of a handler is doing for one request.
pub type ServiceFuture<H> = <<H as ConnectionHandler>::Service as Service<RequestBody>>::Future;

/// Makes the service of each connection. There is one per worker thread, made on that thread, so
/// nothing of it has to be `Send`; neither have its services, their futures and bodies.
pub trait ConnectionHandler: 'static {
    /// The body of an answer. It is dropped when its last byte has been written to the socket, or
    /// when the exchange was cut; [`Exchange::outcome`] and the counters are final by then, so that
    /// is the place to write the access log.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static;
    /// Answers the requests of one connection. Its future is dropped when the exchange is cut.
    type Service: Service<RequestBody, Response = Response<Self::Body>, Error = Infallible, Future: 'static>
        + 'static;

    /// A connection has been accepted and has sent its first head.
    fn connect(&self, connection: &Rc<Connection>) -> Self::Service;

    /// The settings of the default server of the connection's socket, as they are now; asked for
    /// each head.
    fn settings(&self, connection: &Connection) -> Arc<Settings>;

    /// How long a TLS handshake may take on the socket with this tag.
    fn handshake_timeout(&self, tag: usize) -> Duration {
        let _ = tag;
        Duration::from_secs(60)
    }

    /// The client has named a host before its head is whole; where that server's settings differ
    /// from those of the default server, they hold for the rest of the head. In lower or upper
    /// case, without a port.
    fn settings_of_host(&self, connection: &Connection, host: &[u8]) -> Option<Arc<Settings>> {
        let _ = (connection, host);
        None
    }

    /// The gate has refused a request, or the part of one that has come. If this makes an answer, it logs the reason, and
    /// the body of the answer the request; else the reason is logged by [`ConnectionHandler::log`], and the request can be from
    /// [`ConnectionHandler::refused`]. `None` for nginx's short page.
    fn refuse(&self, exchange: &Rc<Exchange>, refusal: &Refusal) -> Option<ServiceFuture<Self>> {
        let _ = (exchange, refusal);
        None
    }

    /// The short page of a refusal has been sent, or could not be: time for the access log.
    fn refused(&self, exchange: &Rc<Exchange>, refusal: &Refusal) {
        let _ = (exchange, refusal);
    }

    /// A head was cut off before it was whole; the exchange has what came of it, and a refusal that
    /// nobody is told. nginx logs 408 or 400 for it and sends nothing.
    fn broken_head(&self, exchange: &Rc<Exchange>) {
        let _ = exchange;
    }

    /// A client on the socket with this tag did not get so far that there is a connection to it. For
    /// the error log of that socket, at level `info`, whole.
    fn log_greeting(&self, tag: usize, serial: u64, message: fmt::Arguments<'_>) {
        let _ = tag;
        tracing::debug!("*{serial} {message}");
    }

    /// Something for the error log, in nginx's words and without its `, client: …` tail.
    fn log(&self, connection: &Connection, severity: Severity, message: fmt::Arguments<'_>) {
        let (serial, client) = (connection.serial(), connection.peer());
        match severity {
            Severity::Alert | Severity::Crit | Severity::Error => {
                tracing::error!("*{serial} {message}, client: {client}");
            }
            Severity::Warn => tracing::warn!("*{serial} {message}, client: {client}"),
            Severity::Info => tracing::debug!("*{serial} {message}, client: {client}"),
        }
    }
}
