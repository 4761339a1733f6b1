//! The slow and obvious way to a location, for property tests and fuzzing.

use super::{Found, Location, LocationId, LocationMatch};

/// Looks at every location of one level, as nginx's documentation tells it; those inside do not count.
pub fn find(locations: &[Location], uri: &[u8]) -> Found {
    let is_exact = |location: &&Location| matches!(location.matcher, LocationMatch::Exact(_));
    let is_prefix = |location: &&Location| {
        matches!(
            location.matcher,
            LocationMatch::Prefix(_) | LocationMatch::PrefixStop(_)
        )
    };
    let found = |location: Option<&Location>| Found {
        location: location.map(|location| location.id),
        redirect_to_slash: false,
    };
    let named = |name: &[u8], kind: &dyn Fn(&&Location) -> bool| {
        locations
            .iter()
            .filter(kind)
            .find(|location| location.matcher.name() == name)
    };
    if let Some(exact) = named(uri, &is_exact) {
        return found(Some(exact));
    }
    let begins = |location: &&Location| uri.starts_with(location.matcher.name());
    let longest = locations.iter().filter(is_prefix).filter(begins);
    let longest = longest.max_by_key(|location| location.matcher.name().len());
    let with_slash = [uri, b"/"].concat();
    let slashed = [
        named(&with_slash, &is_exact),
        named(&with_slash, &is_prefix),
    ];
    if slashed
        .iter()
        .flatten()
        .any(|location| location.redirects_to_slash)
        && longest.is_none_or(|longest| longest.matcher.name() != uri)
    {
        let target = slashed.into_iter().flatten().next();
        return Found {
            redirect_to_slash: true,
            ..found(target)
        };
    }
    if longest.is_some_and(|longest| matches!(longest.matcher, LocationMatch::PrefixStop(_))) {
        return found(longest);
    }
    let matches = |location: &&Location| match &location.matcher {
        LocationMatch::Regex(regex) => regex.is_match(uri).unwrap_or(false),
        _ => false,
    };
    found(locations.iter().find(matches).or(longest))
}

/// Makes a location of every line, as `=/a` and `^~/a`; a tab behind it says that it redirects to
/// its slash. Regular expressions are left out: they would fuzz PCRE.
pub fn read(lines: &[u8]) -> Vec<Location> {
    let lines = lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.starts_with(b"~"));
    let location = |(id, line): (u32, &[u8])| {
        let name = line.strip_suffix(b"\t").unwrap_or(line);
        Some(Location {
            id: LocationId(id),
            matcher: LocationMatch::parse(None, name).ok()?,
            redirects_to_slash: name.len() < line.len(),
            inner: Vec::new(),
        })
    };
    (0..).zip(lines).filter_map(location).collect()
}
