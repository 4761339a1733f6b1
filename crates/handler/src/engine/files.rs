//! Files below the root: `try_files`, `index`, directory listings, static answers.
//!
//! Source: nginx, ngx_http_try_files_module, ngx_http_index_module, ngx_http_static_module.

use std::rc::Rc;

use http::header::RANGE;
use http::{Method, Version};
use portunus_routing::LocationId;
use portunus_static_files::cache::symlinks_from;
use portunus_static_files::{
    DisableSymlinks, Kind, OpenError, OpenOptions, Opened, Probed, Revalidate, Validator,
};
use portunus_telemetry::{Clock, Severity};
use portunus_uri_path::climbs;

use super::error_page::split_args;
use super::paths::directory_of;
use super::precompressed::{self, Precompressed};
use super::{Plan, Step, index_names, location, real_path};
use crate::config::{Alias, Fallback, Location, Root, Site};
use crate::content::listing::{Listing, Purpose};
use crate::content::statics;
use crate::context::Context;
use crate::in_place::boxed;
use crate::respond::{CONDITIONS, ReadyFile};

/// A file that `try_files` or `index` found, so that the static answer need not look again.
#[derive(Debug)]
pub(crate) struct Found {
    path: Vec<u8>,
    probed: Probed,
    /// Whose way of opening files it was found in.
    location: LocationId,
    /// `path` is what the URI names in the location at hand; a change of either takes that back.
    pub(super) current: bool,
}

/// A directory that `try_files` found.
#[derive(Debug)]
pub(crate) struct SeenDirectory {
    path: Vec<u8>,
    directory: Validator,
}

/// The last phase for locations that nothing else answers.
pub(super) fn serve(cx: &mut Context, site: &Site) -> Step {
    if cx.uri.last() == Some(&b'/') {
        let get = matches!(cx.head.method, Method::GET | Method::HEAD | Method::POST);
        if get && cx.location_in(site).random_index {
            let path = cx.request_path();
            return read(path, Purpose::Random);
        }
        index(cx, site)
    } else {
        file(cx, site)
    }
}

/// Looks for an index file; the first that exists takes the request over.
pub(crate) fn index(cx: &mut Context, site: &Site) -> Step {
    if !matches!(cx.head.method, Method::GET | Method::HEAD | Method::POST) {
        return Step::Fail(405);
    }
    let location = cx.location_in(site);
    let mut path = cx.request_path();
    let directory = path.len();
    let plain = location.open.symlinks == DisableSymlinks::Off
        && location.open.revalidate == Revalidate::Always;
    let seen = cx.directory.take();
    let seen = seen.filter(|seen| plain && seen.path == path);
    let mut scratch = Vec::new();
    let mut exists = false;
    for entry in location.index.iter() {
        let name = entry.name.evaluate(cx, &mut scratch);
        if name.first() == Some(&b'/') {
            return super::redirect(cx, name.to_vec(), cx.args.clone());
        }
        if cx.lost_its_alias() {
            return Step::Fail(500);
        }
        path.truncate(directory);
        path.extend_from_slice(name);
        if let Some(seen) = &seen
            && index_names::is_there(&path, &seen.directory, cx.recent())
        {
            let uri = [&cx.uri[..], name].concat();
            return super::redirect(cx, uri, cx.args.clone());
        }
        let options = open_options(cx, location, &path);
        let kind = site.files.probe(&path, &options);
        match kind {
            Kind::File(_) | Kind::Directory(_) | Kind::Other => {
                if let Kind::File(probed) = kind {
                    if let Some(seen) = &seen {
                        let (now, time) = (cx.recent(), Clock::since_epoch());
                        index_names::note(&path, &seen.directory, now, time);
                    }
                    cx.found = Some(Found {
                        path,
                        probed,
                        location: cx.location,
                        current: false,
                    });
                }
                let uri = [&cx.uri[..], name].concat();
                return super::redirect(cx, uri, cx.args.clone());
            }
            Kind::Missing(OpenError::NotFound { .. }) if exists => {}
            Kind::Missing(error) => match without_index(cx, site, &path, directory, error) {
                Some(step) => return step,
                None => exists = true,
            },
        }
    }
    path.truncate(directory);
    directory_without_index(cx, location, path)
}

/// What comes of an index file that cannot be had; the next one, if it is only missing and the directory is not. The
/// first `directory` bytes of `path` name that.
///
/// Source: nginx, `ngx_http_index_handler`, `ngx_http_index_test_dir`, `ngx_http_index_error`.
fn without_index(
    cx: &mut Context,
    site: &Site,
    path: &[u8],
    directory: usize,
    error: OpenError,
) -> Option<Step> {
    let location = cx.location_in(site);
    match error {
        OpenError::NotFound { .. } => {
            let directory = path.get(..directory).unwrap_or_default();
            let options = open_options(cx, location, directory);
            match site.files.probe(directory, &options) {
                Kind::Missing(OpenError::NotFound { .. }) => {}
                Kind::Missing(OpenError::TooManySymlinks { .. }) => return Some(Step::Fail(403)),
                Kind::Missing(OpenError::Forbidden { .. }) => return None,
                Kind::Missing(error) => return Some(refuse(cx, directory, error)),
                Kind::Directory(_) => return None,
                // Of an `alias` that names a file.
                Kind::File(_) | Kind::Other => {
                    let path = path.escape_ascii();
                    let message = format_args!("\"{path}\" is not a directory");
                    cx.log(Severity::Alert, message);
                    return Some(Step::Fail(500));
                }
            }
        }
        OpenError::NotADirectory { .. }
        | OpenError::NameTooLong { .. }
        | OpenError::Forbidden { .. } => {}
        OpenError::TooManySymlinks { .. } => return Some(Step::Fail(403)),
        OpenError::NotRegular | OpenError::Io { .. } => return Some(refuse(cx, path, error)),
    }
    let status = error.status();
    if status != 404 || location.level.log_not_found {
        cx.log_error(format_args!("{}", error.describe_index(path)));
    }
    Some(Step::Fail(status))
}

fn read(path: Vec<u8>, purpose: Purpose) -> Step {
    Step::Done(Plan::List(Box::new(Listing { path, purpose })))
}

/// The directory is there: the look for its index files has told. Whether it can be read is not asked until it is listed.
fn directory_without_index(cx: &mut Context, location: &Location, directory: Vec<u8>) -> Step {
    if let Some(listing) = location.autoindex
        && matches!(cx.head.method, Method::GET | Method::HEAD)
    {
        return read(directory, Purpose::List(listing));
    }
    cx.log_error(format_args!(
        "directory index of \"{}\" is forbidden",
        directory.escape_ascii()
    ));
    Step::Fail(403)
}

/// Answers with the file that the URI names.
fn file(cx: &mut Context, site: &Site) -> Step {
    let get = matches!(cx.head.method, Method::GET | Method::HEAD);
    if !get && cx.head.method != Method::POST {
        return Step::Fail(405);
    }
    let location = cx.location_in(site);
    if cx.lost_its_alias() {
        return Step::Fail(500);
    }
    let found = cx.found.take();
    let (path, found) = match found {
        Some(found) if found.current => (found.path, Some(found.probed)),
        found => {
            let path = cx.request_path();
            let found = found.filter(|found| {
                found.path == path && opens_alike(site.location(found.location), location)
            });
            (path, found.map(|found| found.probed))
        }
    };
    let mut vary = false;
    if let Some(encoding) = &location.encoding
        && get
        && !encoding.precompressed.is_empty()
    {
        match precompressed::find(cx, site, location, encoding, &path) {
            Precompressed::Reply(reply) => return Step::Done(Plan::Answer(reply)),
            Precompressed::Unfit => return Step::Fail(404),
            Precompressed::None { vary: named } => vary = named,
        }
    }
    let options = open_options(cx, location, &path);
    let opened = match found {
        Some(probed) => site.files.open_probed(&path, probed, &options),
        None => site.files.open(&path, &options),
    };
    match opened {
        Ok(Opened::Directory) => {
            cx.carried.vary |= vary;
            location::slash_redirect(cx)
        }
        Ok(Opened::File(_)) if !get => Step::Fail(405),
        Ok(Opened::File(entry)) => {
            let place = location.uniform.filter(|_| takes_any(cx, site));
            let head = place.and_then(|place| entry.kept(place));
            if let Some(head) = head {
                return Step::Done(Plan::Ready(ReadyFile { entry, head }));
            }
            let mut reply = boxed(|| statics::reply(cx, location, entry));
            reply.vary = vary;
            reply.keep = place;
            Step::Done(Plan::Answer(reply))
        }
        Err(error) => {
            cx.carried.vary |= vary;
            refuse(cx, &path, error)
        }
    }
}

/// Whether nothing in the request, or on its way here, has a say in the head of an answer with a whole file.
fn takes_any(cx: &Context, site: &Site) -> bool {
    cx.head.method == Method::GET
        && cx.head.version < Version::HTTP_2
        && !site.keeps_sent_fields
        && !cx.in_error_page
        && cx.error_status.is_none()
        && cx.subrequest.is_none()
        && cx.inclusion.is_none()
        && cx.trace.is_none()
        && cx.carried.is_empty()
        && !CONDITIONS.iter().any(|name| cx.exchange.has_field(name))
        && !cx.exchange.has_field(&RANGE)
}

/// How a path is to be opened here.
///
/// Source: nginx, `ngx_http_set_disable_symlinks`.
pub(super) fn open_options(cx: &mut Context, location: &Location, path: &[u8]) -> OpenOptions {
    cx.exchange.note_look();
    let open = OpenOptions {
        moment: cx.moment,
        ..location.open
    };
    let Some(template) = &location.symlinks_from else {
        return open;
    };
    let from = cx.expand(template);
    let (symlinks, from) = symlinks_from(open.symlinks, &from, path);
    OpenOptions {
        symlinks,
        from,
        ..open
    }
}

/// Whether what is found in the one location may be handed out in the other without a look of its own.
fn opens_alike(one: &Location, other: &Location) -> bool {
    let fixed = |location: &Location| location.symlinks_from.is_none();
    one.open == other.open && fixed(one) && fixed(other)
}

/// Maps a failed look-up to a status, and logs it as nginx does.
fn refuse(cx: &mut Context, path: &[u8], error: OpenError) -> Step {
    let status = error.status();
    let severity = match error.is_critical() {
        true => Severity::Crit,
        false => Severity::Error,
    };
    let site = Rc::clone(&cx.site);
    if status != 404 || cx.location_in(&site).level.log_not_found {
        cx.log(severity, format_args!("{}", error.describe(path)));
    }
    Step::Fail(status)
}

/// Tells whoever traces the request what a name of `try_files` is.
fn tell(cx: &Context, path: &[u8], directory: bool, kind: &Kind) {
    if let Some(trace) = &cx.trace {
        let what = match kind {
            Kind::File(_) => "a file",
            Kind::Directory(_) => "a directory",
            Kind::Other => "neither a file nor a directory",
            Kind::Missing(_) => "missing",
        };
        let slash = if directory { "/" } else { "" };
        let path = path.escape_ascii();
        trace.say(format!("      \"{path}{slash}\" is {what}"));
    }
}

/// `try_files`: the first of the names that exists, else the fallback.
pub(super) fn try_files(cx: &mut Context, site: &Site) -> Step {
    let location = cx.location_in(site);
    if leaves_alias(cx, &location.root) {
        let uri = cx.uri.escape_ascii();
        cx.log_error(format_args!("\"{uri}\" climbs out of the alias"));
        return Step::Fail(404);
    }
    let Some(plan) = &location.try_files else {
        return Step::Content;
    };
    if cx.lost_its_alias() {
        return Step::Fail(500);
    }
    // `$uri $uri/` names one path twice; one look tells what both ask.
    let mut looked = None;
    for candidate in &plan.candidates {
        let (path, uri, kind) = match looked.take() {
            Some(looked) if candidate.repeats => looked,
            _ => {
                let name = cx.expand(&candidate.name);
                let literal = candidate.name.as_literal().is_some();
                let (path, uri) = path_of_name(cx, &location.root, name, literal);
                let options = open_options(cx, location, &path);
                let kind = site.files.probe(&path, &options);
                (path, uri, kind)
            }
        };
        tell(cx, &path, candidate.directory, &kind);
        match (kind, candidate.directory) {
            // nginx: what is no directory is taken for a file, be it a device; opening it tells.
            (kind @ (Kind::File(_) | Kind::Other), false) => {
                // A root with variables may be another for the name that was found.
                let root = &location.root;
                let current = root.alias.is_none() && root.path.as_literal().is_some();
                if let Kind::File(probed) = kind {
                    cx.found = Some(Found {
                        path,
                        probed,
                        location: cx.location,
                        current,
                    });
                }
                cx.uri_below_alias = location.root.alias.is_some();
                return take_over(cx, uri);
            }
            // nginx: an alias that is the whole path names the directory by the URI at hand.
            (Kind::Directory(_), true) if matches!(location.root.alias, Some(Alias::Whole)) => {
                return Step::Content;
            }
            (Kind::Directory(found), true) => {
                if let (Some(directory), Some(moment)) = (found, cx.moment) {
                    real_path::note(&path, &directory, moment, cx.recent());
                    cx.directory = Some(SeenDirectory { path, directory });
                }
                return take_over(cx, uri);
            }
            (kind, _) => {
                if let Kind::Missing(error) = &kind
                    && !error.is_missing()
                {
                    cx.log(Severity::Crit, format_args!("{}", error.describe(&path)));
                }
                looked = Some((path, uri, kind));
            }
        }
    }
    match &plan.fallback {
        Fallback::Status(status) => Step::Fail(*status),
        Fallback::Target(template) => {
            let mut target = cx.expand(template);
            if template.as_literal().is_none() {
                take_prefix_off(cx, &location.root, &mut target);
            }
            if target.first() == Some(&b'@') {
                return super::redirect_named(cx, site, &target);
            }
            let (uri, args) = split_args(&target);
            cx.args_put = true;
            super::redirect(cx, uri.to_vec(), args.to_vec())
        }
    }
}

/// Below an alias the last name loses the prefix of the location, as those before it do, if it has variables. People
/// write `/app//app/index.php?$args` for that reason.
///
/// Source: nginx, `ngx_http_try_files_handler`. Differs: what would have no slash in front is left as it is; nginx goes
/// on to a URI that is none.
fn take_prefix_off(cx: &Context, root: &Root, target: &mut Vec<u8>) {
    let Some(Alias::Prefix(length)) = root.alias else {
        return;
    };
    let prefix = cx.uri.get(..length);
    let rest = prefix.and_then(|prefix| target.strip_prefix(prefix));
    if rest.is_some_and(|rest| rest.first() == Some(&b'/')) {
        target.drain(..length);
    }
}

/// Whether the part of the URI that goes behind an alias, or into it, climbs out of it again.
///
/// Differs: nginx joins whatever it gets, so that `alias /data/` in `location /files` lets
/// `/files../secret` out of `/data`. What the configuration itself writes may climb.
fn leaves_alias(cx: &mut Context, root: &Root) -> bool {
    match root.alias {
        None => false,
        Some(Alias::Prefix(length)) => climbs(cx.uri.get(length..).unwrap_or_default()),
        Some(Alias::Whole) => {
            root.path.as_literal().is_none()
                && climbs(&cx.expand(&root.path))
                && !climbs(root.path.source())
        }
    }
}

/// Path and URI of a candidate: the name takes the place of the URI below the root.
fn path_of_name(cx: &mut Context, root: &Root, name: Vec<u8>, literal: bool) -> (Vec<u8>, Vec<u8>) {
    let Some(Alias::Prefix(length)) = root.alias else {
        let directory = directory_of(cx, root);
        let mut path = Vec::with_capacity(directory.len() + name.len());
        path.extend_from_slice(&directory);
        path.extend_from_slice(&name);
        return (path, name);
    };
    let prefix = cx.uri.get(..length).unwrap_or_default().to_vec();
    // nginx cuts the location's prefix off only where variables may have brought it in.
    let cut = name.strip_prefix(&prefix[..]).filter(|_| !literal);
    let below = cut.unwrap_or(&name);
    let uri = [&prefix[..], below].concat();
    let path = [&directory_of(cx, root)[..], &uri[prefix.len()..]].concat();
    (path, uri)
}

/// The request goes on in this location under the name that was found.
fn take_over(cx: &mut Context, uri: Vec<u8>) -> Step {
    if uri != cx.uri {
        cx.uri = uri;
    }
    Step::Content
}
