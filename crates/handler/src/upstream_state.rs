//! What is known of the exchanges with PHP, for `$upstream_…`.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use portunus_fpm::{Aside, Failure, Pool, Response, Timings, Traffic};
use portunus_proxy::Field;
use smallvec::SmallVec;

use crate::content::cached::CacheState;
use crate::content::fastcgi::Held;
use crate::content::proxy::Progress;
use crate::context::Context;
use crate::variable::{Variable, field, put, put_display, put_seconds};

/// One try at an upstream.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) address: Arc<str>,
    pub(crate) status: u16,
    pub(crate) queue: Option<Duration>,
    pub(crate) connect: Option<Duration>,
    pub(crate) header: Option<Duration>,
    pub(crate) response: Option<Duration>,
    /// Bytes of the body; of PHP's with the framing around them, as nginx counts.
    pub(crate) length: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Of a try that may still go on.
    pub(crate) progress: Option<Rc<Progress>>,
    /// The same of PHP.
    pub(crate) aside: Option<Arc<Aside>>,
}

/// All tries of a request, and the fields of the last answer.
#[derive(Debug, Default)]
pub(crate) struct UpstreamState {
    /// There is one, as a rule.
    pub(crate) attempts: SmallVec<[Attempt; 1]>,
    /// How many there were when the request was passed on once more, after an internal redirect.
    passed_on: Vec<usize>,
    /// Kept only where the configuration reads `$upstream_http_…`.
    pub(crate) fields: Option<HeaderMap>,
    /// What the store has to do with it.
    pub(crate) cache: Option<Box<CacheState>>,
    /// The member of an `upstream` that is asked, or answers.
    pub(crate) held: Option<Held>,
    /// Where the request is passed on to, for the error log.
    pub(crate) target: Option<Box<str>>,
}

impl UpstreamState {
    /// The request is about to be passed on: what is tried from now on is not in the place of what was tried before,
    /// of whose answer nothing is known any more.
    ///
    /// Source: nginx, `ngx_http_upstream_create`.
    pub(crate) fn pass_on(&mut self) {
        self.fields = None;
        self.cache = None;
        if !self.attempts.is_empty() {
            self.passed_on.push(self.attempts.len());
        }
    }

    /// Notes an answer whose head has come.
    pub(crate) fn record(&mut self, pool: &Pool, response: &Response, keep_fields: bool) {
        let status = response.head.status.as_u16();
        self.push(pool, status, response.timings, response.traffic);
        if let (Some(attempt), Some(aside)) = (self.attempts.last_mut(), response.body.aside()) {
            attempt.aside = Some(Arc::clone(aside));
        }
        if keep_fields {
            self.fields = Some(response.head.fields.to_map());
        }
    }

    /// Notes an exchange that brought none.
    pub(crate) fn record_failure(&mut self, pool: &Pool, failure: &Failure, status: u16) {
        self.push(pool, status, failure.timings, failure.traffic);
    }

    /// What stood behind the body of the last answer (`proxy_pass_trailers`).
    pub(crate) fn trailers(&self) -> &[Field] {
        let progress = self
            .attempts
            .last()
            .and_then(|attempt| attempt.progress.as_deref());
        let trailers = progress.and_then(|progress| progress.trailers.get());
        trailers.map(Vec::as_slice).unwrap_or_default()
    }

    /// Names the FastCGI server that messages are about.
    pub(crate) fn name_fastcgi(&mut self, address: &str) {
        self.target = Some(format!("fastcgi://{address}").into());
    }

    /// Notes that no member of a group is left to ask.
    ///
    /// Source: nginx, `ngx_http_upstream_connect`, which counts this as a try of the group.
    pub(crate) fn record_nobody(&mut self, group: &str) {
        self.name_fastcgi(group);
        self.attempts.push(Attempt {
            address: group.into(),
            status: 502,
            response: Some(Duration::ZERO),
            ..Attempt::default()
        });
    }

    /// Notes an exchange that the client did not wait for.
    pub(crate) fn record_abandoned(&mut self, pool: &Pool, aside: Arc<Aside>) {
        self.push(pool, 499, Timings::default(), Traffic::default());
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.aside = Some(aside);
        }
    }

    fn push(&mut self, pool: &Pool, status: u16, timings: Timings, traffic: Traffic) {
        let connect = timings.connect.or(timings.reused.then_some(Duration::ZERO));
        self.attempts.push(Attempt {
            address: Arc::clone(pool.name()),
            status,
            queue: Some(timings.queue),
            connect,
            header: timings.header,
            response: timings.response.or(timings.header),
            length: traffic.behind_head,
            received: traffic.received,
            sent: traffic.sent,
            ..Attempt::default()
        });
    }
}

impl Context {
    /// `$upstream_…`; values of several tries are joined with commas, those after an internal redirect with a colon.
    ///
    /// Source: nginx, `ngx_http_upstream_status_variable`.
    pub(crate) fn append_upstream_value(&mut self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        if let Variable::UpstreamHttp(name) = variable {
            return match &self.upstream.fields {
                Some(fields) => field(fields, name, out),
                None => false,
            };
        }
        if let Variable::UpstreamTrailer(name) = variable {
            let trailers = self.upstream.trailers().iter();
            let named = |field: &&Field| field.name.eq_ignore_ascii_case(name.as_str().as_bytes());
            let mut values = trailers.filter(named).map(|field| &field.value[..]);
            let first = values.next();
            first.map(|value| put(out, value));
            for value in values {
                out.extend_from_slice(b", ");
                out.extend_from_slice(value);
            }
            return first.is_some();
        }
        if let Variable::UpstreamCookie(name) = variable {
            let fields = self.upstream.fields.as_ref();
            let value = fields.and_then(|fields| set_cookie(fields, name));
            return value.is_some_and(|value| put(out, value));
        }
        if matches!(
            variable,
            Variable::UpstreamCacheStatus
                | Variable::UpstreamCacheKey
                | Variable::UpstreamCacheEtag
                | Variable::UpstreamCacheLastModified
        ) {
            return self.append_cache_value(variable, out);
        }
        let attempts = &self.upstream.attempts;
        for (number, attempt) in attempts.iter().enumerate() {
            if self.upstream.passed_on.contains(&number) {
                out.extend_from_slice(b" : ");
            } else if number > 0 {
                out.extend_from_slice(b", ");
            }
            append_attempt(&attempt.now(), variable, out);
        }
        !attempts.is_empty()
    }
}

/// The value that the upstream gives a cookie.
///
/// Source: nginx, `ngx_http_parse_set_cookie_lines`.
fn set_cookie<'f>(fields: &'f HeaderMap, name: &[u8]) -> Option<&'f [u8]> {
    fields
        .get_all(http::header::SET_COOKIE)
        .iter()
        .find_map(|line| {
            let (key, rest) = line.as_bytes().split_at_checked(name.len())?;
            let value = rest.trim_ascii_start().strip_prefix(b"=")?;
            let value = value.split(|byte| *byte == b';').next()?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim_ascii_start())
        })
}

impl Attempt {
    /// With what is known by now.
    fn now(&self) -> Self {
        let mut now = Self {
            address: self.address.clone(),
            progress: None,
            aside: None,
            ..*self
        };
        if let Some(aside) = &self.aside {
            let traffic = aside.traffic();
            if traffic.received > 0 {
                now.length = traffic.behind_head;
                now.received = traffic.received;
                now.sent = traffic.sent;
            }
            now.response = aside.response_time().or(now.response);
        }
        if let Some(progress) = &self.progress {
            now.connect = progress.connect.get();
            now.header = progress.header.get();
            now.response = progress.response.get();
            now.length = progress.body.get();
            now.received = progress.received.get();
            now.sent = progress.sent.get();
        }
        now
    }
}

fn append_attempt(attempt: &Attempt, variable: &Variable, out: &mut Vec<u8>) {
    let time = |time: Option<Duration>, out: &mut Vec<u8>| match time {
        Some(time) => put_seconds(out, time),
        None => put(out, b"-"),
    };
    match variable {
        Variable::UpstreamAddr => put(out, attempt.address.as_bytes()),
        Variable::UpstreamStatus => put_display(out, attempt.status),
        Variable::UpstreamQueueTime => time(attempt.queue, out),
        Variable::UpstreamConnectTime => time(attempt.connect, out),
        Variable::UpstreamHeaderTime => time(attempt.header, out),
        Variable::UpstreamResponseTime => time(attempt.response, out),
        Variable::UpstreamResponseLength => put_display(out, attempt.length),
        Variable::UpstreamBytesReceived => put_display(out, attempt.received),
        Variable::UpstreamBytesSent => put_display(out, attempt.sent),
        _ => put(out, b"-"),
    };
}
