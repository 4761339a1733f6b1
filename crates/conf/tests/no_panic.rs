//! No input makes loading panic.

use std::path::Path;

use portunus_conf::table::MODULES;
use portunus_conf::{Config, LoadOptions, MemoryLoader};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

fn load(text: Vec<u8>) {
    let files = MemoryLoader::from([(b"/c".to_vec(), text)]);
    let loaded = Config::load_with(Path::new("/c"), &LoadOptions::default(), &files);
    assert_eq!(
        loaded.diagnostics.is_empty(),
        loaded.diagnostics.render(&loaded.sources).is_empty()
    );
    if let Some(config) = loaded.config {
        assert!(config.notices().len() < 1000);
    }
}

/// Words that mean something to some directive, and some that do not.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "on",
        "off",
        "auto",
        "0",
        "1",
        "8k",
        "10m",
        "1h30m",
        "5ms",
        "\"\"",
        "=",
        "=404",
        "~",
        "~*",
        "^~",
        "@a",
        "/",
        "/a",
        "/a/b",
        "$uri",
        "\"${a\"",
        "\"$\"",
        "($a",
        "($a)",
        "=",
        "!~",
        "-f",
        "b)",
        ")",
        "any",
        "all",
        "default",
        "unix:",
        "unix:/a",
        "[::1]:80",
        "[",
        "127.0.0.1:80",
        "10.0.0.0/8",
        "*.a.b",
        ".a",
        "a.*",
        "zone=a:1m",
        "zone=a",
        "rate=1r/s",
        "rate=r",
        "max=1",
        "levels=1:2",
        "keys_zone=k:1m",
        "http://a/b",
        "https://",
        "weight=2",
        "syslog:server=a,tag=",
        "shared:a:1m",
        "if=$a",
        "buffer=1k",
        "gzip=",
        "combined",
        "modified",
        "@1h",
        "-1",
        "epoch",
    ]);
    prop_oneof![
        6 => known.prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ]
}

/// A directive of the table with words that need not fit; a block holds more of them.
fn directive() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&'static str> = MODULES
        .iter()
        .flat_map(|module| module.rows)
        .map(|row| row.name)
        .collect();
    let blocks = select(vec![
        "http",
        "server",
        "location",
        "if",
        "upstream",
        "map",
        "geo",
        "types",
        "split_clients",
        "charset_map",
        "limit_except",
        "events",
    ]);
    let words = || vec(word(), 0..4);
    let line = |name: &'static str, words: Vec<Vec<u8>>, end: &[u8]| {
        let words: Vec<Vec<u8>> = std::iter::once(name.as_bytes().to_vec())
            .chain(words)
            .collect();
        [words.join(&b' '), end.to_vec()].concat()
    };
    let leaf = (select(names), words()).prop_map(move |(name, words)| line(name, words, b";\n"));
    let entry = words().prop_map(|words| [words.join(&b' '), b";\n".to_vec()].concat());
    let leaf = prop_oneof![4 => leaf, 1 => entry, 1 => Just(b"location / { }\n".to_vec())];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        (blocks.clone(), words(), vec(inner, 0..6)).prop_map(move |(name, words, inner)| {
            [line(name, words, b" {\n"), inner.concat(), b"}\n".to_vec()].concat()
        })
    })
}

proptest! {
    #[test]
    fn bytes(text in vec(any::<u8>(), 0..300)) {
        load(text);
    }

    #[test]
    fn directives(lines in vec(directive(), 0..8)) {
        load(lines.concat());
    }

    #[test]
    fn servers(lines in vec(directive(), 0..8)) {
        let lines = lines.concat();
        let head = b"events {}\nhttp {\nserver {\nlisten 80;\n".to_vec();
        load([head, lines.clone(), b"location / {\n".to_vec(), lines, b"}}}\n".to_vec()].concat());
    }
}
