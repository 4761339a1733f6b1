//! ngx_http_rewrite_module: a small program that runs per request.

use super::kind::Special;

rows! { "rewrite": "ngx_http_rewrite_module: a small program that runs per request";
    REWRITE "rewrite" in SERVER | SIF | LOCATION | LIF, TAKE23, Special(Special::Rewrite), Own,
        Honoured, "Changes the path, or redirects, where a pattern matches.";
    RETURN "return" in SERVER | SIF | LOCATION | LIF, TAKE12, Special(Special::Return), Own,
        Differs("answers of status 1xx and 304 have neither a body nor a Content-Length (RFC 9110 §8.6)"), "Stops and answers with a status, a text or a redirect.";
    BREAK "break" in SERVER | SIF | LOCATION | LIF, NOARGS, Special(Special::Break), Own,
        Honoured, "Stops the rewrite directives of this level.";
    IF "if" in SERVER | LOCATION, MORE1 block, Special(Special::If), Own,
        Honoured, "Settings and rewrite directives under a condition.";
    SET "set" in SERVER | SIF | LOCATION | LIF, TAKE2, Special(Special::Set), Own,
        Honoured, "Sets a variable.";
    REWRITE_LOG "rewrite_log" in HTTP | SERVER | SIF | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Honoured, "Whether rewriting is logged at level notice.";
    UNINITIALIZED_VARIABLE_WARN "uninitialized_variable_warn" in HTTP | SERVER | SIF | LOCATION | LIF,
        FLAG, Flag = "on", Nearest,
        Accepted("a variable without a value is empty, and nobody is told"), "Whether the use of a variable never set is logged.";
}
