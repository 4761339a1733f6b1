//! What an operator may tune about connections and requests, as plain values with nginx's defaults.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::spelling::Spelling;

/// What holds for one request; in nginx's terms the part of a location's configuration that
/// governs the connection. A service may replace it once it knows the location
/// ([`crate::Exchange::set_limits`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Longest wait between two reads of a request body.
    pub client_body_timeout: Duration,
    /// Slowest request body we put up with, in bytes a second after the first
    /// `client_body_timeout`; 0 for any.
    ///
    /// Differs: nginx has no such bound, so a client may hold a connection for ever with one byte
    /// a minute.
    pub client_body_min_rate: u32,
    /// Longest wait between two writes of an answer.
    pub send_timeout: Duration,
    /// How long an idle connection is kept; zero closes it.
    pub keepalive_timeout: Duration,
    /// Seconds for the `Keep-Alive: timeout=` field, when there is to be one.
    pub keepalive_header: Option<u64>,
    /// How long a connection is kept even though the server is shutting down.
    pub keepalive_min_timeout: Duration,
    /// Requests after which a connection is closed.
    pub keepalive_requests: u64,
    /// Age after which a connection is closed.
    pub keepalive_time: Duration,
    /// When to go on reading after the last answer.
    pub lingering_close: LingeringClose,
    /// How long to go on reading at most.
    pub lingering_time: Duration,
    /// How long to wait for each further byte.
    pub lingering_timeout: Duration,
    /// End timed-out connections with a reset and free the kernel's buffers at once.
    pub reset_timedout_connection: bool,
    /// Bytes a second; 0 for as fast as it goes.
    pub limit_rate: u64,
    /// Bytes that go unlimited first.
    pub limit_rate_after: u64,
    /// Most bytes of a file sent in one go.
    pub sendfile_max_chunk: usize,
    /// Most bytes of an answer in one frame of HTTP/2.
    pub http2_chunk_size: usize,
}

/// `lingering_close`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LingeringClose {
    /// Close at once.
    Off,
    /// Go on reading when the client is known to have sent, or to be sending, more.
    #[default]
    On,
    /// Always go on reading.
    Always,
}

impl Default for Limits {
    /// nginx's defaults, but for an idle time longer than that of the proxy in front of us, so
    /// that it never meets a close on a connection it reuses.
    fn default() -> Self {
        Self {
            client_body_timeout: Duration::from_secs(60),
            client_body_min_rate: 0,
            send_timeout: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(75),
            keepalive_header: None,
            keepalive_min_timeout: Duration::ZERO,
            keepalive_requests: 1000,
            keepalive_time: Duration::from_secs(3600),
            lingering_close: LingeringClose::On,
            lingering_time: Duration::from_secs(30),
            lingering_timeout: Duration::from_secs(5),
            reset_timedout_connection: false,
            limit_rate: 0,
            limit_rate_after: 0,
            sendfile_max_chunk: 2 << 20,
            http2_chunk_size: 8 << 10,
        }
    }
}

/// What holds before a request is known; in nginx's terms the configuration of the default server
/// of the socket at this moment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits that hold until the service sets others.
    pub limits: Limits,
    /// From the first byte of a head (or from accepting) to its last; absolute.
    pub client_header_timeout: Duration,
    /// Size of the first buffer for a head.
    pub client_header_buffer_size: usize,
    /// Number and size of the larger buffers; one line must fit in one of them.
    pub large_client_header_buffers: (usize, usize),
    /// Most fields in a head.
    pub max_headers: usize,
    /// Leave out fields with odd names instead of passing them on.
    pub ignore_invalid_headers: bool,
    /// Names with `_` are fine.
    pub underscores_in_headers: bool,
    /// `Server` field of answers that no service made; `None` for no such field.
    pub server: Option<HeaderValue>,
    /// How field names are spelled in answers.
    pub spelling: Arc<Spelling>,
    /// HTTP/2's own limits.
    pub http2: Http2Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            client_header_timeout: Duration::from_secs(60),
            client_header_buffer_size: 1024,
            large_client_header_buffers: (4, 8192),
            max_headers: 1000,
            ignore_invalid_headers: true,
            underscores_in_headers: false,
            server: Some(HeaderValue::from_static("portunus")),
            spelling: Arc::default(),
            http2: Http2Settings::default(),
        }
    }
}

impl Settings {
    /// Whether a head is read by the same rules.
    #[must_use]
    pub fn reads_heads_as(&self, other: &Self) -> bool {
        let rules = |settings: &Self| {
            (
                settings.client_header_buffer_size,
                settings.large_client_header_buffers,
                settings.max_headers,
                settings.ignore_invalid_headers,
                settings.underscores_in_headers,
            )
        };
        rules(self) == rules(other)
    }
}

/// Limits of an HTTP/2 connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2Settings {
    /// `http2_max_concurrent_streams`.
    pub max_concurrent_streams: u32,
    /// Bytes of a decoded field list.
    pub max_header_list_size: u32,
    /// Receive window of a stream; `http2_body_preread_size`.
    pub stream_window: u32,
    /// Receive window of a connection.
    pub connection_window: u32,
    /// Bytes buffered for sending, per stream.
    pub send_buffer: usize,
    /// Streams that the client has reset and we have not dealt with yet.
    pub max_pending_reset: usize,
    /// Resets that the client provoked us to send.
    pub max_local_reset: usize,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 128,
            max_header_list_size: 32 << 10,
            stream_window: 64 << 10,
            connection_window: 1 << 20,
            send_buffer: 64 << 10,
            max_pending_reset: 20,
            max_local_reset: 256,
        }
    }
}
