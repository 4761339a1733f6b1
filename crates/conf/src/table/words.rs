//! The words that enumerations and bit masks know, in nginx's order.

pub(super) const AUTOINDEX_FORMAT: &[&str] = &["html", "json", "jsonp", "xml"];
pub(super) const BODY_IN_FILE: &[&str] = &["off", "on", "clean"];
pub(super) const CACHE_METHODS: &[&str] = &["GET", "HEAD", "POST"];
pub(super) const DAV_METHODS: &[&str] = &["off", "put", "delete", "mkcol", "copy", "move"];
pub(super) const DEBUG_POINTS: &[&str] = &["stop", "abort"];
pub(super) const GZIP_HTTP_VERSION: &[&str] = &["1.0", "1.1"];
pub(super) const GZIP_PROXIED: &[&str] = &[
    "off",
    "expired",
    "no-cache",
    "no-store",
    "private",
    "no_last_modified",
    "no_etag",
    "auth",
    "any",
];
pub(super) const IF_MODIFIED_SINCE: &[&str] = &["off", "exact", "before"];
pub(super) const IGNORE_HEADERS: &[&str] = &[
    "X-Accel-Redirect",
    "X-Accel-Expires",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "Expires",
    "Cache-Control",
    "Set-Cookie",
    "Vary",
];
pub(super) const KEEPALIVE_DISABLE: &[&str] = &["none", "msie6", "safari"];
pub(super) const LIMIT_LOG_LEVEL: &[&str] = &["info", "notice", "warn", "error"];
pub(super) const OFF_ON_ALWAYS: &[&str] = &["off", "on", "always"];
pub(super) const OFF_ON_MERGE: &[&str] = &["off", "on", "merge"];
pub(super) const PROXY_HTTP_VERSION: &[&str] = &["1.0", "1.1", "2"];
pub(super) const REUSE: &[&str] = &["off", "safe", "always"];
pub(super) const SATISFY: &[&str] = &["all", "any"];
pub(super) const SERVER_PRODUCT: &[&str] = &["portunus", "nginx"];
pub(super) const SERVER_TOKENS: &[&str] = &["off", "on", "build"];
pub(super) const SSL_OCSP: &[&str] = &["off", "on", "leaf"];
pub(super) const SSL_PROTOCOLS: &[&str] =
    &["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
pub(super) const SSL_VERIFY: &[&str] = &["off", "on", "optional", "optional_no_ca"];
pub(super) const USERID: &[&str] = &["off", "log", "v1", "on"];
pub(super) const USERID_FLAGS: &[&str] = &[
    "off",
    "secure",
    "httponly",
    "samesite=strict",
    "samesite=lax",
    "samesite=none",
];

pub(super) const FASTCGI_NEXT_UPSTREAM: &[&str] = &[
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "http_500",
    "http_503",
    "http_403",
    "http_404",
    "http_429",
    "updating",
    "off",
];
pub(super) const GRPC_NEXT_UPSTREAM: &[&str] = &[
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "off",
];
pub(super) const MEMCACHED_NEXT_UPSTREAM: &[&str] =
    &["error", "timeout", "invalid_response", "not_found", "off"];
pub(super) const PROXY_NEXT_UPSTREAM: &[&str] = &[
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "updating",
    "off",
];
pub(super) const TUNNEL_NEXT_UPSTREAM: &[&str] = &["error", "timeout", "off"];
pub(super) const WORKER_SCHEDULING: &[&str] = &["auto", "normal", "batch"];
