//! ngx_http_charset_module: the charset of an answer.

use super::kind::Special;

rows! { "charset": "ngx_http_charset_module: the charset of an answer";
    CHARSET "charset" in HTTP | SERVER | LOCATION | LIF,
        TAKE1, Special(Special::Charset) = "off", Nearest,
        Differs("a variable that says \"off\", or has no value, names none; to nginx the first is a charset, and to the second it gives no answer"),
        "Charset that is added to Content-Type.";
    SOURCE_CHARSET "source_charset" in HTTP | SERVER | LOCATION | LIF,
        TAKE1, Special(Special::Charset), Nearest,
        Differs("a variable that says \"off\", or has no value, names none"), "Charset that the answer comes in.";
    OVERRIDE_CHARSET "override_charset" in HTTP | SERVER | LOCATION | LIF,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether a charset that came from upstream may be replaced.";
    CHARSET_TYPES "charset_types" in HTTP | SERVER | LOCATION,
        MORE1, MimeTypes = "text/html text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml", Nearest,
        Honoured, "Media types that get a charset.";
    CHARSET_MAP "charset_map" in HTTP, TAKE2 block, Special(Special::CharsetMap), Own,
        Honoured, "Table that converts one charset to another.";
}
