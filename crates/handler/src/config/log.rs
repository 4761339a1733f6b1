//! `log_format` and `access_log`.

use std::sync::Arc;

use portunus_telemetry::LogFile;

use super::Template;
use crate::open_logs::OpenLogs;

/// `log_format`.
#[derive(Debug)]
pub struct LogFormat {
    /// The line, without its end.
    pub line: Template,
    /// How values are escaped.
    pub escape: LogEscape,
}

/// `log_format … escape=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEscape {
    /// `"`, `\` and bytes outside 32–126 as `\xHH`.
    Default,
    /// As in a JSON string.
    Json,
    /// Not at all.
    None,
}

/// One `access_log` directive that is not `off`.
#[derive(Debug)]
pub struct AccessLog {
    /// Where lines go.
    pub target: LogTarget,
    /// What they say.
    pub format: Arc<LogFormat>,
    /// `if=`: lines are left out where this is empty or `0`.
    pub condition: Option<Template>,
}

/// Where an access log goes.
#[derive(Debug)]
pub enum LogTarget {
    /// A file opened at load.
    File(Arc<LogFile>),
    /// A path with variables, opened when it is needed; `open_log_file_cache` keeps it open.
    Dynamic(Template, Option<Arc<OpenLogs>>),
}
