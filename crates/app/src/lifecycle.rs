//! A running server: sockets first, then everything else; signals; reload; the end.
//!
//! ```text
//! bind ─▶ pid file ─▶ privileges ─▶ workers ─▶ ┬ HUP   new configuration in place of the old
//!                                              ├ USR1  logs opened anew
//!                                              ├ TERM, QUIT  not ready, then drain by the deadline
//!                                              └ INT, or a second signal  stop at once
//! ```

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portunus_conf::{Config, d};
use portunus_errno::errno_text;
use portunus_handler::{Handler, SharedSite, Worker};
use portunus_server::{BindError, Listeners, ServerConfig, ServerHandle};
use portunus_telemetry::{ErrorLogLayer, LogWriter, reopen_all};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::at_start::AtStart;
use crate::build::{Built, Kept, build};
use crate::launch::{Launch, Ready, Unready};
use crate::pid_file::PidFile;
use crate::preset::ManifestWatch;
use crate::privileges::{affordable_connections, drop_privileges, raise_file_limit};
use crate::scheduling::Scheduling;
use crate::signals::{Event, Signals, reap_orphans};
use crate::sys::{self, Account};

/// How long the logs may take for their last lines when everything else is over.
const LAST_LINES: Duration = Duration::from_secs(1);

/// `-t`: opens the sockets and closes them again. A busy address is fine, for the server that is
/// being checked may be running.
pub(crate) fn try_bind(built: Built) -> Result<(), String> {
    match Listeners::bind(built.listeners, None, 1) {
        Ok(listeners) => {
            remove(&listeners.files());
            Ok(())
        }
        Err(BindError::StillBusy { .. }) => Ok(()),
        Err(error) => Err(explained(&error)),
    }
}

/// Whether the pid file could be written.
pub(crate) fn try_pid_file(path: &Path) -> Result<(), String> {
    PidFile::probe(path).map_err(|error| cannot_write_pid(path, &error))
}

fn cannot_open(path: &Path, error: &std::io::Error) -> String {
    let (path, reason) = (path.display(), errno_text(error));
    format!("open() \"{path}\" failed ({reason})")
}

/// The same of a pid file, for the terminal.
fn cannot_write_pid(path: &Path, error: &std::io::Error) -> String {
    let text = cannot_open(path, error);
    let help = "\"pid\", or --pid of \"portunus serve\", names a file that can be written, in a tmpfs for instance";
    format!("{text}\n  help: {help}")
}

/// A socket that could not be had, for the terminal: the reason, and what may be done about it.
fn explained(error: &BindError) -> String {
    let mut text = error.to_string();
    if let BindError::StillBusy { last } = error {
        text = format!("{last}\nnginx: [emerg] {text}");
    }
    if let Some(help) = error.help() {
        text.push_str(&format!("\n  help: {help}"));
    }
    text
}

/// Runs the server; returns when it has ended well.
///
/// # Errors
/// What kept it from starting, in nginx's words.
pub(crate) fn run(
    launch: &Launch,
    mut ready: Ready,
    built: Built,
    kept: Kept,
    report: Option<std::fs::File>,
) -> Result<(), String> {
    let watch = ready.watch.take();
    let config = &ready.config;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    // Before anybody can see that we are here: a signal that comes now is one to us, and does not end us.
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new().map_err(|error| error.to_string())?
    };
    built.process_log.install_as_process_log();
    let subscriber = tracing_subscriber::registry().with(ErrorLogLayer);
    // A second server in one process, as in tests, goes on with the first one's.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let workers = built.server.workers;
    let listeners =
        Listeners::bind(built.listeners, None, workers).map_err(|error| explained(&error))?;
    let result = runtime.block_on(async {
        tokio::spawn(reap_orphans());
        let pid_path = launch.pid_path(config);
        let pid_file = PidFile::write(&pid_path);
        let pid_file = pid_file.map_err(|error| cannot_write_pid(&pid_path, &error))?;
        let descriptors = raise_file_limit(config);
        let server = ServerConfig {
            worker_connections: affordable_connections(&built.server, descriptors),
            ..built.server
        };
        make_directories(config, &kept);
        drop_privileges(config, built.temp_dirs)?;
        change_directory(config)?;
        kept.caches.start();
        let site: SharedSite = Arc::new(ArcSwap::from_pointee(built.site));
        let scheduling = Scheduling::of(config, &kept.pools);
        let handle = start(listeners, &server, Arc::clone(&site), &kept, scheduling)?;
        if let Some(mut report) = report {
            let _ = sys::detach_standard_streams();
            let _ = report.write_all(b"1");
        }
        launch.note_what_has_no_effect(&ready);
        tracing::info!("portunus/{} started", env!("CARGO_PKG_VERSION"));
        let mut running = Running {
            launch,
            site,
            handle,
            kept,
            shutdown: Shutdown::of(config),
            pid_file,
            watch,
            at_start: AtStart::of(&ready.config),
        };
        running.until_the_end(&mut signals).await;
        Ok(())
    });
    // Nobody waits for a password that is still being hashed, or a file that is still being read.
    runtime.shutdown_background();
    LogWriter::global().flush(LAST_LINES);
    result
}

pub(crate) fn start(
    listeners: Listeners,
    config: &ServerConfig,
    site: SharedSite,
    kept: &Kept,
    scheduling: Scheduling,
) -> Result<ServerHandle, String> {
    let files = kept.files.clone();
    let make = move |_| {
        scheduling.put_on();
        tokio::task::spawn_local(files.clone().forget_idle());
        Worker::from(Handler::new(Arc::clone(&site)))
    };
    let handle = portunus_server::start(listeners, config, make).map_err(|e| e.to_string())?;
    // The cell is empty: it belongs to this server alone.
    let _ = kept.server.set(handle.clone());
    Ok(handle)
}

/// `working_directory`.
fn change_directory(config: &Config) -> Result<(), String> {
    let Some(path) = config.main().text(d::WORKING_DIRECTORY) else {
        return Ok(());
    };
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    std::env::set_current_dir(path).map_err(|error| {
        let path = path.display();
        format!("chdir(\"{path}\") failed ({})", errno_text(&error))
    })
}

/// The directories of stored answers belong to whom the server becomes.
fn make_directories(config: &Config, kept: &Kept) {
    let user = config.main().words(d::USER).first();
    let user = user.filter(|_| rustix::process::geteuid().is_root());
    let account = user.and_then(|user| Account::find(user.as_str()?, None).ok());
    kept.caches
        .make_directories(account.map(|account| account.user));
}

/// How long the end may take.
#[derive(Clone, Copy, Debug)]
struct Shutdown {
    /// `shutdown_delay`: how long everything but `health` goes on as before.
    delay: Duration,
    /// `worker_shutdown_timeout`: until everything is over; `None` for as long as it takes.
    deadline: Option<Duration>,
}

impl Shutdown {
    fn of(config: &Config) -> Self {
        Self {
            delay: config.main().duration(d::SHUTDOWN_DELAY),
            deadline: match config.main().duration(d::WORKER_SHUTDOWN_TIMEOUT) {
                Duration::ZERO => None,
                set => Some(set),
            },
        }
    }

    /// How long everything goes on as before.
    fn delay(self) -> Duration {
        self.deadline
            .map_or(self.delay, |deadline| deadline.min(self.delay))
    }

    /// What the drain itself may take.
    fn drain(self) -> Option<Duration> {
        Some(self.deadline?.saturating_sub(self.delay))
    }
}

struct Running<'l> {
    launch: &'l Launch,
    site: SharedSite,
    handle: ServerHandle,
    kept: Kept,
    shutdown: Shutdown,
    pid_file: PidFile,
    /// A file whose change calls for a reload.
    watch: Option<ManifestWatch>,
    at_start: AtStart,
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
                Event::Drain => break self.end(signals).await,
                Event::Stop => break self.stop_now().await,
                Event::Ignored => {}
            }
        }
        self.handle.join();
        self.kept.caches.flush();
        tracing::info!("exit");
        tracing::debug!("removed {}", self.pid_file.path().display());
    }

    /// The end without order.
    async fn stop_now(&self) {
        // None are left where a drain has begun.
        remove(&self.handle.listeners().files());
        self.handle.stop_now().await;
    }

    /// The end, in order: not ready any more, no new connections, requests in flight finish. A
    /// second signal ends the patience.
    async fn end(&mut self, signals: &mut Signals) {
        tracing::info!("gracefully shutting down");
        self.handle.announce_end();
        let shutdown = self.shutdown;
        let handle = self.handle.clone();
        let drained = async {
            if !shutdown.delay.is_zero() {
                tokio::time::sleep(shutdown.delay()).await;
            }
            remove(&handle.listeners().files());
            handle.drain(shutdown.drain()).await
        };
        tokio::pin!(drained);
        loop {
            tokio::select! {
                whole = &mut drained => {
                    if !whole {
                        let deadline = shutdown.deadline.unwrap_or_default();
                        tracing::warn!("requests were cut off after {deadline:?}, as worker_shutdown_timeout says");
                    }
                    return;
                }
                event = signals.next() => match event {
                    Event::Drain | Event::Stop => return self.stop_now().await,
                    Event::Reopen => reopen(),
                    Event::Reload | Event::Ignored => {}
                },
            }
        }
    }

    /// Puts a new configuration in place of the old one, or says why not and changes nothing.
    fn reload(&mut self) {
        tracing::info!("reconfiguring");
        let refused = |why: Unready| {
            why.log();
            tracing::error!("the new configuration has errors; the old one stays in force");
        };
        let mut ready = match self.launch.read() {
            Ok(ready) => ready,
            Err(why) => return refused(why),
        };
        let mut kept = self.kept.clone();
        let built = build(&ready.config, &mut kept, &mut ready.diagnostics);
        if ready.diagnostics.has_errors() {
            return refused(Unready::Faults(ready.diagnostics, ready.sources));
        }
        ready.log();
        let pid_path = self.launch.pid_path(&ready.config);
        let moved = !self.pid_file.is_at(&pid_path);
        let pid_file = match moved.then(|| PidFile::write(&pid_path)).transpose() {
            Ok(written) => written,
            Err(error) => {
                let error = cannot_open(&pid_path, &error);
                return keep_old(&error);
            }
        };
        let inherited = self.handle.listeners();
        match Listeners::bind(built.listeners, Some(&inherited), built.server.workers) {
            Ok(listeners) => {
                built.process_log.install_as_process_log();
                self.launch.note_what_has_no_effect(&ready);
                self.kept = kept;
                self.kept.caches.start();
                self.shutdown = Shutdown::of(&ready.config);
                self.site.store(Arc::new(built.site));
                let (mut gone, kept) = (inherited.files(), listeners.files());
                gone.retain(|path| !kept.contains(path));
                remove(&gone);
                self.handle.reload(listeners);
                // The old one goes with it.
                if let Some(pid_file) = pid_file {
                    self.pid_file = pid_file;
                }
                tracing::info!("the new configuration is in force");
                for name in self.at_start.changes(&ready.config) {
                    tracing::warn!("\"{name}\" has changed, which takes effect at the next start");
                }
            }
            Err(error) => {
                let help = error
                    .help()
                    .map(|help| format!(" ({help})"))
                    .unwrap_or_default();
                keep_old(&format!("{error}{help}"));
            }
        }
    }
}

/// A new configuration cannot be put in place.
fn keep_old(why: &str) {
    tracing::error!(
        severity = "emerg",
        "{why}; the old configuration stays in force"
    );
}

/// Removes the files of sockets that are given up. A user without the right to leaves them to the next
/// start, which takes them for what they are.
///
/// Source: nginx, `ngx_close_listening_sockets`.
fn remove(files: &[PathBuf]) {
    for path in files {
        if let Err(error) = std::fs::remove_file(path) {
            let (path, error) = (path.display(), errno_text(&error));
            tracing::warn!("unlink() \"{path}\" failed ({error})");
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
        tracing::error!(severity = "emerg", "{error}");
    }
}
