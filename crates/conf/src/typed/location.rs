//! `location`: what a request path is compared with.

use portunus_conf_syntax::{Directive, Word};

use crate::fault::Fault;
use crate::text::Text;

/// How a location matches. nginx: `ngx_http_core_location`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocationMatch<'a> {
    /// `= /path`
    Exact(Text<'a>),
    /// `^~ /path`: a prefix that keeps regular expressions from being tried.
    PrefixStop(Text<'a>),
    /// `~ pattern`, or `~* pattern` to ignore case.
    Regex {
        /// The pattern.
        pattern: Text<'a>,
        /// Whether case is ignored.
        caseless: bool,
    },
    /// `/path`
    Prefix(Text<'a>),
    /// `@name`
    Named(Text<'a>),
}

impl<'a> LocationMatch<'a> {
    /// Reads the arguments of a `location`.
    ///
    /// # Errors
    /// If the modifier is not one.
    pub fn parse(directive: &'a Directive) -> Result<Self, Fault> {
        match &directive.args[..] {
            [modifier, name] => Self::with_modifier(modifier, name),
            [word, ..] => Ok(Self::glued(word)),
            [] => Err(Fault::of(directive, "has no arguments")),
        }
    }

    fn with_modifier(modifier: &'a Word, name: &'a Word) -> Result<Self, Fault> {
        let name = Text::from(name);
        match modifier.as_bytes() {
            b"=" => Ok(Self::Exact(name)),
            b"^~" => Ok(Self::PrefixStop(name)),
            b"~" => Ok(Self::Regex {
                pattern: name,
                caseless: false,
            }),
            b"~*" => Ok(Self::Regex {
                pattern: name,
                caseless: true,
            }),
            _ => Err(Fault::invalid("location modifier", modifier)),
        }
    }

    /// One word, which the modifier may be part of.
    fn glued(word: &'a Word) -> Self {
        let after = |prefix| Text::after(word, prefix);
        if let Some(path) = after("=") {
            Self::Exact(path)
        } else if let Some(path) = after("^~") {
            Self::PrefixStop(path)
        } else if let Some(pattern) = after("~*") {
            Self::Regex {
                pattern,
                caseless: true,
            }
        } else if let Some(pattern) = after("~") {
            Self::Regex {
                pattern,
                caseless: false,
            }
        } else if word.as_bytes().first() == Some(&b'@') {
            Self::Named(word.into())
        } else {
            Self::Prefix(word.into())
        }
    }

    /// Its name as nginx shows it: the path, pattern or `@name` without modifier.
    #[must_use]
    pub fn name(&self) -> Text<'a> {
        match *self {
            Self::Exact(text) | Self::PrefixStop(text) | Self::Prefix(text) | Self::Named(text) => {
                text
            }
            Self::Regex { pattern, .. } => pattern,
        }
    }
}
