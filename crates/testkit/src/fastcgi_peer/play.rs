//! The playing of a script on one connection.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::PoisonError;
use std::time::Duration;

use bytes::BytesMut;
use portunus_fastcgi::{
    EndRequest, Pairs, ProtocolStatus, RecordType, RequestDecoder, RequestEvent, stream,
};

use super::{FastCgiRequest, Script, Shared, Step};

/// How long the server may leave a script waiting for bytes, or for room.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far a request is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    ParamsEnd,
    StdinEnd,
}

struct Player<'a> {
    stream: TcpStream,
    connection: usize,
    shared: &'a Shared,
    decoder: RequestDecoder,
    input: BytesMut,
    id: u16,
    /// The request read last.
    asked: FastCgiRequest,
}

/// Plays a script; whatever goes wrong on the socket ends it.
pub(super) fn play(stream: TcpStream, connection: usize, script: &Script, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let mut player = Player {
        stream,
        connection,
        shared,
        decoder: RequestDecoder::default(),
        input: BytesMut::new(),
        id: 1,
        asked: FastCgiRequest::default(),
    };
    while let Ok(true) = player.play_once(script) {}
    // The peer keeps a handle of its own, so that dropping ours would not close.
    let _ = player.stream.shutdown(Shutdown::Both);
}

/// What FPM answers to a question for no values: a record of type 10 without content.
const NO_VALUES: [u8; 8] = [1, 10, 0, 0, 0, 0, 0, 0];

impl Player<'_> {
    /// Plays all steps; whether to begin anew.
    fn play_once(&mut self, script: &Script) -> io::Result<bool> {
        for step in script {
            match step {
                Step::Request => self.read_request(Until::StdinEnd)?,
                Step::Params => self.read_request(Until::ParamsEnd)?,
                Step::Question => self.read_question()?,
                Step::Raw(bytes) => self.stream.write_all(bytes)?,
                Step::RawFor(bytes) => self.stream.write_all(&with_id(bytes, self.id))?,
                Step::Stdout(bytes) => self.send(RecordType::Stdout, bytes)?,
                Step::StdoutOf(name) => {
                    let value = self.asked.param(name).unwrap_or_default();
                    self.send(RecordType::Stdout, value.as_bytes())?;
                }
                Step::Stderr(bytes) => self.send(RecordType::Stderr, bytes)?,
                Step::End(status) => self.end(*status, ProtocolStatus::Complete)?,
                Step::Overloaded => self.end(0, ProtocolStatus::Overloaded)?,
                Step::Wait(gate) => gate.wait(),
                Step::Drain => while self.fill()? {},
                Step::When(query, other) => {
                    if self.asked.param("QUERY_STRING").as_deref() == Some(*query) {
                        return self.play_once(other);
                    }
                }
                Step::Repeat => return Ok(true),
                Step::RepeatIfKept => return Ok(self.asked.keep_connection),
                Step::Close => return Ok(false),
                Step::Reset => {
                    // Closing with a linger time of 0 would do, were ours the last handle.
                    rustix::net::connect_unspec(&self.stream)?;
                    return Ok(false);
                }
            }
        }
        Ok(false)
    }

    fn send(&mut self, kind: RecordType, content: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        stream::encode(kind, self.id, content, &mut out);
        self.stream.write_all(&out)
    }

    fn end(&mut self, app_status: u32, protocol_status: ProtocolStatus) -> io::Result<()> {
        let mut out = Vec::new();
        EndRequest {
            app_status,
            protocol_status,
        }
        .encode(self.id, &mut out);
        self.decoder.finish();
        self.stream.write_all(&out)
    }

    fn read_request(&mut self, until: Until) -> io::Result<()> {
        let mut request = FastCgiRequest {
            connection: self.connection,
            ..Default::default()
        };
        let mut params = Vec::new();
        loop {
            match self
                .decoder
                .decode(&mut self.input)
                .map_err(io::Error::other)?
            {
                RequestEvent::Begin { request_id, begin } => {
                    self.id = request_id;
                    (request.id, request.keep_connection) = (request_id, begin.keep_conn);
                }
                RequestEvent::Params(bytes) => params.extend_from_slice(&bytes),
                RequestEvent::ParamsEnd => {
                    for pair in Pairs::new(&params) {
                        let (name, value) = pair.map_err(io::Error::other)?;
                        request.params.push((name.to_vec(), value.to_vec()));
                    }
                    if until == Until::ParamsEnd {
                        break;
                    }
                }
                RequestEvent::Stdin(bytes) => request.stdin.extend_from_slice(&bytes),
                RequestEvent::StdinEnd => break,
                RequestEvent::Abort => {
                    request.aborted = true;
                    break;
                }
                RequestEvent::GetValues(_) => self.stream.write_all(&NO_VALUES)?,
                RequestEvent::Need => {
                    if !self.fill()? {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
        self.asked = request.clone();
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn read_question(&mut self) -> io::Result<()> {
        loop {
            let event = self.decoder.decode(&mut self.input);
            match event.map_err(io::Error::other)? {
                RequestEvent::GetValues(_) => return Ok(()),
                RequestEvent::Need if self.fill()? => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Reads once; whether there was something before the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let read = self.stream.read(&mut chunk)?;
        self.input
            .extend_from_slice(chunk.get(..read).unwrap_or_default());
        Ok(read > 0)
    }
}

/// The bytes with the id in the place of each `<id>`.
fn with_id(bytes: &[u8], id: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"<id>") {
            out.extend_from_slice(&id.to_be_bytes());
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}
