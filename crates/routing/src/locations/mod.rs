//! From a URI to a location (nginx: `ngx_http_core_find_location`).

use std::fmt;

use portunus_uri_path::{Escape, escaped};

use crate::{Captures, MatchError};

mod level;
mod matcher;
#[cfg(any(test, fuzzing, feature = "model"))]
pub mod model;

use level::{Level, Static};
pub use matcher::{LocationMatch, PlacementError};

/// A location block or an implicit one of `if`, numbered by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocationId(pub u32);

/// A location as it is configured, with those inside it.
#[derive(Debug)]
pub struct Location {
    /// The caller's number for it.
    pub id: LocationId,
    /// What URIs it takes.
    pub matcher: LocationMatch,
    /// Whether its handler passes requests on (`proxy_pass`, `fastcgi_pass` and the like), so that
    /// `/name` is redirected to `/name/` if the location is `/name/`.
    pub redirects_to_slash: bool,
    /// The locations inside it, in the order of the configuration. Inside a regular expression only other ones are
    /// ever found.
    pub inner: Vec<Location>,
}

/// A fault between locations of one level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Two of a kind with the same name; nginx adds ` in FILE:LINE` of the second.
    #[error("duplicate location \"{name}\"")]
    Duplicate {
        /// The name.
        name: String,
        /// The second of them.
        second: LocationId,
    },
}

/// Where a URI leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The location whose configuration counts; none means that of the server.
    pub location: Option<LocationId>,
    /// Whether the answer is a redirect (301) to [`Locations::redirect_path`] of the location.
    pub redirect_to_slash: bool,
}

/// All locations of one server, ready for look-up.
#[derive(Debug, Default)]
pub struct Locations {
    levels: Vec<Level>,
    /// Sorted by name, for look-up by name.
    named: Vec<(Box<[u8]>, LocationId)>,
    /// Escaped names of locations that are redirected to.
    redirect_paths: Vec<(LocationId, Box<[u8]>)>,
}

impl Locations {
    /// Arranges the locations of one server for look-up.
    ///
    /// # Errors
    ///
    /// All duplicates. Whether locations may stand inside each other is for
    /// [`LocationMatch::check_inside`] to say, while they are read.
    pub fn new(locations: Vec<Location>) -> Result<Locations, Vec<LocationError>> {
        let mut arranged = Locations::default();
        let mut errors = Vec::new();
        arranged.add_level(locations, &mut errors);
        if errors.is_empty() {
            Ok(arranged)
        } else {
            Err(errors)
        }
    }

    /// Finds the location for a normalised URI.
    ///
    /// An exact name wins at once. Otherwise the longest prefix is remembered and the locations
    /// inside it are searched, then the regular expressions inside it in their order, then those
    /// around it, unless the prefix forbids them (`^~`). `captures` takes the groups of the
    /// regular expressions that matched.
    ///
    /// # Errors
    ///
    /// [`MatchError`] if a regular expression takes too many steps.
    pub fn find(&self, uri: &[u8], captures: &mut Captures) -> Result<Found, MatchError> {
        let mut found = Found::default();
        if !self.levels.is_empty() {
            self.find_in(0, uri, captures, &mut found)?;
        }
        Ok(found)
    }

    /// The named location `name`, which begins with `@`.
    pub fn named(&self, name: &[u8]) -> Option<LocationId> {
        let at = self
            .named
            .binary_search_by(|(known, _)| (**known).cmp(name))
            .ok()?;
        Some(self.named[at].1)
    }

    /// The path of the slash redirect to `location`, escaped; the caller appends the arguments.
    pub fn redirect_path(&self, location: LocationId) -> Option<&[u8]> {
        let known = self.redirect_paths.iter().find(|(id, _)| *id == location);
        known.map(|(_, path)| &**path)
    }

    /// Searches one level and those below it; returns whether the search is over.
    fn find_in(
        &self,
        level: usize,
        uri: &[u8],
        captures: &mut Captures,
        found: &mut Found,
    ) -> Result<bool, MatchError> {
        let level = &self.levels[level];
        let mut may_match_regexes = true;
        match level.find_static(uri) {
            Static::Nothing => {}
            Static::Exact(location) => {
                found.location = Some(location);
                return Ok(true);
            }
            Static::Redirect(location) => {
                *found = Found {
                    location: Some(location),
                    redirect_to_slash: true,
                };
                return Ok(true);
            }
            Static::Prefix(prefix) => {
                found.location = Some(prefix.location);
                may_match_regexes = !prefix.stops_regexes;
                if let Some(inner) = prefix.inner
                    && self.find_in(inner, uri, captures, found)?
                {
                    return Ok(true);
                }
            }
        }
        if may_match_regexes {
            for candidate in &level.regexes {
                if candidate.regex.captures(uri, captures)? {
                    found.location = Some(candidate.location);
                    if let Some(inner) = candidate.inner {
                        self.find_in(inner, uri, captures, found)?;
                    }
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Adds the locations of one level and those below it; returns its number.
    fn add_level(
        &mut self,
        locations: Vec<Location>,
        errors: &mut Vec<LocationError>,
    ) -> Option<usize> {
        if locations.is_empty() {
            return None;
        }
        let at = self.levels.len();
        self.levels.push(Level::default());
        let mut level = level::Builder::default();
        for location in locations {
            let Location {
                id,
                matcher,
                redirects_to_slash,
                inner,
            } = location;
            match matcher {
                LocationMatch::Named(name) => self.named.push((name, id)),
                LocationMatch::Regex(regex) => {
                    // nginx builds no tree of names there (`ngx_http_init_static_location_trees`).
                    let is_regex =
                        |inner: &Location| matches!(inner.matcher, LocationMatch::Regex(_));
                    let inner = inner.into_iter().filter(is_regex).collect();
                    let inner = self.add_level(inner, errors);
                    level.add_regex(*regex, id, inner);
                }
                matcher => {
                    let inner = self.add_level(inner, errors);
                    let slashed = matcher.name().ends_with(b"/");
                    let redirects = redirects_to_slash && slashed;
                    // The one that is redirected to may be another of the same name.
                    if slashed {
                        self.redirect_paths
                            .push((id, escaped(Escape::Uri, matcher.name()).into()));
                    }
                    level.add_static(&matcher, id, redirects, inner, errors);
                }
            }
        }
        // A stable sort: of named locations with the same name the first one counts.
        self.named.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.named.dedup_by(|later, first| later.0 == first.0);
        self.levels[at] = level.finish();
        Some(at)
    }
}

/// Prints what `explain` says of the decision.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.location, self.redirect_to_slash) {
            (None, _) => f.write_str("no location"),
            (Some(LocationId(id)), false) => write!(f, "location #{id}"),
            (Some(LocationId(id)), true) => write!(f, "redirect to the slash of location #{id}"),
        }
    }
}

#[cfg(test)]
mod tests;
