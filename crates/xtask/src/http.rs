//! A request or two over a plain socket: to see that a server answers, and what.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field, whatever the case of its name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.context("the answer has no head")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("no status in `{head}`"))?;
        let mut answer = Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        };
        if answer.field("transfer-encoding") == Some("chunked") {
            answer.body = join_chunks(&answer.body).context("bad chunks")?;
        }
        Ok(answer)
    }
}

/// GETs a target from 127.0.0.1, with further header lines (`Name: value`), within ten seconds of silence.
pub(crate) fn request(port: u16, target: &str, headers: &[&str]) -> Result<Answer> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let limit = Duration::from_secs(10);
    let mut socket = TcpStream::connect_timeout(&address, limit)?;
    socket.set_read_timeout(Some(limit))?;
    let mut head = format!("GET {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|line| line.starts_with("Host:")) {
        head.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
    }
    headers
        .iter()
        .for_each(|line| head.push_str(&format!("{line}\r\n")));
    socket.write_all(format!("{head}\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        bail!("no answer to GET {target}");
    }
    Answer::parse(&bytes)
}

/// Whether a GET is answered with 200.
pub(crate) fn answers(port: u16, target: &str) -> bool {
    request(port, target, &[]).is_ok_and(|answer| answer.status == 200)
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..line_end]).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(line_end + 2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let answer = Answer::parse(text).expect("it is well formed");
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, &b"abcde"[..])
        );
    }

    #[test]
    fn a_cut_chunk_is_an_error() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc";
        assert!(Answer::parse(text).is_err());
    }

    #[test]
    fn fields_are_found_whatever_their_case() {
        let answer = Answer::parse(b"HTTP/1.1 304 Not Modified\r\nETAG: \"a\"\r\n\r\n");
        assert_eq!(
            answer.expect("it is well formed").field("ETag"),
            Some("\"a\"")
        );
    }
}
