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
const PROXY_HEADERS: Table = Table {
    name: "proxy_headers_hash",
    max_size: d::PROXY_HEADERS_HASH_MAX_SIZE,
    bucket_size: d::PROXY_HEADERS_HASH_BUCKET_SIZE,
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
    let types = Contents {
        table: &TYPES,
        source: d::TYPES,
        longest: longest_extension,
    };
    let headers = Contents {
        table: &PROXY_HEADERS,
        source: d::PROXY_SET_HEADER,
        longest: longest_header,
    };
    for contents in [types, headers] {
        report(checker, http, inherited(&contents, http));
    }
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

/// What a level puts into a table, if it has lines of its own for it.
struct Contents<'t> {
    table: &'t Table,
    /// The directive whose lines of the nearest level count.
    source: DirectiveId,
    /// The length of the longest key of a level.
    longest: fn(Scope<'_>) -> Option<usize>,
}

/// The first level whose table cannot be built. One is built for each server that does not have that of the `http`
/// block, and below a server for each level with lines of its own.
fn inherited(contents: &Contents<'_>, http: Scope<'_>) -> Option<String> {
    let Contents {
        table,
        source,
        longest,
    } = contents;
    let of_http = http.set_here(*source);
    let mut first = true;
    for (row, _, block) in http.directives() {
        let Some(server) = block.filter(|_| row == d::SERVER) else {
            continue;
        };
        // nginx: that of the `http` block has the sizes of the first server.
        let sized = std::mem::take(&mut first) || !of_http || server.set_here(*source);
        let own = || fault(table, server, longest(server)?);
        let here = if sized { own() } else { None };
        let found = here.or_else(|| below(contents, server));
        if found.is_some() {
            return found;
        }
    }
    None
}

fn below(contents: &Contents<'_>, level: Scope<'_>) -> Option<String> {
    let mut blocks = level.directives().filter_map(|(.., inner)| inner);
    blocks.find_map(|inner| {
        let own = || fault(contents.table, inner, (contents.longest)(inner)?);
        let here = if inner.set_here(contents.source) {
            own()
        } else {
            None
        };
        here.or_else(|| below(contents, inner))
    })
}

fn longest_extension(scope: Scope<'_>) -> Option<usize> {
    let types = TypeMap::of(scope);
    types.iter().map(|(extension, _)| extension.len()).max()
}

fn longest_header(scope: Scope<'_>) -> Option<usize> {
    let directives = scope.all(d::PROXY_SET_HEADER).into_iter();
    let names = directives.filter_map(|directive| directive.args.first());
    let set = names.map(|name| name.as_bytes().len()).max();
    // Of those that nginx always puts in.
    set.max(Some("Transfer-Encoding".len()))
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
