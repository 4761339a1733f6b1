//! ngx_event_core_module and ngx_epoll_module: how connections are processed.

use super::kind::Special;

rows! { "events": "ngx_event_core_module and ngx_epoll_module: how connections are processed";
    EVENTS "events" in MAIN, NOARGS block, Special(Special::Events), Own,
        Honoured, "Holds the settings of connection processing.";
    WORKER_CONNECTIONS "worker_connections" in EVENTS,
        TAKE1, Special(Special::WorkerConnections) = "512", Own,
        Differs("fewer where that many descriptors cannot be had, with a warning; a reload does not change it, and says so"),
        "How many connections may be open at once.";
    USE "use" in EVENTS, TAKE1, Special(Special::Use), Own,
        Accepted("the runtime chooses the method for the platform"),
        "Method of connection processing.";
    MULTI_ACCEPT "multi_accept" in EVENTS, FLAG, Flag = "off", Own,
        Accepted("every connection that waits is accepted at once"),
        "Whether a worker accepts all waiting connections at once.";
    ACCEPT_MUTEX "accept_mutex" in EVENTS, FLAG, Flag = "off", Own,
        Accepted("there is one process, so none has to take turns"),
        "Whether workers take turns in accepting.";
    ACCEPT_MUTEX_DELAY "accept_mutex_delay" in EVENTS, TAKE1, Msec = "500ms", Own,
        Accepted("there is one process, so none has to take turns"),
        "How long a worker waits before it tries to accept again.";
    DEBUG_CONNECTION "debug_connection" in EVENTS, TAKE1, Special(Special::DebugConnection), Own,
        Accepted("the debug log does not choose by client address"),
        "Clients for which the debug log is written.";
    EPOLL_EVENTS "epoll_events" in EVENTS, TAKE1, Number = "512", Own,
        Accepted("the runtime chooses the number"),
        "How many events are taken from the kernel at once.";
    WORKER_AIO_REQUESTS "worker_aio_requests" in EVENTS, TAKE1, Number = "32", Own,
        Accepted("the kernel's asynchronous IO is not used"),
        "How many asynchronous operations may be outstanding.";
}
