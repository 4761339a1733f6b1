//! nginx's checks on the values of directives, in nginx's words and nginx's order.

use portunus_conf_syntax::Diagnostics;

use crate::config::Config;

/// Checks a whole configuration.
pub(crate) fn check(_config: &Config, _diagnostics: &mut Diagnostics) {}
