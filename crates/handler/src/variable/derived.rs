//! Values of `geo` and `split_clients` variables.

use std::rc::Rc;

use super::expand::put;
use crate::context::{Client, Context};
use crate::engine::real_ip;

impl Context {
    /// `$variable` of a `geo`.
    pub(super) fn append_geo(&mut self, number: usize, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let geo = &site.geos[number];
        let address = match &geo.source {
            Some(source) => {
                let text = self.expand(source);
                std::str::from_utf8(&text)
                    .ok()
                    .and_then(|text| text.parse().ok())
            }
            None => self.client.address,
        };
        let speaks =
            |rules: &&crate::config::RealIp| address.is_some_and(|address| rules.trusts(address));
        let told = geo
            .proxies
            .as_ref()
            .filter(speaks)
            .and_then(|rules| real_ip::from_fields(rules, &self.head.headers));
        let address = told.map_or(address, |Client { address, .. }| address);
        put(out, geo.value(address))
    }

    /// `$variable` of a `split_clients`.
    pub(super) fn append_split(&mut self, number: usize, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let split = &site.splits[number];
        let source = self.expand(&split.source);
        put(out, split.value(&source).unwrap_or_default())
    }
}
