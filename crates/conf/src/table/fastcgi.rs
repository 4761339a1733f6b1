//! ngx_http_fastcgi_module: PHP behind FastCGI.

use super::kind::{SizeRule, Special};
use super::words;

rows! { "fastcgi": "ngx_http_fastcgi_module: PHP behind FastCGI";
    FASTCGI_PASS "fastcgi_pass" in LOCATION | LIF, TAKE1, Special(Special::FastcgiPass), Location,
        Differs("an answer whose head HTTP does not know (a name that is no token, control bytes in a value, a status outside of 200 to 599, two lengths or one that is no number), that is shorter than its length, or has no end, is a 502 or cut; nginx passes it on; a 204 tells no length (RFC 9110 §8.6); a status without a reason phrase gets the usual one; fields of one name stand together, in the spelling of the first; of a name with addresses of both families the IPv4 ones are asked"),
        "FastCGI server that answers.";
    FASTCGI_INDEX "fastcgi_index" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Honoured, "File name that is added to a path that ends in a slash.";
    FASTCGI_SPLIT_PATH_INFO "fastcgi_split_path_info" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::SplitPathInfo), Nearest,
        Honoured, "Pattern that splits the path into script and PATH_INFO.";
    FASTCGI_STORE "fastcgi_store" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Store) = "off", Nearest,
        Differs("what is being written stands beside its place, whatever the temporary path is"), "Keeps answers as files.";
    FASTCGI_STORE_ACCESS "fastcgi_store_access" in HTTP | SERVER | LOCATION,
        TAKE123, AccessRights = "user:rw", Nearest,
        Honoured, "Access rights of such files.";
    FASTCGI_BUFFERING "fastcgi_buffering" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether the answer is taken in before it is passed on.";
    FASTCGI_REQUEST_BUFFERING "fastcgi_request_buffering" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Differs("off: what comes together with the head is taken first; a body whose length is not known, as a chunked one, is passed on while it comes only where fastcgi_param tells no CONTENT_LENGTH, without which PHP would read none of it"),
        "Whether the request body is taken in before it is passed on.";
    FASTCGI_IGNORE_CLIENT_ABORT "fastcgi_ignore_client_abort" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether a request goes on when its client is gone.";
    FASTCGI_BIND "fastcgi_bind" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::Bind), Nearest,
        Differs("an address with variables and \"transparent\" are refused; Unix sockets are not bound"), "Own address of outgoing connections.";
    FASTCGI_SOCKET_KEEPALIVE "fastcgi_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether the kernel probes idle connections.";
    FASTCGI_SOCKET_RCVBUF "fastcgi_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Accepted("socket buffers are left to the kernel"),
        "Receive buffer of outgoing connections.";
    FASTCGI_SOCKET_SNDBUF "fastcgi_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Accepted("socket buffers are left to the kernel"), "Send buffer of outgoing connections.";
    FASTCGI_CONNECT_TIMEOUT "fastcgi_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long connecting may take.";
    FASTCGI_SEND_TIMEOUT "fastcgi_send_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long sending may pause.";
    FASTCGI_SEND_LOWAT "fastcgi_send_lowat" in HTTP | SERVER | LOCATION,
        TAKE1, SizeWith(SizeRule::LowWater) = "0", Nearest,
        Accepted("the low-water mark of sockets is left to the kernel"),
        "Low-water mark of outgoing connections.";
    FASTCGI_BUFFER_SIZE "fastcgi_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "4k", Nearest,
        Differs("a larger head is taken, up to 256k and 1000 fields, with one warning, where nginx answers 502"),
        "Buffer for the first part of the answer, its head.";
    FASTCGI_PASS_REQUEST_HEADERS "fastcgi_pass_request_headers" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Differs("fields whose names have anything but letters, digits and dashes are not passed on, since PHP could not tell \"_\" from \"-\", nor is \"Proxy\", which programs take for a variable of the environment (httpoxy)"), "Whether request fields are passed on.";
    FASTCGI_PASS_REQUEST_BODY "fastcgi_pass_request_body" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Honoured, "Whether the request body is passed on.";
    FASTCGI_INTERCEPT_ERRORS "fastcgi_intercept_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether error_page applies to answers of FastCGI servers.";
    FASTCGI_READ_TIMEOUT "fastcgi_read_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long the answer may pause.";
    FASTCGI_BUFFERS "fastcgi_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "8 4k", Nearest,
        Honoured, "How much of an answer is kept in memory.";
    FASTCGI_BUSY_BUFFERS_SIZE "fastcgi_busy_buffers_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Accepted("what is being sent does not count apart"),
        "How much may be on its way to the client.";
    FASTCGI_FORCE_RANGES "fastcgi_force_ranges" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether ranges are cut out of any answer.";
    FASTCGI_LIMIT_RATE "fastcgi_limit_rate" in HTTP | SERVER | LOCATION,
        TAKE1, ComplexSize = "0", Nearest,
        Honoured, "Bytes per second that answers are read at.";
    FASTCGI_CACHE "fastcgi_cache" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Cache) = "off", Nearest,
        Differs("an answer is kept even if the request that brought it had conditions that failed (412); X-Accel-Expires rules over Cache-Control and Expires, and max-age over Expires, in whatever order they come, as in nginx since 1.23"), "Zone that answers are kept in.";
    FASTCGI_CACHE_KEY "fastcgi_cache_key" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::CacheKey), Nearest,
        Differs("an answer to HEAD is kept only where the key has the method in it; nginx keeps its empty body for GET, too"), "Key that answers are kept under.";
    FASTCGI_CACHE_PATH "fastcgi_cache_path" in HTTP, MORE2, Special(Special::CachePath), Own,
        Differs("temporary files stand beside the entries, whatever use_temp_path says; unknown files are left alone; more than max_size goes at once; memory= is ours: bytes held in memory beside the files, 16m by default"), "Where answers are kept, and in what zone.";
    FASTCGI_CACHE_BYPASS "fastcgi_cache_bypass" in HTTP | SERVER | LOCATION,
        MORE1, Predicates, Nearest,
        Honoured, "When not to answer from the cache.";
    FASTCGI_NO_CACHE "fastcgi_no_cache" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Honoured, "When not to keep an answer.";
    FASTCGI_CACHE_VALID "fastcgi_cache_valid" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::CacheValid), Nearest,
        Honoured, "How long answers are kept, by status.";
    FASTCGI_CACHE_MIN_USES "fastcgi_cache_min_uses" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Honoured, "How often an answer must be asked for to be kept.";
    FASTCGI_CACHE_MAX_RANGE_OFFSET "fastcgi_cache_max_range_offset" in HTTP | SERVER | LOCATION,
        TAKE1, Offset, Nearest,
        Honoured, "From which offset on ranges go around the cache.";
    FASTCGI_CACHE_USE_STALE "fastcgi_cache_use_stale" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "off", Nearest,
        Honoured, "When an outdated answer may be sent.";
    FASTCGI_CACHE_METHODS "fastcgi_cache_methods" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::CACHE_METHODS) = "GET HEAD", Nearest,
        Differs("the answer to a HEAD is kept only where the key holds the method"), "Methods whose answers are kept.";
    FASTCGI_CACHE_LOCK "fastcgi_cache_lock" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether one request alone fills an entry.";
    FASTCGI_CACHE_LOCK_TIMEOUT "fastcgi_cache_lock_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Honoured, "How long others wait for it.";
    FASTCGI_CACHE_LOCK_AGE "fastcgi_cache_lock_age" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "5s", Nearest,
        Honoured, "After how long another may try.";
    FASTCGI_CACHE_REVALIDATE "fastcgi_cache_revalidate" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Differs("an entry that a 304 with another Vary confirms is fetched anew; nginx files it for requests like that one"),
        "Whether outdated entries are revalidated.";
    FASTCGI_CACHE_BACKGROUND_UPDATE "fastcgi_cache_background_update" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether outdated entries are renewed in the background.";
    FASTCGI_TEMP_PATH "fastcgi_temp_path" in HTTP | SERVER | LOCATION,
        TAKE1234, Path = "fastcgi_temp", Nearest,
        Differs("where nothing can be written there, as on a read-only root, the system's place for temporary files is used, with a warning where `fastcgi_pass` needs it; nginx does not start"),
        "Directory for answers that outgrow memory.";
    FASTCGI_MAX_TEMP_FILE_SIZE "fastcgi_max_temp_file_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "1024m", Nearest,
        Honoured, "How much of an answer may go to a file.";
    FASTCGI_TEMP_FILE_WRITE_SIZE "fastcgi_temp_file_write_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Accepted("the size of writes is chosen by measurement"),
        "How much is written to a file at once.";
    FASTCGI_NEXT_UPSTREAM "fastcgi_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::FASTCGI_NEXT_UPSTREAM) = "error timeout", Nearest,
        Honoured, "When the next server is asked.";
    FASTCGI_NEXT_UPSTREAM_TRIES "fastcgi_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Honoured, "How many servers are asked.";
    FASTCGI_NEXT_UPSTREAM_TIMEOUT "fastcgi_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Honoured, "For how long servers are asked.";
    FASTCGI_PARAM "fastcgi_param" in HTTP | SERVER | LOCATION,
        TAKE23, Special(Special::Param), Nearest,
        Honoured, "A parameter that the FastCGI server gets.";
    FASTCGI_PASS_HEADER "fastcgi_pass_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Honoured, "Field of the answer that is passed on after all.";
    FASTCGI_HIDE_HEADER "fastcgi_hide_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Honoured, "Field of the answer that is held back.";
    FASTCGI_IGNORE_HEADERS "fastcgi_ignore_headers" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::IGNORE_HEADERS), Nearest,
        Honoured, "Fields of the answer that have no effect here.";
    FASTCGI_CATCH_STDERR "fastcgi_catch_stderr" in HTTP | SERVER | LOCATION,
        TAKE1, TextList, Nearest,
        Honoured, "Text on the error stream that makes an answer invalid.";
    FASTCGI_KEEP_CONN "fastcgi_keep_conn" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Differs("the pool keeps connections where it is safe, with or without it"),
        "Whether connections are kept open.";
}
