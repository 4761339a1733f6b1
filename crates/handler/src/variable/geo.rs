//! Values of `geo` and `split_clients`.
//!
//! Source: nginx, `ngx_http_geo_cidr_variable`, `ngx_http_geo_range_variable`,
//! `ngx_http_split_clients_variable`.

use std::net::IpAddr;
use std::rc::Rc;

use super::expand::put;
use crate::config::Geo;
use crate::context::Context;
use crate::engine::real_ip;

impl Context {
    /// `$variable` of a `geo`.
    pub(super) fn append_geo(&mut self, number: usize, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let geo = &site.geos[number];
        let at = site.maps.len() + number;
        if let Some(known) = self.known_value(at) {
            return put(out, known);
        }
        let address = self.geo_address(geo);
        let found = geo.table.find(address).or(geo.default);
        let value: &[u8] = found.map_or(b"", |found| &geo.values[found]);
        if !geo.volatile {
            self.keep_value(at, value.into());
        }
        put(out, value)
    }

    fn geo_address(&mut self, geo: &Geo) -> Option<IpAddr> {
        let address = match &geo.source {
            None => self.client.address,
            Some(source) => {
                let mut text = Vec::new();
                self.append_value(source, &mut text);
                std::str::from_utf8(&text).ok()?.parse().ok()
            }
        };
        match &geo.proxies {
            Some(proxies) => real_ip::forwarded(self, proxies, address),
            None => address,
        }
    }

    /// `$variable` of a `split_clients`.
    pub(super) fn append_split(&mut self, number: usize, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let split = &site.splits[number];
        let at = site.maps.len() + site.geos.len() + number;
        if let Some(known) = self.known_value(at) {
            return put(out, known);
        }
        let text = self.expand(&split.source);
        let value = split.find(&text);
        self.keep_value(at, value.into());
        put(out, value)
    }
}
