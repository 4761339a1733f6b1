//! From URIs to paths: `root`, `alias`, script name and path info.

use std::borrow::Cow;
use std::rc::Rc;

use super::real_path;

use crate::config::{Alias, Root, ScriptNames};
use crate::context::Context;
use crate::variable::put;
use portunus_routing::Captures;
use portunus_telemetry::Severity;

/// The directory of `root` or `alias`.
///
/// Source: nginx, `ngx_get_full_name` in `ngx_http_map_uri_to_path`.
pub(crate) fn directory_of<'r>(cx: &mut Context, root: &'r Root) -> Cow<'r, [u8]> {
    let below = root.below.as_deref();
    if let (Some(literal), None) = (root.path.as_literal(), below) {
        return literal.into();
    }
    let path = cx.expand(&root.path);
    match below {
        Some(prefix) if path.first() != Some(&b'/') => [prefix, &path[..]].concat().into(),
        _ => path.into(),
    }
}

/// Splits a URI into script name and path info by `fastcgi_split_path_info`; a URI that does not
/// match is all script name.
///
/// Source: nginx, `ngx_http_fastcgi_split`.
fn split_path_info<'u>(rules: &ScriptNames, uri: &'u [u8]) -> (&'u [u8], &'u [u8]) {
    let Some(regex) = &rules.split else {
        return (uri, b"");
    };
    let mut captures = Captures::new();
    match regex.captures(uri, &mut captures) {
        // Both groups are parts of the URI, so their lengths say where they are in it.
        Ok(true) => {
            let (script, info) = (captures.group(1), captures.group(2));
            let part = |text: &[u8]| {
                memchr::memmem::find(uri, text).map_or(0..0, |at| at..at + text.len())
            };
            let script = &uri[part(script)];
            let info = uri
                .len()
                .checked_sub(info.len())
                .filter(|at| uri[*at..] == *info)
                .map_or(part(info), |at| at..uri.len());
            let info = &uri[info];
            // Differs: a script's name ends where a segment does, be the pattern as lax as it may.
            if rules.whole_segments && !matches!(info.first(), None | Some(b'/')) {
                return (uri, b"");
            }
            (script, info)
        }
        _ => (uri, b""),
    }
}

impl Context {
    /// The file that the current URI names.
    ///
    /// Source: nginx, `ngx_http_map_uri_to_path`.
    pub(crate) fn request_path(&mut self) -> Vec<u8> {
        let site = Rc::clone(&self.site);
        let root = &self.location_in(&site).root;
        let directory = directory_of(self, root);
        let below = match root.alias {
            None => &self.uri[..],
            Some(Alias::Prefix(length)) => self.uri.get(length..).unwrap_or_default(),
            // nginx: `add_uri_to_alias`, where `try_files` found a file below it.
            Some(Alias::Whole) if self.uri_below_alias => &self.uri,
            Some(Alias::Whole) => b"",
        };
        // Room for what comes behind it.
        let mut path = Vec::with_capacity(directory.len() + below.len() + 16);
        path.extend_from_slice(&directory);
        path.extend_from_slice(below);
        path
    }

    /// `$request_filename`.
    pub(crate) fn append_request_filename(&mut self, out: &mut Vec<u8>) -> bool {
        !self.lost_its_alias() && put(out, &self.request_path())
    }

    /// Whether an `alias` has nothing to stand for, since a `rewrite` and a `break` have left the URI behind which its
    /// location was found for.
    ///
    /// Source: nginx, `ngx_http_map_uri_to_path`; `valid_location` in `ngx_http_script.c`.
    pub(super) fn lost_its_alias(&self) -> bool {
        let location = self.location_in(&self.site);
        let lost = self.location_left && location.root.alias.is_some();
        if lost {
            let name = location.name.escape_ascii();
            let message = format_args!(
                "\"alias\" cannot be used in location \"{name}\" where URI was rewritten"
            );
            self.log(Severity::Alert, message);
        }
        lost
    }

    /// `$document_root`: for `alias` the alias itself.
    pub(crate) fn append_document_root(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        put(out, &directory_of(self, &self.location_in(&site).root))
    }

    /// `$realpath_root`.
    pub(crate) fn append_realpath_root(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let root = directory_of(self, &self.location_in(&site).root);
        match real_path::append(&root, self.moment, self.recent(), out) {
            Ok(()) => true,
            Err(error) => {
                let root = root.escape_ascii();
                self.log_crit(format_args!("realpath() \"{root}\" failed ({error})"));
                false
            }
        }
    }

    /// `$fastcgi_script_name`, with `fastcgi_index` behind a slash.
    pub(crate) fn append_script_name(&self, out: &mut Vec<u8>) -> bool {
        let Some(rules) = &self.location_in(&self.site).scripts else {
            return put(out, &self.uri);
        };
        let (script, _) = split_path_info(rules, &self.uri);
        out.extend_from_slice(script);
        if script.last() == Some(&b'/') {
            out.extend_from_slice(rules.index.as_deref().unwrap_or_default());
        }
        true
    }

    /// `$fastcgi_path_info`.
    pub(crate) fn append_path_info(&self, out: &mut Vec<u8>) -> bool {
        let rules = &self.location_in(&self.site).scripts;
        let rules = rules.as_deref();
        put(
            out,
            rules.map_or(b"", |rules| split_path_info(rules, &self.uri).1),
        )
    }
}
