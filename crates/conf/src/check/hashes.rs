//! The sizes of nginx's hash tables. Nothing here has one, but a configuration that nginx refuses for them is refused
//! in its words, so that `-t` says the same of it.
//!
//! Source: nginx, `ngx_hash_init`.

use portunus_conf_syntax::{Diagnostic, Severity};

use super::Checker;
use crate::d;
use crate::scope::Scope;
use crate::table::DirectiveId;
use crate::typed::{Map, MapKey, TypeMap};

/// What nginx rounds the sizes of buckets up to.
const CACHE_LINE: u64 = 64;
/// A pointer.
const WORD: u64 = 8;

/// A kind of table and what sizes it.
struct Table {
    name: &'static str,
    max_size: DirectiveId,
    bucket_size: DirectiveId,
}

const TYPES: Table = Table {
    name: "types_hash",
    max_size: d::TYPES_HASH_MAX_SIZE,
    bucket_size: d::TYPES_HASH_BUCKET_SIZE,
};
const VARIABLES: Table = Table {
    name: "variables_hash",
    max_size: d::VARIABLES_HASH_MAX_SIZE,
    bucket_size: d::VARIABLES_HASH_BUCKET_SIZE,
};
const MAPS: Table = Table {
    name: "map_hash",
    max_size: d::MAP_HASH_MAX_SIZE,
    bucket_size: d::MAP_HASH_BUCKET_SIZE,
};

/// Looks at the tables that nginx builds while it reads and merges an `http` block.
pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, http: Scope<'a>) {
    for directive in http.own(d::MAP) {
        let Ok(map) = Map::parse(directive) else {
            continue;
        };
        let exact = map.entries.iter().filter_map(|(key, _)| match key {
            MapKey::Text(key) if !(map.hostnames && has_wildcard(key.bytes)) => Some(key.bytes),
            _ => None,
        });
        let longest = exact.map(<[u8]>::len).max();
        if let Some(message) = longest.and_then(|longest| fault(&MAPS, http, longest)) {
            let mut diagnostic = Diagnostic::on(directive, Severity::Emerg, message);
            diagnostic.report_at = None;
            checker.diagnostics.push(diagnostic);
        }
    }
    report(checker, http, types(http));
}

/// The same of the table of variables, which is built last.
pub(super) fn check_variables(checker: &mut Checker<'_, '_>, http: Scope<'_>) {
    // Names of nginx's own variables are among them.
    let longest = "upstream_cache_last_modified".len();
    report(checker, http, fault(&VARIABLES, http, longest));
}

/// nginx names neither file nor line.
fn report(checker: &mut Checker<'_, '_>, http: Scope<'_>, message: Option<String>) {
    let diagnostic = message.map(|text| Diagnostic::new(Severity::Emerg, text, http.end().1));
    checker.diagnostics.extend(diagnostic);
}

/// The first level whose table of types cannot be built.
fn types(scope: Scope<'_>) -> Option<String> {
    let set_here = [d::TYPES, TYPES.max_size, TYPES.bucket_size]
        .iter()
        .any(|id| scope.set_here(*id));
    let own = || {
        let types = TypeMap::of(scope);
        let longest = types.iter().map(|(extension, _)| extension.len()).max();
        longest.and_then(|longest| fault(&TYPES, scope, longest))
    };
    let here = if set_here { own() } else { None };
    here.or_else(|| {
        scope
            .directives()
            .filter_map(|(.., inner)| inner)
            .find_map(types)
    })
}

/// nginx's complaint about a table with a key of that length.
fn fault(table: &Table, scope: Scope<'_>, longest: usize) -> Option<String> {
    let Table {
        name,
        max_size,
        bucket_size,
    } = table;
    if scope.number(*max_size) == Some(0) {
        return Some(format!(
            "could not build {name}, you should increase {name}_max_size: 0"
        ));
    }
    let size = scope.number(*bucket_size).unwrap_or(CACHE_LINE);
    let size = size.checked_next_multiple_of(CACHE_LINE)?;
    if size > 65536 - CACHE_LINE {
        return Some(format!(
            "could not build {name}, too large {name}_bucket_size: {size}"
        ));
    }
    let element = WORD + (longest as u64 + 2).next_multiple_of(WORD);
    (size < element + WORD)
        .then(|| format!("could not build {name}, you should increase {name}_bucket_size: {size}"))
}

fn has_wildcard(name: &[u8]) -> bool {
    name.contains(&b'*') || name.first() == Some(&b'.')
}
