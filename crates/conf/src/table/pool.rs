//! What nginx has no directive for: the FPM pool, trusted networks, memory for static files.

use super::kind::Special;
use super::words;

rows! { "pool": "Directives of Portunus itself: the FPM pool, trusted networks, memory budgets";
    FASTCGI_POOL_SIZE "fastcgi_pool_size" in HTTP | SERVER | LOCATION | UPSTREAM,
        TAKE1, Special(Special::PoolSize) = "auto", Nearest,
        Honoured, "Most connections to one FPM; \"auto\" learns its workers; an upstream block has the last word.";
    FASTCGI_POOL_STATUS "fastcgi_pool_status" in HTTP | SERVER | LOCATION | UPSTREAM,
        TAKE1, Text = "auto", Nearest,
        Honoured, "FPM's pm.status_path, asked for its workers where all else fails; \"off\" asks nothing.";
    FASTCGI_QUEUE_DEPTH "fastcgi_queue_depth" in HTTP | SERVER | LOCATION | UPSTREAM,
        TAKE1, Number = "512", Nearest,
        Honoured, "How many requests of a lane may wait for a worker before the next gets a 503.";
    FASTCGI_QUEUE_TIMEOUT "fastcgi_queue_timeout" in HTTP | SERVER | LOCATION | UPSTREAM,
        TAKE1, Msec = "10s", Nearest,
        Honoured, "How long a request may wait for a worker before it gets a 503.";
    FASTCGI_REUSE "fastcgi_reuse" in HTTP | SERVER | LOCATION | UPSTREAM,
        TAKE1, Enumeration(words::REUSE) = "safe", Nearest,
        Honoured, "When a connection is used again; \"safe\" means after requests without a body.";
    FASTCGI_LANE "fastcgi_lane" in SERVER | LOCATION, TAKE12, Special(Special::Lane), Nearest,
        Honoured, "Named lane that may hold only so many slots of the pool, half of them by default.";
    FASTCGI_SCRIPT_CHECK "fastcgi_script_check" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Differs("what exists and is no regular file ending in \".php\" is not run, and PATH_INFO begins at a segment"),
        "Whether only regular files that end in \".php\" are handed to FPM.";
    REAL_IP_TRUST_PRIVATE "real_ip_trust_private" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Differs("X-Forwarded-Proto and X-Forwarded-Port of any trusted proxy make $scheme, $https and $server_port; unless set otherwise, real_ip_header is then X-Forwarded-For and real_ip_recursive on"),
        "Whether proxies in private networks are trusted, as with set_real_ip_from.";
    CLIENT_BODY_MIN_RATE "client_body_min_rate" in HTTP | SERVER, TAKE1, Size = "128", Nearest,
        Honoured, "Bytes per second below which a request body is given up; 0 waits for ever.";
    SERVER_PRODUCT "server_product" in HTTP, TAKE1, Enumeration(words::SERVER_PRODUCT) = "portunus", Own,
        Honoured, "The name in the Server field and on error pages, for clients that look for nginx's.";
    HEALTH "health" in LOCATION, NOARGS, Special(Special::Health), Location,
        Honoured, "Answers 200 while the server serves and 503 as soon as it has been told to end.";
    SHUTDOWN_DELAY "shutdown_delay" in MAIN, TAKE1, Msec = "0", Own,
        Honoured, "How long a server that is told to end goes on while health says 503; within the timeout.";
    WORKER_SCHEDULING "worker_scheduling" in MAIN,
        TAKE1, Enumeration(words::WORKER_SCHEDULING) = "auto", Own,
        Honoured, "Whether waking workers may interrupt PHP; \"auto\" is \"batch\", no, where FPM is local.";
    STATIC_CACHE_SIZE "static_cache_size" in HTTP, TAKE1, Size = "64m", Own,
        Honoured, "Memory for small files and their compressed variants; 0 turns it off.";
}
