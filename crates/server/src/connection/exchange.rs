//! One request and its answer.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tokio::time::Instant;

use super::fields::Fields;
use super::{CONTINUE, Connection, Cut, Outcome, ReadyFields, Wait};
use crate::coalesce::HOLD;
use crate::gate::body::Framing;
use crate::gate::{FieldLines, NameMask, Persistence, Refusal, RequestLine};
use crate::http1::{Tunnel, own_reason};
use crate::io::{FileMarkers, FileQueue};
use crate::settings::Limits;
use crate::spelling::Names;

/// One request and its answer on a connection. Counters are exact for HTTP/1; for HTTP/2 they count
/// what this stream handed to the connection.
#[derive(Debug)]
pub struct Exchange {
    connection: Rc<Connection>,
    number: u64,
    arrival: u64,
    started: Instant,
    /// When all of its head was there.
    arrived: Instant,
    head: Head,
    fields: Fields,
    limits: RefCell<Limits>,
    outcome: Cell<Outcome>,
    keep_alive: Cell<bool>,
    silent: Cell<bool>,
    pipelined: Cell<bool>,
    received: Cell<u64>,
    sent: Cell<u64>,
    head_sent: Cell<u64>,
    refusal: Option<Refusal>,
    pub(crate) framing: RefCell<Framing>,
    pub(crate) body: Cell<BodyProgress>,
    /// Until when a stream of HTTP/2 waits for more of its body,
    body_due: Cell<Option<Instant>>,
    /// and for room for its answer.
    room_due: Cell<Option<Instant>>,
    /// Whom to wake when one of them is set; none while the stream is being polled.
    watcher: RefCell<Option<Waker>>,
    pub(crate) names: RefCell<Names>,
    /// The first field lines of the answer.
    pub(crate) ready: RefCell<Option<ReadyFields>>,
    /// The lines that end the chunks.
    pub(crate) trailers: RefCell<Vec<u8>>,
    /// See [`Exchange::tell_reason`]; few answers have one.
    pub(crate) reason: RefCell<Option<Box<(StatusCode, Bytes)>>>,
    /// What the connection is handed to when a `101` has been sent.
    pub(crate) tunnel: RefCell<Option<Box<Tunnel>>>,
    pub(crate) files: RefCell<FileQueue>,
}

/// What of a request the gate keeps: its raw bytes and where the parts are.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) raw: Bytes,
    pub(crate) line: RequestLine,
    /// Bytes of the lines that could be read.
    pub(crate) received: usize,
    pub(crate) method: Method,
    /// Where the field lines are; behind those of a head that was refused there may be anything.
    pub(crate) field_lines: Range<usize>,
    pub(crate) lines: FieldLines,
    /// The names of the fields, of those in a map too.
    pub(crate) names: NameMask,
    pub(crate) host: Option<Range<usize>>,
    pub(crate) persistence: Persistence,
    pub(crate) content_length: Option<u64>,
    pub(crate) chunked: bool,
    pub(crate) expect_continue: bool,
}

/// How far the request body has been read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BodyProgress {
    /// `100 Continue` is owed when the body is first asked for.
    pub(crate) owes_continue: bool,
    /// How long the client has been waited for, and since when it is, for the minimum rate.
    pub(crate) waited: Duration,
    pub(crate) waits_since: Option<Instant>,
    pub(crate) read: u64,
}

impl BodyProgress {
    /// Something has come, or nobody waits any more.
    pub(crate) fn end_wait(&mut self) {
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
    }
}

impl Exchange {
    pub(crate) fn new(
        connection: Rc<Connection>,
        number: u64,
        started: Instant,
        arrived: Instant,
        head: Head,
        limits: Limits,
        refusal: Option<Refusal>,
    ) -> Self {
        let framing = Framing::new(head.content_length, head.chunked);
        let received = head.received as u64;
        let body = BodyProgress {
            owes_continue: head.expect_continue && head.line.version > 1000,
            ..BodyProgress::default()
        };
        connection.streams.set(connection.streams.get() + 1);
        let keep_alive = refusal.is_none() && head.wants_keep_alive();
        Self {
            number,
            arrival: connection.worker.reads.get(),
            started,
            arrived,
            limits: RefCell::new(limits),
            outcome: Cell::default(),
            keep_alive: Cell::new(keep_alive),
            silent: Cell::new(false),
            pipelined: Cell::new(false),
            received: Cell::new(received),
            sent: Cell::new(0),
            head_sent: Cell::new(0),
            refusal,
            framing: RefCell::new(framing),
            body: Cell::new(body),
            body_due: Cell::new(None),
            room_due: Cell::new(None),
            watcher: RefCell::default(),
            names: RefCell::default(),
            ready: RefCell::default(),
            trailers: RefCell::default(),
            reason: RefCell::default(),
            tunnel: RefCell::default(),
            files: RefCell::default(),
            fields: Fields::default(),
            head,
            connection,
        }
    }

    /// The same with fields that are in a map already.
    pub(crate) fn with_fields(mut self, fields: HeaderMap) -> Self {
        let names = fields.keys().map(|name| name.as_str().as_bytes());
        self.head.names = names.collect();
        self.fields = fields.into();
        self
    }

    /// The connection it came in on.
    #[must_use]
    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Which request of its connection this is, counted from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// How many reads from clients this thread had done when the head had arrived: the head was in the last of them, or in
    /// an earlier one. What is seen later than that, by the measure of [`Self::reads`], is as new as if this request had
    /// looked itself.
    #[must_use]
    pub const fn arrival(&self) -> u64 {
        self.arrival
    }

    /// How many reads from clients this thread has done so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.connection.worker.reads.get()
    }

    /// The answer depends on a look at a file. The next request of this connection will probably need one, too: it waits
    /// until the other connections that are ready have read their heads, so that all of them can share it.
    pub fn note_look(&self) {
        self.connection.looks.set(true);
    }

    /// The request has stood in line for so long, for something of which there is not enough for all. Where that is no
    /// trifle, and the client's next request comes at once, it will stand in line again, and need not wake anybody.
    pub fn note_line(&self, wait: Duration) {
        self.connection.lined_up.set(wait >= HOLD);
    }

    /// When its first byte arrived.
    #[must_use]
    pub fn started(&self) -> std::time::Instant {
        self.started.into_std()
    }

    /// When all of its head was there.
    #[must_use]
    pub fn arrived(&self) -> std::time::Instant {
        self.arrived.into_std()
    }

    /// When its first byte arrived, by the clock of the runtime.
    pub(crate) const fn started_at(&self) -> Instant {
        self.started
    }

    /// The same, by the clock of the runtime.
    pub(crate) const fn arrived_at(&self) -> Instant {
        self.arrived
    }

    /// How old the connection was when the exchange began.
    pub(crate) fn age_of_connection(&self) -> std::time::Duration {
        self.started() - self.connection.accepted()
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// nginx's `$request`: the line as the client wrote it.
    #[must_use]
    pub fn request_line(&self) -> &[u8] {
        self.head.part(&self.head.line.whole)
    }

    /// nginx's `$request_uri`: the target from the path on, as the client wrote it, with a fragment
    /// if there was one. `/` where an absolute form has no path.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        match self.head.part(&self.head.line.target) {
            [] => b"/",
            target => target,
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.head.method
    }

    /// Host and port of a target in absolute form, or `:authority`; they rule over `Host`.
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        let range = self.head.line.authority.as_ref()?;
        Some(self.head.part(range))
    }

    /// The value of `Host` as the client wrote it.
    #[must_use]
    pub fn host_field(&self) -> Option<&[u8]> {
        let range = self.head.host.as_ref()?;
        Some(self.head.part(range))
    }

    /// All field lines as they came, names in the client's spelling, up to and including the empty
    /// line; of a refused request those before the fault. Empty for HTTP/2.
    #[must_use]
    pub fn raw_fields(&self) -> &[u8] {
        self.head
            .raw
            .get(self.head.field_lines.clone())
            .unwrap_or_default()
    }

    /// The fields; made into a map for the first who asks, so ask [`Self::has_field`] first where that
    /// will mostly do. Those that say where the body ends are as they were understood. None where the
    /// request was refused.
    #[must_use]
    pub fn fields(&self) -> &HeaderMap {
        self.fields.map(&self.head)
    }

    /// Says that nothing is known of the fields, as where nginx answers before it has read them.
    pub fn forget_fields(&self) {
        self.fields.forget();
    }

    /// The fields, if there is one of these names; else none, so that who asks in vain needs no map.
    #[must_use]
    pub fn fields_with(&self, names: &[HeaderName]) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        match names.iter().any(|name| self.has_field(name)) {
            true => self.fields(),
            false => &NONE,
        }
    }

    /// Whether there is a field of that name.
    #[must_use]
    #[inline]
    pub fn has_field(&self, name: &HeaderName) -> bool {
        self.fields.has(&self.head, name)
    }

    /// Name and value of each field, in order, without a map: names as the client spells them, and none of those that
    /// say where the body ends.
    pub fn field_lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.lines(&self.head)
    }

    /// The values of a field, in order; none for those that say where the body ends.
    pub fn values<'e>(&'e self, name: &'e HeaderName) -> impl Iterator<Item = &'e [u8]> {
        let name = name.as_str().as_bytes();
        let lines = self.head.names.may_hold(name).then(|| self.field_lines());
        lines
            .into_iter()
            .flatten()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// nginx's `http_version`: 9, 1000, 1001 or 2000.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.head.line.version
    }

    /// Length of the request body where it was announced.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.head.content_length
    }

    /// Whether the request body comes in chunks, or over HTTP/2 without a length.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        self.head.chunked
    }

    /// Whether the request line could be read; of one that could not nothing but its bytes is known.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.refusal.is_none() || !self.head.line.method.is_empty()
    }

    /// nginx's `$request_length`: bytes of line, fields and body received so far; 0 without a line that can
    /// be read.
    #[must_use]
    pub fn request_length(&self) -> u64 {
        match self.has_line() {
            true => self.received.get(),
            false => 0,
        }
    }

    /// nginx's `$bytes_sent`.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.sent.get()
    }

    /// nginx's `$body_bytes_sent`: what was sent without the head. Chunk marks count, as in nginx.
    #[must_use]
    pub fn body_bytes_sent(&self) -> u64 {
        self.sent.get().saturating_sub(self.head_sent.get())
    }

    /// nginx's `$pipe`: the request came in together with the one before it.
    #[must_use]
    pub fn is_pipelined(&self) -> bool {
        self.pipelined.get()
    }

    /// Where the exchange stands.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome.get()
    }

    /// Why the gate refused it, where it did.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// The limits that hold now.
    #[must_use]
    pub fn limits(&self) -> Limits {
        *self.limits.borrow()
    }

    /// One of the limits, without copying them all.
    pub(crate) fn limit<T>(&self, which: impl FnOnce(&Limits) -> T) -> T {
        which(&self.limits.borrow())
    }

    /// Whether its connection ends with a reset where the client is late, or is to get nothing.
    pub(crate) fn is_to_be_reset(&self) -> bool {
        self.limit(|limits| limits.reset_timedout_connection)
    }

    /// Replaces the limits, once the location is known.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.borrow_mut() = limits;
    }

    /// Whether the connection is to be kept after this exchange, as far as is known.
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep_alive.get()
    }

    /// Close the connection after this answer.
    pub fn disable_keep_alive(&self) {
        self.keep_alive.set(false);
    }

    /// Room for the field lines of an answer, to be given back with [`Self::begin_with`].
    #[must_use]
    pub fn ready_fields(&self) -> ReadyFields {
        ReadyFields::again(self.connection.worker.spare.take())
    }

    /// Begins the head of this answer with these lines; for HTTP/1 only. They rule over fields of the response that say
    /// the same.
    pub fn begin_with(&self, ready: ReadyFields) {
        *self.ready.borrow_mut() = Some(ready);
    }

    /// Begins the head of this answer with the lines of another one; else as [`Self::begin_with`].
    pub fn begin_like(&self, kept: &ReadyFields) {
        let mut ready = self.ready_fields();
        ready.become_like(kept);
        self.begin_with(ready);
    }

    /// Sends nothing at all, not even a head, when the body of the answer breaks before its first byte; the connection is
    /// closed then. For answers that there are none of, such as nginx's 444.
    pub fn send_nothing(&self) {
        self.silent.set(true);
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent.get()
    }

    /// Ends the chunks of this answer with these lines (`Name: value`, CRLF after each). To be said before the body
    /// has ended; for HTTP/1 only, and only for an answer without a length.
    pub fn end_with(&self, trailers: Vec<u8>) {
        *self.trailers.borrow_mut() = trailers;
    }

    /// Tells the reason phrase that another server has for this status; it goes with the answer if that is its status
    /// in the end. For HTTP/1 only. It must have no control bytes.
    ///
    /// Source: nginx, `headers_out.status_line`.
    pub fn tell_reason(&self, status: StatusCode, reason: &Bytes) {
        if own_reason(status).as_bytes() != reason {
            *self.reason.borrow_mut() = Some(Box::new((status, reason.clone())));
        }
    }

    /// Spells the field names of this answer as in `names`, whatever the operator's spelling says;
    /// for answers of FastCGI and HTTP backends, whose spelling nginx keeps.
    pub fn spell(&self, names: Names) {
        *self.names.borrow_mut() = names;
    }

    /// Whether [`Self::send_file`] works here: HTTP/1 without encryption.
    #[must_use]
    pub fn can_send_file(&self) -> bool {
        !self.connection.is_http2() && self.connection.transport.can_send_file()
    }

    /// Frames that stand for a part of a file. A body sends them as they are and in this order, and
    /// the kernel copies the file to the socket. Whoever looks into them sees zeroes, so nothing
    /// that reads or changes a body (compression, ranges) may come after.
    ///
    /// Only where [`Self::can_send_file`]. A file that has become shorter cuts the connection.
    #[must_use]
    pub fn send_file(&self, file: Arc<File>, offset: u64, length: u64) -> FileMarkers {
        self.files.borrow_mut().push(file, offset, length)
    }

    /// Once the answer, a `101`, has been sent, hands the connection of an HTTP/1 client to `far`:
    /// bytes go both ways until one side ends, or until nothing has moved for `timeout`.
    pub fn tunnel_to(
        &self,
        far: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + 'static,
        timeout: Duration,
    ) {
        *self.tunnel.borrow_mut() = Some(Box::new(Tunnel::new(far, timeout)));
    }

    pub(crate) fn set_pipelined(&self) {
        self.pipelined.set(true);
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        if self.outcome.get() == Outcome::Open {
            self.outcome.set(outcome);
        }
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.finish(Outcome::Cut(cut));
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.set(self.received.get() + bytes as u64);
    }

    pub(crate) fn count_sent(&self, bytes: usize) {
        self.sent.set(self.sent.get() + bytes as u64);
    }

    /// A `100 Continue` counts with the body, as in nginx.
    pub(crate) fn count_continue_sent(&self) {
        self.count_sent(CONTINUE.len());
    }

    pub(crate) fn count_head_sent(&self, bytes: usize) {
        self.head_sent.set(self.head_sent.get() + bytes as u64);
    }

    /// What a stream waits for its client to do first.
    pub(crate) fn waits_until(&self) -> Option<(Instant, Wait)> {
        let body = self.body_due.get().map(|due| (due, Wait::Body));
        let room = self.room_due.get().map(|due| (due, Wait::Send));
        let waits = body.into_iter().chain(room);
        waits.min_by_key(|(due, _)| *due)
    }

    /// Whether a stream waits for more of its body.
    pub(crate) fn waits_for_body(&self) -> bool {
        self.body_due.get().is_some()
    }

    /// Sets until when a stream waits for more of its body, from whichever task.
    pub(crate) fn wait_for_body(&self, due: Option<Instant>) {
        self.body_due.set(due);
        self.tell_watcher(due.is_some());
    }

    /// Sets until when a stream waits for room for its answer.
    pub(crate) fn wait_for_room(&self, due: Option<Instant>) {
        self.room_due.set(due);
        self.tell_watcher(due.is_some());
    }

    fn tell_watcher(&self, is_due: bool) {
        if is_due && let Some(watcher) = self.watcher.take() {
            watcher.wake();
        }
    }

    /// Who keeps the time of the stream, when it is not at it anyway.
    pub(crate) fn watch(&self, watcher: Option<&Waker>) {
        *self.watcher.borrow_mut() = watcher.cloned();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let left = self.connection.streams.get() - 1;
        self.connection.streams.set(left);
        if left == 0 && self.connection.is_http2() {
            self.connection.arm();
        }
    }
}

impl Head {
    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.raw.get(range.clone()).unwrap_or_default()
    }

    /// Source: nginx, `ngx_http_handler`.
    fn wants_keep_alive(&self) -> bool {
        match self.persistence {
            Persistence::Default => self.line.version > 1000,
            Persistence::Close => false,
            Persistence::KeepAlive => self.line.version >= 1000,
        }
    }
}
