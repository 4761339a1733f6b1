//! A running server: sockets first, then everything else; signals; reload; the end.
//!
//! ```text
//! bind ─▶ workers ─▶ privileges ─▶ pid file ─▶ ┬ HUP   new configuration in place of the old
//!                                              ├ USR1  logs opened anew
//!                                              ├ TERM, QUIT  drain, within the deadline
//!                                              └ INT, or a second signal  stop at once
//! ```

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portunus_conf::{Config, d};
use portunus_handler::{Handler, SharedSite, Worker};
use portunus_server::{Listeners, ServerConfig, ServerHandle};
use portunus_telemetry::{ErrorLogLayer, LogWriter, reopen_all};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::build::{Built, Kept, build};
use crate::launch::{Launch, Ready};
use crate::pid_file::PidFile;
use crate::preset::ManifestWatch;
use crate::signal::describe;
use crate::sys;

/// How long a draining server waits for requests in flight: Docker kills after 10 s.
///
/// Differs: nginx waits for ever where `worker_shutdown_timeout` is not set.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(9);

/// `-t`: opens the sockets and closes them again. A busy address is fine, for the server that is
/// being checked may be running.
pub(crate) fn try_bind(built: Built) -> Result<(), String> {
    match Listeners::bind(built.listeners, None, 1) {
        Ok(_) => Ok(()),
        Err(error) => match error.to_string() {
            busy if busy.contains("(98:") || busy.starts_with("still could not bind") => Ok(()),
            other => Err(other),
        },
    }
}

/// Runs the server; returns when it has ended well.
///
/// # Errors
/// What kept it from starting, in nginx's words.
pub(crate) fn run(
    launch: &Launch,
    config: &Config,
    built: Built,
    kept: Kept,
    report: Option<std::fs::File>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    built.process_log.install_as_process_log();
    let subscriber = tracing_subscriber::registry().with(ErrorLogLayer);
    // A second server in one process, as in tests, goes on with the first one's.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let workers = built.server.workers;
    let listeners = Listeners::bind(built.listeners, None, workers).map_err(|e| e.to_string())?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new().map_err(|error| error.to_string())?;
        let site: SharedSite = Arc::new(ArcSwap::from_pointee(built.site));
        let handle = start(listeners, &built.server, Arc::clone(&site), &kept)?;
        raise_file_limit(config);
        make_directories(config, &kept);
        drop_privileges(config)?;
        change_directory(config)?;
        kept.caches.start();
        let pid_path = launch.pid_path(config);
        let pid_file = PidFile::write(&pid_path).map_err(|error| {
            format!(
                "open() \"{}\" failed ({})",
                pid_path.display(),
                describe(&error)
            )
        })?;
        if let Some(mut report) = report {
            let _ = sys::detach_standard_streams();
            let _ = report.write_all(b"1");
        }
        tracing::info!("portunus/{} started", env!("CARGO_PKG_VERSION"));
        let mut running = Running {
            launch,
            site,
            handle,
            kept,
            deadline: deadline(config),
            pid_file,
            watch: launch.watch(),
        };
        running.until_the_end(&mut signals).await;
        Ok(())
    });
    LogWriter::global().flush();
    result
}

fn start(
    listeners: Listeners,
    config: &ServerConfig,
    site: SharedSite,
    kept: &Kept,
) -> Result<ServerHandle, String> {
    let make = move |_| Worker::from(Handler::new(Arc::clone(&site)));
    let handle = portunus_server::start(listeners, config, make).map_err(|e| e.to_string())?;
    // The cell is empty: it belongs to this server alone.
    let _ = kept.server.set(handle.clone());
    Ok(handle)
}

/// `worker_rlimit_nofile`; where it fails the server goes on with what there is, as nginx does.
fn raise_file_limit(config: &Config) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Some(wanted) = config.main().number(d::WORKER_RLIMIT_NOFILE) else {
        return;
    };
    let limit = Rlimit {
        current: Some(wanted),
        maximum: Some(wanted),
    };
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        let error = describe(&error.into());
        tracing::error!("setrlimit(RLIMIT_NOFILE, {wanted}) failed ({error})");
    }
}

/// `working_directory`.
fn change_directory(config: &Config) -> Result<(), String> {
    let Some(path) = config.main().text(d::WORKING_DIRECTORY) else {
        return Ok(());
    };
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    std::env::set_current_dir(path).map_err(|error| {
        let path = path.display();
        format!("chdir(\"{path}\") failed ({})", describe(&error))
    })
}

/// The directories of stored answers belong to whom the server becomes.
fn make_directories(config: &Config, kept: &Kept) {
    let user = config.main().words(d::USER).first();
    let user = user.filter(|_| rustix::process::geteuid().is_root());
    let user = user.and_then(|user| sys::user_id(user.as_str()?).ok());
    kept.caches.make_directories(user);
}

/// `user`, where there are privileges to give up.
///
/// Differs: without the directive nginx becomes `nobody`; in a container the user that started us
/// is the one that is meant.
fn drop_privileges(config: &Config) -> Result<(), String> {
    let words = config.main().words(d::USER);
    let Some(user) = words.first().and_then(|word| word.as_str()) else {
        return Ok(());
    };
    if !rustix::process::geteuid().is_root() {
        tracing::warn!(
            "the \"user\" directive makes sense only with super-user privileges, ignored"
        );
        return Ok(());
    }
    let group = words.get(1).and_then(|word| word.as_str());
    sys::become_user(user, group).map_err(|error| error.to_string())
}

fn deadline(config: &Config) -> Duration {
    match config.main().duration(d::WORKER_SHUTDOWN_TIMEOUT) {
        Duration::ZERO => SHUTDOWN_TIMEOUT,
        set => set,
    }
}

struct Signals {
    hup: Stream,
    usr1: Stream,
    quit: Stream,
    term: Stream,
    int: Stream,
}

enum Event {
    Reload,
    Reopen,
    Drain,
    Stop,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            quit: signal(SignalKind::quit())?,
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.hup.recv() => Event::Reload,
            _ = self.usr1.recv() => Event::Reopen,
            _ = self.quit.recv() => Event::Drain,
            _ = self.term.recv() => Event::Drain,
            _ = self.int.recv() => Event::Stop,
        }
    }
}

struct Running<'l> {
    launch: &'l Launch,
    site: SharedSite,
    handle: ServerHandle,
    kept: Kept,
    deadline: Duration,
    pid_file: PidFile,
    /// A file whose change calls for a reload.
    watch: Option<ManifestWatch>,
}

/// Learns how many workers the FPMs have that the configuration names; requests do not wait for it.
/// Never ready when there is nothing to learn.
async fn learn_workers(kept: &mut Kept) {
    match kept.pools.next_look() {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
    kept.pools.learn().await;
}

impl Running<'_> {
    async fn until_the_end(&mut self, signals: &mut Signals) {
        loop {
            let event = tokio::select! {
                event = signals.next() => event,
                () = changed(&mut self.watch) => Event::Reload,
                () = learn_workers(&mut self.kept) => continue,
            };
            match event {
                Event::Reload => {
                    self.kept.pools.forget();
                    self.reload();
                }
                Event::Reopen => reopen(),
                Event::Drain => break self.drain(signals).await,
                Event::Stop => break self.handle.stop_now().await,
            }
        }
        self.handle.join();
        self.kept.caches.flush();
        tracing::info!("exit");
        tracing::debug!("removed {}", self.pid_file.path().display());
    }

    /// Requests in flight may finish; a second signal ends the patience.
    async fn drain(&mut self, signals: &mut Signals) {
        tracing::info!("gracefully shutting down");
        let drained = self.handle.drain(Some(self.deadline));
        tokio::pin!(drained);
        loop {
            tokio::select! {
                whole = &mut drained => {
                    if !whole {
                        tracing::warn!("requests were cut off after {:?}", self.deadline);
                    }
                    return;
                }
                event = signals.next() => match event {
                    Event::Drain | Event::Stop => return self.handle.stop_now().await,
                    Event::Reopen => reopen(),
                    Event::Reload => {}
                },
            }
        }
    }

    /// Puts a new configuration in place of the old one, or says why not and changes nothing.
    fn reload(&mut self) {
        tracing::info!("reconfiguring");
        let Some(ready) = self.launch.load() else {
            tracing::error!("the new configuration has errors; the old one stays in force");
            return;
        };
        let Ready {
            config,
            sources,
            mut diagnostics,
        } = ready;
        let mut kept = self.kept.clone();
        let built = build(&config, &mut kept, &mut diagnostics);
        self.launch.print(&diagnostics, &sources);
        if diagnostics.has_errors() {
            tracing::error!("the new configuration has errors; the old one stays in force");
            return;
        }
        let inherited = self.handle.listeners();
        match Listeners::bind(built.listeners, Some(&inherited), built.server.workers) {
            Ok(listeners) => {
                built.process_log.install_as_process_log();
                self.kept = kept;
                self.kept.caches.start();
                self.deadline = deadline(&config);
                self.site.store(Arc::new(built.site));
                self.handle.reload(listeners);
            }
            Err(error) => tracing::error!("{error}; the old configuration stays in force"),
        }
    }
}

/// Waits for a change where there is something to watch, else for ever.
async fn changed(watch: &mut Option<ManifestWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn reopen() {
    tracing::info!("reopening logs");
    for error in reopen_all() {
        tracing::error!("{error}");
    }
}
