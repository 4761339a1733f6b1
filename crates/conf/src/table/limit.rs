//! ngx_http_limit_conn_module and ngx_http_limit_req_module.

use super::kind::Special;
use super::words;

rows! { "limit": "ngx_http_limit_conn_module and ngx_http_limit_req_module";
    LIMIT_CONN_ZONE "limit_conn_zone" in HTTP, TAKE2, Special(Special::LimitConnZone), Own,
        Honoured, "A zone that counts connections by key.";
    LIMIT_CONN "limit_conn" in HTTP | SERVER | LOCATION,
        TAKE2, Special(Special::LimitConn), Nearest,
        Honoured, "How many connections one key may have.";
    LIMIT_CONN_LOG_LEVEL "limit_conn_log_level" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::LIMIT_LOG_LEVEL) = "error", Nearest,
        Honoured, "Level that refusals are logged at.";
    LIMIT_CONN_STATUS "limit_conn_status" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(400, 599) = "503", Nearest,
        Honoured, "Status of refusals.";
    LIMIT_CONN_DRY_RUN "limit_conn_dry_run" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether refusals are only counted.";
    LIMIT_REQ_ZONE "limit_req_zone" in HTTP, TAKE3, Special(Special::LimitReqZone), Own,
        Honoured, "A zone that measures the request rate by key.";
    LIMIT_REQ "limit_req" in HTTP | SERVER | LOCATION, TAKE123, Special(Special::LimitReq), Nearest,
        Honoured, "Which zone limits requests, and how far it may be exceeded.";
    LIMIT_REQ_LOG_LEVEL "limit_req_log_level" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::LIMIT_LOG_LEVEL) = "error", Nearest,
        Honoured, "Level that refusals are logged at; delays one below.";
    LIMIT_REQ_STATUS "limit_req_status" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(400, 599) = "503", Nearest,
        Honoured, "Status of refusals.";
    LIMIT_REQ_DRY_RUN "limit_req_dry_run" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether refusals and delays are only counted.";
}
