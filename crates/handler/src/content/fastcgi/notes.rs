//! What PHP says beside its answer, and what is wrong with that: for the error log.

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use portunus_fpm::{Aside, Pool};
use portunus_telemetry::Severity;

use super::params;
use crate::config::FastCgi;
use crate::context::Context;

/// PHP's stderr belongs into the error log, with the request that caused it.
pub(super) fn log_stderr(cx: &mut Context, pool: &Pool, stderr: &[Bytes]) {
    if stderr.is_empty() {
        return;
    }
    cx.upstream.name_fastcgi(pool.name());
    say_stderr(cx, stderr, READING_HEAD);
}

const READING_HEAD: &str = "reading response header from upstream";
const READING: &str = "reading upstream";

/// What PHP-FPM says where it has no such script.
///
/// Source: PHP, `main/main.c`, `php_execute_script`; `sapi/fpm/fpm/fpm_main.c`.
const UNKNOWN_SCRIPT: &[u8] = b"Primary script unknown";

/// Those who look into one log need no more than one hint in so long a time.
const SILENCE: Duration = Duration::from_secs(10);

thread_local! {
    static HINTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// PHP-FPM has no such script, though it is here: the two do not see the same files, as in two containers.
pub(super) fn hint_at_other_files(cx: &mut Context, fastcgi: &FastCgi, stderr: &[Bytes]) {
    let says = |piece: &Bytes| memchr::memmem::find(piece, UNKNOWN_SCRIPT).is_some();
    if !stderr.iter().any(says) {
        return;
    }
    let now = Instant::now();
    let is_recent = |hinted| now.saturating_duration_since(hinted) < SILENCE;
    if HINTED.get().is_some_and(is_recent) {
        return;
    }
    let params = params::params(cx, fastcgi);
    let Some(script) = params.script().map(OsStr::from_bytes) else {
        return;
    };
    if Path::new(script).is_file() {
        HINTED.set(Some(now));
        let script = script.as_bytes().escape_ascii();
        cx.log(
            Severity::Warn,
            format_args!(
                "\"{script}\" is here, and PHP-FPM does not see it: does it run in a container without that path, \
                 or as a user who may not look there?"
            ),
        );
    }
}

fn say_stderr(cx: &Context, stderr: &[Bytes], doing: &str) {
    let said = said_in_stderr(stderr, doing);
    cx.log_error(format_args!("{said}"));
}

fn said_in_stderr(stderr: &[Bytes], doing: &str) -> String {
    let text = stderr.concat();
    let text = String::from_utf8_lossy(text.trim_ascii_end());
    format!("FastCGI sent in stderr: \"{text}\" while {doing}")
}

/// nginx: `ngx_http_fastcgi_input_filter`.
pub(super) fn log_overrun(cx: &Context) {
    cx.log(
        Severity::Warn,
        format_args!(
            "upstream sent more data than specified in \"Content-Length\" header while reading upstream"
        ),
    );
}

/// What has become known of an answer behind its head, once the request is over.
pub(crate) fn log_aside(cx: &mut Context) {
    let asides = cx.upstream.attempts.iter_mut();
    let Some((aside, header)) = asides
        .filter_map(|attempt| Some((attempt.aside.as_ref()?, attempt.header)))
        .next_back()
    else {
        return;
    };
    let doing = header.map_or(READING_HEAD, |_| READING);
    let (stderr, overrun) = (aside.take_stderr(), aside.is_overrun());
    let late = (!aside.is_over()).then(|| Arc::clone(aside));
    if stderr.is_empty() && !overrun && late.is_none() {
        return;
    }
    if let Some(attempt) = cx.upstream.attempts.last() {
        let address = attempt.address.to_string();
        cx.upstream.name_fastcgi(&address);
    }
    if !stderr.is_empty() {
        say_stderr(cx, &stderr, doing);
    }
    if overrun {
        log_overrun(cx);
    }
    if let Some(late) = late {
        log_when_over(cx, &late, doing);
    }
}

/// PHP goes on without the request. What it has yet to say belongs into the log with it all the same.
#[cold]
fn log_when_over(cx: &Context, aside: &Aside, doing: &'static str) {
    let log = cx.late_log();
    aside.when_over(move |aside| {
        let stderr = aside.take_stderr();
        if !stderr.is_empty() {
            let said = said_in_stderr(&stderr, doing);
            log.write(Severity::Error, format_args!("{said}"));
        }
    });
}
