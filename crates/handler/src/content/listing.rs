//! Directories as answers: `autoindex` and `random_index`, read off the runtime's threads.
//!
//! Source: nginx, ngx_http_autoindex_module, ngx_http_random_index_module.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::rc::Rc;

use bytes::Bytes;
use http::HeaderValue;
use portunus_static_files::OpenError;
use portunus_static_files::listing::{
    ListingEntry, ListingFormat, ListingOptions, jsonp_callback, random_index, read_directory,
    render,
};
use portunus_telemetry::{Clock, Severity};

use crate::config::{AutoIndex, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, decide, redirect};
use crate::respond::{Reply, charset_of};
use crate::variable::argument;

/// A directory to be read, and what for.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) path: Vec<u8>,
    pub(crate) purpose: Purpose,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// `autoindex`.
    List(AutoIndex),
    /// `random_index`: one of the files takes the request over.
    Random,
}

/// Reads the directory and goes on from there.
pub(crate) async fn run(cx: &mut Context, listing: Listing) -> Plan {
    let site = Rc::clone(&cx.site);
    let path = listing.path.clone();
    let read = tokio::task::spawn_blocking(move || read_directory(&path)).await;
    let step = match read {
        Ok(Ok(entries)) => match listing.purpose {
            Purpose::List(options) => list(cx, &site, options, &entries),
            Purpose::Random => random(cx, &site, &entries),
        },
        Ok(Err(error)) => failed(cx, error, &listing.path),
        Err(error) => {
            cx.log(Severity::Alert, format_args!("{error}"));
            Step::Fail(500)
        }
    };
    decide(cx, &site, step)
}

fn failed(cx: &Context, error: OpenError, path: &[u8]) -> Step {
    let status = error.status();
    let severity = match status {
        403 | 404 => Severity::Error,
        _ => Severity::Crit,
    };
    let message = error.describe(slashless(path));
    cx.log(severity, format_args!("{message}"));
    Step::Fail(status)
}

/// nginx names a directory that it cannot read without the slash at the end.
fn slashless(path: &[u8]) -> &[u8] {
    let name = path.strip_suffix(b"/").filter(|name| !name.is_empty());
    name.unwrap_or(path)
}

fn list(cx: &mut Context, site: &Site, options: AutoIndex, entries: &[ListingEntry]) -> Step {
    let wanted = argument(&cx.args, b"callback").filter(|_| options.format == ListingFormat::Jsonp);
    let Ok(callback) = jsonp_callback(wanted).map(|name| name.map(<[u8]>::to_vec)) else {
        let name = String::from_utf8_lossy(wanted.unwrap_or_default());
        cx.log(
            Severity::Info,
            format_args!("client sent invalid callback name: \"{name}\""),
        );
        return Step::Fail(400);
    };
    let media = options.format.content_type(callback.is_some());
    let content_type = match options.format {
        ListingFormat::Xml => HeaderValue::from_static("text/xml; charset=utf-8"),
        _ => HeaderValue::from_static(media),
    };
    let location = cx.location_in(site);
    let charset = charset_of(cx, location, media.as_bytes());
    let rendering = ListingOptions {
        format: options.format,
        exact_size: options.exact_size,
        utc_offset: if options.local_time {
            Clock::utc_offset()
        } else {
            0
        },
        utf8: charset.is_some_and(|name| name.eq_ignore_ascii_case(b"utf-8")),
    };
    let text = render(&cx.uri, entries, callback.as_deref(), &rendering);
    // nginx sends the head before it has written the page, so it names no length.
    Step::Done(Plan::Answer(Box::new(Reply {
        length: None,
        ..Reply::bytes(200, content_type, Bytes::from(text))
    })))
}

fn random(cx: &mut Context, site: &Site, entries: &[ListingEntry]) -> Step {
    let number = RandomState::new().hash_one(cx.exchange.number());
    match random_index(entries, number) {
        Some(name) => {
            let uri = [&cx.uri[..], name].concat();
            redirect(cx, uri, cx.args.clone())
        }
        None => crate::engine::index(cx, site),
    }
}

#[cfg(test)]
mod tests {
    use super::slashless;

    #[test]
    fn directories_are_named_without_the_slash_at_the_end() {
        assert_eq!(slashless(b"/srv/list/"), b"/srv/list");
        assert_eq!(slashless(b"/srv/list"), b"/srv/list");
        assert_eq!(slashless(b"/"), b"/");
    }
}
