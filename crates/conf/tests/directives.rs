//! The table is consistent, covers what real sites use, and `config/DIRECTIVES.md` says what it says.
//!
//! Write the document anew with `UPDATE_DIRECTIVES=1 cargo test -p portunus-conf --test directives`.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use portunus_conf::d;
use portunus_conf::table::{
    Contexts, EVENTS, Effect, HTTP, Inherit, Kind, LIF, LMT, LOCATION, MAIN, MODULES, Row, SERVER,
    SIF, Special, UPSTREAM, foreign_module, rows_named,
};
use portunus_conf::value::{parse_msec, parse_number, parse_offset, parse_sec, parse_size};

fn rows() -> impl Iterator<Item = &'static Row> {
    MODULES
        .iter()
        .flat_map(|module| module.rows)
        .map(|id| &**id)
}

#[test]
fn names_are_unambiguous_in_every_context() {
    let mut seen: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows() {
        assert!(row.contexts != Contexts::NONE, "{}: no context", row.name);
        let same = seen.entry(row.name).or_default();
        for other in same.iter() {
            let both = row
                .contexts
                .names()
                .into_iter()
                .any(|name| other.contexts.names().contains(&name));
            assert!(!both, "{}: two rows for one context", row.name);
        }
        same.push(row);
    }
    assert!(seen.len() > 500);
}

#[test]
fn no_two_rows_have_the_same_identity() {
    let ids = MODULES.iter().flat_map(|module| module.rows);
    let mut seen = HashSet::new();
    for id in ids {
        assert!(seen.insert(*id), "{id:?}");
        assert!(matches!(*id, d::SERVER) == (*id == d::SERVER), "{id:?}");
    }
}

#[test]
fn defaults_are_values_of_their_kind() {
    for row in rows() {
        let Some(default) = row.default else { continue };
        let text = default.as_bytes();
        let first = default.split(' ').next().unwrap_or_default();
        let valid = match row.kind {
            Kind::Flag => matches!(default, "on" | "off"),
            Kind::Number => parse_number(text).is_ok(),
            Kind::NumberIn(low, high) => {
                parse_number(text).is_ok_and(|number| (low..=high).contains(&number))
            }
            Kind::Size | Kind::SizeWith(_) | Kind::ComplexSize => parse_size(text).is_ok(),
            Kind::Offset => parse_offset(text).is_ok(),
            Kind::Msec => parse_msec(text).is_ok(),
            Kind::Sec => parse_sec(text).is_ok(),
            Kind::Enumeration(words) => words.contains(&default),
            Kind::Bits(words) => default.split(' ').all(|word| words.contains(&word)),
            Kind::Buffers => parse_number(first.as_bytes()).is_ok(),
            _ => true,
        };
        assert!(valid, "{}: {default}", row.name);
    }
}

#[test]
fn rows_agree_with_themselves() {
    for row in rows() {
        assert!(
            row.summary.ends_with('.') && row.summary.len() < 100,
            "{}",
            row.name
        );
        if matches!(row.kind, Kind::Flag) {
            assert!(
                row.arity.allows(1) && !row.arity.allows(0) && !row.arity.allows(2),
                "{}",
                row.name
            );
        }
        let own_level = [MAIN, EVENTS, UPSTREAM].contains(&row.contexts);
        assert!(
            !own_level || row.inherit == Inherit::Own,
            "{}: nothing to inherit from",
            row.name
        );
        if let Effect::Refused(message) = row.effect {
            assert!(message.contains(row.name), "{}", row.name);
        }
        assert!(
            foreign_module(row.name).is_none(),
            "{} is not foreign",
            row.name
        );
    }
    assert!(matches!(d::LISTEN.kind, Kind::Special(Special::Listen)));
}

/// Names and contexts of the directives that 416 public configurations of PHP sites use.
#[test]
fn directives_of_real_sites_are_recognised_where_they_stand() {
    let contexts: HashMap<&str, Contexts> = HashMap::from([
        ("main", MAIN),
        ("events", EVENTS),
        ("http", HTTP),
        ("server", SERVER),
        ("location", LOCATION),
        ("if in server", SIF),
        ("if in location", LIF),
        ("limit_except", LMT),
        ("upstream", UPSTREAM),
    ]);
    let (mut refused, mut unrecognised) = (HashSet::new(), Vec::new());
    for line in include_str!("real_directives.tsv").lines() {
        let (name, used_in) = line.split_once('\t').expect("two columns");
        let rows = rows_named(name.as_bytes());
        if rows.is_empty() {
            assert!(foreign_module(name).is_some(), "{name} is not recognised");
            continue;
        }
        for context in used_in.split(", ") {
            let row = rows
                .iter()
                .find(|row| row.contexts.contains(contexts[context]));
            let Some(row) = row else {
                unrecognised.push(format!("{name} in {context}"));
                continue;
            };
            if matches!(row.effect, Effect::Unsupported | Effect::Refused(_)) {
                refused.insert(name);
            }
        }
    }
    assert!(unrecognised.is_empty(), "{unrecognised:?}");
    assert_eq!(refused, HashSet::new(), "what real sites use and we refuse");
}

#[test]
fn the_document_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/DIRECTIVES.md");
    let document = document();
    if env::var_os("UPDATE_DIRECTIVES").is_some() {
        fs::write(&path, &document).expect("the document can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document,
        "config/DIRECTIVES.md is out of date: UPDATE_DIRECTIVES=1 cargo test -p portunus-conf --test directives"
    );
}

const HEAD: &str = "\
# Directives

Generated from the directive table in `crates/conf/src/table`; a test keeps it true.

Every directive of nginx's core, events and HTTP modules is here, and those of Portunus itself. Where
nothing else is said a directive does what nginx's documentation says. The other effects are:

- *no effect*: it tunes a mechanism that is not there. It is read and checked, and noted once at level
  `notice` when a configuration that uses it is loaded.
- *differs*: it does what nginx's documentation says, but for the difference described.
- *refused*: a configuration that uses it does not load.

";

fn document() -> String {
    let mut text = HEAD.to_owned();
    let differing: Vec<&Row> = rows()
        .filter(|row| matches!(row.effect, Effect::Differs(_)))
        .collect();
    text.push_str("## Differences from nginx\n\n");
    for row in differing {
        if let Effect::Differs(difference) = row.effect {
            writeln!(text, "- `{}`: {difference}.", row.name).expect("writing to a string");
        }
    }
    for module in MODULES {
        write!(text, "\n## {}\n\n", module.about).expect("writing to a string");
        text.push_str(
            "| directive | contexts | default | purpose and effect |\n|---|---|---|---|\n",
        );
        for row in module.rows {
            let default = row
                .default
                .map_or_else(|| "–".to_owned(), |text| format!("`{text}`"));
            let effect = match row.effect {
                Effect::Honoured => String::new(),
                Effect::Differs(difference) => format!(" *Differs:* {difference}."),
                Effect::Accepted(reason) => format!(" *No effect:* {reason}."),
                Effect::Refused(_) | Effect::Unsupported => " *Refused.*".to_owned(),
            };
            let block = if row.arity.is_block() { " { }" } else { "" };
            writeln!(
                text,
                "| `{}{block}` | {} | {} | {}{effect} |",
                row.name,
                row.contexts.names().join(", "),
                default.replace('|', "\\|"),
                row.summary,
            )
            .expect("writing to a string");
        }
    }
    text
}
