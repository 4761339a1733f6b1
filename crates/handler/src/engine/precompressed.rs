//! `gzip_static` and its kin: a file beside the file, compressed beforehand.
//!
//! Source: nginx, `ngx_http_gzip_static_handler`.

use std::rc::Rc;

use http::header;
use portunus_static_files::encoding::{Coding, StaticMode, eligible, precompressed_plan};
use portunus_static_files::{Entry, OpenError, Opened};
use portunus_telemetry::Severity;

use super::files::open_options;
use crate::config::{Encoding, Location, Site};
use crate::content::statics;
use crate::context::Context;
use crate::respond::Reply;

/// What was found.
pub(super) enum Precompressed {
    /// The answer.
    Reply(Box<Reply>),
    /// Not a regular file stands there.
    Unfit,
    /// Nothing to be sent; whether the plain file says `Vary`.
    None { vary: bool },
}

/// Looks for the compressed forms that the client may get.
pub(super) fn find(
    cx: &mut Context,
    site: &Site,
    location: &Location,
    encoding: &Encoding,
    path: &[u8],
) -> Precompressed {
    let request = cx.exchange.fields();
    let accept = request.get(header::ACCEPT_ENCODING);
    // nginx: what a subrequest brings becomes part of another answer, which says how it is coded.
    let eligible =
        cx.subrequest.is_none() && eligible(request, cx.head.version, None, &encoding.rules);
    let plan = precompressed_plan(
        &encoding.precompressed,
        accept.map(http::HeaderValue::as_bytes),
        eligible,
        encoding.rules.vary,
    );
    let asks = |(_, mode): &(Coding, StaticMode)| *mode == StaticMode::On;
    cx.carried.judged |= encoding.precompressed.iter().any(asks);
    let mut vary = false;
    for attempt in plan {
        let path = [path, attempt.coding.suffix().as_bytes()].concat();
        let options = open_options(cx, location, &path);
        match site.files.open(&path, &options) {
            Ok(opened) => {
                vary |= attempt.vary && encoding.rules.vary;
                if let (Opened::File(entry), true) = (opened, attempt.send) {
                    let reply = reply(cx, location, entry, attempt.coding, vary);
                    return Precompressed::Reply(Box::new(reply));
                }
            }
            Err(error) => {
                if matches!(error, OpenError::NotRegular) && attempt.send {
                    cx.log_crit(format_args!("{}", error.describe(&path)));
                    return Precompressed::Unfit;
                }
                log(cx, error, &path);
            }
        }
    }
    Precompressed::None { vary }
}

fn reply(
    cx: &mut Context,
    location: &Location,
    entry: Rc<Entry>,
    coding: Coding,
    vary: bool,
) -> Reply {
    let mut reply = statics::reply(cx, location, entry);
    reply.vary = vary;
    let coding = coding.content_encoding();
    reply.fields.append(header::CONTENT_ENCODING, coding);
    reply
}

fn log(cx: &Context, error: OpenError, path: &[u8]) {
    let severity = match error.status() {
        404 => return,
        403 => Severity::Error,
        _ => Severity::Crit,
    };
    cx.log(severity, format_args!("{}", error.describe(path)));
}
