//! The pool of PHP-FPM connections: slots, queue, reuse, retry, and the exchange itself.
//!
//! A PHP-FPM worker serves one connection at a time and a kept connection pins it. So the
//! pool never holds more connections than FPM has workers, lets requests wait in a fair and
//! bounded line, closes connections often enough that other clients of the same FPM get
//! their turn, and passes no answer off as whole that is not.
//!
//! ```text
//!   Pool::send ─▶ slots + line ─▶ connection ─▶ exchange ─▶ answer ─▶ Response
//!                     ▲                            (records)  (head,     │ whole, or
//!                     └──── keeper (idle, time-outs)           length)   │ spooled by a task, or
//!                                                                        ▼ streamed on demand
//! ```
//!
//! The pool is shared by all threads; each thread runs a tokio runtime of its own. A
//! connection lives on the reactor of one thread and is moved when a request of another gets it.

mod answer;
mod chunks;
mod config;
mod connection;
mod discovery;
mod error;
mod exchange;
mod flight;
mod health;
mod keeper;
mod outage;
mod outgoing;
mod pool;
mod queue;
mod request;
mod response;
mod running;
mod send;
mod slots;
mod stderr;
mod stream;

pub use config::{Address, Options, PoolConfig, Reuse};
pub use discovery::{FpmFacts, PhpVersion, ProcessManager, discover};
pub use error::{Error, ErrorKind, Failure, Phase};
pub use health::{FpmStatus, Health, HealthError};
pub use pool::{Load, Pool};
pub use queue::Queue;
pub use request::{Body, BodyStream, Request};
pub use response::{Aside, Response, ResponseBody, Timings, Traffic};
pub use send::Sending;
pub use slots::Size;
