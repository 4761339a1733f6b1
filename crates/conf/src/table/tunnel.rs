//! ngx_http_tunnel_module: CONNECT, refused.

use super::kind::Special;
use super::words;

rows! { "tunnel": "ngx_http_tunnel_module: CONNECT, refused";
    TUNNEL_PASS "tunnel_pass" in SERVER | LOCATION | LIF, TAKE01, Words, Location,
        Unsupported, "Where CONNECT requests lead.";
    TUNNEL_BIND "tunnel_bind" in HTTP | SERVER | LOCATION, TAKE12, Special(Special::Bind), Nearest,
        Unsupported, "Own address of outgoing connections.";
    TUNNEL_SOCKET_KEEPALIVE "tunnel_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the kernel probes idle connections.";
    TUNNEL_SOCKET_RCVBUF "tunnel_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Receive buffer of outgoing connections.";
    TUNNEL_SOCKET_SNDBUF "tunnel_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Send buffer of outgoing connections.";
    TUNNEL_CONNECT_TIMEOUT "tunnel_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long connecting may take.";
    TUNNEL_SEND_TIMEOUT "tunnel_send_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long sending may pause.";
    TUNNEL_SEND_LOWAT "tunnel_send_lowat" in HTTP | SERVER | LOCATION, TAKE1, Size = "0", Nearest,
        Unsupported, "Low-water mark of outgoing connections.";
    TUNNEL_BUFFER_SIZE "tunnel_buffer_size" in HTTP | SERVER | LOCATION,
        TAKE1, Size = "16k", Nearest,
        Unsupported, "Buffer for what is passed on.";
    TUNNEL_READ_TIMEOUT "tunnel_read_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long reading may pause.";
    TUNNEL_NEXT_UPSTREAM "tunnel_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::TUNNEL_NEXT_UPSTREAM) = "error timeout", Nearest,
        Unsupported, "When the next server is asked.";
    TUNNEL_NEXT_UPSTREAM_TRIES "tunnel_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Unsupported, "How many servers are asked.";
    TUNNEL_NEXT_UPSTREAM_TIMEOUT "tunnel_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Unsupported, "For how long servers are asked.";
}
