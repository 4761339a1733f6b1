//! ngx_http_v2_module: HTTP/2.

use super::kind::{SizeRule, Special};

rows! { "v2": "ngx_http_v2_module: HTTP/2";
    HTTP2 "http2" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Differs("a field with blanks around its value is refused (RFC 9113 §8.2.1)"), "Whether HTTP/2 is spoken.";
    HTTP2_RECV_BUFFER_SIZE "http2_recv_buffer_size" in HTTP,
        TAKE1, SizeWith(SizeRule::Http2Receive) = "256k", Own,
        Accepted("the HTTP/2 library sizes its buffers"), "Input buffer of a worker.";
    HTTP2_POOL_SIZE "http2_pool_size" in HTTP | SERVER,
        TAKE1, SizeWith(SizeRule::Pool) = "4k", Nearest,
        Accepted("memory is not taken from pools"), "First memory block of a stream.";
    HTTP2_MAX_CONCURRENT_STREAMS "http2_max_concurrent_streams" in HTTP | SERVER,
        TAKE1, Number = "128", Nearest,
        Honoured, "How many streams one connection may have open.";
    HTTP2_MAX_CONCURRENT_PUSHES "http2_max_concurrent_pushes" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "10", Nearest,
        Accepted("it has no effect in current nginx either"), "How many pushes may be open.";
    HTTP2_MAX_REQUESTS "http2_max_requests" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "1000", Nearest,
        Accepted("it has no effect in current nginx either"), "Replaced by keepalive_requests.";
    HTTP2_MAX_FIELD_SIZE "http2_max_field_size" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "4k", Nearest,
        Accepted("it has no effect in current nginx either"),
        "Replaced by large_client_header_buffers.";
    HTTP2_MAX_HEADER_SIZE "http2_max_header_size" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "16k", Nearest,
        Accepted("it has no effect in current nginx either"),
        "Replaced by large_client_header_buffers.";
    HTTP2_BODY_PREREAD_SIZE "http2_body_preread_size" in HTTP | SERVER,
        TAKE1, SizeWith(SizeRule::Http2Preread) = "64k", Nearest,
        Accepted("the HTTP/2 library manages its windows itself"), "How much of a body a client may send unasked.";
    HTTP2_STREAMS_INDEX_SIZE "http2_streams_index_size" in HTTP | SERVER,
        TAKE1, Special(Special::PowerOfTwo) = "32", Nearest,
        Accepted("hash tables size themselves"), "Size of the index of streams.";
    HTTP2_RECV_TIMEOUT "http2_recv_timeout" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "30s", Nearest,
        Accepted("it has no effect in current nginx either"), "Replaced by client_header_timeout.";
    HTTP2_IDLE_TIMEOUT "http2_idle_timeout" in HTTP | SERVER,
        TAKE1, Special(Special::Obsolete) = "3m", Nearest,
        Accepted("it has no effect in current nginx either"), "Replaced by keepalive_timeout.";
    HTTP2_CHUNK_SIZE "http2_chunk_size" in HTTP | SERVER | LOCATION,
        TAKE1, SizeWith(SizeRule::Http2Chunk) = "8k", Nearest,
        Honoured, "Largest piece of body per frame.";
    HTTP2_PUSH_PRELOAD "http2_push_preload" in HTTP | SERVER | LOCATION,
        FLAG, Special(Special::Obsolete) = "off", Nearest,
        Accepted("it has no effect in current nginx either"), "Whether Link fields led to pushes.";
    HTTP2_PUSH "http2_push" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::Obsolete) = "off", Nearest,
        Accepted("it has no effect in current nginx either"), "Pushed a resource.";
}
