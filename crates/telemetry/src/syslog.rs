//! Lines to a syslog server, one datagram each (RFC 3164).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::Clock;

/// A datagram is no longer than this. nginx: `NGX_SYSLOG_MAX_STR`.
const LONGEST: usize = 2048;

/// The header of messages.
#[derive(Clone, Debug)]
pub struct SyslogHeader {
    /// Number of the facility.
    pub facility: u16,
    /// Number of the severity; `None` where each line brings its own.
    pub severity: Option<u16>,
    /// `None` for `nohostname`.
    pub hostname: Option<String>,
    /// Name of the program.
    pub tag: String,
}

/// Where messages go. Sending never waits; a message that nobody takes is lost, as in nginx.
#[derive(Debug)]
pub(crate) struct Syslog {
    socket: Socket,
    header: SyslogHeader,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram, Box<Path>),
}

impl Syslog {
    pub(crate) fn udp(server: SocketAddr, header: SyslogHeader) -> io::Result<Self> {
        let any: SocketAddr = if server.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        let socket = Socket::Udp(socket);
        Ok(Self { socket, header })
    }

    pub(crate) fn unix(path: &Path, header: SyslogHeader) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let socket = Socket::Unix(socket, path.into());
        Ok(Self { socket, header })
    }

    /// Whether each line brings its severity.
    pub(crate) fn takes_marked_lines(&self) -> bool {
        self.header.severity.is_none()
    }

    /// Sends each line.
    pub(crate) fn send(&self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            let (severity, text) = match (self.header.severity, line) {
                (Some(severity), text) => (severity, text),
                (None, [digit, text @ ..]) => (u16::from(digit.saturating_sub(b'0')), text),
                (None, []) => continue,
            };
            let local = &Clock::timestamps().local;
            let mut message = self.header.render(severity, local).into_bytes();
            message.extend_from_slice(text);
            message.truncate(LONGEST);
            // A log that cannot be written has nobody left to tell.
            let _ = match &self.socket {
                Socket::Udp(socket) => socket.send(&message),
                Socket::Unix(socket, path) => socket.send_to(&message, path),
            };
        }
    }
}

impl SyslogHeader {
    /// `<190>Nov  3 08:34:22 host tag: `, from the time as access logs have it.
    fn render(&self, severity: u16, local: &str) -> String {
        let part = |from: usize, to: usize| local.get(from..to).unwrap_or_default();
        let (day, month, time) = (part(0, 2), part(3, 6), part(12, 20));
        let day = day.strip_prefix('0').unwrap_or(day);
        let (priority, tag) = (self.facility * 8 + severity, &self.tag);
        match &self.hostname {
            Some(host) => format!("<{priority}>{month} {day:>2} {time} {host} {tag}: "),
            None => format!("<{priority}>{month} {day:>2} {time} {tag}: "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(hostname: Option<&str>) -> SyslogHeader {
        let (hostname, tag) = (hostname.map(Into::into), "nginx".into());
        SyslogHeader {
            facility: 23,
            severity: Some(6),
            hostname,
            tag,
        }
    }

    #[test]
    fn headers_are_those_of_rfc_3164() {
        let local = "03/Nov/2026:08:34:22 +0000";
        assert_eq!(
            header(Some("h")).render(6, local),
            "<190>Nov  3 08:34:22 h nginx: "
        );
        assert_eq!(
            header(None).render(6, "23/Nov/2026:08:34:22 +0000"),
            "<190>Nov 23 08:34:22 nginx: "
        );
    }

    #[test]
    fn every_line_is_a_datagram() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        server
            .set_read_timeout(Some(std::time::Duration::from_secs(10)))
            .unwrap();
        let syslog = Syslog::udp(server.local_addr().unwrap(), header(None)).unwrap();
        syslog.send(b"one\ntwo\n");
        let mut buffer = [0; 100];
        let mut next = || {
            let length = server.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert!(next().ends_with(" nginx: one"));
        assert!(next().ends_with(" nginx: two"));
        let own = SyslogHeader {
            severity: None,
            ..header(None)
        };
        let syslog = Syslog::udp(server.local_addr().unwrap(), own).unwrap();
        syslog.send(b"2bad\n4odd\n");
        assert!(next().starts_with("<186>") && next().starts_with("<188>"));
    }
}
