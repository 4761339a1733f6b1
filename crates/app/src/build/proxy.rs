//! `proxy_pass` and its kin.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderName;
use portunus_conf::typed::{Bind, Pass, ProxyRedirect};
use portunus_conf::{Directive, DirectiveId, Scope, Word, d};
use portunus_handler::{
    Content, CookieFlags, Proxy, ProxyGroup, ProxyTarget, ProxyUrl, Replacement,
    ReplacementPattern, Template,
};
use portunus_proxy::{Address, Keepalive, KeepaliveConfig, SocketOptions, Timeouts};
use portunus_upstream::{Balance, Group, Peer};

use super::Builder;
use super::upstream::{Next, ignored, names, next_upstream, peer, upstream};

/// Fields of an answer that are not passed on (nginx: `ngx_http_proxy_hide_headers`).
const HIDDEN: &[&str] = &[
    "date",
    "server",
    "x-pad",
    "x-accel-expires",
    "x-accel-redirect",
    "x-accel-limit-rate",
    "x-accel-buffering",
    "x-accel-charset",
];

/// Fields of a request that are between the client and us (nginx: `ngx_http_proxy_headers`).
const OURS: &[&str] = &[
    "host",
    "connection",
    "proxy-connection",
    "content-length",
    "transfer-encoding",
    "te",
    "keep-alive",
    "expect",
    "upgrade",
];

/// `proxy_next_upstream` and its limits.
const PROXY_NEXT: Next = Next {
    when: d::PROXY_NEXT_UPSTREAM,
    tries: d::PROXY_NEXT_UPSTREAM_TRIES,
    time: d::PROXY_NEXT_UPSTREAM_TIMEOUT,
};

impl Builder<'_> {
    pub(super) fn proxy(&mut self, scope: Scope<'_>) -> Content {
        let Some(directive) = scope.find(d::PROXY_PASS) else {
            return Content::Files;
        };
        let Some((target, pass)) = self.proxy_target(scope, directive) else {
            return Content::Files;
        };
        let redirects = self.redirects(scope, &target, &pass);
        let keepalive = self.location_keepalive(&target);
        let (host, set_headers, replaced) = self.set_headers(scope);
        let passed = names(scope, d::PROXY_PASS_HEADER);
        let tls = self.proxy_tls(scope, &target);
        if let Some(directive) = scope.find(d::PROXY_HTTP_VERSION)
            && scope.enumeration(d::PROXY_HTTP_VERSION) == "2"
        {
            self.error(
                directive,
                "HTTP/2 to servers is not supported by this build",
            );
        }
        Content::Proxy(Box::new(Proxy {
            target,
            tls,
            http11: scope.enumeration(d::PROXY_HTTP_VERSION) != "1.0",
            host,
            set_headers,
            replaced,
            pass_request_headers: scope.flag(d::PROXY_PASS_REQUEST_HEADERS),
            pass_request_body: scope.flag(d::PROXY_PASS_REQUEST_BODY),
            request_buffering: scope.flag(d::PROXY_REQUEST_BUFFERING),
            buffering: scope.flag(d::PROXY_BUFFERING),
            intercept_errors: scope.flag(d::PROXY_INTERCEPT_ERRORS),
            pass_trailers: scope.flag(d::PROXY_PASS_TRAILERS),
            ignore_client_abort: scope.flag(d::PROXY_IGNORE_CLIENT_ABORT),
            force_ranges: scope.flag(d::PROXY_FORCE_RANGES),
            socket: SocketOptions {
                probe: scope.flag(d::PROXY_SOCKET_KEEPALIVE),
                bind: self.bind(scope, d::PROXY_BIND),
            },
            bind: self.varying_bind(scope, d::PROXY_BIND),
            method: self.template_here(scope, d::PROXY_METHOD),
            body: self.template_here(scope, d::PROXY_SET_BODY),
            hidden: hidden(scope),
            passed,
            ignored: ignored(scope, d::PROXY_IGNORE_HEADERS),
            redirects,
            cookie_domains: self.replacements(scope, d::PROXY_COOKIE_DOMAIN),
            cookie_paths: self.replacements(scope, d::PROXY_COOKIE_PATH),
            cookie_flags: self.cookie_flags(scope),
            next: next_upstream(scope, &PROXY_NEXT),
            timeouts: Timeouts {
                connect: scope.duration(d::PROXY_CONNECT_TIMEOUT),
                send: scope.duration(d::PROXY_SEND_TIMEOUT),
                read: scope.duration(d::PROXY_READ_TIMEOUT),
                head: usize::try_from(scope.size(d::PROXY_BUFFER_SIZE)).unwrap_or(usize::MAX),
            },
            limit_rate: self.template_here(scope, d::PROXY_LIMIT_RATE),
            spool: self.answer_spool(
                scope,
                d::PROXY_BUFFERS,
                d::PROXY_MAX_TEMP_FILE_SIZE,
                d::PROXY_TEMP_PATH,
            ),
            keepalive,
            caching: self.proxy_caching(scope),
            copy: self.proxy_copy(scope),
        }))
    }

    /// The target, and for a fixed one its text as written.
    fn proxy_target(
        &mut self,
        scope: Scope<'_>,
        directive: &Directive,
    ) -> Option<(ProxyTarget, Box<[u8]>)> {
        let word = directive.args.first()?;
        let (url, secure) = match Pass::parse_proxy(directive) {
            Ok(Pass::Variable(_)) => {
                let template = self.template(directive, word);
                return Some((ProxyTarget::Dynamic(template), Box::default()));
            }
            Ok(Pass::To { url, tls, .. }) => (url, tls),
            // Reported when the configuration was read.
            Err(_) => return None,
        };
        let text = word.as_bytes();
        let (scheme, default_port) = match secure {
            true => ("https://", "443"),
            false => ("http://", "80"),
        };
        let rest = text.get(scheme.len()..)?;
        let authority = &rest[..rest.len() - url.uri.len()];
        let unix = authority
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"unix:"));
        let authority = if unix {
            authority
        } else {
            authority.strip_suffix(b":").unwrap_or(authority)
        };
        let default = [b":", default_port.as_bytes()].concat();
        let plain = authority.strip_suffix(&default[..]).unwrap_or(authority);
        let (host, port): (&[u8], &[u8]) =
            match (unix, url.has_port && plain.len() == authority.len()) {
                (true, _) => (b"localhost", b""),
                (false, false) => (plain, default_port.as_bytes()),
                (false, true) => {
                    let colon = authority.iter().rposition(|byte| *byte == b':')?;
                    (authority, &authority[colon + 1..])
                }
            };
        let uri: Box<[u8]> = match url.uri.first() {
            Some(b'?') => [b"/", url.uri].concat().into(),
            _ => url.uri.into(),
        };
        let prefix = location_name(scope).len();
        let parts = ProxyUrl {
            secure,
            host: host.into(),
            port: port.into(),
            uri,
            prefix,
        };
        let group = self.group(directive, word, authority, default_port)?;
        Some((ProxyTarget::Fixed(parts, group), text.into()))
    }

    /// The `upstream` of that name, or the addresses of a host; the same one for all locations.
    fn group(
        &mut self,
        directive: &Directive,
        word: &Word,
        name: &[u8],
        default_port: &str,
    ) -> Option<Arc<ProxyGroup>> {
        let lower = name.to_ascii_lowercase();
        // A host has other addresses by another scheme; an `upstream` has its own.
        let own = [&lower[..], b"@", default_port.as_bytes()].concat();
        let known = self.groups.get(&lower[..]);
        if let Some(known) = known.or_else(|| self.groups.get(&own[..])) {
            return Some(Arc::clone(known));
        }
        match addresses(name, default_port) {
            Ok(found) => {
                let key: Box<[u8]> = own.into();
                let peers = found.into_iter().map(Peer::new).collect();
                let name = String::from_utf8_lossy(name);
                let group = Group::new(&*name, peers, Balance::RoundRobin);
                let group = Arc::new(ProxyGroup {
                    group,
                    key: None,
                    keepalive: None,
                });
                self.groups.insert(key, Arc::clone(&group));
                Some(group)
            }
            Err(message) => {
                self.error_at(directive, word, message);
                None
            }
        }
    }

    /// All `upstream` blocks, for HTTP; those that only FastCGI uses do no harm.
    pub(super) fn proxy_groups(&mut self, http: Scope<'_>) {
        for block in http.children(d::UPSTREAM) {
            let Some(name) = block.args().first() else {
                continue;
            };
            let mut peers = Vec::new();
            for directive in block.own(d::UPSTREAM_SERVER) {
                peers.extend(self.members(directive));
            }
            let (balance, key) = self.balance(block);
            let keepalive = block
                .find(d::UPSTREAM_KEEPALIVE)
                .map(|_| Arc::new(Keepalive::new(keepalive(block))));
            let group = Group::new(&*name.message_text(), peers, balance);
            let group = Arc::new(ProxyGroup {
                group,
                key,
                keepalive,
            });
            self.groups
                .insert(name.as_bytes().to_ascii_lowercase().into(), group);
        }
    }

    fn members(&mut self, directive: &Directive) -> Vec<Peer<Address>> {
        let Ok(member) = portunus_conf::typed::Member::parse(directive) else {
            return Vec::new();
        };
        let word = member.word;
        let found = match addresses(word.as_bytes(), "80") {
            Ok(found) => found,
            Err(message) => {
                self.error_at(directive, word, message);
                return Vec::new();
            }
        };
        let server = word.message_text();
        let peer = |address| peer(&member, &server, address);
        found.into_iter().map(peer).collect()
    }

    /// nginx keeps connections to the servers of an `upstream` unless told otherwise: then each
    /// location its own, 32 of them. The addresses of a host are no `upstream`.
    fn location_keepalive(&self, target: &ProxyTarget) -> Option<Arc<Keepalive>> {
        let ProxyTarget::Fixed(_, group) = target else {
            return None;
        };
        if let Some(shared) = &group.keepalive {
            return Some(Arc::clone(shared));
        }
        let block = upstream(self.config, group.group.name())?;
        Some(Arc::new(Keepalive::new(keepalive(block))))
    }

    /// `Host`, other fields that are set, and the names that are not taken from the client.
    #[allow(clippy::type_complexity, reason = "three parts of one thing")]
    fn set_headers(
        &mut self,
        scope: Scope<'_>,
    ) -> (Option<Template>, Vec<(Box<[u8]>, Template)>, Vec<Box<[u8]>>) {
        let mut host = None;
        let mut fields = Vec::new();
        let mut replaced: Vec<Box<[u8]>> = OURS.iter().map(|name| name.as_bytes().into()).collect();
        for directive in scope.all(d::PROXY_SET_HEADER) {
            let [name, value] = &directive.args[..] else {
                continue;
            };
            let value = self.template(directive, value);
            if name.as_bytes().eq_ignore_ascii_case(b"host") {
                host = Some(value);
                continue;
            }
            replaced.push(name.as_bytes().to_ascii_lowercase().into());
            fields.push((name.as_bytes().into(), value));
        }
        (host, fields, replaced)
    }

    /// `proxy_redirect`.
    ///
    /// Differs: a default is made from the `proxy_pass` at hand. A level of nginx has that of the outermost one around
    /// it, so that addresses of other servers get out.
    fn redirects(
        &mut self,
        scope: Scope<'_>,
        target: &ProxyTarget,
        text: &[u8],
    ) -> Vec<Replacement> {
        let directives = scope.all(d::PROXY_REDIRECT);
        let default = || match target {
            ProxyTarget::Fixed(url, _) if url.uri.is_empty() => {
                Some(literal([text, b"/"].concat(), b"/"))
            }
            ProxyTarget::Fixed(..) => Some(literal(text.to_vec(), location_name(scope))),
            ProxyTarget::Dynamic(_) => None,
        };
        if directives.is_empty() {
            return default().into_iter().collect();
        }
        let mut rules = Vec::new();
        for directive in directives {
            match ProxyRedirect::parse(directive) {
                Ok(ProxyRedirect::Off) => return Vec::new(),
                Ok(ProxyRedirect::Default) => match default() {
                    Some(rule) => rules.push(rule),
                    None => self.error(
                        directive,
                        "\"proxy_redirect default\" cannot be used with \"proxy_pass\" directive with variables",
                    ),
                },
                Ok(_) => rules.extend(self.replacement(directive)),
                Err(_) => {}
            }
        }
        rules
    }

    fn replacements(&mut self, scope: Scope<'_>, id: DirectiveId) -> Vec<Replacement> {
        let directives = scope.all(id);
        let two = directives
            .into_iter()
            .filter(|directive| directive.args.len() == 2);
        two.filter_map(|directive| self.replacement(directive))
            .collect()
    }

    /// `proxy_cookie_flags COOKIE FLAG…`
    fn cookie_flags(&mut self, scope: Scope<'_>) -> Vec<CookieFlags> {
        let mut rules = Vec::new();
        for directive in scope.all(d::PROXY_COOKIE_FLAGS) {
            let [cookie, flags @ ..] = &directive.args[..] else {
                continue;
            };
            if flags.is_empty() {
                continue;
            }
            let cookie = match cookie.as_bytes().strip_prefix(b"~") {
                Some(text) => match self.regex(directive, cookie, text, true) {
                    Some(regex) => ReplacementPattern::Regex(regex),
                    None => continue,
                },
                None => ReplacementPattern::Text(self.template(directive, cookie)),
            };
            let flags = flags.iter().map(|flag| self.template(directive, flag));
            let flags = flags.collect();
            rules.push(CookieFlags { cookie, flags });
        }
        rules
    }

    /// Own address of outgoing connections.
    ///
    /// Differs: one that is not ours is refused. nginx tries to bind Unix sockets, too, which fails.
    pub(super) fn bind(&mut self, scope: Scope<'_>, id: DirectiveId) -> Option<SocketAddr> {
        let directive = scope.find(id)?;
        match Bind::parse(directive) {
            Ok(Bind::To {
                address,
                transparent: false,
            }) => return Some(address),
            Ok(Bind::To { .. }) => self.error(
                directive,
                "addresses that are not ours (\"transparent\") are not supported by this build",
            ),
            // Errors were reported when the configuration was read.
            Ok(Bind::Off | Bind::Variable(_)) | Err(_) => {}
        }
        None
    }

    /// Own address of outgoing connections, where variables are in it.
    pub(super) fn varying_bind(&mut self, scope: Scope<'_>, id: DirectiveId) -> Option<Template> {
        let directive = scope.find(id)?;
        match Bind::parse(directive) {
            Ok(Bind::Variable(word)) => Some(self.template(directive, word)),
            _ => None,
        }
    }

    /// `FROM TO`, where `~` and `~*` begin a regular expression.
    fn replacement(&mut self, directive: &Directive) -> Option<Replacement> {
        let [from, to] = &directive.args[..] else {
            return None;
        };
        // nginx takes case and the dot before a domain for decoration.
        let domain = directive.name == "proxy_cookie_domain";
        let bare = |text: &'_ [u8]| usize::from(domain && text.first() == Some(&b'.'));
        let text = from.as_bytes();
        let pattern = match (text.strip_prefix(b"~*"), text.strip_prefix(b"~")) {
            (Some(regex), _) => {
                ReplacementPattern::Regex(self.regex(directive, from, regex, true)?)
            }
            (None, Some(regex)) => {
                ReplacementPattern::Regex(self.regex(directive, from, regex, domain)?)
            }
            (None, None) => {
                let text = &text[bare(text)..];
                ReplacementPattern::Text(self.template_of(directive, from, text))
            }
        };
        let text = to.as_bytes();
        let with = self.template_of(directive, to, &text[bare(text)..]);
        Some(Replacement { pattern, with })
    }
}

fn literal(from: Vec<u8>, to: &[u8]) -> Replacement {
    Replacement {
        pattern: ReplacementPattern::Text(Template::literal(from)),
        with: Template::literal(to),
    }
}

/// The name of the location around a level: what a URI of `proxy_pass` replaces.
fn location_name(scope: Scope<'_>) -> &[u8] {
    let block = scope.levels().find(|level| {
        level
            .directive()
            .is_some_and(|directive| directive.name == "location")
    });
    block
        .and_then(|level| level.args().last())
        .map_or(b"", Word::as_bytes)
}

/// `host:port`, `host`, `unix:/path`; nginx's words where it is neither.
fn addresses(name: &[u8], default_port: &str) -> Result<Vec<Address>, String> {
    let text = String::from_utf8_lossy(name);
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_suffix(':').unwrap_or(path);
        return Ok(vec![Address::Unix(PathBuf::from(path))]);
    }
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        && !text.ends_with(']');
    let full = if has_port {
        text.to_string()
    } else {
        format!("{text}:{default_port}")
    };
    match full.to_socket_addrs() {
        Ok(found) => {
            let mut found: Vec<_> = found.map(Address::Tcp).collect();
            found.dedup();
            Ok(found)
        }
        Err(_) => Err(format!("host not found in upstream \"{text}\"")),
    }
}

fn keepalive(block: Scope<'_>) -> KeepaliveConfig {
    let defaults = KeepaliveConfig::default();
    let connections = block.number(d::UPSTREAM_KEEPALIVE);
    KeepaliveConfig {
        connections: connections.map_or(defaults.connections, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        }),
        requests: block
            .number(d::UPSTREAM_KEEPALIVE_REQUESTS)
            .unwrap_or(defaults.requests),
        time: block.duration(d::UPSTREAM_KEEPALIVE_TIME),
        timeout: block.duration(d::UPSTREAM_KEEPALIVE_TIMEOUT),
    }
}

fn hidden(scope: Scope<'_>) -> Vec<HeaderName> {
    let own = HIDDEN.iter().map(|name| HeaderName::from_static(name));
    own.chain(names(scope, d::PROXY_HIDE_HEADER)).collect()
}
