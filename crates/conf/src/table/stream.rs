//! Whole areas of nginx that are not there.

rows! { "stream": "ngx_stream_core_module, ngx_mail_core_module, ngx_google_perftools_module";
    STREAM "stream" in MAIN, NOARGS block, Words, Own,
        Refused("the \"stream\" directive is not supported: only HTTP is served"),
        "Proxies TCP and UDP.";
    MAIL "mail" in MAIN, NOARGS block, Words, Own,
        Refused("the \"mail\" directive is not supported: only HTTP is served"),
        "Proxies mail protocols.";
    GOOGLE_PERFTOOLS_PROFILES "google_perftools_profiles" in MAIN, TAKE1, Text, Own,
        Accepted("profiles are not taken this way"), "Prefix of profile files.";
}
