//! What Portunus tells about itself: log writers that never block a request, the error log in
//! nginx's format, and the clock that both print.

mod clock;
mod error_log;
mod local_time;
mod log_file;
mod outlet;
mod severity;
mod syslog;
mod writer;

pub use clock::{Clock, Timestamps};
pub use error_log::{ErrorLog, ErrorLogLayer, ErrorTarget, emit, with_error_log};
pub use log_file::{Compression, LogFile, OpenLogError};
pub use severity::Severity;
pub use syslog::SyslogHeader;
pub use writer::{LogWriter, give_all_to, reopen_all};
