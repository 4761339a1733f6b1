//! The driver of an HTTP/2 connection: hyper's own protocol machine, with our limits, our counters
//! and our way of ending it.

mod answering;
mod flood;
mod head;
mod watched;

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http2;
use tokio::time::{Duration, Instant};

use self::answering::{Answering, StreamBody};
use self::flood::FrameWatch;
use self::watched::StreamExecutor;
use crate::answer::is_spent;
use crate::connection::{Connection, Exchange, Wait};
use crate::counters::Activity;
use crate::gate::Severity;
use crate::handler::ConnectionHandler;
use crate::http1::Timer;
use crate::io::RequestBody;
use crate::settings::Http2Settings;

/// What an idle client has left once it has been told to go.
const FAREWELL: Duration = Duration::from_secs(5);

type Hyper<H> = http2::Connection<Io<H>, Streams<H>, StreamExecutor>;

/// Drives one HTTP/2 connection until it is closed.
pub(crate) struct Http2<H: ConnectionHandler> {
    handler: Rc<H>,
    connection: Rc<Connection>,
    hyper: Pin<Box<Hyper<H>>>,
    idle_timeout: Duration,
    head_timeout: Duration,
    send_timeout: Duration,
    /// When the field block began that is not whole yet.
    head_since: Rc<Cell<Option<Instant>>>,
    /// The socket has no room for what is to go out.
    held_up: Rc<Cell<bool>>,
    /// Bytes that had gone out when that was looked at last.
    sent: Cell<u64>,
    goodbye_said: bool,
    /// The client is to go, and takes what the kernel has for it.
    takes_rest: Cell<bool>,
    timer: Timer,
}

impl<H: ConnectionHandler> Http2<H> {
    pub(crate) fn new(handler: Rc<H>, connection: Rc<Connection>) -> Self {
        connection.http2.set(true);
        let settings = handler.settings(&connection);
        let service = Rc::new(RefCell::new(handler.connect(&connection)));
        let executor = StreamExecutor::default();
        let streams = Streams {
            handler: Rc::clone(&handler),
            connection: Rc::clone(&connection),
            service,
            executor: executor.clone(),
        };
        let head_since = Rc::new(Cell::new(None));
        let held_up = Rc::new(Cell::new(false));
        let io = Io {
            handler: Rc::clone(&handler),
            connection: Rc::clone(&connection),
            frames: FrameWatch::new(Instant::now(), Rc::clone(&head_since)),
            held_up: Rc::clone(&held_up),
        };
        let hyper = builder(&settings.http2, executor).serve_connection(io, streams);
        Self {
            handler,
            connection,
            hyper: Box::pin(hyper),
            idle_timeout: settings.limits.keepalive_timeout,
            head_timeout: settings.client_header_timeout,
            send_timeout: settings.limits.send_timeout,
            head_since,
            held_up,
            sent: Cell::new(0),
            goodbye_said: false,
            takes_rest: Cell::new(false),
            timer: Timer::default(),
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let connection = Rc::clone(&self.connection);
        loop {
            if connection.stopped.get() || self.hyper.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if connection.draining.get() && !self.goodbye_said {
                self.say_goodbye();
                continue;
            }
            let idle = connection.streams.get() == 0;
            let is_sending = self.is_sending() || self.takes_rest.get();
            connection.set_activity(if idle && !is_sending {
                Activity::Waiting
            } else {
                Activity::Writing
            });
            self.set_deadline(idle);
            let wait = ready!(self.timer.poll(&connection, cx));
            if self.goes_on_taking(wait) {
                connection.read_deadline.set(None);
                continue;
            }
            if matches!(wait, Wait::Head | Wait::Send) {
                let message = format_args!("client timed out");
                self.handler.log(&connection, Severity::Info, message);
                return Poll::Ready(());
            }
            if self.goodbye_said {
                return Poll::Ready(());
            }
            // Idle for too long.
            self.say_goodbye();
        }
    }

    /// Says that no more requests are wanted, and gives the client a moment to agree once it has none.
    fn say_goodbye(&mut self) {
        self.goodbye_said = true;
        self.idle_timeout = FAREWELL;
        self.connection.read_deadline.set(None);
        self.hyper.as_mut().graceful_shutdown();
    }

    /// Whether something of answers that have been made waits for room in the socket, or for the client to open a window.
    fn is_sending(&self) -> bool {
        self.held_up.get() || self.connection.unsent.get() > 0
    }

    /// Whether a client that is late according to us is taking what the kernel has for it. Where it is to go, that is
    /// lost if we close and the client speaks then.
    #[cold]
    fn goes_on_taking(&self, wait: Wait) -> bool {
        let connection = &self.connection;
        match wait {
            Wait::Send => connection.has_taken_more(),
            Wait::Idle if self.goodbye_said => {
                let backlog = connection.transport.backlog();
                let takes =
                    connection.has_taken_more() && backlog.is_some_and(|backlog| backlog.waits);
                // Others are not to wait for its place.
                self.takes_rest.set(takes);
                takes
            }
            _ => false,
        }
    }

    /// A field block has the time of a head, an idle connection its own; a busy one waits on its
    /// streams. It is not idle yet where its last answers have been made and something of them is still here.
    ///
    /// Source: nginx, `ngx_http_v2_handle_connection`.
    fn set_deadline(&self, idle: bool) {
        let deadline = &self.connection.read_deadline;
        let wait = match self.head_since.get() {
            Some(since) => {
                return deadline.set(Some((since + self.head_timeout, Wait::Head)));
            }
            None if !idle => return deadline.set(None),
            None if self.is_sending() => Wait::Send,
            None => Wait::Idle,
        };
        let sent = self.connection.bytes_out();
        let has_moved = self.sent.replace(sent) != sent && wait == Wait::Send;
        if has_moved || !matches!(deadline.get(), Some((_, before)) if before == wait) {
            let timeout = match wait {
                Wait::Send => self.send_timeout,
                _ => self.idle_timeout,
            };
            deadline.set(Some((Instant::now() + timeout, wait)));
            if wait == Wait::Send || self.goodbye_said {
                self.connection.note_taken();
            }
        }
    }
}

impl<H: ConnectionHandler> Future for Http2<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.connection.driving.set(true);
        let polled = this.step(cx);
        this.connection.driving.set(false);
        polled
    }
}

impl<H: ConnectionHandler> Unpin for Http2<H> {}

impl<H: ConnectionHandler> Drop for Http2<H> {
    fn drop(&mut self) {
        self.connection.note_peer_closed();
        self.connection.set_activity(Activity::Waiting);
    }
}

fn builder(settings: &Http2Settings, executor: StreamExecutor) -> http2::Builder<StreamExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .max_concurrent_streams(settings.max_concurrent_streams)
        .max_header_list_size(settings.max_header_list_size)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_send_buf_size(settings.send_buffer)
        .max_pending_accept_reset_streams(settings.max_pending_reset)
        .max_local_error_reset_streams(settings.max_local_reset);
    builder
}

/// hyper's service of one HTTP/2 connection.
struct Streams<H: ConnectionHandler> {
    handler: Rc<H>,
    connection: Rc<Connection>,
    service: Rc<RefCell<H::Service>>,
    executor: StreamExecutor,
}

impl<H: ConnectionHandler> hyper::service::Service<Request<Incoming>> for Streams<H> {
    type Response = http::Response<StreamBody<H::Body>>;
    type Error = std::convert::Infallible;
    type Future = Answering<H>;

    fn call(&self, request: Request<Incoming>) -> Answering<H> {
        let (mut parts, body) = request.into_parts();
        let admitted = head::admit(
            &*self.handler,
            &self.connection,
            &mut parts,
            !body.is_end_stream(),
        );
        let limits = admitted.settings.limits;
        let number = self.connection.count_request();
        let now = Instant::now();
        self.connection.worker.meter.look(now);
        let exchange = Exchange::new(
            Rc::clone(&self.connection),
            number,
            now,
            now,
            admitted.head,
            limits,
            admitted.refusal,
        );
        let exchange = Rc::new(exchange.with_fields(parts.headers));
        if is_spent(&exchange, &limits) {
            self.connection.draining.set(true);
        }
        self.executor.expect(&exchange);
        let request = RequestBody::http2(Rc::clone(&exchange), body);
        Answering::new(&self.handler, &self.service, exchange, request)
    }
}

/// The stream that hyper's HTTP/2 sees: what the HTTP/1 side has read already, then the socket.
struct Io<H> {
    handler: Rc<H>,
    connection: Rc<Connection>,
    frames: FrameWatch,
    held_up: Rc<Cell<bool>>,
}

impl<H: ConnectionHandler> Io<H> {
    /// Hands over what has arrived, unless it is one frame for nothing too many.
    fn take_in(&mut self, bytes: &[u8], buffer: &mut ReadBufCursor<'_>) -> io::Result<()> {
        let observed = self.frames.observe(bytes, self.connection.bytes_out());
        if let Err(flooded) = observed {
            let message = format_args!("{flooded}");
            self.handler.log(&self.connection, Severity::Info, message);
            return Err(io::Error::other(flooded));
        }
        buffer.put_slice(bytes);
        Ok(())
    }
}

impl<H> Unpin for Io<H> {}

impl<H: ConnectionHandler> hyper::rt::Read for Io<H> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let connection = Rc::clone(&this.connection);
        let mut pending = connection.pending.borrow_mut();
        if !pending.is_empty() {
            let length = pending.len().min(buffer.remaining());
            let taken = this.take_in(&pending[..length], &mut buffer);
            pending.advance(length);
            return Poll::Ready(taken);
        }
        let mut scratch = connection.worker.scratch.borrow_mut();
        let room = scratch.len().min(buffer.remaining());
        let length = ready!(connection.transport.poll_read(cx, &mut scratch[..room]))?;
        connection.count_in(length);
        Poll::Ready(this.take_in(&scratch[..length], &mut buffer))
    }
}

impl<H: ConnectionHandler> hyper::rt::Write for Io<H> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.connection.transport.poll_write_vectored(cx, slices);
        self.held_up.set(written.is_pending());
        let length = ready!(written)?;
        self.connection.count_out(length);
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.connection.transport.poll_flush(cx);
        self.held_up.set(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.transport.poll_shutdown(cx)
    }
}
