//! A crowd of clients that each take their time: one thread drives them all.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;

use crate::error::Error;

/// How often every member is given a turn.
const TURN: Duration = Duration::from_secs(1);

/// The receive buffer of members that read slowly, so that the kernel does not read for them.
const SMALL_BUFFER: usize = 4 << 10;

/// Bytes that a slow reader takes in a turn.
const SIP: usize = 512;

/// What the members of a crowd do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Connects and says nothing.
    ConnectOnly,
    /// Says half a request line, then nothing.
    HalfRequestLine,
    /// Sends a head, one byte a second, without end.
    SlowHead,
    /// Sends a body of a megabyte, one byte a second.
    SlowBody,
    /// Asks for something large and reads half a kilobyte a second.
    SlowRead,
    /// Asks once, reads the answer, and keeps the connection.
    KeepAlive,
}

impl Habit {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ConnectOnly,
        Self::HalfRequestLine,
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowRead,
        Self::KeepAlive,
    ];

    /// As it stands in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectOnly => "connect only",
            Self::HalfRequestLine => "half a request line",
            Self::SlowHead => "slow head",
            Self::SlowBody => "slow body",
            Self::SlowRead => "slow read",
            Self::KeepAlive => "idle keep-alive",
        }
    }

    fn first_words(self, target: &str) -> String {
        match self {
            Self::ConnectOnly => String::new(),
            Self::HalfRequestLine => format!("GET {target}"),
            Self::SlowHead => format!("GET {target} HTTP/1.1\r\nHost: a\r\n"),
            Self::SlowBody => {
                format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n")
            }
            Self::SlowRead | Self::KeepAlive => {
                format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
            }
        }
    }

    /// What is sent in the turn of this number.
    fn word(self, turn: usize) -> &'static [u8] {
        const FIELD: &[u8] = b"X-Slow: y\r\n";
        let at = turn % FIELD.len();
        match self {
            Self::SlowHead => &FIELD[at..=at],
            Self::SlowBody => b"b",
            _ => b"",
        }
    }
}

/// What has become of the members so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrowdReport {
    /// Those whose connection is still open.
    pub open: usize,
    /// Those whose connection the server has closed.
    pub cut: usize,
    /// When the first and the last of these were closed, counted from their first byte (or from
    /// connecting).
    pub first_cut: Option<Duration>,
    /// See [`Self::first_cut`].
    pub last_cut: Option<Duration>,
    /// Bytes received by all of them.
    pub received: usize,
}

/// Many clients of one habit. Dropping it closes their connections.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    driver: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    turns: AtomicUsize,
    changed: Condvar,
    report: Mutex<CrowdReport>,
}

struct Member {
    stream: TcpStream,
    since: Instant,
}

impl Crowd {
    /// Connects all of them and lets them begin; from then on they act on their own.
    ///
    /// # Errors
    /// If the system or the server does not take that many connections.
    pub fn gather(
        address: SocketAddr,
        habit: Habit,
        target: &str,
        count: usize,
    ) -> Result<Self, Error> {
        raise_descriptor_limit();
        let words = habit.first_words(target);
        let member = |_| Member::begin(address, habit, words.as_bytes());
        let members: io::Result<Vec<Member>> = (0..count).map(member).collect();
        let members = members.map_err(Error::io(format!("gathering {count} clients")))?;
        let shared = Arc::new(Shared::default());
        shared.update(|report| report.open = count);
        let driving = Arc::clone(&shared);
        let driver = thread::spawn(move || drive(habit, members, &driving));
        Ok(Self {
            shared,
            driver: Some(driver),
        })
    }

    /// What has become of them so far.
    #[must_use]
    pub fn report(&self) -> CrowdReport {
        *self.shared.lock()
    }

    /// How many turns they have had.
    #[must_use]
    pub fn turns(&self) -> usize {
        self.shared.turns.load(Relaxed)
    }

    /// Waits until something is true of them; the last report, and whether it was true in time.
    pub fn wait_until(
        &self,
        patience: Duration,
        wanted: impl Fn(&CrowdReport) -> bool,
    ) -> (CrowdReport, bool) {
        let report = self.shared.lock();
        let unwanted = |report: &mut CrowdReport| !wanted(report);
        let waited = (self.shared.changed).wait_timeout_while(report, patience, unwanted);
        let (report, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        (*report, !timeout.timed_out())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        if let Some(driver) = self.driver.take() {
            driver.thread().unpark();
            // A driver that panicked has been reported by the panic itself.
            let _ = driver.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, CrowdReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut CrowdReport)) {
        change(&mut self.lock());
    }
}

impl Member {
    fn begin(address: SocketAddr, habit: Habit, words: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        if habit == Habit::SlowRead {
            SockRef::from(&stream).set_recv_buffer_size(SMALL_BUFFER)?;
        }
        stream.set_nodelay(true)?;
        stream.write_all(words)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            since: Instant::now(),
        })
    }

    /// Reads what is there, or a sip of it; `None` once the server has closed.
    fn listen(&mut self, habit: Habit) -> Option<usize> {
        let mut buffer = [0; 16 << 10];
        let length = if habit == Habit::SlowRead {
            SIP
        } else {
            buffer.len()
        };
        match self.stream.read(&mut buffer[..length]) {
            Ok(0) => None,
            Ok(length) => Some(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
            Err(_) => None,
        }
    }
}

fn drive(habit: Habit, mut members: Vec<Member>, shared: &Shared) {
    let begun = Instant::now();
    let mut last_word = begun;
    while !shared.stop.load(Relaxed) {
        let speaks = last_word.elapsed() >= TURN;
        let turn = shared.turns.load(Relaxed);
        let sips = habit != Habit::SlowRead || speaks;
        members.retain_mut(|member| {
            if speaks && !habit.word(turn).is_empty() {
                // A closed connection shows when it is read.
                let _ = member.stream.write(habit.word(turn));
            }
            let heard = if sips { member.listen(habit) } else { Some(0) };
            shared.update(|report| match heard {
                Some(length) => report.received += length,
                None => {
                    let age = member.since.elapsed();
                    report.open -= 1;
                    report.cut += 1;
                    report.first_cut = Some(report.first_cut.map_or(age, |first| first.min(age)));
                    report.last_cut = Some(report.last_cut.map_or(age, |last| last.max(age)));
                }
            });
            heard.is_some()
        });
        shared.changed.notify_all();
        if speaks {
            last_word += TURN;
            shared.turns.fetch_add(1, Relaxed);
        }
        thread::park_timeout(TURN / 10);
    }
}

/// As many descriptors as the system lets us have: a crowd needs one for each member.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // If that fails, gathering says what is missing.
    let _ = setrlimit(Resource::Nofile, raised);
}
