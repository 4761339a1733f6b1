//! Assembles the server from its configuration, swaps it on reload, owns start and stop.
//!
//! The only crate that knows both the configuration language and the runtime crates.
#![allow(
    clippy::print_stderr,
    reason = "before there is a log, the terminal is where errors go"
)]

mod at_start;
mod build;
mod explain;
mod healthcheck;
mod launch;
mod lifecycle;
mod pid_file;
mod preset;
mod privileges;
mod scheduling;
mod signal;
mod signals;
mod sys;
mod templates;

pub use explain::Question;
pub use launch::Launch;
pub use portunus_handler::NGINX_VERSION;
pub use preset::{Preset, PublicError};
pub use signal::Signal;
pub use templates::{TemplateError, Templates};

/// Where the configuration is without `-c`; as in nginx's packages and images.
pub const DEFAULT_CONF: &str = "/etc/nginx/nginx.conf";
/// What relative paths are below without `-p`.
pub const DEFAULT_PREFIX: &str = "/etc/nginx/";
/// Where errors go until the configuration says otherwise.
pub const DEFAULT_ERROR_LOG: &str = "/var/log/nginx/error.log";
/// Where requests are logged until the configuration says otherwise.
pub const DEFAULT_ACCESS_LOG: &str = "/var/log/nginx/access.log";
/// Where the process id is written until the configuration says otherwise.
pub const DEFAULT_PID: &str = "/run/nginx.pid";
