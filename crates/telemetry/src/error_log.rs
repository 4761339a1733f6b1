//! The error log in nginx's format, and the bridge from `tracing` to it.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer};

use crate::{Clock, LogFile, Severity};

/// One `error_log` directive: where to, and from which level on.
#[derive(Clone, Debug)]
pub struct ErrorTarget {
    /// Lines less severe than this are left out.
    pub level: Severity,
    /// Where lines go.
    pub file: Arc<LogFile>,
}

/// The `error_log` directives that hold at one level of the configuration.
#[derive(Clone, Debug, Default)]
pub struct ErrorLog {
    targets: Arc<[ErrorTarget]>,
}

impl ErrorLog {
    /// A log that writes to each of `targets`.
    #[must_use]
    pub fn new(targets: Vec<ErrorTarget>) -> Self {
        Self {
            targets: targets.into(),
        }
    }

    /// Whether any target wants lines of this severity.
    #[must_use]
    pub fn enabled(&self, severity: Severity) -> bool {
        self.targets.iter().any(|target| severity <= target.level)
    }

    /// Writes one line: time, level, process, connection, message.
    pub fn write(&self, severity: Severity, connection: Option<u64>, message: fmt::Arguments<'_>) {
        if !self.enabled(severity) {
            return;
        }
        let line = render(severity, connection, message);
        for target in self
            .targets
            .iter()
            .filter(|target| severity <= target.level)
        {
            target.file.append_now(severity, line.as_bytes());
        }
    }

    /// Makes this the log for everything that belongs to no request.
    pub fn install_as_process_log(&self) {
        *process_log()
            .write()
            .unwrap_or_else(PoisonError::into_inner) = self.clone();
    }
}

fn render(severity: Severity, connection: Option<u64>, message: fmt::Arguments<'_>) -> String {
    let stamps = Clock::timestamps();
    let (time, level, pid) = (&stamps.error_log, severity.name(), std::process::id());
    let mut line = format!("{time} [{level}] {pid}#0: ");
    // Writing to a String cannot fail.
    if let Some(serial) = connection {
        let _ = write!(line, "*{serial} ");
    }
    let start = line.len();
    let _ = line.write_fmt(message);
    escape_control(&mut line, start);
    line.push('\n');
    line
}

/// Bytes of a client must not forge lines: control characters come out as `\xHH`.
fn escape_control(line: &mut String, start: usize) {
    if line[start..]
        .bytes()
        .all(|byte| byte >= 0x20 && byte != 0x7f)
    {
        return;
    }
    let tail = line.split_off(start);
    for character in tail.chars() {
        if character.is_control() {
            let _ = write!(line, "\\x{:02X}", u32::from(character));
        } else {
            line.push(character);
        }
    }
}

fn process_log() -> &'static RwLock<ErrorLog> {
    static LOG: OnceLock<RwLock<ErrorLog>> = OnceLock::new();
    LOG.get_or_init(RwLock::default)
}

struct RequestLog {
    log: ErrorLog,
    connection: u64,
}

thread_local! {
    static REQUEST_LOG: RefCell<Option<RequestLog>> = const { RefCell::new(None) };
}

/// Runs `body`; what it logs through `tracing` or [`emit`] goes to `log`, marked with the
/// connection's serial number.
pub fn with_error_log<T>(log: &ErrorLog, connection: u64, body: impl FnOnce() -> T) -> T {
    let ours = RequestLog {
        log: log.clone(),
        connection,
    };
    let outer = REQUEST_LOG.replace(Some(ours));
    let result = body();
    REQUEST_LOG.set(outer);
    result
}

/// Writes a line to the log of the request at hand, or else to the process's.
pub fn emit(severity: Severity, message: fmt::Arguments<'_>) {
    REQUEST_LOG.with_borrow(|current| match current {
        Some(request) => request
            .log
            .write(severity, Some(request.connection), message),
        None => {
            let log = process_log()
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            log.write(severity, None, message);
        }
    });
}

/// Sends `tracing` events to the error log; `info` comes out as nginx's `notice`, and a field `severity`
/// names a level that `tracing` does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorLogLayer;

impl<S: tracing::Subscriber> Layer<S> for ErrorLogLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        let level = || Severity::from(*event.metadata().level());
        let severity = message.severity.unwrap_or_else(level);
        emit(severity, format_args!("{}{}", message.text, message.fields));
    }
}

#[derive(Default)]
struct Message {
    text: String,
    fields: String,
    severity: Option<Severity>,
}

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "severity" => self.severity = Severity::from_name(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name => write!(self.fields, ", {name}: {value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_like_nginx_and_cannot_be_forged() {
        let line = render(Severity::Error, Some(7), format_args!("a\nb\u{7f}"));
        let (_, rest) = line.split_once(" [").unwrap();
        assert_eq!(
            rest,
            format!("error] {}#0: *7 a\\x0Ab\\x7F\n", std::process::id())
        );
    }

    #[test]
    fn request_log_wins_over_process_log_and_ends_with_its_scope() {
        let dir = tempfile::tempdir().unwrap();
        let file = LogFile::open(&dir.path().join("e.log")).unwrap();
        let log = ErrorLog::new(vec![ErrorTarget {
            level: Severity::Warn,
            file: file.clone(),
        }]);
        with_error_log(&log, 3, || {
            emit(Severity::Error, format_args!("kept"));
            emit(Severity::Info, format_args!("left out"));
        });
        emit(Severity::Error, format_args!("elsewhere"));
        file.write_out();
        let text = std::fs::read_to_string(dir.path().join("e.log")).unwrap();
        assert!(text.contains("*3 kept") && !text.contains("left out") && !text.contains("else"));
    }
}
