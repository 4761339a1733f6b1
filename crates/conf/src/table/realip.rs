//! ngx_http_realip_module: the client address behind a proxy.

use super::kind::Special;

rows! { "realip": "ngx_http_realip_module: the client address behind a proxy";
    SET_REAL_IP_FROM "set_real_ip_from" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::RealIpFrom), Nearest,
        Honoured, "A proxy whose word on the client address is trusted.";
    REAL_IP_HEADER "real_ip_header" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::RealIpHeader) = "X-Real-IP", Nearest,
        Honoured, "Field that tells the client address.";
    REAL_IP_RECURSIVE "real_ip_recursive" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether trusted addresses in the field are passed over.";
}
