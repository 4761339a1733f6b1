//! `map` blocks.

use std::collections::HashMap;

use portunus_routing::Regex;

use super::Template;

/// One `map`: from a source value to a result.
#[derive(Debug)]
pub struct Map {
    /// The first argument.
    pub source: Template,
    /// Plain strings, in lower case.
    pub exact: HashMap<Box<[u8]>, usize>,
    /// With `hostnames`: masks, longest first.
    pub masks: Vec<(HostMask, usize)>,
    /// Regular expressions in order.
    pub patterns: Vec<MapPattern>,
    /// `default`; where absent the result is empty.
    pub default: Option<usize>,
    /// Results that the entries above number.
    pub results: Vec<Template>,
    /// `hostnames`.
    pub hostnames: bool,
    /// `volatile`.
    pub volatile: bool,
}

/// A host name with a wildcard (`map … hostnames`).
#[derive(Debug)]
pub enum HostMask {
    /// `*.example.com`: the stored text is `.example.com`.
    Leading(Box<[u8]>),
    /// `.example.com`: the name itself, too.
    Domain(Box<[u8]>),
    /// `mail.*`: the stored text is `mail.`.
    Trailing(Box<[u8]>),
}

/// One regular expression of a `map`.
#[derive(Debug)]
pub struct MapPattern {
    /// The expression.
    pub regex: Regex,
    /// Number of the result.
    pub result: usize,
}

impl HostMask {
    /// The mask that a key of the block spells, if it spells one.
    #[must_use]
    pub fn parse(key: &[u8]) -> Option<Self> {
        if let Some(domain) = key.strip_prefix(b"*.") {
            return Some(Self::Leading([b".", domain].concat().into()));
        }
        if key.first() == Some(&b'.') {
            return Some(Self::Domain(key.into()));
        }
        key.strip_suffix(b".*")
            .map(|name| Self::Trailing([name, b"."].concat().into()))
    }

    /// Whether a host name in lower case fits.
    #[must_use]
    pub fn holds(&self, name: &[u8]) -> bool {
        match self {
            Self::Leading(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
            Self::Domain(suffix) => name.ends_with(suffix) || name == &suffix[1..],
            Self::Trailing(prefix) => name.len() > prefix.len() && name.starts_with(prefix),
        }
    }

    /// The fixed part, by whose length masks are ranked.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Leading(text) | Self::Domain(text) | Self::Trailing(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_fit_whole_labels() {
        let leading = HostMask::parse(b"*.example.com").unwrap();
        assert!(leading.holds(b"a.example.com") && !leading.holds(b"example.com"));
        let domain = HostMask::parse(b".example.com").unwrap();
        assert!(domain.holds(b"example.com") && domain.holds(b"a.example.com"));
        assert!(!domain.holds(b"badexample.com"));
        let trailing = HostMask::parse(b"mail.*").unwrap();
        assert!(trailing.holds(b"mail.example.org") && !trailing.holds(b"mail."));
        assert!(HostMask::parse(b"plain").is_none());
    }
}
