//! `listen`: from the directive to a socket of the server.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use portunus_conf::typed::{self, SocketKeepalive};
use portunus_conf::{Address, Directive};
use portunus_server::{ListenAddress, ListenerConfig, TcpKeepAlive, Tls};

/// One address of a `listen` directive.
#[derive(Debug, Clone)]
pub(super) struct Listen {
    pub(super) address: ListenAddress,
    pub(super) default_server: bool,
    pub(super) http2: bool,
    pub(super) ssl: bool,
    /// Socket options, from the one directive of the address that sets any.
    options: Option<ListenerConfig>,
    proxy_protocol: bool,
}

impl Listen {
    /// What a server without `listen` has: port 80, or 8000 where that needs a privilege we lack.
    pub(super) fn implicit() -> Self {
        let port = if rustix::process::geteuid().is_root() {
            80
        } else {
            8000
        };
        Self {
            address: ListenAddress::Inet((Ipv4Addr::UNSPECIFIED, port).into()),
            default_server: false,
            http2: false,
            ssl: false,
            options: None,
            proxy_protocol: false,
        }
    }

    /// All addresses of a directive; nginx's words where it is wrong.
    pub(super) fn parse(directive: &Directive) -> Result<Vec<Self>, String> {
        let parsed = typed::Listen::parse(directive).map_err(|fault| fault.to_string())?;
        if parsed.quic {
            let message = "the \"quic\" parameter of \"listen\" is not supported by this build";
            return Err(message.to_owned());
        }
        let found = addresses(&parsed)?;
        let listen = |address: ListenAddress| Self {
            default_server: parsed.default_server,
            http2: parsed.http2,
            ssl: parsed.ssl,
            proxy_protocol: parsed.proxy_protocol,
            options: parsed
                .sets_options
                .then(|| options(&parsed, address.clone())),
            address,
        };
        Ok(found.into_iter().map(listen).collect())
    }

    /// Adds what another directive says of the same address.
    pub(super) fn merge(&mut self, other: Self) {
        self.http2 |= other.http2;
        self.ssl |= other.ssl;
        self.proxy_protocol |= other.proxy_protocol;
        self.options = self.options.take().or(other.options);
    }

    /// What the server needs to bind it.
    pub(super) fn into_config(self, tag: usize, tls: Tls) -> ListenerConfig {
        let address = self.address;
        let options = self
            .options
            .unwrap_or_else(|| ListenerConfig::new(address, tag));
        // Over TLS the client says by ALPN that it speaks HTTP/2.
        let (http2, proxy_protocol) = (self.http2 && !self.ssl, self.proxy_protocol);
        ListenerConfig {
            tag,
            http2,
            proxy_protocol,
            tls,
            ..options
        }
    }
}

fn options(listen: &typed::Listen<'_>, address: ListenAddress) -> ListenerConfig {
    let is_inet = matches!(address, ListenAddress::Inet(_));
    let defaults = ListenerConfig::new(address, 0);
    let bytes = |size: Option<u64>| size.and_then(|size| usize::try_from(size).ok());
    ListenerConfig {
        backlog: listen
            .backlog
            .and_then(|n| i32::try_from(n).ok())
            .unwrap_or(defaults.backlog),
        ipv6only: listen.ipv6_only,
        // Linux does not let Unix sockets share an address any more.
        reuseport: listen.reuse_port && is_inet,
        deferred: listen.deferred,
        so_keepalive: keepalive(listen.keepalive),
        rcvbuf: bytes(listen.receive_buffer),
        sndbuf: bytes(listen.send_buffer),
        fastopen: listen.fast_open,
        ..defaults
    }
}

fn keepalive(keepalive: SocketKeepalive) -> Option<TcpKeepAlive> {
    match keepalive {
        SocketKeepalive::System => None,
        SocketKeepalive::Off => Some(TcpKeepAlive::default()),
        SocketKeepalive::On {
            idle,
            interval,
            count,
        } => Some(TcpKeepAlive {
            enabled: true,
            idle,
            interval,
            count,
        }),
    }
}

fn addresses(listen: &typed::Listen<'_>) -> Result<Vec<ListenAddress>, String> {
    let first = match &listen.url.address {
        Address::Unix(path) => {
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(path));
            return Ok(vec![ListenAddress::Unix(path)]);
        }
        Address::Ip(address) => vec![*address],
        Address::Name(name, port) => look_up(name, *port)?,
    };
    let inet = |address: SocketAddr| ListenAddress::Inet(address);
    let Some(last) = listen.url.last_port else {
        return Ok(first.into_iter().map(inet).collect());
    };
    let ports = |address: SocketAddr| {
        (address.port()..=last).map(move |port| SocketAddr::new(address.ip(), port))
    };
    Ok(first.into_iter().flat_map(ports).map(inet).collect())
}

fn look_up(name: &[u8], port: u16) -> Result<Vec<SocketAddr>, String> {
    let text = String::from_utf8_lossy(name);
    let found = (&*text, port).to_socket_addrs();
    let mut found: Vec<_> = found.map(Iterator::collect).unwrap_or_default();
    found.dedup();
    if found.is_empty() {
        return Err(format!(
            "host not found in \"{text}\" of the \"listen\" directive"
        ));
    }
    Ok(found)
}
