//! Runs the programs of the rewrite module.
//!
//! Source: nginx, `ngx_http_rewrite_handler`, `ngx_http_core_post_rewrite_phase`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;

use bytes::Bytes;
use portunus_routing::rewrite::{
    FileTest, NewArgs, Note, RewriteContext, RewriteFailure, RewriteOutcome,
};
use portunus_routing::{Captures, LocationId, Slot};
use portunus_static_files::{DisableSymlinks, Kind, OpenError};
use portunus_telemetry::Severity;

use super::{Plan, Step};
use crate::body::Body;
use crate::config::Site;
use crate::content::statics;
use crate::context::Context;
use crate::in_place::boxed;
use crate::respond::Reply;
use crate::variable::Variable;

/// The program of the server block; whatever it does to the URI, the search for a location comes
/// next.
pub(super) fn server(cx: &mut Context, site: &Site) -> Step {
    cx.location = site.servers[cx.server].base;
    let Some(program) = &cx.location_in(site).rewrite else {
        return Step::FindLocation;
    };
    let outcome = program.run(cx);
    if outcome == (RewriteOutcome::Continue { uri_changed: true }) {
        cx.uri_rewritten = false;
    }
    follow(cx, outcome, Step::FindLocation)
}

/// The program of the location; a changed URI goes back to the search. Where no location was found, that of
/// the server has run already.
///
/// Source: nginx, `ngx_http_rewrite_handler`.
pub(super) fn location(cx: &mut Context, site: &Site) -> Step {
    if cx.location == site.servers[cx.server].base {
        return Step::Access;
    }
    let Some(program) = &cx.location_in(site).rewrite else {
        return Step::Access;
    };
    match program.run(cx) {
        RewriteOutcome::Continue { uri_changed: true } => {
            cx.uri_rewritten = false;
            if super::spend_uri_change(cx) {
                return Step::FindLocation;
            }
            let uri = cx.uri.escape_ascii().to_string();
            cx.log_error(format_args!(
                "rewrite or internal redirection cycle while processing \"{uri}\""
            ));
            Step::Fail(500)
        }
        outcome => follow(cx, outcome, Step::Access),
    }
}

fn follow(cx: &mut Context, outcome: RewriteOutcome, next: Step) -> Step {
    match outcome {
        RewriteOutcome::Continue { .. } => {
            cx.location_left |= std::mem::take(&mut cx.uri_rewritten);
            next
        }
        RewriteOutcome::Status(444) => Step::Done(Plan::Close),
        RewriteOutcome::Status(status) => Step::Fail(status),
        RewriteOutcome::Redirect { status, location } => {
            cx.carried.location = Some(location);
            Step::Fail(status)
        }
        RewriteOutcome::Respond { status, body } => respond(cx, status, body),
        RewriteOutcome::Failed(failure) => {
            match &failure {
                RewriteFailure::Match(error) => cx.log_match(error),
                RewriteFailure::EmptyUri => {
                    cx.log_error(format_args!("{failure}"));
                    cx.uri.clear();
                }
            }
            Step::Fail(500)
        }
    }
}

/// `return CODE text`: the location's default type, no validators.
///
/// Source: nginx, `ngx_http_send_response`.
fn respond(cx: &mut Context, status: u16, body: Vec<u8>) -> Step {
    let site = Rc::clone(&cx.site);
    let location = cx.location_in(&site);
    let body = if status == 204 {
        Bytes::new()
    } else {
        Bytes::from(body)
    };
    let (content_type, charset) = statics::media(cx, location);
    let length = Some(body.len() as u64);
    let body = Body::bytes(body);
    let mut reply = boxed(|| Reply::status(status));
    reply.content_type = content_type;
    reply.untold_type = cx.error_status.unwrap_or(status) == 204;
    reply.length = length;
    reply.body = body;
    reply.charset = charset;
    Step::Done(Plan::Answer(reply))
}

impl RewriteContext<Variable> for Context {
    fn uri(&self) -> &[u8] {
        &self.uri
    }

    fn args(&self) -> &[u8] {
        &self.args
    }

    fn captures(&mut self) -> &mut Captures {
        &mut self.captures
    }

    fn rewrite_uri(&mut self, uri: Vec<u8>, args: NewArgs) {
        let args = match args {
            NewArgs::Kept => std::mem::take(&mut self.args),
            NewArgs::Dropped => {
                // nginx: what a replacement takes away leaves an empty text.
                self.args_put |= !self.args.is_empty();
                Vec::new()
            }
            NewArgs::Put(args) => {
                self.args_put = true;
                args
            }
        };
        self.set_uri(uri, args);
        self.uri_rewritten = true;
        self.internal = true;
    }

    fn redirect_matched(&mut self) {
        self.internal = true;
    }

    fn answers(&mut self, status: u16) {
        self.answer.status = self.error_status.unwrap_or(status);
    }

    fn set(&mut self, variable: &Variable, value: Vec<u8>) {
        match variable {
            Variable::Slot(slot) => self.store(*slot, &value),
            Variable::Args => {
                self.args = value;
                self.args_put = true;
                self.uri_changed = true;
            }
            Variable::LimitRate => self.set_limit_rate(&value),
            _ => {}
        }
    }

    fn bind(&mut self, slot: Slot, value: &[u8]) {
        self.store(slot, value);
    }

    fn enter(&mut self, location: LocationId) {
        self.location = location;
    }

    /// Source: nginx, `ngx_http_script_file_code`.
    fn test_file(&mut self, test: FileTest, path: &[u8]) -> bool {
        let site = Rc::clone(&self.site);
        let location = self.location_in(&site);
        let options = super::files::open_options(self, location, path);
        if options.symlinks != DisableSymlinks::Off {
            let kind = site.files.probe(path, &options);
            if let Kind::Missing(error) = &kind {
                if !error.is_missing() {
                    self.log(Severity::Crit, format_args!("{}", error.describe(path)));
                }
                return false;
            }
            match test {
                FileTest::File => return matches!(kind, Kind::File(_)),
                FileTest::Directory => return matches!(kind, Kind::Directory(_)),
                FileTest::Exists => return !matches!(kind, Kind::Other),
                FileTest::Executable => {}
            }
        }
        let metadata = match std::fs::metadata(OsStr::from_bytes(path)) {
            Ok(metadata) => metadata,
            Err(error) => {
                let error = OpenError::of_stat(&error);
                if !error.is_missing() {
                    self.log(Severity::Crit, format_args!("{}", error.describe(path)));
                }
                return false;
            }
        };
        match test {
            FileTest::File => metadata.is_file(),
            FileTest::Directory => metadata.is_dir(),
            // A FIFO, a socket or a device is nothing to nginx.
            FileTest::Exists => metadata.is_file() || metadata.is_dir(),
            FileTest::Executable => metadata.permissions().mode() & 0o100 != 0,
        }
    }

    fn wants_notes(&self) -> bool {
        let site = Rc::clone(&self.site);
        self.trace.is_some() || self.location_in(&site).level.rewrite_log
    }

    fn note(&mut self, note: Note<'_>) {
        self.log(Severity::Notice, format_args!("{note}"));
    }
}

impl Context {
    /// Keeps the value of a `set` variable or a named capture.
    pub(crate) fn store(&mut self, slot: Slot, value: &[u8]) {
        let at = usize::try_from(slot.0).unwrap_or(usize::MAX);
        if self.slots.is_empty() {
            self.slots.resize(self.site.slots, None);
        }
        if let Some(place) = self.slots.get_mut(at) {
            *place = Some(value.into());
        }
    }

    /// `set $limit_rate`.
    fn set_limit_rate(&mut self, value: &[u8]) {
        match crate::respond::parse_size(value) {
            Some(rate) => self.limit_rate(rate),
            None => {
                let value = value.escape_ascii();
                self.log_error(format_args!("invalid $limit_rate \"{value}\""));
            }
        }
    }

    /// Stores what a search with named groups has captured.
    pub(crate) fn store_named_captures(&mut self) {
        if !self.captures.has_named() {
            return;
        }
        let mut captures = std::mem::take(&mut self.captures);
        captures.take_named(|slot, value| self.store(slot, value));
        self.captures = captures;
    }
}
