//! One argument of `server_name` (nginx: `ngx_http_core_server_name`, `ngx_hash_add_key`).

use std::fmt;
use std::sync::Arc;

use crate::{Regex, RegexError};

/// A name of a server, as one argument of `server_name` gives it.
#[derive(Clone, Debug)]
pub enum ServerName {
    /// `example.com`, or the empty name for requests that name no host.
    Exact(Box<[u8]>),
    /// `*.example.com`, or `.example.com`, which includes the domain itself.
    Suffix {
        /// What follows the leading dot.
        domain: Box<[u8]>,
        /// Whether it was written with a dot alone.
        includes_itself: bool,
    },
    /// `www.example.*`; holds what stands in front of `.*`.
    Prefix(Box<[u8]>),
    /// `~^(.+)\.example\.com$`.
    Regex(Arc<Regex>),
}

/// Why an argument of `server_name` is none, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerNameError {
    /// A wildcard without a domain.
    #[error("server name \"{0}\" is invalid")]
    Invalid(String),
    /// A wildcard in the wrong place, or an empty label. nginx finds it when it puts the names of
    /// an address together, and ends the message with ` on ADDRESS`; it does not look if the
    /// address has a single server.
    #[error("invalid server name or wildcard \"{0}\"")]
    InvalidWildcard(String),
    /// A tilde and nothing else.
    #[error("empty regex in server name \"{0}\"")]
    EmptyRegex(String),
    /// The regular expression does not compile.
    #[error(transparent)]
    Regex(#[from] RegexError),
}

impl ServerName {
    /// Reads one argument of `server_name`; `$hostname` is for the caller to replace.
    ///
    /// A regular expression that holds a capital letter ignores case, as host names do.
    ///
    /// # Errors
    ///
    /// See [`ServerNameError`].
    pub fn parse(argument: &[u8]) -> Result<ServerName, ServerNameError> {
        let text = || String::from_utf8_lossy(argument).into_owned();
        if let Some(pattern) = argument.strip_prefix(b"~") {
            if pattern.is_empty() {
                return Err(ServerNameError::EmptyRegex(text()));
            }
            let caseless = pattern.iter().any(u8::is_ascii_uppercase);
            return Ok(ServerName::Regex(Arc::new(Regex::compile(
                pattern, caseless,
            )?)));
        }
        let is_bare = match argument.first() {
            Some(b'*') => argument.len() < 3 || argument[1] != b'.',
            Some(b'.') => argument.len() < 2,
            _ => false,
        };
        if is_bare {
            return Err(ServerNameError::Invalid(text()));
        }
        ServerName::parse_wildcard(&argument.to_ascii_lowercase())
            .ok_or_else(|| ServerNameError::InvalidWildcard(text()))
    }

    /// Whether nginx warns that it `has suspicious symbols`.
    pub fn is_suspicious(argument: &[u8]) -> bool {
        argument.contains(&b'/')
    }

    fn parse_wildcard(name: &[u8]) -> Option<ServerName> {
        let stars = name.iter().filter(|&&byte| byte == b'*').count();
        if stars > 1 || name.contains(&0) || name.windows(2).any(|pair| pair == b"..") {
            return None;
        }
        if let Some(domain) = name.strip_prefix(b".") {
            return Some(ServerName::Suffix {
                domain: domain.into(),
                includes_itself: true,
            });
        }
        if let Some(domain) = name.strip_prefix(b"*.") {
            return Some(ServerName::Suffix {
                domain: domain.into(),
                includes_itself: false,
            });
        }
        match name.strip_suffix(b".*") {
            Some(prefix) if !prefix.is_empty() => Some(ServerName::Prefix(prefix.into())),
            _ if stars > 0 => None,
            _ => Some(ServerName::Exact(name.into())),
        }
    }
}

/// Prints the name as it is written in a configuration.
impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            ServerName::Exact(name) => f.write_str(&text(name)),
            ServerName::Suffix {
                domain,
                includes_itself: true,
            } => write!(f, ".{}", text(domain)),
            ServerName::Suffix { domain, .. } => write!(f, "*.{}", text(domain)),
            ServerName::Prefix(prefix) => write!(f, "{}.*", text(prefix)),
            ServerName::Regex(regex) => write!(f, "~{regex}"),
        }
    }
}
