//! nginx variables: their names, resolved once at load to a [`Variable`], and their values.
//!
//! A request never looks a variable up by its name. `app` resolves every `$name` of the
//! configuration through [`Variable::builtin`] (and its own table of `set`, `map` and captured
//! names); what is left at run time is a `match` on this enum (see `expand`).

use http::HeaderName;
use portunus_routing::Slot;
use portunus_server::TlsValue;
use portunus_static_files::encoding::Coding;

mod browser;
mod client;
mod expand;
mod geo;
mod link;
mod map;
mod request_values;

pub(crate) use client::ProxyValue;
pub(crate) use client::decode_base64;
pub(crate) use expand::{Slots, put, put_display, put_seconds};
pub(crate) use request_values::{argument, cookie, field};

/// One nginx variable, ready to be evaluated.
///
/// Source: nginx, "Alphabetical index of variables", and each module's own table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `$arg_NAME`: the first argument of that name, without regard to case.
    Arg(Box<[u8]>),
    /// `$args` and `$query_string`.
    Args,
    /// `$ancient_browser`: the value of `ancient_browser_value`, or empty.
    AncientBrowser,
    /// `$binary_remote_addr`: 4 or 16 bytes.
    BinaryRemoteAddr,
    /// `$body_bytes_sent`.
    BodyBytesSent,
    /// `$bytes_sent`.
    BytesSent,
    /// `$connection`: serial number.
    Connection,
    /// `$connection_requests`.
    ConnectionRequests,
    /// `$connection_time`: seconds with ms.
    ConnectionTime,
    /// `$connections_active`.
    ConnectionsActive,
    /// `$connections_reading`.
    ConnectionsReading,
    /// `$connections_waiting`.
    ConnectionsWaiting,
    /// `$connections_writing`.
    ConnectionsWriting,
    /// `$content_length`.
    ContentLength,
    /// `$content_type`.
    ContentType,
    /// `$cookie_NAME`.
    Cookie(Box<[u8]>),
    /// `$date_gmt`: in the format of the page.
    DateGmt,
    /// `$date_local`: the same in local time.
    DateLocal,
    /// `$document_root`.
    DocumentRoot,
    /// `$fastcgi_path_info`.
    FastcgiPathInfo,
    /// `$fastcgi_script_name`.
    FastcgiScriptName,
    /// `$host`.
    Host,
    /// `$gzip_ratio`, `$brotli_ratio`, `$zstd_ratio`: how much smaller the answer has become.
    Ratio(Coding),
    /// `$hostname`.
    Hostname,
    /// `$http_NAME`.
    Http(HeaderName),
    /// `$http2`: `h2`, over an unencrypted connection `h2c`, or nothing.
    Http2,
    /// `$https`.
    Https,
    /// `$is_args`.
    IsArgs,
    /// `$is_request_port`: `:` or nothing.
    IsRequestPort,
    /// `$limit_rate`.
    LimitRate,
    /// `$limit_req_status`.
    LimitReqStatus,
    /// `$limit_conn_status`.
    LimitConnStatus,
    /// `$modern_browser`: the value of `modern_browser_value`, or empty.
    ModernBrowser,
    /// `$msec`: seconds since the epoch, with ms.
    Msec,
    /// `$msie`: `1`, or empty.
    Msie,
    /// `$nginx_version`.
    NginxVersion,
    /// `$pid`.
    Pid,
    /// `$pipe`: `p` for a pipelined request, else `.`.
    Pipe,
    /// `$proxy_add_x_forwarded_for`.
    ProxyAddXForwardedFor,
    /// `$proxy_host`.
    ProxyHost,
    /// `$proxy_port`.
    ProxyPort,
    /// `$proxy_protocol_addr`.
    ProxyProtocolAddr,
    /// `$proxy_protocol_port`.
    ProxyProtocolPort,
    /// `$proxy_protocol_server_addr`.
    ProxyProtocolServerAddr,
    /// `$proxy_protocol_server_port`.
    ProxyProtocolServerPort,
    /// `$proxy_protocol_tlv_NAME`.
    ProxyProtocolValue(ProxyValue),
    /// `$realip_remote_addr`.
    RealipRemoteAddr,
    /// `$realip_remote_port`.
    RealipRemotePort,
    /// `$realpath_root`.
    RealpathRoot,
    /// `$remote_addr`.
    RemoteAddr,
    /// `$remote_port`.
    RemotePort,
    /// `$remote_user`.
    RemoteUser,
    /// `$request`: the request line as it came.
    Request,
    /// `$request_body`.
    RequestBody,
    /// `$request_body_file`.
    RequestBodyFile,
    /// `$request_completion`: `OK` or empty.
    RequestCompletion,
    /// `$request_filename`.
    RequestFilename,
    /// `$request_id`: 32 hexadecimal digits.
    RequestId,
    /// `$request_length`.
    RequestLength,
    /// `$request_method`.
    RequestMethod,
    /// `$request_port`.
    RequestPort,
    /// `$request_time`: seconds with ms.
    RequestTime,
    /// `$request_uri`: the target as it came.
    RequestUri,
    /// `$scheme`.
    Scheme,
    /// `$sent_http_NAME`.
    SentHttp(HeaderName),
    /// `$sent_trailer_NAME`.
    SentTrailer(HeaderName),
    /// `$server_addr`.
    ServerAddr,
    /// `$server_name`.
    ServerName,
    /// `$server_port`.
    ServerPort,
    /// `$server_protocol`.
    ServerProtocol,
    /// A variable of `set`, or a named capture of a regular expression.
    Slot(Slot),
    /// The same with a name that has a meaning of its own, as `$http_…`, until something sets it.
    SlotOr(Slot, Box<Variable>),
    /// An empty text: what `set` has not set.
    Empty,
    /// A variable of a `map`, by its number in `Site::maps`.
    Map(usize),
    /// A variable of a `geo`, by its number in `Site::geos`.
    Geo(usize),
    /// A variable of a `split_clients`, by its number in `Site::splits`.
    Split(usize),
    /// `$invalid_referer`: `1`, or empty.
    InvalidReferer,
    /// `$secure_link`.
    SecureLink,
    /// `$secure_link_expires`.
    SecureLinkExpires,
    /// `$status`.
    Status,
    /// A `$tcpinfo_…` variable.
    Tcp(TcpValue),
    /// A `$ssl_…` variable.
    Tls(TlsValue),
    /// `$time_iso8601`.
    TimeIso8601,
    /// `$time_local`.
    TimeLocal,
    /// `$uid_got`.
    UidGot,
    /// `$uid_reset`: empty, unless the configuration defines it.
    UidReset,
    /// `$uid_set`.
    UidSet,
    /// `$upstream_addr`.
    UpstreamAddr,
    /// `$upstream_bytes_received`.
    UpstreamBytesReceived,
    /// `$upstream_bytes_sent`.
    UpstreamBytesSent,
    /// `$upstream_cache_etag`.
    UpstreamCacheEtag,
    /// `$upstream_cache_key`.
    UpstreamCacheKey,
    /// `$upstream_cache_last_modified`.
    UpstreamCacheLastModified,
    /// `$upstream_cache_status`.
    UpstreamCacheStatus,
    /// `$upstream_connect_time`.
    UpstreamConnectTime,
    /// `$upstream_cookie_NAME`.
    UpstreamCookie(Box<[u8]>),
    /// `$upstream_header_time`.
    UpstreamHeaderTime,
    /// `$upstream_http_NAME`.
    UpstreamHttp(HeaderName),
    /// `$upstream_trailer_NAME`.
    UpstreamTrailer(HeaderName),
    /// `$upstream_queue_time`: seconds that the request waited for a slot (nginx Plus has the
    /// name; the open version has no queue).
    UpstreamQueueTime,
    /// `$upstream_response_length`.
    UpstreamResponseLength,
    /// `$upstream_response_time`.
    UpstreamResponseTime,
    /// `$upstream_status`.
    UpstreamStatus,
    /// `$uri` and `$document_uri`.
    Uri,
    /// A variable that never has a value, as `$http_` with nothing behind it: nginx's "not found".
    NotFound,
}

/// What the kernel tells of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpValue {
    /// `$tcpinfo_rtt`, in microseconds.
    Rtt,
    /// `$tcpinfo_rttvar`, in microseconds.
    Rttvar,
    /// `$tcpinfo_snd_cwnd`, in segments.
    SndCwnd,
    /// `$tcpinfo_rcv_space`, in bytes.
    RcvSpace,
}

/// Variables whose name is the whole story, sorted by name for the look-up at load.
const BUILTIN: &[(&str, Variable)] = &[
    ("ancient_browser", Variable::AncientBrowser),
    ("args", Variable::Args),
    ("binary_remote_addr", Variable::BinaryRemoteAddr),
    ("body_bytes_sent", Variable::BodyBytesSent),
    ("brotli_ratio", Variable::Ratio(Coding::Brotli)),
    ("bytes_sent", Variable::BytesSent),
    ("connection", Variable::Connection),
    ("connection_requests", Variable::ConnectionRequests),
    ("connection_time", Variable::ConnectionTime),
    ("connections_active", Variable::ConnectionsActive),
    ("connections_reading", Variable::ConnectionsReading),
    ("connections_waiting", Variable::ConnectionsWaiting),
    ("connections_writing", Variable::ConnectionsWriting),
    ("content_length", Variable::ContentLength),
    ("content_type", Variable::ContentType),
    ("date_gmt", Variable::DateGmt),
    ("date_local", Variable::DateLocal),
    ("document_root", Variable::DocumentRoot),
    ("document_uri", Variable::Uri),
    ("fastcgi_path_info", Variable::FastcgiPathInfo),
    ("fastcgi_script_name", Variable::FastcgiScriptName),
    ("gzip_ratio", Variable::Ratio(Coding::Gzip)),
    ("host", Variable::Host),
    ("hostname", Variable::Hostname),
    ("http2", Variable::Http2),
    ("https", Variable::Https),
    ("invalid_referer", Variable::InvalidReferer),
    ("is_args", Variable::IsArgs),
    ("is_request_port", Variable::IsRequestPort),
    ("limit_conn_status", Variable::LimitConnStatus),
    ("limit_rate", Variable::LimitRate),
    ("limit_req_status", Variable::LimitReqStatus),
    ("modern_browser", Variable::ModernBrowser),
    ("msec", Variable::Msec),
    ("msie", Variable::Msie),
    ("nginx_version", Variable::NginxVersion),
    ("pid", Variable::Pid),
    ("pipe", Variable::Pipe),
    ("proxy_add_x_forwarded_for", Variable::ProxyAddXForwardedFor),
    ("proxy_host", Variable::ProxyHost),
    ("proxy_port", Variable::ProxyPort),
    ("proxy_protocol_addr", Variable::ProxyProtocolAddr),
    ("proxy_protocol_port", Variable::ProxyProtocolPort),
    (
        "proxy_protocol_server_addr",
        Variable::ProxyProtocolServerAddr,
    ),
    (
        "proxy_protocol_server_port",
        Variable::ProxyProtocolServerPort,
    ),
    ("query_string", Variable::Args),
    ("realip_remote_addr", Variable::RealipRemoteAddr),
    ("realip_remote_port", Variable::RealipRemotePort),
    ("realpath_root", Variable::RealpathRoot),
    ("remote_addr", Variable::RemoteAddr),
    ("remote_port", Variable::RemotePort),
    ("remote_user", Variable::RemoteUser),
    ("request", Variable::Request),
    ("request_body", Variable::RequestBody),
    ("request_body_file", Variable::RequestBodyFile),
    ("request_completion", Variable::RequestCompletion),
    ("request_filename", Variable::RequestFilename),
    ("request_id", Variable::RequestId),
    ("request_length", Variable::RequestLength),
    ("request_method", Variable::RequestMethod),
    ("request_port", Variable::RequestPort),
    ("request_time", Variable::RequestTime),
    ("request_uri", Variable::RequestUri),
    ("scheme", Variable::Scheme),
    ("secure_link", Variable::SecureLink),
    ("secure_link_expires", Variable::SecureLinkExpires),
    ("server_addr", Variable::ServerAddr),
    ("server_name", Variable::ServerName),
    ("server_port", Variable::ServerPort),
    ("server_protocol", Variable::ServerProtocol),
    ("ssl_alpn_protocol", Variable::Tls(TlsValue::AlpnProtocol)),
    ("ssl_cipher", Variable::Tls(TlsValue::Cipher)),
    ("ssl_ciphers", Variable::Tls(TlsValue::Ciphers)),
    ("ssl_client_cert", Variable::Tls(TlsValue::ClientCert)),
    (
        "ssl_client_escaped_cert",
        Variable::Tls(TlsValue::ClientEscapedCert),
    ),
    (
        "ssl_client_fingerprint",
        Variable::Tls(TlsValue::ClientFingerprint),
    ),
    ("ssl_client_i_dn", Variable::Tls(TlsValue::ClientIssuer)),
    (
        "ssl_client_i_dn_legacy",
        Variable::Tls(TlsValue::ClientIssuerLegacy),
    ),
    (
        "ssl_client_raw_cert",
        Variable::Tls(TlsValue::ClientRawCert),
    ),
    ("ssl_client_s_dn", Variable::Tls(TlsValue::ClientSubject)),
    (
        "ssl_client_s_dn_legacy",
        Variable::Tls(TlsValue::ClientSubjectLegacy),
    ),
    ("ssl_client_serial", Variable::Tls(TlsValue::ClientSerial)),
    (
        "ssl_client_sigalg",
        Variable::Tls(TlsValue::ClientSignature),
    ),
    ("ssl_client_v_end", Variable::Tls(TlsValue::ClientValidEnd)),
    (
        "ssl_client_v_remain",
        Variable::Tls(TlsValue::ClientValidRemain),
    ),
    (
        "ssl_client_v_start",
        Variable::Tls(TlsValue::ClientValidStart),
    ),
    ("ssl_client_verify", Variable::Tls(TlsValue::ClientVerify)),
    ("ssl_curve", Variable::Tls(TlsValue::Curve)),
    ("ssl_curves", Variable::Tls(TlsValue::Curves)),
    ("ssl_early_data", Variable::Tls(TlsValue::EarlyData)),
    ("ssl_protocol", Variable::Tls(TlsValue::Protocol)),
    ("ssl_server_name", Variable::Tls(TlsValue::ServerName)),
    ("ssl_session_id", Variable::Tls(TlsValue::SessionId)),
    ("ssl_session_reused", Variable::Tls(TlsValue::SessionReused)),
    ("ssl_sigalg", Variable::Tls(TlsValue::Signature)),
    ("ssl_sigalgs", Variable::Tls(TlsValue::Signatures)),
    ("status", Variable::Status),
    ("tcpinfo_rcv_space", Variable::Tcp(TcpValue::RcvSpace)),
    ("tcpinfo_rtt", Variable::Tcp(TcpValue::Rtt)),
    ("tcpinfo_rttvar", Variable::Tcp(TcpValue::Rttvar)),
    ("tcpinfo_snd_cwnd", Variable::Tcp(TcpValue::SndCwnd)),
    ("time_iso8601", Variable::TimeIso8601),
    ("time_local", Variable::TimeLocal),
    ("uid_got", Variable::UidGot),
    ("uid_reset", Variable::UidReset),
    ("uid_set", Variable::UidSet),
    ("upstream_addr", Variable::UpstreamAddr),
    ("upstream_bytes_received", Variable::UpstreamBytesReceived),
    ("upstream_bytes_sent", Variable::UpstreamBytesSent),
    ("upstream_cache_etag", Variable::UpstreamCacheEtag),
    ("upstream_cache_key", Variable::UpstreamCacheKey),
    (
        "upstream_cache_last_modified",
        Variable::UpstreamCacheLastModified,
    ),
    ("upstream_cache_status", Variable::UpstreamCacheStatus),
    ("upstream_connect_time", Variable::UpstreamConnectTime),
    ("upstream_header_time", Variable::UpstreamHeaderTime),
    ("upstream_queue_time", Variable::UpstreamQueueTime),
    ("upstream_response_length", Variable::UpstreamResponseLength),
    ("upstream_response_time", Variable::UpstreamResponseTime),
    ("upstream_status", Variable::UpstreamStatus),
    ("uri", Variable::Uri),
    ("zstd_ratio", Variable::Ratio(Coding::Zstd)),
];

impl Variable {
    /// The built-in variable of that name (without `$`), or `None` where nginx would say
    /// `unknown "NAME" variable`, unless the configuration defines it.
    #[must_use]
    pub fn builtin(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        if let Ok(at) = BUILTIN.binary_search_by(|(known, _)| (*known).cmp(&name)) {
            return Some(BUILTIN[at].1.clone());
        }
        let (prefix, rest) = PREFIXES
            .iter()
            .find_map(|p| Some((*p, name.strip_prefix(p)?)))?;
        let header = || HeaderName::from_bytes(rest.replace('_', "-").as_bytes()).ok();
        Some(match prefix {
            "arg_" => Self::Arg(rest.as_bytes().into()),
            "cookie_" => Self::Cookie(rest.as_bytes().into()),
            "proxy_protocol_tlv_" => {
                ProxyValue::parse(rest).map_or(Self::NotFound, Self::ProxyProtocolValue)
            }
            "http_" => header().map_or(Self::NotFound, Self::Http),
            "sent_http_" => header().map_or(Self::NotFound, Self::SentHttp),
            "sent_trailer_" => header().map_or(Self::NotFound, Self::SentTrailer),
            "upstream_cookie_" => Self::UpstreamCookie(rest.as_bytes().into()),
            "upstream_http_" => header().map_or(Self::NotFound, Self::UpstreamHttp),
            "upstream_trailer_" => header().map_or(Self::NotFound, Self::UpstreamTrailer),
            _ => Self::NotFound,
        })
    }
}

impl Variable {
    /// Whether the configuration may define a variable of that name itself. Those that come with
    /// a prefix, as `$http_…`, give way to a definition.
    ///
    /// Source: nginx, `NGX_HTTP_VAR_CHANGEABLE`.
    #[must_use]
    pub fn is_changeable(name: &str) -> bool {
        name.starts_with("ssl_")
            || CHANGEABLE.contains(&name)
            || BUILTIN
                .binary_search_by(|(known, _)| (*known).cmp(name))
                .is_err()
    }
}

/// Built-in variables that a configuration may define anew.
const CHANGEABLE: &[&str] = &[
    "ancient_browser",
    "args",
    "invalid_referer",
    "limit_rate",
    "modern_browser",
    "msie",
    "proxy_host",
    "proxy_port",
    "uid_reset",
    "upstream_queue_time",
];

const PREFIXES: [&str; 9] = [
    "arg_",
    "cookie_",
    "http_",
    "proxy_protocol_tlv_",
    "sent_http_",
    "sent_trailer_",
    "upstream_http_",
    "upstream_cookie_",
    "upstream_trailer_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted() {
        assert!(BUILTIN.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_resolve_without_regard_to_case() {
        assert_eq!(Variable::builtin(b"QUERY_STRING"), Some(Variable::Args));
        let agent = HeaderName::from_static("user-agent");
        assert_eq!(
            Variable::builtin(b"http_user_agent"),
            Some(Variable::Http(agent))
        );
        assert_eq!(Variable::builtin(b"http_"), Some(Variable::NotFound));
        assert_eq!(Variable::builtin(b"nonsense"), None);
    }
}
