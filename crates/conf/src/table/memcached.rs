//! ngx_http_memcached_module: answers from memcached, refused.

use super::kind::Special;
use super::words;

rows! { "memcached": "ngx_http_memcached_module: answers from memcached, refused";
    MEMCACHED_PASS "memcached_pass" in LOCATION | LIF, TAKE1, Words, Location,
        Unsupported, "Server to ask.";
    MEMCACHED_BIND "memcached_bind" in HTTP | SERVER | LOCATION,
        TAKE12, Special(Special::Bind), Nearest,
        Unsupported, "Own address of outgoing connections.";
    MEMCACHED_SOCKET_KEEPALIVE "memcached_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the kernel probes idle connections.";
    MEMCACHED_CONNECT_TIMEOUT "memcached_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long connecting may take.";
    MEMCACHED_SEND_TIMEOUT "memcached_send_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long sending may pause.";
    MEMCACHED_BUFFER_SIZE "memcached_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "4k", Nearest,
        Unsupported, "Buffer for the answer.";
    MEMCACHED_READ_TIMEOUT "memcached_read_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long the answer may pause.";
    MEMCACHED_NEXT_UPSTREAM "memcached_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::MEMCACHED_NEXT_UPSTREAM) = "error timeout", Nearest,
        Unsupported, "When the next server is asked.";
    MEMCACHED_NEXT_UPSTREAM_TRIES "memcached_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Unsupported, "How many servers are asked.";
    MEMCACHED_NEXT_UPSTREAM_TIMEOUT "memcached_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Unsupported, "For how long servers are asked.";
    MEMCACHED_GZIP_FLAG "memcached_gzip_flag" in HTTP | SERVER | LOCATION, TAKE1, Number, Nearest,
        Unsupported, "Flag that marks compressed values.";
}
