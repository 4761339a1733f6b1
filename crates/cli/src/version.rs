//! What `-v`, `-V` and `-h` print.

use portunus_app::{DEFAULT_CONF, DEFAULT_ERROR_LOG, DEFAULT_PREFIX, NGINX_VERSION};

/// Modules that tools (nginx's own test suite among them) look for in `-V`.
const PRESENT: &str = "--with-debug --with-http_ssl_module --with-http_v2_module --with-http_realip_module \
     --with-http_stub_status_module --with-http_gunzip_module --with-http_gzip_static_module \
     --with-http_random_index_module --with-http_sub_module --with-http_addition_module \
     --with-http_auth_request_module --with-http_secure_link_module";

/// Modules of nginx's default build that are not here, named the same way.
const ABSENT: &[&str] = &[
    "uwsgi",
    "scgi",
    "grpc",
    "memcached",
    "browser",
    "tunnel",
    "upstream_least_time",
    "upstream_sticky",
];

/// The version lines; `nginx/…` is the version whose behaviour we follow.
pub(crate) fn version() -> String {
    format!(
        "portunus version: portunus/{} (nginx configuration compatible)\n\
         nginx version: nginx/{NGINX_VERSION}\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The lines of `-V` behind the version: `configure arguments`, and before them what nginx says of TLS.
pub(crate) fn configure_arguments() -> String {
    let without: Vec<_> = ABSENT
        .iter()
        .map(|m| format!("--without-http_{m}_module"))
        .collect();
    format!(
        "TLS SNI support enabled\nconfigure arguments: {PRESENT} {}\n",
        without.join(" ")
    )
}

/// The text of `-h`.
pub(crate) fn usage() -> String {
    format!(
        "Usage: portunus [-?hvVtTq] [-s signal] [-p prefix]\n\
         \x20               [-e filename] [-c filename] [-g directives]\n\
         \x20      portunus serve [--help] [PUBLIC_DIR]\n\
         \x20      portunus explain [--help] [options] METHOD TARGET\n\
         \x20      portunus envsubst [--help] [--only] [options]\n\
         \x20      portunus healthcheck [--help] [options] [URL]\n\n\
         Options:\n\
         \x20 -?,-h         : this help\n\
         \x20 -v            : show version and exit\n\
         \x20 -V            : show version and configure options then exit\n\
         \x20 -t            : test configuration and exit\n\
         \x20 -T            : test configuration, dump it and exit\n\
         \x20 -q            : suppress non-error messages during configuration testing\n\
         \x20 -s signal     : send signal to a running server: stop, quit, reopen, reload\n\
         \x20 -p prefix     : set prefix path (default: {DEFAULT_PREFIX})\n\
         \x20 -e filename   : set error log file (default: {DEFAULT_ERROR_LOG})\n\
         \x20 -c filename   : set configuration file (default: {DEFAULT_CONF})\n\
         \x20 -g directives : set global directives out of configuration file\n\n"
    )
}
