//! Values of variables, computed when something asks for them.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::ffi::OsStrExt as _;

use portunus_routing::Slot;
use portunus_server::Outcome;
use portunus_telemetry::Clock;
use portunus_template::Variables;

use super::request_values::{argument, cookie, field, field_of_any_spelling};
use super::{TcpValue, Variable};
use crate::config::Template;
use crate::context::Context;
use crate::engine::is_msie;
use crate::limit::LimitStatus;
use crate::respond::connection_field;

/// Values of `set` variables and named captures, by slot; `None` until something sets them.
pub(crate) type Slots = Vec<Option<Box<[u8]>>>;

impl Variables<Variable> for Context {
    fn append(&mut self, variable: &Variable, out: &mut Vec<u8>) {
        self.append_value(variable, out);
    }

    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        self.captures.append(number, out);
    }

    fn append_capture_escaped(&mut self, number: u8, out: &mut Vec<u8>) {
        self.captures
            .append_escaped(number, self.uri_has_escapes, out);
    }
}

impl Context {
    /// Expands a template into a new buffer.
    pub(crate) fn expand(&mut self, template: &Template) -> Vec<u8> {
        if let Some(literal) = template.as_literal() {
            return literal.to_vec();
        }
        let mut out = Vec::with_capacity(64);
        template.expand(self, &mut out);
        out
    }

    /// Appends a variable's value; `false` where nginx would call it "not found".
    pub(crate) fn append_value(&mut self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            // nginx has none where the line could not be read.
            Variable::Uri if self.uri.is_empty() && !self.exchange.has_line() => false,
            Variable::Uri => put(out, &self.uri),
            Variable::Args => put_some(out, &self.args) || self.args_put,
            Variable::IsArgs => self.args.is_empty() || put(out, b"?"),
            Variable::Arg(name) => put_option(out, argument(&self.args, name)),
            // nginx has not read the fields then.
            Variable::Http(_) | Variable::Cookie(_) if self.target_refused => false,
            Variable::Cookie(name) => put_option(out, cookie(self.exchange.fields(), name)),
            Variable::Http(name) if self.site.underscores_in_headers => {
                field_of_any_spelling(self.exchange.fields(), name, out)
            }
            Variable::Http(name) => self.append_field(name, out),
            Variable::Empty => true,
            Variable::Slot(slot) => put_option(out, self.slot(*slot)),
            Variable::SlotOr(slot, other) => match self.slot(*slot) {
                Some(value) => put(out, value),
                None => self.append_value(other, out),
            },
            Variable::Map(number) => self.append_map(*number, out),
            Variable::Geo(number) => self.append_geo(*number, out),
            Variable::Split(number) => self.append_split(*number, out),
            Variable::ContentLength => self.append_content_length(out),
            Variable::ContentType => self.append_field(&http::header::CONTENT_TYPE, out),
            _ => self.append_connection_value(variable, out),
        }
    }

    fn append_connection_value(&mut self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::BinaryRemoteAddr => match self.client.address {
                Some(IpAddr::V4(address)) => put(out, &address.octets()),
                Some(IpAddr::V6(address)) => put(out, &address.octets()),
                None => put(out, b"unix:"),
            },
            Variable::RemoteAddr => self.append_address(self.client.address, out),
            Variable::RemotePort => self.append_port(self.client.port, out),
            Variable::RealipRemoteAddr => self.append_address(self.peer().address, out),
            Variable::RealipRemotePort => self.append_port(self.peer().port, out),
            Variable::ServerAddr => self.append_address(self.local_address().map(|a| a.ip()), out),
            Variable::ServerPort => {
                let ours = || self.local_address().map(|address| address.port());
                self.append_port(self.forwarded.port.or_else(ours), out)
            }
            Variable::Connection => put_display(out, self.exchange.connection().serial()),
            Variable::ConnectionRequests => put_display(out, self.exchange.number()),
            Variable::ConnectionTime => {
                put_seconds(out, self.exchange.connection().accepted().elapsed())
            }
            Variable::ConnectionsActive => put_display(out, self.stats().active),
            Variable::ConnectionsReading => put_display(out, self.stats().reading),
            Variable::ConnectionsWriting => put_display(out, self.stats().writing),
            Variable::ConnectionsWaiting => put_display(out, self.stats().waiting()),
            Variable::Scheme => put(out, if self.tls() { b"https" } else { b"http" }),
            Variable::Tls(value) => {
                let session = self.exchange.connection().tls_session();
                session.is_some_and(|session| session.append(*value, out))
            }
            Variable::Https => !self.tls() || put(out, b"on"),
            Variable::Pipe => put(
                out,
                if self.exchange.is_pipelined() {
                    b"p"
                } else {
                    b"."
                },
            ),
            Variable::ProxyProtocolAddr
            | Variable::ProxyProtocolPort
            | Variable::ProxyProtocolServerAddr
            | Variable::ProxyProtocolServerPort => self.append_proxy_protocol(variable, out),
            Variable::ProxyProtocolValue(value) => {
                let proxied = self.exchange.connection().proxied();
                proxied.is_some_and(|proxied| value.append(&proxied.values, out))
            }
            Variable::Http2 => put(out, self.http2_name()),
            Variable::Tcp(value) => self.append_tcp_value(*value, out),
            _ => self.append_request_value(variable, out),
        }
    }

    /// Source: nginx, `ngx_http_variable_tcpinfo`.
    fn append_tcp_value(&self, value: TcpValue, out: &mut Vec<u8>) -> bool {
        let Some(info) = self.exchange.connection().tcp_info() else {
            return false;
        };
        let value = match value {
            TcpValue::Rtt => info.rtt,
            TcpValue::Rttvar => info.rttvar,
            TcpValue::SndCwnd => info.snd_cwnd,
            TcpValue::RcvSpace => info.rcv_space,
        };
        put_display(out, value)
    }

    fn append_request_value(&mut self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::Host if self.host.is_empty() => {
                put(out, &self.site.servers[self.server].name)
            }
            Variable::Host => put(out, &self.host),
            Variable::Request => put(out, self.exchange.request_line()),
            Variable::RequestUri if !self.exchange.has_line() || self.target_refused => false,
            Variable::RequestUri => put(out, self.exchange.target()),
            // Of a refused line, nginx has no name of the method until an `error_page` is asked for by GET; HEAD gets none.
            Variable::RequestMethod
                if !self.exchange.has_line() && (!self.internal || self.is_head()) =>
            {
                false
            }
            Variable::RequestMethod => {
                let method = self.subrequest.as_ref().unwrap_or(&self.head.method);
                put(out, method.as_str().as_bytes())
            }
            Variable::ModernBrowser | Variable::AncientBrowser => {
                self.append_browser(*variable == Variable::ModernBrowser, out)
            }
            Variable::Msie => !is_msie(self.exchange.fields()) || put(out, b"1"),
            Variable::InvalidReferer => self.append_invalid_referer(out),
            Variable::SecureLink => self.append_secure_link(out),
            Variable::SecureLinkExpires => self.append_secure_link_expires(out),
            Variable::LimitReqStatus | Variable::LimitConnStatus => {
                self.append_limit_status(variable, out)
            }
            Variable::ServerProtocol => self.append_protocol(out),
            Variable::ServerName => put(out, &self.site.servers[self.server].name),
            Variable::RemoteUser if self.target_refused => false,
            Variable::RemoteUser => self.append_remote_user(out),
            Variable::RequestId => self.append_request_id(out),
            Variable::DocumentRoot => self.append_document_root(out),
            Variable::RealpathRoot => self.append_realpath_root(out),
            Variable::RequestFilename => self.append_request_filename(out),
            Variable::FastcgiScriptName => self.append_script_name(out),
            Variable::FastcgiPathInfo => self.append_path_info(out),
            Variable::RequestBody => put_option(out, self.body.in_memory().as_deref()),
            Variable::RequestBodyFile => {
                let path = self.body.path().map(|path| path.as_os_str().as_bytes());
                put_option(out, path)
            }
            Variable::IsRequestPort => self.host_port.is_none() || put(out, b":"),
            Variable::RequestPort => self.append_port(self.host_port, out),
            Variable::ProxyAddXForwardedFor => self.append_forwarded_for(out),
            Variable::ProxyHost => put_option(
                out,
                self.proxied.as_deref().map(|proxied| &*proxied.url.host),
            ),
            Variable::ProxyPort => put_option(
                out,
                self.proxied.as_deref().map(|proxied| &*proxied.url.port),
            ),
            _ => self.append_log_value(variable, out),
        }
    }

    /// Values that mostly make sense when the answer has been sent.
    fn append_log_value(&mut self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        match variable {
            Variable::Status => {
                let status = match self.answer.status {
                    0 => self.error_status.unwrap_or(0),
                    status => status,
                };
                let _ = write!(out, "{status:03}");
                true
            }
            Variable::BodyBytesSent => put_display(out, self.exchange.body_bytes_sent()),
            Variable::BytesSent => put_display(out, self.exchange.bytes_sent()),
            // nginx stops reading behind the line then, whose end has two bytes.
            Variable::RequestLength if self.target_refused => {
                put_display(out, self.exchange.request_line().len() + 2)
            }
            Variable::RequestLength => put_display(out, self.exchange.request_length()),
            Variable::RequestTime => put_seconds(out, self.exchange.started().elapsed()),
            Variable::RequestCompletion => {
                self.exchange.outcome() != Outcome::Sent || put(out, b"OK")
            }
            Variable::SentHttp(name) => match &self.answer.sent {
                // What `add_header` puts behind it is another field to nginx.
                Some(sent) if *name == http::header::CONTENT_TYPE => {
                    let own = sent.get(name).map(http::HeaderValue::as_bytes);
                    own.is_some_and(|own| put(out, own))
                }
                Some(sent) => field(sent, name, out),
                None if *name == http::header::CONNECTION => {
                    let (status, kept) = (self.answer.status, self.exchange.may_keep_alive());
                    put(out, connection_field(status, kept).as_bytes())
                }
                None => false,
            },
            Variable::SentTrailer(name) => match &self.answer.trailers {
                Some(sent) => field(sent, name, out),
                None => false,
            },
            Variable::Msec => put_seconds(out, Clock::since_epoch()),
            Variable::UidGot => self.append_uid_got(out),
            Variable::UidReset => true,
            Variable::UidSet => self.append_uid_set(out),
            Variable::DateGmt => self.append_date(out, Clock::format_gmt),
            Variable::DateLocal => self.append_date(out, Clock::format_local),
            Variable::TimeLocal => put(out, Clock::timestamps().local.as_bytes()),
            Variable::TimeIso8601 => put(out, Clock::timestamps().iso8601.as_bytes()),
            Variable::Hostname => put(out, &self.site.hostname),
            Variable::NginxVersion => put(out, crate::NGINX_VERSION.as_bytes()),
            Variable::Pid => put_display(out, std::process::id()),
            Variable::Ratio(coding) => self.append_ratio(*coding, out),
            Variable::NotFound => false,
            // That of the location holds from the first byte on.
            Variable::LimitRate if !self.rate_is_set && self.exchange.bytes_sent() == 0 => {
                put(out, b"0")
            }
            Variable::LimitRate => put_display(out, self.exchange.limits().limit_rate),
            _ => self.append_upstream_value(variable, out),
        }
    }

    fn slot(&self, slot: Slot) -> Option<&[u8]> {
        let at = usize::try_from(slot.0).unwrap_or(usize::MAX);
        self.slots.get(at)?.as_deref()
    }

    /// Source: nginx, `ngx_http_ssi_date_gmt_local_variable`.
    fn append_date(&self, out: &mut Vec<u8>, format: fn(&[u8]) -> Vec<u8>) -> bool {
        let inclusion = self.inclusion.as_deref();
        let wanted = inclusion.and_then(|page| page.time_format.as_deref());
        match wanted.unwrap_or(b"%A, %d-%b-%Y %H:%M:%S %Z") {
            b"%s" => put_display(out, Clock::since_epoch().as_secs()),
            wanted => put(out, &format(wanted)),
        }
    }

    fn append_limit_status(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let state = self.limits.as_deref();
        let status = match variable {
            Variable::LimitReqStatus => state.and_then(|state| state.rate),
            _ => state.and_then(|state| state.connections),
        };
        put_option(out, status.map(LimitStatus::name))
    }

    fn append_address(&self, address: Option<IpAddr>, out: &mut Vec<u8>) -> bool {
        match address {
            Some(IpAddr::V4(address)) => put_ipv4(out, address),
            Some(IpAddr::V6(address)) => put_display(out, address),
            None => put(out, b"unix:"),
        }
    }

    fn append_port(&self, port: Option<u16>, out: &mut Vec<u8>) -> bool {
        port.is_none_or(|port| put_number(out, port))
    }

    fn append_forwarded_for(&self, out: &mut Vec<u8>) -> bool {
        static NAME: http::HeaderName = http::HeaderName::from_static("x-forwarded-for");
        if self.append_field(&NAME, out) {
            out.extend_from_slice(b", ");
        }
        self.append_address(self.client.address, out)
    }
}

/// Appends and says "found".
pub(crate) fn put(out: &mut Vec<u8>, value: &[u8]) -> bool {
    out.extend_from_slice(value);
    true
}

fn put_some(out: &mut Vec<u8>, value: &[u8]) -> bool {
    !value.is_empty() && put(out, value)
}

pub(crate) fn put_option(out: &mut Vec<u8>, value: Option<&[u8]>) -> bool {
    value.is_some_and(|value| put(out, value))
}

/// A number, without the machinery of `fmt`: addresses and ports go to PHP with every request.
fn put_number(out: &mut Vec<u8>, number: impl itoa::Integer) -> bool {
    put(out, itoa::Buffer::new().format(number).as_bytes())
}

fn put_ipv4(out: &mut Vec<u8>, address: Ipv4Addr) -> bool {
    let (mut text, mut at) = ([0; 16], 0);
    let mut put_byte = |byte| {
        text[at] = byte;
        at += 1;
    };
    for octet in address.octets() {
        if octet >= 100 {
            put_byte(b'0' + octet / 100);
        }
        if octet >= 10 {
            put_byte(b'0' + octet / 10 % 10);
        }
        put_byte(b'0' + octet % 10);
        put_byte(b'.');
    }
    put(out, &text[..at - 1])
}

pub(crate) fn put_display(out: &mut Vec<u8>, value: impl std::fmt::Display) -> bool {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
    true
}

/// Seconds with milliseconds, as all of nginx's times.
pub(crate) fn put_seconds(out: &mut Vec<u8>, time: std::time::Duration) -> bool {
    let _ = write!(out, "{}.{:03}", time.as_secs(), time.subsec_millis());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_library_writes_them() {
        for octet in 0..=255 {
            let address = Ipv4Addr::new(octet, 255 - octet, 10, 0);
            let mut out = Vec::new();
            put_ipv4(&mut out, address);
            assert_eq!(out, address.to_string().as_bytes());
        }
    }
}
