//! The locations of one level: sorted names and regular expressions in their order
//! (nginx: `ngx_http_core_find_static_location`).

use super::{LocationError, LocationId, LocationMatch};
use crate::Regex;

/// The locations directly inside a server or a location.
///
/// The names stand sorted in one run of bytes. The longest name that is a prefix of a URI is then
/// the last name that is not greater than the URI, or one of the names that begin that name, which
/// each node links to: a binary search and a short walk.
#[derive(Debug, Default)]
pub(super) struct Level {
    nodes: Vec<Node>,
    names: Vec<u8>,
    /// Nodes that `/name` is redirected to from `/nam`, that is, without the slash; sorted.
    redirects: Vec<usize>,
    pub(super) regexes: Vec<RegexLocation>,
}

#[derive(Debug)]
struct Node {
    /// Where in the names its name ends; it starts where the one before ends.
    end: usize,
    exact: Option<LocationId>,
    prefix: Option<PrefixLocation>,
    /// The longest shorter name that begins this one and is a prefix location.
    shorter: Option<usize>,
}

/// A location that takes all URIs which begin with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PrefixLocation {
    pub(super) location: LocationId,
    pub(super) stops_regexes: bool,
    /// The level inside it.
    pub(super) inner: Option<usize>,
}

#[derive(Debug)]
pub(super) struct RegexLocation {
    pub(super) regex: Regex,
    pub(super) location: LocationId,
    pub(super) inner: Option<usize>,
}

/// What the names of a level say of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Static {
    Nothing,
    Exact(LocationId),
    /// The URI lacks but the slash at the end of this one.
    Redirect(LocationId),
    Prefix(PrefixLocation),
}

impl Level {
    pub(super) fn find_static(&self, uri: &[u8]) -> Static {
        let not_greater = self.position(uri);
        let mut candidate = not_greater.checked_sub(1);
        if let Some(at) = candidate
            && self.name(at) == uri
        {
            let node = &self.nodes[at];
            if let Some(location) = node.exact {
                return Static::Exact(location);
            }
            // nginx: a prefix location of exactly this name comes before a redirect.
            if let Some(prefix) = node.prefix {
                return Static::Prefix(prefix);
            }
        }
        if let Some(location) = self.redirect_for(uri) {
            return Static::Redirect(location);
        }
        while let Some(at) = candidate {
            let node = &self.nodes[at];
            if let Some(prefix) = node.prefix
                && uri.starts_with(self.name(at))
            {
                return Static::Prefix(prefix);
            }
            candidate = node.shorter;
        }
        Static::Nothing
    }

    /// How many names are not greater than `uri`.
    fn position(&self, uri: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.nodes.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.name(middle) <= uri {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn redirect_for(&self, uri: &[u8]) -> Option<LocationId> {
        let found = self.redirects.binary_search_by(|&node| {
            let name = self.name(node);
            name[..name.len() - 1].cmp(uri)
        });
        let node = &self.nodes[self.redirects[found.ok()?]];
        node.exact.or(node.prefix.map(|prefix| prefix.location))
    }

    fn name(&self, node: usize) -> &[u8] {
        let start = node
            .checked_sub(1)
            .map_or(0, |before| self.nodes[before].end);
        &self.names[start..self.nodes[node].end]
    }
}

/// Collects the locations of a level.
#[derive(Default)]
pub(super) struct Builder {
    statics: Vec<StaticLocation>,
    regexes: Vec<RegexLocation>,
}

/// All that one name stands for.
struct StaticLocation {
    name: Box<[u8]>,
    exact: Option<LocationId>,
    prefix: Option<PrefixLocation>,
    redirects: bool,
}

impl Builder {
    pub(super) fn add_regex(&mut self, regex: Regex, location: LocationId, inner: Option<usize>) {
        self.regexes.push(RegexLocation {
            regex,
            location,
            inner,
        });
    }

    pub(super) fn add_static(
        &mut self,
        matcher: &LocationMatch,
        location: LocationId,
        redirects: bool,
        inner: Option<usize>,
        errors: &mut Vec<LocationError>,
    ) {
        let name = matcher.name();
        let at = match self
            .statics
            .binary_search_by(|known| (*known.name).cmp(name))
        {
            Ok(at) => at,
            Err(at) => {
                let name = name.into();
                let new = StaticLocation {
                    name,
                    exact: None,
                    prefix: None,
                    redirects: false,
                };
                self.statics.insert(at, new);
                at
            }
        };
        let known = &mut self.statics[at];
        let is_taken = if matches!(matcher, LocationMatch::Exact(_)) {
            known.exact.replace(location).is_some()
        } else {
            let stops_regexes = matches!(matcher, LocationMatch::PrefixStop(_));
            known
                .prefix
                .replace(PrefixLocation {
                    location,
                    stops_regexes,
                    inner,
                })
                .is_some()
        };
        known.redirects |= redirects;
        if is_taken {
            let name = String::from_utf8_lossy(name).into_owned();
            errors.push(LocationError::Duplicate {
                name,
                second: location,
            });
        }
    }

    pub(super) fn finish(self) -> Level {
        let mut level = Level {
            regexes: self.regexes,
            ..Level::default()
        };
        // Prefix locations whose names begin the name at hand, the longest last.
        let mut open: Vec<usize> = Vec::new();
        for (at, known) in self.statics.into_iter().enumerate() {
            while open
                .last()
                .is_some_and(|&node| !known.name.starts_with(level.name(node)))
            {
                open.pop();
            }
            level.names.extend_from_slice(&known.name);
            level.nodes.push(Node {
                end: level.names.len(),
                exact: known.exact,
                prefix: known.prefix,
                shorter: open.last().copied(),
            });
            if known.prefix.is_some() {
                open.push(at);
            }
            if known.redirects {
                level.redirects.push(at);
            }
        }
        let (nodes, names) = (&level.nodes, &level.names);
        let stem = |at: &usize| {
            let start = at.checked_sub(1).map_or(0, |before| nodes[before].end);
            &names[start..nodes[*at].end - 1]
        };
        level.redirects.sort_by(|a, b| stem(a).cmp(stem(b)));
        level
    }
}
