//! Limits: `limit_req_zone`, `limit_req`, `limit_conn_zone`, `limit_conn`.

use portunus_conf_syntax::{Directive, Word};

use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_number, parse_size};

/// nginx's page size, of which a zone needs at least eight.
const PAGE: u64 = 4096;

/// Name and size of a memory zone: `zone=NAME:SIZE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Zone<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its size in bytes.
    pub size: u64,
}

impl<'a> Zone<'a> {
    /// Reads a `zone=` of the limit modules.
    fn parse(text: Text<'a>) -> Result<Self, Fault> {
        let invalid = || Fault::invalid("zone size", text.word);
        let (name, size) = text.split_at_byte(b':').ok_or_else(invalid)?;
        let size = parse_size(size.bytes).map_err(|_| invalid())?;
        if size < 8 * PAGE {
            let zone = show(text.word.as_bytes());
            return Err(Fault::new(format!("zone \"{zone}\" is too small")).at(text.word));
        }
        Ok(Self {
            name: name.bytes,
            size,
        })
    }
}

/// `limit_req_zone KEY zone=NAME:SIZE rate=RATE`, and `limit_conn_zone` without rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitZone<'a> {
    /// What is counted apart; has variables.
    pub key: &'a Word,
    /// Where.
    pub zone: Zone<'a>,
    /// Requests per 1000 seconds.
    pub rate: u64,
}

impl<'a> LimitZone<'a> {
    /// Reads a `limit_req_zone`. nginx: `ngx_http_limit_req_zone`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_req(directive: &'a Directive) -> Result<Self, Fault> {
        Self::parse(directive, true)
    }

    /// Reads a `limit_conn_zone`. nginx: `ngx_http_limit_conn_zone`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_conn(directive: &'a Directive) -> Result<Self, Fault> {
        Self::parse(directive, false)
    }

    fn parse(directive: &'a Directive, has_rate: bool) -> Result<Self, Fault> {
        let Some((key, parameters)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        Text::from(key).variables()?;
        let (mut zone, mut rate) = (None, 1000);
        for word in parameters {
            if let Some(text) = Text::after(word, "zone=") {
                zone = Some(Zone::parse(text)?);
            } else if let (Some(text), true) = (Text::after(word, "rate="), has_rate) {
                rate = parse_rate(text.bytes).ok_or_else(|| Fault::invalid("rate", word))?;
            } else {
                return Err(Fault::parameter(word));
            }
        }
        let zone = zone.filter(|zone| !zone.name.is_empty());
        Ok(Self {
            key,
            zone: zone.ok_or_else(|| no_zone(directive))?,
            rate,
        })
    }
}

/// `10r/s` or `30r/m`, per 1000 seconds.
fn parse_rate(text: &[u8]) -> Option<u64> {
    let (digits, seconds) = match (text.strip_suffix(b"r/s"), text.strip_suffix(b"r/m")) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 60),
        (None, None) => (text, 1),
    };
    let rate = u64::try_from(parse_number(digits).ok()?)
        .ok()
        .filter(|rate| *rate > 0)?;
    Some(rate.saturating_mul(1000) / seconds)
}

fn no_zone(directive: &Directive) -> Fault {
    let name = directive.name.message_text();
    Fault::new(format!("\"{name}\" must have \"zone\" parameter"))
}

/// `limit_req zone=NAME [burst=N] [nodelay | delay=N]`. nginx: `ngx_http_limit_req`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitReq<'a> {
    /// Name of the zone.
    pub zone: &'a [u8],
    /// By how many requests the rate may be exceeded.
    pub burst: u64,
    /// How many of them are not delayed; `None` for `nodelay`.
    pub delay: Option<u64>,
}

impl<'a> LimitReq<'a> {
    /// Reads a `limit_req`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (mut zone, mut burst, mut delay) = (None, 0, Some(0));
        let positive = |text: Text<'a>, what| {
            let number = parse_number(text.bytes)
                .ok()
                .and_then(|number| u64::try_from(number).ok());
            let number = number.filter(|number| *number > 0);
            number.ok_or_else(|| Fault::invalid(what, text.word))
        };
        for word in &directive.args {
            if let Some(text) = Text::after(word, "zone=") {
                zone = Some(text.bytes);
            } else if let Some(text) = Text::after(word, "burst=") {
                burst = positive(text, "burst value")?;
            } else if let Some(text) = Text::after(word, "delay=") {
                delay = Some(positive(text, "delay value")?);
            } else if *word == "nodelay" {
                delay = None;
            } else {
                return Err(Fault::parameter(word));
            }
        }
        Ok(Self {
            zone: zone.ok_or_else(|| no_zone(directive))?,
            burst,
            delay,
        })
    }
}

/// `limit_conn NAME NUMBER`. nginx: `ngx_http_limit_conn`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitConn<'a> {
    /// Name of the zone.
    pub zone: &'a [u8],
    /// How many connections a key may have.
    pub connections: u16,
}

impl<'a> LimitConn<'a> {
    /// Reads a `limit_conn`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let [zone, number] = &directive.args[..] else {
            return Err(Fault::of(directive, "has too few arguments"));
        };
        let connections = parse_number(number.as_bytes())
            .ok()
            .filter(|number| *number > 0);
        let connections =
            connections.ok_or_else(|| Fault::invalid("number of connections", number))?;
        let connections = u16::try_from(connections)
            .map_err(|_| Fault::new("connection limit must be less 65536").at(number))?;
        Ok(Self {
            zone: zone.as_bytes(),
            connections,
        })
    }
}
