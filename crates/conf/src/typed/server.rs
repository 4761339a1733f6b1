//! Settings of servers and locations with more than one part: `server_name`, `root` and `alias`,
//! `keepalive_timeout`, `open_file_cache`, `disable_symlinks`, `resolver`, `real_ip_header`,
//! `ssl_session_cache`.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::address::{Form, Network, Url, parse_url};
use crate::fault::{Fault, show};
use crate::scope::Scope;
use crate::table::d;
use crate::text::Text;
use crate::value::{parse_msec, parse_number, parse_sec, parse_size};

/// One name of a `server_name`. nginx: `ngx_http_core_server_name`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerName<'a> {
    /// `www.example.com`; case is ignored. Also `""`, for requests without a name.
    Exact(Text<'a>),
    /// `*.example.com`; the text is what follows the star.
    WildcardHead(Text<'a>),
    /// `www.example.*`; the text is what precedes the star.
    WildcardTail(Text<'a>),
    /// `.example.com`: the name and all below it; the text begins with the dot.
    Dot(Text<'a>),
    /// `~pattern`; case is ignored if the pattern has a capital in it.
    Regex {
        /// The pattern.
        pattern: Text<'a>,
        /// Whether case is ignored.
        caseless: bool,
    },
    /// `$hostname`
    Hostname(Text<'a>),
}

impl<'a> ServerName<'a> {
    /// Reads one argument of a `server_name`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(word: &'a Word) -> Result<Self, Fault> {
        let text = Text::from(word);
        let invalid = || {
            let name = show(word.as_bytes());
            Fault::new(format!("server name \"{name}\" is invalid")).at(word)
        };
        match text.bytes {
            [b'*', b'.', _, ..] => Ok(Self::WildcardHead(
                text.with(text.bytes.get(1..).unwrap_or_default()),
            )),
            [b'*', ..] | [b'.'] => Err(invalid()),
            [b'.', ..] => Ok(Self::Dot(text)),
            [b'~'] => {
                let name = show(word.as_bytes());
                Err(Fault::new(format!("empty regex in server name \"{name}\"")).at(word))
            }
            [b'~', pattern @ ..] => Ok(Self::Regex {
                pattern: text.with(pattern),
                caseless: pattern.iter().any(u8::is_ascii_uppercase),
            }),
            name if name.eq_ignore_ascii_case(b"$hostname") => Ok(Self::Hostname(text)),
            [name @ .., b'.', b'*'] if !name.is_empty() => {
                let dot = name.len() + 1;
                Ok(Self::WildcardTail(
                    text.with(text.bytes.get(..dot).unwrap_or_default()),
                ))
            }
            _ => Ok(Self::Exact(text)),
        }
    }

    /// All names of a server, in order; the empty name where it has none.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn of(server: Scope<'a>) -> Result<Vec<Self>, Fault> {
        server
            .own(d::SERVER_NAME)
            .flat_map(|directive| &directive.args)
            .map(Self::parse)
            .collect()
    }
}

/// Where files are, by the nearest `root` or `alias`. nginx: `ngx_http_core_merge_loc_conf`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DocumentRoot<'a> {
    /// The path as written; may have variables. `None` for the default, `html` below the prefix.
    pub path: Option<&'a Word>,
    /// Whether it stands for the location's own path.
    pub alias: bool,
    /// The level that sets it; with `alias`, the location whose path is replaced.
    pub origin: Option<Scope<'a>>,
}

impl<'a> DocumentRoot<'a> {
    /// What holds at a level.
    #[must_use]
    pub fn of(scope: Scope<'a>) -> Self {
        let found = scope.levels().find_map(|level| {
            let root = level
                .own(d::ROOT)
                .next()
                .map(|directive| (directive, false));
            let set = root.or_else(|| {
                level
                    .own(d::ALIAS)
                    .next()
                    .map(|directive| (directive, true))
            });
            set.map(|(directive, alias)| (level, directive, alias))
        });
        match found {
            Some((level, directive, alias)) => Self {
                path: directive.args.first(),
                alias,
                origin: Some(level),
            },
            None => Self {
                path: None,
                alias: false,
                origin: None,
            },
        }
    }
}

/// `keepalive_timeout TIME [HEADER-TIME]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeepaliveTimeout {
    /// How long an idle connection is kept; zero closes it at once.
    pub timeout: Duration,
    /// What the `Keep-Alive` field says; no such field where it is `None` or zero.
    pub header: Option<Duration>,
}

impl KeepaliveTimeout {
    /// Reads a `keepalive_timeout`. nginx: `ngx_http_core_keepalive`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &Directive) -> Result<Self, Fault> {
        let Some((timeout, rest)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let fault = |word| move |error| Fault::value(directive, word, error);
        let header = rest
            .first()
            .map(|word| parse_sec(word.as_bytes()).map_err(fault(word)));
        // The order of the checks is nginx's.
        let timeout = parse_msec(timeout.as_bytes()).map_err(fault(timeout))?;
        Ok(Self {
            timeout,
            header: header.transpose()?,
        })
    }
}

/// `open_file_cache`, and `open_log_file_cache`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenFileCache {
    /// How many files are kept; `None` for `off`.
    pub max: Option<u64>,
    /// After how long without use a file is dropped.
    pub inactive: Duration,
    /// Only of log files: after how long it is checked that the file is still there.
    pub valid: Duration,
    /// Only of log files: how often a file must be used to be kept open.
    pub min_uses: u64,
}

impl OpenFileCache {
    /// Reads an `open_file_cache`. nginx: `ngx_http_core_open_file_cache`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &Directive) -> Result<Self, Fault> {
        Self::read(directive, "the \"max\"", false, |word| {
            let text = show(word.as_bytes());
            format!("invalid \"open_file_cache\" parameter \"{text}\"")
        })
    }

    /// Reads an `open_log_file_cache`. nginx: `ngx_http_log_open_file_cache`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_log(directive: &Directive) -> Result<Self, Fault> {
        Self::read(directive, "\"max\"", true, |word| {
            let text = show(word.as_bytes());
            format!("invalid \"open_log_file_cache\" parameter \"{text}\"")
        })
    }

    /// Reads a `…_certificate_cache`. nginx: `ngx_http_ssl_certificate_cache`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse_certificates(directive: &Directive) -> Result<Self, Fault> {
        Self::read(directive, "the \"max\"", true, |word| {
            format!("invalid parameter \"{}\"", show(word.as_bytes()))
        })
    }

    fn read(
        directive: &Directive,
        max_words: &str,
        more: bool,
        fault: impl Fn(&Word) -> String,
    ) -> Result<Self, Fault> {
        let (mut off, mut max, mut min_uses) = (false, 0, 1);
        let (mut inactive, mut valid) = (Duration::from_secs(60), Duration::from_secs(60));
        if more {
            inactive = Duration::from_secs(10);
        }
        for word in &directive.args {
            let failed = || Fault::new(fault(word)).at(word);
            let number = |text: Text<'_>| {
                let number = parse_number(text.bytes).ok();
                number
                    .and_then(|number| u64::try_from(number).ok())
                    .ok_or_else(failed)
            };
            if let Some(text) = Text::after(word, "max=") {
                max = number(text)?;
                if max == 0 && !(more && directive.name == "open_log_file_cache") {
                    return Err(failed());
                }
            } else if let Some(text) = Text::after(word, "inactive=") {
                inactive = parse_sec(text.bytes).map_err(|_| failed())?;
            } else if let (Some(text), true) = (Text::after(word, "valid="), more) {
                valid = parse_sec(text.bytes).map_err(|_| failed())?;
            } else if let (Some(text), true) = (Text::after(word, "min_uses="), more) {
                min_uses = number(text)?;
            } else if *word == "off" {
                off = true;
            } else {
                return Err(failed());
            }
        }
        if !off && max == 0 {
            let name = directive.name.message_text();
            return Err(Fault::new(format!(
                "\"{name}\" must have {max_words} parameter"
            )));
        }
        Ok(Self {
            max: (!off).then_some(max),
            inactive,
            valid,
            min_uses,
        })
    }
}

/// `disable_symlinks`. nginx: `ngx_http_disable_symlinks`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisableSymlinks<'a> {
    /// Which links are refused.
    pub mode: SymlinkMode,
    /// `from=`: the part of the path that is not checked; may have variables.
    pub from: Option<Text<'a>>,
}

/// Which links [`DisableSymlinks`] refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymlinkMode {
    /// None.
    Off,
    /// Those that belong to somebody else than what they lead to.
    IfNotOwner,
    /// All.
    On,
}

impl<'a> DisableSymlinks<'a> {
    /// Reads a `disable_symlinks`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (mut mode, mut from) = (None, None);
        for word in &directive.args {
            match word.as_bytes() {
                b"off" => mode = Some(SymlinkMode::Off),
                b"if_not_owner" => mode = Some(SymlinkMode::IfNotOwner),
                b"on" => mode = Some(SymlinkMode::On),
                _ => {
                    let text = Text::after(word, "from=");
                    let text = text.ok_or_else(|| Fault::parameter(word))?;
                    text.variables()?;
                    from = Some(text);
                }
            }
        }
        let name = directive.name.message_text();
        let Some(mode) = mode else {
            return Err(Fault::new(format!(
                "\"{name}\" must have \"off\", \"on\" or \"if_not_owner\" parameter"
            )));
        };
        if let ([first, second], None) = (&directive.args[..], from) {
            let (first, second) = (show(first.as_bytes()), show(second.as_bytes()));
            return Err(Fault::new(format!(
                "duplicate parameters \"{first} {second}\""
            )));
        }
        if mode == SymlinkMode::Off && from.is_some() {
            return Err(Fault::new(
                "\"from=\" cannot be used with \"off\" parameter",
            ));
        }
        Ok(Self { mode, from })
    }
}

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
        let text = Text::after(word, "shared:").ok_or_else(invalid)?;
        let (name, size) = text.split_at_byte(b':').ok_or_else(invalid)?;
        let size = parse_size(size.bytes)
            .ok()
            .filter(|_| !name.bytes.is_empty());
        let size = size.ok_or_else(invalid)?;
        if size < 8 * 4096 {
            let text = show(word.as_bytes());
            return Err(Fault::new(format!("session cache \"{text}\" is too small")).at(word));
        }
        Ok(Self::Shared {
            name: name.bytes,
            size,
        })
    }
}
