//! The answer as the client will see it: a head, then bytes, then a clean end or an error.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::StatusCode;
use portunus_fastcgi::{CgiHead, EndRequest, Event, HeadParser, ProtocolStatus};
use tokio::time::Instant;

use crate::config::Reuse;
use crate::error::{Error, Phase};
use crate::exchange::Exchange;

/// Reads head and body off an [`Exchange`] and holds PHP to its `Content-Length`.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exchange: Exchange,
    parser: HeadParser,
    /// Body bytes that came along with the head.
    first: Bytes,
    expected: Expected,
    /// `END_REQUEST` came, or all that may be passed on.
    ended: bool,
    /// More came than `Content-Length` allows; it was cut off.
    overrun: bool,
    head_only: bool,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    /// Whatever comes.
    Any,
    /// So many bytes more.
    Exactly(u64),
    /// None that would reach the client; not counted.
    Discarded,
}

impl Answer {
    pub(crate) fn new(exchange: Exchange, head_only: bool) -> Self {
        let parser = HeadParser::new(exchange.options().head);
        let (first, expected) = (Bytes::new(), Expected::Any);
        Self {
            exchange,
            parser,
            first,
            expected,
            ended: false,
            overrun: false,
            head_only,
        }
    }

    /// The head. To be polled until ready, once.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<CgiHead, Error>> {
        loop {
            match ready!(self.exchange.poll_event(cx))? {
                Event::Stdout(bytes) => {
                    if let Some((head, rest)) = self.parser.push(bytes)? {
                        self.exchange.head_ended(rest.len());
                        self.first = rest;
                        self.expected = self.expect(&head);
                        return Poll::Ready(Ok(head));
                    }
                }
                Event::End(end) => {
                    served(end, Phase::ReadingHead)?;
                    return Poll::Ready(Err(Error::StdoutClosed(Phase::ReadingHead)));
                }
                Event::StdoutEnd => {
                    return Poll::Ready(Err(Error::StdoutClosed(Phase::ReadingHead)));
                }
                Event::Stderr(_) | Event::Need => {}
            }
        }
    }

    /// The next bytes of the body; none after `END_REQUEST`, and only then.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let bytes = if self.first.is_empty() {
                match ready!(self.exchange.poll_event(cx)) {
                    Ok(Event::Stdout(bytes)) => bytes,
                    Ok(event) => match self.end(&event) {
                        Ok(()) => continue,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    },
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            } else {
                std::mem::take(&mut self.first)
            };
            if let Some(bytes) = self.pass(bytes) {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }

    /// After the client has gone: ready when PHP is done, has hung up, or can be told.
    ///
    /// PHP learns that nobody listens only by a failing write, so closing the connection of a
    /// silent script stops nothing; it only hides a busy worker from us. Hence the connection
    /// is held until the script says something, and closed then. True for a clean end.
    ///
    /// A script whose whole answer the client has got goes on: what it has yet to say on stderr is for the log.
    pub(crate) fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut told = false;
        loop {
            match self.exchange.decode() {
                Ok(Some(Event::End(_))) => {
                    self.ended = true;
                    return Poll::Ready(true);
                }
                Ok(Some(Event::Stdout(bytes))) => {
                    self.pass(bytes);
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(_) => return Poll::Ready(false),
            }
            match self.exchange.poll_read(cx) {
                Poll::Ready(Ok(())) => told = true,
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending if told && !self.may_finish() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether PHP is to go on without the client.
    fn may_finish(&self) -> bool {
        let is_all = matches!(self.expected, Expected::Exactly(0)) && !self.overrun;
        is_all || self.exchange.options().ignore_client_abort
    }

    /// PHP sent more than its `Content-Length`.
    pub(crate) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Whether the connection may be used for another request.
    pub(crate) fn leaves_connection(&mut self, rules: &Reuse, now: Instant) -> bool {
        self.ended
            && !self.overrun
            && self.exchange.options().keep_conn
            && (rules.after_body
                || self.exchange.options().keep_after_body
                || !self.exchange.has_body())
            && self.exchange.may_serve_again(rules, now)
    }

    /// nginx: `ngx_http_fastcgi_input_filter_init`.
    fn expect(&self, head: &CgiHead) -> Expected {
        // Symfony, and so Laravel, tells the length of the file that is sent in its stead, and sends nothing.
        let elsewhere = || self.exchange.options().leads_to(&head.fields).is_some();
        if self.head_only || (head.accel && elsewhere()) {
            return Expected::Discarded;
        }
        match (head.status, head.content_length) {
            (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => Expected::Exactly(0),
            (_, Some(length)) => Expected::Exactly(length),
            (_, None) => Expected::Any,
        }
    }

    /// Nobody is to get the body: it may be of any length, whatever PHP said.
    pub(crate) fn discard(&mut self) {
        self.expected = Expected::Discarded;
    }

    /// Of `bytes`, what the client is to get.
    fn pass(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        match &mut self.expected {
            Expected::Any => {}
            Expected::Discarded => return None,
            Expected::Exactly(rest) => {
                let allowed = usize::try_from(*rest).unwrap_or(usize::MAX);
                if bytes.len() > allowed {
                    bytes.truncate(allowed);
                    self.overrun = true;
                    self.ended = true;
                }
                *rest -= bytes.len() as u64;
            }
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    fn end(&mut self, event: &Event) -> Result<(), Error> {
        if let &Event::End(end) = event {
            served(end, Phase::ReadingBody)?;
            self.ended = true;
        }
        match self.expected {
            Expected::Exactly(rest) if rest > 0 => Err(Error::StdoutClosed(Phase::ReadingBody)),
            _ => Ok(()),
        }
    }
}

fn served(end: EndRequest, phase: Phase) -> Result<(), Error> {
    match end.protocol_status {
        ProtocolStatus::Complete => Ok(()),
        status => Err(Error::NotServed { phase, status }),
    }
}
