//! Settings of servers and locations with more than one part: `server_name`, `root` and `alias`,
//! `keepalive_timeout`, `open_file_cache`, `disable_symlinks`.

use std::time::Duration;

use portunus_conf_syntax::{Directive, Word};

use crate::fault::{Fault, show};
use crate::scope::Scope;
use crate::table::d;
use crate::text::Text;
use crate::value::{parse_msec, parse_number, parse_sec};

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
