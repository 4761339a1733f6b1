//! ngx_http_uwsgi_module: uWSGI servers, refused.

use super::kind::Special;
use super::words;

rows! { "uwsgi": "ngx_http_uwsgi_module: uWSGI servers, refused";
    UWSGI_PASS "uwsgi_pass" in LOCATION | LIF, TAKE1, Words, Location,
        Unsupported, "server that answers.";
    UWSGI_MODIFIER1 "uwsgi_modifier1" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(0, 255) = "0", Nearest,
        Unsupported, "First modifier of the packet.";
    UWSGI_MODIFIER2 "uwsgi_modifier2" in HTTP | SERVER | LOCATION,
        TAKE1, NumberIn(0, 255) = "0", Nearest,
        Unsupported, "Second modifier of the packet.";
    UWSGI_STORE "uwsgi_store" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Store) = "off", Nearest,
        Unsupported, "Keeps answers as files.";
    UWSGI_STORE_ACCESS "uwsgi_store_access" in HTTP | SERVER | LOCATION,
        TAKE123, AccessRights = "user:rw", Nearest,
        Unsupported, "Access rights of such files.";
    UWSGI_BUFFERING "uwsgi_buffering" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the answer is taken in before it is passed on.";
    UWSGI_REQUEST_BUFFERING "uwsgi_request_buffering" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the request body is taken in before it is passed on.";
    UWSGI_IGNORE_CLIENT_ABORT "uwsgi_ignore_client_abort" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether a request goes on when its client is gone.";
    UWSGI_BIND "uwsgi_bind" in HTTP | SERVER | LOCATION, TAKE12, Special(Special::Bind), Nearest,
        Unsupported, "Own address of outgoing connections.";
    UWSGI_SOCKET_KEEPALIVE "uwsgi_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the kernel probes idle connections.";
    UWSGI_SOCKET_RCVBUF "uwsgi_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Receive buffer of outgoing connections.";
    UWSGI_SOCKET_SNDBUF "uwsgi_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Send buffer of outgoing connections.";
    UWSGI_CONNECT_TIMEOUT "uwsgi_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long connecting may take.";
    UWSGI_SEND_TIMEOUT "uwsgi_send_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long sending may pause.";
    UWSGI_BUFFER_SIZE "uwsgi_buffer_size" in HTTP | SERVER | LOCATION, TAKE1, Size = "4k", Nearest,
        Unsupported, "Buffer for the first part of the answer, its head.";
    UWSGI_PASS_REQUEST_HEADERS "uwsgi_pass_request_headers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether request fields are passed on.";
    UWSGI_PASS_REQUEST_BODY "uwsgi_pass_request_body" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the request body is passed on.";
    UWSGI_INTERCEPT_ERRORS "uwsgi_intercept_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether error_page applies to answers of servers.";
    UWSGI_READ_TIMEOUT "uwsgi_read_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long the answer may pause.";
    UWSGI_BUFFERS "uwsgi_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "8 4k", Nearest,
        Unsupported, "How much of an answer is kept in memory.";
    UWSGI_BUSY_BUFFERS_SIZE "uwsgi_busy_buffers_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Unsupported, "How much may be on its way to the client.";
    UWSGI_FORCE_RANGES "uwsgi_force_ranges" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether ranges are cut out of any answer.";
    UWSGI_LIMIT_RATE "uwsgi_limit_rate" in HTTP | SERVER | LOCATION,
        TAKE1, ComplexSize = "0", Nearest,
        Unsupported, "Bytes per second that answers are read at.";
    UWSGI_CACHE "uwsgi_cache" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Cache) = "off", Nearest,
        Unsupported, "Zone that answers are kept in.";
    UWSGI_CACHE_KEY "uwsgi_cache_key" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::CacheKey), Nearest,
        Unsupported, "Key that answers are kept under.";
    UWSGI_CACHE_PATH "uwsgi_cache_path" in HTTP, MORE2, Special(Special::CachePath), Own,
        Accepted("there is no uWSGI here, so nothing uses it"),
        "Where answers are kept, and in what zone.";
    UWSGI_CACHE_BYPASS "uwsgi_cache_bypass" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Unsupported, "When not to answer from the cache.";
    UWSGI_NO_CACHE "uwsgi_no_cache" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Unsupported, "When not to keep an answer.";
    UWSGI_CACHE_VALID "uwsgi_cache_valid" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::CacheValid), Nearest,
        Unsupported, "How long answers are kept, by status.";
    UWSGI_CACHE_MIN_USES "uwsgi_cache_min_uses" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Unsupported, "How often an answer must be asked for to be kept.";
    UWSGI_CACHE_MAX_RANGE_OFFSET "uwsgi_cache_max_range_offset" in HTTP | SERVER | LOCATION,
        TAKE1, Offset, Nearest,
        Unsupported, "From which offset on ranges go around the cache.";
    UWSGI_CACHE_USE_STALE "uwsgi_cache_use_stale" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "off", Nearest,
        Unsupported, "When an outdated answer may be sent.";
    UWSGI_CACHE_METHODS "uwsgi_cache_methods" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::CACHE_METHODS) = "GET HEAD", Nearest,
        Unsupported, "Methods whose answers are kept.";
    UWSGI_CACHE_LOCK "uwsgi_cache_lock" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether one request alone fills an entry.";
    UWSGI_CACHE_LOCK_TIMEOUT "uwsgi_cache_lock_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Unsupported, "How long others wait for it.";
    UWSGI_CACHE_LOCK_AGE "uwsgi_cache_lock_age" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Unsupported, "After how long another may try.";
    UWSGI_CACHE_REVALIDATE "uwsgi_cache_revalidate" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether outdated entries are revalidated.";
    UWSGI_CACHE_BACKGROUND_UPDATE "uwsgi_cache_background_update" in HTTP | SERVER | LOCATION,
        TAKE1, Flag = "off", Nearest,
        Unsupported, "Whether outdated entries are renewed in the background.";
    UWSGI_TEMP_PATH "uwsgi_temp_path" in HTTP | SERVER | LOCATION,
        TAKE1234, Path = "uwsgi_temp", Nearest,
        Accepted("there is no uWSGI here, so nothing uses it"),
        "Directory for answers that outgrow memory.";
    UWSGI_MAX_TEMP_FILE_SIZE "uwsgi_max_temp_file_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "1024m", Nearest,
        Unsupported, "How much of an answer may go to a file.";
    UWSGI_TEMP_FILE_WRITE_SIZE "uwsgi_temp_file_write_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Unsupported, "How much is written to a file at once.";
    UWSGI_NEXT_UPSTREAM "uwsgi_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "error timeout", Nearest,
        Unsupported, "When the next server is asked.";
    UWSGI_NEXT_UPSTREAM_TRIES "uwsgi_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Unsupported, "How many servers are asked.";
    UWSGI_NEXT_UPSTREAM_TIMEOUT "uwsgi_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Unsupported, "For how long servers are asked.";
    UWSGI_PARAM "uwsgi_param" in HTTP | SERVER | LOCATION, TAKE23, Special(Special::Param), Nearest,
        Unsupported, "A parameter that the server gets.";
    UWSGI_STRING "uwsgi_string" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Unsupported, "A string that is passed on.";
    UWSGI_PASS_HEADER "uwsgi_pass_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is passed on after all.";
    UWSGI_HIDE_HEADER "uwsgi_hide_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is held back.";
    UWSGI_IGNORE_HEADERS "uwsgi_ignore_headers" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::IGNORE_HEADERS), Nearest,
        Unsupported, "Fields of the answer that have no effect here.";
    UWSGI_SSL_SESSION_REUSE "uwsgi_ssl_session_reuse" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether TLS sessions are resumed.";
    UWSGI_SSL_PROTOCOLS "uwsgi_ssl_protocols" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::SSL_PROTOCOLS) = "TLSv1.2 TLSv1.3", Nearest,
        Unsupported, "TLS versions that are offered.";
    UWSGI_SSL_CIPHERS "uwsgi_ssl_ciphers" in HTTP | SERVER | LOCATION,
        TAKE1, Text = "DEFAULT", Nearest,
        Unsupported, "Cipher suites that are offered.";
    UWSGI_SSL_NAME "uwsgi_ssl_name" in HTTP | SERVER | LOCATION,
        TAKE1, Complex = "$uwsgi_host", Nearest,
        Unsupported, "Name that the certificate must have.";
    UWSGI_SSL_SERVER_NAME "uwsgi_ssl_server_name" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the name is sent in the handshake.";
    UWSGI_SSL_VERIFY "uwsgi_ssl_verify" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the certificate is verified.";
    UWSGI_SSL_VERIFY_DEPTH "uwsgi_ssl_verify_depth" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Unsupported, "How long the certificate chain may be.";
    UWSGI_SSL_TRUSTED_CERTIFICATE "uwsgi_ssl_trusted_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Text, Nearest,
        Unsupported, "Authorities that are trusted.";
    UWSGI_SSL_CRL "uwsgi_ssl_crl" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Unsupported, "Revoked certificates.";
    UWSGI_SSL_CERTIFICATE "uwsgi_ssl_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Unsupported, "Own certificate.";
    UWSGI_SSL_CERTIFICATE_KEY "uwsgi_ssl_certificate_key" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Unsupported, "Own private key.";
    UWSGI_SSL_CERTIFICATE_CACHE "uwsgi_ssl_certificate_cache" in HTTP | SERVER | LOCATION,
        TAKE123, Special(Special::CertificateCache) = "off", Nearest,
        Unsupported, "Keeps certificates that are found at run time.";
    UWSGI_SSL_PASSWORD_FILE "uwsgi_ssl_password_file" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::PasswordFile), Nearest,
        Unsupported, "Passwords of private keys.";
    UWSGI_SSL_CONF_COMMAND "uwsgi_ssl_conf_command" in HTTP | SERVER | LOCATION,
        TAKE2, KeyValue, Nearest,
        Unsupported, "A command of OpenSSL's own configuration.";
}
