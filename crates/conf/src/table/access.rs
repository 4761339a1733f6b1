//! ngx_http_access_module: access by client address.

use super::kind::Special;

rows! { "access": "ngx_http_access_module: access by client address";
    ALLOW "allow" in HTTP | SERVER | LOCATION | LMT, TAKE1, Special(Special::AccessRule), Nearest,
        Honoured, "Admits an address, a network or all.";
    DENY "deny" in HTTP | SERVER | LOCATION | LMT, TAKE1, Special(Special::AccessRule), Nearest,
        Honoured, "Refuses an address, a network or all.";
}
