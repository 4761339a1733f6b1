//! Addresses and what is kept about peers: `resolver`, `allow`, `deny`, `set_real_ip_from`,
//! `ssl_session_cache`.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::address::{Form, Network, Url, parse_url};
use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_number, parse_sec, parse_size};

/// `resolver`. nginx: `ngx_resolver_create`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolver<'a> {
    /// Name servers; `resolver off` would be one called `off`.
    pub servers: Vec<Url<'a>>,
    /// `valid=`: how long an answer is kept whatever it says itself.
    pub valid: Option<Duration>,
    /// Whether IPv4 addresses are asked for.
    pub ipv4: bool,
    /// Whether IPv6 addresses are asked for.
    pub ipv6: bool,
}

impl<'a> Resolver<'a> {
    /// Reads a `resolver`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let mut resolver = Self {
            servers: Vec::new(),
            valid: None,
            ipv4: true,
            ipv6: true,
        };
        for word in &directive.args {
            let text = show(word.as_bytes());
            let invalid = || Fault::new(format!("invalid parameter: {text}")).at(word);
            if let Some(time) = Text::after(word, "valid=") {
                resolver.valid = Some(parse_sec(time.bytes).map_err(|_| invalid())?);
            } else if let Some(flag) = Text::after(word, "ipv4=") {
                resolver.ipv4 = parse_flag(flag.bytes).ok_or_else(invalid)?;
            } else if let Some(flag) = Text::after(word, "ipv6=") {
                resolver.ipv6 = parse_flag(flag.bytes).ok_or_else(invalid)?;
            } else {
                let url = parse_url(&word.value, Form::Peer, 53);
                resolver.servers.push(url.map_err(|error| {
                    Fault::new(format!("{error} in resolver \"{text}\"")).at(word)
                })?);
            }
        }
        if !resolver.ipv4 && !resolver.ipv6 {
            return Err(Fault::new("\"ipv4\" and \"ipv6\" cannot both be \"off\""));
        }
        if resolver.servers.is_empty() {
            return Err(Fault::new("no name servers defined"));
        }
        Ok(resolver)
    }
}

fn parse_flag(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// Whom `allow`, `deny` or `set_real_ip_from` means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who<'a> {
    /// `all`
    All,
    /// `unix:`
    Unix,
    /// An address or a network.
    Network(Network),
    /// A name that has to be looked up; for `set_real_ip_from` only.
    Name(&'a Word),
}

impl<'a> Who<'a> {
    /// Reads the argument of an `allow` or `deny`. nginx: `ngx_http_access_rule`.
    ///
    /// # Errors
    /// If it is none of the forms.
    pub fn parse_rule(directive: &'a Directive) -> Result<Self, Fault> {
        match directive.args.first() {
            Some(word) if *word == "all" => Ok(Self::All),
            Some(word) if *word == "unix:" => Ok(Self::Unix),
            Some(word) => {
                let network = Network::parse(word.as_bytes());
                network
                    .map(Self::Network)
                    .ok_or_else(|| Fault::parameter(word))
            }
            None => Err(Fault::of(directive, "has no arguments")),
        }
    }

    /// Reads the argument of a `set_real_ip_from`. nginx: `ngx_http_realip_from`.
    ///
    /// # Errors
    /// If there is none.
    pub fn parse_proxy(directive: &'a Directive) -> Result<Self, Fault> {
        match directive.args.first() {
            Some(word) if *word == "unix:" => Ok(Self::Unix),
            Some(word) => {
                Ok(Network::parse(word.as_bytes()).map_or(Self::Name(word), Self::Network))
            }
            None => Err(Fault::of(directive, "has no arguments")),
        }
    }
}

/// `ssl_session_cache`. nginx: `ngx_http_ssl_session_cache`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionCache<'a> {
    /// `off`: clients are told not to reuse sessions.
    Off,
    /// `none`: clients are told they may, but nothing is kept.
    None,
    /// `builtin[:SIZE]`: so many sessions per worker.
    Builtin(u64),
    /// `shared:NAME:SIZE`: so many bytes, of which a session takes about 250.
    Shared {
        /// Its name.
        name: &'a [u8],
        /// Its size in bytes.
        size: u64,
    },
}

impl<'a> SessionCache<'a> {
    /// Reads all arguments of an `ssl_session_cache`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Vec<Self>, Fault> {
        directive.args.iter().map(Self::parse_word).collect()
    }

    fn parse_word(word: &'a Word) -> Result<Self, Fault> {
        let invalid = || Fault::invalid("session cache", word);
        match word.as_bytes() {
            b"off" => return Ok(Self::Off),
            b"none" => return Ok(Self::None),
            b"builtin" => return Ok(Self::Builtin(20_480)),
            _ => {}
        }
        if let Some(text) = Text::after(word, "builtin:") {
            let number = parse_number(text.bytes).map_err(|_| invalid())?;
            return u64::try_from(number)
                .map(Self::Builtin)
                .map_err(|_| invalid());
        }
        let (name, size) = shared(word, "session cache")?;
        Ok(Self::Shared { name, size })
    }
}

/// The zone of an `ssl_ocsp_cache`; none for `off`.
///
/// # Errors
/// In nginx's words.
pub fn ocsp_cache(directive: &Directive) -> Result<Option<(&[u8], u64)>, Fault> {
    match directive.args.first() {
        Some(word) if *word != "off" => shared(word, "OCSP cache").map(Some),
        _ => Ok(None),
    }
}

/// `shared:NAME:SIZE`; `what` is what it is, for messages.
fn shared<'a>(word: &'a Word, what: &str) -> Result<(&'a [u8], u64), Fault> {
    let invalid = || Fault::invalid(what, word);
    let text = Text::after(word, "shared:").ok_or_else(invalid)?;
    let (name, size) = text.split_at_byte(b':').ok_or_else(invalid)?;
    let size = parse_size(size.bytes)
        .ok()
        .filter(|_| !name.bytes.is_empty());
    let size = size.ok_or_else(invalid)?;
    if size < 8 * 4096 {
        let text = show(word.as_bytes());
        return Err(Fault::new(format!("{what} \"{text}\" is too small")).at(word));
    }
    Ok((name.bytes, size))
}
