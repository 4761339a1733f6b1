//! ngx_http_auth_basic_module and ngx_http_auth_request_module.

use super::kind::Special;

rows! { "auth": "ngx_http_auth_basic_module and ngx_http_auth_request_module";
    AUTH_BASIC "auth_basic" in HTTP | SERVER | LOCATION | LMT, TAKE1, Complex = "off", Nearest,
        Honoured, "Asks for name and password; the text names the realm.";
    AUTH_BASIC_USER_FILE "auth_basic_user_file" in HTTP | SERVER | LOCATION | LMT,
        TAKE1, Special(Special::AuthBasicUserFile), Nearest,
        Differs("hashes of yescrypt, scrypt and other rare schemes of crypt(3) never match, nor do those of a cost beyond 16 (bcrypt) or 5000000 rounds (SHA); a file is read when it changes"), "File of names and password hashes.";
    AUTH_REQUEST "auth_request" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::AuthRequest) = "off", Nearest,
        Honoured, "Lets a subrequest decide on access.";
    AUTH_REQUEST_SET "auth_request_set" in HTTP | SERVER | LOCATION,
        TAKE2, Special(Special::AuthRequestSet), Nearest,
        Honoured, "Sets a variable when the deciding subrequest is done.";
}
