//! `log_format`, `access_log`, `error_log`.

use std::ffi::OsStr;
use std::net::ToSocketAddrs as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portunus_conf::typed::{self, LogBuffer, Syslog};
use portunus_conf::{Directive, Scope, Word, d};
use portunus_handler::{
    AccessLog, LogEscape, LogFormat, LogTarget, OpenLogs, OpenLogsConfig, Template,
};
use portunus_telemetry::{Compression, ErrorLog, ErrorTarget, LogFile, Severity, SyslogHeader};

/// How long lines wait to be compressed together where `flush=` does not say.
const COMPRESSED_AFTER: Duration = Duration::from_secs(60);

use super::{Builder, WHEN_OPENED};

/// nginx's predefined format.
const COMBINED: &[u8] = br#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

impl Builder<'_> {
    /// Compiles all formats; `combined` is always there.
    pub(super) fn formats(&mut self, http: Option<Scope<'_>>) {
        let resolve = |name: &[u8]| self.names.resolve(name).ok_or(());
        if let Ok(line) = Template::compile(COMBINED, resolve) {
            let format = LogFormat {
                line,
                escape: LogEscape::Default,
            };
            self.formats
                .push((b"combined".as_slice().into(), Arc::new(format)));
        }
        for directive in http.into_iter().flat_map(|http| http.all(d::LOG_FORMAT)) {
            self.format(directive);
        }
    }

    fn format(&mut self, directive: &Directive) {
        let [name, parts @ ..] = &directive.args[..] else {
            return;
        };
        let (escape, parts) = match parts.first().map(Word::as_bytes) {
            Some(b"escape=json") => (LogEscape::Json, &parts[1..]),
            Some(b"escape=none") => (LogEscape::None, &parts[1..]),
            Some(b"escape=default") => (LogEscape::Default, &parts[1..]),
            _ => (LogEscape::Default, parts),
        };
        let Some(first) = parts.first() else { return };
        let text: Vec<u8> = parts
            .iter()
            .flat_map(portunus_conf::Word::as_bytes)
            .copied()
            .collect();
        if let Some(number) = number_as_name(&text) {
            let number = number.escape_ascii();
            self.refuse_value(directive, first, &format!("unknown \"{number}\" variable"));
        }
        let line = self.template_of(directive, first, &text);
        self.formats
            .push((name.as_bytes().into(), Arc::new(LogFormat { line, escape })));
    }

    /// The first format of that name, without regard to case.
    ///
    /// Source: nginx, `ngx_http_log_set_log`.
    fn format_named(&self, name: &[u8]) -> Option<Arc<LogFormat>> {
        let mut formats = self.formats.iter();
        let found = formats.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, format)| Arc::clone(format))
    }

    /// The access logs of a level.
    pub(super) fn access_logs(&mut self, scope: Scope<'_>) -> Arc<[AccessLog]> {
        let directives = scope.all(d::ACCESS_LOG);
        if directives.is_empty() {
            return self.default_access_log();
        }
        let mut logs = Vec::new();
        for directive in directives {
            if directive
                .args
                .first()
                .is_some_and(|word| word.as_bytes() == b"off")
            {
                return Arc::default();
            }
            logs.extend(self.access_log(scope, directive));
        }
        logs.into()
    }

    /// Without any directive nginx writes `combined` to `logs/access.log`.
    ///
    /// Differs: nginx does not start where it cannot. Nobody has asked for this log.
    fn default_access_log(&mut self) -> Arc<[AccessLog]> {
        let path = Path::new(crate::DEFAULT_ACCESS_LOG);
        let file = match self.open_log(path) {
            Ok(file) => file,
            Err(message) => {
                let help = "\"access_log /dev/stdout;\" or another one, or \"access_log off;\"";
                self.warn_of_log(format!("{message}, requests are not logged"), help);
                return Arc::default();
            }
        };
        let Some(format) = self.format_named(b"combined") else {
            return Arc::default();
        };
        Arc::new([AccessLog {
            target: LogTarget::File(file),
            format,
            condition: None,
        }])
    }

    fn access_log(&mut self, scope: Scope<'_>, directive: &Directive) -> Option<AccessLog> {
        let [path, rest @ ..] = &directive.args[..] else {
            return None;
        };
        let named = rest
            .first()
            .filter(|word| !is_option(word))
            .map(Word::as_bytes);
        let name = named.unwrap_or(b"combined");
        let Some(format) = self.format_named(name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            self.error(directive, format!("unknown log format \"{name}\""));
            return None;
        };
        let condition = rest
            .iter()
            .find_map(|word| Some((word, word.as_bytes().strip_prefix(b"if=")?)));
        let condition = condition.map(|(word, text)| self.template_of(directive, word, text));
        let target = match typed::AccessLog::parse(directive) {
            Ok(typed::AccessLog::To {
                target: typed::LogTarget::Syslog(syslog),
                ..
            }) => LogTarget::File(self.syslog(directive, &syslog, Some(syslog.severity))?),
            Ok(typed::AccessLog::To {
                buffer:
                    Some(LogBuffer {
                        gzip: Some(level),
                        size,
                        flush,
                    }),
                ..
            }) => {
                let how = Compression {
                    level,
                    size: usize::try_from(size).unwrap_or(usize::MAX),
                    flush: flush.unwrap_or(COMPRESSED_AFTER),
                };
                LogTarget::File(self.compressed_log(directive, path, how)?)
            }
            _ => self.log_target(scope, directive, path)?,
        };
        Some(AccessLog {
            target,
            format,
            condition,
        })
    }

    /// `open_log_file_cache`: levels that inherit it share it.
    fn open_logs(&mut self, scope: Scope<'_>) -> Option<Arc<OpenLogs>> {
        let directive = scope.find(d::OPEN_LOG_FILE_CACHE)?;
        let cache = typed::OpenFileCache::parse_log(directive).ok()?;
        let config = OpenLogsConfig {
            max: usize::try_from(cache.max?).unwrap_or(usize::MAX),
            inactive: cache.inactive,
            valid: cache.valid,
            min_uses: u32::try_from(cache.min_uses).unwrap_or(u32::MAX),
        };
        let known = self.open_logs.entry(directive.name.span);
        let logs = known.or_insert_with(|| Arc::new(OpenLogs::new(config)));
        Some(Arc::clone(logs))
    }

    fn log_target(
        &mut self,
        scope: Scope<'_>,
        directive: &Directive,
        path: &Word,
    ) -> Option<LogTarget> {
        if path.as_bytes().contains(&b'$') {
            let full = self.config.full_path(path.as_bytes());
            let text = full.as_os_str().as_encoded_bytes().to_vec();
            let path = self.template_of(directive, path, &text);
            return Some(LogTarget::Dynamic(path, self.open_logs(scope)));
        }
        let full = self.config.full_path(path.as_bytes());
        match self.open_log(&full) {
            Ok(file) => Some(LogTarget::File(file)),
            Err(message) => {
                self.open_failed(directive, message);
                None
            }
        }
    }

    fn compressed_log(
        &mut self,
        directive: &Directive,
        path: &Word,
        how: Compression,
    ) -> Option<Arc<LogFile>> {
        let path = self.config.full_path(path.as_bytes());
        if let Some(file) = self.log_files.get(&path) {
            return Some(Arc::clone(file));
        }
        match LogFile::open_compressed(&path, how) {
            Ok(file) => {
                self.log_files.insert(path, Arc::clone(&file));
                Some(file)
            }
            Err(error) => {
                self.open_failed(directive, error.to_string());
                None
            }
        }
    }

    fn syslog(
        &mut self,
        directive: &Directive,
        syslog: &Syslog<'_>,
        severity: Option<u8>,
    ) -> Option<Arc<LogFile>> {
        let header = SyslogHeader {
            facility: syslog.facility.into(),
            severity: severity.map(u16::from),
            hostname: (!syslog.no_hostname)
                .then(|| String::from_utf8_lossy(&super::hostname()).into_owned()),
            tag: String::from_utf8_lossy(syslog.tag).into_owned(),
        };
        let opened = match &syslog.server.address {
            portunus_conf::Address::Unix(path) => {
                LogFile::syslog_unix(Path::new(OsStr::from_bytes(path)), header)
            }
            portunus_conf::Address::Ip(server) => LogFile::syslog(*server, header),
            portunus_conf::Address::Name(name, port) => {
                let name = String::from_utf8_lossy(name);
                let mut found = (&*name, *port).to_socket_addrs().into_iter().flatten();
                match found.next() {
                    Some(server) => LogFile::syslog(server, header),
                    None => {
                        let message = format!("host not found in syslog server \"{name}\"");
                        self.error(directive, message);
                        return None;
                    }
                }
            }
        };
        opened
            .map_err(|error| self.error(directive, format!("syslog socket: {error}")))
            .ok()
    }

    /// The error logs of a level.
    pub(super) fn error_log(&mut self, scope: Scope<'_>) -> ErrorLog {
        let directives = scope.all(d::ERROR_LOG);
        if directives.is_empty() {
            return self.default_error_log();
        }
        let targets = directives
            .into_iter()
            .filter_map(|directive| self.error_target(directive));
        ErrorLog::new(targets.collect())
    }

    /// The log of `-e`, or nginx's own where that is not given either.
    ///
    /// Differs: nginx does not start where it cannot be opened.
    fn default_error_log(&mut self) -> ErrorLog {
        let path = self.kept.error_log.clone();
        let opened = match path.as_os_str().is_empty() {
            true => None,
            false => match self.open_log(&path) {
                Ok(file) => Some(file),
                Err(message) => {
                    let message = format!(
                        "could not open error log file: {message}, errors are logged to stderr"
                    );
                    self.warn_of_log(message, "\"error_log stderr;\" says so, or another one");
                    None
                }
            },
        };
        let level = Severity::Error;
        let target = |file| ErrorTarget { level, file };
        let file = opened.or_else(|| LogFile::stderr().ok());
        ErrorLog::new(file.map(target).into_iter().collect())
    }

    /// A log that nobody has named cannot be had. Each level comes here.
    fn warn_of_log(&mut self, message: String, help: &str) {
        if self
            .diagnostics
            .iter()
            .any(|other| other.message == message)
        {
            return;
        }
        let diagnostic =
            portunus_conf::Diagnostic::new(portunus_conf::Severity::Warn, message, WHEN_OPENED);
        self.diagnostics.push(diagnostic.with_help(help));
    }

    fn error_target(&mut self, directive: &Directive) -> Option<ErrorTarget> {
        let path = directive.args.first()?;
        let level = directive
            .args
            .get(1)
            .and_then(|word| Severity::from_name(word.as_str()?));
        let level = level.unwrap_or(Severity::Error);
        match typed::ErrorLog::parse(directive).map(|log| log.target) {
            Ok(typed::LogTarget::Syslog(syslog)) => {
                // Each message has its own severity.
                let file = self.syslog(directive, &syslog, None)?;
                return Some(ErrorTarget { level, file });
            }
            Ok(typed::LogTarget::Memory(_)) => {
                self.error(directive, "error_log to memory is not supported");
                return None;
            }
            _ => {}
        }
        let opened = match path.as_bytes() {
            b"stderr" => LogFile::stderr().map_err(|error| error.to_string()),
            name => self.open_log(&self.config.full_path(name)),
        };
        match opened {
            Ok(file) => Some(ErrorTarget { level, file }),
            Err(message) => {
                self.open_failed(directive, message);
                None
            }
        }
    }

    /// nginx opens logs after reading everything, so it names neither file nor line.
    fn open_failed(&mut self, directive: &Directive, message: String) {
        let span = Some(directive.span);
        // Each level that inherits the directive comes here.
        let known =
            |other: &portunus_conf::Diagnostic| other.span == span && other.message == message;
        if self.diagnostics.iter().any(known) {
            return;
        }
        let diagnostic =
            portunus_conf::Diagnostic::new(portunus_conf::Severity::Emerg, message, WHEN_OPENED);
        self.diagnostics.push(diagnostic.with_span(directive.span));
    }

    fn open_log(&mut self, path: &Path) -> Result<Arc<LogFile>, String> {
        if let Some(file) = self.log_files.get(path) {
            return Ok(Arc::clone(file));
        }
        let file = LogFile::open(path).map_err(|error| error.to_string())?;
        self.log_files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }
}

fn is_option(word: &Word) -> bool {
    let text = word.as_bytes();
    [&b"buffer="[..], b"flush=", b"gzip", b"if="]
        .iter()
        .any(|option| text.starts_with(option))
}

/// What would be a capture elsewhere: a log knows none, so `$1` is a variable of that name.
///
/// Source: nginx, `ngx_http_log_compile_format`.
fn number_as_name(format: &[u8]) -> Option<&[u8]> {
    let mut parts = format.split(|byte| *byte == b'$');
    parts.next();
    parts.find_map(|part| {
        let part = part.strip_prefix(b"{").unwrap_or(part);
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let end = part
            .iter()
            .position(|byte| !is_name(byte))
            .unwrap_or(part.len());
        let name = &part[..end];
        name.first().is_some_and(u8::is_ascii_digit).then_some(name)
    })
}
