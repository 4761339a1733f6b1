//! ngx_http_v3_module: HTTP/3 and QUIC, not there.

rows! { "v3": "ngx_http_v3_module: HTTP/3 and QUIC, not there";
    HTTP3 "http3" in HTTP | SERVER, FLAG, Flag = "on", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "Whether HTTP/3 is spoken.";
    HTTP3_HQ "http3_hq" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether HTTP/0.9 is spoken over QUIC.";
    HTTP3_MAX_CONCURRENT_STREAMS "http3_max_concurrent_streams" in HTTP | SERVER,
        TAKE1, Number = "128", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "How many streams one connection may have open.";
    HTTP3_STREAM_BUFFER_SIZE "http3_stream_buffer_size" in HTTP | SERVER,
        TAKE1, Size = "64k", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "Buffer of a stream.";
    QUIC_RETRY "quic_retry" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "Whether client addresses are validated.";
    QUIC_GSO "quic_gso" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "Whether the kernel cuts datagrams.";
    QUIC_HOST_KEY "quic_host_key" in HTTP | SERVER, TAKE1, Words, Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"), "Key of tokens.";
    QUIC_ACTIVE_CONNECTION_ID_LIMIT "quic_active_connection_id_limit" in HTTP | SERVER,
        TAKE1, Number = "2", Nearest,
        Accepted("HTTP/3 is not spoken; clients stay with HTTP/1.1 and HTTP/2"),
        "How many connection ids are kept.";
}
