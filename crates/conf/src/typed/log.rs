//! Logs: `access_log`, `log_format`, `error_log`, and the syslog targets of both.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::address::{Form, Url, parse_url};
use crate::fault::{Fault, show};
use crate::text::Text;
use crate::value::{parse_msec, parse_number, parse_size};

/// `access_log`. nginx: `ngx_http_log_set_log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessLog<'a> {
    /// `off`
    Off,
    /// A file or a syslog server.
    To {
        /// Where.
        target: LogTarget<'a>,
        /// Name of the format; `combined` where none is given.
        format: &'a [u8],
        /// How it is gathered; `None` for line by line.
        buffer: Option<LogBuffer>,
        /// `if=`: nothing is logged where this is empty or `0`; has variables.
        condition: Option<Text<'a>>,
    },
}

/// `buffer=`, `flush=` and `gzip=` of an [`AccessLog`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogBuffer {
    /// Size in bytes.
    pub size: u64,
    /// Longest time that lines are held back.
    pub flush: Option<Duration>,
    /// Level of compression, 1 to 9.
    pub gzip: Option<u8>,
}

/// Where a log goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTarget<'a> {
    /// The standard error stream; for error logs only.
    Stderr,
    /// A ring in memory, its size in bytes; for error logs only.
    Memory(u64),
    /// A syslog server.
    Syslog(Syslog<'a>),
    /// A file; the path of an access log may have variables.
    File(&'a Word),
}

/// `syslog:server=…,…`. nginx: `ngx_syslog_parse_args`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Syslog<'a> {
    /// The server.
    pub server: Url<'a>,
    /// Number of the facility (RFC 3164 §4.1.1); `local7` where none is given.
    pub facility: u8,
    /// Number of the severity; `info` where none is given.
    pub severity: u8,
    /// Name of the program; `nginx` where none is given.
    pub tag: &'a [u8],
    /// Whether the host name is left out.
    pub no_hostname: bool,
}

impl<'a> AccessLog<'a> {
    /// Reads an `access_log`. Whether its format is known is not checked here.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let (path, format, parameters) = match &directive.args[..] {
            [path] if *path == "off" => return Ok(Self::Off),
            [path, second, ..] if *path == "off" => return Err(Fault::parameter(second)),
            [path, format, parameters @ ..] => (path, format.as_bytes(), parameters),
            [path] => (path, &b"combined"[..], &[][..]),
            [] => return Err(Fault::of(directive, "has no arguments")),
        };
        let target = match Text::after(path, "syslog:") {
            Some(text) => LogTarget::Syslog(Syslog::parse(text)?),
            None => LogTarget::File(path),
        };
        let mut parsed = Parameters::default();
        for word in parameters {
            parsed.apply(word)?;
        }
        let condition = parsed.condition;
        let buffer = parsed.check(path, &target)?;
        Ok(Self::To {
            target,
            format,
            buffer,
            condition,
        })
    }
}

/// The parameters of an `access_log` as far as they have been read.
#[derive(Default)]
struct Parameters<'a> {
    size: u64,
    flush: Option<Duration>,
    gzip: Option<u8>,
    condition: Option<Text<'a>>,
}

impl<'a> Parameters<'a> {
    fn apply(&mut self, word: &'a Word) -> Result<(), Fault> {
        let invalid = |what: &str, text: Text<'_>| {
            Fault::new(format!("invalid {what} \"{}\"", show(text.bytes))).at(word)
        };
        if let Some(text) = Text::after(word, "buffer=") {
            let size = parse_size(text.bytes).ok().filter(|size| *size > 0);
            self.size = size.ok_or_else(|| invalid("buffer size", text))?;
        } else if let Some(text) = Text::after(word, "flush=") {
            let flush = parse_msec(text.bytes).ok().filter(|time| !time.is_zero());
            self.flush = Some(flush.ok_or_else(|| invalid("flush time", text))?);
        } else if *word == "gzip" {
            self.compress(1);
        } else if let Some(text) = Text::after(word, "gzip=") {
            let level = parse_number(text.bytes)
                .ok()
                .and_then(|level| u8::try_from(level).ok());
            let level = level.filter(|level| (1..=9).contains(level));
            self.compress(level.ok_or_else(|| invalid("compression level", text))?);
        } else if let Some(text) = Text::after(word, "if=") {
            text.variables()?;
            self.condition = Some(text);
        } else {
            return Err(Fault::parameter(word));
        }
        Ok(())
    }

    fn compress(&mut self, level: u8) {
        self.gzip = Some(level);
        if self.size == 0 {
            self.size = 64 * 1024;
        }
    }

    fn check(&self, path: &Word, target: &LogTarget<'_>) -> Result<Option<LogBuffer>, Fault> {
        let fault = |message: &str| Err(Fault::new(message).at(path));
        if self.size == 0 {
            if self.flush.is_some() {
                let path = show(path.as_bytes());
                return fault(&format!("no buffer is defined for access_log \"{path}\""));
            }
            return Ok(None);
        }
        match target {
            LogTarget::Syslog(_) => fault("logs to syslog cannot be buffered"),
            LogTarget::File(path) if Text::from(*path).has_variables() => {
                fault("buffered logs cannot have variables in name")
            }
            _ => Ok(Some(LogBuffer {
                size: self.size,
                flush: self.flush,
                gzip: self.gzip,
            })),
        }
    }
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv",
    "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];

impl<'a> Syslog<'a> {
    /// Reads what follows `syslog:`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(text: Text<'a>) -> Result<Self, Fault> {
        let (mut server, mut facility, mut severity, mut tag) = (None, None, None, None);
        let mut no_hostname = false;
        for part in text.bytes.split(|byte| *byte == b',') {
            let fault = |message: String| Fault::new(message).at(text.word);
            let taken = |set: bool, name| match set {
                true => Err(fault(format!("duplicate syslog \"{name}\""))),
                false => Ok(()),
            };
            if let Some(address) = part.strip_prefix(b"server=") {
                taken(server.is_some(), "server")?;
                let parsed = parse_url(address, Form::Peer, 514);
                server = Some(parsed.map_err(|error| {
                    fault(format!("{error} in syslog server \"{}\"", show(address)))
                })?);
            } else if let Some(name) = part.strip_prefix(b"facility=") {
                taken(facility.is_some(), "facility")?;
                facility = Some(index(&FACILITIES, name, "facility").map_err(fault)?);
            } else if let Some(name) = part.strip_prefix(b"severity=") {
                taken(severity.is_some(), "severity")?;
                severity = Some(index(&SEVERITIES, name, "severity").map_err(fault)?);
            } else if let Some(name) = part.strip_prefix(b"tag=") {
                taken(tag.is_some(), "tag")?;
                tag = Some(check_tag(name).map_err(|message| fault(message.to_owned()))?);
            } else if part == b"nohostname" {
                no_hostname = true;
            } else {
                return Err(fault(format!(
                    "unknown syslog parameter \"{}\"",
                    show(part)
                )));
            }
        }
        Ok(Self {
            server: server.ok_or_else(|| Fault::new("no syslog server specified").at(text.word))?,
            facility: facility.unwrap_or(23),
            severity: severity.unwrap_or(6),
            tag: tag.unwrap_or(b"nginx"),
            no_hostname,
        })
    }
}

fn index(names: &[&str], name: &[u8], what: &str) -> Result<u8, String> {
    let found = names.iter().position(|one| one.as_bytes() == name);
    let found = found.and_then(|index| u8::try_from(index).ok());
    found.ok_or_else(|| format!("unknown syslog {what} \"{}\"", show(name)))
}

fn check_tag(tag: &[u8]) -> Result<&[u8], &'static str> {
    if tag.len() > 32 {
        return Err("syslog tag length exceeds 32");
    }
    match tag
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        true => Ok(tag),
        false => Err("syslog \"tag\" only allows alphanumeric characters and underscore"),
    }
}

/// `log_format NAME [escape=…] TEXT …`. nginx: `ngx_http_log_set_format`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFormat<'a> {
    /// Its name.
    pub name: &'a Word,
    /// What is done to values.
    pub escape: LogEscape,
    /// The parts of the text, which are joined without anything between them.
    pub parts: &'a [Word],
}

/// How values are written into a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogEscape {
    /// Quotes, backslashes, control and high bytes as `\xHH`.
    #[default]
    Default,
    /// As JSON strings ask.
    Json,
    /// Not at all.
    None,
}

impl<'a> LogFormat<'a> {
    /// Reads a `log_format`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((name, mut parts)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let mut escape = LogEscape::Default;
        if let Some((first, rest)) = parts.split_first()
            && let Some(text) = Text::after(first, "escape=")
        {
            parts = rest;
            escape = match text.bytes {
                b"json" => LogEscape::Json,
                b"none" => LogEscape::None,
                b"default" => LogEscape::Default,
                other => {
                    let message = format!("unknown log format escaping \"{}\"", show(other));
                    return Err(Fault::new(message).at(first));
                }
            };
        }
        for part in parts {
            check_format(part)?;
        }
        Ok(Self {
            name,
            escape,
            parts,
        })
    }
}

/// The syntax of variables; a log format words its faults differently from other texts, and knows
/// no captures.
fn check_format(word: &Word) -> Result<(), Fault> {
    let mut rest = word.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        let from_dollar = rest.get(at..).unwrap_or_default();
        let invalid =
            || Fault::new(format!("invalid parameter \"{}\"", show(from_dollar))).at(word);
        rest = rest.get(at + 1..).unwrap_or_default();
        let braced = rest.first() == Some(&b'{');
        rest = rest.get(usize::from(braced)..).unwrap_or_default();
        if rest.is_empty() {
            return Err(invalid());
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = rest
            .iter()
            .position(|byte| !is_name(byte))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        if braced {
            rest = rest.strip_prefix(b"}").ok_or_else(|| {
                let name = show(name);
                Fault::new(format!(
                    "the closing bracket in \"{name}\" variable is missing"
                ))
                .at(word)
            })?;
        }
        if name.is_empty() {
            return Err(invalid());
        }
    }
    Ok(())
}

/// `error_log TARGET [LEVEL …]`. nginx: `ngx_log_set_log`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorLog<'a> {
    /// Where.
    pub target: LogTarget<'a>,
    /// From which level on.
    pub level: LogLevel,
}

/// The levels of the error log, gravest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "they are nginx's words")]
pub enum LogLevel {
    Emerg,
    Alert,
    Crit,
    Error,
    Warn,
    Notice,
    Info,
    Debug,
}

impl LogLevel {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Emerg, "emerg"),
        (Self::Alert, "alert"),
        (Self::Crit, "crit"),
        (Self::Error, "error"),
        (Self::Warn, "warn"),
        (Self::Notice, "notice"),
        (Self::Info, "info"),
        (Self::Debug, "debug"),
    ];

    /// The level of this name.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| known.as_bytes() == name);
        found.map(|(level, _)| *level)
    }
}

const DEBUG_PARTS: [&str; 7] = [
    "debug_core",
    "debug_alloc",
    "debug_mutex",
    "debug_event",
    "debug_http",
    "debug_mail",
    "debug_stream",
];

impl<'a> ErrorLog<'a> {
    /// Reads an `error_log`.
    ///
    /// # Errors
    /// In nginx's words.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        let Some((path, levels)) = directive.args.split_first() else {
            return Err(Fault::of(directive, "has no arguments"));
        };
        let target = if *path == "stderr" {
            LogTarget::Stderr
        } else if let Some(text) = Text::after(path, "memory:") {
            let size = parse_size(text.bytes).ok().filter(|size| *size >= 4096);
            let size = size.ok_or_else(|| {
                Fault::new(format!("invalid buffer size \"{}\"", show(text.bytes))).at(path)
            })?;
            LogTarget::Memory(size)
        } else if let Some(text) = Text::after(path, "syslog:") {
            LogTarget::Syslog(Syslog::parse(text)?)
        } else {
            LogTarget::File(path)
        };
        Ok(Self {
            target,
            level: parse_levels(levels)?,
        })
    }
}

/// One level, or any number of `debug_…` words. nginx: `ngx_log_set_levels`.
fn parse_levels(words: &[Word]) -> Result<LogLevel, Fault> {
    let (mut level, mut parts) = (None, false);
    for word in words {
        if let Some(one) = LogLevel::parse(word.as_bytes()) {
            if level.is_some() || parts {
                return Err(duplicate(word));
            }
            level = Some(one);
        } else if level.is_none() && DEBUG_PARTS.iter().any(|part| *word == *part) {
            parts = true;
        } else {
            return Err(Fault::invalid("log level", word));
        }
    }
    Ok(if parts {
        LogLevel::Debug
    } else {
        level.unwrap_or(LogLevel::Error)
    })
}

fn duplicate(word: &Word) -> Fault {
    Fault::new(format!("duplicate log level \"{}\"", show(word.as_bytes()))).at(word)
}
