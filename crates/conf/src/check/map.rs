//! Blocks with lines of their own: `map`, `geo`, `split_clients`, `charset_map`.

use portunus_conf_syntax::{Directive, Word};

use super::names::{NameClash, NameSet};
use super::{At, Checker, Outcome};
use crate::fault::{Fault, show};
use crate::table::Special;
use crate::typed::{CharsetMap, Geo, Map, MapKey, SplitClients};

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
    for line in lines(checker, directive) {
        match geo.add(line) {
            Ok(Some(warning)) => {
                // nginx keeps IPv4 and IPv6 apart, and so warns of a default twice.
                if line.name == "default" && !geo.ranges {
                    checker.warn(line, warning.clone());
                }
                checker.warn(line, warning);
            }
            Ok(None) => {}
            Err(fault) => checker.report(line, fault),
        }
    }
    Ok(())
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
