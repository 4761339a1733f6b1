//! ngx_http_proxy_module: HTTP servers behind this one.

use super::kind::{SizeRule, Special};
use super::words;

rows! { "proxy": "ngx_http_proxy_module: HTTP servers behind this one";
    PROXY_PASS "proxy_pass" in LOCATION | LIF | LMT, TAKE1, Special(Special::ProxyPass), Location,
        Differs("blanks and control bytes that variables bring into the target are escaped again"), "HTTP server that answers.";
    PROXY_REDIRECT "proxy_redirect" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::ProxyRedirect) = "default", Nearest,
        Differs("the default is that of the `proxy_pass` at hand; nginx takes over that of a location around it"), "Changes Location and Refresh of answers.";
    PROXY_COOKIE_DOMAIN "proxy_cookie_domain" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::CookieRule) = "off", Nearest,
        Honoured, "Changes the domain of cookies.";
    PROXY_COOKIE_PATH "proxy_cookie_path" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::CookieRule) = "off", Nearest,
        Honoured, "Changes the path of cookies.";
    PROXY_COOKIE_FLAGS "proxy_cookie_flags" in HTTP | SERVER | LOCATION,
        TAKE1234, Special(Special::CookieFlags) = "off", Nearest,
        Honoured, "Changes the attributes of cookies.";
    PROXY_STORE "proxy_store" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Store) = "off", Nearest,
        Differs("what is being written stands beside its place, whatever the temporary path is"), "Keeps answers as files.";
    PROXY_STORE_ACCESS "proxy_store_access" in HTTP | SERVER | LOCATION,
        TAKE123, AccessRights = "user:rw", Nearest,
        Honoured, "Access rights of such files.";
    PROXY_BUFFERING "proxy_buffering" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether the answer is taken in before it is passed on.";
    PROXY_REQUEST_BUFFERING "proxy_request_buffering" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether the request body is taken in before it is passed on.";
    PROXY_IGNORE_CLIENT_ABORT "proxy_ignore_client_abort" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Differs("with `proxy_buffering off` an answer that has begun ends when its client is gone"),
        "Whether a request goes on when its client is gone.";
    PROXY_BIND "proxy_bind" in HTTP | SERVER | LOCATION, TAKE12, Special(Special::Bind), Nearest,
        Differs("\"transparent\" is refused; Unix sockets are not bound"), "Own address of outgoing connections.";
    PROXY_SOCKET_KEEPALIVE "proxy_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether the kernel probes idle connections.";
    PROXY_SOCKET_RCVBUF "proxy_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Accepted("socket buffers are left to the kernel"),
        "Receive buffer of outgoing connections.";
    PROXY_SOCKET_SNDBUF "proxy_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Accepted("socket buffers are left to the kernel"), "Send buffer of outgoing connections.";
    PROXY_CONNECT_TIMEOUT "proxy_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long connecting may take.";
    PROXY_SEND_TIMEOUT "proxy_send_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long sending may pause.";
    PROXY_SEND_LOWAT "proxy_send_lowat" in HTTP | SERVER | LOCATION,
        TAKE1, SizeWith(SizeRule::LowWater) = "0", Nearest,
        Accepted("the low-water mark of sockets is left to the kernel"),
        "Low-water mark of outgoing connections.";
    PROXY_INTERCEPT_ERRORS "proxy_intercept_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether error_page applies to answers of the server.";
    PROXY_SET_HEADER "proxy_set_header" in HTTP | SERVER | LOCATION,
        TAKE2, KeyValue = "Host $proxy_host", Nearest,
        Differs("control bytes that variables bring in become blanks"), "Sets a field of the request that is passed on.";
    PROXY_HEADERS_HASH_MAX_SIZE "proxy_headers_hash_max_size" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "512", Nearest,
        Accepted("hash tables size themselves"), "Largest size of the hash table of such fields.";
    PROXY_HEADERS_HASH_BUCKET_SIZE "proxy_headers_hash_bucket_size" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "64", Nearest,
        Accepted("hash tables size themselves"), "Bucket size of the hash table of such fields.";
    PROXY_SET_BODY "proxy_set_body" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Honoured, "Body of the request that is passed on.";
    PROXY_METHOD "proxy_method" in HTTP | SERVER | LOCATION, TAKE1, Complex, Nearest,
        Honoured, "Method of the request that is passed on.";
    PROXY_PASS_REQUEST_HEADERS "proxy_pass_request_headers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether request fields are passed on.";
    PROXY_PASS_REQUEST_BODY "proxy_pass_request_body" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether the request body is passed on.";
    PROXY_PASS_TRAILERS "proxy_pass_trailers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether trailers of the answer are passed on.";
    PROXY_BUFFER_SIZE "proxy_buffer_size" in HTTP | SERVER | LOCATION, TAKE1, Size = "4k", Nearest,
        Honoured, "Buffer for the first part of the answer, its head.";
    PROXY_READ_TIMEOUT "proxy_read_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long the answer may pause.";
    PROXY_BUFFERS "proxy_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "8 4k", Nearest,
        Honoured, "How much of an answer is kept in memory.";
    PROXY_BUSY_BUFFERS_SIZE "proxy_busy_buffers_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Accepted("what is being sent does not count apart"),
        "How much may be on its way to the client.";
    PROXY_FORCE_RANGES "proxy_force_ranges" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether ranges are cut out of any answer.";
    PROXY_LIMIT_RATE "proxy_limit_rate" in HTTP | SERVER | LOCATION,
        TAKE1, ComplexSize = "0", Nearest,
        Honoured, "Bytes per second that answers are read at.";
    PROXY_CACHE "proxy_cache" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Cache) = "off", Nearest,
        Differs("an answer is kept even if the request that brought it had conditions that failed (412); X-Accel-Expires rules over Cache-Control and Expires, and max-age over Expires, in whatever order they come, as in nginx since 1.23"), "Zone that answers are kept in.";
    PROXY_CACHE_KEY "proxy_cache_key" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::CacheKey) = "$scheme$proxy_host$request_uri", Nearest,
        Honoured,
        "Key that answers are kept under.";
    PROXY_CACHE_PATH "proxy_cache_path" in HTTP, MORE2, Special(Special::CachePath), Own,
        Differs("temporary files stand beside the entries, whatever use_temp_path says; unknown files are left alone; more than max_size goes at once; memory= is ours: bytes held in memory beside the files, 16m by default"),
        "Where answers are kept, and in what zone.";
    PROXY_CACHE_BYPASS "proxy_cache_bypass" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Honoured,
        "When not to answer from the cache.";
    PROXY_NO_CACHE "proxy_no_cache" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Honoured,
        "When not to keep an answer.";
    PROXY_CACHE_VALID "proxy_cache_valid" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::CacheValid), Nearest,
        Honoured,
        "How long answers are kept, by status.";
    PROXY_CACHE_MIN_USES "proxy_cache_min_uses" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Honoured,
        "How often an answer must be asked for to be kept.";
    PROXY_CACHE_MAX_RANGE_OFFSET "proxy_cache_max_range_offset" in HTTP | SERVER | LOCATION,
        TAKE1, Offset, Nearest,
        Honoured,
        "From which offset on ranges go around the cache.";
    PROXY_CACHE_USE_STALE "proxy_cache_use_stale" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::PROXY_NEXT_UPSTREAM) = "off", Nearest,
        Honoured,
        "When an outdated answer may be sent.";
    PROXY_CACHE_METHODS "proxy_cache_methods" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::CACHE_METHODS) = "GET HEAD", Nearest,
        Honoured,
        "Methods whose answers are kept.";
    PROXY_CACHE_LOCK "proxy_cache_lock" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured,
        "Whether one request alone fills an entry.";
    PROXY_CACHE_LOCK_TIMEOUT "proxy_cache_lock_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Honoured,
        "How long others wait for it.";
    PROXY_CACHE_LOCK_AGE "proxy_cache_lock_age" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Honoured,
        "After how long another may try.";
    PROXY_CACHE_REVALIDATE "proxy_cache_revalidate" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Differs("an entry that a 304 with another Vary confirms is fetched anew; nginx files it for requests like that one"),
        "Whether outdated entries are revalidated.";
    PROXY_CACHE_CONVERT_HEAD "proxy_cache_convert_head" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured,
        "Whether HEAD is turned into GET for the cache.";
    PROXY_CACHE_BACKGROUND_UPDATE "proxy_cache_background_update" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured,
        "Whether outdated entries are renewed in the background.";
    PROXY_TEMP_PATH "proxy_temp_path" in HTTP | SERVER | LOCATION,
        TAKE1234, Path = "proxy_temp", Nearest,
        Differs("where nothing can be written there, as on a read-only root, the system's place for temporary files is used, with a warning where `proxy_pass` needs it; nginx does not start"),
        "Directory for answers that outgrow memory.";
    PROXY_MAX_TEMP_FILE_SIZE "proxy_max_temp_file_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "1024m", Nearest,
        Honoured, "How much of an answer may go to a file.";
    PROXY_TEMP_FILE_WRITE_SIZE "proxy_temp_file_write_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Accepted("the size of writes is chosen by measurement"),
        "How much is written to a file at once.";
    PROXY_NEXT_UPSTREAM "proxy_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::PROXY_NEXT_UPSTREAM) = "error timeout", Nearest,
        Honoured, "When the next server is asked.";
    PROXY_NEXT_UPSTREAM_TRIES "proxy_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Honoured, "How many servers are asked.";
    PROXY_NEXT_UPSTREAM_TIMEOUT "proxy_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Honoured, "For how long servers are asked.";
    PROXY_PASS_HEADER "proxy_pass_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Honoured, "Field of the answer that is passed on after all.";
    PROXY_HIDE_HEADER "proxy_hide_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Honoured, "Field of the answer that is held back.";
    PROXY_IGNORE_HEADERS "proxy_ignore_headers" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::IGNORE_HEADERS), Nearest,
        Honoured, "Fields of the answer that have no effect here.";
    PROXY_HTTP_VERSION "proxy_http_version" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::PROXY_HTTP_VERSION) = "1.1", Nearest,
        Differs("\"2\" is refused"), "HTTP version that is spoken.";
    PROXY_SSL_SESSION_REUSE "proxy_ssl_session_reuse" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether TLS sessions are resumed.";
    PROXY_SSL_PROTOCOLS "proxy_ssl_protocols" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::SSL_PROTOCOLS) = "TLSv1.2 TLSv1.3", Nearest,
        Differs("TLSv1.2 and TLSv1.3 are offered; older ones are noted"), "TLS versions that are offered.";
    PROXY_SSL_CIPHERS "proxy_ssl_ciphers" in HTTP | SERVER | LOCATION,
        TAKE1, Text = "DEFAULT", Nearest,
        Differs("the forward-secret AEAD ciphers of TLSv1.2 are offered; others are noted"), "Cipher suites that are offered.";
    PROXY_SSL_NAME "proxy_ssl_name" in HTTP | SERVER | LOCATION,
        TAKE1, Complex = "$proxy_host", Nearest,
        Honoured, "Name that the certificate must have.";
    PROXY_SSL_SERVER_NAME "proxy_ssl_server_name" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether the name is sent in the handshake.";
    PROXY_SSL_VERIFY "proxy_ssl_verify" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Differs("a name with a \"*\" that is only a part of a label matches nothing (RFC 6125 §7.2)"), "Whether the certificate is verified.";
    PROXY_SSL_VERIFY_DEPTH "proxy_ssl_verify_depth" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Honoured, "How long the certificate chain may be.";
    PROXY_SSL_TRUSTED_CERTIFICATE "proxy_ssl_trusted_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Text, Nearest,
        Honoured, "Authorities that are trusted.";
    PROXY_SSL_CRL "proxy_ssl_crl" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Honoured, "Revoked certificates.";
    PROXY_SSL_CERTIFICATE "proxy_ssl_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Differs("a name with variables in it is refused: certificates are loaded once"), "Own certificate.";
    PROXY_SSL_CERTIFICATE_KEY "proxy_ssl_certificate_key" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Differs("a name with variables in it is refused: certificates are loaded once"), "Own private key.";
    PROXY_SSL_CERTIFICATE_CACHE "proxy_ssl_certificate_cache" in HTTP | SERVER | LOCATION,
        TAKE123, Special(Special::CertificateCache) = "off", Nearest,
        Accepted("certificates are loaded once"), "Keeps certificates that are found at run time.";
    PROXY_SSL_PASSWORD_FILE "proxy_ssl_password_file" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::PasswordFile), Nearest,
        Differs("opens keys in PKCS #8; those with \"Proc-Type: 4,ENCRYPTED\" are refused"), "Passwords of private keys.";
    PROXY_SSL_CONF_COMMAND "proxy_ssl_conf_command" in HTTP | SERVER | LOCATION,
        TAKE2, KeyValue, Nearest,
        Accepted("TLS does not come from OpenSSL"), "A command of OpenSSL's own configuration.";
}
