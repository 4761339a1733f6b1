//! Values of `map` variables.
//!
//! Source: nginx, ngx_http_map_module, `ngx_http_map_find`.

use std::rc::Rc;

use super::expand::put;
use crate::config::Map;
use crate::context::Context;

impl Context {
    /// `$variable` of a `map`: looked up once a request, unless the map is `volatile`.
    pub(super) fn append_map(&mut self, number: usize, out: &mut Vec<u8>) -> bool {
        if let Some(known) = self.known_value(number) {
            return put(out, known);
        }
        let site = Rc::clone(&self.site);
        let map = &site.maps[number];
        let value = self.map_result(map);
        out.extend_from_slice(&value);
        if !map.volatile {
            self.keep_value(number, value.into());
        }
        true
    }

    /// What a `map`, `geo` or `split_clients` has given before, by number: maps first, then the
    /// others.
    pub(super) fn known_value(&self, number: usize) -> Option<&[u8]> {
        self.map_values.get(number)?.as_deref()
    }

    pub(super) fn keep_value(&mut self, number: usize, value: Box<[u8]>) {
        if self.map_values.is_empty() {
            let all = self.site.maps.len() + self.site.geos.len() + self.site.splits.len();
            self.map_values.resize(all, None);
        }
        self.map_values[number] = Some(value);
    }

    fn map_result(&mut self, map: &Map) -> Vec<u8> {
        let source = self.expand(&map.source);
        let Some(result) = self.find_in_map(map, &source).or(map.default) else {
            return Vec::new();
        };
        map.results
            .get(result)
            .map(|template| self.expand(template))
            .unwrap_or_default()
    }

    fn find_in_map(&mut self, map: &Map, source: &[u8]) -> Option<usize> {
        let lower = source.to_ascii_lowercase();
        let key = if map.hostnames {
            lower.strip_suffix(b".").unwrap_or(&lower)
        } else {
            &lower
        };
        if let Some(result) = map.exact.get(key) {
            return Some(*result);
        }
        if let Some((_, result)) = map.masks.iter().find(|(mask, _)| mask.holds(key)) {
            return Some(*result);
        }
        for pattern in &map.patterns {
            match pattern.regex.captures(source, &mut self.captures) {
                Ok(true) => {
                    self.store_named_captures();
                    return Some(pattern.result);
                }
                Ok(false) => {}
                Err(error) => self.log_match(&error),
            }
        }
        None
    }
}
