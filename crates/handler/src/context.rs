//! The state of one request on its way through the engine.

use std::cell::OnceCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use portunus_routing::{Captures, LocationId, MatchError};
use portunus_server::{Exchange, PeerAddr};
use portunus_static_files::Moment;
use portunus_static_files::encoding::Coding;
use portunus_telemetry::{ErrorLog, Severity};

use crate::config::{Location, Site, SiteRef};
use crate::content::CarriedMedia;
use crate::content::proxy::Proxied;
use crate::engine::{Found, SeenDirectory};
use crate::explain::Trace;
use crate::host::HostName;
use crate::limit::LimitState;
use crate::request_body::RequestBody;
use crate::respond::Compressed;
use crate::ssi::Inclusion;
use crate::upstream_state::UpstreamState;
use crate::userid;
use crate::variable::{Slots, put};

/// A request may change its URI ten times; with the change that uses this up nginx calls it a cycle.
///
/// Source: nginx, `NGX_HTTP_MAX_URI_CHANGES`.
const MAX_URI_CHANGES: u8 = 10 + 1;

/// How the client came to a trusted proxy in front of us, as far as that tells (`real_ip_trust_private`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// By TLS, or not.
    pub(crate) tls: Option<bool>,
    /// To that port.
    pub(crate) port: Option<u16>,
}

/// Where a request comes from, as far as we believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// `None` for a Unix socket.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: Option<u16>,
}

/// What is known of the answer, for variables and the log.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// 0 until there is one.
    pub(crate) status: u16,
    /// Fields as sent; kept only where the configuration asks for them.
    pub(crate) sent: Option<Box<HeaderMap>>,
    /// Its type, for pages whose text is shown in the place of another answer.
    pub(crate) content_type: Option<HeaderValue>,
    /// The same of trailers.
    pub(crate) trailers: Option<Box<HeaderMap>>,
    /// How it was compressed, if we did that.
    pub(crate) compressed: Option<(Coding, Compressed)>,
}

/// What an answer inherits from what came before it: an upstream's fields behind an
/// `X-Accel-Redirect`, a target of `return 301`, a challenge.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// `Location` of a redirect that has not been answered yet.
    pub(crate) location: Option<Vec<u8>>,
    /// What an `X-Accel-Redirect` leaves of `Content-Type`.
    pub(crate) media: CarriedMedia,
    /// `X-Accel-Charset`.
    pub(crate) charset: Option<Vec<u8>>,
    /// Other fields of an upstream.
    pub(crate) fields: Vec<(HeaderName, HeaderValue)>,
    /// `WWW-Authenticate`.
    pub(crate) challenges: Vec<HeaderValue>,
    /// An answer that was given up depended on what the client accepts (nginx: `r->gzip_vary`).
    pub(crate) vary: bool,
    /// Whether the client may get something compressed was judged before there was a head (nginx: `r->gzip_tested`).
    pub(crate) judged: bool,
}

impl Carried {
    /// There is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.location.is_none()
            && self.media.is_empty()
            && self.charset.is_none()
            && self.fields.is_empty()
            && self.challenges.is_empty()
            && !self.vary
    }
}

/// What of a request's head the engine may change; the fields are the exchange's.
#[derive(Debug, Clone)]
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    pub(crate) version: Version,
}

impl RequestHead {
    /// As it has come.
    pub(crate) fn of(exchange: &Exchange) -> Self {
        // A request that was refused is answered as the simplest one.
        let refused = exchange.refusal().is_some();
        Self {
            method: match exchange.has_line() {
                true => exchange.method().clone(),
                // nginx has read that much, and a client that asks for a head expects no body.
                false if exchange.request_line().starts_with(b"HEAD ") => Method::HEAD,
                false => Method::GET,
            },
            version: match exchange.version() {
                2000.. => Version::HTTP_2,
                ..=1000 if !refused => Version::HTTP_10,
                _ => Version::HTTP_11,
            },
        }
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) site: SiteRef,
    pub(crate) exchange: Rc<Exchange>,
    pub(crate) head: RequestHead,
    pub(crate) body: RequestBody,
    pub(crate) client: Client,
    /// How the client came to a trusted proxy.
    pub(crate) forwarded: Forwarded,
    /// `$host`: lower case, without port.
    pub(crate) host: HostName,
    /// Port of the requested host.
    pub(crate) host_port: Option<u16>,
    /// Number of the server block.
    pub(crate) server: usize,
    /// The level whose directives hold now.
    pub(crate) location: LocationId,
    /// Decoded and normalised path.
    pub(crate) uri: Vec<u8>,
    pub(crate) args: Vec<u8>,
    /// The arguments were put in by the configuration: `$args` is then found, even if there are none.
    pub(crate) args_put: bool,
    /// Whether the target held `%` or `+`, so that captures are escaped in redirects.
    pub(crate) uri_has_escapes: bool,
    /// The target could not be read: nginx has no `$request_uri` then.
    pub(crate) target_refused: bool,
    pub(crate) captures: Captures,
    pub(crate) slots: Slots,
    /// Values of maps that were asked for and are not volatile.
    pub(crate) map_values: Vec<Option<Box<[u8]>>>,
    pub(crate) internal: bool,
    /// The URI is below an `alias` that otherwise stands for all of it.
    pub(crate) uri_below_alias: bool,
    /// The URI is not what the client's target says any more (nginx: `valid_unparsed_uri`).
    pub(crate) uri_changed: bool,
    /// A `rewrite` has changed the URI and no location has been looked for since (nginx: `uri_changed`).
    pub(crate) uri_rewritten: bool,
    /// Locations say nothing of the URI, since `rewrite … break` has changed it, or since the request was refused
    /// before one could be looked for (nginx: `valid_location`).
    pub(crate) location_left: bool,
    pub(crate) uri_changes_left: u8,
    /// `set $limit_rate` or PHP has said how fast the answer goes.
    pub(crate) rate_is_set: bool,
    /// The status that the answer gets, whatever produces it (`error_page`).
    pub(crate) error_status: Option<u16>,
    pub(crate) in_error_page: bool,
    /// When files are looked at, as long as nothing has been waited for since the request came.
    pub(crate) moment: Option<Moment>,
    /// What `try_files` or `index` found.
    pub(crate) found: Option<Found>,
    /// The directory that `try_files` has just seen.
    pub(crate) directory: Option<SeenDirectory>,
    pub(crate) carried: Carried,
    pub(crate) request_id: OnceCell<Box<str>>,
    pub(crate) answer: Answer,
    pub(crate) upstream: UpstreamState,
    /// What limits have done; `None` where there are none.
    pub(crate) limits: Option<Box<LimitState>>,
    /// In a subrequest: the method of the request around it.
    pub(crate) subrequest: Option<Method>,
    /// The page that includes this request, or that it is.
    pub(crate) inclusion: Option<Box<Inclusion>>,
    /// What `userid` knows of the client.
    pub(crate) identified: Option<Box<userid::Client>>,
    /// Takes down what is decided, where that is to be explained.
    pub(crate) trace: Option<Box<Trace>>,
    /// A copy of a request that is logged itself.
    pub(crate) is_copy: bool,
    /// The answer comes from a server behind us, which is let go when the client leaves.
    pub(crate) ends_with_client: bool,
    /// Where the request is passed on to.
    pub(crate) proxied: Option<Box<Proxied>>,
}

impl Context {
    /// A request that has just come.
    pub(crate) fn new(
        site: SiteRef,
        exchange: Rc<Exchange>,
        head: RequestHead,
        body: RequestBody,
    ) -> Self {
        let client = Client::of_peer(exchange.connection().peer());
        Self {
            site,
            exchange,
            head,
            body,
            client,
            host: HostName::default(),
            forwarded: Forwarded::default(),
            host_port: None,
            server: 0,
            location: LocationId(0),
            uri: Vec::new(),
            args: Vec::new(),
            args_put: false,
            uri_has_escapes: false,
            target_refused: false,
            captures: Captures::new(),
            slots: Vec::new(),
            map_values: Vec::new(),
            internal: false,
            uri_below_alias: false,
            uri_changed: false,
            uri_rewritten: false,
            location_left: false,
            uri_changes_left: MAX_URI_CHANGES,
            rate_is_set: false,
            error_status: None,
            in_error_page: false,
            moment: None,
            found: None,
            directory: None,
            carried: Carried::default(),
            request_id: OnceCell::new(),
            answer: Answer::default(),
            upstream: UpstreamState::default(),
            limits: None,
            subrequest: None,
            inclusion: None,
            identified: None,
            trace: None,
            is_copy: false,
            ends_with_client: false,
            proxied: None,
        }
    }

    /// The level configuration that holds now. The snapshot is shared, so the reference lives as
    /// long as the caller's handle on it.
    pub(crate) fn location_in<'s>(&self, site: &'s Site) -> &'s Location {
        site.location(self.location)
    }

    pub(crate) fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }

    /// From here on the request waits for somebody who may change what it has seen.
    pub(crate) fn forget_looks(&mut self) {
        self.moment = None;
        self.found = None;
        self.directory = None;
    }

    /// Not long ago, and no later than now. Asks the clock only where the request has waited for something.
    pub(crate) fn recent(&self) -> Instant {
        match self.moment {
            Some(_) => self.exchange.arrived(),
            None => Instant::now(),
        }
    }

    /// The peer of the connection, whatever `real_ip_header` says.
    pub(crate) fn peer(&self) -> Client {
        Client::of_peer(self.exchange.connection().peer())
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.exchange.connection().local_inet()
    }

    pub(crate) fn tls(&self) -> bool {
        let ours = || self.exchange.connection().tls();
        self.forwarded.tls.unwrap_or_else(ours)
    }

    /// The protocol as the client spells it: `HTTP/1.1`, also `HTTP/1.7`; nothing for HTTP/0.9.
    ///
    /// Source: nginx, `r->http_protocol`.
    pub(crate) fn append_protocol(&self, out: &mut Vec<u8>) -> bool {
        if self.head.version >= Version::HTTP_2 {
            return put(out, b"HTTP/2.0");
        }
        if !self.exchange.has_line() {
            return false;
        }
        let line = self.exchange.request_line();
        let line = line.trim_ascii_end();
        let start = memchr::memrchr(b' ', line).map_or(line.len(), |at| at + 1);
        let word = &line[start..];
        put(
            out,
            if word.starts_with(b"HTTP/") {
                word
            } else {
                b""
            },
        )
    }

    /// The reason phrase that another server has for a status; of a part of the answer it is not the answer's.
    pub(crate) fn tell_reason(&self, status: u16, reason: &Bytes) {
        if let (None, Ok(status)) = (&self.subrequest, StatusCode::from_u16(status)) {
            self.exchange.tell_reason(status, reason);
        }
    }

    /// Puts another URI in the place of the current one.
    pub(crate) fn set_uri(&mut self, uri: Vec<u8>, args: Vec<u8>) {
        self.uri = uri;
        self.args = args;
        self.uri_below_alias = false;
        self.uri_changed = true;
    }

    /// Writes to the error log of the current level, with what nginx appends to every line of a
    /// request.
    pub(crate) fn log(&self, severity: Severity, message: fmt::Arguments<'_>) {
        if let Some(trace) = &self.trace {
            if severity < Severity::Debug {
                trace.say(format!("      [{}] {message}", severity.name()));
            }
            return;
        }
        let log = &self.site.location(self.location).error_log;
        if log.enabled(severity) {
            let serial = self.exchange.connection().serial();
            log.write(
                severity,
                Some(serial),
                format_args!("{message}{}", self.suffix()),
            );
        }
    }

    /// The log for what becomes known of this request after its end.
    pub(crate) fn late_log(&self) -> LateLog {
        LateLog {
            log: self.site.location(self.location).error_log.clone(),
            serial: self.exchange.connection().serial(),
            suffix: self.suffix(),
        }
    }

    pub(crate) fn log_error(&self, message: fmt::Arguments<'_>) {
        self.log(Severity::Error, message);
    }

    /// A regular expression that has failed.
    ///
    /// Source: nginx, `ngx_http_regex_exec`.
    pub(crate) fn log_match(&self, error: &MatchError) {
        self.log(Severity::Alert, format_args!("{error}"));
    }

    pub(crate) fn log_crit(&self, message: fmt::Arguments<'_>) {
        self.log(Severity::Crit, message);
    }

    /// `, client: …, server: …, request: "…", host: "…"`.
    ///
    /// Source: nginx, `ngx_http_log_error_handler`.
    fn suffix(&self) -> String {
        let server = String::from_utf8_lossy(&self.site.servers[self.server].name);
        let mut text = match self.client.address {
            Some(address) => format!(", client: {address}, server: {server}"),
            None => format!(", client: unix:, server: {server}"),
        };
        let line = self.exchange.request_line();
        if !line.is_empty() {
            text.push_str(&format!(", request: \"{}\"", String::from_utf8_lossy(line)));
        }
        if self.subrequest.is_some() {
            let uri = String::from_utf8_lossy(&self.uri);
            text.push_str(&format!(", subrequest: \"{uri}\""));
        }
        if let Some(target) = &self.upstream.target {
            text.push_str(&format!(", upstream: \"{target}\""));
        }
        if let Some(host) = self.exchange.fields().get(http::header::HOST) {
            text.push_str(&format!(
                ", host: \"{}\"",
                String::from_utf8_lossy(host.as_bytes())
            ));
        }
        if let Some(referer) = self.exchange.fields().get(http::header::REFERER) {
            let referer = String::from_utf8_lossy(referer.as_bytes());
            text.push_str(&format!(", referrer: \"{referer}\""));
        }
        text
    }
}

/// An error log, with what nginx appends to every line of one request. It outlives the request.
#[derive(Debug)]
pub(crate) struct LateLog {
    log: ErrorLog,
    serial: u64,
    suffix: String,
}

impl LateLog {
    /// See [`Context::log`].
    pub(crate) fn write(&self, severity: Severity, message: fmt::Arguments<'_>) {
        let line = format_args!("{message}{}", self.suffix);
        self.log.write(severity, Some(self.serial), line);
    }
}

impl Client {
    pub(crate) fn of_peer(peer: &PeerAddr) -> Self {
        match peer {
            PeerAddr::Inet(address) => Self {
                address: Some(address.ip()),
                port: Some(address.port()),
            },
            PeerAddr::Unix => Self {
                address: None,
                port: None,
            },
        }
    }
}
