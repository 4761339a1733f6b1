//! Requests of all kinds, and what came of them.

use std::io::Read as _;
use std::net::SocketAddr;

use super::Dice;
use crate::client::{Connection, Response};
use crate::error::Error;

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// 404.
    Missing,
    /// The transfer broke off.
    Cut,
    /// 416: the file is so long.
    Beyond { total: usize },
    /// 200, decoded.
    Whole { body: Vec<u8>, encoded: bool },
    /// One part of it.
    Part {
        start: usize,
        total: usize,
        body: Vec<u8>,
    },
}

impl Heard {
    pub(super) fn summary(&self) -> String {
        let excerpt =
            |body: &[u8]| String::from_utf8_lossy(&body[..body.len().min(32)]).into_owned();
        match self {
            Self::Missing => "404".to_owned(),
            Self::Cut => "a cut transfer".to_owned(),
            Self::Beyond { total } => format!("416 with {total} bytes"),
            Self::Whole { body, encoded } => {
                format!(
                    "{} bytes, {:?}, encoded: {encoded}",
                    body.len(),
                    excerpt(body)
                )
            }
            Self::Part { start, total, body } => {
                format!(
                    "{} bytes from {start} of {total}, {:?}",
                    body.len(),
                    excerpt(body)
                )
            }
        }
    }
}

/// One request.
pub(super) struct Request {
    path: String,
    field: String,
}

impl Request {
    pub(super) fn line(&self) -> String {
        format!("GET {} {}", self.path, self.field)
    }
}

/// A client that keeps its connection for as long as it lasts.
pub(super) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    pub(super) fn request(&self, dice: &mut Dice, path: &str) -> Request {
        let field = match dice.roll(8) {
            0 | 1 => "Accept-Encoding: gzip".to_owned(),
            2 => "Accept-Encoding: br".to_owned(),
            3 => "Accept-Encoding: zstd".to_owned(),
            4 => {
                let start = dice.roll(400);
                format!("Range: bytes={start}-{}", start + dice.roll(100_000))
            }
            5 => format!("Range: bytes=-{}", 1 + dice.roll(1_000)),
            _ => "Accept: */*".to_owned(),
        };
        Request {
            path: path.to_owned(),
            field,
        }
    }

    /// Sends the request on the connection that there is, or on a new one.
    ///
    /// # Errors
    /// Why the answer is none.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Heard, String> {
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n",
            request.path, request.field
        );
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).map_err(|error| error.to_string())?,
        };
        let sent = connection.send(head.as_bytes());
        let answer = sent.and_then(|()| connection.read_response("GET"));
        let response = match answer {
            Ok(response) => response,
            Err(Error::Closed { .. }) => return Ok(Heard::Cut),
            Err(error) => return Err(error.to_string()),
        };
        if response.field("connection") != Some("close") {
            self.connection = Some(connection);
        }
        heard(response)
    }
}

fn heard(response: Response) -> Result<Heard, String> {
    match response.status() {
        404 => Ok(Heard::Missing),
        416 => beyond(&response),
        200 => {
            let coding = response.field("content-encoding").map(str::to_owned);
            let body = decoded(coding.as_deref(), response.body)?;
            let encoded = coding.is_some();
            Ok(Heard::Whole { body, encoded })
        }
        206 => part(response),
        other => Err(format!("status {other}")),
    }
}

fn beyond(response: &Response) -> Result<Heard, String> {
    let field = response.field("content-range").unwrap_or_default();
    let total = field
        .strip_prefix("bytes */")
        .and_then(|total| total.parse().ok());
    let total = total.ok_or_else(|| format!("416 with Content-Range: {field}"))?;
    Ok(Heard::Beyond { total })
}

fn part(response: Response) -> Result<Heard, String> {
    let field = response.field("content-range").unwrap_or_default();
    let numbers: Vec<usize> = field
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let [start, end, total] = numbers[..] else {
        return Err(format!("Content-Range: {field}"));
    };
    if end + 1 - start != response.body.len() {
        return Err(format!("{} bytes of {field}", response.body.len()));
    }
    Ok(Heard::Part {
        start,
        total,
        body: response.body,
    })
}

/// The body without its coding, by libraries that are not the server's.
fn decoded(coding: Option<&str>, body: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = match coding {
        None => return Ok(body),
        Some("gzip") => flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut out),
        Some("br") => brotli::Decompressor::new(&body[..], 4096).read_to_end(&mut out),
        Some("zstd") => {
            zstd::Decoder::new(&body[..]).and_then(|mut from| from.read_to_end(&mut out))
        }
        Some(other) => return Err(format!("Content-Encoding: {other}")),
    };
    read.map_err(|error| format!("{coding:?}: {error}"))?;
    Ok(out)
}
