//! An answer on its way out: its head, and its body as it comes.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode, Version, response};
use tokio::time::Instant;

use super::answer_head::AnswerHead;
use crate::answer::{AnswerBody, decide_persistence};
use crate::connection::{Cut, Exchange, ReadyFields};
use crate::gate::Severity;
use crate::handler::ConnectionHandler;
use crate::io::Out;
use crate::settings::Settings;

/// So many bytes are taken from a body before they are written. What a slow client makes wait is at
/// most this and one frame.
const FILL: usize = 32 << 10;

/// How the end of a body is told. RFC 9112 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// There is none: `HEAD`, 204, 304.
    None,
    /// So many bytes are left.
    Length(u64),
    Chunked,
    /// By the end of the connection.
    Close,
}

/// An answer that is being sent.
pub(super) struct Sending<H: ConnectionHandler> {
    body: AnswerBody<H::Body>,
    coding: Coding,
    /// The length, where the fields of the head do not tell it.
    length: Option<u64>,
    /// Field lines that the service has written itself.
    ready: Option<ReadyFields>,
    /// The head, until it goes out together with the beginning of the body.
    head: Option<response::Parts>,
    out: Out,
    /// All of the body is in `out`.
    ended: bool,
}

/// What a step came to.
enum Filled {
    /// There is something to write.
    More,
    /// The body has nothing just now.
    Waits,
}

impl<H: ConnectionHandler> Sending<H> {
    /// Begins to send; nothing is written yet.
    pub(super) fn new(exchange: &Exchange, response: Response<AnswerBody<H::Body>>) -> Self {
        let (head, body) = response.into_parts();
        let ready = exchange.ready.take();
        let (coding, length) = measure::<H>(exchange, ready.as_ref(), &head, &body);
        Self {
            ended: matches!(coding, Coding::None | Coding::Length(0)),
            body,
            coding,
            length,
            ready,
            head: Some(head),
            out: Out::default(),
        }
    }

    /// Ready when all has been written, or the answer cannot go on. `now` is the time, where it is known; once the head
    /// has been written it is.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        handler: &H,
        exchange: &Exchange,
        settings: &Settings,
        now: &mut Option<Instant>,
    ) -> Poll<Result<(), Cut>> {
        loop {
            let filled = match self.fill(cx, exchange) {
                Ok(filled) => filled,
                Err(cut) => {
                    self.break_off(cx, exchange, settings, now);
                    return Poll::Ready(Err(cut));
                }
            };
            let idle = self.out.is_empty() && self.head.is_none();
            let written = match self.head.take() {
                Some(head) => self.write_head(cx, exchange, settings, &head, now),
                None => self.out.poll(cx, exchange),
            };
            if let Err(error) = ready!(written) {
                return Poll::Ready(Err(failed(handler, exchange, &error)));
            }
            match filled {
                _ if self.ended => return Poll::Ready(Ok(())),
                Filled::Waits if idle => return Poll::Pending,
                // What has been written may have been what the body waits for.
                Filled::Waits | Filled::More => {}
            }
        }
    }

    /// Takes from the body what it has, up to a limit.
    fn fill(&mut self, cx: &mut Context<'_>, exchange: &Exchange) -> Result<Filled, Cut> {
        while !self.ended && self.out.held() < FILL && !self.out.is_full() {
            match self.body.poll_frame(exchange.connection(), cx) {
                Poll::Pending => return Ok(Filled::Waits),
                Poll::Ready(None) => self.end(exchange)?,
                Poll::Ready(Some(Err((_, cut)))) => return Err(cut),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers go another way, see `Exchange::end_with`.
                    if let Ok(data) = frame.into_data() {
                        self.push(data, cx, exchange)?;
                    }
                }
            }
        }
        Ok(Filled::More)
    }

    fn push(&mut self, data: Bytes, cx: &mut Context<'_>, exchange: &Exchange) -> Result<(), Cut> {
        if data.is_empty() {
            return Ok(());
        }
        let taken = match &mut self.coding {
            Coding::None => true,
            Coding::Close => self.out.push(data, exchange),
            Coding::Chunked => self.out.push_chunk(data, exchange),
            Coding::Length(left) => {
                let room = usize::try_from(*left).unwrap_or(usize::MAX);
                let data = if data.len() > room {
                    data.slice(..room)
                } else {
                    data
                };
                *left -= data.len() as u64;
                self.ended = *left == 0;
                if self.ended && !self.body.is_end() {
                    // It need not wait for its end, but it may want to see it.
                    let _ = self.body.poll_frame(exchange.connection(), cx);
                }
                self.out.push(data, exchange)
            }
        };
        if taken {
            Ok(())
        } else {
            Err(Cut::AnswerFailed)
        }
    }

    /// The body has ended.
    fn end(&mut self, exchange: &Exchange) -> Result<(), Cut> {
        self.ended = true;
        match self.coding {
            Coding::Length(left) if left > 0 => return Err(Cut::AnswerFailed),
            Coding::Chunked => {
                let trailers = exchange.trailers.take();
                self.out.push_own(if trailers.is_empty() {
                    Bytes::from_static(b"0\r\n\r\n")
                } else {
                    Bytes::from([b"0\r\n", &trailers[..], b"\r\n"].concat())
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// The body has failed: what came before that goes out, if the socket takes it at once.
    ///
    /// Differs: nginx closes. Where only the end of the connection tells that of the body, a client would take what it
    /// got for all of it, so the connection is reset.
    fn break_off(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        settings: &Settings,
        now: &mut Option<Instant>,
    ) {
        let _ = match self.head.take() {
            Some(_) if exchange.is_silent() => {
                if exchange.is_to_be_reset() {
                    exchange.connection().transport.reset_on_close();
                }
                return;
            }
            Some(head) => self.write_head(cx, exchange, settings, &head, now),
            None => self.out.poll(cx, exchange),
        };
        if self.coding == Coding::Close {
            exchange.connection().transport.reset_on_close();
        }
    }

    fn write_head(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        settings: &Settings,
        parts: &response::Parts,
        now: &mut Option<Instant>,
    ) -> Poll<io::Result<()>> {
        let delimited = self.coding != Coding::Close;
        let persist = decide_persistence(exchange, parts.status, delimited);
        let worker = &exchange.connection().worker;
        let mut bytes = worker.head.borrow_mut();
        if exchange.version() >= 1000 {
            let head = AnswerHead {
                parts,
                reason: exchange.reason.take().map(|reason| *reason),
                ready: self.ready.as_ref(),
                coding: self.coding,
                length: self.length,
                persist,
                date: &worker.date.at(*now.get_or_insert_with(Instant::now)),
                operator: &settings.spelling,
                own: &exchange.names.borrow(),
            };
            head.write(&mut bytes);
        }
        if let Some(ready) = self.ready.take() {
            *worker.spare.borrow_mut() = ready.into_memory();
        }
        self.out.poll_with_head(cx, exchange, &mut bytes)
    }
}

/// How the end of this body is to be told, and its length where no field tells it yet.
fn measure<H: ConnectionHandler>(
    exchange: &Exchange,
    ready: Option<&ReadyFields>,
    head: &response::Parts,
    body: &AnswerBody<H::Body>,
) -> (Coding, Option<u64>) {
    if head.status.is_informational()
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
    {
        return (Coding::None, None);
    }
    let more = ready.and_then(|ready| ready.more().get(&CONTENT_LENGTH));
    let field = more.or_else(|| head.headers.get(CONTENT_LENGTH));
    let told = field.and_then(|value| value.to_str().ok()?.parse().ok());
    let told = ready.and_then(ReadyFields::length).or(told);
    let exact = if told.is_none() { body.length() } else { None };
    // An answer that is none shows only when its body is asked for.
    let by_head = exchange.method() == Method::HEAD && !exchange.is_silent();
    let coding = match told.or(exact) {
        _ if by_head => Coding::None,
        Some(length) => Coding::Length(length),
        None if exchange.version() < 1001 || head.version == Version::HTTP_10 => Coding::Close,
        None => Coding::Chunked,
    };
    (coding, exact)
}

/// The socket, or a file, has failed.
fn failed<H: ConnectionHandler>(handler: &H, exchange: &Exchange, error: &io::Error) -> Cut {
    let connection = exchange.connection();
    if error.kind() == io::ErrorKind::UnexpectedEof {
        handler.log(connection, Severity::Alert, format_args!("{error}"));
        return Cut::AnswerFailed;
    }
    connection.note_peer_closed();
    Cut::ClientClosed
}
