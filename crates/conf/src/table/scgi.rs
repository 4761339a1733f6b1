//! ngx_http_scgi_module: SCGI servers, refused.

use super::kind::Special;
use super::words;

rows! { "scgi": "ngx_http_scgi_module: SCGI servers, refused";
    SCGI_PASS "scgi_pass" in LOCATION | LIF, TAKE1, Words, Location,
        Unsupported, "server that answers.";
    SCGI_STORE "scgi_store" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Store) = "off", Nearest,
        Unsupported, "Keeps answers as files.";
    SCGI_STORE_ACCESS "scgi_store_access" in HTTP | SERVER | LOCATION,
        TAKE123, AccessRights = "user:rw", Nearest,
        Unsupported, "Access rights of such files.";
    SCGI_BUFFERING "scgi_buffering" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the answer is taken in before it is passed on.";
    SCGI_REQUEST_BUFFERING "scgi_request_buffering" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the request body is taken in before it is passed on.";
    SCGI_IGNORE_CLIENT_ABORT "scgi_ignore_client_abort" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether a request goes on when its client is gone.";
    SCGI_BIND "scgi_bind" in HTTP | SERVER | LOCATION, TAKE12, Special(Special::Bind), Nearest,
        Unsupported, "Own address of outgoing connections.";
    SCGI_SOCKET_KEEPALIVE "scgi_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the kernel probes idle connections.";
    SCGI_SOCKET_RCVBUF "scgi_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Receive buffer of outgoing connections.";
    SCGI_SOCKET_SNDBUF "scgi_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Send buffer of outgoing connections.";
    SCGI_CONNECT_TIMEOUT "scgi_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long connecting may take.";
    SCGI_SEND_TIMEOUT "scgi_send_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long sending may pause.";
    SCGI_BUFFER_SIZE "scgi_buffer_size" in HTTP | SERVER | LOCATION, TAKE1, Size = "4k", Nearest,
        Unsupported, "Buffer for the first part of the answer, its head.";
    SCGI_PASS_REQUEST_HEADERS "scgi_pass_request_headers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether request fields are passed on.";
    SCGI_PASS_REQUEST_BODY "scgi_pass_request_body" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether the request body is passed on.";
    SCGI_INTERCEPT_ERRORS "scgi_intercept_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether error_page applies to answers of servers.";
    SCGI_READ_TIMEOUT "scgi_read_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long the answer may pause.";
    SCGI_BUFFERS "scgi_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "8 4k", Nearest,
        Unsupported, "How much of an answer is kept in memory.";
    SCGI_BUSY_BUFFERS_SIZE "scgi_busy_buffers_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Unsupported, "How much may be on its way to the client.";
    SCGI_FORCE_RANGES "scgi_force_ranges" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether ranges are cut out of any answer.";
    SCGI_LIMIT_RATE "scgi_limit_rate" in HTTP | SERVER | LOCATION,
        TAKE1, ComplexSize = "0", Nearest,
        Unsupported, "Bytes per second that answers are read at.";
    SCGI_CACHE "scgi_cache" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Cache) = "off", Nearest,
        Unsupported, "Zone that answers are kept in.";
    SCGI_CACHE_KEY "scgi_cache_key" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::CacheKey), Nearest,
        Unsupported, "Key that answers are kept under.";
    SCGI_CACHE_PATH "scgi_cache_path" in HTTP, MORE2, Special(Special::CachePath), Own,
        Accepted("there is no SCGI here, so nothing uses it"),
        "Where answers are kept, and in what zone.";
    SCGI_CACHE_BYPASS "scgi_cache_bypass" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Unsupported, "When not to answer from the cache.";
    SCGI_NO_CACHE "scgi_no_cache" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Unsupported, "When not to keep an answer.";
    SCGI_CACHE_VALID "scgi_cache_valid" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::CacheValid), Nearest,
        Unsupported, "How long answers are kept, by status.";
    SCGI_CACHE_MIN_USES "scgi_cache_min_uses" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Unsupported, "How often an answer must be asked for to be kept.";
    SCGI_CACHE_MAX_RANGE_OFFSET "scgi_cache_max_range_offset" in HTTP | SERVER | LOCATION,
        TAKE1, Offset, Nearest,
        Unsupported, "From which offset on ranges go around the cache.";
    SCGI_CACHE_USE_STALE "scgi_cache_use_stale" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "off", Nearest,
        Unsupported, "When an outdated answer may be sent.";
    SCGI_CACHE_METHODS "scgi_cache_methods" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::CACHE_METHODS) = "GET HEAD", Nearest,
        Unsupported, "Methods whose answers are kept.";
    SCGI_CACHE_LOCK "scgi_cache_lock" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether one request alone fills an entry.";
    SCGI_CACHE_LOCK_TIMEOUT "scgi_cache_lock_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Unsupported, "How long others wait for it.";
    SCGI_CACHE_LOCK_AGE "scgi_cache_lock_age" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Unsupported, "After how long another may try.";
    SCGI_CACHE_REVALIDATE "scgi_cache_revalidate" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether outdated entries are revalidated.";
    SCGI_CACHE_BACKGROUND_UPDATE "scgi_cache_background_update" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether outdated entries are renewed in the background.";
    SCGI_TEMP_PATH "scgi_temp_path" in HTTP | SERVER | LOCATION,
        TAKE1234, Path = "scgi_temp", Nearest,
        Accepted("there is no SCGI here, so nothing uses it"),
        "Directory for answers that outgrow memory.";
    SCGI_MAX_TEMP_FILE_SIZE "scgi_max_temp_file_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "1024m", Nearest,
        Unsupported, "How much of an answer may go to a file.";
    SCGI_TEMP_FILE_WRITE_SIZE "scgi_temp_file_write_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Unsupported, "How much is written to a file at once.";
    SCGI_NEXT_UPSTREAM "scgi_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "error timeout", Nearest,
        Unsupported, "When the next server is asked.";
    SCGI_NEXT_UPSTREAM_TRIES "scgi_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Unsupported, "How many servers are asked.";
    SCGI_NEXT_UPSTREAM_TIMEOUT "scgi_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Unsupported, "For how long servers are asked.";
    SCGI_PARAM "scgi_param" in HTTP | SERVER | LOCATION, TAKE23, Special(Special::Param), Nearest,
        Unsupported, "A parameter that the server gets.";
    SCGI_PASS_HEADER "scgi_pass_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is passed on after all.";
    SCGI_HIDE_HEADER "scgi_hide_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is held back.";
    SCGI_IGNORE_HEADERS "scgi_ignore_headers" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::IGNORE_HEADERS), Nearest,
        Unsupported, "Fields of the answer that have no effect here.";
}
