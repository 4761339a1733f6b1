//! Directives of third-party modules that real configurations use. They stay unknown here, as they
//! are to nginx without the module; knowing them lets the message name the module.

/// Name of the directive and of its module.
const FOREIGN: &[(&str, &str)] = &[
    ("access_by_lua_block", "lua-nginx-module"),
    ("access_by_lua_file", "lua-nginx-module"),
    ("cache_purge", "ngx_cache_purge"),
    ("content_by_lua_block", "lua-nginx-module"),
    ("content_by_lua_file", "lua-nginx-module"),
    ("echo", "echo-nginx-module"),
    ("fastcgi_cache_purge", "ngx_cache_purge"),
    ("geoip_country", "ngx_http_geoip_module"),
    ("image_filter", "ngx_http_image_filter_module"),
    ("init_by_lua_block", "lua-nginx-module"),
    ("js_import", "njs"),
    ("lua_package_path", "lua-nginx-module"),
    ("modsecurity", "ModSecurity-nginx"),
    ("more_clear_headers", "headers-more-nginx-module"),
    ("more_clear_input_headers", "headers-more-nginx-module"),
    ("more_set_headers", "headers-more-nginx-module"),
    ("more_set_input_headers", "headers-more-nginx-module"),
    ("pagespeed", "ngx_pagespeed"),
    ("passenger_enabled", "Phusion Passenger"),
    ("perl", "ngx_http_perl_module"),
    ("report_uploads", "nginx-upload-progress-module"),
    ("rewrite_by_lua_block", "lua-nginx-module"),
    ("set_by_lua_block", "lua-nginx-module"),
    ("track_uploads", "nginx-upload-progress-module"),
    ("upload_progress", "nginx-upload-progress-module"),
    (
        "upload_progress_json_output",
        "nginx-upload-progress-module",
    ),
    ("vhost_traffic_status", "nginx-module-vts"),
    ("vhost_traffic_status_display", "nginx-module-vts"),
    ("vhost_traffic_status_zone", "nginx-module-vts"),
    ("xslt_stylesheet", "ngx_http_xslt_module"),
];

/// The third-party module that knows a directive of this name.
#[must_use]
pub fn foreign_module(name: &str) -> Option<&'static str> {
    let found = FOREIGN.iter().find(|(directive, _)| *directive == name);
    found.map(|(_, module)| *module)
}
