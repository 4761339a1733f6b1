//! Groups of servers and what leads to them: `server` in `upstream`, `fastcgi_pass`, `proxy_pass`,
//! `proxy_redirect`.

use std::net::SocketAddr;
use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::address::{Address, Form, Url, parse_url};
use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_number, parse_sec};

/// A `server` of an `upstream`. nginx: `ngx_http_upstream_server`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Where it is.
    pub url: Url<'a>,
    /// The word it was written as.
    pub word: &'a Word,
    /// `weight=`
    pub weight: u32,
    /// `max_conns=`; 0 for no limit.
    pub max_conns: u32,
    /// `max_fails=`; 0 for never failing.
    pub max_fails: u32,
    /// `fail_timeout=`
    pub fail_timeout: Duration,
    /// `backup`
    pub backup: bool,
    /// `down`, or `drain`
    pub down: bool,
    /// `resolve`: the name is looked up at run time.
    pub resolve: bool,
}

impl<'a> Member<'a> {
    /// Reads a `server` of an `upstream`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((word, parameters)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        // The parameters are read first, as nginx does; the address is put in afterwards.
        let placeholder = parse_url(b"0.0.0.0", Form::Peer, 80).map_err(Fault::new)?;
        let mut member = Self {
            url: placeholder,
            word,
            weight: 1,
            max_conns: 0,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            backup: false,
            down: false,
            resolve: false,
        };
        for parameter in parameters {
            member.apply(parameter)?;
        }
        let fault = |error| Fault::new(format!("{error} in upstream \"{}\"", show(&word.value)));
        member.url =
            parse_url(&word.value, Form::Peer, 80).map_err(|error| fault(error).at(word))?;
        Ok(member)
    }

    fn apply(&mut self, word: &Word) -> Result<(), Fault> {
        let number = |text: Text<'_>| {
            let number = parse_number(text.bytes).map_err(|_| Fault::parameter(word))?;
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        };
        match word.as_bytes() {
            b"backup" => self.backup = true,
            // Only sessions that `sticky` has bound to a member go on to one that is drained, and there is no `sticky`.
            b"down" | b"drain" => self.down = true,
            b"resolve" => self.resolve = true,
            _ => {
                if let Some(text) = Text::after(word, "weight=") {
                    self.weight = number(text)?;
                    if self.weight == 0 {
                        return Err(Fault::parameter(word));
                    }
                } else if let Some(text) = Text::after(word, "max_conns=") {
                    self.max_conns = number(text)?;
                } else if let Some(text) = Text::after(word, "max_fails=") {
                    self.max_fails = number(text)?;
                } else if let Some(text) = Text::after(word, "fail_timeout=") {
                    let time = parse_sec(text.bytes).map_err(|_| Fault::parameter(word))?;
                    self.fail_timeout = time;
                } else {
                    return Err(Fault::parameter(word));
                }
            }
        }
        Ok(())
    }
}

/// Where `fastcgi_pass` or `proxy_pass` leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pass<'a> {
    /// A text with variables; the address is known per request.
    Variable(&'a Word),
    /// A fixed one.
    To {
        /// Whether it begins with `https://`.
        tls: bool,
        /// Address or name of an `upstream`; with what follows it, for `proxy_pass`.
        url: Url<'a>,
        /// The word it was written as.
        word: &'a Word,
    },
}

impl<'a> Pass<'a> {
    /// Reads a `fastcgi_pass`. nginx: `ngx_http_fastcgi_pass`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_fastcgi(directive: &'a Directive) -> Result<Self, Fault> {
        let Some(word) = directive.args.first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        if let Some(variable) = with_variables(word)? {
            return Ok(variable);
        }
        let url = parse_url(&word.value, Form::Peer, 0)
            .map_err(|error| in_upstream(error, Text::from(word)))?;
        Ok(Self::To {
            tls: false,
            url,
            word,
        })
    }

    /// Reads a `proxy_pass`. nginx: `ngx_http_proxy_pass`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_proxy(directive: &'a Directive) -> Result<Self, Fault> {
        let Some(word) = directive.args.first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        if let Some(variable) = with_variables(word)? {
            return Ok(variable);
        }
        let scheme = |scheme: &[u8]| {
            let start = word.value.get(..scheme.len())?;
            start
                .eq_ignore_ascii_case(scheme)
                .then(|| word.value.get(scheme.len()..))?
        };
        let (rest, tls, port) = match (scheme(b"http://"), scheme(b"https://")) {
            (Some(rest), _) => (rest, false, 80),
            (None, Some(rest)) => (rest, true, 443),
            (None, None) => return Err(Fault::new("invalid URL prefix").at(word)),
        };
        let text = Text::from(word).with(rest);
        let url =
            parse_url(rest, Form::PeerWithUri, port).map_err(|error| in_upstream(error, text))?;
        Ok(Self::To { tls, url, word })
    }
}

fn with_variables(word: &Word) -> Result<Option<Pass<'_>>, Fault> {
    let text = Text::from(word);
    if !text.has_variables() {
        return Ok(None);
    }
    text.variables()?;
    Ok(Some(Pass::Variable(word)))
}

fn in_upstream(error: &str, text: Text<'_>) -> Fault {
    Fault::new(format!("{error} in upstream \"{}\"", show(text.bytes))).at(text.word)
}

/// `fastcgi_bind`, `proxy_bind`: own address of outgoing connections.
/// nginx: `ngx_http_upstream_bind_set_slot`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bind<'a> {
    /// `off`: as the kernel chooses.
    Off,
    /// This address; port 0 where none was written.
    To {
        /// The address.
        address: SocketAddr,
        /// `transparent`: an address that is not ours.
        transparent: bool,
    },
    /// A text with variables.
    Variable(&'a Word),
}

impl<'a> Bind<'a> {
    /// Reads the directive.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (word, rest) = match &directive.args[..] {
            [word] if *word == "off" => return Ok(Self::Off),
            [word, rest @ ..] => (word, rest),
            [] => return Err(Fault::of(directive, "has no arguments")),
        };
        if let Some(word) = rest.first().filter(|word| **word != "transparent") {
            return Err(Fault::parameter(word));
        }
        let text = Text::from(word);
        if text.has_variables() {
            text.variables()?;
            return Ok(Self::Variable(word));
        }
        let url = parse_url(&word.value, Form::Peer, 0).ok();
        match url.map(|url| url.address) {
            Some(Address::Ip(address)) => Ok(Self::To {
                address,
                transparent: !rest.is_empty(),
            }),
            _ => Err(Fault::invalid("address", word)),
        }
    }
}

/// `proxy_redirect`. nginx: `ngx_http_proxy_redirect`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyRedirect<'a> {
    /// `off`
    Off,
    /// `default`: from the server's address to the location's path.
    Default,
    /// A text that may have variables.
    Text {
        /// What is replaced.
        from: &'a Word,
        /// What with.
        to: &'a Word,
    },
    /// A regular expression.
    Regex {
        /// The pattern.
        pattern: Text<'a>,
        /// Whether case is ignored.
        caseless: bool,
        /// What with.
        to: &'a Word,
    },
}

impl<'a> ProxyRedirect<'a> {
    /// Reads a `proxy_redirect`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        match &directive.args[..] {
            [word] if *word == "off" => Ok(Self::Off),
            [word] if *word == "default" => Ok(Self::Default),
            [word] => Err(Fault::parameter(word)),
            [from, to, ..] => Ok(match (Text::after(from, "~*"), Text::after(from, "~")) {
                (Some(pattern), _) => Self::Regex {
                    pattern,
                    caseless: true,
                    to,
                },
                (None, Some(pattern)) => Self::Regex {
                    pattern,
                    caseless: false,
                    to,
                },
                (None, None) => Self::Text { from, to },
            }),
            [] => Err(Fault::of(directive, "has no arguments")),
        }
    }
}
