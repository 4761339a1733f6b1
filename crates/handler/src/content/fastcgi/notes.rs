//! What PHP says beside its answer, and what is wrong with that: for the error log.

use bytes::Bytes;
use portunus_fpm::Pool;
use portunus_telemetry::Severity;

use crate::context::Context;

/// PHP's stderr belongs into the error log, with the request that caused it.
pub(super) fn log_stderr(cx: &mut Context, pool: &Pool, stderr: &[Bytes]) {
    if stderr.is_empty() {
        return;
    }
    cx.upstream.name_fastcgi(pool.name());
    say_stderr(cx, stderr, "reading response header from upstream");
}

fn say_stderr(cx: &Context, stderr: &[Bytes], doing: &str) {
    let text = stderr.concat();
    let text = String::from_utf8_lossy(text.trim_ascii_end());
    cx.log_error(format_args!(
        "FastCGI sent in stderr: \"{text}\" while {doing}"
    ));
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
    let Some(aside) = asides
        .filter_map(|attempt| attempt.aside.as_ref())
        .next_back()
    else {
        return;
    };
    let (stderr, overrun) = (aside.take_stderr(), aside.is_overrun());
    if stderr.is_empty() && !overrun {
        return;
    }
    if let Some(attempt) = cx.upstream.attempts.last() {
        let address = attempt.address.to_string();
        cx.upstream.name_fastcgi(&address);
    }
    if !stderr.is_empty() {
        say_stderr(cx, &stderr, "reading upstream");
    }
    if overrun {
        log_overrun(cx);
    }
}
