//! ngx_http_headers_module: fields that are added to answers.

use super::kind::Special;
use super::words;

rows! { "headers": "ngx_http_headers_module: fields that are added to answers";
    EXPIRES "expires" in HTTP | SERVER | LOCATION | LIF,
        TAKE12, Special(Special::Expires) = "off", Nearest,
        Honoured, "Sets Expires and Cache-Control.";
    ADD_HEADER "add_header" in HTTP | SERVER | LOCATION | LIF,
        TAKE23, Special(Special::AddHeader), Nearest,
        Differs("a 416 has it once, where nginx adds it again with the page of the error; a name that is no token is refused, a value with a control byte left out; Connection, Keep-Alive and Transfer-Encoding are left out, as is a second Content-Length; what has a Content-Encoding by it is not compressed again, and `gunzip` unpacks it"),
        "Adds a field to answers; \"always\" adds it to errors too.";
    ADD_TRAILER "add_trailer" in HTTP | SERVER | LOCATION | LIF,
        TAKE23, Special(Special::AddHeader), Nearest,
        Honoured, "Adds a field to the end of answers.";
    ADD_HEADER_INHERIT "add_header_inherit" in HTTP | SERVER | LOCATION | LIF,
        TAKE1, Enumeration(words::OFF_ON_MERGE) = "on", Nearest,
        Honoured, "Whether fields of the outer level are kept or merged.";
    ADD_TRAILER_INHERIT "add_trailer_inherit" in HTTP | SERVER | LOCATION | LIF,
        TAKE1, Enumeration(words::OFF_ON_MERGE) = "on", Nearest,
        Honoured, "Whether trailers of the outer level are kept or merged.";
}
