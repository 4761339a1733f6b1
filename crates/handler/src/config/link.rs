//! `valid_referers` and `secure_link`.

use std::collections::HashMap;

use portunus_routing::Regex;

use super::{HostMask, Template};

/// `valid_referers`.
#[derive(Debug, Default)]
pub struct Referers {
    /// `none`: no `Referer` is fine.
    pub none: bool,
    /// `blocked`: one without a scheme is fine.
    pub blocked: bool,
    /// Host names in lower case, with what the path must begin with.
    pub hosts: HashMap<Box<[u8]>, Option<Box<[u8]>>>,
    /// Names with a wildcard: leading ones before trailing ones, the longest first.
    pub masks: Vec<(HostMask, Option<Box<[u8]>>)>,
    /// Regular expressions of `server_names`, matched against the host.
    pub host_patterns: Vec<Regex>,
    /// Regular expressions, matched against everything behind the scheme.
    pub patterns: Vec<Regex>,
}

impl Referers {
    /// Whether nothing is listed, so that everything is valid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && self.masks.is_empty()
            && self.host_patterns.is_empty()
            && self.patterns.is_empty()
    }

    /// Adds a host name, perhaps with a wildcard, and what its path must begin with.
    pub fn add_host(&mut self, name: &[u8], path: Option<Box<[u8]>>) {
        let name = name.to_ascii_lowercase();
        match HostMask::parse(&name) {
            None => drop(self.hosts.entry(name.into()).or_insert(path)),
            Some(mask) => {
                let rank = |mask: &HostMask| {
                    let trailing = matches!(mask, HostMask::Trailing(_));
                    (trailing, std::cmp::Reverse(mask.text().len()))
                };
                let at = self
                    .masks
                    .partition_point(|(known, _)| rank(known) <= rank(&mask));
                self.masks.insert(at, (mask, path));
            }
        }
    }

    /// The path that a host asks for; `None` if the host is not listed.
    pub(crate) fn host(&self, host: &[u8]) -> Option<Option<&[u8]>> {
        let masked = || {
            let mut masks = self.masks.iter();
            masks
                .find(|(mask, _)| mask.holds(host))
                .map(|(_, path)| path)
        };
        let path = self.hosts.get(host).or_else(masked)?;
        Some(path.as_deref())
    }
}

/// `secure_link` and its kin.
#[derive(Debug)]
pub enum SecureLink {
    /// `secure_link_secret`.
    Secret(Box<[u8]>),
    /// `secure_link` with `secure_link_md5`.
    Signed {
        /// The checksum, perhaps with `,` and an end of life.
        link: Template,
        /// The text that it is of.
        text: Template,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_win_over_wildcards_and_long_ones_over_short_ones() {
        let mut referers = Referers::default();
        let path = |text: &str| Some(text.as_bytes().into());
        referers.add_host(b"www.*", path("/t"));
        referers.add_host(b"*.example.com", path("/w"));
        referers.add_host(b"*.a.example.com", path("/l"));
        referers.add_host(b"WWW.example.com", None);
        assert_eq!(referers.host(b"www.example.com"), Some(None));
        assert_eq!(referers.host(b"x.a.example.com"), Some(Some(&b"/l"[..])));
        assert_eq!(referers.host(b"x.example.com"), Some(Some(&b"/w"[..])));
        assert_eq!(referers.host(b"www.org"), Some(Some(&b"/t"[..])));
        assert_eq!(referers.host(b"example.com"), None);
    }
}
