//! ngx_http_userid_module: cookies that tell clients apart.

use super::kind::Special;
use super::words;

rows! { "userid": "ngx_http_userid_module: cookies that tell clients apart";
    USERID "userid" in HTTP | SERVER | LOCATION, TAKE1, Enumeration(words::USERID) = "off", Nearest,
        Honoured, "Whether such cookies are set.";
    USERID_SERVICE "userid_service" in HTTP | SERVER | LOCATION, TAKE1, Number, Nearest,
        Honoured, "Number of the server that sets them.";
    USERID_NAME "userid_name" in HTTP | SERVER | LOCATION, TAKE1, Text = "uid", Nearest,
        Honoured, "Name of the cookie.";
    USERID_DOMAIN "userid_domain" in HTTP | SERVER | LOCATION, TAKE1, Text = "none", Nearest,
        Honoured, "Domain of the cookie.";
    USERID_PATH "userid_path" in HTTP | SERVER | LOCATION, TAKE1, Text = "/", Nearest,
        Honoured, "Path of the cookie.";
    USERID_EXPIRES "userid_expires" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::UseridExpires) = "off", Nearest,
        Honoured, "How long the browser keeps the cookie.";
    USERID_FLAGS "userid_flags" in HTTP | SERVER | LOCATION,
        TAKE123, Bits(words::USERID_FLAGS) = "off", Nearest,
        Honoured, "Attributes of the cookie.";
    USERID_P3P "userid_p3p" in HTTP | SERVER | LOCATION, TAKE1, Text = "none", Nearest,
        Honoured, "Value of the P3P field.";
    USERID_MARK "userid_mark" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::UseridMark) = "off", Nearest,
        Honoured, "Character that makes the cookie refreshed.";
}
