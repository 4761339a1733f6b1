//! `portunus healthcheck`: asks the running server whether it may be sent more requests, for
//! containers that have no curl.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

mod fpm;

use portunus_conf::typed::{self, LocationMatch};
use portunus_conf::{Address, Config, Scope, d};
use portunus_errno::errno_text;

use crate::launch::Launch;

/// Longest status line that is read.
const LONGEST: usize = 512;

/// Whom to ask, and for what.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    place: Place,
    proxy_protocol: bool,
    host: String,
    /// `None` where the configuration has no `health`: then any answer will do.
    path: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Inet(SocketAddr),
    Unix(PathBuf),
}

impl Launch {
    /// Asks `url`, or the `health` of the configuration, and with `php` each PHP-FPM of the configuration as well;
    /// prints what came of it.
    #[must_use]
    pub fn healthcheck(&self, url: Option<&str>, php: bool, patience: Duration) -> ExitCode {
        match self.judge(url, php, patience) {
            Ok(text) => {
                eprintln!("healthy: {text}");
                ExitCode::SUCCESS
            }
            Err(text) => {
                eprintln!("unhealthy: {text}");
                ExitCode::FAILURE
            }
        }
    }

    fn judge(&self, url: Option<&str>, php: bool, patience: Duration) -> Result<String, String> {
        let read = || {
            self.read_looking_up(false).map_err(|_| {
                let path = self.conf.display();
                format!("{path} has errors, which -t shows, or is not there: give -c, or a URL")
            })
        };
        let (target, config) = match url {
            Some(url) if !php => (Target::of_url(url)?, None),
            Some(url) => (Target::of_url(url)?, Some(read()?.config)),
            None => {
                let config = read()?.config;
                (Target::of_config(&config)?, Some(config))
            }
        };
        let mut told = judge(&target, patience)?;
        if php && let Some(config) = config {
            told = format!("{told}, {}", fpm::ask_all(&config, patience)?);
        }
        Ok(told)
    }
}

/// What the server says; `Err` where that is nothing, or nothing good.
fn judge(target: &Target, patience: Duration) -> Result<String, String> {
    let status =
        ask(target, patience).map_err(|error| format!("{target}: {}", errno_text(&error)))?;
    match (&target.path, status) {
        (Some(_), 200..=299) => Ok(format!("{status} from {target}")),
        (Some(_), _) => Err(format!("{status} from {target}")),
        (None, _) => Ok(format!(
            "{target} answers; with \"location = /health {{ health; }}\" it could say whether it is ending"
        )),
    }
}

impl Target {
    /// `http://HOST:PORT/PATH`.
    fn of_url(url: &str) -> Result<Self, String> {
        let bad = || format!("\"{url}\" is no URL such as http://127.0.0.1:8080/health");
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || !is_plain(rest) {
            return Err(bad());
        }
        let has_port = host
            .rsplit(':')
            .next()
            .is_some_and(|end| end.parse::<u16>().is_ok());
        let address = match has_port && !host.ends_with(']') {
            true => host.to_socket_addrs(),
            false => format!("{host}:80").to_socket_addrs(),
        };
        let address = address.map_err(|error| format!("{host}: {error}"))?.next();
        Ok(Self {
            place: Place::Inet(address.ok_or_else(bad)?),
            proxy_protocol: false,
            host: host.to_owned(),
            path: Some(if path.is_empty() { "/" } else { path }.to_owned()),
        })
    }

    /// The first server with a `health`, else the first one, on its first address without TLS.
    fn of_config(config: &Config) -> Result<Self, String> {
        let servers = || {
            config
                .http()
                .into_iter()
                .flat_map(|http| http.children(d::SERVER))
        };
        let with_health = servers().find_map(|server| Some((server, health_of(server)?)));
        let (server, path) = match with_health {
            Some((server, path)) => (server, Some(path)),
            None => (
                servers().next().ok_or("the configuration has no server")?,
                None,
            ),
        };
        let listens = server
            .own(d::LISTEN)
            .filter_map(|directive| typed::Listen::parse(directive).ok());
        let mut listens: Vec<_> = listens.collect();
        listens.sort_by_key(|listen| listen.ssl);
        let (place, proxy_protocol) = match listens.first() {
            Some(listen) => (Place::of(&listen.url.address)?, listen.proxy_protocol),
            None => (Place::Inet((Ipv4Addr::LOCALHOST, 80).into()), false),
        };
        let names = server
            .words(d::SERVER_NAME)
            .iter()
            .filter_map(|word| word.as_str());
        let host = names
            .into_iter()
            .find(|name| is_host(name))
            .unwrap_or("localhost");
        Ok(Self {
            place,
            proxy_protocol,
            host: host.to_owned(),
            path,
        })
    }
}

/// A name that a client may send, and no pattern.
fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && !name.starts_with('.')
}

/// The path of a `health` below a server.
fn health_of(scope: Scope<'_>) -> Option<String> {
    scope.children(d::LOCATION).find_map(|location| {
        if location.set_here(d::HEALTH) {
            let name = match LocationMatch::parse(location.directive()?).ok()? {
                LocationMatch::Exact(path)
                | LocationMatch::Prefix(path)
                | LocationMatch::PrefixStop(path) => path,
                LocationMatch::Regex { .. } | LocationMatch::Named(_) => return None,
            };
            return Some(String::from_utf8_lossy(name.bytes).into_owned());
        }
        health_of(location)
    })
}

impl Place {
    /// Where a client on this machine reaches what listens there.
    fn of(address: &Address<'_>) -> Result<Self, String> {
        let mut address = match address {
            Address::Unix(path) => return Ok(Self::Unix(std::ffi::OsStr::from_bytes(path).into())),
            Address::Ip(address) => *address,
            Address::Name(name, port) => {
                let name = String::from_utf8_lossy(name);
                let found = (&*name, *port)
                    .to_socket_addrs()
                    .ok()
                    .and_then(|mut all| all.next());
                found.ok_or_else(|| format!("host not found: {name}"))?
            }
        };
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Ok(Self::Inet(address))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or_default();
        match &self.place {
            Place::Inet(address) => write!(f, "http://{address}{path}"),
            Place::Unix(socket) => write!(f, "unix:{}:{path}", socket.display()),
        }
    }
}

/// The status that the server answers with.
fn ask(target: &Target, patience: Duration) -> io::Result<u16> {
    let until = Instant::now() + patience;
    match &target.place {
        Place::Inet(address) => {
            let stream = TcpStream::connect_timeout(address, patience)?;
            stream.set_write_timeout(Some(patience))?;
            exchange(&stream, target, |stream| {
                stream.set_read_timeout(Some(left(until)?))
            })
        }
        Place::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(patience))?;
            exchange(&stream, target, |stream| {
                stream.set_read_timeout(Some(left(until)?))
            })
        }
    }
}

/// What is left of the patience.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.checked_duration_since(Instant::now());
    left.filter(|left| !left.is_zero())
        .ok_or_else(|| io::ErrorKind::TimedOut.into())
}

fn exchange<S>(
    mut stream: &S,
    target: &Target,
    bound: impl Fn(&S) -> io::Result<()>,
) -> io::Result<u16>
where
    for<'s> &'s S: Read + Write,
{
    let preface = if target.proxy_protocol {
        "PROXY UNKNOWN\r\n"
    } else {
        ""
    };
    // Without `health`: a method that the server refuses before it looks for a location, so that no
    // page is made and PHP is not asked.
    let (method, path) = target
        .path
        .as_ref()
        .map_or(("TRACE", "/"), |path| ("GET", path));
    let host = &target.host;
    let request = format!(
        "{preface}{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: portunus-healthcheck\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LONGEST {
        bound(stream)?;
        let mut buffer = [0; LONGEST];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    status.ok_or_else(|| io::Error::other("no answer of an HTTP server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_plain_http() {
        let target = Target::of_url("http://127.0.0.1:8080/health").unwrap();
        assert_eq!(target.to_string(), "http://127.0.0.1:8080/health");
        assert_eq!(target.host, "127.0.0.1:8080");
        let target = Target::of_url("http://[::1]").unwrap();
        assert_eq!(target.to_string(), "http://[::1]:80/");
        for bad in ["https://a/", "a", "http://", "http://a b/", "http:///x"] {
            assert!(Target::of_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_are_patterns_are_no_hosts() {
        assert!(is_host("example.com"));
        for name in ["", "_", ".example.com", "*.example.com", "~^www", "a\"b"] {
            assert!(!is_host(name), "{name}");
        }
    }
}
