//! `map` blocks.

use std::collections::HashMap;

use portunus_conf::{Directive, Scope, Word, d};
use portunus_handler::{HostMask, Map, MapPattern, Template};

use super::Builder;

impl Builder<'_> {
    pub(super) fn maps(&mut self, http: Scope<'_>) {
        for directive in http.own(d::MAP) {
            let map = self.map(directive);
            self.maps.push(map);
        }
    }

    fn map(&mut self, directive: &Directive) -> Map {
        let source = directive
            .args
            .first()
            .map(|word| self.template(directive, word));
        let mut map = Map {
            source: source.unwrap_or_else(|| Template::literal(&b""[..])),
            exact: HashMap::new(),
            masks: Vec::new(),
            patterns: Vec::new(),
            default: None,
            results: Vec::new(),
            hostnames: false,
            volatile: false,
        };
        for line in directive.children() {
            match (line.name.as_bytes(), line.args.first()) {
                (b"hostnames", None) => map.hostnames = true,
                (b"volatile", None) => map.volatile = true,
                (_, Some(value)) => self.map_line(&mut map, line, value),
                _ => {}
            }
        }
        // Longest masks win.
        map.masks
            .sort_by_key(|(mask, _)| std::cmp::Reverse(mask.text().len()));
        map
    }

    fn map_line(&mut self, map: &mut Map, line: &Directive, value: &Word) {
        let result = map.results.len();
        let key = &line.name;
        let text = key.as_bytes();
        let value = self.template(line, value);
        map.results.push(value);
        if text == b"default" && !key.quoted {
            map.default = Some(result);
        } else if let Some(pattern) = text.strip_prefix(b"~*") {
            self.map_pattern(map, line, pattern, true, result);
        } else if let Some(pattern) = text.strip_prefix(b"~") {
            self.map_pattern(map, line, pattern, false, result);
        } else {
            // A backslash takes the meaning from a key's first byte.
            let text = text
                .strip_prefix(b"\\")
                .unwrap_or(text)
                .to_ascii_lowercase();
            match map.hostnames.then(|| HostMask::parse(&text)).flatten() {
                Some(mask) => map.masks.push((mask, result)),
                None => drop(map.exact.insert(text.into(), result)),
            }
        }
    }

    fn map_pattern(
        &mut self,
        map: &mut Map,
        line: &Directive,
        pattern: &[u8],
        caseless: bool,
        result: usize,
    ) {
        if let Some(regex) = self.regex(line, &line.name, pattern, caseless) {
            map.patterns.push(MapPattern { regex, result });
        }
    }
}
