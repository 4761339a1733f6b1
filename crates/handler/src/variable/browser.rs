//! `$modern_browser` and `$ancient_browser`.
//!
//! Source: nginx, `ngx_http_browser_variable`.

use std::rc::Rc;

use http::{HeaderValue, header};

use super::expand::put;
use crate::config::{BrowserAge, Browsers};
use crate::context::Context;

impl Context {
    /// The value that stands for a browser of that age, if the client's is one.
    pub(super) fn append_browser(&self, modern: bool, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let none = Browsers::default();
        let browsers = self.location_in(&site).browsers.as_deref();
        let browsers = browsers.unwrap_or(&none);
        let agent = self.exchange.fields().get(header::USER_AGENT);
        let value = match browsers.age_of(agent.map(HeaderValue::as_bytes)) {
            BrowserAge::Modern if modern => &browsers.modern_value,
            BrowserAge::Ancient if !modern => &browsers.ancient_value,
            _ => return true,
        };
        put(out, value)
    }
}
