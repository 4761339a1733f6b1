//! One server after the other, until there is an answer or nobody is left.
//!
//! Source: nginx, `ngx_http_upstream_connect`, `ngx_http_upstream_next`, `ngx_http_upstream_test_next`.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use portunus_proxy::{
    BodySource, Connection, Error, Failed, Keepalive, Request, RequestBody as Outbound, Response,
    Security, SocketOptions,
};
use portunus_spool::SpooledReader;
use portunus_telemetry::Severity;
use portunus_upstream::Outcome;

use super::body::Progress;
use super::request::Outgoing;
use crate::config::{Proxy, ProxyGroup};
use crate::content::balancing;
use crate::content::cached::Failure;
use crate::context::Context;
use crate::request_body::{BodyReadError, RequestBody};
use crate::upstream_state::Attempt;

/// What came of it.
pub(super) enum Given {
    Answer(Box<Response>, Held),
    Nothing(u16, Failure),
}

/// The right to a server; given back when the answer is over.
#[derive(Debug)]
pub(crate) struct Held {
    group: Arc<ProxyGroup>,
    member: Option<usize>,
    outcome: Outcome,
    /// What the log learns of the transfer.
    pub(crate) progress: Rc<Progress>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}

pub(super) struct Tries<'p> {
    proxy: &'p Proxy,
    group: &'p Arc<ProxyGroup>,
    outgoing: Outgoing,
    tries: portunus_upstream::Tries,
    left: usize,
    key: Vec<u8>,
    scheme: &'static str,
    socket: SocketOptions,
    security: Option<Security>,
    began: Instant,
    upgrade: bool,
    /// Nothing of the body has been given away yet.
    replayable: bool,
}

/// Why another server may be asked.
#[derive(Clone, Copy)]
enum Fault {
    Error,
    Timeout,
    InvalidHeader,
    Status(u16),
}

impl Fault {
    fn failure(self) -> Failure {
        match self {
            Self::Error => Failure::Error,
            Self::Timeout => Failure::Timeout,
            Self::InvalidHeader => Failure::InvalidHead,
            Self::Status(_) => Failure::Other,
        }
    }
}

impl<'p> Tries<'p> {
    pub(super) fn new(
        cx: &mut Context,
        proxy: &'p Proxy,
        group: &'p Arc<ProxyGroup>,
        outgoing: Outgoing,
    ) -> Self {
        let all = group.group.tries().max(1);
        let left = match proxy.next.tries {
            0 => all,
            most => all.min(most),
        };
        let key = balancing::key(cx, group.group.balance(), group.key.as_ref());
        let scheme = cx
            .proxied
            .as_ref()
            .map_or("", |proxied| proxied.url.scheme());
        let socket = socket(cx, proxy);
        let security = security(cx, proxy);
        let upgrade = cx.exchange.has_field(&http::header::UPGRADE);
        Self {
            proxy,
            group,
            outgoing,
            tries: portunus_upstream::Tries::default(),
            left,
            key,
            scheme,
            socket,
            security,
            began: Instant::now(),
            upgrade,
            replayable: true,
        }
    }

    pub(super) async fn run(mut self, cx: &mut Context) -> Given {
        loop {
            let group = &self.group.group;
            let Some(member) = group.select(&mut self.tries, &self.key, Instant::now()) else {
                return self.nobody(cx);
            };
            let address = group.peer(member).address.to_string();
            let uri = String::from_utf8_lossy(&self.outgoing.uri).into_owned();
            let colon = if address.starts_with("unix:") {
                ":"
            } else {
                ""
            };
            let scheme = self.scheme;
            cx.upstream.target = Some(format!("{scheme}{address}{colon}{uri}").into());
            let progress = Rc::new(Progress::new());
            cx.upstream.attempts.push(Attempt {
                address: address.into(),
                progress: Some(Rc::clone(&progress)),
                ..Attempt::default()
            });
            let held = Held {
                group: Arc::clone(self.group),
                member: Some(member),
                outcome: Outcome::Served,
                progress,
            };
            match self.ask(cx, member, &held).await {
                Ok(response) => match self.judge(cx, &response) {
                    None => return Given::Answer(Box::new(response), held),
                    Some(status) => self.failed(cx, held, Fault::Status(status)),
                },
                Err(Asked {
                    error,
                    sent,
                    reused,
                }) => {
                    if let Error::RequestBody(error) = &error {
                        cx.log(Severity::Info, format_args!("{error}"));
                        return Given::Nothing(BodyReadError::status_of(error), Failure::Other);
                    }
                    cx.log(Severity::Error, format_args!("{error}"));
                    let fault = fault_of(&error);
                    let status = if error.is_timeout() { 504 } else { 502 };
                    if let Some(attempt) = cx.upstream.attempts.last_mut() {
                        attempt.status = status;
                    }
                    self.failed(cx, held, fault);
                    // A kept connection may have been closed just then; that is no try.
                    self.left += usize::from(reused && matches!(fault, Fault::Error));
                    if self.left == 0 || !self.may_go_on(cx, fault, sent) {
                        return Given::Nothing(status, fault.failure());
                    }
                }
            }
        }
    }

    fn nobody(&self, cx: &mut Context) -> Given {
        let name = self.group.group.name();
        let uri = String::from_utf8_lossy(&self.outgoing.uri);
        cx.upstream.target = Some(format!("{}{name}{uri}", self.scheme).into());
        cx.log_error(format_args!(
            "no live upstreams while connecting to upstream"
        ));
        cx.upstream.attempts.push(Attempt {
            address: name.into(),
            status: 502,
            response: Some(Duration::ZERO),
            ..Attempt::default()
        });
        Given::Nothing(502, Failure::Error)
    }

    async fn ask(
        &mut self,
        cx: &mut Context,
        member: usize,
        held: &Held,
    ) -> Result<Response, Asked> {
        let address = &held.group.group.peer(member).address;
        let keepalive: Option<Arc<Keepalive>> = self
            .proxy
            .keepalive
            .clone()
            .or_else(|| held.group.keepalive.clone());
        let kept = keepalive
            .as_ref()
            .and_then(|kept| kept.take(address, self.security.as_ref()));
        let timeouts = &self.proxy.timeouts;
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let (socket, security) = (&self.socket, self.security.clone());
                let opened = Connection::open(address, timeouts.connect, socket, security).await;
                opened.map_err(|error| Asked {
                    error,
                    sent: false,
                    reused: false,
                })?
            }
        };
        held.progress.connected();
        let reused = connection.is_reused();
        let request = Request {
            head: self.outgoing.head.clone(),
            body: self.body(cx),
            head_only: self.outgoing.head_only,
            upgrade: self.upgrade,
            trailers: self.proxy.pass_trailers,
        };
        match connection.send(request, timeouts, keepalive).await {
            Ok(response) => {
                held.progress.head(response.sent, response.head.size as u64);
                if let Some(attempt) = cx.upstream.attempts.last_mut() {
                    attempt.status = response.head.status;
                }
                Ok(response)
            }
            Err(Failed {
                error,
                request_sent: sent,
                sent: bytes,
            }) => {
                held.progress.sent(bytes);
                Err(Asked {
                    error,
                    sent,
                    reused,
                })
            }
        }
    }

    fn body(&mut self, cx: &mut Context) -> Outbound {
        if let Some(body) = &self.outgoing.own_body {
            return Outbound::Plain(Box::new(Once(Some(body.clone()))));
        }
        if !self.proxy.pass_request_body {
            return Outbound::Empty;
        }
        let source: Box<dyn BodySource> = match &cx.body {
            RequestBody::Unread(_) | RequestBody::Gone => return Outbound::Empty,
            RequestBody::Whole(body) => Box::new(Replayed(body.reader())),
            RequestBody::Coming(_) => {
                self.replayable = false;
                match std::mem::take(&mut cx.body) {
                    RequestBody::Coming(streaming) => Box::new(streaming),
                    _ => return Outbound::Empty,
                }
            }
        };
        if self.outgoing.chunked {
            Outbound::Chunked(source)
        } else {
            Outbound::Plain(source)
        }
    }

    /// The status that sends the request to another server, if this one does.
    fn judge(&self, cx: &Context, response: &Response) -> Option<u16> {
        let status = response.head.status;
        let listed = self.proxy.next.statuses.contains(&status);
        let goes_on = listed && self.left > 1 && self.may_go_on(cx, Fault::Status(status), true);
        goes_on.then_some(status)
    }

    fn failed(&mut self, cx: &Context, held: Held, fault: Fault) {
        let group = &self.group.group;
        self.left = match group.peers().len() {
            1 => 0,
            _ => self.left.saturating_sub(1),
        };
        let outcome = match fault {
            Fault::Status(403 | 404) => Outcome::Served,
            _ => Outcome::Failed,
        };
        if held.fail(outcome) {
            cx.log(
                Severity::Warn,
                format_args!("upstream server temporarily disabled"),
            );
        }
    }

    fn may_go_on(&self, cx: &Context, fault: Fault, sent: bool) -> bool {
        let next = &self.proxy.next;
        let wanted = match fault {
            Fault::Error => next.error,
            Fault::Timeout => next.timeout,
            Fault::InvalidHeader => next.invalid_header,
            Fault::Status(status) => next.statuses.contains(&status),
        };
        let method = cx.head.method.as_str();
        let risky = sent && matches!(method, "POST" | "LOCK" | "PATCH");
        let late = !next.time.is_zero() && self.began.elapsed() >= next.time;
        wanted && (!risky || next.non_idempotent) && (!sent || self.replayable) && !late
    }
}

impl Held {
    /// Gives the server back after a failure; `true` when it is spared from now on.
    fn fail(mut self, outcome: Outcome) -> bool {
        self.outcome = outcome;
        self.give_back()
    }

    fn give_back(&mut self) -> bool {
        let Some(member) = self.member.take() else {
            return false;
        };
        self.progress.finish();
        self.group
            .group
            .release(member, self.outcome, Instant::now())
            .0
    }
}

/// How sockets are opened for this request.
///
/// Source: nginx, `ngx_http_upstream_set_local`.
fn socket(cx: &mut Context, proxy: &Proxy) -> SocketOptions {
    let mut socket = proxy.socket;
    let Some(bind) = &proxy.bind else {
        return socket;
    };
    let text = cx.expand(bind);
    let text = String::from_utf8_lossy(&text);
    let address = text.parse().ok();
    socket.bind = address.or_else(|| Some((text.parse::<IpAddr>().ok()?, 0).into()));
    if socket.bind.is_none() && !text.is_empty() {
        cx.log_error(format_args!("invalid local address \"{text}\""));
    }
    socket
}

/// How the servers of a URL are greeted, and by which name: without port and brackets.
///
/// Source: nginx, `ngx_http_upstream_ssl_name`.
fn security(cx: &mut Context, proxy: &Proxy) -> Option<Security> {
    let url = &cx
        .proxied
        .as_ref()
        .filter(|proxied| proxied.url.secure)?
        .url;
    let (tls, host) = (proxy.tls.as_ref()?, url.host.to_vec());
    let name = match &tls.name {
        Some(template) => cx.expand(template),
        None => host,
    };
    let bare = match name.strip_prefix(b"[") {
        Some(literal) => literal.split(|byte| *byte == b']').next(),
        None => name.split(|byte| *byte == b':').next(),
    };
    Some(Security {
        handshake: Arc::clone(&tls.handshake),
        name: String::from_utf8_lossy(bare.unwrap_or_default()).into(),
    })
}

struct Asked {
    error: Error,
    /// The server may have seen the request.
    sent: bool,
    reused: bool,
}

fn fault_of(error: &Error) -> Fault {
    if error.is_timeout() {
        Fault::Timeout
    } else if error.is_invalid() {
        Fault::InvalidHeader
    } else {
        Fault::Error
    }
}

/// A body that is in memory whole.
struct Once(Option<Bytes>);

impl BodySource for Once {
    fn poll_next(&mut self, _: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// A body that has been taken in.
struct Replayed(SpooledReader);

impl BodySource for Replayed {
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_next(cx).map_err(io::Error::other)
    }
}
