//! Blocks with lines of their own: `map`, `geo`, `split_clients`, `charset_map`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use portunus_conf_syntax::{Directive, Word};

use super::names::{NameClash, NameSet};
use super::ranges::Ranges;
use super::{At, Checker, Outcome};
use crate::address::Network;
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::typed::{CharsetMap, Geo, GeoEntry, Map, MapKey, SplitClients};

pub(super) fn check<'a>(checker: &mut Checker<'a, '_>, at: At<'a>, special: Special) -> Outcome {
    match special {
        Special::Map => check_map(checker, at.directive),
        Special::Geo => check_geo(checker, at.directive),
        Special::SplitClients => check_split(checker, at.directive),
        Special::CharsetMap => check_charsets(checker, at.directive),
        _ => Ok(()),
    }
}

/// The lines of a block; those that open a block themselves are reported and left out.
fn lines<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Vec<&'a Directive> {
    let (blocks, lines): (Vec<_>, Vec<_>) = directive
        .children()
        .iter()
        .partition(|line| line.block.is_some());
    for block in blocks {
        checker.report(block, Fault::new("unexpected \"{\""));
    }
    lines
}

fn check_map<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let mut map = Map::parse_head(directive)?;
    let mut keys = NameSet::default();
    for line in lines(checker, directive) {
        let known = map.entries.len();
        if let Err(fault) = map.add(line) {
            checker.report(line, fault);
            continue;
        }
        let Some((MapKey::Text(key), _)) = map.entries.get(known) else {
            continue;
        };
        if let Err(clash) = keys.add(key.bytes, map.hostnames) {
            checker.report(line, clash_of(key.bytes, key.word, clash));
        }
    }
    Ok(())
}

/// nginx's words for a name that conflicts, in a map or among referers.
pub(super) fn clash_of(name: &[u8], word: &Word, clash: NameClash) -> Fault {
    let what = match clash {
        NameClash::Invalid => "invalid hostname or wildcard",
        NameClash::Taken => "conflicting parameter",
    };
    // nginx has put the name into lower case by then.
    let name = name.to_ascii_lowercase();
    Fault::new(format!("{what} \"{}\"", show(&name))).at(word)
}

fn check_geo<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let mut geo = Geo::parse_head(directive)?;
    let mut networks = Networks::default();
    let mut ranges = Ranges::default();
    for line in lines(checker, directive) {
        let known = geo.entries.len();
        let added = geo.add(line).and_then(|warning| {
            let mut more = networks.add(&geo, line);
            if let Some(entry) = geo.entries.get(known) {
                more.extend(add_range(&mut ranges, line, *entry)?);
            }
            Ok(warning.into_iter().chain(more))
        });
        match added {
            Ok(warnings) => warnings.for_each(|warning| checker.warn(line, warning)),
            Err(fault) => checker.report(line, fault),
        }
    }
    Ok(())
}

/// nginx: `ngx_http_geo_range`.
fn add_range<'a>(
    ranges: &mut Ranges<'a>,
    line: &'a Directive,
    entry: GeoEntry<'a>,
) -> Result<Vec<String>, Fault> {
    match entry {
        GeoEntry::Range(first, last, value) => ranges.add(&line.name, (first, last), value),
        GeoEntry::DeleteRange(first, last) if !ranges.delete((first, last)) => {
            let range = line.args.first().map(|word| word.message_text());
            let range = range.unwrap_or_default();
            Ok(vec![format!("no address range \"{range}\" to delete")])
        }
        _ => Ok(Vec::new()),
    }
}

/// The networks of a `geo`, to tell which are there twice (nginx: `ngx_http_geo_cidr_add`).
#[derive(Default)]
struct Networks<'a> {
    values: HashMap<(IpAddr, u8), &'a Word>,
}

impl<'a> Networks<'a> {
    /// Takes in a line that has been read; gives what nginx warns of.
    fn add(&mut self, geo: &Geo<'a>, line: &'a Directive) -> Vec<String> {
        let Some(value) = line.args.first().filter(|_| !geo.ranges) else {
            return Vec::new();
        };
        match (line.name.as_bytes(), geo.entries.last()) {
            // nginx keeps IPv4 and IPv6 apart, and so takes a default twice.
            (b"default", _) => {
                let all = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
                let twice = all
                    .into_iter()
                    .filter_map(|all| self.insert((all, 0), &line.name, value));
                twice.collect()
            }
            (b"proxy" | b"include", _) => Vec::new(),
            (b"delete", Some(GeoEntry::DeleteNetwork(network))) => {
                let known = self.values.remove(&(network.address, network.bits));
                let text = value.message_text();
                let missing = known
                    .is_none()
                    .then(|| format!("no network \"{text}\" to delete"));
                missing.into_iter().collect()
            }
            (_, Some(GeoEntry::Network(network, value))) => {
                let key = (network.address, network.bits);
                self.insert(key, &line.name, value).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn insert(&mut self, key: (IpAddr, u8), name: &Word, value: &'a Word) -> Option<String> {
        // What nginx calls the old value is that of the narrowest network around the address.
        let widths = (0..=128)
            .rev()
            .filter(|bits| key.0.is_ipv6() || *bits <= 32);
        let mut around = widths.map(|bits| Network::around(key.0, bits));
        let old = self.values.contains_key(&key).then(|| {
            let narrowest = around.find_map(|network| self.values.get(&network));
            narrowest.map(|old| old.message_text()).unwrap_or_default()
        });
        let warning = old.map(|old| {
            let (name, value) = (name.message_text(), value.message_text());
            format!("duplicate network \"{name}\", value: \"{value}\", old value: \"{old}\"")
        });
        self.values.insert(key, value);
        warning
    }
}

fn check_split<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let mut split = SplitClients::parse_head(directive)?;
    for line in lines(checker, directive) {
        if let Err(fault) = split.add(line) {
            checker.report(line, fault);
        }
    }
    if let (Err(fault), Some(block)) = (split.check_sum(), &directive.block) {
        use portunus_conf_syntax::{Diagnostic, Severity};
        let diagnostic = Diagnostic::new(Severity::Emerg, fault.message, block.close_order);
        let diagnostic = diagnostic
            .with_span(directive.name.span)
            .reported_at(block.report_at());
        checker.diagnostics.push(diagnostic);
    }
    Ok(())
}

fn check_charsets<'a>(checker: &mut Checker<'a, '_>, directive: &'a Directive) -> Outcome {
    let mut map = CharsetMap::parse_head(directive)?;
    let lower = |word: &Word| word.as_bytes().to_ascii_lowercase();
    let (from, to) = (lower(map.from), lower(map.to));
    let pair = if from < to { (from, to) } else { (to, from) };
    if checker.state.charset_maps.contains(&pair) {
        let (from, to) = (map.from.message_text(), map.to.message_text());
        let message = format!("duplicate \"charset_map\" between \"{from}\" and \"{to}\"");
        return Err(Fault::new(message));
    }
    checker.state.charset_maps.push(pair);
    for line in lines(checker, directive) {
        if let Err(fault) = map.add(line) {
            checker.report(line, fault);
        }
    }
    Ok(())
}
