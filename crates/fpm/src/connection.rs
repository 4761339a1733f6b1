//! One connection to FPM, and how long one is tried for.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use portunus_fastcgi::{GetValues, Header, NULL_REQUEST_ID, RecordType};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep};

use crate::config::{Address, PoolConfig, Reuse};
use crate::stream::Stream;

/// Room for a read at first; a small page comes in one.
const READ: usize = 16 * 1024;

/// Room for a read on a connection over which larger answers came.
const READ_MOST: usize = 64 * 1024;

/// An open connection, on the reactor of one thread.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What was read and not yet decoded.
    pub(crate) input: BytesMut,
    /// Room for the next read; doubled when one filled it.
    room: usize,
    /// The write buffer, empty between requests; kept for its memory.
    pub(crate) output: Vec<u8>,
    home: Id,
    opened: Instant,
    /// FPM would not have it at first.
    refused: bool,
    served: u32,
    /// The worker has shown that it waits for the next request.
    attentive: bool,
    /// How long the last answer was; the next is expected to be about as long.
    expected: usize,
    /// Of the next answer nothing has been read yet.
    ahead: bool,
    next_id: u16,
    /// From one id to the next: odd, so that none comes twice for long, and nobody's to foresee.
    id_step: u16,
    /// A timer of [`home`](Self::home), armed now and then; see [`poll_deadline`](Self::poll_deadline).
    timer: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    /// Connects, once.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) async fn open(config: &PoolConfig) -> io::Result<Self> {
        let stream = match &config.address {
            Address::Tcp(address) => {
                Stream::connect_tcp(*address, config.bind, config.socket_keepalive).await?
            }
            Address::Unix(path) => Stream::connect_unix(path)?,
        };
        Ok(Self {
            stream,
            input: BytesMut::new(),
            room: READ,
            output: Vec::new(),
            home: Handle::current().id(),
            opened: Instant::now(),
            refused: false,
            served: 0,
            attentive: false,
            expected: 0,
            ahead: false,
            next_id: 1,
            id_step: id_step(),
            timer: None,
        })
    }

    /// Moves the connection to the reactor of `here`, the calling thread, if it is not there yet.
    ///
    /// # Errors
    /// What the kernel says; the connection is gone then.
    pub(crate) fn move_to(mut self: Box<Self>, here: Id) -> io::Result<Box<Self>> {
        if self.home != here {
            self.stream = self.stream.move_here()?;
            self.home = here;
            self.timer = None;
        }
        Ok(self)
    }

    /// Starts another request: its id, never 0 and never that of the request before.
    ///
    /// Bytes that follow an answer late may come when the next request is out already. What made them
    /// cannot know its id: PHP before 8.2.36 takes the rest of a body, and so what a client has written,
    /// for a request (CVE-2026-129289).
    pub(crate) fn next_request(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = match id.wrapping_add(self.id_step) {
            0 => self.id_step,
            next => next,
        };
        self.served = self.served.saturating_add(1);
        self.attentive = false;
        self.ahead = true;
        id
    }

    /// Whether this connection has served a request before the current one.
    pub(crate) fn is_reused(&self) -> bool {
        self.served > 1
    }

    /// Whether FPM refused connections before it took this one: it has been started anew.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused
    }

    /// Whether `rules` let this connection serve one more, slots being scarce or not.
    pub(crate) fn may_serve_again(&self, rules: &Reuse, now: Instant) -> bool {
        !rules.is_never()
            && self.served < rules.max_requests
            && now.duration_since(self.opened) < rules.recycle_after * 10
    }

    /// Whether this connection has to go if slots are scarce.
    pub(crate) fn is_aged(&self, rules: &Reuse, now: Instant) -> bool {
        now.duration_since(self.opened) >= rules.recycle_after
    }

    /// Whether FPM has hung up or sent anything, as far as the reactor knows. Between
    /// requests either makes the connection useless. Costs no system call if nothing happened.
    pub(crate) fn is_stale(&mut self) -> bool {
        self.poll_stale(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    /// Ready once FPM hangs up or sends anything between requests.
    pub(crate) fn poll_stale(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.input.is_empty() {
            return Poll::Ready(());
        }
        self.stream.poll_anything(cx)
    }

    /// Asks the worker to show that it waits for a request. Whether the question is on its way.
    pub(crate) fn ask_for_attention(&mut self, cx: &mut Context<'_>) -> bool {
        let mut question = Vec::new();
        GetValues.encode([], &mut question);
        let sent = self.poll_write(cx, &question);
        matches!(sent, Poll::Ready(Ok(length)) if length == question.len())
    }

    /// Whether it has, since the last request.
    pub(crate) fn is_attentive(&self) -> bool {
        self.attentive
    }

    /// Ready once the worker has shown it, or else with `false`: the connection is of no use then.
    pub(crate) fn poll_attention(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match take_values(&mut self.input) {
                Some(good) => {
                    self.attentive = good;
                    return Poll::Ready(good);
                }
                None if ready!(self.poll_read(cx)).is_ok_and(|read| read > 0) => {}
                None => return Poll::Ready(false),
            }
        }
    }

    /// An answer of that length has ended.
    pub(crate) fn note_end(&mut self, length: u64) {
        self.stream.settle();
        self.expected = usize::try_from(length).unwrap_or(usize::MAX);
    }

    /// Reads what is there into [`input`](Self::input). 0 is the end.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let read = self.stream.poll_read(cx, &mut self.input);
        self.note_read(read)
    }

    /// Goes on where [`poll_read`](Self::poll_read) came to nothing and more must follow: has the kernel acknowledge at
    /// once what came so far, and reads what comes of that. To be called once before each wait for more of an answer.
    ///
    /// PHP writes a larger answer in several pieces, and the kernel holds those that are no full segment (64 KB on the
    /// loopback interface) back until the ones before are acknowledged (Nagle). On a connection that FPM does not
    /// close, our delayed acknowledgement would cost 40 ms of each such request. Once per answer is not enough: of two
    /// pieces of the same length Linux does not acknowledge the second when it is read (`tcp_measure_rcv_mss`).
    pub(crate) fn acknowledge_and_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let read = self.stream.acknowledge_and_read(cx, &mut self.input);
        self.note_read(read)
    }

    /// Room for a read; for the first of an answer more than the last one took: in one buffer it need not be joined to be
    /// had whole. What waits to be decoded is not copied to have more.
    fn make_room(&mut self) {
        let enough = match self.ahead {
            true => self.expected.clamp(self.room / 4, self.room),
            false if self.input.len() < Header::LEN => self.room / 4,
            false => 0,
        };
        if self.input.capacity() - self.input.len() <= enough {
            self.input.reserve(self.room);
        }
    }

    fn note_read(&mut self, read: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if read.is_ready() {
            self.ahead = false;
            if self.input.len() == self.input.capacity() {
                self.room = (self.room * 2).min(READ_MOST);
            }
        }
        read
    }

    /// Writes some of `bytes`.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bytes)
    }

    /// Writes some of `slices`.
    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_vectored(cx, slices)
    }

    /// Ready once `deadline` has passed. The timer behind it is armed at most once per
    /// time-out and left armed between requests: it wakes now and then for nothing, and costs
    /// nothing per read.
    pub(crate) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        loop {
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

/// An odd number by chance.
fn id_step() -> u16 {
    let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
    u16::from_be_bytes([high, low]) | 1
}

/// Takes the answer to `FCGI_GET_VALUES`: whether it is one, and nothing behind it. `None` while some of
/// it is missing.
fn take_values(input: &mut BytesMut) -> Option<bool> {
    let header = Header::from_bytes(*input.first_chunk()?);
    let expected = Header::new(
        RecordType::GetValuesResult,
        NULL_REQUEST_ID,
        header.content_length,
    );
    let padding_length = header.padding_length;
    if header
        != (Header {
            padding_length,
            ..expected
        })
    {
        return Some(false);
    }
    let length = Header::LEN + usize::from(header.content_length) + usize::from(padding_length);
    if input.len() < length {
        return None;
    }
    let is_all = input.len() == length;
    input.advance(length);
    Some(is_all)
}

/// Connects by `deadline`. Refusals that FPM causes while it restarts, or while its backlog
/// is full, are tried again until `patience` is over.
///
/// # Errors
/// The last refusal, or [`io::ErrorKind::TimedOut`].
pub(crate) async fn open_patiently(
    config: &PoolConfig,
    deadline: Instant,
    patience: Instant,
) -> io::Result<Connection> {
    let mut pause = Duration::from_millis(2);
    let (mut refused, mut was_away) = (None, false);
    loop {
        let opened = tokio::time::timeout_at(deadline, Connection::open(config)).await;
        let error = match (opened, refused) {
            (Ok(Ok(mut connection)), _) => {
                connection.refused = was_away;
                return Ok(connection);
            }
            (Ok(Err(error)), _) => error,
            // Time was up before the next try could begin: it is the last one that tells why.
            (Err(_), Some(error)) => return Err(error),
            (Err(_), None) => return Err(io::ErrorKind::TimedOut.into()),
        };
        let again = Instant::now() + pause;
        if !is_passing(&error) || again >= deadline || again >= patience {
            return Err(error);
        }
        was_away |= is_away(&error);
        refused = Some(error);
        tokio::time::sleep_until(again).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Errors that a restarting or flooded FPM causes and that end by themselves.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, NotFound, WouldBlock,
    };
    matches!(
        error.kind(),
        ConnectionRefused | WouldBlock | NotFound | ConnectionReset | ConnectionAborted
    )
}

/// Those of them that a flooded FPM does not cause: nobody listens.
fn is_away(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), ConnectionRefused | NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_come_from_the_address_that_is_asked_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Address::Tcp(listener.local_addr().unwrap());
        let mut config = PoolConfig::new(to, crate::Size::Fixed(1));
        config.bind = Some(([127, 0, 0, 9], 0).into());
        let _open = Connection::open(&config).await.unwrap();
        let (_, from) = listener.accept().unwrap();
        assert_eq!(Some(from.ip()), config.bind.map(|own| own.ip()));
        // An address that is not ours.
        config.bind = Some(([192, 0, 2, 1], 0).into());
        assert!(Connection::open(&config).await.is_err());
    }

    #[tokio::test]
    async fn a_fresh_connection_is_written_to_before_the_reactor_has_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fpm.sock");
        let _unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let writes_at_once = |to: Address| {
            let config = PoolConfig::new(to, crate::Size::Fixed(1));
            let cx = &mut Context::from_waker(Waker::noop());
            match std::pin::pin!(Connection::open(&config)).poll(cx) {
                Poll::Ready(opened) => opened.unwrap().poll_write(cx, b"request").is_ready(),
                Poll::Pending => false,
            }
        };
        assert!(writes_at_once(Address::Unix(path)));
        // On a busy machine the kernel may put a packet off now and then.
        let to = || Address::Tcp(tcp.local_addr().unwrap());
        assert!((0..20).any(|_| writes_at_once(to())));
    }

    #[tokio::test]
    async fn ids_of_requests_come_once_each_and_are_nobodys_to_foresee() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Address::Tcp(listener.local_addr().unwrap());
        let config = PoolConfig::new(to, crate::Size::Fixed(1));
        let mut seconds = std::collections::HashSet::new();
        for _ in 0..8 {
            let mut open = Connection::open(&config).await.unwrap();
            let ids: Vec<u16> = (0..u16::MAX).map(|_| open.next_request()).collect();
            let all: std::collections::HashSet<_> = ids.iter().collect();
            assert_eq!(all.len(), ids.len());
            assert!(!all.contains(&0));
            assert_eq!(ids[0], 1);
            seconds.insert(ids[1]);
        }
        assert!(seconds.len() > 1);
    }

    #[test]
    fn only_a_whole_answer_and_nothing_else_will_do() {
        for (input, found) in [
            (&b"\x01\x0a\0\0\0\0\0\0"[..], Some(true)),
            (b"\x01\x0a\0\0\0\x04\x02\0\x01\x01ab\0\0", Some(true)),
            (b"\x01\x0a\0\0\0\x04\0\0\x01\x01a", None),
            (b"\x01\x0a\0", None),
            (b"\x01\x0a\0\0\0\0\0\0x", Some(false)),
            (b"\x01\x0b\0\0\0\0\0\0", Some(false)),
            (b"\x01\x0a\0\x01\0\0\0\0", Some(false)),
            (b"\x02\x0a\0\0\0\0\0\0", Some(false)),
        ] {
            assert_eq!(take_values(&mut BytesMut::from(input)), found, "{input:?}");
        }
    }
}
