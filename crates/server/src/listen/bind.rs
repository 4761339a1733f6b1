//! Binding: all sockets or none, in nginx's order, with its retries and its words.

use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portunus_errno::errno_text;
use socket2::{Domain, SockAddr, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use crate::io::UNSENT;

use super::{ListenAddress, ListenerConfig, TcpKeepAlive};

/// How often a busy address is tried. Source: nginx, `ngx_open_listening_sockets`.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Why a socket could not be opened; the texts are nginx's.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A system call failed.
    #[error("{call} {address} failed ({})", errno_text(.source))]
    Call {
        /// The call with its preposition: `bind() to`.
        call: &'static str,
        /// What it was about.
        address: ListenAddress,
        /// What the system said.
        source: io::Error,
    },
    /// `listen()` failed.
    #[error("listen() to {address}, backlog {backlog} failed ({})", errno_text(.source))]
    Listen {
        /// What it was about.
        address: ListenAddress,
        /// The queue length asked for.
        backlog: i32,
        /// What the system said.
        source: io::Error,
    },
    /// Each try found an address taken; the reasons were logged one by one.
    #[error("still could not bind()")]
    StillBusy {
        /// The last failure of the last try.
        #[source]
        last: Box<BindError>,
    },
}

/// One open listening socket; with `reuseport`, one per worker.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) standing: Arc<Standing>,
    /// At least one descriptor, non-blocking and listening.
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// What a listening socket is. Connections keep this and not the socket, which would go on listening
/// for as long as they live.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) config: ListenerConfig,
    /// The address after binding: port 0 has become a real port.
    pub(crate) address: ListenAddress,
}

impl Standing {
    /// Whether its connections may change their thread. Those of `reuseport` sockets are where the kernel wants them,
    /// and TLS and HTTP/2 keep what belongs to their thread.
    pub(crate) fn can_move(&self) -> bool {
        !self.config.reuseport && !self.config.http2 && self.config.tls.0.is_none()
    }
}

impl Deref for Socket {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        &self.standing
    }
}

/// The listening sockets of one configuration, all open.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    pub(crate) sockets: Vec<Arc<Socket>>,
}

impl Listeners {
    /// Opens what `configs` ask for, keeping every socket of `inherited` that stays at its address.
    /// `workers` is the number of sockets a `reuseport` address gets.
    ///
    /// A busy address is tried five times, half a second apart, each failure logged; this blocks.
    /// On an error everything opened here is closed again and `inherited` is untouched.
    ///
    /// Source: nginx, `ngx_open_listening_sockets`.
    ///
    /// # Errors
    ///
    /// The first failure that waiting does not mend, or [`BindError::StillBusy`].
    pub fn bind(
        configs: Vec<ListenerConfig>,
        inherited: Option<&Self>,
        workers: usize,
    ) -> Result<Self, BindError> {
        let mut open = Vec::<Slot>::with_capacity(configs.len());
        for config in configs {
            let kept = match inherited {
                Some(old) => old.keep(&config)?,
                None => None,
            };
            open.push((config, kept));
        }
        for attempt in 0..TRIES {
            let Some(last) = open_missing(&mut open, workers)? else {
                let sockets = open.into_iter().filter_map(|(_, socket)| socket);
                let listeners = Self {
                    sockets: sockets.collect(),
                };
                listeners.change_options(inherited);
                return Ok(listeners);
            };
            tracing::info!("try again to bind() after 500ms");
            pause(PAUSE);
            if attempt + 1 == TRIES {
                return Err(BindError::StillBusy {
                    last: Box::new(last),
                });
            }
        }
        unreachable!("the last try returns")
    }

    /// The addresses that are open, with the `tag` of each.
    pub fn addresses(&self) -> impl Iterator<Item = (usize, &ListenAddress)> {
        self.sockets
            .iter()
            .map(|socket| (socket.config.tag, &socket.address))
    }

    /// The files of the Unix sockets, which whoever gives those up should remove.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let path = |(_, address): (usize, &ListenAddress)| match address {
            ListenAddress::Unix(path) => Some(path.clone()),
            ListenAddress::Inet(_) => None,
        };
        self.addresses().filter_map(path).collect()
    }

    /// Where all of them stand.
    pub(crate) fn standing(&self) -> Vec<ListenAddress> {
        let sockets = self.sockets.iter();
        sockets.map(|socket| socket.address.clone()).collect()
    }

    /// Whether connections of `socket` belong to a socket that is still listened on.
    pub(crate) fn contains(&self, socket: &Standing) -> bool {
        self.sockets
            .iter()
            .any(|ours| ours.address == socket.address)
    }

    /// The socket that already stands at that address.
    fn at(&self, address: &ListenAddress) -> Option<&Arc<Socket>> {
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| socket.config.address == *address || socket.address == *address)
    }

    /// The socket that already stands at that address, with the new parameters. The descriptors
    /// are duplicated, so that dropping either set leaves the other open.
    ///
    /// Differs: nginx opens further sockets where `reuseport` has come; the kernel would refuse them to another user than
    /// the one who opened the first.
    fn keep(&self, config: &ListenerConfig) -> Result<Option<Arc<Socket>>, BindError> {
        let Some(old) = self.at(&config.address) else {
            return Ok(None);
        };
        if old.config.reuseport != config.reuseport {
            let address = &old.address;
            tracing::warn!(
                "\"reuseport\" of {address} has changed, which takes effect at the next start"
            );
        }
        let config = ListenerConfig {
            reuseport: old.config.reuseport,
            ..config.clone()
        };
        if old.config == config {
            return Ok(Some(Arc::clone(old)));
        }
        let descriptors = old.descriptors.iter().map(OwnedFd::try_clone);
        let descriptors = descriptors.collect::<io::Result<Vec<_>>>();
        let descriptors = descriptors.map_err(|source| BindError::Call {
            call: "dup()",
            address: old.address.clone(),
            source,
        })?;
        let standing = Standing {
            config,
            address: old.address.clone(),
        };
        Ok(Some(Arc::new(Socket {
            standing: Arc::new(standing),
            descriptors,
        })))
    }
}

impl Listeners {
    /// Gives the sockets that were there before what has changed of their options.
    ///
    /// Source: nginx, `ngx_configure_listening_sockets`.
    fn change_options(&self, inherited: Option<&Self>) {
        for socket in &self.sockets {
            let old = inherited.and_then(|old| old.at(&socket.address));
            let Some(old) = old.filter(|old| old.config != socket.config) else {
                continue;
            };
            for descriptor in &socket.descriptors {
                change_options(&SockRef::from(descriptor), &old.config, socket);
            }
        }
    }
}

fn change_options(socket: &RawSocket, old: &ListenerConfig, new: &Standing) {
    let (address, config) = (&new.address, &new.config);
    set_options(socket, config);
    if old.deferred
        && !config.deferred
        && let Err(error) = defer_accept(socket, false)
    {
        let error = errno_text(&error);
        tracing::error!("setsockopt(TCP_DEFER_ACCEPT, 0) for {address} failed ({error}), ignored");
    }
    if old.backlog != config.backlog
        && let Err(source) = socket.listen(config.backlog)
    {
        let error = BindError::Listen {
            address: address.clone(),
            backlog: config.backlog,
            source,
        };
        tracing::error!("{error}, ignored");
    }
}

/// What is asked for, and the socket once it is open.
type Slot = (ListenerConfig, Option<Arc<Socket>>);

/// One round over what is not open yet; `Some` when an address was busy and waiting may help.
fn open_missing(open: &mut [Slot], workers: usize) -> Result<Option<BindError>, BindError> {
    let mut busy = None;
    for (config, slot) in open {
        if slot.is_some() {
            continue;
        }
        match open_socket(config, workers) {
            Ok(socket) => *slot = Some(Arc::new(socket)),
            Err(error) if error.is_busy() => {
                tracing::error!(severity = "emerg", "{error}");
                busy = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(busy)
}

fn open_socket(config: &ListenerConfig, workers: usize) -> Result<Socket, BindError> {
    let count = if config.reuseport { workers.max(1) } else { 1 };
    let mut address = config.address.clone();
    let mut descriptors = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = open_one(config, &address)?;
        if let (ListenAddress::Inet(inet), Ok(local)) = (&mut address, socket.local_addr())
            && let Some(local) = local.as_socket()
        {
            inet.set_port(local.port());
        }
        descriptors.push(OwnedFd::from(socket));
    }
    let standing = Standing {
        config: config.clone(),
        address,
    };
    Ok(Socket {
        standing: Arc::new(standing),
        descriptors,
    })
}

fn open_one(config: &ListenerConfig, address: &ListenAddress) -> Result<RawSocket, BindError> {
    let call = |call| {
        let address = address.clone();
        move |source| BindError::Call {
            call,
            address,
            source,
        }
    };
    let (domain, target) = match address {
        ListenAddress::Inet(inet) => (Domain::for_address(*inet), SockAddr::from(*inet)),
        ListenAddress::Unix(path) => {
            let target = SockAddr::unix(path).map_err(call("bind() to"))?;
            (Domain::UNIX, target)
        }
    };
    let socket = RawSocket::new(domain, Type::STREAM, None).map_err(call("socket()"))?;
    (socket.set_reuse_address(true)).map_err(call("setsockopt(SO_REUSEADDR)"))?;
    if config.reuseport {
        (socket.set_reuse_port(true)).map_err(call("setsockopt(SO_REUSEPORT)"))?;
    }
    if domain == Domain::IPV6
        && let Err(error) = socket.set_only_v6(config.ipv6only)
    {
        let error = errno_text(&error);
        tracing::error!("setsockopt(IPV6_V6ONLY) {address} failed ({error}), ignored");
    }
    (socket.set_nonblocking(true)).map_err(call("fcntl(O_NONBLOCK)"))?;
    let bound = socket.bind(&target).or_else(|error| match address {
        ListenAddress::Unix(path) if is_left_behind(path, &error) => {
            std::fs::remove_file(path)?;
            socket.bind(&target)
        }
        _ => Err(error),
    });
    bound.map_err(call("bind() to"))?;
    if let ListenAddress::Unix(path) = address {
        open_to_all(path);
    }
    set_options(&socket, config);
    socket
        .listen(config.backlog)
        .map_err(|source| BindError::Listen {
            address: address.clone(),
            backlog: config.backlog,
            source,
        })?;
    Ok(socket)
}

/// Whether the file of a Unix socket is one that a process did not live to remove: nobody listens.
///
/// Differs: nginx does not start, and a container that was killed does not come up again.
fn is_left_behind(path: &std::path::Path, error: &io::Error) -> bool {
    let asked = || std::os::unix::net::UnixStream::connect(path);
    error.kind() == io::ErrorKind::AddrInUse
        && asked().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// nginx makes its Unix sockets readable and writable for everybody.
fn open_to_all(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)) {
        tracing::error!(
            "chmod() \"{}\" failed ({})",
            path.display(),
            errno_text(&error)
        );
    }
}

/// Options that nginx sets with "failed, ignored": none of them keeps a server from running.
///
/// Source: nginx, `ngx_configure_listening_sockets`.
fn set_options(socket: &RawSocket, config: &ListenerConfig) {
    let inet = matches!(config.address, ListenAddress::Inet(_));
    let is_loopback =
        matches!(config.address, ListenAddress::Inet(address) if address.ip().is_loopback());
    let results = [
        (
            "SO_RCVBUF",
            config.rcvbuf.map(|n| socket.set_recv_buffer_size(n)),
        ),
        (
            "SO_SNDBUF",
            config.sndbuf.map(|n| socket.set_send_buffer_size(n)),
        ),
        (
            "SO_KEEPALIVE",
            config
                .so_keepalive
                .filter(|_| inet)
                .map(|k| set_keepalive(socket, k)),
        ),
        (
            "TCP_DEFER_ACCEPT",
            (config.deferred && inet).then(|| defer_accept(socket, true)),
        ),
        // Connections inherit it, which saves a call for each.
        ("TCP_NODELAY", inet.then(|| socket.set_tcp_nodelay(true))),
        (
            "TCP_NOTSENT_LOWAT",
            inet.then(|| socket.set_tcp_notsent_lowat(UNSENT)),
        ),
        ("TCP_CONGESTION", is_loopback.then(|| do_not_pace(socket))),
        (
            "TCP_FASTOPEN",
            config
                .fastopen
                .filter(|_| inet)
                .map(|n| fast_open(socket, n)),
        ),
    ];
    for (name, result) in results {
        if let Some(Err(error)) = result {
            let (address, error) = (&config.address, errno_text(&error));
            tracing::error!("setsockopt({name}) {address} failed ({error}), ignored");
        }
    }
}

fn set_keepalive(socket: &RawSocket, keepalive: TcpKeepAlive) -> io::Result<()> {
    socket.set_keepalive(keepalive.enabled)?;
    let mut parts = TcpKeepalive::new();
    if let Some(idle) = keepalive.idle {
        parts = parts.with_time(idle);
    }
    if let Some(interval) = keepalive.interval {
        parts = parts.with_interval(interval);
    }
    if let Some(count) = keepalive.count {
        parts = parts.with_retries(count);
    }
    if keepalive.enabled {
        socket.set_tcp_keepalive(&parts)?;
    }
    Ok(())
}

/// One second, as nginx: the kernel wakes us with the first data, or after about that long.
fn defer_accept(socket: &RawSocket, on: bool) -> io::Result<()> {
    crate::sys::set_tcp_option(socket, crate::sys::TCP_DEFER_ACCEPT, i32::from(on))
}

/// BBR waits for a timer before each packet of 64 KB, which is how it shares a long path. What comes to a loopback address
/// never leaves the machine: there is nothing to share, and the timers are two thirds of the CPU time of a large file. A
/// connection that has begun with BBR keeps the timers, whatever it is told later; so the listening socket is told.
fn do_not_pace(socket: &RawSocket) -> io::Result<()> {
    if socket.tcp_congestion()?.starts_with(b"bbr") {
        // Every kernel has it, for everybody.
        socket.set_tcp_congestion(b"reno")?;
    }
    Ok(())
}

fn fast_open(socket: &RawSocket, queue: u32) -> io::Result<()> {
    let queue = i32::try_from(queue).unwrap_or(i32::MAX);
    crate::sys::set_tcp_option(socket, crate::sys::TCP_FASTOPEN, queue)
}

/// A pause at start-up, before any runtime exists.
fn pause(duration: Duration) {
    std::thread::park_timeout(duration);
}

impl BindError {
    /// What the operator may do about it, if that can be told from the error.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        let (Self::Call { source, .. } | Self::Listen { source, .. }) = self.reason() else {
            return None;
        };
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                Some("another process listens there: \"ss -ltnp\" names it")
            }
            io::ErrorKind::AddrNotAvailable => {
                Some("no interface of this machine has that address")
            }
            io::ErrorKind::PermissionDenied if self.is_low_port() => Some(
                "a port below 1024 needs root, or CAP_NET_BIND_SERVICE; any user may listen on 8080",
            ),
            _ => None,
        }
    }

    /// The failure behind it: for [`Self::StillBusy`] the last one.
    #[must_use]
    pub fn reason(&self) -> &Self {
        match self {
            Self::StillBusy { last } => last.reason(),
            other => other,
        }
    }

    fn is_low_port(&self) -> bool {
        let (Self::Call { address, .. } | Self::Listen { address, .. }) = self else {
            return false;
        };
        matches!(address, ListenAddress::Inet(inet) if inet.port() < 1024)
    }

    fn is_busy(&self) -> bool {
        match self {
            Self::Call { source, .. } | Self::Listen { source, .. } => {
                source.kind() == io::ErrorKind::AddrInUse
            }
            Self::StillBusy { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_in_the_machine_is_not_paced() {
        let default = RawSocket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let default = default.tcp_congestion().unwrap();
        for (address, is_local) in [("127.0.0.1:0", true), ("0.0.0.0:0", false)] {
            let address = ListenAddress::Inet(address.parse().unwrap());
            let socket = RawSocket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            // Not every kernel has it, and not every one lets everybody choose it.
            let paces = socket.set_tcp_congestion(b"bbr").is_ok();
            set_options(&socket, &ListenerConfig::new(address, 0));
            let expected: &[u8] = match (paces, is_local) {
                (true, true) => b"reno",
                (true, false) => b"bbr",
                (false, _) => &default,
            };
            assert!(socket.tcp_congestion().unwrap().starts_with(expected));
        }
    }

    /// A socket that goes on with other parameters, and what it is now.
    fn reloaded(old: ListenerConfig, new: impl Fn(ListenerConfig) -> ListenerConfig) -> Listeners {
        let before = Listeners::bind(vec![old], None, 2).unwrap();
        let (_, address) = before.addresses().next().unwrap();
        let config = new(ListenerConfig::new(address.clone(), 0));
        Listeners::bind(vec![config], Some(&before), 2).unwrap()
    }

    fn any_port() -> ListenerConfig {
        ListenerConfig::new(ListenAddress::Inet("127.0.0.1:0".parse().unwrap()), 0)
    }

    #[test]
    fn a_socket_that_stays_gets_its_new_options() {
        let deferred = ListenerConfig {
            deferred: true,
            ..any_port()
        };
        let after = reloaded(deferred, |config| ListenerConfig {
            so_keepalive: Some(TcpKeepAlive {
                enabled: true,
                ..TcpKeepAlive::default()
            }),
            rcvbuf: Some(100_000),
            ..config
        });
        let socket = SockRef::from(&after.sockets[0].descriptors[0]);
        assert!(socket.keepalive().unwrap());
        // The kernel doubles what it is told.
        assert_eq!(socket.recv_buffer_size().unwrap(), 200_000);
        let address = socket.local_addr().unwrap();
        let _silent = std::net::TcpStream::connect(address.as_socket().unwrap()).unwrap();
        assert!(socket.accept().is_ok(), "nothing has to come first");
    }

    #[test]
    fn a_socket_stays_with_reuseport_as_without() {
        for reuseport in [false, true] {
            let old = ListenerConfig {
                reuseport,
                ..any_port()
            };
            let after = reloaded(old, |config| ListenerConfig {
                reuseport: !reuseport,
                tag: 7,
                ..config
            });
            let socket = &after.sockets[0];
            let sockets = if reuseport { 2 } else { 1 };
            assert_eq!(socket.descriptors.len(), sockets);
            assert_eq!((socket.config.reuseport, socket.config.tag), (reuseport, 7));
        }
    }
}
