//! `listen`: several servers on one socket (`nginx: ngx_http_add_listen`).

use std::net::SocketAddr;

use portunus_conf_syntax::Directive;

use super::{At, Checker, Outcome};
use crate::address::{Address, look_up};
use crate::fault::{Fault, show};
use crate::scope::Scope;
use crate::typed::Listen;

/// A socket that is listened on. nginx: `ngx_http_conf_addr_t`.
pub(super) struct Socket<'a> {
    pub(super) endpoint: Endpoint<'a>,
    /// Whether a `listen` gave it options of the socket.
    set: bool,
    /// Whether a `listen` made its server the default one.
    default: bool,
    pub(super) default_server: Scope<'a>,
    /// The servers, in order of their `listen`.
    pub(super) servers: Vec<Scope<'a>>,
    pub(super) ssl: bool,
    pub(super) quic: bool,
    protocols: Protocols,
}

/// The protocols that the `listen` directives of a socket name.
#[derive(Clone, Copy, Default)]
struct Protocols {
    /// All that were named so far.
    current: u8,
    /// Those of an earlier directive, once two have been compared.
    compared: Option<u8>,
    changed: bool,
}

/// Where a socket is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Endpoint<'a> {
    Unix(&'a [u8]),
    Ip(SocketAddr, bool),
}

impl std::fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", show(path)),
            Self::Ip(address, _) => write!(f, "{address}"),
        }
    }
}

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>) -> Outcome {
    // The name is looked up before the parameters are.
    let place = Listen::parse_where(at.directive)?;
    let endpoints = endpoints(&place, checker.state.look_up, at.directive)?;
    let listen = Listen::parse(at.directive)?;
    if listen.http2 {
        let message = "the \"listen ... http2\" directive is deprecated, \
                       use the \"http2\" directive instead";
        checker.warn(at.directive, message);
    }
    for endpoint in endpoints {
        checker.add_listen(endpoint, &listen, at)?;
    }
    Ok(())
}

/// The addresses of a `listen`, each once. A name that is not looked up has none.
fn endpoints<'a>(
    listen: &Listen<'a>,
    look_names_up: bool,
    directive: &Directive,
) -> Result<Vec<Endpoint<'a>>, Fault> {
    let addresses = match &listen.url.address {
        Address::Unix(path) => return Ok(vec![Endpoint::Unix(path)]),
        Address::Ip(address) => vec![*address],
        Address::Name(..) if !look_names_up => Vec::new(),
        Address::Name(host, port) => {
            let found = look_up(host, *port);
            if found.is_empty() {
                let text = directive.args.first().map(|word| word.message_text());
                let text = text.unwrap_or_default();
                return Err(Fault::new(format!(
                    "host not found in \"{text}\" of the \"listen\" directive"
                )));
            }
            found
        }
    };
    let mut endpoints = Vec::new();
    for address in addresses {
        for port in address.port()..=listen.url.last_port.unwrap_or(address.port()) {
            let endpoint = Endpoint::Ip(SocketAddr::new(address.ip(), port), listen.quic);
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
    }
    Ok(endpoints)
}

impl<'a> Checker<'a, '_> {
    /// Puts a server without `listen` on port 80, or 8000 for those without privileges.
    pub(super) fn add_default_listen(&mut self, server: Scope<'a>) -> Outcome {
        let port = if super::process::is_root() { 80 } else { 8000 };
        let endpoint = Endpoint::Ip(SocketAddr::from(([0, 0, 0, 0], port)), false);
        let known = self
            .state
            .sockets
            .iter_mut()
            .find(|socket| socket.endpoint == endpoint);
        match known {
            Some(socket) => socket.servers.push(server),
            None => self.state.sockets.push(Socket::new(endpoint, server)),
        }
        Ok(())
    }

    fn add_listen(&mut self, endpoint: Endpoint<'a>, listen: &Listen<'a>, at: At<'a>) -> Outcome {
        let server = at.scope;
        let known = self
            .state
            .sockets
            .iter_mut()
            .find(|socket| socket.endpoint == endpoint);
        let Some(socket) = known else {
            let mut socket = Socket::new(endpoint, server);
            (socket.set, socket.default) = (listen.sets_options, listen.default_server);
            (socket.ssl, socket.quic) = (listen.ssl, listen.quic);
            socket.protocols.current = protocols(listen);
            self.state.sockets.push(socket);
            return Ok(());
        };
        if socket.servers.contains(&server) {
            return Err(Fault::new(format!(
                "a duplicate listen {}",
                socket.endpoint
            )));
        }
        socket.servers.push(server);
        let was_set = socket.set;
        if listen.sets_options {
            if socket.set {
                let message = format!("duplicate listen options for {}", socket.endpoint);
                return Err(Fault::new(message));
            }
            socket.set = true;
        }
        if listen.default_server {
            if socket.default {
                let message = format!("a duplicate default server for {}", socket.endpoint);
                return Err(Fault::new(message));
            }
            socket.default = true;
            socket.default_server = server;
        }
        socket.ssl |= listen.ssl;
        socket.quic |= listen.quic;
        let redefined = socket
            .protocols
            .compare(protocols(listen), was_set, listen.sets_options);
        if redefined {
            let message = format!("protocol options redefined for {}", socket.endpoint);
            self.warn(at.directive, message);
        }
        Ok(())
    }
}

/// How many sockets nginx opens: a wildcard address takes in the others of its port, but for those
/// with options of their own. nginx: `ngx_http_init_listening`.
pub(super) fn count_sockets(sockets: &[Socket<'_>]) -> usize {
    let is_taken_in = |socket: &&Socket<'_>| {
        let Endpoint::Ip(address, quic) = &socket.endpoint else {
            return false;
        };
        let wildcard = |other: &Socket<'_>| {
            matches!(&other.endpoint, Endpoint::Ip(wild, wild_quic)
                if wild.ip().is_unspecified()
                    && wild.is_ipv4() == address.is_ipv4()
                    && wild.port() == address.port()
                    && wild_quic == quic)
        };
        !address.ip().is_unspecified() && !socket.set && sockets.iter().any(wildcard)
    };
    sockets.len() - sockets.iter().filter(is_taken_in).count()
}

impl<'a> Socket<'a> {
    fn new(endpoint: Endpoint<'a>, server: Scope<'a>) -> Self {
        Self {
            endpoint,
            set: false,
            default: false,
            default_server: server,
            servers: vec![server],
            ssl: false,
            quic: false,
            protocols: Protocols::default(),
        }
    }
}

fn protocols(listen: &Listen<'_>) -> u8 {
    u8::from(listen.proxy_protocol) | u8::from(listen.ssl) << 1 | u8::from(listen.http2) << 2
}

impl Protocols {
    /// Takes in the protocols of a further `listen`; tells whether nginx warns of them.
    fn compare(&mut self, new: u8, was_set: bool, sets: bool) -> bool {
        let old = self.current;
        let differs = self.compared.is_some_and(|compared| compared != new);
        let (redefined, compared, changed);
        if new | old != old {
            redefined = (was_set && !sets) || self.changed || new | old != new;
            (compared, changed) = (old, true);
        } else if old | new != new {
            redefined = sets || differs;
            (compared, changed) = (new, true);
        } else {
            redefined = (sets && self.changed) || differs;
            (compared, changed) = (new, self.changed);
        }
        self.compared = Some(compared);
        self.changed = changed;
        self.current = old | new;
        redefined
    }
}
