//! ngx_http_core_module: servers, locations, clients, files.

use super::kind::{SizeRule, Special};
use super::words;

rows! { "http_core": "ngx_http_core_module: servers, locations, clients, files";
    HTTP "http" in MAIN, NOARGS block, Special(Special::Http), Own,
        Honoured, "Holds the settings of the HTTP server.";
    OUTPUT_BUFFERS "output_buffers" in HTTP | SERVER | LOCATION, TAKE2, Buffers = "2 32k", Nearest,
        Accepted("file chunks have one size, chosen by measurement"),
        "Number and size of the buffers for reading a file.";
    VARIABLES_HASH_MAX_SIZE "variables_hash_max_size" in HTTP, TAKE1, Number = "1024", Own,
        Accepted("hash tables size themselves"), "Largest size of the hash table of variables.";
    VARIABLES_HASH_BUCKET_SIZE "variables_hash_bucket_size" in HTTP, TAKE1, Number = "64", Own,
        Accepted("hash tables size themselves"), "Bucket size of the hash table of variables.";
    SERVER_NAMES_HASH_MAX_SIZE "server_names_hash_max_size" in HTTP, TAKE1, Number = "512", Own,
        Accepted("hash tables size themselves"), "Largest size of the hash tables of server names.";
    SERVER_NAMES_HASH_BUCKET_SIZE "server_names_hash_bucket_size" in HTTP,
        TAKE1, Number = "64", Own,
        Accepted("hash tables size themselves"), "Bucket size of the hash tables of server names.";
    SERVER "server" in HTTP, NOARGS block, Special(Special::Server), Own,
        Honoured, "A virtual server.";
    CONNECTION_POOL_SIZE "connection_pool_size" in HTTP | SERVER,
        TAKE1, SizeWith(SizeRule::Pool) = "512", Nearest,
        Accepted("memory is not taken from pools"), "First memory block of a connection.";
    REQUEST_POOL_SIZE "request_pool_size" in HTTP | SERVER,
        TAKE1, SizeWith(SizeRule::Pool) = "4k", Nearest,
        Accepted("memory is not taken from pools"), "First memory block of a request.";
    CLIENT_HEADER_TIMEOUT "client_header_timeout" in HTTP | SERVER, TAKE1, Msec = "60s", Nearest,
        Honoured, "How long a client may take to send its request head.";
    CLIENT_HEADER_BUFFER_SIZE "client_header_buffer_size" in HTTP | SERVER,
        TAKE1, Size = "1k", Nearest,
        Honoured, "First buffer for a request head.";
    LARGE_CLIENT_HEADER_BUFFERS "large_client_header_buffers" in HTTP | SERVER,
        TAKE2, Buffers = "4 8k", Nearest,
        Honoured, "Number and size of the buffers for a long request head.";
    MAX_HEADERS "max_headers" in HTTP | SERVER, TAKE1, Number = "1000", Nearest,
        Honoured, "How many fields a request head may have.";
    IGNORE_INVALID_HEADERS "ignore_invalid_headers" in HTTP | SERVER, FLAG, Flag = "on", Nearest,
        Differs("a line without a colon, control bytes in values, and extensions of chunks and trailers that are not well formed are refused; a chunk that is broken in what has come with the head is a 400 even where nobody would have looked at the body; CONNECT is a 405 with host and port and else a 400, as in current nginx"), "Whether fields with invalid names are dropped rather than refused.";
    MERGE_SLASHES "merge_slashes" in HTTP | SERVER, FLAG, Flag = "on", Nearest,
        Honoured, "Whether adjacent slashes in a path count as one.";
    UNDERSCORES_IN_HEADERS "underscores_in_headers" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Honoured, "Whether field names may contain underscores.";
    LOCATION "location" in SERVER | LOCATION, TAKE12 block, Special(Special::Location), Own,
        Differs("in this and in every other regular expression \"$\" does not match before a final line end, and a match that takes more than a few milliseconds fails with 500"), "Settings for the requests whose path matches.";
    LISTEN "listen" in SERVER, MORE1, Special(Special::Listen) = "*:80", Own,
        Differs("the file of a Unix socket that nobody listens on is replaced, where nginx does not start; on a loopback address the system's `bbr`, which paces by timers, gives way to `reno`: a large file takes a third of the CPU time; a reload does not change `reuseport`, and says so"),
        "Address and port, or Unix socket, to accept connections on.";
    SERVER_NAME "server_name" in SERVER, MORE1, Special(Special::ServerName) = "\"\"", Own,
        Honoured, "Names of a virtual server.";
    TYPES_HASH_MAX_SIZE "types_hash_max_size" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1024", Nearest,
        Accepted("hash tables size themselves"), "Largest size of the hash table of media types.";
    TYPES_HASH_BUCKET_SIZE "types_hash_bucket_size" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "64", Nearest,
        Accepted("hash tables size themselves"), "Bucket size of the hash table of media types.";
    TYPES "types" in HTTP | SERVER | LOCATION,
        NOARGS block, Special(Special::Types) = "text/html html; image/gif gif; image/jpeg jpg", Nearest,
        Honoured, "Maps file name extensions to media types.";
    DEFAULT_TYPE "default_type" in HTTP | SERVER | LOCATION, TAKE1, Text = "text/plain", Nearest,
        Honoured, "Media type where the extension tells nothing.";
    ROOT "root" in HTTP | SERVER | LOCATION | LIF, TAKE1, Special(Special::Root) = "html", Nearest,
        Honoured, "Directory that request paths are looked up below.";
    ALIAS "alias" in LOCATION, TAKE1, Special(Special::Root), Nearest,
        Differs("a URI that climbs out of it, as `/files../x` does in `location /files`, is not found; without a slash at its end `autoindex` lists the directory all the same, where nginx drops the last letter of its name"), "Path that stands in for the location's own.";
    LIMIT_EXCEPT "limit_except" in LOCATION, MORE1 block, Special(Special::LimitExcept), Own,
        Honoured, "Settings for all methods but the ones named.";
    CLIENT_MAX_BODY_SIZE "client_max_body_size" in HTTP | SERVER | LOCATION,
        TAKE1, Offset = "1m", Nearest,
        Differs("a page for a 413 or for a refused head is told of no body; nginx tells it what was announced"), "Largest request body; 0 lifts the limit.";
    CLIENT_BODY_BUFFER_SIZE "client_body_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "8k", Nearest,
        Honoured, "How much of a request body is kept in memory.";
    CLIENT_BODY_TIMEOUT "client_body_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Honoured, "How long a client may pause while it sends a body.";
    CLIENT_BODY_TEMP_PATH "client_body_temp_path" in HTTP | SERVER | LOCATION,
        TAKE1234, Path = "client_body_temp", Nearest,
        Differs("where nothing can be written there, as on a read-only root, the system's place for temporary files is used, with a warning; nginx does not start"),
        "Directory for request bodies that outgrow memory.";
    CLIENT_BODY_IN_FILE_ONLY "client_body_in_file_only" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::BODY_IN_FILE) = "off", Nearest,
        Differs("with `off` a body that outgrows memory is in a file without a name, and `$request_body_file` has no value"),
        "Whether every request body is put into a file.";
    CLIENT_BODY_IN_SINGLE_BUFFER "client_body_in_single_buffer" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Accepted("a body in memory always lies in one piece"),
        "Whether a request body is kept in one piece.";
    CLIENT_BODY_EARLY_READ "client_body_early_read" in HTTP | SERVER, MORE1, Predicates, Nearest,
        Accepted("a body is read when its handler asks for it"),
        "When to read a request body before the access phase.";
    SENDFILE "sendfile" in HTTP | SERVER | LOCATION | LIF, FLAG, Flag = "off", Nearest,
        Accepted("files are sent in the way that measured best"),
        "Whether the kernel copies files to the socket.";
    SENDFILE_MAX_CHUNK "sendfile_max_chunk" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "2m", Nearest,
        Honoured, "How much of a file one turn may send.";
    SUBREQUEST_OUTPUT_BUFFER_SIZE "subrequest_output_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "4k", Nearest,
        Honoured, "How much of a subrequest's answer an SSI variable may hold.";
    AIO "aio" in HTTP | SERVER | LOCATION, TAKE1, Special(Special::Aio) = "off", Nearest,
        Accepted("file reads never block the runtime"), "Whether files are read asynchronously.";
    AIO_WRITE "aio_write" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Accepted("file writes never block the runtime"),
        "Whether temporary files are written asynchronously.";
    READ_AHEAD "read_ahead" in HTTP | SERVER | LOCATION, TAKE1, Size = "0", Nearest,
        Accepted("read-ahead is left to the kernel"), "How far the kernel reads ahead in a file.";
    DIRECTIO "directio" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Directio) = "off", Nearest,
        Accepted("files are read through the page cache"),
        "From which size on files are read around the page cache.";
    DIRECTIO_ALIGNMENT "directio_alignment" in HTTP | SERVER | LOCATION,
        TAKE1, Offset = "512", Nearest,
        Accepted("files are read through the page cache"),
        "Alignment of reads around the page cache.";
    TCP_NOPUSH "tcp_nopush" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Accepted("heads and bodies leave in one write where they can"),
        "Whether segments are held back until they are full.";
    TCP_NODELAY "tcp_nodelay" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Accepted("small segments are never delayed"), "Whether small segments are sent at once.";
    SEND_TIMEOUT "send_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "60s", Nearest,
        Honoured, "How long a client may pause while it receives an answer.";
    SEND_LOWAT "send_lowat" in HTTP | SERVER | LOCATION,
        TAKE1, SizeWith(SizeRule::LowWater) = "0", Nearest,
        Accepted("the low-water mark of sockets is left to the kernel"),
        "Low-water mark of client sockets.";
    POSTPONE_OUTPUT "postpone_output" in HTTP | SERVER | LOCATION, TAKE1, Size = "1460", Nearest,
        Accepted("output is gathered per write, not per byte count"),
        "How much output is gathered before it is sent.";
    LIMIT_RATE "limit_rate" in HTTP | SERVER | LOCATION | LIF, TAKE1, ComplexSize = "0", Nearest,
        Honoured, "Bytes per second that one answer is sent at.";
    LIMIT_RATE_AFTER "limit_rate_after" in HTTP | SERVER | LOCATION | LIF,
        TAKE1, ComplexSize = "0", Nearest,
        Honoured, "How much of an answer is sent before the rate is limited.";
    KEEPALIVE_TIME "keepalive_time" in HTTP | SERVER | LOCATION, TAKE1, Msec = "1h", Nearest,
        Honoured, "How long one connection may serve requests.";
    KEEPALIVE_TIMEOUT "keepalive_timeout" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::KeepaliveTimeout) = "95s", Nearest,
        Differs("the default is 95s and not 75s, so that it outlasts the 90s of a Traefik in front"),
        "How long an idle connection is kept, and what the Keep-Alive field says.";
    KEEPALIVE_MIN_TIMEOUT "keepalive_min_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Honoured, "For how long an idle connection is kept even under pressure or at shutdown.";
    KEEPALIVE_REQUESTS "keepalive_requests" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1000", Nearest,
        Honoured, "How many requests one connection may carry.";
    KEEPALIVE_DISABLE "keepalive_disable" in HTTP | SERVER | LOCATION,
        TAKE12, Bits(words::KEEPALIVE_DISABLE) = "msie6", Nearest,
        Honoured, "Browsers that are denied kept connections.";
    SATISFY "satisfy" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::SATISFY) = "all", Nearest,
        Honoured, "Whether all access checks must pass, or any.";
    AUTH_DELAY "auth_delay" in HTTP | SERVER | LOCATION, TAKE1, Msec = "0s", Nearest,
        Honoured, "Delays answers with status 401.";
    INTERNAL "internal" in LOCATION, NOARGS, Special(Special::Internal), Nearest,
        Honoured, "Hides a location from requests that come from outside.";
    LINGERING_CLOSE "lingering_close" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::OFF_ON_ALWAYS) = "on", Nearest,
        Honoured, "Whether more input is read before a connection is closed.";
    LINGERING_TIME "lingering_time" in HTTP | SERVER | LOCATION, TAKE1, Msec = "30s", Nearest,
        Honoured, "How long input is read and thrown away before closing.";
    LINGERING_TIMEOUT "lingering_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "5s", Nearest,
        Honoured, "How long to wait for more such input.";
    RESET_TIMEDOUT_CONNECTION "reset_timedout_connection" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether a connection that timed out is reset.";
    ABSOLUTE_REDIRECT "absolute_redirect" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether redirects made by the server name scheme and host.";
    SERVER_NAME_IN_REDIRECT "server_name_in_redirect" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether such redirects name the first server name.";
    PORT_IN_REDIRECT "port_in_redirect" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether such redirects name the port.";
    MSIE_PADDING "msie_padding" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether short error pages are padded for old browsers and Chrome.";
    MSIE_REFRESH "msie_refresh" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether old browsers get a refresh instead of a redirect.";
    LOG_NOT_FOUND "log_not_found" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether missing files are logged as errors.";
    LOG_SUBREQUEST "log_subrequest" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether subrequests are logged to the access log.";
    RECURSIVE_ERROR_PAGES "recursive_error_pages" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether an error page may lead to another.";
    SERVER_TOKENS "server_tokens" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::SERVER_TOKENS) = "on", Nearest,
        Honoured, "Whether the version is told in error pages and the Server field.";
    IF_MODIFIED_SINCE "if_modified_since" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::IF_MODIFIED_SINCE) = "exact", Nearest,
        Differs("a date beside an entity tag is ignored (RFC 9110 §13.2.2); to nginx both count"), "How a file's time is compared with the client's.";
    MAX_RANGES "max_ranges" in HTTP | SERVER | LOCATION, TAKE1, Number, Nearest,
        Honoured, "How many ranges one request may ask for.";
    CHUNKED_TRANSFER_ENCODING "chunked_transfer_encoding" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Differs("an answer that breaks off where only the end of the connection tells its length, as with HTTP/1.0, ends in a reset, so that it does not look whole"), "Whether HTTP/1.1 answers of unknown length may be chunked.";
    ETAG "etag" in HTTP | SERVER | LOCATION, FLAG, Flag = "on", Nearest,
        Honoured, "Whether static files get an entity tag.";
    EARLY_HINTS "early_hints" in HTTP | SERVER | LOCATION, MORE1, Predicates, Nearest,
        Unsupported, "When to pass on interim 103 answers.";
    ERROR_PAGE "error_page" in HTTP | SERVER | LOCATION | LIF,
        MORE2, Special(Special::ErrorPage), Nearest,
        Differs("a page for 412 or 416 that would have to be asked for elsewhere is our own; a 416 tells neither the entity tag nor the coding of the answer it stands for"), "What to answer in place of an error.";
    POST_ACTION "post_action" in HTTP | SERVER | LOCATION | LIF, TAKE1, Text, Nearest,
        Refused("the \"post_action\" directive is not supported: it runs a request after the answer is finished"),
        "Request that is made after an answer is complete.";
    OPEN_FILE_CACHE "open_file_cache" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::OpenFileCache) = "off", Nearest,
        Differs("one table for all; \"max\" and \"inactive\" of the \"http\" level rule, from the start of the process; a large file that is written to shows at once"), "Keeps what is known of files for a while.";
    OPEN_FILE_CACHE_VALID "open_file_cache_valid" in HTTP | SERVER | LOCATION,
        TAKE1, Sec = "60s", Nearest,
        Honoured, "After how long a kept file is looked at again.";
    OPEN_FILE_CACHE_MIN_USES "open_file_cache_min_uses" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Honoured, "How often a file must be asked for to be kept.";
    OPEN_FILE_CACHE_ERRORS "open_file_cache_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether failures to open a file are kept as well.";
    OPEN_FILE_CACHE_EVENTS "open_file_cache_events" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Accepted("kept files are validated, not watched"),
        "Whether the kernel tells of changed files.";
    RESOLVER "resolver" in HTTP | SERVER | LOCATION, MORE1, Special(Special::Resolver), Nearest,
        Differs("the system is asked and not these servers, for a name of `fastcgi_pass` every ten seconds at most; without it a name in the variables of `proxy_pass` is looked up all the same, one of `fastcgi_pass` is a 502 as in nginx"),
        "Name servers for names found at run time.";
    RESOLVER_TIMEOUT "resolver_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "30s", Nearest,
        Accepted("names are looked up by the system"), "How long a look-up may take.";
    GZIP_VARY "gzip_vary" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Honoured, "Whether \"Vary: Accept-Encoding\" is sent.";
    GZIP_HTTP_VERSION "gzip_http_version" in HTTP | SERVER | LOCATION,
        TAKE1, Enumeration(words::GZIP_HTTP_VERSION) = "1.1", Nearest,
        Honoured, "Lowest HTTP version that gets compressed answers.";
    GZIP_PROXIED "gzip_proxied" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::GZIP_PROXIED) = "off", Nearest,
        Honoured, "When answers to proxied requests are compressed.";
    GZIP_DISABLE "gzip_disable" in HTTP | SERVER | LOCATION,
        MORE1, Special(Special::GzipDisable), Nearest,
        Honoured, "User agents that get no compressed answers.";
    DISABLE_SYMLINKS "disable_symlinks" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::DisableSymlinks) = "off", Nearest,
        Honoured, "Whether symbolic links in a path are refused.";
}
