//! Server-side includes: a body whose commands are carried out on its way out.
//!
//! Source: nginx, ngx_http_ssi_filter_module. [`Page`] carries commands out, [`Ssi`] is the body: a queue of parts
//! that are sent in order, while the page behind them is read ahead, so that subrequests go on side by side.
//!
//! Differs: nginx reads ahead without a limit, as long as the page comes; here a page with much text behind an include
//! waits for that include.

mod include;
mod page;
mod shared;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::{Bytes, BytesMut};
use portunus_filters::ssi::{Event, Parser};
use tokio::task::JoinHandle;

use crate::body::{Body, BodyError};

pub(crate) use page::Page;
pub(crate) use shared::Inclusion;

/// So much text waits behind a part that is not here yet.
const AHEAD: usize = 64 << 10;
/// So many parts wait to be sent.
const MOST_PARTS: usize = 32;

/// What a command does to the body.
#[derive(Debug)]
pub(crate) enum Effect {
    Nothing,
    Text(Bytes),
    Part(Part),
}

/// A part of the body.
#[derive(Debug)]
pub(crate) struct Part {
    kind: Kind,
    /// Nothing behind it is read before it is done.
    waited: bool,
}

#[derive(Debug)]
enum Kind {
    Text(Bytes),
    /// A subrequest that is under way.
    Asked(Asked),
    Body(Body),
}

/// A subrequest on a task of its own, which ends with this handle.
struct Asked(JoinHandle<Body>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Part {
    fn asked(future: impl Future<Output = Body> + 'static, waited: bool) -> Self {
        let kind = Kind::Asked(Asked(tokio::task::spawn_local(future)));
        Self { kind, waited }
    }
}

/// A body with commands in it.
#[derive(Debug)]
pub(crate) struct Ssi {
    source: Body,
    parser: Parser,
    page: Page,
    /// What the parser has not seen yet.
    piece: Bytes,
    at: usize,
    ended: bool,
    parts: VecDeque<Part>,
    /// Text behind the parts.
    text: BytesMut,
    /// A part that is waited for is among the parts.
    waiting: bool,
}

impl Ssi {
    pub(crate) fn new(source: Body, page: Page) -> Self {
        Self {
            source,
            parser: Parser::new(page.longest_value()),
            page,
            piece: Bytes::new(),
            at: 0,
            ended: false,
            parts: VecDeque::new(),
            text: BytesMut::new(),
            waiting: false,
        }
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Err(error) = self.read_ahead(cx) {
                return Poll::Ready(Some(Err(error)));
            }
            let Some(part) = self.parts.front_mut() else {
                if !self.text.is_empty() {
                    return Poll::Ready(Some(Ok(self.text.split().freeze())));
                }
                return if self.ended {
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                };
            };
            match &mut part.kind {
                Kind::Text(text) if text.is_empty() => self.part_is_done(),
                Kind::Text(text) => return Poll::Ready(Some(Ok(std::mem::take(text)))),
                Kind::Asked(asked) => {
                    let body = ready!(Pin::new(&mut asked.0).poll(cx));
                    part.kind = Kind::Body(body.unwrap_or(Body::Broken));
                }
                Kind::Body(body) => match ready!(body.poll_data(cx)) {
                    None => self.part_is_done(),
                    data => return Poll::Ready(data),
                },
            }
        }
    }

    fn part_is_done(&mut self) {
        if self.parts.pop_front().is_some_and(|part| part.waited) {
            self.waiting = false;
        }
    }

    /// Reads on as far as it goes without waiting and without gathering too much.
    fn read_ahead(&mut self, cx: &mut TaskContext<'_>) -> Result<(), BodyError> {
        while !self.ended && !self.waiting && self.has_room() {
            let Some(event) = self.parser.next(&self.piece, &mut self.at) else {
                match self.source.poll_data(cx) {
                    Poll::Ready(Some(Ok(piece))) => (self.piece, self.at) = (piece, 0),
                    Poll::Ready(Some(Err(error))) => {
                        self.ended = true;
                        return Err(error);
                    }
                    Poll::Ready(None) => {
                        self.ended = true;
                        let rest = self.parser.finish();
                        self.put(rest);
                    }
                    Poll::Pending => return Ok(()),
                }
                continue;
            };
            let effect = match event {
                Event::Text(range) => {
                    let text = self.piece.slice(range);
                    self.put(&text);
                    continue;
                }
                Event::Held(held) => {
                    self.put(held);
                    continue;
                }
                Event::Command(command) => self.page.carry_out(command),
                Event::Broken(complaint) => self.page.fail(format_args!("{complaint}")),
            };
            match effect {
                Effect::Nothing => {}
                Effect::Text(text) => self.text.extend_from_slice(&text),
                Effect::Part(part) => self.push(part),
            }
        }
        Ok(())
    }

    /// Text of the page itself.
    fn put(&mut self, text: &[u8]) {
        if self.page.shows_text(text) {
            self.text.extend_from_slice(text);
        }
    }

    fn push(&mut self, part: Part) {
        if !self.text.is_empty() {
            let kind = Kind::Text(self.text.split().freeze());
            self.parts.push_back(Part {
                kind,
                waited: false,
            });
        }
        self.waiting |= part.waited;
        self.parts.push_back(part);
    }

    fn has_room(&self) -> bool {
        let text = |part: &Part| match &part.kind {
            Kind::Text(text) => text.len(),
            Kind::Asked(_) | Kind::Body(_) => 0,
        };
        let waiting: usize = self.parts.iter().map(text).sum();
        self.parts.len() < MOST_PARTS && waiting + self.text.len() < AHEAD
    }
}
