//! From a host name to a server block (nginx: `ngx_http_find_virtual_server`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::{Captures, MatchError, Regex};

mod name;

pub use name::{ServerName, ServerNameError};

/// A server block, numbered by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u32);

/// The names of all servers that share one address.
///
/// In order of precedence: the exact name; the longest `*.example.com` or `.example.com`; the
/// longest `www.example.*`; the first regular expression that matches. If nothing does, the
/// caller takes the default server of the address.
#[derive(Debug, Default)]
pub struct ServerNames {
    exact: Map<ServerId>,
    /// `example.com` for `*.example.com` and `.example.com`.
    suffixes: Map<Suffix>,
    longest_suffix: usize,
    /// `www.example` for `www.example.*`.
    prefixes: Map<ServerId>,
    longest_prefix: usize,
    regexes: Vec<(Arc<Regex>, ServerId)>,
}

/// What a leading wildcard leads to.
#[derive(Clone, Copy, Debug)]
struct Suffix {
    server: ServerId,
    /// Whether it was written `.example.com`, which means `example.com` too.
    includes_itself: bool,
}

impl ServerNames {
    /// Collects the names of the servers in the order in which they are configured.
    ///
    /// Of two equal names the first counts. The others are returned, for nginx's warning
    /// `conflicting server name "…" on ADDRESS, ignored`.
    pub fn new(
        names: impl IntoIterator<Item = (ServerName, ServerId)>,
    ) -> (ServerNames, Vec<ServerName>) {
        let mut builder = Builder::default();
        let mut ignored = Vec::new();
        for (name, server) in names {
            if !builder.add(&name, server) {
                ignored.push(name);
            }
        }
        (builder.names, ignored)
    }

    /// Whether no name is known, so that the default server is all there is.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty()
            && self.suffixes.is_empty()
            && self.prefixes.is_empty()
            && self.regexes.is_empty()
    }

    /// The server that `host` names, if any. `host` is [`crate::Host::name`], or empty if the
    /// client named none.
    ///
    /// `captures` takes the groups of a regular expression that matched.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if a regular expression takes too many steps.
    pub fn find(
        &self,
        host: &[u8],
        captures: &mut Captures,
    ) -> Result<Option<ServerId>, MatchError> {
        if let Some(&server) = self.exact.get(host) {
            return Ok(Some(server));
        }
        if host.is_empty() {
            return Ok(None);
        }
        if let Some(server) = self.by_suffix(host).or_else(|| self.by_prefix(host)) {
            return Ok(Some(server));
        }
        for (regex, server) in &self.regexes {
            if regex.captures(host, captures)? {
                return Ok(Some(*server));
            }
        }
        Ok(None)
    }

    fn by_suffix(&self, host: &[u8]) -> Option<ServerId> {
        if self.suffixes.is_empty() {
            return None;
        }
        if let Some(suffix) = self.suffixes.get(host)
            && suffix.includes_itself
        {
            return Some(suffix.server);
        }
        // Nothing longer than the longest name needs a look, however many dots a client sends.
        let first = host.len().saturating_sub(self.longest_suffix + 1);
        memchr::memchr_iter(b'.', &host[first..])
            .find_map(|dot| self.suffixes.get(&host[first + dot + 1..]))
            .map(|suffix| suffix.server)
    }

    fn by_prefix(&self, host: &[u8]) -> Option<ServerId> {
        if self.prefixes.is_empty() {
            return None;
        }
        let end = host.len().min(self.longest_prefix + 1);
        memchr::memrchr_iter(b'.', &host[..end])
            .find_map(|dot| self.prefixes.get(&host[..dot]))
            .copied()
    }
}

/// Collects names and tells which are taken.
///
/// nginx checks wildcards of one kind against each other by their text alone, and `.example.com`
/// also against the exact names; so does this.
#[derive(Default)]
struct Builder {
    names: ServerNames,
    /// Exact names that `.example.com` has reserved.
    reserved: Map<()>,
}

impl Builder {
    /// Adds a name, or returns false if it is taken.
    fn add(&mut self, name: &ServerName, server: ServerId) -> bool {
        match name {
            ServerName::Exact(name) => {
                let free = !self.is_exact_taken(name);
                if free {
                    self.names.exact.insert(name.clone(), server);
                }
                free
            }
            ServerName::Suffix {
                domain,
                includes_itself,
            } => {
                if *includes_itself {
                    if self.is_exact_taken(domain) {
                        return false;
                    }
                    self.reserved.insert(domain.clone(), ());
                }
                self.names.longest_suffix = self.names.longest_suffix.max(domain.len());
                let suffix = Suffix {
                    server,
                    includes_itself: *includes_itself,
                };
                insert_new(&mut self.names.suffixes, domain, suffix)
            }
            ServerName::Prefix(prefix) => {
                self.names.longest_prefix = self.names.longest_prefix.max(prefix.len());
                insert_new(&mut self.names.prefixes, prefix, server)
            }
            ServerName::Regex(regex) => {
                self.names.regexes.push((Arc::clone(regex), server));
                true
            }
        }
    }

    fn is_exact_taken(&self, name: &[u8]) -> bool {
        self.names.exact.contains_key(name) || self.reserved.contains_key(name)
    }
}

fn insert_new<T>(map: &mut Map<T>, key: &[u8], value: T) -> bool {
    let free = !map.contains_key(key);
    if free {
        map.insert(key.into(), value);
    }
    free
}

type Map<T> = HashMap<Box<[u8]>, T, BuildHasherDefault<Fnv>>;

/// FNV-1a. Keys come from the configuration, so nobody can fill a bucket from outside.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    // The length of a slice, which the standard hasher needs and this one does not.
    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests;
