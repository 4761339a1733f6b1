//! The levels of nginx's error log.

/// How bad an error-log line is, most severe first.
///
/// Source: nginx, `ngx_log.h` (`NGX_LOG_*`), directive `error_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The process cannot go on.
    Emerg,
    /// Something that must not happen did.
    Alert,
    /// A resource of the system is failing.
    Crit,
    /// A request failed.
    Error,
    /// A request met something odd.
    Warn,
    /// Worth knowing in normal operation.
    Notice,
    /// Chatter of normal operation.
    Info,
    /// For developers.
    Debug,
}

impl Severity {
    /// The level of that name in an `error_log` directive, or `None` where there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "emerg" => Self::Emerg,
            "alert" => Self::Alert,
            "crit" => Self::Crit,
            "error" => Self::Error,
            "warn" => Self::Warn,
            "notice" => Self::Notice,
            "info" => Self::Info,
            name if name.starts_with("debug") => Self::Debug,
            _ => return None,
        })
    }

    /// The word between the brackets of a log line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl From<tracing::Level> for Severity {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Notice,
            tracing::Level::DEBUG => Self::Info,
            tracing::Level::TRACE => Self::Debug,
        }
    }
}
