//! What URIs a location takes (nginx: `ngx_http_core_location`).

use std::fmt;

use crate::{Regex, RegexError};

/// How a location is written: its modifier and its name.
#[derive(Debug)]
pub enum LocationMatch {
    /// `= /name`: this URI and no other.
    Exact(Box<[u8]>),
    /// `^~ /name`: URIs that begin so; no regular expressions around it are tried.
    PrefixStop(Box<[u8]>),
    /// `/name`: URIs that begin so.
    Prefix(Box<[u8]>),
    /// `~ name` and `~* name`.
    Regex(Box<Regex>),
    /// `@name`: none; it is reached by its name.
    Named(Box<[u8]>),
}

/// Why a location cannot be what it is or stand where it stands, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Something else than `=`, `^~`, `~` or `~*` in front of the name.
    #[error("invalid location modifier \"{0}\"")]
    Modifier(String),
    /// The regular expression does not compile.
    #[error(transparent)]
    Regex(#[from] RegexError),
    /// Nothing else than the URI itself is there to be divided.
    #[error("location \"{0}\" cannot be inside the exact location \"{1}\"")]
    InsideExact(String, String),
    /// A named location has no URIs to be divided.
    #[error("location \"{0}\" cannot be inside the named location \"{1}\"")]
    InsideNamed(String, String),
    /// Named locations belong to the server.
    #[error("named location \"{0}\" can be on the server level only")]
    NamedInside(String),
    /// It could never match.
    #[error("location \"{0}\" is outside location \"{1}\"")]
    Outside(String, String),
}

impl LocationMatch {
    /// Reads the arguments of `location`: a modifier and a name, or both in one.
    ///
    /// # Errors
    ///
    /// [`PlacementError::Modifier`] or [`PlacementError::Regex`].
    pub fn parse(modifier: Option<&[u8]>, name: &[u8]) -> Result<LocationMatch, PlacementError> {
        if let Some(modifier) = modifier {
            return match modifier {
                b"=" => Ok(LocationMatch::Exact(name.into())),
                b"^~" => Ok(LocationMatch::PrefixStop(name.into())),
                b"~" => LocationMatch::regex(name, false),
                b"~*" => LocationMatch::regex(name, true),
                other => Err(PlacementError::Modifier(text(other))),
            };
        }
        if let Some(name) = name.strip_prefix(b"=") {
            Ok(LocationMatch::Exact(name.into()))
        } else if let Some(name) = name.strip_prefix(b"^~") {
            Ok(LocationMatch::PrefixStop(name.into()))
        } else if let Some(pattern) = name.strip_prefix(b"~*") {
            LocationMatch::regex(pattern, true)
        } else if let Some(pattern) = name.strip_prefix(b"~") {
            LocationMatch::regex(pattern, false)
        } else if name.starts_with(b"@") {
            Ok(LocationMatch::Named(name.into()))
        } else {
            Ok(LocationMatch::Prefix(name.into()))
        }
    }

    fn regex(pattern: &[u8], caseless: bool) -> Result<LocationMatch, PlacementError> {
        Ok(LocationMatch::Regex(Box::new(Regex::compile(
            pattern, caseless,
        )?)))
    }

    /// Checks whether this location may stand directly inside `outer`.
    ///
    /// # Errors
    ///
    /// nginx's complaint if it may not.
    pub fn check_inside(&self, outer: &LocationMatch) -> Result<(), PlacementError> {
        let (inner_name, outer_name) = (text(self.name()), text(outer.name()));
        match outer {
            LocationMatch::Exact(_) => {
                return Err(PlacementError::InsideExact(inner_name, outer_name));
            }
            LocationMatch::Named(_) => {
                return Err(PlacementError::InsideNamed(inner_name, outer_name));
            }
            LocationMatch::PrefixStop(_) | LocationMatch::Prefix(_) | LocationMatch::Regex(_) => {}
        }
        match self {
            LocationMatch::Named(_) => Err(PlacementError::NamedInside(inner_name)),
            LocationMatch::Regex(_) => Ok(()),
            // Inside a regular expression nginx compares with the text of the pattern.
            _ if self.name().starts_with(outer.name()) => Ok(()),
            _ => Err(PlacementError::Outside(inner_name, outer_name)),
        }
    }

    /// The name without its modifier; the pattern of a regular expression.
    pub fn name(&self) -> &[u8] {
        match self {
            LocationMatch::Exact(name)
            | LocationMatch::PrefixStop(name)
            | LocationMatch::Prefix(name)
            | LocationMatch::Named(name) => name,
            LocationMatch::Regex(regex) => regex.source(),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Prints the location as it is written in a configuration.
impl fmt::Display for LocationMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modifier = match self {
            LocationMatch::Exact(_) => "= ",
            LocationMatch::PrefixStop(_) => "^~ ",
            LocationMatch::Prefix(_) | LocationMatch::Named(_) => "",
            LocationMatch::Regex(regex) if regex.is_caseless() => "~* ",
            LocationMatch::Regex(_) => "~ ",
        };
        write!(f, "{modifier}{}", text(self.name()))
    }
}
