//! `listen`: where connections are accepted, and how.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::address::{Form, Url, parse_url};
use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_number, parse_sec, parse_size};

/// All parameters of a `listen`. nginx: `ngx_http_core_listen`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen<'a> {
    /// Where.
    pub url: Url<'a>,
    /// `default_server`: it answers for names that no server has.
    pub default_server: bool,
    /// `ssl`
    pub ssl: bool,
    /// `http2`, which nginx calls deprecated here.
    pub http2: bool,
    /// `quic`
    pub quic: bool,
    /// `proxy_protocol`
    pub proxy_protocol: bool,
    /// `backlog=`
    pub backlog: Option<u32>,
    /// `rcvbuf=`, in bytes
    pub receive_buffer: Option<u64>,
    /// `sndbuf=`, in bytes
    pub send_buffer: Option<u64>,
    /// `fastopen=`
    pub fast_open: Option<u32>,
    /// `deferred`
    pub deferred: bool,
    /// `ipv6only=`; on where it is not said
    pub ipv6_only: bool,
    /// `reuseport`
    pub reuse_port: bool,
    /// `multipath`
    pub multipath: bool,
    /// `so_keepalive=`
    pub keepalive: SocketKeepalive,
    /// Whether a parameter was given that belongs to the socket; such may be given only once for
    /// one address.
    pub sets_options: bool,
}

/// `so_keepalive=` of a [`Listen`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SocketKeepalive {
    /// As the system has it.
    #[default]
    System,
    /// `off`
    Off,
    /// `on`, or with times.
    On {
        /// Idle time before the first probe.
        idle: Option<Duration>,
        /// Time between probes.
        interval: Option<Duration>,
        /// How many probes.
        count: Option<u32>,
    },
}

impl<'a> Listen<'a> {
    /// Reads a `listen`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut listen = Self::parse_where(directive)?;
        for parameter in directive.args.iter().skip(1) {
            listen.apply(parameter)?;
        }
        listen.check_quic(directive)?;
        Ok(listen)
    }

    /// Reads where a `listen` listens, and nothing else.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_where(directive: &'a Directive) -> Result<Self, Fault> {
        let Some(where_) = directive.args.first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let url = parse_url(where_.as_bytes(), Form::Listen, 80).map_err(|error| {
            let text = show(where_.as_bytes());
            Fault::new(format!("{error} in \"{text}\" of the \"listen\" directive")).at(where_)
        })?;
        Ok(Self::new(url))
    }

    fn new(url: Url<'a>) -> Self {
        Self {
            url,
            default_server: false,
            ssl: false,
            http2: false,
            quic: false,
            proxy_protocol: false,
            backlog: None,
            receive_buffer: None,
            send_buffer: None,
            fast_open: None,
            deferred: false,
            ipv6_only: true,
            reuse_port: false,
            multipath: false,
            keepalive: SocketKeepalive::System,
            sets_options: false,
        }
    }

    fn apply(&mut self, word: &'a Word) -> Result<(), Fault> {
        match word.as_bytes() {
            b"default_server" | b"default" => self.default_server = true,
            b"ssl" => self.ssl = true,
            b"http2" => self.http2 = true,
            b"quic" => self.quic = true,
            b"proxy_protocol" => self.proxy_protocol = true,
            _ => {
                self.apply_socket_option(word)?;
                self.sets_options = true;
            }
        }
        Ok(())
    }

    fn apply_socket_option(&mut self, word: &'a Word) -> Result<(), Fault> {
        let number = |text: Text<'_>, what| {
            let number = parse_number(text.bytes).map_err(|_| Fault::invalid(what, word))?;
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        };
        let size =
            |text: Text<'_>, what| parse_size(text.bytes).map_err(|_| Fault::invalid(what, word));
        match word.as_bytes() {
            b"bind" => {}
            b"deferred" => self.deferred = true,
            b"reuseport" => self.reuse_port = true,
            b"multipath" => self.multipath = true,
            b"ipv6only=on" => self.ipv6_only = true,
            b"ipv6only=off" => self.ipv6_only = false,
            _ => {
                if let Some(text) = Text::after(word, "backlog=") {
                    let backlog = number(text, "backlog")?;
                    if backlog == 0 {
                        return Err(Fault::invalid("backlog", word));
                    }
                    self.backlog = Some(backlog);
                } else if let Some(text) = Text::after(word, "fastopen=") {
                    self.fast_open = Some(number(text, "fastopen")?);
                } else if let Some(text) = Text::after(word, "rcvbuf=") {
                    self.receive_buffer = Some(size(text, "rcvbuf")?);
                } else if let Some(text) = Text::after(word, "sndbuf=") {
                    self.send_buffer = Some(size(text, "sndbuf")?);
                } else if let Some(text) = Text::after(word, "so_keepalive=") {
                    self.keepalive = parse_keepalive(text)?;
                } else if let Some(text) = Text::after(word, "ipv6only=o") {
                    let flags = show(text.bytes);
                    let message = format!("invalid ipv6only flags \"o{flags}\"");
                    return Err(Fault::new(message).at(word));
                } else if Text::after(word, "accept_filter=").is_some() {
                    let text = show(word.as_bytes());
                    let message = format!(
                        "accept filters \"{text}\" are not supported on this platform, ignored"
                    );
                    return Err(Fault::new(message).at(word));
                } else {
                    return Err(Fault::parameter(word));
                }
            }
        }
        Ok(())
    }

    fn check_quic(&self, directive: &Directive) -> Result<(), Fault> {
        let clashes = [
            (self.fast_open.is_some(), "fastopen"),
            (self.backlog.is_some(), "backlog"),
            (self.deferred, "deferred"),
            (self.multipath, "multipath"),
            (self.ssl, "ssl"),
            (self.http2, "http2"),
            (self.keepalive != SocketKeepalive::System, "so_keepalive"),
            (self.proxy_protocol, "proxy_protocol"),
        ];
        match clashes.iter().find(|(set, _)| self.quic && *set) {
            Some((_, name)) => {
                let what = format!("\"{name}\" parameter is incompatible with \"quic\"");
                Err(Fault::of(directive, what))
            }
            None => Ok(()),
        }
    }
}

/// `on`, `off`, or `[idle]:[interval]:[count]`, of which one must be there.
fn parse_keepalive(text: Text<'_>) -> Result<SocketKeepalive, Fault> {
    match text.bytes {
        b"on" => {
            return Ok(SocketKeepalive::On {
                idle: None,
                interval: None,
                count: None,
            });
        }
        b"off" => return Ok(SocketKeepalive::Off),
        _ => {}
    }
    let invalid = || {
        let value = show(text.bytes);
        Fault::new(format!("invalid so_keepalive value: \"{value}\"")).at(text.word)
    };
    let mut parts = text
        .bytes
        .splitn(3, |byte| *byte == b':')
        .map(|part| Some(part).filter(|part| !part.is_empty()));
    let mut next = || parts.next().flatten();
    let time = |part: Option<&[u8]>| part.map(parse_sec).transpose().map_err(|_| invalid());
    let idle = time(next())?;
    let interval = time(next())?;
    let count = next()
        .map(parse_number)
        .transpose()
        .map_err(|_| invalid())?;
    let count = count.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let is_zero = |time: Option<Duration>| time.is_none_or(|time| time.is_zero());
    if is_zero(idle) && is_zero(interval) && count.unwrap_or(0) == 0 {
        return Err(invalid());
    }
    Ok(SocketKeepalive::On {
        idle,
        interval,
        count,
    })
}
