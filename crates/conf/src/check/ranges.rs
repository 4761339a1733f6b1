//! The ranges of a `geo`, kept as nginx keeps them, to tell which are there twice and which overlap.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use portunus_conf_syntax::Word;

use crate::fault::Fault;

/// By the upper half of the address.
#[derive(Default)]
pub(super) struct Ranges<'a> {
    halves: BTreeMap<u16, Vec<Part<'a>>>,
}

/// A stretch of the lower halves, both ends included.
struct Part<'a> {
    start: u16,
    end: u16,
    value: &'a Word,
}

impl<'a> Ranges<'a> {
    /// Takes in a range; gives what nginx warns of.
    ///
    /// Source: nginx, `ngx_http_geo_add_range`.
    ///
    /// # Errors
    /// If it covers an end of another one, and is not a part of it.
    pub(super) fn add(
        &mut self,
        name: &Word,
        (first, last): (Ipv4Addr, Ipv4Addr),
        value: &'a Word,
    ) -> Result<Vec<String>, Fault> {
        let mut warnings = Vec::new();
        for (high, start, end) in halves(first, last) {
            let parts = self.halves.entry(high).or_default();
            let at = parts.partition_point(|part| part.end < start);
            let part = Part { start, end, value };
            let Some(known) = parts.get_mut(at).filter(|known| known.start <= end) else {
                parts.insert(at, part);
                continue;
            };
            let (known_start, known_end, old) = (known.start, known.end, known.value);
            if start < known_start || end > known_end {
                // nginx looks from the end.
                let last = parts.iter().rfind(|part| part.start <= end);
                let (start, end) = last.map_or((0, 0), |part| (part.start, part.end));
                let name = name.message_text();
                let (first, last) = (address(high, start), address(high, end));
                return Err(Fault::new(format!(
                    "range \"{name}\" overlaps \"{first}-{last}\""
                )));
            }
            if (start, end) == (known_start, known_end) {
                let (name, value) = (name.message_text(), value.message_text());
                let old = old.message_text();
                warnings.push(format!(
                    "duplicate range \"{name}\", value: \"{value}\", old value: \"{old}\""
                ));
            }
            let before = (start > known_start).then(|| Part {
                start: known_start,
                end: start - 1,
                value: old,
            });
            let behind = (end < known_end).then(|| Part {
                start: end + 1,
                end: known_end,
                value: old,
            });
            let new = before.into_iter().chain([part]).chain(behind);
            parts.splice(at..=at, new);
        }
        Ok(warnings)
    }

    /// Takes a range out; `false` where nginx warns that it is not there.
    ///
    /// Source: nginx, `ngx_http_geo_delete_range`.
    pub(super) fn delete(&mut self, (first, last): (Ipv4Addr, Ipv4Addr)) -> bool {
        let mut found = true;
        for (high, start, end) in halves(first, last) {
            let parts = self.halves.entry(high).or_default();
            let known = parts
                .iter()
                .position(|part| (part.start, part.end) == (start, end));
            match known {
                Some(at) => drop(parts.remove(at)),
                None => found = false,
            }
        }
        found
    }
}

/// A range in pieces that have one upper half each.
fn halves(first: Ipv4Addr, last: Ipv4Addr) -> impl Iterator<Item = (u16, u16, u16)> {
    let split = |address: Ipv4Addr| {
        let [a, b, c, d] = address.octets();
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    };
    let ((first_high, first_low), (last_high, last_low)) = (split(first), split(last));
    (first_high..=last_high).map(move |high| {
        let start = if high == first_high { first_low } else { 0 };
        let end = if high == last_high {
            last_low
        } else {
            u16::MAX
        };
        (high, start, end)
    })
}

fn address(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}
