//! Nothing is parsed and forgotten: a directive that the table says we honour is read somewhere in
//! this crate.

use std::fs;
use std::path::Path;

use portunus_conf::table::{Effect, MODULES, Row};

/// Rows that are honoured although no code here asks for their value.
const BY_STRUCTURE: &[(&str, &str)] = &[
    ("events", "the block is entered by portunus-conf"),
    ("http", "the block is entered by portunus-conf"),
    ("include", "portunus-conf-syntax puts the files in place"),
    (
        "types",
        "portunus-conf reads all blocks of a level into one map",
    ),
];

fn sources(folder: &Path, text: &mut String) {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&fs::read_to_string(&path).expect("the file can be read"));
        }
    }
}

/// Whether `d::NAME` stands somewhere.
fn is_read(row: &Row, text: &str) -> bool {
    let name = row.name.to_ascii_uppercase();
    let stands = |constant: &str| {
        text.match_indices(constant).any(|(at, _)| {
            let next = text[at + constant.len()..].chars().next();
            next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        })
    };
    stands(&format!("d::{name}")) || stands(&format!("d::UPSTREAM_{name}"))
}

#[test]
fn what_is_honoured_is_read() {
    let mut text = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder, &mut text);
    let mut forgotten = Vec::new();
    for row in MODULES.iter().flat_map(|module| module.rows) {
        let honoured = matches!(row.effect, Effect::Honoured | Effect::Differs(_));
        let excused = BY_STRUCTURE.iter().any(|(name, _)| *name == row.name);
        if honoured && !excused && !is_read(row, &text) {
            forgotten.push(row.name);
        }
    }
    assert!(
        forgotten.is_empty(),
        "honoured, says the table, but read by nobody: {forgotten:?}"
    );
}

#[test]
fn what_is_read_is_not_refused() {
    let mut text = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder, &mut text);
    let rows = MODULES.iter().flat_map(|module| module.rows);
    let refused = rows.filter(|row| matches!(row.effect, Effect::Unsupported));
    let read: Vec<_> = refused.filter(|row| is_read(row, &text)).collect();
    assert!(
        read.is_empty(),
        "read, but the table refuses them: {read:?}"
    );
}
